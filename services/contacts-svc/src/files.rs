//! What can be done with the files of contacts.
//!
//! The bytes are an object ([`crate::objects`]), and a row says that they are there. An object is noted before its first
//! byte is written, and a file takes it in the transaction that adds its row: so there is no row without bytes, and no
//! bytes that nothing knows of. What no file has is collected ([`collector`]).

mod collector;
mod received;
mod upload;

use std::sync::Arc;

use svc_core::clock::Clock;
use svc_core::erasure::Erased;
use svc_core::error::Error;
use svc_core::idempotency::{Answers, IdempotentCall, Kept};
use svc_core::ids::Ids;
use svc_core::page::PageSize;
use svc_core::random::Random;
use tokio::sync::Semaphore;

use crate::change::{Changed, Changes};
use crate::domain::{Actor, File, FilePage, FilePosition, Locator, Partition};
use crate::error::ContactError;
use crate::objects::{Content, FilesConfig, Objects};
use crate::store::Store;

pub(crate) use collector::Collector;
#[cfg(test)]
pub(crate) use upload::MAY_TAKE;
pub(crate) use upload::{Stored, Upload};

/// The files of all partitions.
pub(crate) struct Files {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) changes: Arc<Changes>,
    pub(crate) objects: Objects,
    pub(crate) collector: Arc<Collector>,
    clock: Arc<dyn Clock>,
    ids: Ids,
    random: Arc<dyn Random>,
    /// The most bytes of a file.
    max_bytes: i32,
    /// For uploads: each holds a part in memory.
    places: Semaphore,
}

/// What files stand on.
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) changes: Arc<Changes>,
    pub(crate) objects: Objects,
    pub(crate) collector: Arc<Collector>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Ids,
    pub(crate) random: Arc<dyn Random>,
}

impl Files {
    pub(crate) fn new(parts: Parts, config: &FilesConfig) -> Files {
        let Parts { store, changes, objects, collector, clock, ids, random } = parts;
        let places = Semaphore::new(config.max_uploads);
        Files { store, changes, objects, collector, clock, ids, random, max_bytes: config.max_bytes, places }
    }

    /// A file.
    pub(crate) async fn get(
        &self,
        partition: &Partition,
        locator: &Locator,
        id: &str,
    ) -> Result<File, ContactError> {
        if !locator.can_exist() || !svc_core::ids::is_id(id) {
            return Err(ContactError::FileNotFound);
        }
        self.store.find_file(partition, locator, id).await?.ok_or(ContactError::FileNotFound)
    }

    /// A file of one of the agent's contacts, whichever it is.
    pub(crate) async fn of_agent(&self, partition: &Partition, id: &str) -> Result<File, ContactError> {
        if !svc_core::ids::is_id(id) {
            return Err(ContactError::FileNotFound);
        }
        self.store.find_file_of_agent(partition, id).await?.ok_or(ContactError::FileNotFound)
    }

    /// The id of the contact whose files are meant.
    pub(crate) async fn contact_id(
        &self,
        partition: &Partition,
        locator: &Locator,
    ) -> Result<String, ContactError> {
        if !locator.can_exist() {
            return Err(ContactError::NotFound);
        }
        Ok(self.store.find(partition, locator).await?.ok_or(ContactError::NotFound)?.id)
    }

    /// The files of a contact, newest first, those that follow `after`.
    pub(crate) async fn list(
        &self,
        partition: &Partition,
        contact_id: &str,
        size: PageSize,
        after: Option<&FilePosition>,
        counts: bool,
    ) -> Result<FilePage, ContactError> {
        let page = self.store.list_files(partition, contact_id, size, after).await?;
        let total = match counts {
            true => Some(self.store.count_files(partition, contact_id).await?),
            false => None,
        };
        Ok(FilePage { total, ..page })
    }

    /// The bytes of a file, from `from` up to `to`, which is none of them.
    pub(crate) async fn read(&self, file: &File, from: u64, to: u64) -> Result<Content, ContactError> {
        Ok(self.objects.read(&file.object_key, file.size, from..to).await?)
    }

    /// Deletes a file for good. Nobody can read it from now on, its bytes are collected, and whoever has made something of it
    /// is told.
    pub(crate) async fn delete(
        &self,
        actor: &Actor,
        locator: &Locator,
        id: &str,
    ) -> Result<(), ContactError> {
        let file = self.get(&actor.partition, locator, id).await?;
        let (partition, now) = (actor.partition.clone(), self.clock.now());
        self.changes
            .make(actor, |work| {
                Box::pin(async move {
                    match work.delete_file(&partition, &file.contact_id, &file.id, now).await? {
                        true => Ok(Changed::no_contact(()).erasing(Erased::ContactFiles(vec![file.id]))),
                        false => Err(ContactError::FileNotFound),
                    }
                })
            })
            .await?;
        self.collector.wake();
        Ok(())
    }
}

impl Answers for Files {
    async fn kept(&self, call: &IdempotentCall) -> Result<Option<Kept>, Error> {
        Ok(self.changes.kept(call).await?)
    }
}
