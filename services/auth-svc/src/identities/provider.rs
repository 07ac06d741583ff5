//! A provider of OpenID Connect: what it publishes of itself, and what it says of who signs in.
//!
//! What it publishes is read when it is first needed, kept, and read again when it is old, or when a token is signed
//! with a key that is not in it. While the provider is away, what was read last is good for a day.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreGenderClaim, CoreIdToken,
    CoreIdTokenClaims, CoreIdTokenVerifier, CoreJwsSigningAlgorithm, CoreProviderMetadata,
    CoreRequestTokenError,
};
use openidconnect::{
    AccessToken, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    EmptyAdditionalClaims, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    SignatureVerificationError, TokenResponse, UserInfoClaims,
};
use svc_core::clock::{Clock, Uptime};
use svc_core::error::cause;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

use super::config::{OidcConfig, is_local_http};
use super::flow::Flow;
use super::http::{Http, HttpError};
use crate::domain::{Identity, Proven, SignInFailure};

/// What was read is read again after this time.
const FRESH: Duration = Duration::from_secs(3600);
/// For a key that is not in it, it is read again when it is at least this old: a token can name any key.
const FRESH_FOR_KEYS: Duration = Duration::from_secs(10);
/// For so long what was read last is good enough while the provider is away.
const STALE: Duration = Duration::from_secs(24 * 3600);
/// After a failure nobody tries again for this time, so that those who wait do not wait in turn.
const REST: Duration = Duration::from_secs(5);
/// How long reading both documents may take, and a whole sign-in. The RPCs have longer.
const DISCOVERY: Duration = Duration::from_secs(8);
const SIGN_IN: Duration = Duration::from_secs(16);
/// How many sign-ins of one provider may be under way with it.
const AT_ONCE: usize = 32;
/// The longest code.
const MAX_CODE: usize = 4_096;

/// How tokens may be signed: by a key that the provider alone has. Neither "not at all" nor by a shared secret.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A provider.
pub(super) struct Provider {
    pub(super) config: OidcConfig,
    issuer: IssuerUrl,
    http: Http,
    clock: Arc<dyn Clock>,
    /// Held while it is read, so that one reads and the others wait for it.
    known: Mutex<Known>,
    places: Semaphore,
}

#[derive(Default)]
struct Known {
    metadata: Option<(Arc<CoreProviderMetadata>, Uptime)>,
    failed_at: Option<Uptime>,
}

impl Provider {
    /// `None` when its settings cannot be, or TLS cannot be set up.
    pub(super) fn new(config: OidcConfig, clock: Arc<dyn Clock>) -> Option<Provider> {
        let issuer = IssuerUrl::new(config.issuer.clone()).ok()?;
        let http = Http::new(is_local_http(issuer.url())).ok()?;
        Some(Provider {
            config,
            issuer,
            http,
            clock,
            known: Mutex::default(),
            places: Semaphore::new(AT_ONCE),
        })
    }

