//! `ErasureService`: what was deleted, for whoever hands it on to those who hold more of it, and where it is said that an
//! agent is gone. Only other parts of Keyward reach it.

use std::sync::Arc;

use keyward_proto::contacts::v1 as pb;
use keyward_proto::contacts::v1::erasure_service_server::ErasureService;
use svc_core::erasure::Erased;
use svc_core::error::{Error, Fault, Violation};
use svc_db::Outbox;
use svc_runtime::grpc::{erasure, status};
use tonic::{Request, Response, Status};

use crate::agent_erasing::AgentEraser;

/// `keyward.contacts.v1.ErasureService`.
pub(crate) struct ErasureApi {
    outbox: Outbox,
    eraser: Arc<AgentEraser>,
}

impl ErasureApi {
    pub(crate) fn new(outbox: Outbox, eraser: Arc<AgentEraser>) -> ErasureApi {
        ErasureApi { outbox, eraser }
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

    async fn take_erasures(
        &self,
        request: Request<pb::TakeErasuresRequest>,
    ) -> Result<Response<pb::TakeErasuresResponse>, Status> {
        let erasures = erasure::read(request.into_inner().erasures).map_err(status::of)?;
        if let Some(at) = erasures.iter().position(|erasure| erasure.what != Erased::Agent) {
            let violation =
                Violation::new(format!("erasures[{at}].agent"), Fault::Invalid, "It is of no agent.");
            return Err(status::of(Error::invalid(vec![violation])));
        }
        for erasure in erasures {
            self.eraser.take(erasure.of).await.map_err(|error| status::of(Error::from(error)))?;
        }
        Ok(Response::new(pb::TakeErasuresResponse {}))
    }
}
