//! What is counted in memory until the next flush.
//!
//! Each snapshot of a key has counters of its own, behind a lock that only its requests take; a key that was counted
//! stands once in a list of those to flush. So a request shares with those of other keys one number at the most, and
//! that only when it is the first of its kind since the last flush. Two snapshots of one key count apart, and are
//! added when they are taken.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use svc_core::clock::Timestamp;
use svc_core::error::Reason;
use svc_runtime::telemetry::Metrics;

use super::operations::{OperationId, Operations};
use crate::domain::{DENIALS, Granularity, KeyDenial};
use crate::store::{UsageBatch, UsageCell, UsageCount};

/// The most cells and refusals in memory, of all keys: at about 100 bytes each, 25 MiB. A cell is a key, a minute, an
/// operation, an outcome, an address and a secret.
const MAX_HELD: usize = 262_144;
/// The most cells of one key.
const MAX_OF_KEY: usize = 512;
/// A key with so many cells is counted without addresses: one that is used from everywhere at once.
const WITH_ADDRESS: usize = 64;
/// The lists of keys to flush: more than threads, so that these hardly ever meet.
const LISTS: usize = 64;

/// A request with the right secret, before it is decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// What it asks for. `None`: nothing that can be counted.
    pub(crate) operation: Option<OperationId>,
    /// Where it comes from.
    pub(crate) client: IpAddr,
    /// Which of the secrets of its snapshot it presents.
    pub(crate) secret: usize,
    /// When it came.
    pub(crate) at: Timestamp,
}

/// Why it is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused<'r> {
    /// The reason.
    pub(crate) reason: Reason,
    /// The permissions that the key lacks.
    pub(crate) lacking: &'r [String],
    /// Which request it is.
    pub(crate) request_id: Option<&'r str>,
}

/// The counters of a snapshot of a key.
#[derive(Debug)]
pub(crate) struct KeyCounts {
    key_id: Box<str>,
    /// The ids of the secrets, in the order of the snapshot.
    secrets: Box<[Box<str>]>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    cells: Vec<Cell>,
    /// The latest ones, the oldest first.
    denials: VecDeque<KeyDenial>,
    /// It stands in a list of those to flush.
    listed: bool,
}

#[derive(Debug)]
struct Cell {
    what: What,
    count: UsageCount,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct What {
    minute: Timestamp,
    operation: OperationId,
    /// `None`: it was let through.
    refused: Option<Reason>,
    address: Option<IpAddr>,
    secret: usize,
}

impl KeyCounts {
    /// Of a key with these secrets.
    pub(crate) fn new<'s>(key_id: &str, secrets: impl Iterator<Item = &'s str>) -> KeyCounts {
        KeyCounts {
            key_id: key_id.into(),
            secrets: secrets.map(Into::into).collect(),
            state: Mutex::default(),
        }
    }
}

/// Counts requests.
#[derive(Debug)]
pub(crate) struct Counters {
    enabled: bool,
    operations: Operations,
    lists: [Mutex<Vec<Arc<KeyCounts>>>; LISTS],
    /// Cells and refusals in memory.
    held: AtomicUsize,
    max_held: usize,
    written: Counter,
    dropped: Counter,
}

impl Counters {
    /// Nothing counted yet. Unless `enabled`, nothing ever is.
    pub(crate) fn new(enabled: bool, metrics: &Metrics) -> Counters {
        Counters::holding(MAX_HELD, enabled, metrics)
    }

    pub(super) fn holding(max_held: usize, enabled: bool, metrics: &Metrics) -> Counters {
        let (written, dropped) = <(Counter, Counter)>::default();
        metrics.register(|registry| {
            let help = "Requests that were written into the usage of their keys";
            registry.register("auth_usage_requests_written", help, written.clone());
            let help =
                "Requests that are missing in the usage of their keys, since memory held too much of it";
            registry.register("auth_usage_requests_dropped", help, dropped.clone());
        });
        Counters {
            enabled,
            operations: Operations::default(),
            lists: std::array::from_fn(|_| Mutex::default()),
            held: AtomicUsize::new(0),
            max_held,
            written,
            dropped,
        }
    }

    /// What a request asks for. It is the same for all of its kind, and costs a look into a map.
    pub(crate) fn operation(&self, rpc: &str, permissions: &[&str]) -> Option<OperationId> {
        match self.enabled {
            true => self.operations.id(rpc, permissions),
            false => None,
        }
    }

