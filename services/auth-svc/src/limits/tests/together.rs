//! Slots for requests that arrive together, in PostgreSQL.

use std::collections::HashMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sqlx::{Acquire, Row};
use svc_db::testing::TestEnvironment;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{beginning, database_store, limits, new_key, steps};
use crate::limits::window::Windows;
use crate::limits::{LimitError, LimitStore, WindowLimits};

/// Requests of several keys at the same moment are answered as if they had come one after the other, and the
/// limits of a key may change between two of them.
#[test]
fn together_they_are_answered_as_one_after_the_other() {
    // On one thread, those of a step arrive while the first of them is under way.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = runtime.block_on(async { database_store(&TestEnvironment::postgres().await).await.0 });
    let which = proptest::collection::vec((0..3_usize, 0..4_u32), 8);
    let steps = proptest::collection::vec((steps(2), which), 1..20);
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let run = runner.run(&(beginning(), steps), |(start, steps)| {
        let keys = [new_key(), new_key(), new_key()];
        let mut windows = [Windows::default(), Windows::default(), Windows::default()];
        let mut now = start;
        for (step, which) in steps {
            now += step[0].later;
            let asked: Vec<(usize, WindowLimits)> = which
                .iter()
                .map(|(key, more)| {
                    (*key, limits(step[0].limits.per_minute + more / 3, step[0].limits.per_hour))
                })
                .collect();
            let wanted: Vec<_> = asked.iter().map(|(key, limits)| windows[*key].take(now, *limits)).collect();
            let at = Some(i64::try_from(now).unwrap());
            let takes = asked.iter().map(|(key, limits)| store.take_at(&keys[*key], *limits, at));
            let taken: Vec<_> = runtime.block_on(join_all(takes)).into_iter().map(Result::unwrap).collect();
            prop_assert_eq!(taken, wanted, "at {}", now);
        }
        Ok(())
    });
    run.unwrap();
    let (batches, batched) = store.batches();
    assert!(batches > 0 && batched > 4 * batches, "{batched} requests in {batches} statements");
}

/// Several replicas, one of the previous release among them, with keys and limits of all kinds.
#[tokio::test(flavor = "multi_thread")]
async fn never_one_more_over_all_replicas() {
    const REQUESTS: u32 = 40;
    let home = TestEnvironment::postgres().await;
    let limits_of =
        |n: u32| if n.is_multiple_of(2) { limits(1 + n * 7, 1 + n * 5) } else { limits(n * 5, n * 7) };
    let keys: Arc<Vec<_>> = Arc::new((0..24).map(|n| (new_key(), limits_of(n))).collect());
    let (mut replicas, mut stores) = (JoinSet::new(), Vec::new());
    for replica in 0..4 {
        let store = Arc::new(database_store(&home).await.0);
        stores.push(store.clone());
        // As many of each key at once, and each replica begins with another one.
        for n in 0..REQUESTS * keys.len() as u32 {
            let (store, keys) = (store.clone(), keys.clone());
            replicas.spawn(async move {
                let which = (n as usize + replica * 7) % keys.len();
                let taken = store.take(&keys[which].0, keys[which].1).await.unwrap();
                taken.allowed().then_some((which, taken.hour.remaining))
            });
        }
    }
    let (_, old) = database_store(&home).await;
    // As many as it has connections: who waits for one of these has little time.
    let turns = Arc::new(Semaphore::new(5));
    for n in 0..REQUESTS as usize * keys.len() {
        let (old, keys, turns) = (old.clone(), keys.clone(), turns.clone());
        replicas.spawn(async move {
            let _turn = turns.acquire().await.unwrap();
            let which = n % keys.len();
            let (key, limits) = &keys[which];
            let mut connection = old.read().await.unwrap();
            let take = sqlx::query("SELECT allowed, new_hour FROM limits_take($1, $2, $3, NULL)").bind(key);
            let take = take.bind(i64::from(limits.per_minute)).bind(i64::from(limits.per_hour));
            let row = take.fetch_one(&mut *connection).await.unwrap();
            connection.done();
            let used: i32 = row.get::<Vec<i32>, _>("new_hour").iter().sum();
            row.get::<bool, _>("allowed").then_some((which, limits.per_hour - used.unsigned_abs()))
        });
    }
    let mut remaining: HashMap<usize, Vec<u32>> = HashMap::new();
    while let Some(taken) = replicas.join_next().await {
        if let Some((which, left)) = taken.unwrap() {
            remaining.entry(which).or_default().push(left);
        }
    }
    for (which, (_, limits)) in keys.iter().enumerate() {
        // All slots of the tighter window, and no two requests were told the same.
        let most = limits.per_minute.min(limits.per_hour);
        let mut left = remaining.remove(&which).unwrap_or_default();
        left.sort_unstable_by(|a, b| b.cmp(a));
        let wanted: Vec<u32> = (1..=most).map(|used| limits.per_hour - used).collect();
        assert_eq!(left, wanted, "{limits:?}");
    }
    assert!(stores.iter().any(|store| store.batches().0 > 0), "nothing arrived together");
}

