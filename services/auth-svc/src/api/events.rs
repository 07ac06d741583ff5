//! `EventService`. Only other parts of Keyward reach it.

use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::event_service_server::EventService;
use keyward_proto::internal::v1 as internal_pb;
use svc_core::error::Violation;
use tonic::{Request, Response, Status};

use super::Api;
use crate::domain::Event;
use crate::error::AuthError;

/// The most events of one call.
const MOST: i32 = 100;

#[tonic::async_trait]
impl EventService for Api {
    async fn list_events(
        &self,
        request: Request<pb::ListEventsRequest>,
    ) -> Result<Response<pb::ListEventsResponse>, Status> {
        let limit = request.into_inner().limit.unwrap_or(MOST);
        if !(1..=MOST).contains(&limit) {
            return Err(AuthError::Invalid(vec![Violation::out_of_range("limit", 1..=MOST)]).into());
        }
        let events = self.management.waiting_events(limit.into()).await?;
        Ok(Response::new(pb::ListEventsResponse { events: events.into_iter().map(wire).collect() }))
    }

    async fn delete_events(
        &self,
        request: Request<pb::DeleteEventsRequest>,
    ) -> Result<Response<pb::DeleteEventsResponse>, Status> {
        let ids = request.into_inner().ids;
        if ids.len() > MOST.unsigned_abs() as usize {
            return Err(AuthError::Invalid(vec![Violation::out_of_range("ids", 0..=MOST)]).into());
        }
        self.management.forget_events(ids).await?;
        Ok(Response::new(pb::DeleteEventsResponse {}))
    }
}

fn wire(event: Event) -> internal_pb::Event {
    internal_pb::Event {
        id: event.id,
        organization_id: event.organization_id.into(),
        agent_id: event.agent_id.into(),
        r#type: event.kind,
        at: Some(event.at.to_proto()),
        data: event.data,
    }
}
