//! A job: one document, and what is to be found in it.

use aws_lc_rs::digest::{SHA256, digest};
use svc_core::clock::Timestamp;
use svc_core::error::{Fault, Violation};
use svc_core::ids::hex;

use super::{Chosen, Corrections, JobResult, Options};

/// The longest name of a document, in characters.
const FILE_NAME_MAX: usize = 255;
/// The longest media type, in characters.
const MEDIA_TYPE_MAX: usize = 127;
/// The type of content that nothing is said of.
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Queued,
    Running,
    Succeeded,
    Failed,
}

impl Status {
    const ALL: [(Status, &str); 4] = [
        (Status::Queued, "QUEUED"),
        (Status::Running, "RUNNING"),
        (Status::Succeeded, "SUCCEEDED"),
        (Status::Failed, "FAILED"),
    ];

    pub(crate) fn as_str(self) -> &'static str {
        Status::ALL.iter().find(|(status, _)| *status == self).map_or("QUEUED", |(_, word)| word)
    }

    pub(crate) fn from_str(word: &str) -> Option<Status> {
        Status::ALL.iter().find(|(_, known)| *known == word).map(|(status, _)| *status)
    }

    /// Whether nothing more becomes of it.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Status::Succeeded | Status::Failed)
    }
}

/// Why a job failed: the codes of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    UnreadableDocument,
    PasswordProtected,
    TooManyPages,
    TooLarge,
    TimedOut,
    EngineUnavailable,
    Internal,
}

impl Failure {
    const ALL: [(Failure, &str, &str); 7] = [
        (Failure::UnreadableDocument, "unreadable_document", "The document cannot be read."),
        (Failure::PasswordProtected, "password_protected", "The document is protected by a password."),
        (
            Failure::TooManyPages,
            "too_many_pages",
            "The document has too many pages. Name some in `options.pages`.",
        ),
        (Failure::TooLarge, "too_large", "The document takes more memory than it may."),
        (Failure::TimedOut, "timed_out", "The document takes more time than it may."),
        (
            Failure::EngineUnavailable,
            "engine_unavailable",
            "What reads such documents, or the engine that was asked for, is not available.",
        ),
        (Failure::Internal, "internal", "Something went wrong on our side."),
    ];

    pub(crate) fn code(self) -> &'static str {
        Failure::ALL.iter().find(|(failure, ..)| *failure == self).map_or("internal", |(_, code, _)| code)
    }

    /// In a sentence.
    pub(crate) fn message(self) -> &'static str {
        Failure::ALL.iter().find(|(failure, ..)| *failure == self).map_or("", |(.., message)| message)
    }

    pub(crate) fn from_code(code: &str) -> Option<Failure> {
        Failure::ALL.iter().find(|(_, known, _)| *known == code).map(|(failure, ..)| *failure)
    }
}

/// What a job has cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Usage {
    /// The pages that were read.
    pub(crate) pages: u32,
    /// The leaves that hold a value.
    pub(crate) fields: u32,
    /// The tokens that were sent to a language model, and answered by one.
    #[serde(default)]
    pub(crate) input_tokens: u32,
    #[serde(default)]
    pub(crate) output_tokens: u32,
}

/// A job that is to be queued.
#[derive(Clone, Debug)]
pub(crate) struct NewJob {
    pub(crate) chosen: Chosen,
    pub(crate) options: Options,
    pub(crate) file_name: Option<String>,
    pub(crate) content_type: Option<String>,
    /// The file of a contact that the document is.
    pub(crate) contact_file_id: Option<String>,
}

/// A job.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) status: Status,
    pub(crate) template: Option<String>,
    /// The version of the template.
    pub(crate) template_version: Option<i64>,
    /// JSON text. Empty in lists, and while it is still to be found out what the document is of.
    pub(crate) schema: String,
    /// What its corrections teach: jobs of an organization with the same lesson share a model.
    pub(crate) lesson: String,
    pub(crate) options: Options,
    pub(crate) file_name: Option<String>,
    pub(crate) content_type: Option<String>,
    /// The file of a contact that the document was taken from.
    pub(crate) contact_file_id: Option<String>,
    pub(crate) size_bytes: i64,
    pub(crate) page_count: Option<u32>,
    pub(crate) pages_read: Option<u32>,
    pub(crate) result: Option<JobResult>,
    pub(crate) corrections: Corrections,
    pub(crate) failure: Option<Failure>,
    pub(crate) usage: Option<Usage>,
    /// How sure the least sure value is, 0 to 1.
    pub(crate) lowest_confidence: Option<f64>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
    /// Since when its document is kept no more.
    pub(crate) document_deleted_at: Option<Timestamp>,
    /// How often a worker has begun.
    pub(crate) attempts: i64,
}

