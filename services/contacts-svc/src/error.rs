//! Why something with contacts fails, and what of it the caller sees.

use std::time::Duration;

use svc_core::error::{Error, Fault, Reason, Violation};
use svc_core::idempotency::Repeat;
use svc_core::precondition::Unmet;
use svc_db::DbError;

use crate::domain::{COUNTED_MAX, DECLARED_MAX, FILES_MAX, PossibleDuplicate};
use crate::objects::ObjectError;
use crate::store::StoreError;

/// How long the caller of an upload that finds no place is told to wait. Most take seconds.
const UPLOADS_RETRY: Duration = Duration::from_secs(5);
/// When to try again to create a contact.
const CREATE_RETRY: Duration = Duration::from_secs(1);
/// When to try again to follow changes.
const RETRY_AFTER: Duration = Duration::from_secs(10);

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
    /// Another contact of this partition has this value of a unique field.
    #[error("another contact has this value")]
    ValueTaken {
        /// The key of the field.
        key: String,
        /// Which one, unless it is gone by now.
        existing_id: Option<String>,
    },
    /// Another contact may be the same person, and the caller does not want that.
    #[error("another contact may be the same person")]
    PossibleDuplicate(PossibleDuplicate),
    /// Several contacts may be the same person, and the caller wants that one changed.
    #[error("several contacts may be the same person")]
    SeveralDuplicates(Vec<PossibleDuplicate>),
    /// The fields of the agent have changed since the write was judged by them.
    #[error("the fields of the agent have changed")]
    FieldsChanged,
    /// The agent has no field with this key.
    #[error("there is no such field")]
    FieldNotFound,
    /// The agent has a field with this key.
    #[error("there is a field with this key")]
    FieldExists(String),
    /// The agent has as many fields as it may have.
    #[error("there are too many fields")]
    TooManyFields,
    /// So many contacts have values that do not fit the field, or more.
    #[error("{0} values do not fit")]
    ValuesDoNotFit(usize),
    /// So many contacts have values of the field that is to be removed, or more.
    #[error("{0} values remain")]
    ValuesRemain(usize),
    /// So many contacts have a value that another one has, or more.
    #[error("{0} values are there already")]
    ValuesNotUnique(usize),
    /// No file of the contact has the id.
    #[error("there is no such file")]
    FileNotFound,
    /// A file is larger than files may be.
    #[error("the file is too large")]
    FileTooLarge {
        /// The most bytes.
        max: u64,
    },
    /// The contact has as many files as it may have.
    #[error("the contact has too many files")]
    TooManyFiles,
    /// As many files come in as can be held.
    #[error("too many files come in")]
    TooManyUploads,
    /// An upload took so long that what had come of it may be gone.
    #[error("the upload took too long")]
    UploadLapsed,
    /// The object store failed.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// Changes after the cursor are not kept any more, or never were.
    #[error("changes after the cursor are not kept")]
    ChangesGone,
    /// Many follow changes already.
    #[error("many follow changes already")]
    TooManyFollow,
    /// Many create contacts of the agent already.
    #[error("many create contacts already")]
    TooManyCreate,
    /// Others have written the same meanwhile: the change is to be made again.
    #[error("others have written the same")]
    Overtaken,
    /// No import of this partition has the id.
    #[error("there is no such import")]
    ImportNotFound,
    /// The content of an import cannot be read on.
    #[error("the content ended with an error")]
    Content(Error),
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

impl ContactError {
    /// Whether it may be the fields of the agent that refuse the write, so that others might not.
    pub(crate) fn is_judged_by_fields(&self) -> bool {
        match self {
            ContactError::Invalid(violations) => {
                violations.iter().any(|violation| violation.field.starts_with("customFields."))
            }
            ContactError::ValueTaken { .. } | ContactError::FieldsChanged => true,
            _ => false,
        }
    }
}

