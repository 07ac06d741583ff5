//! What corrections have taught, and what is still to be learned from.
//!
//! A lesson has a version that goes up with each change of a correction, and the last one that was learned from. What lies
//! between is pending. A worker leases a lesson, learns, and writes what came of it in one statement.

use svc_core::clock::Timestamp;
use svc_db::{Db, Dialect, sql};

use super::StoreError;
use super::queue::Claim;
use super::row::{count, json, text};
use super::sql::SqlWork;
use crate::domain::{Accuracy, Corrections, Learning};

/// The most bytes of documents that are learned from at once: what is held in memory for it.
const READINGS_MAX_BYTES: i64 = 64 * 1024 * 1024;

/// What is to be learned anew.
#[derive(Clone, Debug)]
pub(crate) struct Lesson {
    pub(crate) organization_id: String,
    pub(crate) lesson: String,
    /// JSON text.
    pub(crate) schema: String,
    /// What is learned now is of this version or a later one.
    pub(crate) version: i64,
}

/// A corrected job.
#[derive(Clone, Debug)]
pub(crate) struct Corrected {
    pub(crate) corrections: Corrections,
    pub(crate) reading: Vec<u8>,
}

/// What was learned.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taught {
    /// From how many corrected jobs.
    pub(crate) corrections: i64,
    /// For later jobs to use; `None`: nothing is better than without.
    pub(crate) model: Option<Vec<u8>>,
    pub(crate) accuracy: Option<Accuracy>,
}

const LEARNING: &str = "SELECT version, learned_version, corrections, model IS NOT NULL AS active, accuracy, learned_at \
     FROM lessons WHERE organization_id = $1 AND lesson = $2";
const MODEL: &str = "SELECT model FROM lessons WHERE organization_id = $1 AND lesson = $2";
const TEACH: &str = "INSERT INTO lessons (organization_id, lesson, schema, version, learned_version, corrections) \
     VALUES ($1, $2, $3, 1, 0, 0) ON CONFLICT (organization_id, lesson) DO UPDATE SET version = lessons.version + 1";
const WIDEN: &str = "INSERT INTO lessons (organization_id, lesson, schema, version, learned_version, corrections) \
     VALUES ($1, $2, $3, 0, 0, 0) ON CONFLICT (organization_id, lesson) DO UPDATE SET schema = excluded.schema";
macro_rules! to_learn {
    () => {
        "SELECT organization_id, lesson, schema, version FROM lessons WHERE learned_version < version \
         AND (leased_until IS NULL OR leased_until <= $1) ORDER BY COALESCE(learned_at, 0), organization_id, lesson LIMIT 1"
    };
}
const TO_LEARN: (&str, &str) = (to_learn!(), concat!(to_learn!(), " FOR UPDATE SKIP LOCKED"));
const CLAIM: &str =
    "UPDATE lessons SET worker = $3, leased_until = $4 WHERE organization_id = $1 AND lesson = $2";
const LEARNED: &str = "UPDATE lessons SET learned_version = $3, corrections = $5, model = $6, accuracy = $7, \
     learned_at = $8, worker = NULL, leased_until = NULL \
     WHERE organization_id = $1 AND lesson = $2 AND learned_version < $3 AND worker = $4";
const CORRECTED: &str = "SELECT jobs.id, CAST(length(readings.content) AS BIGINT) AS bytes FROM jobs \
     JOIN readings ON readings.job_id = jobs.id AND readings.organization_id = jobs.organization_id \
     WHERE jobs.organization_id = $1 AND jobs.lesson = $2 AND jobs.corrected_at IS NOT NULL \
     ORDER BY jobs.corrected_at DESC, jobs.id LIMIT $3";
const ONE_CORRECTED: &str = "SELECT corrections, content FROM jobs \
     JOIN readings ON readings.job_id = jobs.id AND readings.organization_id = jobs.organization_id \
     WHERE jobs.organization_id = $1 AND jobs.id = $2 AND jobs.corrected_at IS NOT NULL";

/// How far learning has come.
pub(super) async fn learning<D: Dialect>(
    db: &Db<D>,
    organization_id: &str,
    lesson: &str,
) -> Result<Learning, StoreError> {
    let row = svc_db::read!(db, |connection| {
        sql::<D>(LEARNING).bind(organization_id).bind(lesson).optional(connection)
    })?;
    let Some(row) = row else { return Ok(Learning::default()) };
    let (version, learned): (i64, i64) = (row.get("version")?, row.get("learned_version")?);
    Ok(Learning {
        corrections: count(Some(row.get("corrections")?), "corrections")?.unwrap_or_default(),
        pending: learned < version,
        active: row.get("active")?,
        accuracy: json(row.get("accuracy")?, "accuracy")?,
        learned_at: row.optional_time("learned_at")?,
    })
}