/// What the corrections of a job teach: those of a template its name, of a schema the digest of its text.
pub(crate) fn lesson_of(template: Option<&str>, schema: &str) -> String {
    match template {
        Some(name) => format!("template/{name}"),
        None => format!("schema/{}", digest_of(schema)),
    }
}

/// SHA-256 in lowercase hex.
pub(super) fn digest_of(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

/// The name of a document: a label for people, never a path.
pub(crate) fn file_name(name: Option<String>, violations: &mut Vec<Violation>) -> Option<String> {
    let name = name?;
    let length = name.chars().count();
    let fault = if length == 0 {
        Some((Fault::TooShort, "`fileName` must not be empty.".to_owned()))
    } else if length > FILE_NAME_MAX {
        Some((Fault::TooLong, format!("`fileName` has at most {FILE_NAME_MAX} characters.")))
    } else if name.chars().any(char::is_control) {
        Some((Fault::Invalid, "`fileName` must not have control characters.".to_owned()))
    } else {
        None
    };
    match fault {
        Some((fault, message)) => {
            violations.push(Violation::new("fileName", fault, message));
            None
        }
        None => Some(name),
    }
}

/// The media type that is claimed, without its parameters. `None` when nothing is.
pub(crate) fn media_type(claimed: Option<String>, violations: &mut Vec<Violation>) -> Option<String> {
    let claimed = claimed?;
    if claimed.len() > MEDIA_TYPE_MAX {
        let message = format!("`contentType` has at most {MEDIA_TYPE_MAX} characters.");
        violations.push(Violation::new("contentType", Fault::TooLong, message));
        return None;
    }
    let essence = claimed.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let token = |text: &str| {
        !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&c))
    };
    match essence.split_once('/') {
        Some((kind, subtype)) if token(kind) && token(subtype) => {
            (essence != UNKNOWN_TYPE).then_some(essence)
        }
        _ => {
            let message = "`contentType` is not a media type, such as `application/pdf`.";
            violations.push(Violation::new("contentType", Fault::Invalid, message));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types() {
        for (claimed, read, faults) in [
            (None, None, 0),
            (Some("application/pdf"), Some("application/pdf"), 0),
            (Some("Text/HTML; charset=utf-8"), Some("text/html"), 0),
            (Some("application/octet-stream"), None, 0),
            (Some("pdf"), None, 1),
            (Some("a/b/c"), None, 1),
            (Some("a/"), None, 1),
            (Some(""), None, 1),
            (Some("text/ht\nml"), None, 1),
        ] {
            let mut violations = Vec::new();
            assert_eq!(
                media_type(claimed.map(str::to_owned), &mut violations).as_deref(),
                read,
                "{claimed:?}"
            );
            assert_eq!(violations.len(), faults, "{claimed:?}");
        }
    }

    #[test]
    fn names_of_documents() {
        for (name, faults) in [
            ("a.pdf", 0),
            ("../../etc/passwd", 0),
            ("", 1),
            ("a\0b", 1),
            ("é".repeat(FILE_NAME_MAX).as_str(), 0),
            ("é".repeat(FILE_NAME_MAX + 1).as_str(), 1),
        ] {
            let mut violations = Vec::new();
            let read = file_name(Some(name.to_owned()), &mut violations);
            assert_eq!((read.is_some(), violations.len()), (faults == 0, faults), "{name}");
        }
    }

    #[test]
    fn jobs_of_the_same_schema_or_template_share_a_lesson() {
        assert_eq!(lesson_of(None, "{}"), lesson_of(None, "{}"));
        assert_ne!(lesson_of(None, "{}"), lesson_of(None, "{ }"));
        assert_ne!(lesson_of(Some("invoice"), "{}"), lesson_of(None, "{}"));
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for (status, word) in Status::ALL {
            assert_eq!((status.as_str(), Status::from_str(word)), (word, Some(status)));
        }
        for (failure, code, message) in Failure::ALL {
            assert_eq!((failure.code(), failure.message()), (code, message));
            assert_eq!(Failure::from_code(code), Some(failure));
        }
        assert_eq!(Status::from_str("DONE"), None);
        assert_eq!(Failure::from_code("odd"), None);
    }
}
