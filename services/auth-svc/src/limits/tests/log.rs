//! The log of the memory store: nothing is lost wherever it ends, and it does not grow for ever.

use std::collections::BTreeMap;
use std::sync::Arc;

use svc_db::testing::TestEnvironment;

use super::notes::{Failing, Notes};
use super::{Machine, START, bounded, limits, open};
use crate::limits::memory::Bounds;
use crate::limits::memory::piece::Piece;
use crate::limits::saved::{self, Moment, Saved};
use crate::limits::window::{LONGEST, Windows};
use crate::limits::{LimitOpenError, LimitStore, MemoryStore, WindowLimits};

const MANY: WindowLimits = WindowLimits { per_minute: 1_000, per_hour: 1_000 };
/// When these tests begin, on both clocks.
const BEGINNING: u64 = 5_000_000;
/// A save has several pieces, and a compaction takes several ticks.
const SMALL: Bounds = Bounds { max_keys: 100, piece: 150, floor: 0, steps: 3 };

fn moment() -> Moment {
    let boot_id = Some("first".to_owned());
    Moment { millis: BEGINNING, boot_millis: BEGINNING, boot_id, wall: START }
}

fn windows(at: u64, slots: usize) -> Windows {
    let mut windows = Windows::default();
    (0..slots).for_each(|_| assert!(windows.take(at, MANY).allowed()));
    windows
}

/// What an earlier process has saved.
fn old_windows() -> BTreeMap<String, Windows> {
    (0..5).map(|n| (format!("old {n}"), windows(BEGINNING - 1_000, n + 1))).collect()
}

/// With what an earlier process has saved.
async fn left_over(saved: Arc<dyn Saved>) -> Arc<dyn Saved> {
    for (key, windows) in old_windows() {
        let mut piece = Piece::new();
        piece.push(&key, &windows, BEGINNING);
        saved.append(&moment(), &piece.into_bytes()).await.unwrap();
    }
    saved
}

async fn left_over_notes() -> Arc<dyn Saved> {
    left_over(Arc::new(Notes::default())).await
}

async fn bytes(saved: &dyn Saved) -> usize {
    let (mut after, mut bytes) = (0, 0);
    loop {
        let pieces = saved.pieces(after).await.unwrap();
        let Some((last, _)) = pieces.last() else { return bytes };
        after = *last;
        bytes += pieces.iter().map(|(_, piece)| piece.len()).sum::<usize>();
    }
}

/// What the failure of a transaction is.
#[derive(Clone, Copy, Debug)]
struct Failure {
    transaction: usize,
    /// Only the answer is lost.
    done: bool,
    /// The process ends then. Else it goes on.
    kill: bool,
}

/// What was taken is known, and what was not is not.
async fn knows(
    store: &MemoryStore,
    least: &BTreeMap<String, Windows>,
    most: &BTreeMap<String, Windows>,
    now: u64,
    what: &str,
) {
    let used = |windows: Option<&Windows>| {
        let peeked = windows.unwrap_or(&Windows::default()).peek(now, MANY);
        (1_000 - peeked.minute.remaining, 1_000 - peeked.hour.remaining)
    };
    for key in most.keys() {
        let peeked = store.peek(key, MANY).await.unwrap();
        let known = (1_000 - peeked.minute.remaining, 1_000 - peeked.hour.remaining);
        let (least, most) = (used(least.get(key)), used(most.get(key)));
        assert!(least.0 <= known.0 && known.0 <= most.0, "{what}: {key} {least:?} {known:?} {most:?}");
        assert!(least.1 <= known.1 && known.1 <= most.1, "{what}: {key} {least:?} {known:?} {most:?}");
    }
}

