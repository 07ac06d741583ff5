//! What every store promises, and what those that replicas share promise.

use futures::future::join_all;
use sqlx::{Acquire, Row};
use std::sync::Arc;
use std::time::Duration;
use svc_core::secret::Secret;
use svc_db::testing::TestEnvironment;

use super::{Machine, START, database_store, limits, memory_store, new_key, open, redis_store, redis_url};
use crate::limits::{DatabaseStore, LimitOpenError, LimitStore, Limiter, SystemBootClock, WindowLimits};

const DEFAULT: WindowLimits = WindowLimits { per_minute: 60, per_hour: 1_000 };

/// What holds for any store, on the clock of the machine.
async fn keeps_its_word(store: &impl LimitStore) {
    let (key, other) = (new_key(), new_key());
    let unused = store.peek(&key, limits(2, 5)).await.unwrap();
    assert_eq!((unused.minute.remaining, unused.minute.reset_seconds), (2, 0));
    assert_eq!((unused.hour.remaining, unused.hour.reset_seconds), (5, 0));
    assert!(store.take(&key, limits(2, 5)).await.unwrap().allowed());
    let last = store.take(&key, limits(2, 5)).await.unwrap();
    assert!(last.allowed());
    assert_eq!((last.minute.remaining, last.hour.remaining), (0, 3));
    assert!((50..=61).contains(&last.minute.reset_seconds), "{last:?}");
    assert!((3_580..=3_660).contains(&last.hour.reset_seconds), "{last:?}");
    let refused = store.take(&key, limits(2, 5)).await.unwrap();
    assert!(!refused.allowed());
    assert_eq!(refused.hour.remaining, 3, "neither window is touched");
    assert!(!store.peek(&key, limits(2, 5)).await.unwrap().allowed());
    assert!(store.peek(&key, limits(3, 5)).await.unwrap().allowed(), "a raised limit gives room");
    assert!(store.take(&other, limits(2, 5)).await.unwrap().allowed(), "keys are apart");
    store.maintain().await.unwrap();
    assert!(!store.take(&key, limits(2, 5)).await.unwrap().allowed());
    store.forget(&key).await.unwrap();
    assert_eq!(store.peek(&key, limits(2, 5)).await.unwrap().minute.remaining, 2);
    store.forget(&new_key()).await.unwrap();
}

