//! `ErasureService`: what other services say is gone. Only other parts of Keyward reach it.

use std::sync::Arc;

use keyward_proto::extraction::v1 as pb;
use keyward_proto::extraction::v1::erasure_service_server::ErasureService;
use svc_runtime::grpc::{erasure, status};
use tonic::{Request, Response, Status};

use super::caller;
use crate::erasing::Eraser;

/// `keyward.extraction.v1.ErasureService`.
pub(crate) struct ErasureApi {
    eraser: Arc<Eraser>,
}

impl ErasureApi {
    pub(crate) fn new(eraser: Arc<Eraser>) -> ErasureApi {
        ErasureApi { eraser }
    }
}

#[tonic::async_trait]
impl ErasureService for ErasureApi {
    async fn take_erasures(
        &self,
        request: Request<pb::TakeErasuresRequest>,
    ) -> Result<Response<pb::TakeErasuresResponse>, Status> {
        let erasures = erasure::read(request.into_inner().erasures).map_err(status::of)?;
        self.eraser.take(erasures).await.map_err(caller::refuse)?;
        Ok(Response::new(pb::TakeErasuresResponse {}))
    }
}