    /// Counts a request that is decided.
    pub(crate) fn count(&self, key: &Arc<KeyCounts>, seen: Seen, refused: Option<Refused<'_>>) {
        if !self.enabled {
            return;
        }
        let Some(operation) = seen.operation else {
            self.dropped.inc();
            return;
        };
        let what = What {
            minute: Granularity::Minute.floor(seen.at),
            operation,
            refused: refused.map(|refused| refused.reason),
            address: Some(seen.client),
            secret: seen.secret,
        };
        let mut state = key.state.lock();
        let Some(cell) = self.cell(&mut state.cells, what) else {
            self.dropped.inc();
            return;
        };
        cell.count.add(UsageCount { requests: 1, last_at: seen.at });
        if let Some(refused) = refused {
            self.note(&mut state.denials, seen, refused);
        }
        if !state.listed {
            state.listed = true;
            self.list(key);
        }
    }

    fn cell<'c>(&self, cells: &'c mut Vec<Cell>, mut what: What) -> Option<&'c mut Cell> {
        let find = |cells: &[Cell], what: What| cells.iter().position(|cell| cell.what == what);
        let mut at = find(cells, what);
        if at.is_none() && cells.len() >= WITH_ADDRESS {
            what.address = None;
            at = find(cells, what);
        }
        if at.is_none() {
            if cells.len() >= MAX_OF_KEY || !self.hold() {
                return None;
            }
            at = Some(cells.len());
            cells.push(Cell { what, count: UsageCount::default() });
        }
        cells.get_mut(at?)
    }

    #[cold]
    fn note(&self, denials: &mut VecDeque<KeyDenial>, seen: Seen, refused: Refused<'_>) {
        if denials.len() >= DENIALS {
            denials.pop_front();
        } else if !self.hold() {
            return;
        }
        denials.push_back(KeyDenial {
            at: seen.at,
            request_id: refused.request_id.filter(|id| is_request_id(id)).map(str::to_owned),
            code: refused.reason.code().to_owned(),
            permission: (!refused.lacking.is_empty()).then(|| refused.lacking.join(", ")),
            client_address: seen.client.to_string(),
        });
    }

    /// Room for one more. Two that ask at the same time may go over by one each, which does no harm.
    fn hold(&self) -> bool {
        let has_room = self.held.load(Ordering::Relaxed) < self.max_held;
        if has_room {
            self.held.fetch_add(1, Ordering::Relaxed);
        }
        has_room
    }

    #[cold]
    fn list(&self, key: &Arc<KeyCounts>) {
        let list = crc32fast::hash(key.key_id.as_bytes()) as usize % LISTS;
        self.lists[list].lock().push(key.clone());
    }

    /// A batch is written.
    pub(crate) fn written(&self, batch: &UsageBatch) {
        let requests = batch.cells.iter().map(|(_, count)| count.requests.unsigned_abs()).sum();
        self.written.inc_by(requests);
    }

    /// How many requests were not counted so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.get()
    }

    /// Whether memory holds nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.load(Ordering::SeqCst) == 0
    }

    /// Takes what was counted out of memory. `None`: nothing was.
    pub(crate) fn take(&self) -> Option<UsageBatch> {
        let mut cells = BTreeMap::<UsageCell, UsageCount>::new();
        let mut batch = UsageBatch::default();
        for list in &self.lists {
            for key in std::mem::take(&mut *list.lock()) {
                let taken = std::mem::take(&mut *key.state.lock());
                let held = taken.cells.len() + taken.denials.len();
                self.held.fetch_sub(held, Ordering::Relaxed);
                for Cell { what, count } in taken.cells {
                    if let Some(cell) = self.named(&key, what) {
                        cells.entry(cell).or_default().add(count);
                    }
                }
                let denials = taken.denials.into_iter();
                batch.denials.extend(denials.map(|denial| (key.key_id.as_ref().to_owned(), denial)));
            }
        }
        batch.cells = cells.into_iter().collect();
        (!batch.cells.is_empty()).then_some(batch)
    }

    fn named(&self, key: &KeyCounts, what: What) -> Option<UsageCell> {
        let operation = self.operations.get(what.operation)?;
        Some(UsageCell {
            key_id: key.key_id.as_ref().to_owned(),
            minute: what.minute,
            operation: operation.name.clone(),
            permission: operation.permission.clone(),
            outcome: what.refused.map_or("ok", Reason::code).to_owned(),
            address: what.address.map(|address| address.to_string()).unwrap_or_default(),
            secret_id: key.secrets.get(what.secret).map(|id| id.as_ref().to_owned()).unwrap_or_default(),
        })
    }
}

/// Whether it is one of the edge's, which end up in answers and pages.
fn is_request_id(id: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=64).contains(&id.len()) && id.chars().all(fits)
}
