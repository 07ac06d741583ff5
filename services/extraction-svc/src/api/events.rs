//! `EventService`: what webhooks tell of jobs, for whoever hands it on. Only other parts of Keyward reach it.

use keyward_proto::extraction::v1 as pb;
use keyward_proto::extraction::v1::event_service_server::EventService;
use keyward_proto::internal::v1 as internal_pb;
use svc_core::parcel::Parcel;
use svc_db::Outbox;
use svc_runtime::grpc::status;
use tonic::{Request, Response, Status};

/// `keyward.extraction.v1.EventService`.
pub(crate) struct EventApi {
    outbox: Outbox,
}

impl EventApi {
    pub(crate) fn new(outbox: Outbox) -> EventApi {
        EventApi { outbox }
    }
}

#[tonic::async_trait]
impl EventService for EventApi {
    async fn list_events(
        &self,
        request: Request<pb::ListEventsRequest>,
    ) -> Result<Response<pb::ListEventsResponse>, Status> {
        let waiting = self.outbox.list(request.into_inner().limit).await.map_err(status::of)?;
        Ok(Response::new(pb::ListEventsResponse { events: waiting.into_iter().map(wire).collect() }))
    }

    async fn delete_events(
        &self,
        request: Request<pb::DeleteEventsRequest>,
    ) -> Result<Response<pb::DeleteEventsResponse>, Status> {
        self.outbox.delete(&request.into_inner().ids).await.map_err(status::of)?;
        Ok(Response::new(pb::DeleteEventsResponse {}))
    }
}

fn wire(parcel: Parcel) -> internal_pb::Event {
    internal_pb::Event {
        id: parcel.id,
        organization_id: parcel.of.organization_id,
        agent_id: parcel.of.agent_id,
        r#type: parcel.kind,
        at: Some(parcel.at.to_proto()),
        data: parcel.data,
    }
}
