//! Bringing the schema of a service up to date, with no more rights than that needs.

use std::collections::HashMap;

use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::{PgConnection, Row, SqliteConnection};

use super::open::OpenError;
use svc_runtime::service::Migrations;

/// sqlx's table of the migrations that were applied.
const TABLE: &str = "_sqlx_migrations";

/// Brings a schema of PostgreSQL up to date, when `when` lets it, and says how many migrations it applied. Looks
/// first: with nothing to do it needs no right to make anything, and a schema that is there, e.g. made by a DBA,
/// is not made.
pub(super) async fn migrate_postgres(
    connection: &mut PgConnection,
    schema: &str,
    mut migrations: Migrator,
    when: Migrations,
) -> Result<usize, OpenError> {
    let query = "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1) AS schema, \
         EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = $2) AS migrated";
    let row = sqlx::query(query).bind(schema).bind(TABLE).fetch_one(&mut *connection).await?;
    let state = State::of(connection, row.try_get("migrated")?, &migrations).await?;
    if !state.is_to_be_migrated(when, schema)? {
        return Ok(0);
    }
    if !row.try_get("schema")? {
        // sqlx makes schemas under its lock, where two processes that start at once do not meet.
        let create = format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\"");
        migrations.create_schema(format!("\"{schema}\""));
        migrations.run_direct(Some(0), connection, false).await.map_err(|error| match error {
            MigrateError::Execute(error) if is_denied(&error) => {
                OpenError::Denied { what: create, schema: schema.to_owned() }
            }
            error => error.into(),
        })?;
    }
    // What the migrations make has no schema in its name: it must go into ours, never into `public`.
    let row = sqlx::query("SELECT current_schema() AS current").fetch_one(&mut *connection).await?;
    if row.try_get::<Option<String>, _>("current")?.as_deref() != Some(schema) {
        return Err(OpenError::Schema(schema.to_owned()));
    }
    migrations.run_direct(None, connection, false).await?;
    Ok(state.pending)
}

/// The same for a file of SQLite.
pub(super) async fn migrate_sqlite(
    connection: &mut SqliteConnection,
    service: &str,
    migrations: Migrator,
    when: Migrations,
) -> Result<usize, OpenError> {
    let query = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1)";
    let migrated = sqlx::query_scalar(query).bind(TABLE).fetch_one(&mut *connection).await?;
    let state = State::of(connection, migrated, &migrations).await?;
    if !state.is_to_be_migrated(when, service)? {
        return Ok(0);
    }
    migrations.run_direct(None, connection, false).await?;
    Ok(state.pending)
}

/// What a schema lacks.
struct State {
    /// How many migrations are not applied.
    pending: usize,
    /// Whether what is applied is what there is. What does not fit is sqlx's to say.
    fits: bool,
    /// The newest one that is applied and not known, if it is newer than all that are known and that matters.
    newer: Option<i64>,
}

impl State {
    async fn of<C: Migrate>(
        connection: &mut C,
        migrated: bool,
        migrations: &Migrator,
    ) -> Result<State, OpenError> {
        let ours = migrations.iter().filter(|one| !one.migration_type.is_down_migration());
        if !migrated {
            return Ok(State { pending: ours.count(), fits: true, newer: None });
        }
        if connection.dirty_version(TABLE).await?.is_some() {
            return Ok(State { pending: 0, fits: false, newer: None });
        }
        let applied = connection.list_applied_migrations(TABLE).await?;
        let mut applied: HashMap<_, _> = applied.into_iter().map(|one| (one.version, one.checksum)).collect();
        let mut state = State { pending: 0, fits: true, newer: None };
        let mut newest = 0;
        for one in ours {
            newest = newest.max(one.version);
            match applied.remove(&one.version) {
                None => state.pending += 1,
                Some(checksum) => state.fits &= checksum == one.checksum,
            }
        }
        state.fits &= applied.is_empty();
        if !migrations.ignore_missing {
            state.newer = applied.into_keys().max().filter(|version| *version > newest);
        }
        Ok(state)
    }

    fn is_to_be_migrated(&self, when: Migrations, schema: &str) -> Result<bool, OpenError> {
        if let Some(version) = self.newer {
            return Err(OpenError::Newer { schema: schema.to_owned(), version });
        }
        if when == Migrations::Never && self.pending > 0 {
            return Err(OpenError::Pending { schema: schema.to_owned(), count: self.pending });
        }
        // What does not fit is refused by sqlx before it changes anything.
        Ok(self.pending > 0 || !self.fits)
    }
}

fn is_denied(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.code().as_deref() == Some("42501"))
}

#[cfg(test)]
mod tests {
    use sqlx::migrate::{Migration, MigrationType, Migrator};
    use sqlx::{AssertSqlSafe, SqlSafeStr};

    use crate::testing::TestEnvironment;
    use crate::{OpenError, open};

    /// So many migrations.
    fn migrations(count: i64, ignore_missing: bool) -> Migrator {
        let migration = |version| {
            let sql = AssertSqlSafe(format!("CREATE TABLE number_{version} (id BIGINT)")).into_sql_str();
            Migration::new(version, "a table".into(), MigrationType::Simple, sql, false)
        };
        let mut migrations = Migrator::with_migrations((1..=count).map(migration).collect());
        migrations.set_ignore_missing(ignore_missing);
        migrations
    }

    #[tokio::test]
    async fn a_database_of_a_newer_release_is_refused_unless_what_is_missing_is_ignored() {
        for (engine, home) in TestEnvironment::each().await {
            let open = async |count, ignore_missing| {
                let migrations = || migrations(count, ignore_missing);
                open(&home.environment, "rows", migrations(), migrations()).await
            };
            open(2, false).await.unwrap().close().await;
            for known in 0..2 {
                let refused = open(known, false).await.err();
                assert!(
                    matches!(refused, Some(OpenError::Newer { version: 2, .. })),
                    "{engine}, {known}: {refused:?}"
                );
                open(known, true).await.unwrap().close().await;
            }
        }
    }
}
