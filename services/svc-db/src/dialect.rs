//! The few true differences between the engines.

use std::future::Future;

use sqlx::database::Database;
use sqlx::error::BoxDynError;
use sqlx::{Arguments, AssertSqlSafe, Column as _, Postgres, Row as _, SqlSafeStr, SqlStr, Sqlite};

use super::Scope;
use super::query::Param;

/// A type that a column can be read as.
pub trait Reads<T>: Database {
    /// Reads a column.
    fn get(row: &Self::Row, column: &str) -> Result<T, sqlx::Error>;

    /// Reads the column at this place.
    fn at(row: &Self::Row, place: usize) -> Result<T, sqlx::Error>;
}

/// An engine that stores write their queries for.
pub trait Dialect:
    Database
    + Reads<String>
    + Reads<Option<String>>
    + Reads<i64>
    + Reads<Option<i64>>
    + Reads<bool>
    + Reads<Vec<u8>>
    + Reads<Option<Vec<u8>>>
{
    /// The place of a column.
    fn place(row: &Self::Row, column: &str) -> Result<usize, sqlx::Error>;

    /// The name of the column at a place.
    fn name(row: &Self::Row, place: usize) -> Result<&str, sqlx::Error>;

    /// Starts a transaction that writes. On SQLite it takes the write lock at once, so that it never
    /// fails half-way because another one has it.
    const BEGIN: &str;

    /// What begins a transaction about these rows, in one message.
    fn begin(scope: Option<&Scope>) -> SqlStr;

    /// A write that changes nothing, and fails where a real one would for want of room or of a primary.
    const PROBE: &str;

    /// Locks the rows that a SELECT inside a transaction finds. Nothing on SQLite, whose transactions
    /// hold the write lock already.
    const FOR_UPDATE: &str;

    /// The text of a query that the engines have no common one for.
    fn choose(sqlite: &'static str, postgres: &'static str) -> &'static str {
        if Self::NAME == Postgres::NAME { postgres } else { sqlite }
    }

    /// Takes the lock of number `$1` until the transaction ends, or says at once that another transaction has it.
    /// `None` on SQLite, where there is one at a time.
    const TRY_LOCK: Option<&str>;

    /// Binds a value to the next placeholder.
    fn bind(arguments: &mut Self::Arguments, value: Param<'_>) -> Result<(), BoxDynError>;

    /// Runs a statement that has no values, as it stands. Transactions begin and end with it: sqlx's own keep
    /// count of them, and go on counting one whose end has failed.
    fn execute(
        connection: &mut Self::Connection,
        sql: SqlStr,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Runs a statement and says how many rows it touched.
    fn run(
        connection: &mut Self::Connection,
        sql: SqlStr,
        arguments: Self::Arguments,
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// Fetches all rows.
    fn all(
        connection: &mut Self::Connection,
        sql: SqlStr,
        arguments: Self::Arguments,
    ) -> impl Future<Output = Result<Vec<Self::Row>, sqlx::Error>> + Send;

    /// Fetches one row, if there is one.
    fn optional(
        connection: &mut Self::Connection,
        sql: SqlStr,
        arguments: Self::Arguments,
    ) -> impl Future<Output = Result<Option<Self::Row>, sqlx::Error>> + Send;
}

macro_rules! dialect {
    ($engine:ident, begin = $begin:literal, has_scopes = $has_scopes:literal, probe = $probe:literal, for_update = $for_update:literal, try_lock = $try_lock:expr, reads = $($read:ty),*) => {
        impl Dialect for $engine {
            const BEGIN: &str = $begin;
            const PROBE: &str = $probe;
            const FOR_UPDATE: &str = $for_update;
            const TRY_LOCK: Option<&str> = $try_lock;

            fn place(row: &Self::Row, column: &str) -> Result<usize, sqlx::Error> {
                Ok(row.try_column(column)?.ordinal())
            }

            fn name(row: &Self::Row, place: usize) -> Result<&str, sqlx::Error> {
                Ok(row.try_column(place)?.name())
            }

            fn bind(arguments: &mut Self::Arguments, value: Param<'_>) -> Result<(), BoxDynError> {
                match value {
                    Param::Text(text) => arguments.add(text.map(str::to_owned)),
                    Param::Int(number) => arguments.add(number),
                    Param::Bool(bool) => arguments.add(bool),
                    Param::Bytes(bytes) => arguments.add(bytes.map(<[u8]>::to_vec)),
                }
            }

            fn begin(scope: Option<&Scope>) -> SqlStr {
                match scope.filter(|_| $has_scopes) {
                    None => Self::BEGIN.into_sql_str(),
                    // Nothing of the request is in it but as digits.
                    Some(scope) => {
                        AssertSqlSafe(format!("{}; {}", Self::BEGIN, scope.statement())).into_sql_str()
                    }
                }
            }

            async fn execute(
                connection: &mut Self::Connection,
                sql: SqlStr,
            ) -> Result<(), sqlx::Error> {
                sqlx::raw_sql(sql).execute(connection).await.map(drop)
            }

            async fn run(
                connection: &mut Self::Connection,
                sql: SqlStr,
                arguments: Self::Arguments,
            ) -> Result<u64, sqlx::Error> {
                Ok(sqlx::query_with(sql, arguments).execute(connection).await?.rows_affected())
            }

            async fn all(
                connection: &mut Self::Connection,
                sql: SqlStr,
                arguments: Self::Arguments,
            ) -> Result<Vec<Self::Row>, sqlx::Error> {
                sqlx::query_with(sql, arguments).fetch_all(connection).await
            }

            async fn optional(
                connection: &mut Self::Connection,
                sql: SqlStr,
                arguments: Self::Arguments,
            ) -> Result<Option<Self::Row>, sqlx::Error> {
                sqlx::query_with(sql, arguments).fetch_optional(connection).await
            }
        }

        $(impl Reads<$read> for $engine {
            fn get(row: &Self::Row, column: &str) -> Result<$read, sqlx::Error> {
                row.try_get(column)
            }

            fn at(row: &Self::Row, place: usize) -> Result<$read, sqlx::Error> {
                row.try_get(place)
            }
        })*
    };
}

dialect!(
    Sqlite,
    begin = "BEGIN IMMEDIATE",
    has_scopes = false,
    // Writes the first page, which holds it. Nothing here uses it.
    probe = "PRAGMA user_version = 0",
    for_update = "",
    try_lock = None,
    reads = String,
    Option<String>,
    i64,
    Option<i64>,
    bool,
    Vec<u8>,
    Option<Vec<u8>>
);
dialect!(
    Postgres,
    begin = "BEGIN",
    has_scopes = true,
    // Needs a transaction id, which a standby has none of.
    probe = "SELECT txid_current()",
    for_update = " FOR UPDATE",
    try_lock = Some("SELECT pg_try_advisory_xact_lock($1) AS taken"),
    reads = String,
    Option<String>,
    i64,
    Option<i64>,
    bool,
    Vec<u8>,
    Option<Vec<u8>>
);
