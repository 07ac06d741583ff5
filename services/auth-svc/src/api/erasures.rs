//! `ErasureService`: agents that were deleted, for whoever hands it on to the services that hold something of them. Only
//! other parts of Keyward reach it.

use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::erasure_service_server::ErasureService;
use svc_db::Outbox;
use svc_runtime::grpc::{erasure, status};
use tonic::{Request, Response, Status};

/// `keyward.auth.v1.ErasureService`.
pub(crate) struct ErasureApi {
    outbox: Outbox,
}

impl ErasureApi {
    pub(crate) fn new(outbox: Outbox) -> ErasureApi {
        ErasureApi { outbox }
    }
}

#[tonic::async_trait]
impl ErasureService for ErasureApi {
    async fn list_erasures(
        &self,
        request: Request<pb::ListErasuresRequest>,
    ) -> Result<Response<pb::ListErasuresResponse>, Status> {
        let waiting = self.outbox.list(request.into_inner().limit).await.map_err(status::of)?;
        let erasures = waiting.into_iter().filter_map(erasure::message).collect();
        Ok(Response::new(pb::ListErasuresResponse { erasures }))
    }

    async fn delete_erasures(
        &self,
        request: Request<pb::DeleteErasuresRequest>,
    ) -> Result<Response<pb::DeleteErasuresResponse>, Status> {
        self.outbox.delete(&request.into_inner().ids).await.map_err(status::of)?;
        Ok(Response::new(pb::DeleteErasuresResponse {}))
    }
}
