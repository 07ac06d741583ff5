//! `TokenService`.

use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::token_service_server::TokenService;
use tonic::{Request, Response, Status};

use super::{Api, actor, page, pagination, role_of, role_to_wire, time};
use crate::domain::{Token, TokenDraft};

#[tonic::async_trait]
impl TokenService for Api {
    async fn create_token(
        &self,
        request: Request<pb::CreateTokenRequest>,
    ) -> Result<Response<pb::CreateTokenResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let role = role_of(request.role)?;
        let expires_at = time("expiresAt", request.expires_at)?;
        let now = self.management.environment.clock.now();
        let draft = TokenDraft::check(request.name.as_deref(), role, expires_at, actor.role, now)?;
        let (token, secret) = self.management.create_token(actor, draft).await?;
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
        let token = self.management.token(&actor, &request.into_inner().id).await?;
        Ok(Response::new(pb::GetTokenResponse { token: Some(wire(token)) }))
    }

    async fn delete_token(
        &self,
        request: Request<pb::DeleteTokenRequest>,
    ) -> Result<Response<pb::DeleteTokenResponse>, Status> {
        let actor = actor(&request)?;
        self.management.delete_token(actor, request.into_inner().id).await?;
        Ok(Response::new(pb::DeleteTokenResponse {}))
    }
}

fn wire(token: Token) -> pb::Token {
    pb::Token {
        id: token.id,
        name: token.name,
        role: role_to_wire(token.role).into(),
        last4: token.last4,
        expires_at: token.expires_at.map(|at| at.to_proto()),
        created_at: Some(token.created_at.to_proto()),
    }
}
