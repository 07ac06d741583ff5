//! The few true differences between the engines.

use std::future::Future;

use sqlx::SqlStr;
use sqlx::database::Database;
use sqlx::error::BoxDynError;
use sqlx::{Arguments, Postgres, Row as _, Sqlite};

use super::query::Param;

/// A type that a column can be read as.
pub trait Reads<T>: Database {
    /// Reads a column.
    fn get(row: &Self::Row, column: &str) -> Result<T, sqlx::Error>;
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
    /// Starts a transaction that writes. On SQLite it takes the write lock at once, so that it never
    /// fails half-way because another one has it.
    const BEGIN: &str;

    /// Locks the rows that a SELECT inside a transaction finds. Nothing on SQLite, whose transactions
    /// hold the write lock already.
    const FOR_UPDATE: &str;

    /// Binds a value to the next placeholder.
    fn bind(arguments: &mut Self::Arguments, value: Param<'_>) -> Result<(), BoxDynError>;

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
    ($engine:ident, begin = $begin:literal, for_update = $for_update:literal, reads = $($read:ty),*) => {
        impl Dialect for $engine {
            const BEGIN: &str = $begin;
            const FOR_UPDATE: &str = $for_update;

            fn bind(arguments: &mut Self::Arguments, value: Param<'_>) -> Result<(), BoxDynError> {
                match value {
                    Param::Text(text) => arguments.add(text.map(str::to_owned)),
                    Param::Int(number) => arguments.add(number),
                    Param::Bool(bool) => arguments.add(bool),
                    Param::Bytes(bytes) => arguments.add(bytes.map(<[u8]>::to_vec)),
                }
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
        })*
    };
}

dialect!(
    Sqlite,
    begin = "BEGIN IMMEDIATE",
    for_update = "",
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
    for_update = " FOR UPDATE",
    reads = String,
    Option<String>,
    i64,
    Option<i64>,
    bool,
    Vec<u8>,
    Option<Vec<u8>>
);
