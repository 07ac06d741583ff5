//! `WebhookService` and `WebhookEventService`: messages to the types of `svc_webhooks` and back.

mod events;
mod message;

use std::sync::Arc;

use keyward_proto::contacts::v1 as pb;
use keyward_proto::contacts::v1::webhook_service_server::WebhookService;
use keyward_proto::policy::v1::Pagination;
use svc_core::actor::Actor;
use svc_core::cursor;
use svc_core::error::{Error, Fault, Violation};
use svc_core::idempotency::{Kept, Once};
use svc_core::ids::is_id;
use svc_core::page::PageSize;
use svc_core::precondition::Precondition;
use svc_runtime::grpc::idempotency::kept;
use svc_runtime::grpc::{caller, status};
use svc_runtime::replay_or_call;
use svc_webhooks::{Delivery, Partition, WebhookError, Webhooks, WithSecret};
use tonic::{Request, Response, Status};

use message::{change, draft, failure, status_filter, wire, wire_delivery};

pub(crate) use events::WebhookEventApi;

/// The settings that a change may name.
const CHANGEABLE: [&str; 4] = ["url", "events", "description", "status"];

/// `keyward.contacts.v1.WebhookService`.
pub(crate) struct WebhookApi {
    webhooks: Arc<Webhooks>,
}

impl WebhookApi {
    pub(crate) fn new(webhooks: Arc<Webhooks>) -> WebhookApi {
        WebhookApi { webhooks }
    }
}

/// Who acts, and on whose webhooks. From the principal only, never from the message.
fn actor<T>(request: &Request<T>) -> Result<Actor, Status> {
    caller::actor(request).map(|(_, actor)| actor).map_err(status::of)
}

/// Whose webhooks.
fn owner<T>(request: &Request<T>) -> Result<Partition, Status> {
    Ok(actor(request)?.partition)
}

fn refused(error: WebhookError) -> Status {
    status::of(Error::from(error))
}

fn keep_secret(made: &WithSecret) -> Kept {
    Kept::secret(&made.webhook.id)
}

#[tonic::async_trait]
impl WebhookService for WebhookApi {
    async fn create_webhook(
        &self,
        request: Request<pb::CreateWebhookRequest>,
    ) -> Result<Response<pb::CreateWebhookResponse>, Status> {
        let actor = actor(&request)?;
        let once = Once::of(replay_or_call!(*self.webhooks, request), keep_secret);
        let draft = draft(request.into_inner().webhook.unwrap_or_default());
        let WithSecret { webhook, secret } =
            self.webhooks.create(&actor, draft, once).await.map_err(refused)?;
        tracing::info!(webhook.id, agent.id = actor.partition.agent_id, "a webhook is made");
        let secret = secret.expose().to_owned();
        Ok(Response::new(pb::CreateWebhookResponse { webhook: Some(wire(webhook)), secret }))
    }

    async fn list_webhooks(
        &self,
        request: Request<pb::ListWebhooksRequest>,
    ) -> Result<Response<pb::ListWebhooksResponse>, Status> {
        let owner = owner(&request)?;
        let request = request.into_inner();
        let scope = format!("webhooks/{}/{}", owner.organization_id, owner.agent_id);
        let (size, after) = page(&scope, request.limit, request.cursor.as_deref()).map_err(status::of)?;
        let (webhooks, more) = self.webhooks.list(&owner, size, after.as_deref()).await.map_err(refused)?;
        let last = webhooks.last().map(|webhook| webhook.id.as_str());
        let pagination = Some(pagination(&scope, size, last, more));
        let webhooks = webhooks.into_iter().map(wire).collect();
        Ok(Response::new(pb::ListWebhooksResponse { webhooks, pagination }))
    }

    async fn get_webhook(
        &self,
        request: Request<pb::GetWebhookRequest>,
    ) -> Result<Response<pb::GetWebhookResponse>, Status> {
        let owner = owner(&request)?;
        let webhook = self.webhooks.get(&owner, &request.into_inner().id).await.map_err(refused)?;
        Ok(Response::new(pb::GetWebhookResponse { webhook: Some(wire(webhook)) }))
    }

