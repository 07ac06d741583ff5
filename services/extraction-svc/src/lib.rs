//! Values out of documents: `keyward.extraction.v1`. It has its protos, its place in the stack and
//! its settings; what it does comes later.

mod api;
mod config;

use keyward_proto::extraction::v1::extraction_service_server::ExtractionServiceServer;
use svc_core::service::{Environment, Handlers};
use tonic::service::Routes;

pub use config::Config;
pub use svc_core::db::OpenError;

use api::ExtractionApi;

/// The name of the service: the audience of principal tokens for it, its SQLite file and its
/// PostgreSQL schema.
pub const NAME: &str = "extraction";

/// The gRPC services that it serves.
pub const SERVICES: &[&str] = &["keyward.extraction.v1.ExtractionService"];

/// The service. It keeps nothing yet, so it opens no database.
#[derive(Debug)]
pub struct ExtractionService {}

impl ExtractionService {
    /// Gets ready to serve.
    pub async fn open(_: &Config, _: &Environment) -> Result<ExtractionService, OpenError> {
        Ok(ExtractionService {})
    }

    /// What answers the calls, without the stack in front.
    pub async fn handlers(&self) -> Handlers {
        Handlers::new(SERVICES, Routes::new(ExtractionServiceServer::new(ExtractionApi))).await
    }

    /// Frees what it holds.
    pub async fn close(&self) {}
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use keyward_proto::extraction::v1::GetJobRequest;
    use keyward_proto::extraction::v1::extraction_service_client::ExtractionServiceClient;
    use svc_core::db;
    use svc_core::error::{Error, Reason};
    use svc_core::grpc::Upstream;
    use svc_core::principal::{Principal, Subject};
    use tower::Layer;

    use super::*;

    fn principal(permission: &str) -> Arc<Principal> {
        Arc::new(Principal {
            organization_id: "65f0c0ffee65f0c0ffee65f0".to_owned(),
            agent_id: Some("65f0c0ffee65f0c0ffee65f1".to_owned()),
            subject: Subject::Key("65f0c0ffee65f0c0ffee65f2".to_owned()),
            permissions: vec![permission.to_owned()],
            role: None,
        })
    }

    #[tokio::test]
    async fn a_call_that_may_be_made_answers_unimplemented() {
        let directory = tempfile::tempdir().unwrap();
        let environment = Environment::system(directory.path().to_owned(), db::Config::default());
        let service = ExtractionService::open(&Config::default(), &environment).await.unwrap();
        let handlers = service.handlers().await;
        let stack = handlers.stack(None, None, &environment.metrics).unwrap();
        let upstream = Upstream::in_process(NAME, stack.layer(handlers.routes()));
        for (permission, reason) in [
            ("document-extraction:read", Reason::Unimplemented),
            ("document-extraction:create", Reason::PermissionDenied),
        ] {
            let mut request = tonic::Request::new(GetJobRequest::default());
            request.extensions_mut().insert(principal(permission));
            let answer = ExtractionServiceClient::new(upstream.clone()).get_job(request).await;
            assert_eq!(Error::from(answer.unwrap_err()).reason, reason);
        }
        service.close().await;
    }
}
