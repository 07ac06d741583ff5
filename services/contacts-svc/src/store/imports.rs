//! Imports: how far each has come, and the rows that were refused.

use async_trait::async_trait;
use svc_core::clock::Timestamp;
use svc_db::{Db, DbError, Dialect, Query, Row, Scope, sql};
use tracing::instrument;

use super::StoreError;
use super::sql::SqlWork;
use crate::domain::{Counts, Import, ImportStatus, Partition, Problem, RowError, Stand};

/// The columns of an import.
macro_rules! columns {
    () => {
        "id, label, status, dry_run, rows_read, rows_created, rows_updated, rows_unchanged, rows_failed, failure, \
         created_at, updated_at, finished_at, runner, seen_at, position, lines, digest, request"
    };
}

/// A SELECT of whole imports of one partition: `$1` the organization, `$2` the agent.
macro_rules! select {
    ($($rest:literal),*) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM contact_imports WHERE organization_id = $1 AND agent_id = $2 ",
            $($rest),*
        )
    };
}

const FIND: &str = select!("AND id = $3");
const FIND_BY_CALL: &str = select!("AND subject = $3 AND scope = $4");
const LIST: &str = select!("AND id < $3 ORDER BY id DESC LIMIT $4");
const LIST_BY_LABEL: &str = select!("AND id < $3 AND label = $5 ORDER BY id DESC LIMIT $4");
const INSERT: &str = concat!(
    "INSERT INTO contact_imports (organization_id, agent_id, ",
    columns!(),
    ", subject, scope) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, \
     $20, $21, $22, $23) ON CONFLICT DO NOTHING"
);
/// Only by whoever carries it out, until it has ended.
const SAVE: &str = "UPDATE contact_imports SET status = $5, rows_read = $6, rows_created = $7, rows_updated = $8, \
     rows_unchanged = $9, rows_failed = $10, failure = $11, updated_at = $12, finished_at = $13, seen_at = $14, \
     position = $15, lines = $16, digest = $17 \
     WHERE organization_id = $1 AND agent_id = $2 AND id = $3 AND runner = $4 AND status = 'RUNNING'";
/// The same.
const FAIL: &str = "UPDATE contact_imports SET status = 'FAILED', failure = $5, updated_at = $6, finished_at = $6, \
     seen_at = $6 WHERE organization_id = $1 AND agent_id = $2 AND id = $3 AND runner = $4 AND status = 'RUNNING'";
/// Only from whoever carried it out before.
const TAKE_OVER: &str = "UPDATE contact_imports SET runner = $5, seen_at = $6 \
     WHERE organization_id = $1 AND agent_id = $2 AND id = $3 AND runner = $4 AND status = 'RUNNING'";
const SEEN: &str = "UPDATE contact_imports SET seen_at = $5 \
     WHERE organization_id = $1 AND agent_id = $2 AND id = $3 AND runner = $4 AND status = 'RUNNING'";
const FORGET_CALL: &str = "UPDATE contact_imports SET subject = NULL, scope = NULL, request = NULL \
     WHERE organization_id = $1 AND agent_id = $2 AND id = $3";
const ERRORS: &str = "SELECT line, error FROM contact_import_errors \
     WHERE organization_id = $1 AND agent_id = $2 AND import_id = $3 AND line > $4 ORDER BY line LIMIT $5";
/// Of all organizations: what nobody can ask for any more.
const PURGE: &str = "DELETE FROM contact_imports WHERE (organization_id, agent_id, id) IN \
     (SELECT organization_id, agent_id, id FROM contact_imports WHERE created_at < $1 ORDER BY created_at LIMIT $2)";

/// The errors of so many rows are added in one statement.
macro_rules! add_errors {
    ($dialect:ident) => {
        $dialect::choose(
            "INSERT INTO contact_import_errors (organization_id, agent_id, import_id, line, error) \
             SELECT $1, $2, $3, value ->> 0, value ->> 1 FROM json_each($4)",
            "INSERT INTO contact_import_errors (organization_id, agent_id, import_id, line, error) \
             SELECT $1, $2, $3, (value ->> 0)::bigint, value ->> 1 FROM json_array_elements($4::json)",
        )
    };
}

