//! A database of its own for each stack, in the PostgreSQL that `make test` starts.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
pub use svc_db::testing::{new_postgres_database as new_database, new_superuser_database};

/// Connects as who may see the rows of every organization.
pub async fn connect(url: &str) -> PgConnection {
    let mut connection = PgConnection::connect(url).await.unwrap();
    connection.execute("SET keyward.scope = '*'").await.unwrap();
    connection
}

/// Every row of every table, as text.
pub async fn dump(url: &str) -> String {
    let mut connection = connect(url).await;
    let tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables \
         WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
    let mut dump = String::new();
    for table in tables {
        let rows = AssertSqlSafe(format!("SELECT t::text FROM {table} t"));
        let rows: Vec<String> = sqlx::query_scalar(rows).fetch_all(&mut connection).await.unwrap();
        dump.push_str(&format!("{table}\n{}\n", rows.join("\n")));
    }
    dump
}
