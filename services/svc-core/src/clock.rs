//! Time, passed in: [`SystemClock`] in production, [`ManualClock`] in tests.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A moment in Unix microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// The latest moment that RFC 3339 can write: the end of the year 9999.
pub const LATEST: Timestamp = Timestamp(253_402_300_799_999_999);

impl Timestamp {
    /// Unix milliseconds, rounded down.
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Unix seconds, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This much later.
    #[must_use]
    pub fn plus(self, time: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(time.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero when it is not after.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// As the protos write it.
    pub fn to_proto(self) -> prost_types::Timestamp {
        let nanos = self.0.rem_euclid(1_000_000) * 1_000;
        prost_types::Timestamp { seconds: self.seconds(), nanos: i32::try_from(nanos).unwrap_or(0) }
    }

    /// From the protos. `None` when it is not between the years 1 and 9999.
    pub fn from_proto(time: &prost_types::Timestamp) -> Option<Timestamp> {
        let in_range = (-62_135_596_800..=253_402_300_799).contains(&time.seconds);
        let nanos_fit = (0..1_000_000_000).contains(&time.nanos);
        (in_range && nanos_fit).then(|| Timestamp(time.seconds * 1_000_000 + i64::from(time.nanos) / 1_000))
    }
}

/// RFC 3339 in UTC with milliseconds.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By civil arithmetic: jiff's own timestamps end a day before the year 9999 does.
        let epoch = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
        match epoch.checked_add(jiff::SignedDuration::from_millis(self.millis())) {
            Ok(time) => write!(f, "{time:.3}Z"),
            Err(_) => f.write_str("out of range"),
        }
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands until it is moved, for tests.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// Stands at `now`.
    pub fn at(now: Timestamp) -> ManualClock {
        ManualClock(Arc::new(AtomicI64::new(now.0)))
    }

    /// Moves on.
    pub fn advance(&self, time: Duration) {
        let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_rfc_3339_with_milliseconds() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_769_860_800_123_999, "2026-01-31T12:00:00.123Z"),
            (LATEST.0, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp(micros).to_string(), text);
        }
    }

    #[test]
    fn survives_the_protos() {
        for micros in [0, 1, -1, 1_769_860_800_123_456, LATEST.0] {
            assert_eq!(Timestamp::from_proto(&Timestamp(micros).to_proto()), Some(Timestamp(micros)));
        }
    }
}
