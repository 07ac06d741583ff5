//! Failed credentials of each client address, so that guessing is slow and cheap to refuse.
//!
//! Only failures count, and a credential that memory knows to be right passes whatever its neighbours behind
//! the same address do.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use svc_core::address_buckets::AddressBuckets;
use svc_core::clock::Clock;

/// What a bucket holds: a minute's failures.
const MINUTE: Duration = Duration::from_secs(60);

/// Counts failures by address (IPv6: its /64).
pub(crate) struct Failures(Option<AddressBuckets>);

impl Failures {
    /// This many failures a minute; 0 counts nothing.
    pub(crate) fn new(per_minute: u32, clock: Arc<dyn Clock>) -> Failures {
        let weight = MINUTE.checked_div(per_minute);
        Failures(weight.map(|weight| AddressBuckets::new(weight, MINUTE, clock)))
    }

    /// How long this address has to wait; `None` when it may try.
    pub(crate) fn wait(&self, address: IpAddr) -> Option<Duration> {
        self.0.as_ref()?.wait(address)
    }

    /// Counts a failure.
    pub(crate) fn count(&self, address: IpAddr) {
        self.0.iter().for_each(|buckets| buckets.count(address));
    }
}

#[cfg(test)]
mod tests {
    use svc_core::clock::{ManualClock, Timestamp};

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn failures(per_minute: u32) -> (Failures, ManualClock) {
        let clock = ManualClock::at(Timestamp(1_800_000_000_000_000));
        (Failures::new(per_minute, Arc::new(clock.clone())), clock)
    }

    #[test]
    fn a_minute_of_them_and_no_more() {
        let (failures, clock) = failures(60);
        let (here, there) = (address("192.0.2.1"), address("192.0.2.2"));
        for _ in 0..60 {
            assert_eq!(failures.wait(here), None);
            failures.count(here);
        }
        assert_eq!(failures.wait(here), Some(Duration::from_secs(1)));
        assert_eq!(failures.wait(there), None);
        for _ in 0..1_000 {
            failures.count(here);
        }
        assert_eq!(failures.wait(here), Some(Duration::from_secs(1)));
        clock.advance(Duration::from_secs(1));
        assert_eq!(failures.wait(here), None);
    }

    #[test]
    fn a_clock_that_is_set_makes_nobody_wait_longer() {
        let (failures, clock) = failures(60);
        let (here, wall) = (address("192.0.2.1"), clock.now());
        clock.set(wall.plus(Duration::from_secs(7_200)));
        failures.count(here);
        clock.set(wall);
        assert_eq!(failures.wait(here), None);
        for _ in 0..60 {
            failures.count(here);
        }
        assert_eq!(failures.wait(here), Some(Duration::from_secs(1)));
    }

    #[test]
    fn ipv6_counts_by_its_64_and_zero_counts_nothing() {
        let (of_one, _) = failures(1);
        of_one.count(address("2001:db8::1"));
        assert!(of_one.wait(address("2001:db8::ffff")).is_some());
        assert!(of_one.wait(address("2001:db8:0:1::1")).is_none());
        let (off, _) = failures(0);
        off.count(address("192.0.2.1"));
        assert_eq!(off.wait(address("192.0.2.1")), None);
    }
}
