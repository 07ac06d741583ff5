//! Why a request gets no success.

use std::any::Any;

use http::HeaderValue;
use svc_core::error::{Error, Reason, panic_text};
use tonic::Status;

/// Why a request gets no success, with what the answer and the log need beyond the error.
#[derive(Debug)]
pub(crate) struct Refusal(Box<Refused>);

/// What a [`Refusal`] holds.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) error: Error,
    /// For the log, never for the caller.
    pub(crate) cause: Option<String>,
    pub(super) allow: Option<String>,
    /// How long the content is of which a part was asked for that is not there.
    pub(super) range: Option<HeaderValue>,
    pub(super) data: Option<serde_json::Value>,
    pub(crate) closes: bool,
    /// What a service said, for callers over gRPC, who get it as it is.
    pub(crate) said: Option<Status>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal(Box::new(Refused {
            error,
            cause: None,
            allow: None,
            range: None,
            data: None,
            closes: false,
            said: None,
        }))
    }
}

impl Refusal {
    /// A panic in our own code, or in a service of this process.
    pub(crate) fn of_panic(panic: &(dyn Any + Send)) -> Refusal {
        Refusal::from(Error::internal()).because(format!("panic: {}", panic_text(panic)))
    }

    /// With a cause for the log.
    #[must_use]
    pub(crate) fn because(mut self, cause: impl ToString) -> Refusal {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// With the methods that the path has.
    #[must_use]
    pub(crate) fn allowing(mut self, methods: impl Into<String>) -> Refusal {
        self.0.allow = Some(methods.into());
        self
    }

    /// With the `Content-Range` that says how long the content is.
    #[must_use]
    pub(crate) fn with_range(mut self, range: Option<HeaderValue>) -> Refusal {
        if self.reason() == Reason::RangeNotSatisfiable {
            self.0.range = range;
        }
        self
    }

    /// With `data` beside the error, for an answer that reports although it fails.
    #[must_use]
    pub(crate) fn with_data(mut self, data: serde_json::Value) -> Refusal {
        self.0.data = Some(data);
        self
    }

    /// With the connection closed after the answer, in HTTP/1.1: what follows on it cannot be trusted to
    /// be what the client meant.
    #[must_use]
    pub(crate) fn closing(mut self) -> Refusal {
        self.0.closes = true;
        self
    }

    /// With the word of the service that refuses.
    #[must_use]
    pub(crate) fn saying(mut self, status: Status) -> Refusal {
        self.0.said = Some(status);
        self
    }

    pub(crate) fn reason(&self) -> Reason {
        self.0.error.reason
    }

    pub(crate) fn refused(&self) -> &Refused {
        &self.0
    }
}
