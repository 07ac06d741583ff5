//! The memory store across restarts, and its bounds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use svc_core::clock::{ManualClock, Timestamp};
use svc_db::testing::TestEnvironment;
use tokio_util::sync::CancellationToken;

use super::notes::{Failing, Notes};
use super::{Machine, START, bounded, limits, memory_store, open};
use crate::limits::memory::Bounds;
use crate::limits::saved::Moment;
use crate::limits::window::LONGEST;
use crate::limits::{LimitError, LimitStore, MemoryStore, maintain};

fn at_most(max_keys: usize) -> Bounds {
    Bounds { max_keys, ..Bounds::USUAL }
}

#[tokio::test]
async fn used_slots_survive_a_restart() {
    for (name, home) in TestEnvironment::each().await {
        let machine = Machine::started(5_000_000);
        let db = open(&home).await;
        let store = memory_store(&home, db.clone(), &machine).await;
        for _ in 0..3 {
            assert!(store.take("key", limits(5, 100)).await.unwrap().allowed());
        }
        store.maintain().await.unwrap();
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
    let home = TestEnvironment::sqlite();
    let machine = Machine::started(5_000_000);
    let db = open(&home).await;
    let store = memory_store(&home, db.clone(), &machine).await;
    store.take("key", limits(1, 100)).await.unwrap();
    store.maintain().await.unwrap();
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
    for (name, home) in TestEnvironment::each().await {
        let machine = Machine::started(5_000_000);
        let db = open(&home).await;
        let store = memory_store(&home, db.clone(), &machine).await;
        for n in 0..5_000 {
            for _ in 0..=n % 3 {
                store.take(&format!("key {n}"), limits(5, 100)).await.unwrap();
            }
        }
        store.maintain().await.unwrap();
        let store = memory_store(&home, db.clone(), &machine).await;
        for n in 0..5_000 {
            let peeked = store.peek(&format!("key {n}"), limits(5, 100)).await.unwrap();
            assert_eq!(peeked.minute.remaining, 5 - 1 - n % 3, "key {n} on {name}");
        }
        // After an hour nothing is left, and what the log still has is not taken up again.
        machine.advance(LONGEST + 1);
        store.maintain().await.unwrap();
        assert_eq!(format!("{store:?}"), "MemoryStore(0 keys)", "{name}");
        let store = memory_store(&home, db, &machine).await;
        assert_eq!(format!("{store:?}"), "MemoryStore(0 keys)", "{name}");
    }
}

#[tokio::test]
async fn only_what_changed_is_saved_and_a_failed_save_is_made_up_for() {
    let (notes, machine) = (Arc::new(Notes::default()), Machine::started(5_000_000));
    let failing = Failing::over(notes.clone());
    let store = bounded(failing.clone(), &machine, at_most(10)).await.unwrap();
    store.take("a", limits(1, 1)).await.unwrap();
    store.maintain().await.unwrap();
    store.maintain().await.unwrap();
    assert_eq!(notes.keys(), [["a"]]);
    store.take("a", limits(1, 1)).await.unwrap();
    store.take("b", limits(1, 1)).await.unwrap();
    failing.at(1, false);
    assert!(store.maintain().await.is_err());
    assert_eq!(notes.keys(), [["a"]]);
    store.maintain().await.unwrap();
    assert_eq!(notes.keys(), [["a"], ["b"]]);
}

#[tokio::test]
async fn a_save_that_fails_half_way_is_made_up_for() {
    let (notes, machine) = (Arc::new(Notes::default()), Machine::started(5_000_000));
    let failing = Failing::over(notes.clone());
    let bounds = Bounds { piece: 20_000, ..Bounds::USUAL };
    let store = bounded(failing.clone(), &machine, bounds).await.unwrap();
    let take = async |key: u32| store.take(&key.to_string(), limits(9, 9)).await.unwrap();
    for key in 0..3_000 {
        take(key).await;
    }
    failing.at(2, false);
    assert!(store.maintain().await.is_err());
    assert_eq!(notes.keys().len(), 1);
    assert!((500..1_500).contains(&notes.keys()[0].len()), "{} keys in 20,000 bytes", notes.keys()[0].len());
    for key in 0..3_000 {
        take(key).await;
    }
    store.maintain().await.unwrap();
    let store = bounded(notes, &machine, bounds).await.unwrap();
    for key in 0..3_000_u32 {
        assert_eq!(store.peek(&key.to_string(), limits(9, 9)).await.unwrap().hour.remaining, 7, "{key}");
    }
}

#[tokio::test]
async fn a_graceful_stop_saves() {
    let (notes, machine) = (Arc::new(Notes::default()), Machine::started(5_000_000));
    let store = Arc::new(bounded(notes.clone(), &machine, at_most(10)).await.unwrap());
    let stop = CancellationToken::new();
    let tending = tokio::spawn(maintain(store.clone(), stop.clone()));
    store.take("a", limits(5, 5)).await.unwrap();
    stop.cancel();
    tending.await.unwrap();
    let store = bounded(notes, &machine, at_most(10)).await.unwrap();
    assert_eq!(store.peek("a", limits(5, 5)).await.unwrap().minute.remaining, 4);
}

#[tokio::test]
async fn no_more_keys_than_fit_and_none_forgotten_for_another() {
    let (notes, machine) = (Arc::new(Notes::default()), Machine::started(5_000_000));
    let store = bounded(notes, &machine, at_most(2)).await.unwrap();
    for key in ["a", "b"] {
        assert!(store.take(key, limits(1, 1)).await.unwrap().allowed());
    }
    assert!(matches!(store.take("c", limits(1, 1)).await, Err(LimitError::Full)));
    assert!(!store.take("a", limits(1, 1)).await.unwrap().allowed(), "those that are there go on");
    machine.advance(LONGEST + 1);
    store.maintain().await.unwrap();
    assert!(store.take("c", limits(1, 1)).await.unwrap().allowed());
    assert_eq!(format!("{store:?}"), "MemoryStore(1 keys)");
}

#[tokio::test]
async fn a_key_that_finds_no_room_has_it_made_in_seconds() {
    let (notes, machine) = (Arc::new(Notes::default()), Machine::started(5_040_000));
    let store = bounded(notes, &machine, at_most(2)).await.unwrap();
    store.take("a", limits(5, 5)).await.unwrap();
    // Every ten minutes all keys are looked at: at the next call, and not again before "a" is empty.
    machine.advance(LONGEST - 9_000);
    store.take("b", limits(5, 5)).await.unwrap();
    store.maintain().await.unwrap();
    machine.advance(4_000);
    assert!(matches!(store.take("c", limits(5, 5)).await, Err(LimitError::Full)));
    store.maintain().await.unwrap();
    machine.advance(1_000);
    store.maintain().await.unwrap();
    assert!(matches!(store.take("c", limits(5, 5)).await, Err(LimitError::Full)), "all are used");
    machine.advance(4_999);
    store.maintain().await.unwrap();
    assert!(matches!(store.take("c", limits(5, 5)).await, Err(LimitError::Full)), "not so soon again");
    machine.advance(1);
    store.maintain().await.unwrap();
    assert!(store.take("c", limits(5, 5)).await.unwrap().allowed());
}

#[tokio::test]
async fn a_key_that_is_forgotten_and_comes_again_is_saved_once() {
    for (name, home) in TestEnvironment::each().await {
        let machine = Machine::started(5_000_000);
        let db = open(&home).await;
        let store = memory_store(&home, db.clone(), &machine).await;
        store.take("a", limits(5, 5)).await.unwrap();
        store.take("a", limits(5, 5)).await.unwrap();
        store.forget("a").await.unwrap();
        store.take("a", limits(5, 5)).await.unwrap();
        store.maintain().await.unwrap();
        let store = memory_store(&home, db, &machine).await;
        assert_eq!(store.peek("a", limits(5, 5)).await.unwrap().minute.remaining, 4, "{name}");
    }
}

/// A new entry looks empty until its first slot is taken: a sweep may come in between.
#[test]
fn a_sweep_loses_no_slot() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (notes, machine) = (Arc::new(Notes::default()), Machine::started(2 * LONGEST));
    let store = runtime.block_on(bounded(notes, &machine, at_most(10_000))).unwrap();
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
