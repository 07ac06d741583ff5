//! Tests of the windows against an exact log, and of the stores against the windows.

mod agreement;
mod exact;
mod log;
mod memory;
mod notes;
mod packed;
mod redis;
mod sharing;
mod together;
mod window;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use proptest::prelude::*;
use svc_core::clock::{ManualClock, SystemClock, Timestamp};
use svc_core::ids::Ids;
use svc_core::random::SystemRandom;
use svc_db::testing::TestEnvironment;
use svc_db::{AnyDb, Db};

use super::clock::BootClock;
use super::memory::Bounds;
use super::redis::RedisStore;
use super::saved::{self, Saved};
use super::{DatabaseStore, LimitOpenError, MemoryStore, WindowLimits};

/// Says where Valkey or Redis is. `make test` sets it.
const REDIS_URL: &str = "KEYWARD_TEST_REDIS_URL";

fn redis_url() -> String {
    std::env::var(REDIS_URL).unwrap_or_else(|_| {
        panic!("this test needs Valkey or Redis: {REDIS_URL} is not set, run `make test`")
    })
}

fn limits(per_minute: u32, per_hour: u32) -> WindowLimits {
    WindowLimits { per_minute, per_hour }
}

/// A key that no other test has.
fn new_key() -> String {
    Ids::new(Arc::new(SystemClock), Arc::new(SystemRandom)).next()
}

/// The clock of a machine that is started when a test says so.
#[derive(Clone)]
struct Machine(Arc<(AtomicU64, Mutex<Option<String>>)>);

impl Machine {
    fn started(millis_ago: u64) -> Machine {
        Machine(Arc::new((AtomicU64::new(millis_ago), Mutex::new(Some("first".to_owned())))))
    }

    fn set(&self, millis: u64) {
        self.0.0.store(millis, Ordering::SeqCst);
    }

    fn advance(&self, millis: u64) {
        self.0.0.fetch_add(millis, Ordering::SeqCst);
    }

    fn start_again(&self, boot_id: Option<&str>) {
        self.set(0);
        *self.0.1.lock() = boot_id.map(str::to_owned);
    }
}

impl BootClock for Machine {
    fn millis(&self) -> u64 {
        self.0.0.load(Ordering::SeqCst)
    }

    fn boot_id(&self) -> Option<String> {
        self.0.1.lock().clone()
    }
}

/// Opens the database of a home, again if need be.
async fn open(home: &TestEnvironment) -> AnyDb {
    let (sqlite, postgres) = crate::store::migrations();
    let mut environment = home.environment.clone();
    environment.database.max_connections = 5;
    svc_db::open(&environment, "auth", sqlite, postgres).await.unwrap()
}

async fn memory_store(home: &TestEnvironment, db: AnyDb, machine: &Machine) -> MemoryStore {
    let wall = Arc::new(home.clock.clone());
    MemoryStore::open(saved::over(db), Arc::new(machine.clone()), wall).await.unwrap()
}

async fn bounded(
    saved: Arc<dyn Saved>,
    machine: &Machine,
    bounds: Bounds,
) -> Result<MemoryStore, LimitOpenError> {
    let wall = Arc::new(ManualClock::at(START));
    MemoryStore::bounded(saved, Arc::new(machine.clone()), wall, bounds).await
}

async fn database_store(home: &TestEnvironment) -> (DatabaseStore, Db<svc_db::Postgres>) {
    let AnyDb::Postgres(db) = open(home).await else { unreachable!("the home is on PostgreSQL") };
    (DatabaseStore::new(db.clone(), &home.environment.metrics).patient(), db)
}

async fn redis_store() -> RedisStore {
    RedisStore::open(&redis_url()).await.unwrap().patient()
}

/// So much later, so many requests at once, under these limits.
#[derive(Clone, Debug)]
struct Step {
    later: u64,
    requests: usize,
    limits: WindowLimits,
}

/// Bursts, trickles, waits that end just before, on and after the edges of sub-buckets and windows.
fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let later = prop_oneof![
        4 => 0..20_u64,
        4 => 900..1_100_u64,
        4 => 0..5_000_u64,
        3 => 58_000..62_000_u64,
        2 => 0..200_000_u64,
        1 => 3_530_000..3_670_000_u64,
        1 => (1..70_u64).prop_map(|n| n * 1_000),
        1 => (1..70_u64).prop_map(|n| n * 60_000),
    ];
    let limits = prop_oneof![
        8 => Just(limits(5, 12)),
        2 => Just(limits(5, 5)),
        2 => Just(limits(12, 5)),
        1 => (0..8_u32, 0..20_u32).prop_map(|(minute, hour)| limits(minute, hour)),
    ];
    let step = (later, 1..8_usize, limits);
    let step = step.prop_map(|(later, requests, limits)| Step { later, requests, limits });
    proptest::collection::vec(step, 1..most)
}

/// When a test of windows begins: a moment within a minute, long after the clock's beginning or not.
fn beginning() -> impl Strategy<Value = u64> {
    (prop_oneof![Just(0), Just(1_769_860_800_000_u64)], 0..120_000_u64)
        .prop_map(|(long, within)| long + within)
}

const START: Timestamp = svc_db::testing::START;
