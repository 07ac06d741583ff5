//! The queries of callers, each written once for SQLite and PostgreSQL. Each carries organization and agent.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Database};
use svc_core::clock::Timestamp;
use svc_core::erasure::Erasure;
use svc_core::page::PageSize;
use svc_db::{Db, DbError, Dialect, Outgoing, Records, Sqlite, sql};
use tracing::instrument;

use super::erasures::{self, Look, Taken};
use super::lessons::{self, Corrected, Lesson, Taught};
use super::queue::{self, Claim, Claimed, Ended};
use super::row::{columns, counted, status, summary, summary_columns, text, whole};
use super::{Begin, Store, StoreError, Transaction, Work, templates};
use crate::domain::{
    Correction, Failure, Filter, Job, Learning, Page, Partition, Position, Status, Template,
};

const FIND: &str =
    concat!("SELECT ", columns!(), " FROM jobs WHERE organization_id = $1 AND agent_id = $2 AND id = $3");
const STATUS: &str = "SELECT status FROM jobs WHERE organization_id = $1 AND agent_id = $2 AND id = $3";
/// What a filter leaves out fits any job.
macro_rules! filtered {
    () => {
        "FROM jobs WHERE organization_id = $1 AND agent_id = $2 AND status = COALESCE($3, status) \
         AND ($4 = '' OR template = $4) AND created_at > $5"
    };
}
const LIST: &str = concat!(
    "SELECT ",
    summary_columns!(),
    " ",
    filtered!(),
    " AND (created_at, id) < ($6, $7) ORDER BY created_at DESC, id DESC LIMIT $8"
);
const COUNT: &str = concat!("SELECT count(*) AS count ", filtered!());
const WAITING: &str = "SELECT count(*) AS count FROM jobs WHERE organization_id = $1 AND status = 'QUEUED'";
const PART: &str = "SELECT content FROM documents WHERE organization_id = $1 AND agent_id = $2 AND job_id = $3 AND part = $4";
const READING: &str =
    "SELECT content FROM readings WHERE organization_id = $1 AND agent_id = $2 AND job_id = $3";
const INSERT: &str = "INSERT INTO jobs (organization_id, agent_id, id, status, template, schema, lesson, options, file_name, \
     content_type, size_bytes, created_at, updated_at, attempts, template_version, contact_file_id) \
     VALUES ($1, $2, $3, 'QUEUED', $4, $5, $6, $7, $8, $9, $10, $11, $11, 0, $12, $13)";
const ADD_PART: &str =
    "INSERT INTO documents (organization_id, agent_id, job_id, part, content) VALUES ($1, $2, $3, $4, $5)";
const CORRECT: &str = "UPDATE jobs SET corrections = $4, corrected_at = $5, updated_at = $6 \
     WHERE organization_id = $1 AND agent_id = $2 AND id = $3";
const DELETE: [&str; 3] = [
    "DELETE FROM documents WHERE organization_id = $1 AND agent_id = $2 AND job_id = $3",
    "DELETE FROM readings WHERE organization_id = $1 AND agent_id = $2 AND job_id = $3",
    "DELETE FROM jobs WHERE organization_id = $1 AND agent_id = $2 AND id = $3",
];
/// The answer held what its document is called. Its repeat is told what was made, and no more.
const FORGET_ANSWERS: &str = "UPDATE idempotency_records SET answer = NULL \
     WHERE organization_id = $1 AND resource_id = $2 AND answer IS NOT NULL";

/// The position before all jobs.
const START: (Timestamp, &str) = (Timestamp(i64::MAX), "");
/// Before all times.
const EVER: Timestamp = Timestamp(i64::MIN);

/// Jobs in a database.
pub(super) struct SqlStore<D: Dialect> {
    db: Db<D>,
}

impl<D: Dialect> SqlStore<D> {
    pub(super) fn new(db: Db<D>) -> SqlStore<D> {
        SqlStore { db }
    }
}

/// A query with what a filter says bound.
fn of_filter<D: Dialect>(query: &'static str, partition: &Partition, filter: &Filter) -> svc_db::Query<D> {
    sql::<D>(query)
        .bind(&partition.organization_id)
        .bind(&partition.agent_id)
        .bind(filter.status.map(|status| status.as_str()))
        .bind(filter.template.as_deref().unwrap_or_default())
        .bind(filter.created_after.unwrap_or(EVER))
}

