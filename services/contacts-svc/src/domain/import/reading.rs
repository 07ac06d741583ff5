//! Imports as they are read, and how they are forgotten.

use std::time::Duration;

use svc_core::clock::Timestamp;
use svc_core::error::cause;
use svc_core::ids::is_id;
use svc_core::page::PageSize;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::run::{Imports, Report};
use super::{ERRORS_SHOWN, Import, RowError};
use crate::domain::Partition;
use crate::error::ContactError;

/// How long an import is kept.
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How often those that are older are deleted.
const PURGE_EVERY: Duration = Duration::from_secs(60 * 60);
/// How many are deleted in one transaction, each with all its errors.
const PURGE_AT_ONCE: i64 = 1;

/// Which page of which imports.
#[derive(Clone, Debug)]
pub(crate) struct ImportList {
    pub(crate) label: Option<String>,
    pub(crate) size: PageSize,
    /// Those that began before this one.
    pub(crate) before: Option<String>,
}

/// Some imports.
#[derive(Debug)]
pub(crate) struct ImportPage {
    pub(crate) imports: Vec<Import>,
    pub(crate) has_more: bool,
}

/// Some errors of an import.
#[derive(Debug)]
pub(crate) struct ImportErrors {
    pub(crate) errors: Vec<RowError>,
    pub(crate) has_more: bool,
}

impl Imports {
    /// What time it is for imports.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// An import, with the first of its errors.
    pub(crate) async fn get(&self, partition: &Partition, id: &str) -> Result<Report, ContactError> {
        let import = self.find(partition, id).await?;
        let errors = self.store.errors(partition, id, ERRORS_SHOWN as i64, 0).await?;
        Ok(Report { import, errors, replayed: false })
    }

    /// A page of imports, newest first.
    pub(crate) async fn list(
        &self,
        partition: &Partition,
        list: &ImportList,
    ) -> Result<ImportPage, ContactError> {
        let size = list.size.get() as usize;
        // One more, to know whether a page follows.
        let limit = i64::from(list.size.get()) + 1;
        let (label, before) = (list.label.as_deref(), list.before.as_deref());
        let mut imports = self.store.list(partition, label, limit, before).await?;
        let has_more = imports.len() > size;
        imports.truncate(size);
        Ok(ImportPage { imports, has_more })
    }

    /// A page of the errors of an import, in the order of their lines, those behind a line.
    pub(crate) async fn errors(
        &self,
        partition: &Partition,
        id: &str,
        size: PageSize,
        after: i64,
    ) -> Result<ImportErrors, ContactError> {
        self.find(partition, id).await?;
        let mut errors = self.store.errors(partition, id, i64::from(size.get()) + 1, after).await?;
        let has_more = errors.len() > size.get() as usize;
        errors.truncate(size.get() as usize);
        Ok(ImportErrors { errors, has_more })
    }

    async fn find(&self, partition: &Partition, id: &str) -> Result<Import, ContactError> {
        let found = if is_id(id) { self.store.find(partition, id).await? } else { None };
        found.ok_or(ContactError::ImportNotFound)
    }

    /// Deletes imports that are too old, until it is to stop.
    pub(crate) async fn purge_until(&self, stop: CancellationToken) {
        while stop.run_until_cancelled(sleep(PURGE_EVERY)).await.is_some() {
            match stop.run_until_cancelled(self.purge()).await {
                Some(Err(error)) => {
                    tracing::warn!(error = %error, cause = %cause(&error), "old imports are not purged");
                }
                Some(Ok(())) => {}
                None => return,
            }
        }
    }

    async fn purge(&self) -> Result<(), ContactError> {
        let before = self.clock.now().minus(KEPT_FOR);
        while self.store.purge(before, PURGE_AT_ONCE).await? > 0 {}
        Ok(())
    }
}