impl ContactError {
    /// Whether the same may succeed a moment later.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(
            self,
            ContactError::Overtaken
                | ContactError::FieldsChanged
                | ContactError::Store(StoreError::Db(DbError::Unavailable(_) | DbError::Duplicate))
        )
    }
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
            ContactError::ValueTaken { key, existing_id } => {
                let field = format!("customFields.{key}");
                let message = format!("Another contact has this value of `{field}`.");
                Error { existing_id, ..taken(vec![(&field, message)]) }
            }
            ContactError::PossibleDuplicate(other) => {
                let of = |name: &'static str| (name, format!("Another contact has this `{name}`."));
                let violations = other.matched_by().into_iter().map(of).collect();
                Error { existing_id: Some(other.id), ..taken(violations) }
            }
            ContactError::SeveralDuplicates(others) => {
                let message = "Several contacts have this email address or mobile number: name the one to \
                               update by its id.";
                let mut error = Error::new(Reason::Conflict, message);
                for name in ["email", "mobileNumber"] {
                    if others.iter().any(|other| other.matched_by().contains(&name)) {
                        let message = format!("Another contact has this `{name}`.");
                        error.violations.push(Violation::new(name, Fault::Duplicate, message));
                    }
                }
                error
            }
            ContactError::FieldsChanged => {
                let message = "The fields of the agent are being changed. Try again.";
                Error::new(Reason::Unavailable, message).retry_after(Duration::from_secs(1))
            }
            ContactError::FieldNotFound => Error::not_found("Contact field"),
            ContactError::FieldExists(key) => {
                let message = "A field with this `key` exists already.".to_owned();
                Error { existing_id: Some(key), ..taken(vec![("key", message)]) }
            }
            ContactError::TooManyFields => {
                Error::new(Reason::Conflict, format!("An agent has at most {DECLARED_MAX} fields."))
            }
            ContactError::ValuesDoNotFit(count) => {
                let message = format!(
                    "The values of {} do not fit. They stay as they are, and what is new has to fit: send \
                     `confirm=true` if that is wanted.",
                    contacts(count)
                );
                Error::new(Reason::Conflict, message)
            }
            ContactError::ValuesRemain(count) => {
                let message = format!(
                    "There are values of {}. They stay there, though no field tells what they are: send \
                     `confirm=true` if that is wanted.",
                    contacts(count)
                );
                Error::new(Reason::Conflict, message)
            }
            ContactError::ValuesNotUnique(count) => {
                let message = format!("The values of {} are those of other contacts, too.", contacts(count));
                let violation = Violation::new("unique", Fault::Duplicate, message.clone());
                Error { violations: vec![violation], ..Error::new(Reason::Conflict, message) }
            }
            ContactError::FileNotFound => Error::not_found("File"),
            ContactError::FileTooLarge { max } => {
                Error::new(Reason::BodyTooLarge, format!("The file is over {max} bytes."))
            }
            ContactError::TooManyFiles => {
                Error::new(Reason::Conflict, format!("The contact has {FILES_MAX} files, and no more fit."))
            }
            ContactError::TooManyUploads => {
                Error::new(Reason::Overloaded, "Too many files come in at once.").retry_after(UPLOADS_RETRY)
            }
            ContactError::UploadLapsed => Error::unavailable(),
            ContactError::Object(error) => error.into(),
            ContactError::ChangesGone => Error::new(
                Reason::InvalidCursor,
                "Changes after this cursor are not kept any more. Start again: ask with `latest` where the changes \
                 end, list all contacts, and follow the changes from there on.",
            ),
            ContactError::TooManyFollow => {
                Error::new(Reason::Overloaded, "Too many follow changes at this moment.")
                    .retry_after(RETRY_AFTER)
            }
            ContactError::TooManyCreate => {
                Error::new(Reason::Overloaded, "Too many contacts of the agent are being created.")
                    .retry_after(CREATE_RETRY)
            }
            ContactError::Overtaken => Error::unavailable(),
            ContactError::ImportNotFound => Error::not_found("Import"),
            ContactError::Content(error) => error,
            ContactError::Unmet(unmet) => unmet.into(),
            ContactError::Repeated(repeat) => repeat.into(),
            ContactError::Store(error) => error.into(),
        }
    }
}

/// Something exists already. The message is that of the first field.
fn taken(fields: Vec<(&str, String)>) -> Error {
    let message = fields.first().map(|(_, message)| message.clone()).unwrap_or_default();
    let violations =
        fields.into_iter().map(|(field, message)| Violation::new(field, Fault::Duplicate, message));
    Error { violations: violations.collect(), ..Error::new(Reason::AlreadyExists, message) }
}

/// How many contacts there are, which are not counted any further from a number on.
fn contacts(count: usize) -> String {
    match count {
        1 => "1 contact".to_owned(),
        COUNTED_MAX.. => format!("{COUNTED_MAX} contacts or more"),
        count => format!("{count} contacts"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_reason() {
        let table = [
            (ContactError::Invalid(Vec::new()), Reason::InvalidArgument),
            (ContactError::NotFound, Reason::NotFound),
            (ContactError::ReferenceTaken { existing_id: None }, Reason::AlreadyExists),
            (ContactError::FileNotFound, Reason::NotFound),
            (ContactError::FileTooLarge { max: 1 }, Reason::BodyTooLarge),
            (ContactError::TooManyFiles, Reason::Conflict),
            (ContactError::TooManyUploads, Reason::Overloaded),
            (ContactError::UploadLapsed, Reason::Unavailable),
            (ObjectError::Missing.into(), Reason::Internal),
            (ObjectError::Changed.into(), Reason::Internal),
            (ObjectError::TooSlow.into(), Reason::Unavailable),
            (ContactError::ChangesGone, Reason::InvalidCursor),
            (ContactError::TooManyFollow, Reason::Overloaded),
            (ContactError::TooManyCreate, Reason::Overloaded),
            (ContactError::Unmet(Unmet::OtherVersion), Reason::PreconditionFailed),
            (Repeat::Reused.into(), Reason::IdempotencyKeyReused),
            (StoreError::Db(DbError::Duplicate).into(), Reason::Internal),
            (StoreError::Corrupt { column: "tags" }.into(), Reason::Internal),
        ];
        for (error, reason) in table {
            let text = error.to_string();
            assert_eq!(Error::from(error).reason, reason, "{text}");
        }
    }
}