#[async_trait]
impl<D: Dialect> Store for SqlStore<D> {
    fn is_of_one_process(&self) -> bool {
        D::NAME == Sqlite::NAME
    }

    #[instrument(name = "db.job.find", level = "debug", skip_all)]
    async fn find(&self, partition: &Partition, id: &str) -> Result<Option<Job>, StoreError> {
        let row = svc_db::read!(self.db, |connection| {
            sql::<D>(FIND)
                .bind(&partition.organization_id)
                .bind(&partition.agent_id)
                .bind(id)
                .optional(connection)
        })?;
        row.as_ref().map(whole).transpose()
    }

    #[instrument(name = "db.job.status", level = "debug", skip_all)]
    async fn status(&self, partition: &Partition, id: &str) -> Result<Option<Status>, StoreError> {
        let row = svc_db::read!(self.db, |connection| {
            sql::<D>(STATUS)
                .bind(&partition.organization_id)
                .bind(&partition.agent_id)
                .bind(id)
                .optional(connection)
        })?;
        row.as_ref().map(status).transpose()
    }

    #[instrument(name = "db.job.list", level = "debug", skip_all)]
    async fn list(
        &self,
        partition: &Partition,
        filter: &Filter,
        size: PageSize,
        after: Option<&Position>,
        count: bool,
    ) -> Result<Page, StoreError> {
        let (created_at, id) = after.map_or(START, |after| (after.created_at, after.id.as_str()));
        let most = size.get() as usize;
        let rows = svc_db::read!(self.db, |connection| {
            // One more than there is room for, to know whether a page follows.
            of_filter::<D>(LIST, partition, filter)
                .bind(created_at)
                .bind(id)
                .bind(i64::from(size.get()) + 1)
                .all(connection)
        })?;
        let total = match count {
            true => {
                let row = svc_db::read!(self.db, |connection| of_filter::<D>(COUNT, partition, filter)
                    .optional(connection))?;
                Some(counted(row)?)
            }
            false => None,
        };
        let jobs: Vec<Job> = rows.iter().take(most).map(summary).collect::<Result<_, _>>()?;
        Ok(Page { jobs, has_more: rows.len() > most, total })
    }

    #[instrument(name = "db.job.waiting", level = "debug", skip_all)]
    async fn waiting(&self, organization_id: &str) -> Result<i64, StoreError> {
        let row = svc_db::read!(self.db, |connection| sql::<D>(WAITING)
            .bind(organization_id)
            .optional(connection))?;
        Ok(counted(row)?)
    }

    #[instrument(name = "db.lesson.find", level = "debug", skip_all)]
    async fn learning(&self, organization_id: &str, lesson: &str) -> Result<Learning, StoreError> {
        lessons::learning(&self.db, organization_id, lesson).await
    }

    #[instrument(name = "db.lesson.model", level = "debug", skip_all)]
    async fn model(&self, organization_id: &str, lesson: &str) -> Result<Option<Vec<u8>>, StoreError> {
        lessons::model(&self.db, organization_id, lesson).await
    }

    #[instrument(name = "db.document.part", level = "debug", skip_all)]
    async fn document_part(
        &self,
        partition: &Partition,
        job_id: &str,
        part: i64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let row = svc_db::read!(self.db, |connection| {
            sql::<D>(PART)
                .bind(&partition.organization_id)
                .bind(&partition.agent_id)
                .bind(job_id)
                .bind(part)
                .optional(connection)
        })?;
        Ok(row.map(|row| row.get("content")).transpose()?)
    }

    #[instrument(name = "db.document.reading", level = "debug", skip_all)]
    async fn reading(&self, partition: &Partition, job_id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let row = svc_db::read!(self.db, |connection| {
            sql::<D>(READING)
                .bind(&partition.organization_id)
                .bind(&partition.agent_id)
                .bind(job_id)
                .optional(connection)
        })?;
        Ok(row.map(|row| row.get("content")).transpose()?)
    }

    #[instrument(name = "db.template.list", level = "debug", skip_all)]
    async fn templates(&self, organization_id: &str) -> Result<Vec<Template>, StoreError> {
        templates::list(&self.db, organization_id).await
    }

    #[instrument(name = "db.template.find", level = "debug", skip_all)]
    async fn template(
        &self,
        organization_id: &str,
        name: &str,
        version: Option<i64>,
    ) -> Result<Option<Template>, StoreError> {
        templates::find(&self.db, organization_id, name, version).await
    }

