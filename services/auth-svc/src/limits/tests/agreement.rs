//! The three stores answer as the windows do, request by request.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use svc_db::testing::TestEnvironment;

use super::{Machine, beginning, database_store, memory_store, new_key, open, redis_store, steps};
use crate::limits::window::Windows;
use crate::limits::{DatabaseStore, LimitStore, MemoryStore, RedisStore};

struct Stores {
    machine: Machine,
    memory: MemoryStore,
    redis: RedisStore,
    database: DatabaseStore,
}

impl Stores {
    async fn agree(&self, start: u64, steps: &[(super::Step, u64)]) {
        let (key, mut windows, mut now) = (new_key(), Windows::default(), start);
        for (step, back) in steps {
            now = (now + step.later).saturating_sub(*back);
            self.machine.set(now);
            for _ in 0..step.requests {
                let wanted = windows.take(now, step.limits);
                let at = i64::try_from(now).unwrap();
                assert_eq!(self.memory.take(&key, step.limits).await.unwrap(), wanted, "memory at {now}");
                let redis = self.redis.take_at(&key, step.limits, Some(now)).await.unwrap();
                assert_eq!(redis, wanted, "Redis at {now}");
                let database = self.database.take_at(&key, step.limits, Some(at)).await.unwrap();
                assert_eq!(database, wanted, "PostgreSQL at {now}");
            }
        }
    }
}

#[test]
fn the_stores_agree_with_the_windows() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (home, machine) = (TestEnvironment::sqlite(), Machine::started(0));
    let stores = runtime.block_on(async {
        let memory = memory_store(&home, open(&home).await, &machine).await;
        let (database, _) = database_store(&TestEnvironment::postgres().await).await;
        Stores { machine, memory, redis: redis_store().await, database }
    });
    let back = prop_oneof![9 => Just(0), 1 => 0..90_000_u64];
    let steps = (steps(40), proptest::collection::vec(back, 40));
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let run = runner.run(&(beginning(), steps), |(start, (steps, back))| {
        let steps: Vec<_> = steps.into_iter().zip(back).collect();
        runtime.block_on(stores.agree(start, &steps));
        Ok(())
    });
    run.unwrap();
}
