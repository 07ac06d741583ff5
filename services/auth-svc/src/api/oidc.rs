//! `OidcService`.

use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::oidc_service_server::OidcService;
use svc_core::error::Error;
use svc_runtime::grpc::{caller, status};
use tonic::{Request, Response, Status};

use super::Api;
use super::sessions::{Told, visitor};
use crate::domain::SignInFailure;
use crate::identities::CameBack;

#[tonic::async_trait]
impl OidcService for Api {
    async fn start_oidc(
        &self,
        request: Request<pb::StartOidcRequest>,
    ) -> Result<Response<pb::StartOidcResponse>, Status> {
        let told = Told::of(&request);
        let pb::StartOidcRequest { provider, next } = request.into_inner();
        let started = self.management.identities.start(&provider, told.dashboard(), next.as_deref()).await;
        Ok(Response::new(match started.ok_or_else(no_provider)? {
            Ok(start) => pb::StartOidcResponse { location: start.location, flow: Some(start.cookie) },
            Err(failure) => pb::StartOidcResponse { location: sign_in_page(failure), flow: None },
        }))
    }

    async fn finish_oidc(
        &self,
        request: Request<pb::FinishOidcRequest>,
    ) -> Result<Response<pb::FinishOidcResponse>, Status> {
        let (told, visitor) = (Told::of(&request), visitor(&request));
        let cookie = caller::told(&request, caller::FLOW).map(str::to_owned);
        let pb::FinishOidcRequest { provider, state, code, error, iss } = request.into_inner();
        let came_back = CameBack {
            cookie: cookie.as_deref(),
            state: state.as_deref(),
            code: code.as_deref(),
            error: error.as_deref(),
            issuer: iss.as_deref(),
        };
        let proven = self.management.identities.finish(&provider, told.dashboard(), came_back).await;
        let entered = match proven.ok_or_else(no_provider)? {
            Ok((proven, next)) => {
                let entered = self.management.sign_in_by_provider(proven, &visitor).await?;
                entered.map(|entered| (entered.token, next))
            }
            Err(failure) => Err(failure),
        };
        Ok(Response::new(match entered {
            Ok((token, location)) => {
                pb::FinishOidcResponse { location, flow: None, token: Some(token.expose().to_owned()) }
            }
            Err(failure) => {
                pb::FinishOidcResponse { location: sign_in_page(failure), flow: None, token: None }
            }
        }))
    }
}

fn no_provider() -> Status {
    status::of(Error::not_found("Provider"))
}

fn sign_in_page(failure: SignInFailure) -> String {
    format!("/sign-in?error={}", failure.code())
}