    #[instrument(name = "db.template.versions", level = "debug", skip_all)]
    async fn template_versions(
        &self,
        organization_id: &str,
        name: &str,
    ) -> Result<Vec<Template>, StoreError> {
        templates::versions(&self.db, organization_id, name).await
    }

    #[instrument(name = "db.lesson.corrected", level = "debug", skip_all)]
    async fn corrected(&self, lesson: &Lesson, most: i64) -> Result<Vec<Corrected>, StoreError> {
        lessons::corrected(&self.db, lesson, most).await
    }

    #[instrument(name = "db.erasure.due", level = "debug", skip_all)]
    async fn erasures_due(&self, now: Timestamp, most: i64) -> Result<Vec<Taken>, StoreError> {
        erasures::due(&self.db, now, most).await
    }
}

#[async_trait]
impl<D: Dialect> Begin for SqlStore<D> {
    #[instrument(name = "db.job.begin", level = "debug", skip_all)]
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        Ok(Box::new(SqlWork { transaction: self.db.begin().await? }))
    }
}

/// A change in a transaction.
pub(super) struct SqlWork<D: Dialect> {
    pub(super) transaction: svc_db::Transaction<D>,
}

#[async_trait]
impl<D: Dialect> Work for SqlWork<D> {
    #[instrument(name = "db.job.lock", level = "debug", skip_all)]
    async fn lock(&mut self, partition: &Partition, id: &str) -> Result<Option<Job>, StoreError> {
        // Two constants: nothing of the request becomes part of the text.
        let query = sql::<D>(AssertSqlSafe(format!("{FIND}{}", D::FOR_UPDATE)))
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .bind(id);
        self.transaction.optional(query).await?.as_ref().map(whole).transpose()
    }

    #[instrument(name = "db.job.insert", level = "debug", skip_all)]
    async fn insert(&mut self, partition: &Partition, job: &Job) -> Result<(), StoreError> {
        let query = sql::<D>(INSERT)
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .bind(&job.id)
            .bind(&job.template)
            .bind(&job.schema)
            .bind(&job.lesson)
            .bind(&text(&job.options, "options")?)
            .bind(&job.file_name)
            .bind(&job.content_type)
            .bind(job.size_bytes)
            .bind(job.created_at)
            .bind(job.template_version)
            .bind(&job.contact_file_id);
        self.transaction.run(query).await?;
        queue::takes_turns(self, &partition.organization_id, job.created_at).await
    }

    #[instrument(name = "db.document.add", level = "debug", skip_all)]
    async fn add_part(
        &mut self,
        partition: &Partition,
        job_id: &str,
        part: i64,
        content: &[u8],
    ) -> Result<(), StoreError> {
        let query = sql::<D>(ADD_PART)
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .bind(job_id)
            .bind(part)
            .bind(content);
        self.transaction.run(query).await?;
        Ok(())
    }

    #[instrument(name = "db.job.correct", level = "debug", skip_all)]
    async fn correct(
        &mut self,
        partition: &Partition,
        job_id: &str,
        corrections: &[Correction],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let has_some = !corrections.is_empty();
        let query = sql::<D>(CORRECT)
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .bind(job_id)
            .bind(&text(&corrections, "corrections")?)
            .bind(has_some.then_some(now))
            .bind(now);
        self.transaction.run(query).await?;
        Ok(())
    }

    #[instrument(name = "db.lesson.teach", level = "debug", skip_all)]
    async fn teach(&mut self, organization_id: &str, lesson: &str, schema: &str) -> Result<(), StoreError> {
        lessons::teach(self, organization_id, lesson, schema).await
    }

    #[instrument(name = "db.job.delete", level = "debug", skip_all)]
    async fn delete(&mut self, partition: &Partition, job_id: &str) -> Result<(), StoreError> {
        for statement in DELETE {
            let query =
                sql::<D>(statement).bind(&partition.organization_id).bind(&partition.agent_id).bind(job_id);
            self.transaction.run(query).await?;
        }
        let query = sql::<D>(FORGET_ANSWERS).bind(&partition.organization_id).bind(job_id);
        self.transaction.run(query).await?;
        Ok(())
    }

    #[instrument(name = "db.erasure.take", level = "debug", skip_all)]
    async fn take_erasure(&mut self, erasure: &Erasure, now: Timestamp) -> Result<(), StoreError> {
        erasures::take(self, erasure, now).await
    }

