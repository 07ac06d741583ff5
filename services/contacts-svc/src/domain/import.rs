//! Imports: many contacts from one content, and how far each has come.

mod columns;
mod content;
mod locale;
mod reading;
mod rehearsed;
mod row;
mod run;
mod writing;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use svc_core::clock::Timestamp;
use svc_core::error::{Error, Fault, Violation};

use super::text::{Lines, Verdict, check_text};

pub(crate) use columns::Naming;
pub(crate) use content::Stand;
pub(crate) use locale::{Formats, Unknown as UnknownFormat};
pub(crate) use reading::{ImportErrors, ImportList, ImportPage};
pub(crate) use run::{Imports, Order, Report};

/// After so long without a sign an import does not run any more, whoever ran it: one that runs gives a sign every
/// few seconds.
pub(crate) const SILENCE: Duration = Duration::from_secs(20);
/// How many of its errors an answer has.
pub(crate) const ERRORS_SHOWN: usize = 100;
/// How many errors of an import are kept. Whoever has more has named the wrong columns.
pub(crate) const ERRORS_KEPT: i64 = 100_000;

/// An import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) id: String,
    /// The caller's own name for it.
    pub(crate) label: Option<String>,
    pub(crate) status: ImportStatus,
    /// It writes nothing.
    pub(crate) dry_run: bool,
    pub(crate) counts: Counts,
    /// Why it failed as a whole.
    pub(crate) failure: Option<Problem>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) finished_at: Option<Timestamp>,
    /// Who carries it out. Nobody else writes to it.
    pub(crate) runner: String,
    /// When that one was last seen.
    pub(crate) seen_at: Timestamp,
    /// Where its content stands.
    pub(crate) stand: Stand,
    /// The digest of its request, without the content: it takes effect once.
    pub(crate) request: Option<Vec<u8>>,
}

impl Import {
    /// Whether it has not ended, and nobody carries it out any more.
    pub(crate) fn is_interrupted(&self, now: Timestamp) -> bool {
        self.status == ImportStatus::Running && self.seen_at.plus(SILENCE) < now
    }
}

super::contact::words! {
    /// How far an import has come.
    ImportStatus { Running = "RUNNING", Finished = "FINISHED", Failed = "FAILED" }
}

/// What became of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) rows: i64,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) unchanged: i64,
    pub(crate) failed: i64,
}

/// A row that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowError {
    /// The line on which it begins, from 1.
    pub(crate) line: i64,
    pub(crate) problem: Problem,
}

/// Why one of many was refused, as the caller may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Problem {
    pub(crate) code: String,
    pub(crate) message: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) details: Vec<Detail>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Detail {
    pub(crate) field: String,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn of(error: Error) -> Problem {
        Problem {
            code: error.reason.code().to_owned(),
            message: error.message,
            details: error.violations.into_iter().map(Detail::of).collect(),
        }
    }

    /// Of a row as such.
    fn of_row(message: impl Into<String>) -> Problem {
        Problem::of(Error::invalid(vec![Violation::new("row", Fault::Invalid, message)]))
    }
}

impl Detail {
    fn of(violation: Violation) -> Detail {
        Detail { field: violation.field, code: violation.fault.code().to_owned(), message: violation.message }
    }
}

/// The longest label, in characters.
const LABEL_MAX: usize = 100;

/// Whether an import may be called so.
pub(crate) fn label_verdict(label: &str) -> Verdict {
    check_text(label, LABEL_MAX, Lines::One)
}
