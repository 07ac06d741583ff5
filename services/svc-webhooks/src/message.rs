//! Messages: made of an event, and signed with the secrets of a webhook, which are sealed where they are kept.

use std::sync::Arc;

use svc_core::clock::Timestamp;
use svc_core::random::Random;
use svc_core::seal::Seal;

use crate::error::WebhookError;
use crate::send::Message;
use crate::signature::{SigningSecret, sign};
use crate::store::Kept;

/// The type of a message that is sent for a test.
pub(crate) const TEST: &str = "webhook.test";
/// What secrets are sealed for.
pub(crate) const SEALED_FOR: &str = "webhooks";

/// Makes messages.
pub(crate) struct Mint {
    pub(crate) seal: Seal,
    pub(crate) random: Arc<dyn Random>,
}

impl Mint {
    /// The secret of a webhook as it is kept: bound to it, so that it opens nowhere else.
    pub(crate) fn close(&self, webhook_id: &str, secret: &SigningSecret) -> Result<Vec<u8>, WebhookError> {
        self.seal.close(&*self.random, secret.bytes(), webhook_id).ok_or(WebhookError::Sealed)
    }

    /// A message to a webhook, signed at `now`. `data` is a JSON object.
    pub(crate) fn message(
        &self,
        kept: &Kept,
        id: &str,
        event: &str,
        event_at: Timestamp,
        data: &str,
        now: Timestamp,
    ) -> Result<Message, WebhookError> {
        let mut secrets = vec![self.open(kept, &kept.secret)?];
        let overlaps = kept.webhook.overlap_ends_at.is_some_and(|end| now < end);
        if let Some(older) = kept.older_secret.as_ref().filter(|_| overlaps) {
            secrets.push(self.open(kept, older)?);
        }
        // Event types and times hold nothing that JSON would escape.
        let body = format!(r#"{{"type":"{event}","timestamp":"{event_at}","data":{data}}}"#);
        let signed = sign(&secrets, id, now, &body);
        Ok(Message { url: kept.webhook.settings.url.clone(), id: id.to_owned(), signed, body })
    }

    fn open(&self, kept: &Kept, sealed: &[u8]) -> Result<SigningSecret, WebhookError> {
        let opened = self.seal.open(sealed, &kept.webhook.id);
        opened.map(SigningSecret::of).ok_or(WebhookError::Sealed)
    }
}
