//! `DeedService`: what members did here, for whoever hands it on to the audit log. Only other parts of Keyward reach it.

use keyward_proto::contacts::v1 as pb;
use keyward_proto::contacts::v1::deed_service_server::DeedService;
use svc_core::error::{Error, Violation};
use svc_db::Outbox;
use svc_runtime::grpc::{deed, status};
use tonic::{Request, Response, Status};

/// The most deeds of one call.
const MOST: i32 = 100;

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
        let limit = request.into_inner().limit.unwrap_or(MOST);
        if !(1..=MOST).contains(&limit) {
            return Err(status::of(Error::invalid(vec![Violation::out_of_range("limit", 1..=MOST)])));
        }
        let waiting =
            self.outbox.waiting(limit.into()).await.map_err(|error| status::of(Error::from(error)))?;
        let deeds = waiting.into_iter().filter_map(deed::message).collect();
        Ok(Response::new(pb::ListDeedsResponse { deeds }))
    }

    async fn delete_deeds(
        &self,
        request: Request<pb::DeleteDeedsRequest>,
    ) -> Result<Response<pb::DeleteDeedsResponse>, Status> {
        let ids = request.into_inner().ids;
        if ids.len() > MOST.unsigned_abs() as usize {
            return Err(status::of(Error::invalid(vec![Violation::out_of_range("ids", 0..=MOST)])));
        }
        self.outbox.forget(&ids).await.map_err(|error| status::of(Error::from(error)))?;
        Ok(Response::new(pb::DeleteDeedsResponse {}))
    }
}
