//! Why something with webhooks fails, and what of it the caller sees.

use svc_core::error::{Error, Reason, Violation};
use svc_core::idempotency::Repeat;
use svc_core::precondition::Unmet;
use svc_db::StoreError;

/// Why something with webhooks fails.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// Values break their rules.
    #[error("values break their rules")]
    Invalid(Vec<Violation>),
    /// The agent has no such webhook.
    #[error("there is no such webhook")]
    NotFound,
    /// The webhook has no such message.
    #[error("there is no such delivery")]
    NoDelivery,
    /// The agent has as many webhooks as it may have.
    #[error("the agent has too many webhooks")]
    TooMany,
    /// A disabled webhook sends nothing.
    #[error("the webhook is disabled")]
    Disabled,
    /// Too many webhooks are tested at once.
    #[error("too many webhooks are tested")]
    Busy,
    /// The secret cannot be used: it was sealed with another key.
    #[error("the secret cannot be opened")]
    Sealed,
    /// What the caller said of the version does not hold.
    #[error(transparent)]
    Unmet(#[from] Unmet),
    /// The call was made before.
    #[error(transparent)]
    Repeated(#[from] Repeat),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<WebhookError> for Error {
    fn from(error: WebhookError) -> Error {
        match error {
            WebhookError::Invalid(violations) => Error::invalid(violations),
            WebhookError::NotFound => Error::not_found("Webhook"),
            WebhookError::NoDelivery => Error::not_found("Delivery"),
            WebhookError::TooMany => {
                let message = "The agent has 20 webhooks, which is the most. Delete one that is not used.";
                Error::new(Reason::Conflict, message)
            }
            WebhookError::Disabled => {
                Error::new(Reason::Conflict, "The webhook is disabled. Enable it, then replay the delivery.")
            }
            WebhookError::Busy => {
                let message = "Too many webhooks are tested at once. Try again.";
                Error::new(Reason::Overloaded, message).retry_after(std::time::Duration::from_secs(1))
            }
            WebhookError::Sealed => {
                tracing::error!("the secret of a webhook was sealed with another contacts.webhooks.key");
                Error::internal()
            }
            WebhookError::Unmet(unmet) => unmet.into(),
            WebhookError::Repeated(repeat) => repeat.into(),
            WebhookError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_reason() {
        for (error, reason) in [
            (WebhookError::Invalid(Vec::new()), Reason::InvalidArgument),
            (WebhookError::NotFound, Reason::NotFound),
            (WebhookError::NoDelivery, Reason::NotFound),
            (WebhookError::TooMany, Reason::Conflict),
            (WebhookError::Disabled, Reason::Conflict),
            (WebhookError::Busy, Reason::Overloaded),
            (WebhookError::Sealed, Reason::Internal),
            (Unmet::OtherVersion.into(), Reason::PreconditionFailed),
            (Repeat::Reused.into(), Reason::IdempotencyKeyReused),
            (StoreError::Corrupt { column: "events" }.into(), Reason::Internal),
        ] {
            let text = error.to_string();
            assert_eq!(Error::from(error).reason, reason, "{text}");
        }
    }
}
