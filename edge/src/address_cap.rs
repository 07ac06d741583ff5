//! The cap on the requests of one client address, whatever they are.
//!
//! governor decides (GCRA); the states live in a store of our own, because governor's has no bound
//! and anyone with an IPv6 prefix can come from endlessly many addresses. (tower_governor's layer
//! has neither our error form nor our idea of a client address.)

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;
use governor::{Quota, RateLimiter};
use parking_lot::Mutex;
use svc_core::address::bucket;
use svc_core::error::{Error, Reason};

/// How often addresses that have used nothing lately are forgotten.
pub(crate) const FORGET_EVERY: Duration = Duration::from_secs(10);

/// Locks, so that addresses rarely wait for each other. A power of two.
const SHARDS: usize = 64;
/// Addresses in one shard, some 130,000 in all: 6 MB. Beyond it a shard starts over. Who controls
/// that many addresses is not held by a cap per address, and nobody else loses by it.
const MAX_IN_SHARD: usize = 2_048;

/// The cap.
pub(crate) struct AddressCap<C: Clock = MonotonicClock> {
    limiter: Option<RateLimiter<IpAddr, Store, C, NoOpMiddleware<C::Instant>>>,
}

impl<C: Clock> AddressCap<C> {
    /// At most `per_second`, twice as many at once. 0: no cap.
    pub(crate) fn new(per_second: u32, clock: C) -> AddressCap<C> {
        let quota = NonZeroU32::new(per_second).map(|rate| {
            let burst = rate.saturating_add(rate.get());
            Quota::per_second(rate).allow_burst(burst)
        });
        AddressCap { limiter: quota.map(|quota| RateLimiter::new(quota, Store::default(), clock)) }
    }

    /// Counts a request.
    pub(crate) fn check(&self, client: IpAddr) -> Result<(), Error> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        limiter.check_key(&bucket(client)).map_err(|until| {
            let wait = until.wait_time_from(limiter.clock().now());
            Error::new(Reason::AddressThrottled, "Too many requests from your address.").retry_after(wait)
        })
    }

    /// Forgets addresses that have used nothing lately.
    pub(crate) fn forget_idle(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.retain_recent();
        }
    }
}

/// The states of addresses: for each, when it will have its whole allowance again.
struct Store {
    shards: [Mutex<HashMap<IpAddr, Nanos>>; SHARDS],
    hasher: RandomState,
}

impl Default for Store {
    fn default() -> Store {
        Store { shards: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }
}

impl StateStore for Store {
    type Key = IpAddr;

    fn measure_and_replace<T, F, E>(&self, key: &IpAddr, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let shard = (self.hasher.hash_one(key) as usize) & (SHARDS - 1);
        let mut states = self.shards[shard].lock();
        if let Some(state) = states.get_mut(key) {
            let (outcome, next) = f(Some(*state))?;
            *state = next;
            return Ok(outcome);
        }
        let (outcome, next) = f(None)?;
        if states.len() >= MAX_IN_SHARD {
            states.clear();
        }
        states.insert(*key, next);
        Ok(outcome)
    }
}

impl ShrinkableKeyedStateStore<IpAddr> for Store {
    fn retain_recent(&self, drop_below: Nanos) {
        for shard in &self.shards {
            shard.lock().retain(|_, state| *state > drop_below);
        }
    }

    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    fn is_empty(&self) -> bool {
        self.shards.iter().all(|shard| shard.lock().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;
    use std::net::Ipv6Addr;

    fn cap(per_second: u32) -> (AddressCap<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (AddressCap::new(per_second, clock.clone()), clock)
    }

    fn passed(cap: &AddressCap<FakeRelativeClock>, address: &str, tries: usize) -> usize {
        let address = address.parse().unwrap();
        (0..tries).filter(|_| cap.check(address).is_ok()).count()
    }

    #[test]
    fn twice_the_rate_at_once_then_the_rate() {
        let (cap, clock) = cap(10);
        assert_eq!(passed(&cap, "192.0.2.1", 100), 20);
        clock.advance(Duration::from_secs(1));
        assert_eq!(passed(&cap, "192.0.2.1", 100), 10);
        clock.advance(Duration::from_secs(60));
        assert_eq!(passed(&cap, "192.0.2.1", 100), 20);
    }

    #[test]
    fn a_refusal_says_when_to_come_back() {
        let (cap, _clock) = cap(1);
        assert_eq!(passed(&cap, "192.0.2.1", 3), 2);
        let error = cap.check("192.0.2.1".parse().unwrap()).unwrap_err();
        assert_eq!(error.reason, Reason::AddressThrottled);
        assert!(
            error.retry_after.unwrap() > Duration::ZERO
                && error.retry_after.unwrap() <= Duration::from_secs(1)
        );
    }

    #[test]
    fn addresses_count_apart_and_ipv6_by_its_64() {
        let (cap, _clock) = cap(1);
        assert_eq!(passed(&cap, "192.0.2.1", 5), 2);
        assert_eq!(passed(&cap, "192.0.2.2", 5), 2);
        assert_eq!(passed(&cap, "2001:db8::1", 5), 2);
        assert_eq!(passed(&cap, "2001:db8::2", 5), 0);
        assert_eq!(passed(&cap, "2001:db8:0:1::1", 5), 2);
    }

    #[test]
    fn zero_is_no_cap() {
        let (cap, _clock) = cap(0);
        assert_eq!(passed(&cap, "192.0.2.1", 10_000), 10_000);
    }

    #[test]
    fn memory_is_bounded_and_idle_addresses_are_forgotten() {
        let (cap, clock) = cap(1);
        for n in 0..(2 * SHARDS * MAX_IN_SHARD) as u128 {
            cap.check(IpAddr::V6(Ipv6Addr::from_bits(n << 64))).unwrap();
        }
        let store = cap.limiter.as_ref().unwrap();
        assert!(store.len() <= SHARDS * MAX_IN_SHARD);
        cap.forget_idle();
        assert!(!store.is_empty());
        clock.advance(Duration::from_secs(10));
        cap.forget_idle();
        assert!(store.is_empty());
    }
}
