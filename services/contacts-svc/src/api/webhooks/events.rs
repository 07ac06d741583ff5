//! `WebhookEventService`.

use std::sync::Arc;

use keyward_proto::contacts::v1 as pb;
use keyward_proto::contacts::v1::webhook_event_service_server::WebhookEventService;
use keyward_proto::internal::v1::Event as Published;
use svc_core::clock::Timestamp;
use svc_core::error::{Error, Fault, Violation};
use svc_runtime::grpc::status;
use svc_webhooks::{Event, EventType, Partition, Webhooks};
use tonic::{Request, Response, Status};

use super::refused;

/// `keyward.contacts.v1.WebhookEventService`. Only other parts of Keyward reach it.
pub(crate) struct WebhookEventApi {
    webhooks: Arc<Webhooks>,
}

impl WebhookEventApi {
    pub(crate) fn new(webhooks: Arc<Webhooks>) -> WebhookEventApi {
        WebhookEventApi { webhooks }
    }
}

#[tonic::async_trait]
impl WebhookEventService for WebhookEventApi {
    async fn publish_events(
        &self,
        request: Request<pb::PublishEventsRequest>,
    ) -> Result<Response<pb::PublishEventsResponse>, Status> {
        let published = request.into_inner().events.into_iter().enumerate();
        let events = published.map(|(at, event)| read(at, event)).collect::<Result<_, _>>();
        self.webhooks.publish(events.map_err(status::of)?).await.map_err(refused)?;
        Ok(Response::new(pb::PublishEventsResponse {}))
    }
}

fn read(at: usize, published: Published) -> Result<Event, Error> {
    let bad = |field: &str| {
        let violation = Violation::new(format!("events[{at}].{field}"), Fault::Invalid, "It is not known.");
        Error::invalid(vec![violation])
    };
    let Published { id, organization_id, agent_id, r#type, at: time, data } = published;
    Ok(Event {
        id,
        owner: Partition { organization_id, agent_id },
        event: EventType::parse(&r#type).ok_or_else(|| bad("type"))?,
        at: time.as_ref().and_then(Timestamp::from_proto).ok_or_else(|| bad("at"))?,
        data,
    })
}