    async fn update_webhook(
        &self,
        request: Request<pb::UpdateWebhookRequest>,
    ) -> Result<Response<pb::UpdateWebhookResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let paths = mask(request.update_mask).map_err(status::of)?;
        let draft = change(request.webhook.unwrap_or_default(), &paths);
        let precondition = Precondition::of(request.if_match, None);
        let updated = self.webhooks.update(&actor, &request.id, draft, precondition).await;
        let webhook = updated.map_err(refused)?;
        tracing::info!(webhook.id, agent.id = actor.partition.agent_id, "a webhook is changed");
        Ok(Response::new(pb::UpdateWebhookResponse { webhook: Some(wire(webhook)) }))
    }

    async fn delete_webhook(
        &self,
        request: Request<pb::DeleteWebhookRequest>,
    ) -> Result<Response<pb::DeleteWebhookResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let precondition = Precondition::of(request.if_match, None);
        self.webhooks.delete(&actor, &request.id, precondition).await.map_err(refused)?;
        tracing::info!(webhook.id = request.id, agent.id = actor.partition.agent_id, "a webhook is deleted");
        Ok(Response::new(pb::DeleteWebhookResponse {}))
    }

    async fn test_webhook(
        &self,
        request: Request<pb::TestWebhookRequest>,
    ) -> Result<Response<pb::TestWebhookResponse>, Status> {
        let actor = actor(&request)?;
        let outcome = self.webhooks.test(&actor, &request.into_inner().id).await.map_err(refused)?;
        let result = pb::WebhookTestResult {
            delivered: outcome.is_delivered(),
            status: outcome.status(),
            failure: outcome.failure().map(failure),
        };
        Ok(Response::new(pb::TestWebhookResponse { result: Some(result) }))
    }

    async fn rotate_webhook_secret(
        &self,
        request: Request<pb::RotateWebhookSecretRequest>,
    ) -> Result<Response<pb::RotateWebhookSecretResponse>, Status> {
        let actor = actor(&request)?;
        let once = Once::of(replay_or_call!(*self.webhooks, request), keep_secret);
        let request = request.into_inner();
        let rotated = self.webhooks.rotate(&actor, &request.id, request.overlap_seconds, once).await;
        let WithSecret { webhook, secret } = rotated.map_err(refused)?;
        tracing::info!(webhook.id, agent.id = actor.partition.agent_id, "the secret of a webhook is rotated");
        let secret = secret.expose().to_owned();
        Ok(Response::new(pb::RotateWebhookSecretResponse { webhook: Some(wire(webhook)), secret }))
    }

    async fn list_webhook_deliveries(
        &self,
        request: Request<pb::ListWebhookDeliveriesRequest>,
    ) -> Result<Response<pb::ListWebhookDeliveriesResponse>, Status> {
        let owner = owner(&request)?;
        let request = request.into_inner();
        let filter = status_filter(request.status).map_err(status::of)?;
        let scope = format!(
            "deliveries/{}/{}/{}/status={}",
            owner.organization_id,
            owner.agent_id,
            request.id,
            filter.map_or("", |status| status.as_str())
        );
        let (size, after) = page(&scope, request.limit, request.cursor.as_deref()).map_err(status::of)?;
        let found = self.webhooks.deliveries(&owner, &request.id, filter, size, after.as_deref()).await;
        let (deliveries, more) = found.map_err(refused)?;
        let last = deliveries.last().map(|delivery| delivery.id.as_str());
        let pagination = Some(pagination(&scope, size, last, more));
        let deliveries = deliveries.into_iter().map(wire_delivery).collect();
        Ok(Response::new(pb::ListWebhookDeliveriesResponse { deliveries, pagination }))
    }

    async fn replay_webhook_delivery(
        &self,
        request: Request<pb::ReplayWebhookDeliveryRequest>,
    ) -> Result<Response<pb::ReplayWebhookDeliveryResponse>, Status> {
        let actor = actor(&request)?;
        let call = replay_or_call!(*self.webhooks, request);
        let once = Once::of(call, |delivery: &Delivery| kept(&replayed(delivery.clone()), &delivery.id));
        let request = request.into_inner();
        let delivery = self.webhooks.replay(&actor, &request.id, &request.delivery_id, once).await;
        Ok(Response::new(replayed(delivery.map_err(refused)?)))
    }
}

fn replayed(delivery: Delivery) -> pb::ReplayWebhookDeliveryResponse {
    pb::ReplayWebhookDeliveryResponse { delivery: Some(wire_delivery(delivery)) }
}

/// The paths of an update mask. A path that cannot change is refused.
fn mask(mask: Option<prost_types::FieldMask>) -> Result<Vec<String>, Error> {
    let paths = mask.map(|mask| mask.paths).unwrap_or_default();
    let fixed = paths.iter().filter(|path| !CHANGEABLE.contains(&path.as_str()));
    let violations: Vec<_> = fixed
        .map(|path| {
            let shown: String = path.chars().take(100).collect();
            Violation::new(&shown, Fault::Immutable, format!("`{shown}` cannot be changed."))
        })
        .collect();
    if violations.is_empty() { Ok(paths) } else { Err(Error::invalid(violations)) }
}

/// How many, and after which one.
fn page(scope: &str, limit: Option<i32>, cursor: Option<&str>) -> Result<(PageSize, Option<String>), Error> {
    let size = PageSize::new(limit).map_err(|violation| Error::invalid(vec![violation]))?;
    let Some(cursor) = cursor else { return Ok((size, None)) };
    let [id] = cursor::decode(scope, cursor)?;
    // Nothing comes after what is no id.
    Ok((size, Some(id).filter(|id| is_id(id))))
}

fn pagination(scope: &str, size: PageSize, last: Option<&str>, has_more: bool) -> Pagination {
    let next_cursor = last.filter(|_| has_more).map(|id| cursor::encode(scope, &[id]));
    Pagination { limit: size.get(), has_more, next_cursor, total: None }
}
