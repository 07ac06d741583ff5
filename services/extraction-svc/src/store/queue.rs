//! The queue: jobs that wait, are leased to a worker, and end once.
//!
//! A job belongs to a worker while its row says so: worker, attempt, and a lease that the worker renews. Whatever ends it
//! names all three, so that a worker whose lease ran out, or whose job was deleted, changes nothing any more.
//!
//! Organizations take turns. One that has jobs waiting has a row in `turns`; with each job that is begun it goes to the
//! end of the line, so that one with ten thousand documents delays another one's by one document.

use std::time::Duration;

use svc_core::clock::Timestamp;
use svc_db::{Dialect, OutboxTable, Outgoing, sql};

use super::StoreError;
use super::row::{columns, millionths, text, whole};
use super::sql::SqlWork;
use crate::domain::{Chosen, Failure, Job, JobResult, Partition, Usage, finished};

/// How many organizations that turn out to have nothing waiting are passed over in one transaction.
const PASSED_OVER_MAX: usize = 100;

/// Who claims, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// This process, as no other is called.
    pub(crate) worker: String,
    /// How long it is this worker's without being held again.
    pub(crate) lease: Duration,
    /// The most jobs of one organization that this worker has at a time.
    pub(crate) most_of_one: i64,
}

/// A job that a worker has.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) partition: Partition,
    pub(crate) job: Job,
}

/// How a job ended.
#[derive(Clone, Debug)]
pub(crate) enum Ended {
    Succeeded {
        page_count: u32,
        usage: Usage,
        result: JobResult,
        /// The template that the document was found to be of, where nothing else said what to extract.
        chosen: Option<Box<Chosen>>,
        /// What was read of the document, to learn from.
        reading: Vec<u8>,
    },
    /// Why, and what it has cost all the same.
    Failed(Failure, Usage),
}

impl Ended {
    /// It failed before it cost anything.
    pub(crate) fn failed(failure: Failure) -> Ended {
        Ended::Failed(failure, Usage::default())
    }
}

const TAKES_TURNS: &str = "INSERT INTO turns (organization_id, since) VALUES ($1, $2) \
     ON CONFLICT (organization_id) DO UPDATE SET since = turns.since";
const NEXT_TURN: (&str, &str) = (
    "SELECT organization_id FROM turns WHERE (SELECT count(*) FROM jobs WHERE jobs.organization_id = turns.organization_id \
     AND status = 'RUNNING' AND worker = $1) < $2 ORDER BY since, organization_id LIMIT 1",
    "SELECT organization_id FROM turns WHERE (SELECT count(*) FROM jobs WHERE jobs.organization_id = turns.organization_id \
     AND status = 'RUNNING' AND worker = $1) < $2 ORDER BY since, organization_id LIMIT 1 FOR UPDATE SKIP LOCKED",
);
const TOOK_TURN: &str = "UPDATE turns SET since = $2 WHERE organization_id = $1";
const NO_MORE_TURNS: &str = "DELETE FROM turns WHERE organization_id = $1";
const NEXT_JOB: (&str, &str) = (
    concat!(
        "SELECT agent_id, ",
        columns!(),
        " FROM jobs WHERE organization_id = $1 AND status = 'QUEUED' ORDER BY created_at, id LIMIT 1"
    ),
    concat!(
        "SELECT agent_id, ",
        columns!(),
        " FROM jobs WHERE organization_id = $1 AND status = 'QUEUED' ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED"
    ),
);
const CLAIM: &str = "UPDATE jobs SET status = 'RUNNING', worker = $4, leased_until = $5, attempts = attempts + 1, \
     started_at = COALESCE(started_at, $6), pages_read = 0, updated_at = $6 \
     WHERE organization_id = $1 AND agent_id = $2 AND id = $3";
/// A job that this worker has, by its attempt.
macro_rules! mine {
    () => {
        "WHERE organization_id = $1 AND agent_id = $2 AND id = $3 AND status = 'RUNNING' AND worker = $4 AND attempts = $5"
    };
}
const HOLD: &str = concat!("UPDATE jobs SET leased_until = $6, pages_read = $7 ", mine!());
const END: &str = concat!(
    "UPDATE jobs SET status = $6, page_count = $7, pages_read = COALESCE($12, pages_read), usage = $8, result = $9, error_code = $10, \
     finished_at = $11, updated_at = $11, lowest_confidence = $17, worker = NULL, leased_until = NULL, \
     template = COALESCE($13, template), template_version = COALESCE($14, template_version), \
     schema = COALESCE($15, schema), lesson = COALESCE($16, lesson) ",
    mine!()
);
const KEEP_READING: &str =
    "INSERT INTO readings (organization_id, agent_id, job_id, content) VALUES ($1, $2, $3, $4)";
const GIVE_UP: &str = "UPDATE jobs SET status = 'FAILED', error_code = $3, finished_at = $1, updated_at = $1, worker = NULL, \
     leased_until = NULL WHERE status = 'RUNNING' AND leased_until <= $1 AND attempts >= $2 \
     RETURNING organization_id, agent_id, id, template";