#[tokio::test]
async fn the_first_to_arrive_are_let_through() {
    let (store, _) = database_store(&TestEnvironment::postgres().await).await;
    let (key, other) = (new_key(), new_key());
    let takes = (0..12).map(|n| store.take(if n % 3 == 2 { &other } else { &key }, limits(5, 100)));
    let taken = join_all(takes).await;
    let allowed: Vec<bool> = taken.iter().map(|taken| taken.as_ref().unwrap().allowed()).collect();
    assert_eq!(allowed, [true, true, true, true, true, true, true, false, true, false, false, true]);
    assert_eq!(store.batches(), (1, 12));
}

#[tokio::test]
async fn who_goes_away_before_the_statement_is_sent_takes_no_slot() {
    let (store, db) = database_store(&TestEnvironment::postgres().await).await;
    let (held, gone, stays) = (new_key(), new_key(), new_key());
    store.take(&held, limits(5, 5)).await.unwrap();
    let mut connection = db.read().await.unwrap();
    let mut work = connection.begin().await.unwrap();
    let lock = sqlx::query("SELECT 1 FROM shared_limits WHERE key_id = $1 FOR UPDATE").bind(&held);
    lock.execute(&mut *work).await.unwrap();
    let first = store.take(&held, limits(5, 5));
    let waits = store.take(&stays, limits(5, 5));
    let mut both = Box::pin(async { tokio::join!(first, waits) });
    assert!((&mut both).now_or_never().is_none());
    assert!(store.take(&gone, limits(5, 5)).now_or_never().is_none());
    work.commit().await.unwrap();
    let (first, waits) = both.await;
    assert_eq!(first.unwrap().minute.remaining, 3);
    assert_eq!(waits.unwrap().minute.remaining, 4);
    assert_eq!(store.peek(&gone, limits(5, 5)).await.unwrap().minute.remaining, 5);
}

#[tokio::test]
async fn what_is_wrong_with_one_key_is_not_with_others() {
    let (store, db) = database_store(&TestEnvironment::postgres().await).await;
    let keys = [new_key(), new_key(), new_key(), new_key()];
    let mut connection = db.read().await.unwrap();
    let malformed = "INSERT INTO shared_limits VALUES ($1, $2, '{1,2}', '{}')";
    for (key, newest) in [(&keys[1], i64::MAX / 2), (&keys[2], 0)] {
        sqlx::query(malformed).bind(key).bind(newest).execute(&mut *connection).await.unwrap();
    }
    let taken = join_all(keys.iter().map(|key| store.take(key, limits(5, 5)))).await;
    assert!(matches!(taken[1], Err(LimitError::Malformed)), "{taken:?}");
    for good in [0, 2, 3] {
        // One so old that nothing of it counts is as good as none.
        assert_eq!(taken[good].as_ref().unwrap().minute.remaining, 4, "{taken:?}");
    }
    assert_eq!(store.batches(), (1, 4));
}