    #[instrument(name = "db.erasure.erase", level = "debug", skip_all)]
    async fn erase(&mut self, taken: &Taken, most: i64, now: Timestamp) -> Result<Look, StoreError> {
        erasures::erase(self, taken, most, now).await
    }

    #[instrument(name = "db.job.claim", level = "debug", skip_all)]
    async fn claim(&mut self, claim: &Claim, now: Timestamp) -> Result<Option<Claimed>, StoreError> {
        queue::claim(self, claim, now).await
    }

    #[instrument(name = "db.job.hold", level = "debug", skip_all)]
    async fn hold(
        &mut self,
        claimed: &Claimed,
        claim: &Claim,
        pages_read: u32,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        queue::hold(self, claimed, claim, pages_read, now).await
    }

    #[instrument(name = "db.job.end", level = "debug", skip_all)]
    async fn end(
        &mut self,
        claimed: &Claimed,
        claim: &Claim,
        ended: &Ended,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        queue::end(self, claimed, claim, ended, now).await
    }

    #[instrument(name = "db.job.release", level = "debug", skip_all)]
    async fn release(&mut self, most: i64, failure: Failure, now: Timestamp) -> Result<u64, StoreError> {
        queue::release(self, most, failure, now).await
    }

    #[instrument(name = "db.job.lapse", level = "debug", skip_all)]
    async fn lapse(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        queue::lapse(self, now).await
    }

    #[instrument(name = "db.job.give_back", level = "debug", skip_all)]
    async fn give_back(&mut self, worker: &str, now: Timestamp) -> Result<u64, StoreError> {
        queue::give_back(self, worker, now).await
    }

    #[instrument(name = "db.job.expire", level = "debug", skip_all)]
    async fn expire(&mut self, ended_before: Timestamp, most: i64) -> Result<u64, StoreError> {
        queue::expire(self, ended_before, most).await
    }

    #[instrument(name = "db.document.expire", level = "debug", skip_all)]
    async fn expire_documents(
        &mut self,
        ended_before: Timestamp,
        most: i64,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        queue::expire_documents(self, ended_before, most, now).await
    }

    #[instrument(name = "db.template.count", level = "debug", skip_all)]
    async fn count_templates(&mut self, organization_id: &str) -> Result<i64, StoreError> {
        templates::count(self, organization_id).await
    }

    #[instrument(name = "db.template.latest", level = "debug", skip_all)]
    async fn latest_template(
        &mut self,
        organization_id: &str,
        name: &str,
    ) -> Result<Option<Template>, StoreError> {
        templates::latest(self, organization_id, name).await
    }

    #[instrument(name = "db.template.add", level = "debug", skip_all)]
    async fn add_template(
        &mut self,
        organization_id: &str,
        member_id: &str,
        template: &Template,
    ) -> Result<(), StoreError> {
        templates::add(self, organization_id, member_id, template).await
    }

    #[instrument(name = "db.template.delete", level = "debug", skip_all)]
    async fn delete_template(&mut self, organization_id: &str, name: &str) -> Result<u64, StoreError> {
        templates::delete(self, organization_id, name).await
    }

    #[instrument(name = "db.lesson.widen", level = "debug", skip_all)]
    async fn widen(&mut self, organization_id: &str, lesson: &str, schema: &str) -> Result<(), StoreError> {
        lessons::widen(self, organization_id, lesson, schema).await
    }

    #[instrument(name = "db.lesson.claim", level = "debug", skip_all)]
    async fn claim_lesson(&mut self, claim: &Claim, now: Timestamp) -> Result<Option<Lesson>, StoreError> {
        lessons::claim(self, claim, now).await
    }

    #[instrument(name = "db.lesson.learned", level = "debug", skip_all)]
    async fn learned(
        &mut self,
        lesson: &Lesson,
        claim: &Claim,
        taught: &Taught,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        lessons::learned(self, lesson, claim, taught, now).await
    }
}

#[async_trait]
impl<D: Dialect> Transaction for SqlWork<D> {
    fn records(&mut self) -> &mut dyn Records {
        &mut self.transaction
    }

    fn outgoing(&mut self) -> &mut dyn Outgoing {
        &mut self.transaction
    }

    #[instrument(name = "db.job.commit", level = "debug", skip_all)]
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        Ok(self.transaction.commit().await.map_err(DbError::from)?)
    }
}
