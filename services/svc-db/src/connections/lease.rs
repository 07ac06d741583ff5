//! A connection or a transaction, for as long as a caller has it.

use std::fmt;
use std::ops::{Deref, DerefMut};

use sqlx::{Error, SqlSafeStr};

use super::{Lent, spawn};
use crate::failure::Class;
use crate::{DbError, Dialect, Query, Row, Scope};

/// A connection. After a query that was cancelled, just drop it.
pub struct Lease<D: Dialect> {
    /// Until the lease ends.
    lent: Option<Lent<D>>,
}

/// A transaction. Rolled back unless it is committed.
pub struct Transaction<D: Dialect> {
    /// Until the transaction ends.
    lent: Option<Lent<D>>,
    /// Whether a rollback is all that is needed to use the connection again.
    sound: bool,
}

impl<D: Dialect> Lease<D> {
    pub(super) fn new(lent: Lent<D>) -> Lease<D> {
        Lease { lent: Some(lent) }
    }

    /// Says that all queries have come to their end well, each read to its last row, and no transaction is
    /// open. The next one to read then has this connection without the test of its state.
    pub fn done(mut self) {
        if let Some(lent) = self.lent.take() {
            lent.put();
        }
    }

    /// Says that a query failed. Whether it may be tried once more on another connection, if it only reads:
    /// this one was lost.
    pub fn failed(mut self, error: &DbError) -> bool {
        let Some(error) = error.source_if_lost() else { return false };
        if let Some(lent) = self.lent.take() {
            lent.lost(error);
            spawn(lent.close());
        }
        true
    }
}

impl<D: Dialect> Drop for Lease<D> {
    fn drop(&mut self) {
        if let Some(lent) = self.lent.take() {
            spawn(lent.repair());
        }
    }
}

impl<D: Dialect> Transaction<D> {
    pub(super) async fn begin(lent: Lent<D>, scope: Option<&Scope>) -> Result<Transaction<D>, Error> {
        // Unsound until it has begun: what is dropped meanwhile is closed.
        let mut transaction = Transaction { lent: Some(lent), sound: false };
        match D::execute(&mut transaction, D::begin(scope)).await {
            Ok(()) => {
                transaction.sound = true;
                Ok(transaction)
            }
            Err(error) => {
                transaction.note(&error);
                transaction.end().await;
                Err(error)
            }
        }
    }

    /// Commits. When that fails, nobody knows whether it has happened: it is never tried again here.
    pub async fn commit(mut self) -> Result<(), Error> {
        crate::query::trace::<D>("COMMIT");
        // A caller that goes away in the middle leaves a connection of which nothing is known.
        self.sound = false;
        match D::execute(&mut self, "COMMIT".into_sql_str()).await {
            Ok(()) => {
                if let Some(lent) = self.lent.take() {
                    lent.put();
                }
                Ok(())
            }
            Err(error) => {
                self.note(&error);
                self.sound = false;
                self.end().await;
                Err(error)
            }
        }
    }

    /// Runs a statement, and says how many rows it touched.
    pub async fn run(&mut self, query: Query<D>) -> Result<u64, DbError> {
        let done = query.run(self).await;
        done.map_err(|error| self.failed(error))
    }

    /// Fetches all rows.
    pub async fn all(&mut self, query: Query<D>) -> Result<Vec<Row<D>>, DbError> {
        let found = query.all(self).await;
        found.map_err(|error| self.failed(error))
    }

    /// Fetches one row, if there is one.
    pub async fn optional(&mut self, query: Query<D>) -> Result<Option<Row<D>>, DbError> {
        let found = query.optional(self).await;
        found.map_err(|error| self.failed(error))
    }

    /// Says that a statement failed, so that a connection that is lost is closed, and hands the error on.
    pub fn failed(&mut self, error: DbError) -> DbError {
        if let Some(error) = error.source_if_lost() {
            self.note(error);
        }
        error
    }

    pub(super) fn note(&mut self, error: &Error) {
        let Some(lent) = &self.lent else { return };
        if Class::of(error).loses_connection() {
            self.sound = false;
            lent.lost(error);
        }
    }

    /// Ends what was not committed.
    async fn end(mut self) {
        match self.lent.take() {
            Some(lent) if self.sound => lent.roll_back().await,
            Some(lent) => lent.close().await,
            None => {}
        }
    }
}

impl<D: Dialect> Drop for Transaction<D> {
    fn drop(&mut self) {
        match self.lent.take() {
            Some(lent) if self.sound => spawn(lent.roll_back()),
            Some(lent) => spawn(lent.close()),
            None => {}
        }
    }
}

/// Only the end of a lease or a transaction takes its connection.
const LENT: &str = "a connection is there until its lease ends";

macro_rules! leases {
    ($($lease:ident),*) => { $(
        // Written out because a derive would ask the engine itself to be `Debug`.
        impl<D: Dialect> fmt::Debug for $lease<D> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($lease))
            }
        }

        #[allow(clippy::expect_used, reason = "see LENT")]
        impl<D: Dialect> Deref for $lease<D> {
            type Target = D::Connection;

            fn deref(&self) -> &D::Connection {
                &self.lent.as_ref().expect(LENT).connection
            }
        }

        #[allow(clippy::expect_used, reason = "see LENT")]
        impl<D: Dialect> DerefMut for $lease<D> {
            fn deref_mut(&mut self) -> &mut D::Connection {
                &mut self.lent.as_mut().expect(LENT).connection
            }
        }
    )* };
}

leases!(Lease, Transaction);