/// 400 requests at once over several handles, the way replicas have them.
async fn lets_exactly_through(stores: &[impl LimitStore], limits: WindowLimits, wanted: usize) {
    let key = new_key();
    let takes = (0..400).map(|n| stores[n % stores.len()].take(&key, limits));
    let taken = join_all(takes).await;
    let allowed = taken.iter().filter(|t| t.as_ref().unwrap().allowed()).count();
    assert_eq!(allowed, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_setting_opens_a_store_that_keeps_its_word() {
    for (name, home) in TestEnvironment::each().await {
        let db = open(&home).await;
        for setting in ["memory", "database", &redis_url()] {
            let wall = Arc::new(home.clock.clone());
            let (named, boot) = (Secret::new(setting), Arc::new(SystemBootClock));
            let opened = Limiter::open(&named, &db, boot, wall, &home.environment.metrics).await;
            let limiter = opened.unwrap();
            let as_set = match setting {
                "memory" => matches!(limiter, Limiter::Memory(_)),
                "database" => matches!(limiter, Limiter::Database(_)) == (name == "PostgreSQL"),
                _ => matches!(limiter, Limiter::Redis(_)),
            };
            assert!(as_set, "{setting} on {name} is {limiter:?}");
            match limiter {
                Limiter::Memory(_) => keeps_its_word(&limiter).await,
                Limiter::Redis(store) => keeps_its_word(&Limiter::Redis(Box::new(store.patient()))).await,
                Limiter::Database(store) => keeps_its_word(&Limiter::Database(store.patient())).await,
            }
        }
    }
}

#[tokio::test]
async fn other_settings_are_refused_without_showing_them() {
    let home = TestEnvironment::sqlite();
    let db = open(&home).await;
    for setting in ["", "Memory", "postgres://u:secret@localhost", "localhost:6379", "redis://:secret@:x/y"] {
        let wall = Arc::new(home.clock.clone());
        let boot = Arc::new(SystemBootClock);
        let opened = Limiter::open(&Secret::new(setting), &db, boot, wall, &home.environment.metrics).await;
        let error = opened.unwrap_err();
        assert!(matches!(error, LimitOpenError::Setting | LimitOpenError::Redis(_)), "{setting}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_let_exactly_the_limit_through() {
    let redis = [redis_store().await, redis_store().await, redis_store().await, redis_store().await];
    let home = TestEnvironment::postgres().await;
    let mut database = Vec::new();
    for _ in 0..4 {
        database.push(database_store(&home).await.0);
    }
    for (given, wanted) in [(DEFAULT, 60), (limits(1_000, 60), 60), (limits(7, 7), 7)] {
        lets_exactly_through(&redis, given, wanted).await;
        lets_exactly_through(&database, given, wanted).await;
    }
    let home = TestEnvironment::sqlite();
    let memory = memory_store(&home, open(&home).await, &Machine::started(START.millis() as u64)).await;
    lets_exactly_through(&[memory], DEFAULT, 60).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_reads_the_clock_once_it_has_the_row() {
    let home = TestEnvironment::postgres().await;
    let (store, db) = database_store(&home).await;
    let key = new_key();
    store.take(&key, DEFAULT).await.unwrap();
    let mut connection = db.read().await.unwrap();
    let mut work = connection.begin().await.unwrap();
    let lock = sqlx::query("SELECT 1 FROM shared_limits WHERE key_id = $1 FOR UPDATE").bind(&key);
    lock.execute(&mut *work).await.unwrap();
    let waiting = tokio::spawn({
        let (store, key) = (database_store(&home).await.0, key.clone());
        // One that waits longer than it may asks again.
        async move {
            loop {
                if let Ok(taken) = store.take(&key, DEFAULT).await {
                    return taken;
                }
            }
        }
    });
    let until_it_waits = async {
        let blocked = "SELECT count(*) > 0 AS blocked FROM pg_locks WHERE NOT granted AND pid IN \
             (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
        while !sqlx::query(blocked).fetch_one(&mut *work).await.unwrap().get::<bool, _>("blocked") {
            assert!(!waiting.is_finished());
        }
        let clock = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::BIGINT AS now";
        sqlx::query(clock).fetch_one(&mut *work).await.unwrap().get::<i64, _>("now")
    };
    let released = until_it_waits.await;
    work.commit().await.unwrap();
    assert!(waiting.await.unwrap().allowed());
    let newest = sqlx::query("SELECT newest FROM shared_limits WHERE key_id = $1").bind(&key);
    let newest: i64 = newest.fetch_one(&mut *connection).await.unwrap().get("newest");
    assert!(newest >= released, "{newest} is before {released}");
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_only_what_is_used() {
    let (store, db) = database_store(&TestEnvironment::postgres().await).await;
    let (old, new) = (new_key(), new_key());
    store.take_at(&old, DEFAULT, Some(1_000)).await.unwrap();
    store.take(&new, DEFAULT).await.unwrap();
    store.maintain().await.unwrap();
    let mut connection = db.read().await.unwrap();
    let left = sqlx::query("SELECT key_id FROM shared_limits").fetch_all(&mut *connection).await.unwrap();
    let left: Vec<String> = left.iter().map(|row| row.get("key_id")).collect();
    assert_eq!(left, [new]);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_that_does_not_answer_is_an_error_in_time() {
    let home = TestEnvironment::postgres().await;
    let (patient, db) = database_store(&home).await;
    let store = DatabaseStore::new(db.clone(), &home.environment.metrics);
    let key = new_key();
    patient.take(&key, DEFAULT).await.unwrap();
    let mut connection = db.read().await.unwrap();
    let mut work = connection.begin().await.unwrap();
    let lock = sqlx::query("SELECT 1 FROM shared_limits WHERE key_id = $1 FOR UPDATE").bind(&key);
    lock.execute(&mut *work).await.unwrap();
    // The server ends a transaction that waits for its client, and would let the row go.
    let hold = sqlx::query("SET LOCAL idle_in_transaction_session_timeout = 0");
    hold.execute(&mut *work).await.unwrap();
    let began = std::time::Instant::now();
    assert!(store.take(&key, DEFAULT).await.is_err());
    assert!(began.elapsed() < Duration::from_secs(30), "the patient one waits for twice as long");
    assert!(patient.take(&new_key(), DEFAULT).await.unwrap().allowed(), "other keys do not wait");
    drop(work);
    drop(connection);
    db.close().await;
    assert!(store.take(&key, DEFAULT).await.is_err());
}
