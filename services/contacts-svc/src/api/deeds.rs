//! `DeedService`: what members did here, for whoever hands it on to the audit log. Only other parts of Keyward reach it.

use keyward_proto::contacts::v1 as pb;
use keyward_proto::contacts::v1::deed_service_server::DeedService;
use keyward_proto::internal::v1 as internal_pb;
use serde_json::{Map, Value};
use svc_core::deed::Record;
use svc_core::error::{Error, Violation};
use svc_core::parcel::Parcel;
use svc_db::Outbox;
use svc_runtime::grpc::status;
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
        let deeds = waiting.into_iter().filter_map(wire).collect();
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

/// What cannot be read was written by somebody else. It stays, and is said.
fn wire(parcel: Parcel) -> Option<internal_pb::Deed> {
    let Ok(record) = serde_json::from_str::<Record>(&parcel.data) else {
        tracing::error!(parcel.id = parcel.id, "a deed cannot be read, and is not told");
        return None;
    };
    let text = |facts: Option<Map<String, Value>>| facts.map(|facts| Value::from(facts).to_string());
    Some(internal_pb::Deed {
        id: parcel.id,
        organization_id: parcel.of.organization_id,
        agent_id: parcel.of.agent_id,
        member_id: record.member_id,
        token_id: record.token_id,
        client_address: record.client_address,
        request_id: record.request_id,
        action: parcel.kind,
        resource_id: record.resource_id,
        resource_name: record.resource_name,
        before: text(record.before),
        after: text(record.after),
        at: Some(parcel.at.to_proto()),
    })
}
