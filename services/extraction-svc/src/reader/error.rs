//! Why a document could not be read.

use serde::{Deserialize, Serialize};

/// Why a document could not be read. What a customer is told is the code; the rest is for operators and holds nothing
/// of the document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "code", content = "detail", rename_all = "snake_case")]
pub enum ReadError {
    /// It is damaged, or of a kind that is not read.
    #[error("the document cannot be read: {0}")]
    UnreadableDocument(String),
    /// It opens with a password only.
    #[error("the document is protected by a password")]
    PasswordProtected,
    /// It has more pages than are read.
    #[error("the document has too many pages: {0}")]
    TooManyPages(String),
    /// It is, or becomes while it is read, larger than is allowed.
    #[error("the document is too large: {0}")]
    TooLarge(String),
    /// Reading it took longer than it may.
    #[error("reading the document took too long: {0}")]
    TimedOut(String),
    /// What reads it is not there.
    #[error("the reader is unavailable: {0}")]
    EngineUnavailable(String),
}

impl ReadError {
    /// The code of the contract.
    pub fn code(&self) -> &'static str {
        match self {
            ReadError::UnreadableDocument(_) => "unreadable_document",
            ReadError::PasswordProtected => "password_protected",
            ReadError::TooManyPages(_) => "too_many_pages",
            ReadError::TooLarge(_) => "too_large",
            ReadError::TimedOut(_) => "timed_out",
            ReadError::EngineUnavailable(_) => "engine_unavailable",
        }
    }

    pub(crate) fn unreadable(why: impl Into<String>) -> ReadError {
        ReadError::UnreadableDocument(why.into())
    }

    pub(crate) fn too_large(what: impl Into<String>) -> ReadError {
        ReadError::TooLarge(what.into())
    }
}
