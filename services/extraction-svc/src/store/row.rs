//! Rows and jobs.

use serde::Serialize;
use serde::de::DeserializeOwned;
use svc_db::{DbError, Dialect, Row};

use super::StoreError;
use crate::domain::{Failure, Job, Status};

/// The columns of a job as lists show it.
macro_rules! summary_columns {
    () => {
        "id, status, template, lesson, options, file_name, content_type, size_bytes, page_count, pages_read, \
         error_code, usage, lowest_confidence, created_at, updated_at, started_at, finished_at, attempts, template_version, contact_file_id, \
         document_deleted_at"
    };
}
/// The columns of a whole job.
macro_rules! columns {
    () => {
        concat!($crate::store::row::summary_columns!(), ", schema, result, corrections")
    };
}
pub(super) use {columns, summary_columns};

/// The job in a row with all columns.
pub(super) fn whole<D: Dialect>(row: &Row<D>) -> Result<Job, StoreError> {
    Ok(Job {
        schema: row.get("schema")?,
        result: json(row.get("result")?, "result")?,
        corrections: json(row.get("corrections")?, "corrections")?.unwrap_or_default(),
        ..summary(row)?
    })
}

/// Where the job of a row stands.
pub(super) fn status<D: Dialect>(row: &Row<D>) -> Result<Status, StoreError> {
    Status::from_str(&row.get::<String>("status")?).ok_or(StoreError::Corrupt { column: "status" })
}

/// The job in a row without what is large.
pub(super) fn summary<D: Dialect>(row: &Row<D>) -> Result<Job, StoreError> {
    let failure = match row.get::<Option<String>>("error_code")? {
        Some(code) => Some(Failure::from_code(&code).ok_or(StoreError::Corrupt { column: "error_code" })?),
        None => None,
    };
    Ok(Job {
        id: row.get("id")?,
        status: status(row)?,
        template: row.get("template")?,
        template_version: row.get("template_version")?,
        schema: String::new(),
        lesson: row.get("lesson")?,
        options: json(Some(row.get("options")?), "options")?.unwrap_or_default(),
        file_name: row.get("file_name")?,
        content_type: row.get("content_type")?,
        contact_file_id: row.get("contact_file_id")?,
        size_bytes: row.get("size_bytes")?,
        page_count: count(row.get("page_count")?, "page_count")?,
        pages_read: count(row.get("pages_read")?, "pages_read")?,
        result: None,
        corrections: Vec::new(),
        failure,
        usage: json(row.get("usage")?, "usage")?,
        lowest_confidence: row.get::<Option<i64>>("lowest_confidence")?.map(confidence),
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        started_at: row.optional_time("started_at")?,
        finished_at: row.optional_time("finished_at")?,
        document_deleted_at: row.optional_time("document_deleted_at")?,
        attempts: row.get("attempts")?,
    })
}

/// A value in a column of JSON.
pub(super) fn json<T: DeserializeOwned>(
    text: Option<String>,
    column: &'static str,
) -> Result<Option<T>, StoreError> {
    text.map(|text| serde_json::from_str(&text).map_err(|_| StoreError::Corrupt { column })).transpose()
}

/// A value as a column of JSON has it.
pub(super) fn text<T: Serialize>(value: &T, column: &'static str) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Corrupt { column })
}

/// Confidences are kept in millionths.
const MILLION: f64 = 1e6;

fn confidence(millionths: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "at most a million")]
    let confidence = millionths as f64 / MILLION;
    confidence
}

/// A confidence as its column has it.
pub(super) fn millionths(confidence: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "at most a million")]
    let millionths = (confidence.clamp(0.0, 1.0) * MILLION).round() as i64;
    millionths
}

pub(super) fn count(number: Option<i64>, column: &'static str) -> Result<Option<u32>, StoreError> {
    number.map(|number| u32::try_from(number).map_err(|_| StoreError::Corrupt { column })).transpose()
}

/// How many, of a row that has only this.
pub(super) fn counted<D: Dialect>(row: Option<Row<D>>) -> Result<i64, DbError> {
    row.map_or(Ok(0), |row| row.get("count"))
}
