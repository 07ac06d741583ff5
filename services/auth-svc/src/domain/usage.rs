//! Usage of keys: how time is parted, and what is kept of a request.

use std::time::Duration;

use svc_core::clock::Timestamp;

/// How many of its latest refusals are kept of a key.
pub(crate) const DENIALS: usize = 20;
/// How long a refusal is kept, and the time over which a permission that no request needed is unused: days.
pub(crate) const RECENT_DAYS: i64 = 30;

/// How long a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Granularity {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day, UTC.
    Day,
}

impl Granularity {
    /// Every one, the finest first.
    pub(crate) const ALL: [Granularity; 3] = [Granularity::Minute, Granularity::Hour, Granularity::Day];

    /// As callers name it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Granularity::Minute => "minute",
            Granularity::Hour => "hour",
            Granularity::Day => "day",
        }
    }

    /// The length of a bucket in seconds, which is also its name in the database.
    pub(crate) fn seconds(self) -> i64 {
        match self {
            Granularity::Minute => 60,
            Granularity::Hour => 3_600,
            Granularity::Day => 86_400,
        }
    }

    /// The length of a bucket in microseconds.
    pub(crate) fn micros(self) -> i64 {
        self.seconds() * 1_000_000
    }

    /// Where the bucket starts that holds this moment.
    pub(crate) fn floor(self, at: Timestamp) -> Timestamp {
        Timestamp(at.0.saturating_sub(at.0.rem_euclid(self.micros())))
    }

    /// Where the first bucket starts that holds nothing before this moment.
    pub(crate) fn ceil(self, at: Timestamp) -> Timestamp {
        self.floor(Timestamp(at.0.saturating_add(self.micros() - 1)))
    }
}

/// So many days.
pub(crate) fn days(days: i64) -> Duration {
    Duration::from_secs(days.unsigned_abs() * 86_400)
}

/// A refusal of a request with the right secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyDenial {
    /// When.
    pub(crate) at: Timestamp,
    /// Of which request. `None` where the edge did not say.
    pub(crate) request_id: Option<String>,
    /// The error code.
    pub(crate) code: String,
    /// The permissions that the key lacked, with `, ` between them.
    pub(crate) permission: Option<String>,
    /// Where the request came from.
    pub(crate) client_address: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_is_in_one_bucket() {
        for granularity in Granularity::ALL {
            let length = granularity.micros();
            for (at, start) in [(0, 0), (1, 0), (length - 1, 0), (length, length), (-1, -length)] {
                assert_eq!(granularity.floor(Timestamp(at)), Timestamp(start), "{granularity:?} {at}");
            }
            for (at, end) in [(0, 0), (1, length), (length, length), (length + 1, 2 * length)] {
                assert_eq!(granularity.ceil(Timestamp(at)), Timestamp(end), "{granularity:?} {at}");
            }
        }
    }
}
