//! Pages of the list of jobs.

use svc_core::clock::Timestamp;

use super::{Job, Status};

/// Which jobs are asked for: those that fit all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) status: Option<Status>,
    pub(crate) template: Option<String>,
    pub(crate) created_after: Option<Timestamp>,
}

/// Where a job stands in the list, newest first. The id breaks ties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) created_at: Timestamp,
    pub(crate) id: String,
}

impl Position {
    pub(crate) fn of(job: &Job) -> Position {
        Position { created_at: job.created_at, id: job.id.clone() }
    }
}

/// Some jobs of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Page {
    /// Without what is large: schema, result and corrections.
    pub(crate) jobs: Vec<Job>,
    pub(crate) has_more: bool,
    pub(crate) total: Option<i64>,
}