/// What is in use.
pub(super) async fn model<D: Dialect>(
    db: &Db<D>,
    organization_id: &str,
    lesson: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row = svc_db::read!(db, |connection| {
        sql::<D>(MODEL).bind(organization_id).bind(lesson).optional(connection)
    })?;
    Ok(row.map(|row| row.get::<Option<Vec<u8>>>("model")).transpose()?.flatten())
}

/// Corrected jobs, the latest first, up to a bound by count and by bytes.
pub(super) async fn corrected<D: Dialect>(
    db: &Db<D>,
    lesson: &Lesson,
    most: i64,
) -> Result<Vec<Corrected>, StoreError> {
    let rows = svc_db::read!(db, |connection| {
        sql::<D>(CORRECTED).bind(&lesson.organization_id).bind(&lesson.lesson).bind(most).all(connection)
    })?;
    let mut found = Vec::new();
    let mut bytes = 0;
    for row in rows {
        bytes += row.get::<i64>("bytes")?;
        if bytes > READINGS_MAX_BYTES && !found.is_empty() {
            break;
        }
        let job_id: String = row.get("id")?;
        let row = svc_db::read!(db, |connection| {
            sql::<D>(ONE_CORRECTED).bind(&lesson.organization_id).bind(&job_id).optional(connection)
        })?;
        // Deleted since: its effect goes with it.
        let Some(row) = row else { continue };
        let corrections = json(row.get("corrections")?, "corrections")?.unwrap_or_default();
        found.push(Corrected { corrections, reading: row.get("content")? });
    }
    Ok(found)
}

/// Something changed that is learned from.
pub(super) async fn teach<D: Dialect>(
    work: &mut SqlWork<D>,
    organization_id: &str,
    lesson: &str,
    schema: &str,
) -> Result<(), StoreError> {
    work.transaction.run(sql::<D>(TEACH).bind(organization_id).bind(lesson).bind(schema)).await?;
    Ok(())
}

/// The lesson is of this schema from now on. Without a row it begins with the schema of a job that is corrected first,
/// which may be of a version before: so it gets its row now, with nothing to learn.
pub(super) async fn widen<D: Dialect>(
    work: &mut SqlWork<D>,
    organization_id: &str,
    lesson: &str,
    schema: &str,
) -> Result<(), StoreError> {
    work.transaction.run(sql::<D>(WIDEN).bind(organization_id).bind(lesson).bind(schema)).await?;
    Ok(())
}

/// A lesson with something to learn.
pub(super) async fn claim<D: Dialect>(
    work: &mut SqlWork<D>,
    claim: &Claim,
    now: Timestamp,
) -> Result<Option<Lesson>, StoreError> {
    let Some(row) = work.transaction.optional(sql::<D>(D::choose(TO_LEARN.0, TO_LEARN.1)).bind(now)).await?
    else {
        return Ok(None);
    };
    let lesson = Lesson {
        organization_id: row.get("organization_id")?,
        lesson: row.get("lesson")?,
        schema: row.get("schema")?,
        version: row.get("version")?,
    };
    let query = sql::<D>(CLAIM)
        .bind(&lesson.organization_id)
        .bind(&lesson.lesson)
        .bind(&claim.worker)
        .bind(now.plus(claim.lease));
    work.transaction.run(query).await?;
    Ok(Some(lesson))
}

/// Keeps what was learned.
pub(super) async fn learned<D: Dialect>(
    work: &mut SqlWork<D>,
    lesson: &Lesson,
    claim: &Claim,
    taught: &Taught,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let accuracy = taught.accuracy.as_ref().map(|accuracy| text(accuracy, "accuracy")).transpose()?;
    let query = sql::<D>(LEARNED)
        .bind(&lesson.organization_id)
        .bind(&lesson.lesson)
        .bind(lesson.version)
        .bind(&claim.worker)
        .bind(taught.corrections)
        .bind(taught.model.as_deref())
        .bind(&accuracy)
        .bind(now);
    Ok(work.transaction.run(query).await? == 1)
}
