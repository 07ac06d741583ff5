//! The cap on the requests of one client address, whatever they are.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use svc_core::address_buckets::AddressBuckets;
use svc_core::clock::Clock;
use svc_core::error::{Error, Reason};

/// How often addresses that have used nothing lately are forgotten.
pub(crate) const FORGET_EVERY: Duration = Duration::from_secs(10);

/// The second in which a bucket drains what comes in at the rate.
const SECOND: Duration = Duration::from_secs(1);

/// The cap.
pub(crate) struct AddressCap(Option<AddressBuckets>);

impl AddressCap {
    /// At most `per_second`, twice as many at once. 0: no cap.
    pub(crate) fn new(per_second: u32, clock: Arc<dyn Clock>) -> AddressCap {
        let weight = SECOND.checked_div(per_second);
        AddressCap(weight.map(|weight| AddressBuckets::new(weight, weight * per_second * 2, clock)))
    }

    /// Counts a request.
    pub(crate) fn check(&self, client: IpAddr) -> Result<(), Error> {
        let Some(buckets) = &self.0 else { return Ok(()) };
        buckets.take(client).map_err(|wait| {
            Error::new(Reason::AddressThrottled, "Too many requests from your address.").retry_after(wait)
        })
    }

    /// Forgets addresses that have used nothing lately.
    pub(crate) fn forget_idle(&self) {
        self.0.iter().for_each(AddressBuckets::forget_empty);
    }
}

#[cfg(test)]
mod tests {
    use svc_core::clock::{ManualClock, Timestamp};

    use super::*;

    fn cap(per_second: u32) -> (AddressCap, ManualClock) {
        let clock = ManualClock::at(Timestamp(0));
        (AddressCap::new(per_second, Arc::new(clock.clone())), clock)
    }

    fn passed(cap: &AddressCap, address: &str, tries: usize) -> usize {
        let address = address.parse().unwrap();
        (0..tries).filter(|_| cap.check(address).is_ok()).count()
    }

    #[test]
    fn twice_the_rate_at_once_then_the_rate() {
        for rate in [1, 3, 10, 7_000] {
            let (cap, clock) = cap(rate);
            let (tries, rate) = (3 * rate as usize, rate as usize);
            assert_eq!(passed(&cap, "192.0.2.1", tries), 2 * rate);
            clock.advance(Duration::from_secs(1));
            assert_eq!(passed(&cap, "192.0.2.1", tries), rate);
            clock.advance(Duration::from_secs(60));
            assert_eq!(passed(&cap, "192.0.2.1", tries), 2 * rate);
        }
    }

    #[test]
    fn a_refusal_says_when_to_come_back() {
        let (cap, _clock) = cap(1);
        assert_eq!(passed(&cap, "192.0.2.1", 3), 2);
        let error = cap.check("192.0.2.1".parse().unwrap()).unwrap_err();
        assert_eq!((error.reason, error.retry_after), (Reason::AddressThrottled, Some(SECOND)));
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
}