/// Uses keys for a while, and says how many transactions that took.
async fn use_for_a_while(inner: Arc<dyn Saved>, failure: Option<Failure>) -> usize {
    let (machine, what) = (Machine::started(BEGINNING), format!("{failure:?}"));
    let failing = Failing::over(inner.clone());
    if let Some(Failure { transaction, done, .. }) = failure {
        failing.at(transaction, done);
    }
    let store = bounded(failing.clone(), &machine, SMALL).await.unwrap();
    let (mut taken, mut now) = (old_windows(), BEGINNING);
    let mut saved = taken.clone();
    for round in 0..24_usize {
        for key in 0..5 {
            let key = format!("key {}", (round * 5 + key * key) % 12);
            assert!(store.take(&key, MANY).await.unwrap().allowed());
            assert!(taken.entry(key).or_default().take(now, MANY).allowed());
        }
        match store.maintain().await {
            Ok(()) => saved = taken.clone(),
            Err(_) if failure.is_some_and(|failure| failure.kill) => {
                let store = bounded(inner, &machine, SMALL).await.unwrap();
                knows(&store, &saved, &taken, now, &what).await;
                return failing.transactions();
            }
            Err(_) => {}
        }
        now += match round {
            // Every key becomes empty.
            11 => LONGEST,
            _ => [700, 61_000, 20_000][round % 3],
        };
        machine.set(now);
    }
    // One may fail.
    if store.maintain().await.is_err() {
        store.maintain().await.unwrap();
    }
    let store = bounded(inner.clone(), &machine, SMALL).await.unwrap();
    knows(&store, &taken, &taken, now, &what).await;
    failing.transactions()
}

#[tokio::test]
async fn whichever_transaction_is_the_last_everything_saved_before_is_known() {
    let all = use_for_a_while(left_over_notes().await, None).await;
    assert!(all > 70, "{all} transactions");
    for transaction in 1..=all {
        for (done, kill) in [(false, true), (true, true), (false, false), (true, false)] {
            use_for_a_while(left_over_notes().await, Some(Failure { transaction, done, kill })).await;
        }
    }
}

#[tokio::test]
async fn the_same_on_each_engine() {
    for failure in [None, Some((3, true)), Some((9, false)), Some((25, true)), Some((40, false))] {
        let failure =
            failure.map(|(transaction, kill)| Failure { transaction, done: transaction % 2 == 0, kill });
        for (_, home) in TestEnvironment::each().await {
            let saved = saved::over(open(&home).await);
            use_for_a_while(left_over(saved).await, failure).await;
        }
    }
}

#[tokio::test]
async fn the_log_stays_short_however_long_it_is_used() {
    let bounds = Bounds { max_keys: 1_000, piece: 2_000, floor: 10_000, steps: 4 };
    for (name, home) in TestEnvironment::each().await {
        let (machine, saved) = (Machine::started(BEGINNING), saved::over(open(&home).await));
        let store = bounded(saved.clone(), &machine, bounds).await.unwrap();
        let (mut longest, mut shorter) = (0, 0);
        for round in 0..200 {
            for key in 0..50 {
                store.take(&format!("key {}", (round * 37 + key) % 200), MANY).await.unwrap();
            }
            store.maintain().await.unwrap();
            let now = bytes(&*saved).await;
            shorter += usize::from(now < longest);
            longest = longest.max(now);
            machine.advance(1_000);
        }
        // 200 keys of about 50 bytes: twice as much and the floor, and what comes while it is compacted.
        assert!((25_000..60_000).contains(&longest), "{longest} bytes on {name}");
        assert!(shorter > 50, "shorter than at its longest only {shorter} times on {name}");
        machine.advance(LONGEST);
        for _ in 0..20 {
            store.maintain().await.unwrap();
        }
        let left = bytes(&*saved).await;
        assert!(left <= 10_000, "{left} bytes of empty windows on {name}");
    }
}

#[tokio::test]
async fn what_is_saved_while_the_rest_is_deleted_stays() {
    for (name, home) in TestEnvironment::each().await {
        let (machine, saved) = (Machine::started(BEGINNING), saved::over(open(&home).await));
        let bounds = Bounds { steps: 1, ..SMALL };
        for idle in 0..5 {
            let store = bounded(saved.clone(), &machine, bounds).await.unwrap();
            store.take("empty soon", MANY).await.unwrap();
            store.maintain().await.unwrap();
            machine.advance(LONGEST);
            // A compaction begins, deletes everything there is and ends, a step each time.
            for _ in 0..idle {
                store.maintain().await.unwrap();
            }
            store.take("key", MANY).await.unwrap();
            for _ in 0..5 {
                store.maintain().await.unwrap();
            }
            let store = bounded(saved.clone(), &machine, bounds).await.unwrap();
            let peeked = store.peek("key", MANY).await.unwrap();
            assert_eq!(peeked.hour.remaining, 999, "after {idle} steps on {name}");
            machine.advance(LONGEST);
        }
    }
}

