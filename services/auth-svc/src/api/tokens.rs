//! `TokenService`.

use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::token_service_server::TokenService;
use keyward_proto::policy::v1 as policy_pb;
use svc_core::idempotency::{Kept, Once};
use svc_core::secret::Secret;
use svc_runtime::replay_or_call;
use tonic::{Request, Response, Status};

use super::{Api, actor, page, pagination, role_of, time};
use crate::audit::{Action, Attempt};
use crate::domain::{Token, TokenDraft, TokenId};

#[tonic::async_trait]
impl TokenService for Api {
    async fn create_token(
        &self,
        request: Request<pb::CreateTokenRequest>,
    ) -> Result<Response<pb::CreateTokenResponse>, Status> {
        let actor = actor(&request)?;
        let call = replay_or_call!(self.management, request);
        let once = Once::of(call, |(token, _): &(Token, Secret)| Kept::secret(token.id.as_str()));
        let request = request.into_inner();
        let role = role_of(request.role)?;
        let expires_at = time("expiresAt", request.expires_at)?;
        let now = self.management.environment.clock.now();
        let name = request.name.as_deref();
        let draft = match TokenDraft::check(name, role, expires_at, actor.role, now) {
            Ok(draft) => draft,
            Err(refusal) => {
                let attempt = Attempt::to_make(Action::TokenCreated, name.unwrap_or_default());
                return Err(self.management.refused(&actor, attempt, refusal).await.into());
            }
        };
        let (token, secret) = self.management.create_token(&actor, draft, once).await?;
        let secret = secret.expose().to_owned();
        Ok(Response::new(pb::CreateTokenResponse { token: Some(wire(token)), secret }))
    }

    async fn list_tokens(
        &self,
        request: Request<pb::ListTokensRequest>,
    ) -> Result<Response<pb::ListTokensResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let page = page(request.limit, request.cursor, request.include_total);
        let list = self.management.tokens(&actor, page).await?;
        let pagination = Some(pagination(&list));
        let tokens = list.items.into_iter().map(wire).collect();
        Ok(Response::new(pb::ListTokensResponse { tokens, pagination }))
    }

    async fn get_token(
        &self,
        request: Request<pb::GetTokenRequest>,
    ) -> Result<Response<pb::GetTokenResponse>, Status> {
        let actor = actor(&request)?;
        let token = self.management.token(&actor, &TokenId::new(request.into_inner().id)).await?;
        Ok(Response::new(pb::GetTokenResponse { token: Some(wire(token)) }))
    }

    async fn delete_token(
        &self,
        request: Request<pb::DeleteTokenRequest>,
    ) -> Result<Response<pb::DeleteTokenResponse>, Status> {
        let actor = actor(&request)?;
        self.management.delete_token(&actor, TokenId::new(request.into_inner().id)).await?;
        Ok(Response::new(pb::DeleteTokenResponse {}))
    }
}

fn wire(token: Token) -> pb::Token {
    pb::Token {
        id: token.id.into(),
        name: token.name,
        role: policy_pb::Role::from(token.role).into(),
        last4: token.last4,
        expires_at: token.expires_at.map(|at| at.to_proto()),
        created_at: Some(token.created_at.to_proto()),
    }
}
