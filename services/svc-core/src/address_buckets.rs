//! How often each client address did something, in bounded memory.
//!
//! GCRA (ITU-T I.371): for each address one number, the moment at which its bucket is empty again. Unlike
//! governor it can be asked without counting, and counts without asking. The moments are of the uptime, which
//! nobody sets, so no address ever waits longer than its bucket takes to drain.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::address::bucket;
use crate::clock::Clock;

/// Parts of the map, each with its own lock, so that addresses rarely wait for each other.
const SHARDS: usize = 64;
/// Addresses in one part, some 260,000 in all: 12 MB. A part that is full of addresses that still count starts
/// over: memory is bounded, and whoever commands that many addresses is not stopped by counting them.
const SHARD_CAPACITY: usize = 4_096;

/// The buckets of addresses (IPv6: of its /64), which drain all the time.
pub struct AddressBuckets {
    /// What one thing puts into a bucket, in nanoseconds that it takes to drain.
    weight: u64,
    /// What a bucket holds, likewise.
    capacity: u64,
    clock: Arc<dyn Clock>,
    hasher: RandomState,
    shards: [Mutex<HashMap<IpAddr, u64>>; SHARDS],
}

impl fmt::Debug for AddressBuckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AddressBuckets({} ns each, {} ns at most)", self.weight, self.capacity)
    }
}

impl AddressBuckets {
    /// One thing every `weight`, and at once as many as fit into `capacity`.
    pub fn new(weight: Duration, capacity: Duration, clock: Arc<dyn Clock>) -> AddressBuckets {
        AddressBuckets {
            weight: nanos(weight),
            capacity: nanos(capacity),
            clock,
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// Counts one more, if the bucket has room.
    ///
    /// # Errors
    /// How long it takes until there is room.
    pub fn take(&self, address: IpAddr) -> Result<(), Duration> {
        self.change(address, |empty_at, now| {
            let full_at = now.saturating_add(self.capacity);
            match empty_at.saturating_add(self.weight) {
                next if next > full_at => Err(Duration::from_nanos(next - full_at)),
                next => {
                    *empty_at = next;
                    Ok(())
                }
            }
        })
    }

    /// Counts one more, with room or without. A bucket is never fuller than full: what comes while it is does
    /// not make the wait longer.
    pub fn count(&self, address: IpAddr) {
        self.change(address, |empty_at, now| {
            *empty_at = empty_at.saturating_add(self.weight).min(now.saturating_add(self.capacity));
        });
    }

    /// How long it takes until there is room for one more; `None` when there is. Counts nothing.
    pub fn wait(&self, address: IpAddr) -> Option<Duration> {
        let address = bucket(address);
        let empty_at = self.shard(address).lock().get(&address).copied()?;
        let full_at = self.now().saturating_add(self.capacity);
        let over = empty_at.saturating_add(self.weight).saturating_sub(full_at);
        (over > 0).then(|| Duration::from_nanos(over))
    }

    /// Forgets addresses whose buckets are empty.
    pub fn forget_empty(&self) {
        let now = self.now();
        for shard in &self.shards {
            shard.lock().retain(|_, empty_at| *empty_at > now);
        }
    }

    /// How many addresses are known.
    #[cfg(test)]
    fn known(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Changes when a bucket is empty again, which is not before now.
    fn change<T>(&self, address: IpAddr, change: impl FnOnce(&mut u64, u64) -> T) -> T {
        let address = bucket(address);
        let now = self.now();
        let mut shard = self.shard(address).lock();
        if let Some(empty_at) = shard.get_mut(&address) {
            *empty_at = (*empty_at).max(now);
            return change(empty_at, now);
        }
        if shard.len() >= SHARD_CAPACITY {
            shard.retain(|_, empty_at| *empty_at > now);
            if shard.len() >= SHARD_CAPACITY {
                shard.clear();
            }
        }
        change(shard.entry(address).or_insert(now), now)
    }

    fn now(&self) -> u64 {
        self.clock.uptime().0.saturating_mul(1_000)
    }

    fn shard(&self, address: IpAddr) -> &Mutex<HashMap<IpAddr, u64>> {
        &self.shards[self.hasher.hash_one(address) as usize % SHARDS]
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{ManualClock, Timestamp};

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn buckets(weight: Duration, capacity: Duration) -> (AddressBuckets, ManualClock) {
        let clock = ManualClock::at(Timestamp(1_800_000_000_000_000));
        (AddressBuckets::new(weight, capacity, Arc::new(clock.clone())), clock)
    }

    #[test]
    fn taking_stops_when_a_bucket_is_full_and_goes_on_as_it_drains() {
        let (buckets, clock) = buckets(Duration::from_millis(100), Duration::from_secs(2));
        let taken = |text| (0..100).filter(|_| buckets.take(address(text)).is_ok()).count();
        assert_eq!(taken("192.0.2.1"), 20);
        assert_eq!(buckets.take(address("192.0.2.1")), Err(Duration::from_millis(100)));
        clock.advance(Duration::from_secs(1));
        assert_eq!(taken("192.0.2.1"), 10);
        clock.advance(Duration::from_secs(60));
        assert_eq!(taken("192.0.2.1"), 20);
        assert_eq!(taken("192.0.2.2"), 20, "another address");
        assert_eq!((taken("2001:db8::1"), taken("2001:db8::2"), taken("2001:db8:0:1::1")), (20, 0, 20));
    }

    #[test]
    fn counting_never_makes_a_bucket_fuller_than_full() {
        let (buckets, clock) = buckets(Duration::from_secs(1), Duration::from_secs(60));
        let (here, there) = (address("192.0.2.1"), address("192.0.2.2"));
        for _ in 0..60 {
            assert_eq!(buckets.wait(here), None);
            buckets.count(here);
        }
        for _ in 0..1_000 {
            assert_eq!(buckets.wait(here), Some(Duration::from_secs(1)));
            buckets.count(here);
        }
        assert_eq!(buckets.wait(there), None);
        clock.advance(Duration::from_secs(1));
        assert_eq!(buckets.wait(here), None);
    }

    #[test]
    fn a_clock_that_is_set_makes_nobody_wait_longer() {
        let (buckets, clock) = buckets(Duration::from_secs(1), Duration::from_secs(60));
        let (here, wall) = (address("192.0.2.1"), clock.now());
        clock.set(wall.plus(Duration::from_secs(7_200)));
        buckets.count(here);
        clock.set(wall);
        assert_eq!(buckets.wait(here), None);
    }

    #[test]
    fn memory_is_bounded_and_empty_buckets_are_forgotten() {
        let (buckets, clock) = buckets(Duration::from_secs(1), Duration::from_secs(2));
        for number in 0..(2 * SHARDS * SHARD_CAPACITY) as u32 {
            buckets.count(IpAddr::V4(number.into()));
        }
        assert!(buckets.known() <= SHARDS * SHARD_CAPACITY, "{}", buckets.known());
        buckets.forget_empty();
        assert!(buckets.known() > 0);
        clock.advance(Duration::from_secs(10));
        buckets.forget_empty();
        assert_eq!(buckets.known(), 0);
    }
}
