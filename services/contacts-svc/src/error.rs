//! Why something with contacts fails, and what of it the caller sees.

use svc_core::error::{Error, Fault, Reason, Violation};

use crate::store::StoreError;

/// Why something with contacts fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContactError {
    /// Values break their rules.
    #[error("values break their rules")]
    Invalid(Vec<Violation>),
    /// No contact of this partition has the id or the reference.
    #[error("there is no such contact")]
    NotFound,
    /// Another contact of this partition has the reference.
    #[error("another contact has this reference")]
    ReferenceTaken {
        /// Which one, unless it is gone by now.
        existing_id: Option<String>,
    },
    /// The contact does not have the version that the caller expects.
    #[error("the contact has another version")]
    VersionMismatch,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ContactError> for Error {
    fn from(error: ContactError) -> Error {
        match error {
            ContactError::Invalid(violations) => Error::invalid(violations),
            ContactError::NotFound => Error::not_found("Contact"),
            ContactError::ReferenceTaken { existing_id } => {
                let message = "A contact with this `externalReferenceId` exists already.";
                let violation = Violation::new("externalReferenceId", Fault::Duplicate, message);
                Error {
                    violations: vec![violation],
                    existing_id,
                    ..Error::new(Reason::AlreadyExists, message)
                }
            }
            ContactError::VersionMismatch => Error::new(
                Reason::PreconditionFailed,
                "The contact does not have the expected version: read it again.",
            ),
            ContactError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Error {
        match error {
            StoreError::Db(error) => error.into(),
            StoreError::Corrupt { .. } => {
                tracing::error!(error = %error, "database error");
                Error::internal()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use svc_core::db::DbError;

    #[test]
    fn every_error_has_its_reason() {
        let table = [
            (ContactError::Invalid(Vec::new()), Reason::InvalidArgument),
            (ContactError::NotFound, Reason::NotFound),
            (ContactError::ReferenceTaken { existing_id: None }, Reason::AlreadyExists),
            (ContactError::VersionMismatch, Reason::PreconditionFailed),
            (StoreError::Db(DbError::Duplicate).into(), Reason::Internal),
            (StoreError::Corrupt { column: "tags" }.into(), Reason::Internal),
        ];
        for (error, reason) in table {
            let text = error.to_string();
            assert_eq!(Error::from(error).reason, reason, "{text}");
        }
    }
}
