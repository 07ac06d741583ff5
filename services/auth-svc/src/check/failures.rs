//! Failed credentials of each client address, so that guessing is slow and cheap to refuse.
//!
//! GCRA (ITU-T I.371): for each address one number, the moment at which its bucket is empty again. It can
//! be asked without counting, which governor cannot: only failures count, and a credential that memory
//! knows to be right passes whatever its neighbours behind the same address do.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::Mutex;
use svc_core::address::bucket;
use svc_core::clock::Timestamp;

/// Parts of the map, each with its own lock.
const SHARDS: usize = 64;
/// Addresses a part holds. A part that is full of addresses that still count starts over: memory is
/// bounded, and whoever commands that many addresses is not stopped by counting them.
const SHARD_CAPACITY: usize = 4_096;

/// Counts failures by address (IPv6: its /64).
pub struct Failures {
    /// What one failure weighs, in microseconds: a minute divided by the failures allowed in it.
    weight: i64,
    /// What the bucket holds, in microseconds: a minute's failures.
    burst: i64,
    hasher: RandomState,
    shards: [Mutex<HashMap<IpAddr, Timestamp>>; SHARDS],
}

impl Failures {
    /// This many failures a minute; 0 counts nothing.
    pub fn new(per_minute: u32) -> Failures {
        const MINUTE: i64 = 60_000_000;
        let weight = match per_minute {
            0 => 0,
            per_minute => MINUTE / i64::from(per_minute),
        };
        Failures {
            weight,
            burst: MINUTE,
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// How long this address has to wait; `None` when it may try.
    pub fn wait(&self, address: IpAddr, now: Timestamp) -> Option<Duration> {
        let address = bucket(address);
        let empty_at = self.shard(address).lock().get(&address).copied()?;
        let over = empty_at.0 + self.weight - self.burst - now.0;
        u64::try_from(over).ok().filter(|over| *over > 0).map(Duration::from_micros)
    }

    /// Counts a failure.
    pub fn count(&self, address: IpAddr, now: Timestamp) {
        if self.weight == 0 {
            return;
        }
        let address = bucket(address);
        let mut shard = self.shard(address).lock();
        if shard.len() >= SHARD_CAPACITY && !shard.contains_key(&address) {
            shard.retain(|_, empty_at| *empty_at > now);
            if shard.len() >= SHARD_CAPACITY {
                shard.clear();
            }
        }
        let empty_at = shard.entry(address).or_insert(now);
        // Never fuller than full: failures while it is over do not make the wait longer.
        empty_at.0 = (empty_at.0.max(now.0) + self.weight).min(now.0 + self.burst);
    }

    fn shard(&self, address: IpAddr) -> &Mutex<HashMap<IpAddr, Timestamp>> {
        &self.shards[self.hasher.hash_one(address) as usize % SHARDS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_minute_s_failures_and_no_more() {
        let failures = Failures::new(60);
        let (here, there) = (address("192.0.2.1"), address("192.0.2.2"));
        let start = Timestamp(1_800_000_000_000_000);
        for _ in 0..60 {
            assert_eq!(failures.wait(here, start), None);
            failures.count(here, start);
        }
        assert_eq!(failures.wait(here, start), Some(Duration::from_secs(1)));
        assert_eq!(failures.wait(there, start), None);
        for _ in 0..1_000 {
            failures.count(here, start);
        }
        assert_eq!(failures.wait(here, start), Some(Duration::from_secs(1)));
        assert_eq!(failures.wait(here, start.plus(Duration::from_secs(1))), None);
    }

    #[test]
    fn ipv6_counts_by_its_64_and_zero_counts_nothing() {
        let start = Timestamp(1_800_000_000_000_000);
        let failures = Failures::new(1);
        failures.count(address("2001:db8::1"), start);
        assert!(failures.wait(address("2001:db8::ffff"), start).is_some());
        assert!(failures.wait(address("2001:db8:0:1::1"), start).is_none());
        let off = Failures::new(0);
        off.count(address("192.0.2.1"), start);
        assert_eq!(off.wait(address("192.0.2.1"), start), None);
    }

    #[test]
    fn memory_is_bounded() {
        let failures = Failures::new(60);
        let start = Timestamp(1_800_000_000_000_000);
        for number in 0..600_000_u32 {
            failures.count(IpAddr::V4(number.into()), start);
        }
        let held: usize = failures.shards.iter().map(|shard| shard.lock().len()).sum();
        assert!(held <= SHARDS * SHARD_CAPACITY, "{held}");
    }
}
