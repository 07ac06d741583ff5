//! Webhooks and their messages, as callers see them.

use keyward_proto::contacts::v1 as pb;
use svc_core::clock::Timestamp;
use svc_core::error::{Error, Fault, Violation};
use svc_webhooks::{Delivery, DeliveryStatus, DisabledReason, Draft, Failure, Webhook, WebhookStatus};

/// A new webhook, as it was sent.
pub(super) fn draft(webhook: pb::Webhook) -> Draft {
    let mut violations = output_only(&webhook);
    let status = status(webhook.status).unwrap_or_else(|violation| {
        violations.push(violation);
        None
    });
    let (url, events) = (webhook.url, Some(webhook.events));
    Draft { url, events, description: Some(webhook.description), status, violations }
}

/// A change of what `paths` name. `null` clears, which only a description can be.
pub(super) fn change(webhook: pb::Webhook, paths: &[String]) -> Draft {
    let named = |name: &str| paths.iter().any(|path| path == name);
    let mut violations = Vec::new();
    let status = match status(webhook.status) {
        Ok(None) if named("status") => {
            violations.push(Violation::new("status", Fault::Required, "`status` cannot be cleared."));
            None
        }
        Ok(status) => status.filter(|_| named("status")),
        Err(violation) => {
            violations.push(violation);
            None
        }
    };
    Draft {
        url: named("url").then(|| webhook.url.unwrap_or_default()),
        events: named("events").then_some(webhook.events),
        description: named("description").then_some(webhook.description),
        status,
        violations,
    }
}

/// The edge refuses these in JSON; over gRPC nobody else does.
fn output_only(webhook: &pb::Webhook) -> Vec<Violation> {
    let sent = [
        ("id", !webhook.id.is_empty()),
        ("disabledReason", webhook.disabled_reason.is_some()),
        ("failingSince", webhook.failing_since.is_some()),
        ("overlapEndsAt", webhook.overlap_ends_at.is_some()),
        ("createdAt", webhook.created_at.is_some()),
        ("updatedAt", webhook.updated_at.is_some()),
        ("version", webhook.version != 0),
    ];
    let sent = sent.into_iter().filter(|(_, sent)| *sent);
    sent.map(|(field, _)| Violation::new(field, Fault::Immutable, format!("`{field}` cannot be set.")))
        .collect()
}

fn status(number: i32) -> Result<Option<WebhookStatus>, Violation> {
    match pb::WebhookStatus::try_from(number) {
        Ok(pb::WebhookStatus::Unspecified) => Ok(None),
        Ok(pb::WebhookStatus::Active) => Ok(Some(WebhookStatus::Active)),
        Ok(pb::WebhookStatus::Disabled) => Ok(Some(WebhookStatus::Disabled)),
        Err(_) => Err(Violation::new("status", Fault::Invalid, "`status` is not one that is known.")),
    }
}

/// The deliveries that are asked for.
pub(super) fn status_filter(number: Option<i32>) -> Result<Option<DeliveryStatus>, Error> {
    let Some(number) = number else { return Ok(None) };
    match pb::WebhookDeliveryStatus::try_from(number) {
        Ok(pb::WebhookDeliveryStatus::Pending) => Ok(Some(DeliveryStatus::Pending)),
        Ok(pb::WebhookDeliveryStatus::Delivered) => Ok(Some(DeliveryStatus::Delivered)),
        Ok(pb::WebhookDeliveryStatus::Dead) => Ok(Some(DeliveryStatus::Dead)),
        Ok(pb::WebhookDeliveryStatus::Unspecified) | Err(_) => {
            let message = "`status` must be PENDING, DELIVERED or DEAD.";
            Err(Error::invalid(vec![Violation::new("status", Fault::Invalid, message)]))
        }
    }
}

/// The webhook as callers see it.
pub(super) fn wire(webhook: Webhook) -> pb::Webhook {
    let settings = webhook.settings;
    let status = match settings.status {
        WebhookStatus::Active => pb::WebhookStatus::Active,
        WebhookStatus::Disabled => pb::WebhookStatus::Disabled,
    };
    let reason = webhook.disabled_reason.map(|reason| match reason {
        DisabledReason::ByMember => pb::WebhookDisabledReason::ByMember,
        DisabledReason::Gone => pb::WebhookDisabledReason::Gone,
        DisabledReason::Failing => pb::WebhookDisabledReason::Failing,
    });
    pb::Webhook {
        id: webhook.id,
        url: Some(settings.url),
        events: settings.events.iter().map(|event| event.as_str().to_owned()).collect(),
        description: settings.description,
        status: status.into(),
        disabled_reason: reason.map(i32::from),
        failing_since: webhook.failing_since.map(Timestamp::to_proto),
        overlap_ends_at: webhook.overlap_ends_at.map(Timestamp::to_proto),
        created_at: Some(webhook.created_at.to_proto()),
        updated_at: Some(webhook.updated_at.to_proto()),
        version: webhook.version,
    }
}

/// The message as callers see it.
pub(super) fn wire_delivery(delivery: Delivery) -> pb::WebhookDelivery {
    let status = match delivery.status {
        DeliveryStatus::Pending => pb::WebhookDeliveryStatus::Pending,
        DeliveryStatus::Delivered => pb::WebhookDeliveryStatus::Delivered,
        DeliveryStatus::Dead => pb::WebhookDeliveryStatus::Dead,
    };
    pb::WebhookDelivery {
        id: delivery.id,
        event: delivery.event.as_str().to_owned(),
        status: status.into(),
        attempts: delivery.attempts,
        last_status: delivery.last_status,
        last_failure: delivery.last_failure.map(failure),
        next_attempt_at: delivery.next_attempt_at.map(Timestamp::to_proto),
        created_at: Some(delivery.created_at.to_proto()),
    }
}

/// Why there was no answer.
pub(super) fn failure(failure: Failure) -> i32 {
    match failure {
        Failure::Unreachable => pb::WebhookFailure::Unreachable,
        Failure::Tls => pb::WebhookFailure::Tls,
        Failure::TimedOut => pb::WebhookFailure::TimedOut,
        Failure::NoAnswer => pb::WebhookFailure::NoAnswer,
    }
    .into()
}
