//! The store over either engine. What it can do stands in the files of the things that it keeps.

use async_trait::async_trait;
use svc_db::{Db, Dialect, Records, Transaction as DbTransaction};
use tracing::{Instrument, debug_span};

use super::announcements::{Announce, Touched};
use super::{Begin, Recorded, StoreError, Transaction, Work};

/// Reads, each on a connection of its own.
pub(super) struct SqlStore<D: Dialect> {
    pub(super) db: Db<D>,
}

impl<D: Dialect> SqlStore<D> {
    pub(super) fn new(db: Db<D>) -> SqlStore<D> {
        SqlStore { db }
    }
}

/// What a change does, in its transaction.
pub(super) struct SqlWork<D: Dialect> {
    pub(super) transaction: DbTransaction<D>,
}

/// A read of a [`SqlStore`], in a span of its own.
macro_rules! read {
    ($store:ident, $name:literal, |$connection:ident| $query:expr) => {
        tracing::Instrument::instrument(
            async { svc_db::read!($store.db, |$connection| $query) },
            tracing::debug_span!($name, otel.kind = "client"),
        )
        .await
    };
}

/// A statement of a [`SqlWork`], in a span of its own.
macro_rules! run {
    ($work:ident, $name:literal, |$connection:ident| $query:expr) => {{
        let result = {
            let $connection = &mut *$work.transaction;
            let span = tracing::debug_span!($name, otel.kind = "client");
            tracing::Instrument::instrument($query, span).await
        };
        result.map_err(|error| $work.transaction.failed(error))
    }};
}

pub(super) use {read, run};

#[async_trait]
impl<D: Announce> Begin for SqlStore<D> {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        Ok(Box::new(SqlWork { transaction: self.db.begin().await? }))
    }
}

#[async_trait]
impl<D: Announce> Transaction for SqlWork<D> {
    fn work(&mut self) -> &mut dyn Work {
        self
    }

    fn records(&mut self) -> &mut dyn Records {
        &mut self.transaction
    }

    async fn commit(mut self: Box<Self>, touched: &Touched, _: Recorded) -> Result<(), StoreError> {
        if !touched.is_nothing() {
            run!(self, "db.change.announce", |c| D::announce(c, touched))?;
        }
        let commit = self.transaction.commit().instrument(debug_span!("db.commit", otel.kind = "client"));
        Ok(commit.await.map_err(svc_db::DbError::from)?)
    }
}