#[tokio::test]
async fn pieces_are_deleted_a_few_megabytes_at_a_time_and_their_numbers_never_come_again() {
    for (name, home) in TestEnvironment::each().await {
        let saved = saved::over(open(&home).await);
        let piece = vec![7; 1 << 20];
        let mut numbers = Vec::new();
        for _ in 0..20 {
            numbers.push(saved.append(&moment(), &piece).await.unwrap());
        }
        assert!(numbers.is_sorted_by(|a, b| a < b), "{name}: {numbers:?}");
        for left in [4, 1] {
            assert!(saved.delete_pieces(numbers[18]).await.unwrap(), "{name}");
            assert_eq!(bytes(&*saved).await, left << 20, "{name}");
        }
        assert!(!saved.delete_pieces(numbers[18]).await.unwrap(), "{name}");
        assert!(saved.delete_pieces(numbers[19]).await.unwrap(), "{name}");
        assert!(saved.append(&moment(), &piece).await.unwrap() > numbers[19], "{name}");
        assert_eq!(saved.moment().await.unwrap(), Some(moment()), "{name}");
    }
}

#[tokio::test]
async fn of_the_windows_of_a_key_those_with_the_newest_slot_count() {
    for (name, home) in TestEnvironment::each().await {
        let (machine, saved) = (Machine::started(BEGINNING), saved::over(open(&home).await));
        let mut piece = Piece::new();
        for n in 0..5_000 {
            piece.push(&format!("key {n}"), &windows(BEGINNING - 1_000, 1 + n % 3), BEGINNING);
        }
        piece.push("newer later", &windows(BEGINNING - 2_000, 2), BEGINNING);
        piece.push("older later", &windows(BEGINNING - 1_000, 3), BEGINNING);
        piece.push("empty", &windows(BEGINNING - LONGEST - 60_000, 3), BEGINNING);
        saved.append(&moment(), &piece.into_bytes()).await.unwrap();
        let mut piece = Piece::new();
        piece.push("newer later", &windows(BEGINNING - 1_000, 4), BEGINNING);
        piece.push("older later", &windows(BEGINNING - 2_000, 5), BEGINNING);
        saved.append(&moment(), &piece.into_bytes()).await.unwrap();
        for start in ["first", "second"] {
            let store = bounded(saved.clone(), &machine, Bounds::USUAL).await.unwrap();
            assert_eq!(format!("{store:?}"), "MemoryStore(5002 keys)", "{start} start on {name}");
            for (key, used) in [("key 4999", 2), ("newer later", 4), ("older later", 3)] {
                let peeked = store.peek(key, MANY).await.unwrap();
                assert_eq!(1_000 - peeked.hour.remaining, used, "{key} at the {start} start on {name}");
            }
            store.maintain().await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_damaged_refuses_the_start() {
    for (name, home) in TestEnvironment::each().await {
        let (machine, saved) = (Machine::started(BEGINNING), saved::over(open(&home).await));
        let mut piece = Piece::new();
        piece.push("key", &windows(BEGINNING, 1), BEGINNING);
        let mut piece = piece.into_bytes();
        saved.append(&moment(), &piece).await.unwrap();
        bounded(saved.clone(), &machine, SMALL).await.unwrap();
        piece[20] ^= 1;
        let bad = saved.append(&moment(), &piece).await.unwrap();
        let error = bounded(saved, &machine, SMALL).await.unwrap_err();
        assert!(matches!(error, LimitOpenError::Damaged(seq) if seq == bad), "{error} on {name}");
        assert!(error.to_string().contains("limit_log"), "{error}");
    }
}

#[tokio::test]
async fn the_newest_of_many_saves_counts() {
    let (notes, machine) = (Arc::new(Notes::default()), Machine::started(BEGINNING));
    let bounds = Bounds { floor: u64::MAX, ..SMALL };
    let store = bounded(notes.clone(), &machine, bounds).await.unwrap();
    for _ in 0..50 {
        store.take("key", limits(100, 100)).await.unwrap();
        store.maintain().await.unwrap();
    }
    assert_eq!(notes.keys().len(), 50);
    let store = bounded(notes, &machine, bounds).await.unwrap();
    assert_eq!(store.peek("key", limits(100, 100)).await.unwrap().minute.remaining, 50);
}