/// Reads imports. Every query is about one partition and sees no other.
#[async_trait]
pub(crate) trait ImportStore: Send + Sync {
    /// An import.
    async fn find(&self, partition: &Partition, id: &str) -> Result<Option<Import>, StoreError>;

    /// So many imports at the most, newest first, those whose id comes before `before`.
    async fn list(
        &self,
        partition: &Partition,
        label: Option<&str>,
        limit: i64,
        before: Option<&str>,
    ) -> Result<Vec<Import>, StoreError>;

    /// So many errors of an import at the most, in the order of their lines, those behind the line `after`.
    async fn errors(
        &self,
        partition: &Partition,
        id: &str,
        limit: i64,
        after: i64,
    ) -> Result<Vec<RowError>, StoreError>;

    /// Deletes so many imports at the most that began before a time, with their errors. Says how many.
    async fn purge(&self, before: Timestamp, limit: i64) -> Result<u64, StoreError>;

    /// Has the database count what imports fill, so that its plans are for what is there now.
    async fn count_tables(&self) -> Result<(), StoreError>;
}

/// What a change may do to imports.
#[async_trait]
pub(crate) trait ImportWork: Send {
    /// The import that a call with this scope has begun, by its subject.
    async fn find_import_by_call(
        &mut self,
        partition: &Partition,
        subject: &str,
        scope: &[u8],
    ) -> Result<Option<Import>, StoreError>;

    /// Adds an import, by the call with the subject and the scope if it takes effect once. `false`: there is one of
    /// this call.
    async fn insert_import(
        &mut self,
        partition: &Partition,
        import: &Import,
        call: Option<(&str, &[u8])>,
    ) -> Result<bool, StoreError>;

