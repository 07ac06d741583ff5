//! Why something with jobs fails, and what of it the caller sees.

use svc_core::error::{Error, Fault, Reason, Violation};
use svc_core::idempotency::Repeat;

use crate::domain::{TEMPLATES_MAX, VERSIONS_MAX};
use crate::store::StoreError;

/// Why something with jobs fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExtractionError {
    /// Values break their rules.
    #[error("values break their rules")]
    Invalid(Vec<Violation>),
    /// No job of this partition has the id.
    #[error("there is no such job")]
    NotFound,
    /// No template has the name.
    #[error("there is no such template")]
    NoTemplate,
    /// The organization has no template of its own with this name, or not in this version.
    #[error("the organization has no such template")]
    UnknownTemplate,
    /// A template has the name.
    #[error("a template has this name")]
    TemplateExists,
    /// Another version of the template was added at the same time.
    #[error("the template was changed at the same time")]
    TemplateChanged,
    /// The organization has as many templates as are kept.
    #[error("there are too many templates")]
    TooManyTemplates,
    /// The template has as many versions as are kept.
    #[error("there are too many versions of the template")]
    TooManyVersions,
    /// The job has no result yet, or never will.
    #[error("the job has not succeeded")]
    NotSucceeded,
    /// The document of the job was not read to its end, so that it has no pages to see.
    #[error("the document was not read")]
    NotRead,
    /// The page was not read, or the document has no such page.
    #[error("there is no such page")]
    NoPage,
    /// There is no picture of the page: its format has none, or it cannot be drawn.
    #[error("there is no picture of the page")]
    NoPicture,
    /// Too many pages are drawn at once.
    #[error("too many pages are drawn")]
    TooManyDrawn,
    /// What draws pages is not there.
    #[error("nothing draws pages")]
    CannotDraw,
    /// The document is over its limit, in bytes.
    #[error("the document is too large")]
    TooLarge { most: u64 },
    /// Nothing here reads such a document.
    #[error("nothing reads such a document")]
    UnsupportedType,
    /// More jobs wait than are kept.
    #[error("too many jobs wait")]
    QueueFull,
    /// The call was made before.
    #[error(transparent)]
    Repeated(#[from] Repeat),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file beside the database could not be written or read.
    #[error("a temporary file failed")]
    Spool(#[from] std::io::Error),
}

impl From<ExtractionError> for Error {
    fn from(error: ExtractionError) -> Error {
        match error {
            ExtractionError::Invalid(violations) => Error::invalid(violations),
            ExtractionError::NotFound => Error::not_found("Document extraction"),
            ExtractionError::NoTemplate => {
                let message = "There is no template of this name.";
                Error::invalid(vec![Violation::new("template", Fault::Invalid, message)])
            }
            ExtractionError::UnknownTemplate => Error::not_found("Template"),
            ExtractionError::TemplateExists => {
                let message = "A template has this name already.";
                let violation = Violation::new("name", Fault::Duplicate, message);
                Error { violations: vec![violation], ..Error::new(Reason::AlreadyExists, message) }
            }
            ExtractionError::TemplateChanged => Error::new(
                Reason::Conflict,
                "Another version was added at this moment. Look at it, and try again.",
            ),
            ExtractionError::TooManyTemplates => {
                let message =
                    format!("An organization has at most {TEMPLATES_MAX} templates. Delete one first.");
                Error::new(Reason::Conflict, message)
            }
            ExtractionError::TooManyVersions => {
                let message = format!("A template has at most {VERSIONS_MAX} versions. Make a new template.");
                Error::new(Reason::Conflict, message)
            }
            ExtractionError::NotSucceeded => {
                Error::new(Reason::Conflict, "Only the result of a job that has succeeded can be corrected.")
            }
            ExtractionError::NotRead => {
                Error::new(Reason::Conflict, "Only a job that has succeeded has pages to see.")
            }
            ExtractionError::NoPage => Error::not_found("Page"),
            ExtractionError::NoPicture => Error::not_found("Picture of this page"),
            ExtractionError::TooManyDrawn => {
                let message = "Too many pages are drawn at this moment. Try again.";
                Error::new(Reason::Overloaded, message).retry_after(std::time::Duration::from_secs(2))
            }
            ExtractionError::CannotDraw => Error::unavailable(),
            ExtractionError::TooLarge { most } => {
                let message = format!("The document is larger than {} MiB.", most / (1024 * 1024));
                Error::new(Reason::BodyTooLarge, message)
            }
            ExtractionError::UnsupportedType => {
                let message = "Documents of this kind cannot be read. Send a PDF, a picture, DOCX, XLSX, HTML, EML, CSV \
                               or plain text.";
                Error::new(Reason::UnsupportedMediaType, message)
            }
            ExtractionError::QueueFull => {
                let message = "Too many of this organization's documents wait already. Try again.";
                Error::new(Reason::Overloaded, message).retry_after(std::time::Duration::from_secs(30))
            }
            ExtractionError::Repeated(repeat) => repeat.into(),
            ExtractionError::Store(error) => error.into(),
            ExtractionError::Spool(error) => {
                tracing::error!(error = %error, "a document could not be put aside");
                Error::unavailable()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use svc_db::DbError;

    use super::*;

    #[test]
    fn every_error_has_its_reason() {
        let table = [
            (ExtractionError::Invalid(Vec::new()), Reason::InvalidArgument),
            (ExtractionError::NotFound, Reason::NotFound),
            (ExtractionError::NoTemplate, Reason::InvalidArgument),
            (ExtractionError::UnknownTemplate, Reason::NotFound),
            (ExtractionError::TemplateExists, Reason::AlreadyExists),
            (ExtractionError::TemplateChanged, Reason::Conflict),
            (ExtractionError::TooManyTemplates, Reason::Conflict),
            (ExtractionError::TooManyVersions, Reason::Conflict),
            (ExtractionError::NotSucceeded, Reason::Conflict),
            (ExtractionError::NotRead, Reason::Conflict),
            (ExtractionError::NoPage, Reason::NotFound),
            (ExtractionError::NoPicture, Reason::NotFound),
            (ExtractionError::TooManyDrawn, Reason::Overloaded),
            (ExtractionError::CannotDraw, Reason::Unavailable),
            (ExtractionError::TooLarge { most: 1 }, Reason::BodyTooLarge),
            (ExtractionError::UnsupportedType, Reason::UnsupportedMediaType),
            (ExtractionError::QueueFull, Reason::Overloaded),
            (Repeat::Reused.into(), Reason::IdempotencyKeyReused),
            (StoreError::Db(DbError::Duplicate).into(), Reason::Internal),
            (std::io::Error::other("disk").into(), Reason::Unavailable),
        ];
        for (error, reason) in table {
            let text = error.to_string();
            assert_eq!(Error::from(error).reason, reason, "{text}");
        }
    }
}
