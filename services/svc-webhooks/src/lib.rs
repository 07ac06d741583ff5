//! Webhooks: what is kept of them, and how their messages are signed, sent and tried again
//! (docs/adr/0026-webhooks.md).
//!
//! A service that has them opens them over its own database, whose migrations make their tables, and gives them the
//! [`Feed`] of its changes. `management` is what members do, `dispatcher` sends, `change` is the one seam that can commit.

#![warn(unreachable_pub)]

mod address;
mod change;
mod config;
mod deeds;
mod dispatcher;
mod domain;
mod draft;
mod error;
mod feed;
mod management;
mod message;
mod schedule;
mod send;
mod signature;
mod store;
mod target;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod wake;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use svc_core::random::Random;
use svc_core::seal::{BadSealKey, Seal, new_key};
use svc_core::secret::Secret;
use svc_db::{AnyDb, IdempotencyRecords, Outbox};
use svc_runtime::keyfile::{self, KeyFileError};
use svc_runtime::service::Environment;
use svc_runtime::tasks::Tasks;
use tokio::sync::Semaphore;

pub use config::WebhooksConfig;
pub use dispatcher::Dispatcher;
pub use domain::{
    Delivery, DeliveryStatus, DisabledReason, Event, EventType, Failure, Outcome, Partition, Settings,
    Webhook, WebhookStatus,
};
pub use draft::Draft;
pub use error::WebhookError;
pub use feed::{Change, Feed};
pub use management::{Webhooks, WithSecret};
pub use send::SendError;
pub use wake::Wake;

use change::Changes;
use message::{Mint, SEALED_FOR};
use send::{Http, Send};
use target::Targets;

/// The file of the key in the data directory.
const KEY_FILE: &str = "webhooks.key";

/// Why webhooks cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The key in the data directory cannot be used.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// The key of the settings cannot be used.
    #[error("setting `contacts.webhooks.key`: {0}")]
    Key(#[from] BadSealKey),
    /// Nothing can be sent.
    #[error(transparent)]
    Send(#[from] SendError),
}

/// What can be said about the settings without opening anything.
///
/// # Errors
/// When a key or the file of certificates cannot be used.
pub fn check(config: &WebhooksConfig) -> Result<(), OpenError> {
    for key in [&config.key, &config.key_previous].into_iter().flatten() {
        Seal::new(key, None, SEALED_FOR)?;
    }
    // Without certificates of their own nothing of the settings can be wrong, and reading the system's takes a while.
    if config.ca_file.is_some() {
        Http::new(config)?;
    }
    Ok(())
}

/// Opens the webhooks of a service, whose answers are kept in `records`.
///
/// # Errors
/// When the settings or the key cannot be used.
pub fn open(
    config: &WebhooksConfig,
    db: &AnyDb,
    feed: Arc<dyn Feed>,
    records: IdempotencyRecords,
    wake: Wake,
    environment: &Environment,
) -> Result<(Arc<Webhooks>, Arc<Dispatcher>), OpenError> {
    let sender = Arc::new(Http::new(config)?);
    over(config, db, feed, records, wake, environment, sender)
}

/// The key in a file, which is named when it holds none.
fn key_of_file(path: PathBuf, random: &dyn Random) -> Result<Secret, KeyFileError> {
    let key = keyfile::load_or_create(&path, || Some(new_key(random)))?;
    let bad = |why: BadSealKey| KeyFileError::Bad { path, why: why.to_string() };
    Seal::new(&key, None, SEALED_FOR).map_err(bad)?;
    Ok(key)
}

fn over(
    config: &WebhooksConfig,
    db: &AnyDb,
    feed: Arc<dyn Feed>,
    records: IdempotencyRecords,
    wake: Wake,
    environment: &Environment,
    sender: Arc<dyn Send>,
) -> Result<(Arc<Webhooks>, Arc<Dispatcher>), OpenError> {
    let random = environment.random.clone();
    let key = match &config.key {
        Some(key) => key.clone(),
        None => key_of_file(environment.data_dir.join(KEY_FILE), &*random)?,
    };
    let seal = Seal::new(&key, config.key_previous.as_ref(), SEALED_FOR)?;
    let (store, writer) = store::over(db, feed.head_sql());
    let webhooks = Arc::new(Webhooks {
        store,
        changes: Arc::new(Changes::new(writer, records, Outbox::new(db.clone(), environment))),
        feed,
        mint: Arc::new(Mint { seal, random: random.clone() }),
        sender,
        targets: Targets::new(config),
        clock: environment.clock.clone(),
        ids: environment.ids.clone(),
        random,
        tests: Semaphore::new(management::MAX_TESTS),
        wake,
    });
    // A file of SQLite belongs to one process.
    let alone = matches!(db, AnyDb::Sqlite(_));
    let dispatcher = Arc::new(Dispatcher::new(webhooks.clone(), alone, config, &environment.metrics));
    Ok((webhooks, dispatcher))
}

/// Sends messages in tasks of the service.
pub fn spawn(dispatcher: &Arc<Dispatcher>, tasks: &Tasks) {
    let sending = dispatcher.clone();
    tasks.spawn("webhooks", move |stop| sending.clone().run(stop));
    let pruning = dispatcher.clone();
    tasks.spawn("webhooks-prune", move |stop| pruning.clone().maintain(stop));
}