    /// Gives an import to another runner. `false`: it has ended, or another one has it.
    async fn take_import_over(
        &mut self,
        partition: &Partition,
        import: &Import,
        runner: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The call of this import may be made again.
    async fn forget_import_call(&mut self, partition: &Partition, id: &str) -> Result<(), StoreError>;

    /// Writes how far an import has come, with the errors that are new. `false`: it has ended, or another runner has
    /// it.
    async fn save_import(
        &mut self,
        partition: &Partition,
        import: &Import,
        errors: &[RowError],
    ) -> Result<bool, StoreError>;

    /// Ends an import that cannot go on, unless it has ended or another runner has it.
    async fn fail_import(
        &mut self,
        partition: &Partition,
        import: &Import,
        problem: &Problem,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Notes when its runner was seen.
    async fn see_import(&mut self, partition: &Partition, import: &Import) -> Result<(), StoreError>;
}

/// Imports in a database.
pub(super) struct SqlImports<D: Dialect>(pub(super) Db<D>);

fn of<D: Dialect>(query: &'static str, partition: &Partition) -> Query<D> {
    sql::<D>(query).bind(&partition.organization_id).bind(&partition.agent_id)
}

#[async_trait]
impl<D: Dialect> ImportStore for SqlImports<D> {
    #[instrument(name = "db.import.find", level = "debug", skip_all)]
    async fn find(&self, partition: &Partition, id: &str) -> Result<Option<Import>, StoreError> {
        let row = svc_db::read!(self.0, |connection| {
            of::<D>(FIND, partition).bind(id).within(&Scope::of(partition)).optional(connection)
        })?;
        row.as_ref().map(read).transpose()
    }

    #[instrument(name = "db.import.list", level = "debug", skip_all)]
    async fn list(
        &self,
        partition: &Partition,
        label: Option<&str>,
        limit: i64,
        before: Option<&str>,
    ) -> Result<Vec<Import>, StoreError> {
        // Behind every id.
        let (before, scope) = (before.unwrap_or("g"), Scope::of(partition));
        let rows = svc_db::read!(self.0, |connection| {
            let query = |text| of::<D>(text, partition).bind(before).bind(limit);
            match label {
                Some(label) => query(LIST_BY_LABEL).bind(label),
                None => query(LIST),
            }
            .within(&scope)
            .all(connection)
        })?;
        rows.iter().map(read).collect()
    }

    #[instrument(name = "db.import.errors", level = "debug", skip_all)]
    async fn errors(
        &self,
        partition: &Partition,
        id: &str,
        limit: i64,
        after: i64,
    ) -> Result<Vec<RowError>, StoreError> {
        let scope = Scope::of(partition);
        let rows = svc_db::read!(self.0, |connection| {
            of::<D>(ERRORS, partition).bind(id).bind(after).bind(limit).within(&scope).all(connection)
        })?;
        let error = |row: &Row<D>| {
            let problem = serde_json::from_str(&row.get::<String>("error")?);
            let problem = problem.map_err(|_| StoreError::Corrupt { column: "error" })?;
            Ok(RowError { line: row.get("line")?, problem })
        };
        rows.iter().map(error).collect()
    }

    #[instrument(name = "db.import.purge", level = "debug", skip_all)]
    async fn purge(&self, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
        let mut transaction = self.0.begin_in(&Scope::everything()).await?;
        let purged = transaction.run(sql::<D>(PURGE).bind(before).bind(limit)).await?;
        transaction.commit().await.map_err(DbError::from)?;
        Ok(purged)
    }

    #[instrument(name = "db.import.count_tables", level = "debug", skip_all)]
    async fn count_tables(&self) -> Result<(), StoreError> {
        // The plans of SQLite stand in the statements.
        let text =
            D::choose("", "ANALYZE (SKIP_LOCKED) contacts, contact_terms, contact_search, contact_changes");
        if text.is_empty() {
            return Ok(());
        }
        let mut transaction = self.0.begin_in(&Scope::everything()).await?;
        transaction.run(sql::<D>(text)).await?;
        transaction.commit().await.map_err(DbError::from)?;
        Ok(())
    }
}

#[async_trait]
impl<D: Dialect> ImportWork for SqlWork<D> {
    #[instrument(name = "db.import.find", level = "debug", skip_all)]
    async fn find_import_by_call(
        &mut self,
        partition: &Partition,
        subject: &str,
        scope: &[u8],
    ) -> Result<Option<Import>, StoreError> {
        let query = of::<D>(FIND_BY_CALL, partition).bind(subject).bind(scope);
        self.transaction.optional(query).await?.as_ref().map(read).transpose()
    }

    #[instrument(name = "db.import.insert", level = "debug", skip_all)]
    async fn insert_import(
        &mut self,
        partition: &Partition,
        import: &Import,
        call: Option<(&str, &[u8])>,
    ) -> Result<bool, StoreError> {
        let Counts { rows, created, updated, unchanged, failed } = import.counts;
        let query = of::<D>(INSERT, partition)
            .bind(&import.id)
            .bind(&import.label)
            .bind(import.status.as_str())
            .bind(import.dry_run)
            .bind(rows)
            .bind(created)
            .bind(updated)
            .bind(unchanged)
            .bind(failed)
            .bind(&failure_text(import)?)
            .bind(import.created_at)
            .bind(import.updated_at)
            .bind(import.finished_at)
            .bind(&import.runner)
            .bind(import.seen_at)
            .bind(import.stand.position)
            .bind(import.stand.lines)
            .bind(&import.stand.digest)
            .bind(import.request.as_deref())
            .bind(call.map(|(subject, _)| subject))
            .bind(call.map(|(_, scope)| scope));
        Ok(self.transaction.run(query).await? == 1)
    }

    #[instrument(name = "db.import.take_over", level = "debug", skip_all)]
    async fn take_import_over(
        &mut self,
        partition: &Partition,
        import: &Import,
        runner: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let query =
            of::<D>(TAKE_OVER, partition).bind(&import.id).bind(&import.runner).bind(runner).bind(now);
        Ok(self.transaction.run(query).await? == 1)
    }

    #[instrument(name = "db.import.forget_call", level = "debug", skip_all)]
    async fn forget_import_call(&mut self, partition: &Partition, id: &str) -> Result<(), StoreError> {
        let query = of::<D>(FORGET_CALL, partition).bind(id);
        self.transaction.run(query).await?;
        Ok(())
    }

    #[instrument(name = "db.import.save", level = "debug", skip_all)]
    async fn save_import(
        &mut self,
        partition: &Partition,
        import: &Import,
        errors: &[RowError],
    ) -> Result<bool, StoreError> {
        let Counts { rows, created, updated, unchanged, failed } = import.counts;
        let query = of::<D>(SAVE, partition)
            .bind(&import.id)
            .bind(&import.runner)
            .bind(import.status.as_str())
            .bind(rows)
            .bind(created)
            .bind(updated)
            .bind(unchanged)
            .bind(failed)
            .bind(&failure_text(import)?)
            .bind(import.updated_at)
            .bind(import.finished_at)
            .bind(import.seen_at)
            .bind(import.stand.position)
            .bind(import.stand.lines)
            .bind(&import.stand.digest);
        if self.transaction.run(query).await? == 0 {
            return Ok(false);
        }
        if !errors.is_empty() {
            let mut rows = Vec::with_capacity(errors.len());
            for error in errors {
                rows.push((error.line, problem_text(&error.problem, "error")?));
            }
            let json = serde_json::to_string(&rows).map_err(|_| StoreError::Corrupt { column: "error" })?;
            let query = of::<D>(add_errors!(D), partition).bind(&import.id).bind(&json);
            self.transaction.run(query).await?;
        }
        Ok(true)
    }

    #[instrument(name = "db.import.fail", level = "debug", skip_all)]
    async fn fail_import(
        &mut self,
        partition: &Partition,
        import: &Import,
        problem: &Problem,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let problem = problem_text(problem, "failure")?;
        let query = of::<D>(FAIL, partition).bind(&import.id).bind(&import.runner).bind(&problem).bind(now);
        self.transaction.run(query).await?;
        Ok(())
    }

    #[instrument(name = "db.import.see", level = "debug", skip_all)]
    async fn see_import(&mut self, partition: &Partition, import: &Import) -> Result<(), StoreError> {
        let query = of::<D>(SEEN, partition).bind(&import.id).bind(&import.runner).bind(import.seen_at);
        self.transaction.run(query).await?;
        Ok(())
    }
}

fn failure_text(import: &Import) -> Result<Option<String>, StoreError> {
    import.failure.as_ref().map(|problem| problem_text(problem, "failure")).transpose()
}

fn problem_text(problem: &Problem, column: &'static str) -> Result<String, StoreError> {
    serde_json::to_string(problem).map_err(|_| StoreError::Corrupt { column })
}

fn read<D: Dialect>(row: &Row<D>) -> Result<Import, StoreError> {
    let status = ImportStatus::from_str(&row.get::<String>("status")?);
    let failure = row.get::<Option<String>>("failure")?;
    let failure = failure.map(|text| serde_json::from_str(&text)).transpose();
    Ok(Import {
        id: row.get("id")?,
        label: row.get("label")?,
        status: status.ok_or(StoreError::Corrupt { column: "status" })?,
        dry_run: row.get("dry_run")?,
        counts: Counts {
            rows: row.get("rows_read")?,
            created: row.get("rows_created")?,
            updated: row.get("rows_updated")?,
            unchanged: row.get("rows_unchanged")?,
            failed: row.get("rows_failed")?,
        },
        failure: failure.map_err(|_| StoreError::Corrupt { column: "failure" })?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        finished_at: row.optional_time("finished_at")?,
        runner: row.get("runner")?,
        seen_at: row.time("seen_at")?,
        stand: Stand { position: row.get("position")?, lines: row.get("lines")?, digest: row.get("digest")? },
        request: row.get("request")?,
    })
}