const RELEASE: &str = "UPDATE jobs SET status = 'QUEUED', worker = NULL, leased_until = NULL, updated_at = $1 \
     WHERE status = 'RUNNING' AND leased_until <= $1 RETURNING organization_id";
const LAPSE: &str = "UPDATE jobs SET leased_until = $1 WHERE status = 'RUNNING' AND leased_until > $1";
/// What was begun here was not tried to its end, and does not count.
const GIVE_BACK: &str = "UPDATE jobs SET status = 'QUEUED', worker = NULL, leased_until = NULL, updated_at = $1, \
     attempts = attempts - 1 WHERE status = 'RUNNING' AND worker = $2 RETURNING organization_id";
/// A lesson learns anew from what stays of its corrections.
const EXPIRED: &str = "SELECT organization_id, agent_id, id, lesson, schema, corrected_at FROM jobs \
     WHERE finished_at < $1 ORDER BY finished_at LIMIT $2";

const WITH_DOCUMENTS: &str = "SELECT organization_id, agent_id, id, corrected_at FROM jobs \
     WHERE finished_at < $1 AND document_deleted_at IS NULL ORDER BY finished_at LIMIT $2";
const DELETE_DOCUMENT: &str =
    "DELETE FROM documents WHERE organization_id = $1 AND agent_id = $2 AND job_id = $3";
const DELETE_READING: &str =
    "DELETE FROM readings WHERE organization_id = $1 AND agent_id = $2 AND job_id = $3";
const DOCUMENT_DELETED: &str =
    "UPDATE jobs SET document_deleted_at = $4 WHERE organization_id = $1 AND agent_id = $2 AND id = $3";

/// Sees to it that an organization has its turns.
pub(super) async fn takes_turns<D: Dialect>(
    work: &mut SqlWork<D>,
    organization_id: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    work.transaction.run(sql::<D>(TAKES_TURNS).bind(organization_id).bind(now)).await?;
    Ok(())
}

/// The job whose turn it is.
pub(super) async fn claim<D: Dialect>(
    work: &mut SqlWork<D>,
    claim: &Claim,
    now: Timestamp,
) -> Result<Option<Claimed>, StoreError> {
    for _ in 0..PASSED_OVER_MAX {
        let next = sql::<D>(D::choose(NEXT_TURN.0, NEXT_TURN.1)).bind(&claim.worker).bind(claim.most_of_one);
        let Some(turn) = work.transaction.optional(next).await? else { return Ok(None) };
        let organization_id: String = turn.get("organization_id")?;
        let next = sql::<D>(D::choose(NEXT_JOB.0, NEXT_JOB.1)).bind(&organization_id);
        let Some(row) = work.transaction.optional(next).await? else {
            // A job that comes in at this moment waits for this row, and puts it back.
            work.transaction.run(sql::<D>(NO_MORE_TURNS).bind(&organization_id)).await?;
            continue;
        };
        let partition = Partition { organization_id, agent_id: row.get("agent_id")? };
        let mut job = whole(&row)?;
        let query = sql::<D>(CLAIM)
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .bind(&job.id)
            .bind(&claim.worker)
            .bind(now.plus(claim.lease))
            .bind(now);
        work.transaction.run(query).await?;
        work.transaction.run(sql::<D>(TOOK_TURN).bind(&partition.organization_id).bind(now)).await?;
        job.attempts += 1;
        return Ok(Some(Claimed { partition, job }));
    }
    Ok(None)
}

fn mine<D: Dialect>(query: &'static str, claimed: &Claimed, claim: &Claim) -> svc_db::Query<D> {
    sql::<D>(query)
        .bind(&claimed.partition.organization_id)
        .bind(&claimed.partition.agent_id)
        .bind(&claimed.job.id)
        .bind(&claim.worker)
        .bind(claimed.job.attempts)
}

/// Renews the lease.
pub(super) async fn hold<D: Dialect>(
    work: &mut SqlWork<D>,
    claimed: &Claimed,
    claim: &Claim,
    pages_read: u32,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let query = mine::<D>(HOLD, claimed, claim).bind(now.plus(claim.lease)).bind(i64::from(pages_read));
    Ok(work.transaction.run(query).await? == 1)
}

