//! What the audit log is told of webhooks: names and values, never a secret.

use reqwest::Url;
use serde_json::{Map, Value, json};
use svc_core::deed::Deed;

use crate::domain::Webhook;

/// A webhook was made.
pub(crate) fn created(made: &Webhook) -> Deed {
    on("webhook.created", made).after(facts(made))
}

/// A webhook is other than before.
pub(crate) fn updated(before: &Webhook, after: &Webhook) -> Deed {
    let mut is = facts(after);
    if before.settings.url != after.settings.url {
        // Where only what is not told has changed.
        is.insert("urlChanged".to_owned(), Value::from(true));
    }
    on("webhook.updated", after).before(facts(before)).after(is)
}

/// A webhook has a new secret.
pub(crate) fn rotated(before: &Webhook, after: &Webhook) -> Deed {
    on("webhook.secret_rotated", after).before(facts(before)).after(facts(after))
}

/// A webhook is gone.
pub(crate) fn deleted(gone: &Webhook) -> Deed {
    on("webhook.deleted", gone).before(facts(gone))
}

/// A message is sent for a test.
pub(crate) fn tested(webhook: &Webhook) -> Deed {
    on("webhook.tested", webhook)
}

/// A message is sent again.
pub(crate) fn replayed(webhook: &Webhook, delivery: &str) -> Deed {
    let of = Map::from_iter([("deliveryId".to_owned(), json!(delivery))]);
    on("webhook.delivery_replayed", webhook).after(of)
}

fn on(action: &'static str, webhook: &Webhook) -> Deed {
    Deed::on(action, &webhook.id).named(&place(&webhook.settings.url))
}

fn facts(webhook: &Webhook) -> Map<String, Value> {
    let settings = &webhook.settings;
    let events: Vec<&str> = settings.events.iter().map(|event| event.as_str()).collect();
    let facts = [
        ("url", json!(place(&settings.url))),
        ("events", json!(events)),
        ("description", json!(settings.description)),
        ("status", json!(settings.status.as_str())),
        ("overlapEndsAt", json!(webhook.overlap_ends_at.map(|end| end.to_string()))),
    ];
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Where a webhook sends to, without its path and query: many receivers are given a secret there.
fn place(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return String::new() };
    let origin = url.origin().ascii_serialization();
    match url.path() == "/" && url.query().is_none() {
        true => format!("{origin}/"),
        false => format!("{origin}/…"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_are_not_told() {
        for (url, told) in [
            ("https://example.com", "https://example.com/"),
            ("https://example.com:8443/hook", "https://example.com:8443/…"),
            ("https://hooks.example.com/services/T0/B0/s3cr3t?token=s3cr3t", "https://hooks.example.com/…"),
            ("https://[2001:db8::1]/?s3cr3t", "https://[2001:db8::1]/…"),
        ] {
            assert_eq!(place(url), told);
        }
    }
}
