//! Time, passed in: [`SystemClock`], or one that tests move.
//!
//! There are two clocks. The wall clock says when something happened or ends, and may be set. Whatever is
//! waited for, or gets old, is measured by the machine's uptime, which is never set: else a clock that
//! stood wrong for a moment would make somebody wait for as long as it was wrong.

#[cfg(any(test, feature = "testing"))]
mod manual;

use std::fmt;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

#[cfg(any(test, feature = "testing"))]
pub use manual::ManualClock;

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

    /// Unix seconds, rounded up.
    pub const fn seconds_up(self) -> i64 {
        self.seconds() + (self.0.rem_euclid(1_000_000) > 0) as i64
    }

    /// This much later.
    #[must_use]
    pub fn plus(self, time: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(time.as_micros()).unwrap_or(i64::MAX)))
    }

    /// This much earlier.
    #[must_use]
    pub fn minus(self, time: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(i64::try_from(time.as_micros()).unwrap_or(i64::MAX)))
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

    /// From a header: the form that is sent today (RFC 9110, 5.6.7). `None` for anything else, the two obsolete forms
    /// included.
    pub fn from_http_date(text: &str) -> Option<Timestamp> {
        let time = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        Some(Timestamp(time.as_microsecond()))
    }
}

/// How long the machine has been running, in microseconds. It counts the time that the machine sleeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uptime(pub u64);

impl Uptime {
    /// In milliseconds, rounded down.
    pub const fn millis(self) -> u64 {
        self.0 / 1_000
    }

    /// This much later.
    #[must_use]
    pub fn plus(self, time: Duration) -> Uptime {
        Uptime(self.0.saturating_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)))
    }

    /// How long after `earlier` this is; zero when it is not after.
    pub fn since(self, earlier: Uptime) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
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
    /// The wall clock: for moments that are shown, stored, or compared with another machine's.
    fn now(&self) -> Timestamp;

    /// The clock that is never set: for waits, ages and buckets.
    fn uptime(&self) -> Uptime;
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

    fn uptime(&self) -> Uptime {
        let time = clock_gettime(ClockId::Boottime);
        // Neither is ever negative.
        Uptime(time.tv_sec.unsigned_abs() * 1_000_000 + time.tv_nsec.unsigned_abs() / 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_dates_of_headers() {
        let read = |text| Timestamp::from_http_date(text).map(|time| time.to_string());
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT").as_deref(), Some("1994-11-06T08:49:37.000Z"));
        for none in
            ["", "120", "Sun, 31 Feb 1994 08:49:37 GMT", "Mon, 06 Nov 1994 08:49:37 GMT", "1994-11-06"]
        {
            assert_eq!(read(none), None, "{none}");
        }
    }

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

    #[test]
    fn setting_the_wall_clock_makes_no_time_pass() {
        let clock = ManualClock::at(Timestamp(1_769_860_800_000_000));
        let (wall, uptime) = (clock.now(), clock.uptime());
        clock.set(Timestamp(0));
        assert_eq!(clock.uptime(), uptime);
        clock.set(wall);
        clock.advance(Duration::from_secs(7));
        let passed = Duration::from_secs(7);
        assert_eq!((clock.now().since(wall), clock.uptime().since(uptime)), (passed, passed));
        assert!(SystemClock.uptime() > Uptime(0));
    }
}
