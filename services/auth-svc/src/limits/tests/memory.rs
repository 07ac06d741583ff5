//! The memory store across restarts, and its bounds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use svc_core::clock::{ManualClock, Timestamp};
use svc_core::db::DbError;
use svc_core::testing::Home;
use tokio_util::sync::CancellationToken;

use super::{Machine, START, limits, memory_store, open};
use crate::limits::saved::{Moment, Saved, SavedRow};
use crate::limits::window::{LONGEST, Windows};
use crate::limits::{LimitError, LimitOpenError, LimitStore, MemoryStore, tend};

/// The database as a map.
#[derive(Default)]
struct Notes {
    moment: Mutex<Option<Moment>>,
    rows: Mutex<std::collections::BTreeMap<Arc<str>, Option<Windows>>>,
    away: AtomicBool,
    saves: AtomicUsize,
    /// The one that fails; the first is 1.
    fails: AtomicUsize,
}

#[async_trait]
impl Saved for Notes {
    async fn moment(&self) -> Result<Option<Moment>, DbError> {
        Ok(self.moment.lock().clone())
    }

    async fn rows(&self, _: u64, after: &str) -> Result<Vec<SavedRow>, DbError> {
        let rows = self.rows.lock();
        let rows = rows.iter().filter(|(key, _)| &***key > after);
        Ok(rows.map(|(key, windows)| (key.clone(), windows.clone())).collect())
    }

    async fn save(&self, moment: &Moment, rows: &[(Arc<str>, Windows)]) -> Result<(), DbError> {
        let save = self.saves.fetch_add(1, Ordering::SeqCst) + 1;
        if self.away.load(Ordering::SeqCst) || save == self.fails.load(Ordering::SeqCst) {
            return Err(DbError::Unavailable(sqlx::Error::PoolTimedOut));
        }
        *self.moment.lock() = Some(moment.clone());
        self.rows.lock().extend(rows.iter().map(|(key, windows)| (key.clone(), Some(windows.clone()))));
        Ok(())
    }

    async fn purge(&self, newest: u64) -> Result<(), DbError> {
        self.rows.lock().retain(|_, windows| windows.as_ref().is_some_and(|w| w.newest() >= newest));
        Ok(())
    }
}

async fn over(notes: &Arc<Notes>, machine: &Machine, max_keys: usize) -> Result<MemoryStore, LimitOpenError> {
    let wall = Arc::new(ManualClock::at(START));
    MemoryStore::bounded(notes.clone(), Arc::new(machine.clone()), wall, max_keys).await
}

#[tokio::test]
async fn used_slots_survive_a_restart() {
    for (name, home) in Home::each().await {
        let machine = Machine::started(5_000_000);
        let db = open(&home).await;
        let store = memory_store(&home, db.clone(), &machine).await;
        for _ in 0..3 {
            assert!(store.take("key", limits(5, 100)).await.unwrap().allowed());
        }
        store.tend().await.unwrap();
        machine.advance(900);
        assert!(store.take("key", limits(5, 100)).await.unwrap().allowed());
        // Killed: what came after the last save is forgotten, and nothing else.
        drop(store);
        machine.advance(20_000);
        let store = memory_store(&home, db.clone(), &machine).await;
        let peeked = store.peek("key", limits(5, 100)).await.unwrap();
        assert_eq!((peeked.minute.remaining, peeked.hour.remaining), (2, 97), "{name}");
        // The clock of the machine counts on, whatever becomes of the wall clock.
        home.clock.advance(Duration::from_secs(86_400));
        machine.advance(61_000 - 20_900 - 1);
        let store = memory_store(&home, db.clone(), &machine).await;
        assert_eq!(store.peek("key", limits(5, 100)).await.unwrap().minute.remaining, 2, "{name}");
        machine.advance(1);
        assert_eq!(store.peek("key", limits(5, 100)).await.unwrap().minute.remaining, 5, "{name}");
        assert_eq!(store.peek("key", limits(5, 100)).await.unwrap().hour.remaining, 97, "{name}");
    }
}

