//! What a webhook is, and what it sends.

use std::fmt;

pub use svc_core::actor::Partition;
use svc_core::clock::Timestamp;

macro_rules! words {
    ($(#[$doc:meta])* $kind:ident { $($(#[$of:meta])* $name:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $kind { $($(#[$of])* $name,)* }

        impl $kind {
            /// Every one.
            pub const ALL: &[$kind] = &[$($kind::$name,)*];

            /// As it is stored and shown.
            pub const fn as_str(self) -> &'static str { match self { $($kind::$name => $word,)* } }

            /// From how it is stored and shown.
            pub fn parse(word: &str) -> Option<$kind> {
                match word { $($word => Some($kind::$name),)* _ => None }
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What a webhook can tell.
    EventType {
        /// A contact was created.
        ContactCreated = "contact.created",
        /// A contact was changed.
        ContactUpdated = "contact.updated",
        /// A contact was archived.
        ContactArchived = "contact.archived",
        /// A contact is in use again.
        ContactUnarchived = "contact.unarchived",
        /// A contact was deleted.
        ContactDeleted = "contact.deleted",
        /// The extraction of a document has ended.
        ExtractionFinished = "document_extraction.finished",
        /// An API key or an old secret of it ends soon.
        KeyExpiring = "api_key.expiring",
        /// An API key has a new secret.
        KeyRotated = "api_key.rotated",
        /// An API key was deleted.
        KeyDeleted = "api_key.deleted",
    }
}

words! {
    /// Whether a webhook sends messages.
    WebhookStatus {
        /// It does.
        Active = "ACTIVE",
        /// It does not.
        Disabled = "DISABLED",
    }
}

words! {
    /// Why a webhook is disabled.
    DisabledReason {
        /// A member disabled it.
        ByMember = "BY_MEMBER",
        /// Its receiver answered 410 Gone.
        Gone = "GONE",
        /// No message has arrived for days.
        Failing = "FAILING",
    }
}

words! {
    /// What has become of a message.
    DeliveryStatus {
        /// It is going to be sent.
        Pending = "PENDING",
        /// It has arrived.
        Delivered = "DELIVERED",
        /// It was given up.
        Dead = "DEAD",
    }
}

words! {
    /// Why a message had no answer. It says no more than that to whoever may choose the address: what answers within our
    /// own network is not for them to find out.
    Failure {
        /// No connection to an address that messages may go to.
        Unreachable = "UNREACHABLE",
        /// No TLS.
        Tls = "TLS",
        /// No answer in time.
        TimedOut = "TIMED_OUT",
        /// The connection ended before there was an answer, or it was no HTTP.
        NoAnswer = "NO_ANSWER",
    }
}

/// A webhook, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// What members set.
    pub settings: Settings,
    /// Why it is disabled, exactly while it is.
    pub disabled_reason: Option<DisabledReason>,
    /// Since when nothing has arrived.
    pub failing_since: Option<Timestamp>,
    /// Until when the older secret signs, too.
    pub overlap_ends_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes, from 1.
    pub version: i32,
}

/// What members set of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where messages go.
    pub url: String,
    /// What is told, each once.
    pub events: Vec<EventType>,
    /// For people.
    pub description: String,
    /// Whether messages are sent.
    pub status: WebhookStatus,
}

/// One message to one webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id, the `webhook-id` of the message.
    pub id: String,
    /// What it tells.
    pub event: EventType,
    /// What has become of it.
    pub status: DeliveryStatus,
    /// How often it was sent.
    pub attempts: i32,
    /// What it was answered with last.
    pub last_status: Option<i32>,
    /// Why it had no answer last.
    pub last_failure: Option<Failure>,
    /// When it is sent next at the earliest.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What came of sending a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered with this HTTP status.
    Answered(u16),
    /// It was not answered.
    Failed(Failure),
}

impl Outcome {
    /// Whether the message has arrived.
    pub fn is_delivered(self) -> bool {
        matches!(self, Outcome::Answered(200..=299))
    }

    /// Whether the receiver wants no more.
    pub fn is_gone(self) -> bool {
        self == Outcome::Answered(410)
    }

    /// The HTTP status.
    pub fn status(self) -> Option<i32> {
        match self {
            Outcome::Answered(status) => Some(status.into()),
            Outcome::Failed(_) => None,
        }
    }

    /// Why there is none.
    pub fn failure(self) -> Option<Failure> {
        match self {
            Outcome::Answered(_) => None,
            Outcome::Failed(failure) => Some(failure),
        }
    }
}

/// Something that happened in a service and is told at once, with all that is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Who hands it in twice gives it the same id.
    pub id: String,
    /// Whom it is about.
    pub owner: Partition,
    /// What happened.
    pub event: EventType,
    /// When.
    pub at: Timestamp,
    /// What is told of it: a JSON object.
    pub data: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        for event in EventType::ALL {
            assert_eq!(EventType::parse(event.as_str()), Some(*event));
        }
        assert_eq!(EventType::parse("contact"), None);
        assert_eq!(EventType::ALL.len(), 9, "as the contract has them");
    }

    #[test]
    fn only_2xx_has_arrived() {
        for (outcome, delivered, gone) in [
            (Outcome::Answered(200), true, false),
            (Outcome::Answered(204), true, false),
            (Outcome::Answered(299), true, false),
            (Outcome::Answered(199), false, false),
            (Outcome::Answered(302), false, false),
            (Outcome::Answered(410), false, true),
            (Outcome::Answered(500), false, false),
            (Outcome::Failed(Failure::TimedOut), false, false),
        ] {
            assert_eq!((outcome.is_delivered(), outcome.is_gone()), (delivered, gone), "{outcome:?}");
        }
    }
}
