//! Jobs: what they are and the rules they keep. No tonic, no sqlx.

mod corrections;
pub(crate) mod deeds;
mod event;
mod fits;
mod job;
mod options;
mod page;
mod result;
mod template;

pub(crate) use svc_core::actor::{Actor, Partition};

pub(crate) use corrections::{Correction, Corrections, Sent, given};
pub(crate) use event::finished;
pub(crate) use fits::fits;
pub(crate) use job::{Failure, Job, NewJob, Status, Usage, file_name, lesson_of, media_type};
pub(crate) use options::{Ocr, Options};
pub(crate) use page::{Filter, Page, Position};
pub(crate) use result::{Accuracy, Detected, Field, JobResult, Learning, Place, Rectangle};
pub(crate) use template::{
    Chosen, NewTemplate, SCHEMA_MAX_BYTES, TEMPLATES_MAX, Template, VERSIONS_MAX, adds_only,
};