#[tokio::test]
async fn after_a_start_of_the_machine_the_wall_clock_tells_how_much_time_has_passed() {
    let then = Moment { millis: 500_000, boot_millis: 9_000, boot_id: Some("a".to_owned()), wall: START };
    let wall = |seconds: i64| Timestamp(START.0 + seconds * 1_000_000);
    for (boot_millis, boot_id, now, wanted) in [
        // The same start: the wall clock says nothing.
        (9_000, Some("a"), wall(0), 500_000),
        (10_500, Some("a"), wall(3_600), 501_500),
        (10_500, Some("a"), wall(-3_600), 501_500),
        (8_000, Some("a"), wall(60), 500_000),
        // Another start, or one that cannot be told.
        (100, Some("b"), wall(0), 500_000),
        (100, Some("b"), wall(30), 530_000),
        (100_000, Some("b"), wall(30), 530_000),
        (100, Some("b"), wall(-30), 500_000),
        (100_000, None, wall(30), 530_000),
    ] {
        assert_eq!(then.resume(boot_millis, boot_id, now), wanted, "{boot_millis} {boot_id:?} {now}");
    }
    let unknown = Moment { boot_id: None, ..then };
    assert_eq!(unknown.resume(99_000, None, wall(30)), 530_000);
}

#[tokio::test]
async fn a_wall_clock_that_went_back_frees_nothing() {
    let home = Home::sqlite();
    let machine = Machine::started(5_000_000);
    let db = open(&home).await;
    let store = memory_store(&home, db.clone(), &machine).await;
    store.take("key", limits(1, 100)).await.unwrap();
    store.tend().await.unwrap();
    machine.start_again(Some("second"));
    let earlier = Arc::new(ManualClock::at(Timestamp(START.0 - 7_200_000_000)));
    let saved = crate::limits::saved::over(db);
    let store = MemoryStore::open(saved, Arc::new(machine.clone()), earlier).await.unwrap();
    assert!(!store.take("key", limits(1, 100)).await.unwrap().allowed());
    machine.advance(61_000);
    assert!(store.take("key", limits(1, 100)).await.unwrap().allowed());
}

