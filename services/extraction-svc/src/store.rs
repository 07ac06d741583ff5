//! Where jobs are kept: one trait, one SQL implementation for both engines.

mod erasures;
mod lessons;
mod queue;
mod row;
mod sql;
mod templates;

#[cfg(test)]
mod contract;

use std::sync::Arc;

use async_trait::async_trait;
use svc_core::clock::Timestamp;
use svc_core::erasure::Erasure;
use svc_core::page::PageSize;
use svc_db::{AnyDb, Db, Dialect, Migrator, OpenError, Outgoing, Records};
use svc_runtime::service::Environment;

#[cfg(test)]
pub(crate) use erasures::LOOKED_AFTER;
pub(crate) use erasures::{Look, Taken};
pub(crate) use lessons::{Corrected, Lesson, Taught};
pub(crate) use queue::{Claim, Claimed, Ended};
pub(crate) use svc_db::StoreError;

use crate::domain::{
    Correction, Failure, Filter, Job, Learning, Page, Partition, Position, Status, Template,
};

/// Jobs. Every query of a caller is about one partition and sees no other.
#[async_trait]
pub(crate) trait Store: Send + Sync {
    /// Whether nobody but this process can have a lease: a file of SQLite belongs to one.
    fn is_of_one_process(&self) -> bool;

    /// A job, whole.
    async fn find(&self, partition: &Partition, id: &str) -> Result<Option<Job>, StoreError>;

    /// Where a job stands.
    async fn status(&self, partition: &Partition, id: &str) -> Result<Option<Status>, StoreError>;

    /// A page of jobs, newest first, those that follow `after`.
    async fn list(
        &self,
        partition: &Partition,
        filter: &Filter,
        size: PageSize,
        after: Option<&Position>,
        count: bool,
    ) -> Result<Page, StoreError>;

    /// How many jobs of an organization wait.
    async fn waiting(&self, organization_id: &str) -> Result<i64, StoreError>;

    /// What corrections have taught for a lesson; nothing yet is nothing learned.
    async fn learning(&self, organization_id: &str, lesson: &str) -> Result<Learning, StoreError>;

    /// What is in use of it.
    async fn model(&self, organization_id: &str, lesson: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// A part of the document of a claimed job; `None` after the last.
    async fn document_part(
        &self,
        partition: &Partition,
        job_id: &str,
        part: i64,
    ) -> Result<Option<Vec<u8>>, StoreError>;

    /// What was read of the document of a job. `None` when there is none of it.
    async fn reading(&self, partition: &Partition, job_id: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// An organization's own templates, each in its latest version, by name.
    async fn templates(&self, organization_id: &str) -> Result<Vec<Template>, StoreError>;

    /// One of them, in its latest version or another one.
    async fn template(
        &self,
        organization_id: &str,
        name: &str,
        version: Option<i64>,
    ) -> Result<Option<Template>, StoreError>;

    /// All versions of one, the latest first, without their schemas.
    async fn template_versions(&self, organization_id: &str, name: &str)
    -> Result<Vec<Template>, StoreError>;

    /// The corrected jobs of a lesson with what was read of their documents: the latest first, so many.
    async fn corrected(&self, lesson: &Lesson, most: i64) -> Result<Vec<Corrected>, StoreError>;

    /// Erasures of all organizations that are to be looked after by now, the longest due first.
    async fn erasures_due(&self, now: Timestamp, most: i64) -> Result<Vec<Taken>, StoreError>;
}

/// Begins transactions. There is one for a store, and whoever has it makes every change:
/// [`Changes`](crate::change::Changes).
pub(crate) struct Writer(Arc<dyn Begin>);

impl Writer {
    /// Begins a transaction. Nothing of it is seen until it is committed; dropping it undoes it.
    pub(crate) async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.0.begin().await
    }
}

#[async_trait]
trait Begin: Send + Sync {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError>;
}

/// A transaction.
#[async_trait]
pub(crate) trait Transaction: Work {
    /// Where the answers of calls that take effect once are kept, as a part of it.
    fn records(&mut self) -> &mut dyn Records;

    /// Where what the audit log is told is written, as a part of it.
    fn outgoing(&mut self) -> &mut dyn Outgoing;

    /// Makes it all seen.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// What a change may do within its transaction.
#[async_trait]
pub(crate) trait Work: Send {
    /// A job, which nobody else changes until this work ends.
    async fn lock(&mut self, partition: &Partition, id: &str) -> Result<Option<Job>, StoreError>;

    /// Adds a job that waits.
    async fn insert(&mut self, partition: &Partition, job: &Job) -> Result<(), StoreError>;

    /// Adds a part of its document.
    async fn add_part(
        &mut self,
        partition: &Partition,
        job_id: &str,
        part: i64,
        content: &[u8],
    ) -> Result<(), StoreError>;

