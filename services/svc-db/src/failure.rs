//! What an error of the database means: one table for each engine, and what follows from it.

use sqlx::Error;

/// What follows from an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// The store decides: a row with this unique value exists. The connection is good.
    Pass,
    /// Answered 503. The transaction is undone and the connection is good: the caller may try again.
    Unavailable,
    /// Answered 503. The connection is closed, all others from before are not used again, and what surely changed
    /// nothing is tried once more on a new one.
    Reconnect,
    /// Answered 503. As `Reconnect`; and the service says that it cannot serve until a write has worked.
    CannotWrite,
    /// Answered 500. A fault of ours, or of the database itself.
    Failed,
}

use Class::{CannotWrite, Failed, Pass, Reconnect, Unavailable};

/// SQLSTATE, or how it begins. The longest that fits counts; what is not here is `Failed`.
const POSTGRES: &[(&str, Class)] = &[
    ("23505", Pass),        // unique_violation
    ("08", Reconnect),      // connection exceptions; also what PgBouncer says
    ("0A000", Reconnect),   // a cached plan that a migration has made useless
    ("25006", Reconnect),   // read_only_sql_transaction: a standby
    ("25P03", Reconnect),   // idle_in_transaction_session_timeout: the server has closed it
    ("25P04", Reconnect),   // transaction_timeout: likewise
    ("26000", Reconnect),   // a prepared statement that is gone
    ("28", Reconnect),      // the role or its password is refused: it may be being changed
    ("3D000", Reconnect),   // no such database: it may be being restored
    ("40", Unavailable),    // serialization failures, deadlocks
    ("40003", Reconnect),   // statement_completion_unknown
    ("53", Unavailable),    // memory, connections, other resources
    ("53100", CannotWrite), // disk_full
    ("55000", Reconnect),   // not while it recovers: a standby
    ("55P03", Unavailable), // lock_not_available
    ("57014", Unavailable), // query_canceled: statement_timeout
    ("57P", Reconnect),     // shutting down, crashed, starting, dropped, idle for too long
    ("58030", CannotWrite), // io_error
];

/// Result codes without their extension (the low byte), but for those that need it.
const SQLITE: &[(u32, Class)] = &[
    (1555, Pass),      // SQLITE_CONSTRAINT_PRIMARYKEY
    (2067, Pass),      // SQLITE_CONSTRAINT_UNIQUE
    (3, CannotWrite),  // SQLITE_PERM
    (5, Unavailable),  // SQLITE_BUSY
    (6, Unavailable),  // SQLITE_LOCKED
    (7, Reconnect),    // SQLITE_NOMEM
    (8, CannotWrite),  // SQLITE_READONLY
    (9, Unavailable),  // SQLITE_INTERRUPT
    (10, CannotWrite), // SQLITE_IOERR
    (13, CannotWrite), // SQLITE_FULL
    (14, CannotWrite), // SQLITE_CANTOPEN
    (15, Unavailable), // SQLITE_PROTOCOL: a lock that is being fought for
    (17, Reconnect),   // SQLITE_SCHEMA
];

impl Class {
    /// Of any error of the driver.
    pub(super) fn of(error: &Error) -> Class {
        match error {
            Error::Database(error) => match error.code() {
                // Both engines have codes of digits only; PostgreSQL's have five places, SQLite's at most four.
                Some(code) if code.len() == 5 => of_postgres(&code),
                Some(code) => code.parse().map_or(Failed, of_sqlite),
                None => Failed,
            },
            Error::PoolTimedOut | Error::PoolClosed => Unavailable,
            Error::Io(_)
            | Error::Tls(_)
            | Error::Protocol(_)
            | Error::WorkerCrashed
            | Error::BeginFailed
            // What sqlx knows of a transaction is not what is.
            | Error::InvalidSavePointStatement => Reconnect,
            _ => Failed,
        }
    }

    /// Whether the connection is of no use any more.
    pub(super) fn loses_connection(self) -> bool {
        matches!(self, Reconnect | CannotWrite)
    }
}

fn of_postgres(code: &str) -> Class {
    let fitting = POSTGRES.iter().filter(|(prefix, _)| code.starts_with(prefix));
    fitting.max_by_key(|(prefix, _)| prefix.len()).map_or(Failed, |(_, class)| *class)
}

fn of_sqlite(code: u32) -> Class {
    let known = |wanted| SQLITE.iter().find(|(code, _)| *code == wanted).map(|(_, class)| *class);
    known(code).or_else(|| known(code & 0xff)).unwrap_or(Failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_of_error() {
        for (code, expected) in [
            ("23505", Pass),
            ("23503", Failed),
            ("08006", Reconnect),
            ("08P01", Reconnect),
            ("25006", Reconnect),
            ("25P02", Failed),
            ("26000", Reconnect),
            ("28P01", Reconnect),
            ("40001", Unavailable),
            ("40P01", Unavailable),
            ("40003", Reconnect),
            ("42501", Failed),
            ("42P01", Failed),
            ("53100", CannotWrite),
            ("53200", Unavailable),
            ("53300", Unavailable),
            ("57014", Unavailable),
            ("57P01", Reconnect),
            ("57P02", Reconnect),
            ("57P03", Reconnect),
            ("58030", CannotWrite),
            ("XX000", Failed),
            ("XX001", Failed),
        ] {
            assert_eq!(of_postgres(code), expected, "{code}");
        }
        for (code, expected) in [
            (1, Failed),
            (5, Unavailable),
            (517, Unavailable), // BUSY_SNAPSHOT
            (6, Unavailable),
            (8, CannotWrite),
            (1032, CannotWrite), // READONLY_DBMOVED
            (10, CannotWrite),
            (778, CannotWrite),  // IOERR_WRITE
            (1034, CannotWrite), // IOERR_FSYNC
            (11, Failed),        // CORRUPT
            (13, CannotWrite),
            (14, CannotWrite),
            (19, Failed),  // CONSTRAINT
            (787, Failed), // CONSTRAINT_FOREIGNKEY
            (1555, Pass),
            (2067, Pass),
            (26, Failed), // NOTADB
        ] {
            assert_eq!(of_sqlite(code), expected, "{code}");
        }
        for (error, expected) in [
            (Error::PoolTimedOut, Unavailable),
            (Error::PoolClosed, Unavailable),
            (Error::Io(std::io::ErrorKind::ConnectionReset.into()), Reconnect),
            (Error::InvalidSavePointStatement, Reconnect),
            (Error::WorkerCrashed, Reconnect),
            (Error::RowNotFound, Failed),
        ] {
            assert_eq!(Class::of(&error), expected, "{error}");
        }
    }
}