#[tokio::test]
async fn many_keys_are_saved_and_found_again() {
    for (name, home) in Home::each().await {
        let machine = Machine::started(5_000_000);
        let db = open(&home).await;
        let store = memory_store(&home, db.clone(), &machine).await;
        for n in 0..5_000 {
            for _ in 0..=n % 3 {
                store.take(&format!("key {n}"), limits(5, 100)).await.unwrap();
            }
        }
        store.tend().await.unwrap();
        let store = memory_store(&home, db.clone(), &machine).await;
        for n in 0..5_000 {
            let peeked = store.peek(&format!("key {n}"), limits(5, 100)).await.unwrap();
            assert_eq!(peeked.minute.remaining, 5 - 1 - n % 3, "key {n} on {name}");
        }
        // After an hour nothing is left, in memory or in the database.
        machine.advance(LONGEST + 1);
        store.tend().await.unwrap();
        assert_eq!(format!("{store:?}"), "MemoryStore(0 keys)", "{name}");
        assert!(crate::limits::saved::over(db).rows(0, "").await.unwrap().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn only_what_changed_is_saved_and_a_failed_save_is_made_up_for() {
    let (notes, machine) = (Arc::new(Notes::default()), Machine::started(5_000_000));
    let store = over(&notes, &machine, 10).await.unwrap();
    store.take("a", limits(1, 1)).await.unwrap();
    store.tend().await.unwrap();
    assert!(notes.rows.lock().contains_key("a"));
    notes.rows.lock().clear();
    store.take("a", limits(1, 1)).await.unwrap();
    store.take("b", limits(1, 1)).await.unwrap();
    notes.away.store(true, Ordering::SeqCst);
    assert!(store.tend().await.is_err());
    notes.away.store(false, Ordering::SeqCst);
    store.tend().await.unwrap();
    assert_eq!(notes.rows.lock().keys().map(|key| &**key).collect::<Vec<_>>(), ["b"]);
}

#[tokio::test]
async fn a_save_that_fails_half_way_is_made_up_for() {
    let (notes, machine) = (Arc::new(Notes::default()), Machine::started(5_000_000));
    let store = over(&notes, &machine, 3_000).await.unwrap();
    let take = async |key: u32| store.take(&key.to_string(), limits(9, 9)).await.unwrap();
    for key in 0..3_000 {
        take(key).await;
    }
    notes.fails.store(2, Ordering::SeqCst);
    assert!(store.tend().await.is_err());
    assert_eq!(notes.rows.lock().len(), 1_024);
    for key in 0..3_000 {
        take(key).await;
    }
    store.tend().await.unwrap();
    let store = over(&notes, &machine, 3_000).await.unwrap();
    for key in 0..3_000_u32 {
        assert_eq!(store.peek(&key.to_string(), limits(9, 9)).await.unwrap().hour.remaining, 7, "{key}");
    }
}

#[tokio::test]
async fn a_graceful_stop_saves() {
    let (notes, machine) = (Arc::new(Notes::default()), Machine::started(5_000_000));
    let store = Arc::new(over(&notes, &machine, 10).await.unwrap());
    let stop = CancellationToken::new();
    let tending = tokio::spawn(tend(store.clone(), stop.clone()));
    store.take("a", limits(5, 5)).await.unwrap();
    stop.cancel();
    tending.await.unwrap();
    let store = over(&notes, &machine, 10).await.unwrap();
    assert_eq!(store.peek("a", limits(5, 5)).await.unwrap().minute.remaining, 4);
}

#[tokio::test]
async fn a_malformed_row_refuses_the_start() {
    let (notes, machine) = (Arc::new(Notes::default()), Machine::started(5_000_000));
    notes.rows.lock().insert("bad".into(), None);
    let error = over(&notes, &machine, 10).await.unwrap_err();
    assert!(matches!(error, LimitOpenError::Malformed(ref key) if key == "bad"), "{error}");
}

#[tokio::test]
async fn no_more_keys_than_fit_and_none_forgotten_for_another() {
    let (notes, machine) = (Arc::new(Notes::default()), Machine::started(5_000_000));
    let store = over(&notes, &machine, 2).await.unwrap();
    for key in ["a", "b"] {
        assert!(store.take(key, limits(1, 1)).await.unwrap().allowed());
    }
    assert!(matches!(store.take("c", limits(1, 1)).await, Err(LimitError::Full)));
    assert!(!store.take("a", limits(1, 1)).await.unwrap().allowed(), "those that are there go on");
    machine.advance(LONGEST + 1);
    store.tend().await.unwrap();
    assert!(store.take("c", limits(1, 1)).await.unwrap().allowed());
    assert_eq!(format!("{store:?}"), "MemoryStore(1 keys)");
}

#[tokio::test]
async fn a_key_that_is_forgotten_and_comes_again_is_saved_once() {
    for (name, home) in Home::each().await {
        let machine = Machine::started(5_000_000);
        let db = open(&home).await;
        let store = memory_store(&home, db.clone(), &machine).await;
        store.take("a", limits(5, 5)).await.unwrap();
        store.take("a", limits(5, 5)).await.unwrap();
        store.forget("a").await.unwrap();
        store.take("a", limits(5, 5)).await.unwrap();
        store.tend().await.unwrap();
        let store = memory_store(&home, db, &machine).await;
        assert_eq!(store.peek("a", limits(5, 5)).await.unwrap().minute.remaining, 4, "{name}");
    }
}

/// A new entry looks empty until its first slot is taken: a sweep may come in between.
#[test]
fn a_sweep_loses_no_slot() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (notes, machine) = (Arc::new(Notes::default()), Machine::started(2 * LONGEST));
    let store = runtime.block_on(over(&notes, &machine, 10_000)).unwrap();
    let done = AtomicBool::new(false);
    let allowed = std::thread::scope(|scope| {
        let sweeper = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                store.keys().drop_empty();
            }
        });
        let take = || {
            let takes = (0..2_000).flat_map(|key| std::iter::repeat_n(key, 5));
            takes.filter(|key| store.keys().take(&key.to_string(), limits(7, 100)).unwrap().allowed()).count()
        };
        let takers: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
        let allowed: usize = takers.into_iter().map(|taker| taker.join().unwrap()).sum();
        done.store(true, Ordering::Relaxed);
        sweeper.join().unwrap();
        allowed
    });
    assert_eq!(allowed, 2_000 * 7);
}