    /// Sets what a person says of a job.
    async fn correct(
        &mut self,
        partition: &Partition,
        job_id: &str,
        corrections: &[Correction],
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Says that something is to be learned anew for a lesson.
    async fn teach(&mut self, organization_id: &str, lesson: &str, schema: &str) -> Result<(), StoreError>;

    /// Removes a job with its document, what was read of it, and what its maker was answered.
    async fn delete(&mut self, partition: &Partition, job_id: &str) -> Result<(), StoreError>;

    /// Gives the job whose turn it is to a worker, if one waits.
    async fn claim(&mut self, claim: &Claim, now: Timestamp) -> Result<Option<Claimed>, StoreError>;

    /// Holds a job for longer, and says how many pages of it were read. `false`: it is this worker's no more.
    async fn hold(
        &mut self,
        claimed: &Claimed,
        claim: &Claim,
        pages_read: u32,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Ends a job that this worker has. `false`: it is this worker's no more, and nothing happens.
    async fn end(
        &mut self,
        claimed: &Claimed,
        claim: &Claim,
        ended: &Ended,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Lets the jobs of workers that are gone wait again, and ends with `failure` those that were begun `most` times. So
    /// many it has found.
    async fn release(&mut self, most: i64, failure: Failure, now: Timestamp) -> Result<u64, StoreError>;

    /// Ends all leases: whoever had one is gone for sure.
    async fn lapse(&mut self, now: Timestamp) -> Result<u64, StoreError>;

    /// Lets what this worker has wait again: it stops.
    async fn give_back(&mut self, worker: &str, now: Timestamp) -> Result<u64, StoreError>;

    /// Deletes jobs that ended before, at most so many, with their documents. How many it were.
    async fn expire(&mut self, ended_before: Timestamp, most: i64) -> Result<u64, StoreError>;

    /// Deletes the documents of jobs that ended before, at most so many, and what was read of those that nobody
    /// corrected. Their results stay. How many it were.
    async fn expire_documents(
        &mut self,
        ended_before: Timestamp,
        most: i64,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Takes an erasure. That it was taken before changes nothing.
    async fn take_erasure(&mut self, erasure: &Erasure, now: Timestamp) -> Result<(), StoreError>;

    /// Deletes some of the jobs that an erasure is about, `most` of them, and notes what they taught for learning.
    async fn erase(&mut self, taken: &Taken, most: i64, now: Timestamp) -> Result<Look, StoreError>;

    /// How many templates an organization has.
    async fn count_templates(&mut self, organization_id: &str) -> Result<i64, StoreError>;

    /// The latest version of a template.
    async fn latest_template(
        &mut self,
        organization_id: &str,
        name: &str,
    ) -> Result<Option<Template>, StoreError>;

    /// Adds a template, or a version to it. [`Duplicate`](svc_db::DbError::Duplicate): there is this version.
    async fn add_template(
        &mut self,
        organization_id: &str,
        member_id: &str,
        template: &Template,
    ) -> Result<(), StoreError>;

    /// Removes a template, and says how many versions it had.
    async fn delete_template(&mut self, organization_id: &str, name: &str) -> Result<u64, StoreError>;

    /// Says that a lesson is of this schema from now on, which has all that its jobs had before.
    async fn widen(&mut self, organization_id: &str, lesson: &str, schema: &str) -> Result<(), StoreError>;

    /// Gives a lesson that has something to learn to a worker.
    async fn claim_lesson(&mut self, claim: &Claim, now: Timestamp) -> Result<Option<Lesson>, StoreError>;

    /// Keeps what was learned. `false`: another worker has the lesson by now, and nothing happens.
    async fn learned(
        &mut self,
        lesson: &Lesson,
        claim: &Claim,
        taught: &Taught,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
}

/// The migrations of SQLite and of PostgreSQL.
fn migrations() -> (Migrator, Migrator) {
    (sqlx::migrate!("migrations/sqlite"), sqlx::migrate!("migrations/postgres"))
}

/// Applies the migrations that the database lacks, and says how many these were.
pub(crate) async fn migrate(environment: &Environment) -> Result<usize, OpenError> {
    let (sqlite, postgres) = migrations();
    svc_db::migrate(environment, crate::NAME, sqlite, postgres).await
}

/// Opens the database of the service, with the only writer of it.
pub(crate) async fn open(environment: &Environment) -> Result<(Arc<dyn Store>, Writer, AnyDb), OpenError> {
    let (sqlite, postgres) = migrations();
    let db = svc_db::open(environment, crate::NAME, sqlite, postgres).await?;
    let (store, writer) = match &db {
        AnyDb::Sqlite(db) => over(db),
        AnyDb::Postgres(db) => over(db),
    };
    Ok((store, writer, db))
}

fn over<D: Dialect>(db: &Db<D>) -> (Arc<dyn Store>, Writer) {
    let store = Arc::new(sql::SqlStore::new(db.clone()));
    (store.clone(), Writer(store))
}
