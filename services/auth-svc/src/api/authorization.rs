//! `AuthorizationService`.

use keyward_proto::auth::v1::authorization_service_server::AuthorizationService;
use keyward_proto::auth::v1::{AuthorizeRequest, AuthorizeResponse};
use tonic::{Request, Response, Status};

use super::Api;

#[tonic::async_trait]
impl AuthorizationService for Api {
    async fn authorize(
        &self,
        request: Request<AuthorizeRequest>,
    ) -> Result<Response<AuthorizeResponse>, Status> {
        let decided = self.management.checker.authorize(request.into_inner()).await;
        Ok(Response::new(decided?))
    }
}
