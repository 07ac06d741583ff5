//! Queries that are written once for both engines.

use sqlx::error::BoxDynError;
use sqlx::{Arguments, AssertSqlSafe, Database, Postgres, SqlSafeStr, SqlStr};

use super::scope::SETTING;
use super::{DbError, Dialect, Reads, Scope};
use svc_core::clock::Timestamp;
use svc_runtime::telemetry;

/// A value for a placeholder.
#[derive(Clone, Copy, Debug)]
pub enum Param<'a> {
    /// TEXT.
    Text(Option<&'a str>),
    /// BIGINT.
    Int(Option<i64>),
    /// BOOLEAN.
    Bool(bool),
    /// BLOB or BYTEA.
    Bytes(Option<&'a [u8]>),
}

macro_rules! params {
    ($($from:ty => |$value:ident| $param:expr;)*) => {
        $(impl<'a> From<$from> for Param<'a> {
            fn from($value: $from) -> Param<'a> { $param }
        })*
    };
}

params! {
    &'a str => |text| Param::Text(Some(text));
    &'a String => |text| Param::Text(Some(text));
    Option<&'a str> => |text| Param::Text(text);
    &'a Option<String> => |text| Param::Text(text.as_deref());
    i64 => |number| Param::Int(Some(number));
    i32 => |number| Param::Int(Some(i64::from(number)));
    Option<i64> => |number| Param::Int(number);
    Timestamp => |time| Param::Int(Some(time.0));
    Option<Timestamp> => |time| Param::Int(time.map(|t| t.0));
    bool => |bool| Param::Bool(bool);
    &'a [u8] => |bytes| Param::Bytes(Some(bytes));
    &'a Vec<u8> => |bytes| Param::Bytes(Some(bytes));
    Option<&'a [u8]> => |bytes| Param::Bytes(bytes);
}

/// A query and the values of its placeholders.
pub struct Query<D: Dialect> {
    sql: SqlStr,
    arguments: Result<D::Arguments, BoxDynError>,
}

/// A query with placeholders `$1`, `$2`, ….
pub fn sql<D: Dialect>(text: impl SqlSafeStr) -> Query<D> {
    Query { sql: text.into_sql_str(), arguments: Ok(D::Arguments::default()) }
}

impl<D: Dialect> Query<D> {
    /// Binds the next placeholder.
    #[must_use]
    pub fn bind<'a>(mut self, value: impl Into<Param<'a>>) -> Query<D> {
        self.arguments = self.arguments.and_then(|mut arguments| {
            D::bind(&mut arguments, value.into())?;
            Ok(arguments)
        });
        self
    }

    /// Has it read these rows and no others where the schema has row-level security. For a SELECT whose values are all
    /// bound, which locks nothing; in a transaction that has begun in a scope it is not needed.
    #[must_use]
    pub fn within(self, scope: &Scope) -> Query<D> {
        if D::NAME != Postgres::NAME {
            return self;
        }
        let number = self.arguments.as_ref().map_or(0, Arguments::len) + 1;
        // The outer condition has no column, so it is looked at once, before the rest begins; and what has an OFFSET
        // is not put together with what is outside. The text is that of a query, which is safe, and a number.
        let text = format!(
            "SELECT * FROM ({} OFFSET 0) AS found WHERE (SELECT set_config('{SETTING}', ${number}, true)) IS NOT NULL",
            self.sql.as_str()
        );
        Query { sql: AssertSqlSafe(text).into_sql_str(), arguments: self.arguments }.bind(scope.as_str())
    }

    /// Runs it and says how many rows it touched.
    pub async fn run(self, connection: &mut D::Connection) -> Result<u64, DbError> {
        trace::<D>(self.sql.as_str());
        Ok(D::run(connection, self.sql, self.arguments.map_err(sqlx::Error::Encode)?).await?)
    }

    /// Fetches all rows.
    pub async fn all(self, connection: &mut D::Connection) -> Result<Vec<Row<D>>, DbError> {
        trace::<D>(self.sql.as_str());
        let rows = D::all(connection, self.sql, self.arguments.map_err(sqlx::Error::Encode)?).await?;
        Ok(rows.into_iter().map(Row).collect())
    }

    /// Fetches one row, if there is one.
    pub async fn optional(self, connection: &mut D::Connection) -> Result<Option<Row<D>>, DbError> {
        trace::<D>(self.sql.as_str());
        let row = D::optional(connection, self.sql, self.arguments.map_err(sqlx::Error::Encode)?).await?;
        Ok(row.map(Row))
    }
}

/// Says of the current span what the statement does, and to which engine.
pub(super) fn trace<D: Database>(statement: &str) {
    #[cfg(feature = "testing")]
    crate::testing::count();
    let system = if D::NAME == Postgres::NAME { "postgresql" } else { "sqlite" };
    telemetry::db_operation(system, statement);
}

/// Reads on a connection of a [`Db`](crate::Db), as in `read!(db, |connection| query(connection))`, and gives
/// what the future `query` gives. When the connection turns out to be lost, it is made and asked once more
/// on another one: it may only read.
#[macro_export]
macro_rules! read {
    ($db:expr, |$connection:ident| $query:expr) => {{
        let mut again = true;
        loop {
            let mut lease = match $db.read().await {
                Ok(lease) => lease,
                Err(error) => break Err(error),
            };
            let $connection = &mut *lease;
            let found: Result<_, $crate::DbError> = $query.await;
            match found {
                Ok(found) => {
                    lease.done();
                    break Ok(found);
                }
                Err(error) => {
                    if !(lease.failed(&error) && std::mem::take(&mut again)) {
                        break Err(error);
                    }
                }
            }
        }
    }};
}

/// A row of either engine.
pub struct Row<D: Dialect>(D::Row);

impl<D: Dialect> Row<D> {
    /// Reads a column as one of the portable types.
    pub fn get<T>(&self, column: &str) -> Result<T, DbError>
    where
        D: Reads<T>,
    {
        Ok(D::get(&self.0, column)?)
    }

    /// Its columns from this one on, in the order of the SELECT.
    pub fn columns_from(&self, column: &str) -> Result<Columns<'_, D>, DbError> {
        Ok(Columns { row: &self.0, place: D::place(&self.0, column)? })
    }

    /// Reads a time.
    pub fn time(&self, column: &str) -> Result<Timestamp, DbError> {
        Ok(Timestamp(self.get::<i64>(column)?))
    }

    /// Reads a time that may be absent.
    pub fn optional_time(&self, column: &str) -> Result<Option<Timestamp>, DbError> {
        Ok(self.get::<Option<i64>>(column)?.map(Timestamp))
    }
}

/// The columns of a row one after the other: for rows of many columns, whose names need not be looked up each time.
pub struct Columns<'r, D: Dialect> {
    row: &'r D::Row,
    place: usize,
}

impl<D: Dialect> Columns<'_, D> {
    /// Reads the next column as one of the portable types. Builds that are no release check that it has this name.
    pub fn next<T>(&mut self, column: &str) -> Result<T, DbError>
    where
        D: Reads<T>,
    {
        debug_assert_eq!(D::name(self.row, self.place).ok(), Some(column));
        let value = D::at(self.row, self.place)?;
        self.place += 1;
        Ok(value)
    }
}