/// Ends the job.
pub(super) async fn end<D: Dialect>(
    work: &mut SqlWork<D>,
    claimed: &Claimed,
    claim: &Claim,
    ended: &Ended,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let query = match ended {
        Ended::Succeeded { page_count, usage, result, .. } => mine::<D>(END, claimed, claim)
            .bind("SUCCEEDED")
            .bind(i64::from(*page_count))
            .bind(&text(usage, "usage")?)
            .bind(&text(result, "result")?)
            .bind(None::<&str>),
        Ended::Failed(failure, usage) => mine::<D>(END, claimed, claim)
            .bind("FAILED")
            .bind(None::<i64>)
            .bind(&text(usage, "usage")?)
            .bind(None::<&str>)
            .bind(failure.code()),
    };
    let lowest = match ended {
        Ended::Succeeded { result, .. } => result.lowest_confidence().map(millionths),
        Ended::Failed(..) => None,
    };
    let (pages_read, chosen) = match ended {
        Ended::Succeeded { usage, chosen, .. } => (Some(i64::from(usage.pages)), chosen.as_deref()),
        Ended::Failed(..) => (None, None),
    };
    let template = chosen.and_then(|chosen| chosen.template.as_ref());
    let query = query
        .bind(now)
        .bind(pages_read)
        .bind(template.map(|(name, _)| name.as_str()))
        .bind(template.map(|(_, version)| *version))
        .bind(chosen.map(|chosen| chosen.schema.as_str()))
        .bind(chosen.map(|chosen| chosen.lesson.as_str()))
        .bind(lowest);
    if work.transaction.run(query).await? == 0 {
        return Ok(false);
    }
    if let Ended::Succeeded { reading, .. } = ended {
        let query = sql::<D>(KEEP_READING)
            .bind(&claimed.partition.organization_id)
            .bind(&claimed.partition.agent_id)
            .bind(&claimed.job.id)
            .bind(reading);
        work.transaction.run(query).await?;
    }
    let failure = match ended {
        Ended::Succeeded { .. } => None,
        Ended::Failed(failure, _) => Some(*failure),
    };
    let Claimed { partition, job } = claimed;
    let told = finished(partition, &job.id, job.template.as_deref(), failure, now);
    work.transaction.put(OutboxTable::Outbox, &told).await?;
    Ok(true)
}

/// Lets jobs wait again whose workers are gone.
pub(super) async fn release<D: Dialect>(
    work: &mut SqlWork<D>,
    most: i64,
    failure: Failure,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let given_up = work.transaction.all(sql::<D>(GIVE_UP).bind(now).bind(most).bind(failure.code())).await?;
    for row in &given_up {
        let partition =
            Partition { organization_id: row.get("organization_id")?, agent_id: row.get("agent_id")? };
        let (id, template): (String, Option<String>) = (row.get("id")?, row.get("template")?);
        let told = finished(&partition, &id, template.as_deref(), Some(failure), now);
        work.transaction.put(OutboxTable::Outbox, &told).await?;
    }
    let released = work.transaction.all(sql::<D>(RELEASE).bind(now)).await?;
    wait_again(work, &released, now).await?;
    Ok((given_up.len() + released.len()) as u64)
}

/// Ends all leases.
pub(super) async fn lapse<D: Dialect>(work: &mut SqlWork<D>, now: Timestamp) -> Result<u64, StoreError> {
    Ok(work.transaction.run(sql::<D>(LAPSE).bind(now)).await?)
}

/// Lets jobs wait again that this worker has.
pub(super) async fn give_back<D: Dialect>(
    work: &mut SqlWork<D>,
    worker: &str,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let released = work.transaction.all(sql::<D>(GIVE_BACK).bind(now).bind(worker)).await?;
    wait_again(work, &released, now).await?;
    Ok(released.len() as u64)
}

async fn wait_again<D: Dialect>(
    work: &mut SqlWork<D>,
    rows: &[svc_db::Row<D>],
    now: Timestamp,
) -> Result<(), StoreError> {
    for row in rows {
        takes_turns(work, &row.get::<String>("organization_id")?, now).await?;
    }
    Ok(())
}

/// Deletes what has been kept for long enough.
pub(super) async fn expire<D: Dialect>(
    work: &mut SqlWork<D>,
    ended_before: Timestamp,
    most: i64,
) -> Result<u64, StoreError> {
    let rows = work.transaction.all(sql::<D>(EXPIRED).bind(ended_before).bind(most)).await?;
    for row in &rows {
        let partition =
            Partition { organization_id: row.get("organization_id")?, agent_id: row.get("agent_id")? };
        super::Work::delete(work, &partition, &row.get::<String>("id")?).await?;
        if row.optional_time("corrected_at")?.is_some() {
            let (lesson, schema): (String, String) = (row.get("lesson")?, row.get("schema")?);
            super::lessons::teach(work, &partition.organization_id, &lesson, &schema).await?;
        }
    }
    Ok(rows.len() as u64)
}

/// Deletes the documents of jobs that are kept.
pub(super) async fn expire_documents<D: Dialect>(
    work: &mut SqlWork<D>,
    ended_before: Timestamp,
    most: i64,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let rows = work.transaction.all(sql::<D>(WITH_DOCUMENTS).bind(ended_before).bind(most)).await?;
    for row in &rows {
        let (organization_id, agent_id, id): (String, String, String) =
            (row.get("organization_id")?, row.get("agent_id")?, row.get("id")?);
        let of =
            |statement: &'static str| sql::<D>(statement).bind(&organization_id).bind(&agent_id).bind(&id);
        work.transaction.run(of(DELETE_DOCUMENT)).await?;
        // What was corrected is learned from for as long as its job is there.
        if row.optional_time("corrected_at")?.is_none() {
            work.transaction.run(of(DELETE_READING)).await?;
        }
        work.transaction.run(of(DOCUMENT_DELETED).bind(now)).await?;
    }
    Ok(rows.len() as u64)
}
