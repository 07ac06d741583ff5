//! Collects objects that no file has: of uploads that broke off, and of files that were deleted.
//!
//! Several replicas may do so at once: each takes what is due for a while, and removing an object twice is no error. An
//! upload that runs is left alone, since its object is due only when its time is over; one that ends without a file is
//! due at once, unless its process died, and then when its time is over.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use svc_core::clock::Clock;
use svc_core::error::cause;
use svc_runtime::service::Environment;
use svc_runtime::tasks::Tasks;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::change::{Changed, Changes};
use crate::domain::Actor;
use crate::error::ContactError;
use crate::objects::{ObjectError, Objects};
use crate::store::Store;

/// How often it is looked for what is due, unless something is known to be.
const EVERY: Duration = Duration::from_secs(30);
/// How long an object is one collector's.
const TAKEN_FOR: Duration = Duration::from_secs(5 * 60);
/// How many are taken at once.
const AT_ONCE: i64 = 100;
/// After so many failures in a round the store is taken to be away.
const FAILURES: u32 = 5;
/// How many uploads that broke off wait to be given up. What does not fit is given up when its time is over.
const WAITING: usize = 1_024;

/// Collects objects that no file has.
pub(crate) struct Collector {
    store: Arc<dyn Store>,
    changes: Arc<Changes>,
    objects: Objects,
    clock: Arc<dyn Clock>,
    broken_off: Mutex<Vec<BrokenOff>>,
    wake: Notify,
    collected: Counter,
    failed: Counter,
}

/// The object of an upload that has ended without a file.
struct BrokenOff {
    actor: Actor,
    key: String,
    /// It may be unknown by now, and there all the same.
    again: bool,
}

/// Gives up the object of an upload when it is dropped.
pub(super) struct Abandoned {
    collector: Arc<Collector>,
    what: Option<BrokenOff>,
}

impl Abandoned {
    /// A file has it.
    pub(super) fn keep(mut self) {
        self.what = None;
    }

    /// A collector has had it, and there may be bytes that came later.
    pub(super) fn again(mut self) {
        if let Some(what) = &mut self.what {
            what.again = true;
        }
    }
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        let Some(what) = self.what.take() else { return };
        let mut broken_off = self.collector.broken_off.lock();
        if broken_off.len() < WAITING {
            broken_off.push(what);
            self.collector.wake.notify_one();
        }
    }
}

impl Collector {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        changes: Arc<Changes>,
        objects: Objects,
        environment: &Environment,
    ) -> Arc<Collector> {
        let collector = Collector {
            store,
            changes,
            objects,
            clock: environment.clock.clone(),
            broken_off: Mutex::default(),
            wake: Notify::new(),
            collected: Counter::default(),
            failed: Counter::default(),
        };
        environment.metrics.register(|registry| {
            let help = "Objects without a file that were removed from the object store";
            registry.register("contacts_objects_collected", help, collector.collected.clone());
            let help = "Objects without a file that could not be removed, and are tried again";
            registry.register("contacts_objects_not_collected", help, collector.failed.clone());
        });
        Arc::new(collector)
    }

    /// Collects from now on.
    pub(crate) fn start(self: &Arc<Collector>, tasks: &Tasks) {
        let collector = self.clone();
        tasks.spawn("object-collector", move |stop| {
            let collector = collector.clone();
            async move {
                while stop.run_until_cancelled(timeout(EVERY, collector.wake.notified())).await.is_some() {
                    if stop.run_until_cancelled(collector.collect()).await.is_none() {
                        return;
                    }
                }
            }
        });
    }

    /// Something is due.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// For an upload that is about to write this object.
    pub(super) fn unless_kept(self: &Arc<Collector>, actor: &Actor, key: &str) -> Abandoned {
        let (actor, key) = (actor.clone(), key.to_owned());
        Abandoned { collector: self.clone(), what: Some(BrokenOff { actor, key, again: false }) }
    }

    /// Gives up what broke off, and removes what is due.
    pub(crate) async fn collect(&self) {
        let broken_off = std::mem::take(&mut *self.broken_off.lock());
        for what in broken_off {
            if let Err(error) = self.abandon(what).await {
                // Its time will be over.
                tracing::warn!(error = %error, cause = cause(&error), "an object is not given up");
            }
        }
        if let Err(error) = self.remove_due().await {
            tracing::warn!(error = %error, cause = cause(&error), "objects are not collected");
        }
    }

    async fn abandon(&self, what: BrokenOff) -> Result<(), ContactError> {
        let BrokenOff { actor, key, again } = what;
        let (partition, now) = (actor.partition.clone(), self.clock.now());
        self.changes
            .make(&actor, |work| {
                Box::pin(async move {
                    match again {
                        true => work.begin_object(&partition, &key, now).await?,
                        false => work.abandon_object(&partition, &key, now).await?,
                    }
                    Ok(Changed::no_contact(()))
                })
            })
            .await
    }

    async fn remove_due(&self) -> Result<(), ContactError> {
        let mut failures = 0;
        loop {
            let now = self.clock.now();
            let due = self.store.due(now, now.plus(TAKEN_FOR), AT_ONCE).await?;
            for leftover in &due {
                match self.objects.delete(&leftover.key, leftover.upload_id.as_deref()).await {
                    Ok(()) => {
                        self.store.forget(&leftover.key).await?;
                        self.collected.inc();
                    }
                    Err(error) => {
                        failures += 1;
                        self.not_removed(&error);
                        if failures == FAILURES {
                            return Ok(());
                        }
                    }
                }
            }
            if due.len() < AT_ONCE.unsigned_abs() as usize {
                return Ok(());
            }
        }
    }

    /// It is tried again when it is due again.
    fn not_removed(&self, error: &ObjectError) {
        self.failed.inc();
        tracing::warn!(error = %error, cause = cause(error), "an object is not removed");
    }
}
