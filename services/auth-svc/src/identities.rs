//! Signing in with OpenID Connect: the authorization code flow with PKCE (OpenID Connect Core 1.0, section 3.1).
//!
//! [`Identities::start`] sends a browser to the provider, and [`Identities::finish`] takes what it brings back and
//! says who has signed in. What becomes of that is `management/identities.rs`.

mod config;
mod flow;
mod http;
mod next;
mod provider;

use std::sync::Arc;

use openidconnect::RedirectUrl;
use svc_core::clock::Clock;
use svc_core::random::Random;

use crate::domain::{Proven, SignInFailure};
use crate::secrets::Seal;
use flow::Flow;
use provider::Provider;

pub(crate) use config::check;
pub use config::{BadOidcConfig, OidcConfig};
pub(crate) use flow::SEALED_FOR;

/// The providers of OpenID Connect.
pub(crate) struct Identities {
    providers: Vec<Provider>,
    seal: Seal,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// A provider, as those who sign in see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProviderName {
    pub(crate) id: String,
    pub(crate) title: String,
}

/// Where a browser goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Start {
    /// The address at the provider.
    pub(crate) location: String,
    /// What the browser keeps until it comes back.
    pub(crate) cookie: String,
}

/// What a browser brings back.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CameBack<'b> {
    /// The cookie.
    pub(crate) cookie: Option<&'b str>,
    /// Of the address: what we gave it.
    pub(crate) state: Option<&'b str>,
    /// The code.
    pub(crate) code: Option<&'b str>,
    /// In place of it, why there is none.
    pub(crate) error: Option<&'b str>,
    /// Who says so (RFC 9207), if it is said.
    pub(crate) issuer: Option<&'b str>,
}

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identities({} providers)", self.providers.len())
    }
}

impl Identities {
    /// With these providers. None of them is asked anything yet.
    pub(crate) fn new(
        configs: &[OidcConfig],
        seal: Seal,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Identities, BadOidcConfig> {
        config::check(configs)?;
        let providers = configs.iter().map(|config| {
            Provider::new(config.clone(), clock.clone()).ok_or_else(|| BadOidcConfig::tls(&config.id))
        });
        Ok(Identities { providers: providers.collect::<Result<_, _>>()?, seal, clock, random })
    }

    /// Every provider, in the order of the settings.
    pub(crate) fn providers(&self) -> Vec<ProviderName> {
        let names = self.providers.iter().map(|provider| ProviderName {
            id: provider.config.id.clone(),
            title: provider.config.title.clone(),
        });
        names.collect()
    }

    /// Begins: sends a browser of the dashboard at `dashboard` to a provider, to come back to its page `next`. `None`
    /// when there is no such provider.
    pub(crate) async fn start(
        &self,
        provider: &str,
        dashboard: &str,
        next: Option<&str>,
    ) -> Option<Result<Start, SignInFailure>> {
        let provider = self.provider(provider)?;
        Some(self.start_at(provider, dashboard, next).await)
    }

    /// Ends: who has signed in, and to which page they go. `None` when there is no such provider.
    pub(crate) async fn finish(
        &self,
        provider: &str,
        dashboard: &str,
        came_back: CameBack<'_>,
    ) -> Option<Result<(Proven, String), SignInFailure>> {
        let provider = self.provider(provider)?;
        Some(self.finish_at(provider, dashboard, came_back).await)
    }

    fn provider(&self, id: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.config.id == id)
    }

    async fn start_at(
        &self,
        provider: &Provider,
        dashboard: &str,
        next: Option<&str>,
    ) -> Result<Start, SignInFailure> {
        let flow = Flow::new(next::next_or_home(next), &*self.random, self.clock.now());
        let cookie = flow.close(&self.seal, &*self.random, &provider.config.id);
        let cookie = cookie.ok_or(SignInFailure::Unavailable)?;
        let location = provider.start(&back(provider, dashboard)?, &flow).await?;
        Ok(Start { location, cookie })
    }

    async fn finish_at(
        &self,
        provider: &Provider,
        dashboard: &str,
        came_back: CameBack<'_>,
    ) -> Result<(Proven, String), SignInFailure> {
        let now = self.clock.now();
        let flow = came_back.cookie.and_then(|c| Flow::open(&self.seal, c, &provider.config.id, now));
        // First of all: without it, somebody else may have made this address.
        let flow = flow.filter(|flow| came_back.state.is_some_and(|state| flow.state.is(state)));
        let flow = flow.ok_or(SignInFailure::Expired)?;
        if came_back.issuer.is_some_and(|issuer| issuer != provider.config.issuer) {
            tracing::warn!(
                oidc.provider = provider.config.id,
                "a sign-in is refused: another issuer answers"
            );
            return Err(SignInFailure::Invalid);
        }
        match (came_back.code, came_back.error) {
            (Some(code), None) => {
                let proven = provider.finish(&back(provider, dashboard)?, &flow, code).await?;
                Ok((proven, flow.next))
            }
            (_, Some("temporarily_unavailable" | "server_error")) => Err(SignInFailure::Unavailable),
            (_, Some(_)) => Err(SignInFailure::Denied),
            (None, None) => Err(SignInFailure::Invalid),
        }
    }
}

/// Where the provider sends the browser back to. It knows this address beforehand, and takes no other.
fn back(provider: &Provider, dashboard: &str) -> Result<RedirectUrl, SignInFailure> {
    let path = format!("/v1/console/oidc/{}/callback", provider.config.id);
    RedirectUrl::new(format!("{dashboard}{path}")).map_err(|_| SignInFailure::Unavailable)
}