    /// Where a browser goes to sign in.
    pub(super) async fn start(&self, back: &RedirectUrl, flow: &Flow) -> Result<String, SignInFailure> {
        let metadata = self.metadata(FRESH).await?;
        let (state, nonce) = (CsrfToken::new(flow.state.text()), Nonce::new(flow.nonce.text()));
        let verifier = PkceCodeVerifier::new(flow.verifier.text());
        let client = self.client(&metadata, back);
        let code = CoreAuthenticationFlow::AuthorizationCode;
        let request = client.authorize_url(code, move || state, move || nonce);
        let request =
            request.add_scope(Scope::new("email".to_owned())).add_scope(Scope::new("profile".to_owned()));
        let (url, _, _) =
            request.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier)).url();
        match url.scheme() == "https" || (is_local_http(self.issuer.url()) && is_local_http(&url)) {
            true => Ok(url.into()),
            false => Err(self.refuse("its address for signing in is not https")),
        }
    }

    /// Who has signed in there, by the code that their browser has brought back.
    pub(super) async fn finish(
        &self,
        back: &RedirectUrl,
        flow: &Flow,
        code: &str,
    ) -> Result<Proven, SignInFailure> {
        if code.is_empty() || code.len() > MAX_CODE {
            return Err(self.refuse("the code has no length that codes have"));
        }
        let Ok(_place) = self.places.try_acquire() else {
            tracing::warn!(oidc.provider = self.config.id, "too many sign in at once");
            return Err(SignInFailure::Unavailable);
        };
        match timeout(SIGN_IN, self.exchange(back, flow, code)).await {
            Ok(proven) => proven,
            Err(_) => Err(self.away(&format!("signing in took longer than {SIGN_IN:?}"))),
        }
    }

    async fn exchange(&self, back: &RedirectUrl, flow: &Flow, code: &str) -> Result<Proven, SignInFailure> {
        let metadata = self.metadata(FRESH).await?;
        let client = self.client(&metadata, back);
        let request = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|_| self.refuse("it names no address for tokens"))?
            .set_pkce_verifier(PkceCodeVerifier::new(flow.verifier.text()));
        let answer = request.request_async(&self.http).await.map_err(|error| self.token_failure(error))?;
        let token = answer.id_token().ok_or_else(|| self.refuse("it gives no ID token"))?;
        let claims = match self.verify(&metadata, token, flow) {
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) => self.verify(&*self.metadata(FRESH_FOR_KEYS).await?, token, flow),
            verified => verified,
        };
        let claims = claims.map_err(|error| self.refuse(&format!("its ID token does not hold: {error}")))?;
        if claims.authorized_party().is_some_and(|party| party.as_str() != self.config.client_id) {
            return Err(self.refuse("its ID token is for another client"));
        }
        let identity = Identity::new(&self.config.issuer, claims.subject())
            .ok_or_else(|| self.refuse("its subject is none"))?;
        let email = match claims.email() {
            Some(email) => Some((email.to_string(), claims.email_verified())),
            None => self.ask_for_email(&client, answer.access_token(), claims).await,
        };
        let speaks_for = |email: &String| self.config.speaks_for(email);
        let verified_email = match email {
            Some((email, Some(true))) => Some(email).filter(speaks_for),
            _ => None,
        };
        Ok(Proven { provider: self.config.title.clone(), identity, verified_email })
    }

    /// Everything that OpenID Connect Core 1.0, section 3.1.3.7, asks for: issuer, audience, signature, expiry, nonce.
    fn verify<'t>(
        &self,
        metadata: &CoreProviderMetadata,
        token: &'t CoreIdToken,
        flow: &Flow,
    ) -> Result<&'t CoreIdTokenClaims, ClaimsVerificationError> {
        let now = self.clock.now();
        let since_epoch = Duration::from_micros(u64::try_from(now.0).unwrap_or_default());
        let client_id = ClientId::new(self.config.client_id.clone());
        let verifier =
            CoreIdTokenVerifier::new_public_client(client_id, self.issuer.clone(), metadata.jwks().clone())
                .set_allowed_algs(ALGORITHMS)
                .set_time_fn(move || (SystemTime::UNIX_EPOCH + since_epoch).into());
        token.claims(&verifier, &Nonce::new(flow.nonce.text()))
    }

    /// Some say the email address only there. Without an answer there is none, which those who are known do not need.
    async fn ask_for_email(
        &self,
        client: &Client,
        token: &AccessToken,
        claims: &CoreIdTokenClaims,
    ) -> Option<(String, Option<bool>)> {
        let request = client.user_info(token.clone(), Some(claims.subject().clone())).ok()?;
        let told: Result<UserInfoClaims<EmptyAdditionalClaims, CoreGenderClaim>, _> =
            request.request_async(&self.http).await;
        match told {
            Ok(told) => Some((told.email()?.to_string(), told.email_verified())),
            Err(_) => {
                tracing::warn!(
                    oidc.provider = self.config.id,
                    "the provider does not tell the email address"
                );
                None
            }
        }
    }

    /// What it publishes of itself, not older than this if that can be had.
    async fn metadata(&self, fresh: Duration) -> Result<Arc<CoreProviderMetadata>, SignInFailure> {
        let mut known = self.known.lock().await;
        let now = self.clock.uptime();
        if let Some((metadata, read_at)) = &known.metadata
            && now.since(*read_at) < fresh
        {
            return Ok(metadata.clone());
        }
        if known.failed_at.is_none_or(|at| now.since(at) >= REST) {
            let read = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http);
            let why = match timeout(DISCOVERY, read).await {
                Ok(Ok(metadata)) => {
                    let metadata = Arc::new(metadata);
                    *known = Known { metadata: Some((metadata.clone(), now)), failed_at: None };
                    return Ok(metadata);
                }
                Ok(Err(error)) => format!("{error}: {}", cause(&error)),
                Err(_) => format!("it took longer than {DISCOVERY:?}"),
            };
            known.failed_at = Some(now);
            tracing::warn!(
                oidc.provider = self.config.id,
                "what the provider publishes cannot be read: {why}"
            );
        }
        match &known.metadata {
            Some((metadata, read_at)) if now.since(*read_at) < STALE => Ok(metadata.clone()),
            _ => Err(SignInFailure::Unavailable),
        }
    }

    fn client(&self, metadata: &CoreProviderMetadata, back: &RedirectUrl) -> Client {
        let id = ClientId::new(self.config.client_id.clone());
        let secret = self.config.client_secret.as_ref().map(|s| ClientSecret::new(s.expose().to_owned()));
        let methods = metadata.token_endpoint_auth_methods_supported();
        // The default is Basic (OpenID Connect Discovery 1.0, section 3).
        let in_body = methods.is_some_and(|methods| {
            !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
                && methods.contains(&CoreClientAuthMethod::ClientSecretPost)
        });
        let auth_type = if in_body { AuthType::RequestBody } else { AuthType::BasicAuth };
        CoreClient::from_provider_metadata(metadata.clone(), id, secret)
            .set_auth_type(auth_type)
            .set_redirect_uri(back.clone())
    }

    fn token_failure(&self, error: CoreRequestTokenError<HttpError>) -> SignInFailure {
        match error {
            RequestTokenError::Request(error) => self.away(&error.to_string()),
            // Its description may say whom it is about.
            RequestTokenError::ServerResponse(answer) => {
                self.refuse(&format!("it refuses the code: {}", answer.error()))
            }
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                self.refuse("its answer to the code cannot be read")
            }
        }
    }

    fn refuse(&self, why: &str) -> SignInFailure {
        tracing::warn!(oidc.provider = self.config.id, "a sign-in is refused: {why}");
        SignInFailure::Invalid
    }

    fn away(&self, why: &str) -> SignInFailure {
        tracing::warn!(oidc.provider = self.config.id, "the provider is away: {why}");
        SignInFailure::Unavailable
    }
}
