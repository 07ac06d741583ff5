//! A database of its own for each stack, in the PostgreSQL that `make test` starts.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::random_hex;

/// Names the server: a URL of a role that may create databases.
const URL: &str = "KEYWARD_TEST_POSTGRES_URL";

/// Creates a database and gives its URL. It goes away with the server.
pub async fn new_database() -> String {
    let server = std::env::var(URL).unwrap_or_else(|_| panic!("{URL} is not set: run `make test`"));
    let name = format!("stack_{}", random_hex());
    let mut connection = PgConnection::connect(&server).await.unwrap();
    let create = format!("CREATE DATABASE {name} TEMPLATE template0");
    connection.execute(sqlx::raw_sql(AssertSqlSafe(create))).await.unwrap();
    connection.close().await.unwrap();
    let (server, _) = server.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

/// Every row of every table, as text.
pub async fn dump(url: &str) -> String {
    let mut connection = PgConnection::connect(url).await.unwrap();
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
