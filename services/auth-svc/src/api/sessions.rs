//! `SessionService`.

use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::session_service_server::SessionService;
use keyward_proto::policy::v1 as policy_pb;
use svc_core::email::MAX_LENGTH;
use svc_core::secret::Secret;
use svc_runtime::grpc::caller;
use tonic::{Request, Response, Status};

use super::{Api, actor, required};
use crate::domain::{Session, SessionId, presented_password};
use crate::error::AuthError;
use crate::management::{Entered, FirstRun, NewLink, SignedIn, Visitor};

/// Where the dashboard is and the API, for a call that came through no edge.
const DASHBOARD: &str = "http://127.0.0.1:8081";
const API: &str = "http://127.0.0.1:8080";

#[tonic::async_trait]
impl SessionService for Api {
    async fn set_up(
        &self,
        request: Request<pb::SetUpRequest>,
    ) -> Result<Response<pb::SetUpResponse>, Status> {
        let (visitor, told) = (visitor(&request), Told::of(&request));
        let pb::SetUpRequest { token, name, password, email, organization } = request.into_inner();
        let token = link_token(token)?;
        let asked = FirstRun { name, email, password, organization };
        let Entered { signed_in, token } = self.management.set_up(&token, asked, &visitor).await?;
        let session = Some(self.wire(signed_in, &told));
        Ok(Response::new(pb::SetUpResponse { session, token: cookie(Some(token)) }))
    }

    async fn sign_in(
        &self,
        request: Request<pb::SignInRequest>,
    ) -> Result<Response<pb::SignInResponse>, Status> {
        let (visitor, told) = (visitor(&request), Told::of(&request));
        let pb::SignInRequest { email, password } = request.into_inner();
        let email = email.as_deref().map(str::trim).unwrap_or_default();
        if email.is_empty() {
            return Err(required("email").into());
        }
        let password = presented_password("password", password.as_deref())?;
        let Entered { signed_in, token } = self.management.sign_in(email, &password, &visitor).await?;
        let session = Some(self.wire(signed_in, &told));
        Ok(Response::new(pb::SignInResponse { session, token: cookie(Some(token)) }))
    }

    async fn accept_invitation(
        &self,
        request: Request<pb::AcceptInvitationRequest>,
    ) -> Result<Response<pb::AcceptInvitationResponse>, Status> {
        let (visitor, told) = (visitor(&request), Told::of(&request));
        let pb::AcceptInvitationRequest { token, name, password } = request.into_inner();
        let token = link_token(token)?;
        let entered =
            self.management.accept_invitation(&token, name.as_deref(), password.as_deref(), &visitor).await?;
        let session = Some(self.wire(entered.signed_in, &told));
        Ok(Response::new(pb::AcceptInvitationResponse { session, token: cookie(Some(entered.token)) }))
    }

    async fn request_password_reset(
        &self,
        request: Request<pb::RequestPasswordResetRequest>,
    ) -> Result<Response<pb::RequestPasswordResetResponse>, Status> {
        let (visitor, told) = (visitor(&request), Told::of(&request));
        let email = request.into_inner().email.unwrap_or_default();
        let email = email.trim();
        if email.is_empty() || email.chars().count() > MAX_LENGTH {
            return Err(required("email").into());
        }
        self.management.request_password_reset(email, told.dashboard(), &visitor)?;
        Ok(Response::new(pb::RequestPasswordResetResponse {}))
    }

    async fn reset_password(
        &self,
        request: Request<pb::ResetPasswordRequest>,
    ) -> Result<Response<pb::ResetPasswordResponse>, Status> {
        let visitor = visitor(&request);
        let pb::ResetPasswordRequest { token, password } = request.into_inner();
        self.management.reset_password(&link_token(token)?, password.as_deref(), &visitor).await?;
        Ok(Response::new(pb::ResetPasswordResponse {}))
    }

    async fn change_password(
        &self,
        request: Request<pb::ChangePasswordRequest>,
    ) -> Result<Response<pb::ChangePasswordResponse>, Status> {
        let (actor, visitor, told) = (actor(&request)?, visitor(&request), Told::of(&request));
        let pb::ChangePasswordRequest { current, new } = request.into_inner();
        let current = presented_password("current", current.as_deref())?;
        let (signed_in, token) =
            self.management.change_password(&actor, &current, new.as_deref(), &visitor).await?;
        let session = Some(self.wire(signed_in, &told));
        Ok(Response::new(pb::ChangePasswordResponse { session, token: cookie(token) }))
    }

    async fn get_session(
        &self,
        request: Request<pb::GetSessionRequest>,
    ) -> Result<Response<pb::GetSessionResponse>, Status> {
        let (actor, told) = (actor(&request)?, Told::of(&request));
        let (signed_in, token) = self.management.who(&actor).await?;
        let session = Some(self.wire(signed_in, &told));
        Ok(Response::new(pb::GetSessionResponse { session, token: cookie(token) }))
    }

