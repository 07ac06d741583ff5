//! `DeedService`: what members did here, for whoever hands it on to the audit log. Only other parts of Keyward reach it.

use keyward_proto::contacts::v1 as pb;
use keyward_proto::contacts::v1::deed_service_server::DeedService;
use svc_db::Outbox;
use svc_runtime::grpc::{deed, status};
use tonic::{Request, Response, Status};

/// `keyward.contacts.v1.DeedService`.
pub(crate) struct DeedApi {
    outbox: Outbox,
}

impl DeedApi {
    pub(crate) fn new(outbox: Outbox) -> DeedApi {
        DeedApi { outbox }
    }
}

#[tonic::async_trait]
impl DeedService for DeedApi {
    async fn list_deeds(
        &self,
        request: Request<pb::ListDeedsRequest>,
    ) -> Result<Response<pb::ListDeedsResponse>, Status> {
        let waiting = self.outbox.list(request.into_inner().limit).await.map_err(status::of)?;
        let deeds = waiting.into_iter().filter_map(deed::message).collect();
        Ok(Response::new(pb::ListDeedsResponse { deeds }))
    }

    async fn delete_deeds(
        &self,
        request: Request<pb::DeleteDeedsRequest>,
    ) -> Result<Response<pb::DeleteDeedsResponse>, Status> {
        self.outbox.delete(&request.into_inner().ids).await.map_err(status::of)?;
        Ok(Response::new(pb::DeleteDeedsResponse {}))
    }
}