    async fn sign_out(
        &self,
        request: Request<pb::SignOutRequest>,
    ) -> Result<Response<pb::SignOutResponse>, Status> {
        self.management.sign_out(&actor(&request)?).await?;
        Ok(Response::new(pb::SignOutResponse {}))
    }

    async fn list_sessions(
        &self,
        request: Request<pb::ListSessionsRequest>,
    ) -> Result<Response<pb::ListSessionsResponse>, Status> {
        let actor = actor(&request)?;
        let found = self.management.sessions(&actor).await?;
        let current = actor.credential.session_id;
        let sessions = found.into_iter().map(|session| listed(session, current.as_ref())).collect();
        Ok(Response::new(pb::ListSessionsResponse { sessions }))
    }

    async fn end_session(
        &self,
        request: Request<pb::EndSessionRequest>,
    ) -> Result<Response<pb::EndSessionResponse>, Status> {
        let actor = actor(&request)?;
        self.management.end_session(&actor, SessionId::new(request.into_inner().id)).await?;
        Ok(Response::new(pb::EndSessionResponse {}))
    }

    async fn list_sign_in_methods(
        &self,
        _: Request<pb::ListSignInMethodsRequest>,
    ) -> Result<Response<pb::ListSignInMethodsResponse>, Status> {
        let providers = self.management.identities.providers().into_iter();
        let oidc = providers.map(|name| pb::OidcProvider { id: name.id, title: name.title }).collect();
        let reset = self.management.outbox.is_some();
        Ok(Response::new(pb::ListSignInMethodsResponse { password: true, oidc, password_reset: reset }))
    }
}

/// What the edge says of itself and of the request.
pub(super) struct Told {
    dashboard_url: String,
    api_url: String,
    client_address: String,
}

impl Told {
    pub(super) fn of<T>(request: &Request<T>) -> Told {
        let told = |key, fallback: &str| caller::told(request, key).unwrap_or(fallback).to_owned();
        let client_address = caller::client_address(request);
        Told {
            dashboard_url: told(caller::DASHBOARD_URL, DASHBOARD),
            api_url: told(caller::API_URL, API),
            client_address: client_address.map(|address| address.to_string()).unwrap_or_default(),
        }
    }

    /// Where the dashboard is.
    pub(super) fn dashboard(&self) -> &str {
        &self.dashboard_url
    }

    /// The address of a link.
    pub(super) fn url(&self, new: &NewLink) -> String {
        format!("{}/{}#{}", self.dashboard_url, new.link.kind.page(), new.token.expose())
    }
}

impl Api {
    /// Who is signed in, on the wire.
    pub(super) fn wire(&self, signed_in: SignedIn, told: &Told) -> pb::SignedIn {
        let SignedIn { member, role, organization, csrf_token, expires_at } = signed_in;
        let limits = self.management.max_limits;
        pb::SignedIn {
            organization: Some(pb::SignedInOrganization {
                id: member.organization_id.into(),
                name: organization,
            }),
            member: Some(pb::SignedInMember {
                id: member.id.into(),
                name: member.name,
                email: member.email,
                role: policy_pb::Role::from(role).into(),
            }),
            csrf_token: csrf_token.map(|token| token.expose().to_owned()),
            expires_at: expires_at.map(|at| at.to_proto()),
            scopes: self.management.scopes.iter().cloned().map(scope).collect(),
            max_rate_limits: Some(pb::MaxRateLimits {
                per_minute: limits.per_minute,
                per_hour: limits.per_hour,
            }),
            api_base_url: told.api_url.clone(),
            client_address: told.client_address.clone(),
        }
    }
}

/// Where somebody is who signs in.
pub(super) fn visitor<T>(request: &Request<T>) -> Visitor {
    Visitor {
        address: caller::client_address(request),
        user_agent: caller::told(request, caller::USER_AGENT).unwrap_or_default().to_owned(),
        request_id: caller::request_id(request).map(str::to_owned),
    }
}

fn scope(scope: policy_pb::Scope) -> pb::RegisteredScope {
    let policy_pb::Scope { name, title, badge, actions } = scope;
    pb::RegisteredScope { scope: name, title, badge, actions }
}

fn listed(session: Session, current: Option<&SessionId>) -> pb::Session {
    pb::Session {
        current: current == Some(&session.id),
        id: session.id.into(),
        created_at: Some(session.created_at.to_proto()),
        last_seen_at: Some(session.last_seen_at.to_proto()),
        client_address: session.client_address,
        user_agent: session.user_agent,
    }
}

/// The token of a session, for the cookie that the edge makes of it.
fn cookie(token: Option<Secret>) -> Option<String> {
    token.map(|token| token.expose().to_owned())
}

fn link_token(token: Option<String>) -> Result<Secret, AuthError> {
    match token.map(Secret::new).filter(|token| !token.expose().is_empty()) {
        Some(token) => Ok(token),
        None => Err(required("token")),
    }
}
