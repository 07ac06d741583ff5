//! Which usage may be asked for, and what is answered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use svc_core::clock::Timestamp;
use svc_core::error::{Fault, Violation};

use super::rollup::Keep;
use crate::domain::{Granularity, RECENT_DAYS, days};
use crate::store::{HourOfKey, UsageCount, UsageFound, UsageQuery};

/// How far ahead the clock of who asks may be.
const AHEAD: Duration = Duration::from_secs(60);
/// The most buckets of an answer.
const MAX_BUCKETS: i64 = 10_000;
/// What is asked for by default.
const DEFAULT: Duration = Duration::from_secs(86_400);
/// The hours of a key's activity.
pub(crate) const ACTIVITY_HOURS: usize = 24;

/// The granularity of this name.
pub(crate) fn named(name: Option<&str>) -> Result<Granularity, Violation> {
    let Some(name) = name else { return Ok(Granularity::Hour) };
    let found = Granularity::ALL.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        Violation::new("granularity", Fault::Invalid, "`granularity` is `minute`, `hour` or `day`.")
    })
}

/// Whole buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    granularity: Granularity,
    /// Where the first one starts.
    from: Timestamp,
    /// Where the last one ends.
    to: Timestamp,
    now: Timestamp,
}

impl Range {
    /// The buckets from the one that holds `from` to the one that `to` ends in or at. By default the day before `to`,
    /// and up to now.
    pub(crate) fn new(
        granularity: Granularity,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        now: Timestamp,
        keep: Keep,
    ) -> Result<Range, Vec<Violation>> {
        let latest = now.plus(AHEAD);
        let in_future = |field: &str, time: Option<Timestamp>| {
            let message = format!("`{field}` is in the future.");
            time.filter(|time| *time > latest).map(|_| Violation::new(field, Fault::OutOfRange, message))
        };
        let violations: Vec<_> = in_future("from", from).into_iter().chain(in_future("to", to)).collect();
        if !violations.is_empty() {
            return Err(violations);
        }
        let to = to.unwrap_or(now);
        let from = from.unwrap_or_else(|| Timestamp(to.0.saturating_sub(micros(DEFAULT))));
        if from >= to {
            return Err(vec![Violation::new("from", Fault::Invalid, "`from` must be before `to`.")]);
        }
        let most = keep.of(granularity).min(MAX_BUCKETS * granularity.seconds() / Granularity::Day.seconds());
        if to.since(from) > days(most) {
            let name = granularity.as_str();
            let message = format!(
                "From `from` to `to` are at most {most} days with the granularity `{name}`: \
                 ask for less, or for a coarser one."
            );
            return Err(vec![Violation::new("from", Fault::OutOfRange, message)]);
        }
        Ok(Range { granularity, from: granularity.floor(from), to: granularity.ceil(to), now })
    }

    /// What has to be read for it.
    pub(crate) fn query(&self) -> UsageQuery {
        let needed_since = Timestamp(self.now.0.saturating_sub(micros(days(RECENT_DAYS))));
        UsageQuery { granularity: self.granularity, from: self.from, to: self.to, needed_since }
    }

    fn holds(&self, at: Timestamp) -> bool {
        (self.from..self.to).contains(&at)
    }
}

/// Counts of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// All of them.
    pub(crate) requests: i64,
    /// Those let through.
    pub(crate) allowed: i64,
    /// Those over a limit.
    pub(crate) rate_limited: i64,
}

impl Totals {
    /// Those refused.
    pub(crate) fn denied(self) -> i64 {
        self.requests.saturating_sub(self.allowed)
    }

    fn add(&mut self, other: Totals) {
        self.requests = self.requests.saturating_add(other.requests);
        self.allowed = self.allowed.saturating_add(other.allowed);
        self.rate_limited = self.rate_limited.saturating_add(other.rate_limited);
    }

    fn of(outcome: &str, requests: i64) -> Totals {
        let only = |wanted: &str| if outcome == wanted { requests } else { 0 };
        Totals { requests, allowed: only("ok"), rate_limited: only("rate_limited") }
    }
}

/// How a key was used in a range.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// How long a bucket is.
    pub(crate) granularity: Granularity,
    /// Over all buckets.
    pub(crate) totals: Totals,
    /// Every bucket of the range, in order, also those without requests.
    pub(crate) buckets: Vec<(Timestamp, Totals)>,
    /// By operation and what it needs, the most used first.
    pub(crate) operations: Vec<((String, String), UsageCount)>,
    /// By outcome, the most frequent first.
    pub(crate) outcomes: Vec<(String, i64)>,
    /// The permissions that some request of the last days needed.
    needed: BTreeSet<String>,
}

impl Report {
    /// From what was found.
    pub(crate) fn new(range: &Range, found: UsageFound) -> Report {
        let mut buckets: BTreeMap<Timestamp, Totals> = BTreeMap::new();
        let mut start = range.from;
        while start < range.to {
            buckets.insert(start, Totals::default());
            start = Timestamp(start.0.saturating_add(range.granularity.micros()));
        }
        let mut add = |start: Timestamp, totals: Totals| {
            if let Some(bucket) = buckets.get_mut(&start) {
                bucket.add(totals);
            }
        };
        for (start, requests, allowed, rate_limited) in found.buckets {
            add(start, Totals { requests, allowed, rate_limited });
        }
        let mut operations = BTreeMap::<(String, String), UsageCount>::new();
        let mut outcomes = BTreeMap::<String, i64>::new();
        let mut needed = BTreeSet::new();
        let mut need = |permission: &str| {
            needed.extend(permission.split(", ").filter(|one| !one.is_empty()).map(str::to_owned));
        };
        found.needed.iter().for_each(|permission| need(permission));
        let mut parts = found.operations;
        for (minute, operation, permission, outcome, count) in found.recent {
            need(&permission);
            if range.holds(minute) {
                add(range.granularity.floor(minute), Totals::of(&outcome, count.requests));
                parts.push((operation, permission, outcome, count));
            }
        }
        for (operation, permission, outcome, count) in parts {
            operations.entry((operation, permission)).or_default().add(count);
            *outcomes.entry(outcome).or_default() += count.requests;
        }
        let mut totals = Totals::default();
        buckets.values().for_each(|bucket| totals.add(*bucket));
        let mut operations: Vec<_> = operations.into_iter().collect();
        operations.sort_by_key(|(_, count)| std::cmp::Reverse(count.requests));
        let mut outcomes: Vec<_> = outcomes.into_iter().collect();
        outcomes.sort_by_key(|(_, requests)| std::cmp::Reverse(*requests));
        let buckets = buckets.into_iter().collect();
        Report { granularity: range.granularity, totals, buckets, operations, outcomes, needed }
    }

    /// Those of these permissions that no request has needed for long.
    pub(crate) fn unused(&self, permissions: &[String]) -> Vec<String> {
        permissions.iter().filter(|permission| !self.needed.contains(*permission)).cloned().collect()
    }
}

/// Since when activity is told: the hour now is the last one.
pub(crate) fn activity_since(now: Timestamp) -> Timestamp {
    let before = Granularity::Hour.micros() * (ACTIVITY_HOURS as i64 - 1);
    Timestamp(Granularity::Hour.floor(now).0.saturating_sub(before))
}

/// The hours since then of each key that has some requests.
pub(crate) fn activity(since: Timestamp, found: Vec<HourOfKey>) -> BTreeMap<String, Vec<Totals>> {
    let mut keys = BTreeMap::<String, Vec<Totals>>::new();
    for HourOfKey { key_id, at, requests, allowed } in found {
        let hours = at.0.saturating_sub(since.0).div_euclid(Granularity::Hour.micros());
        let key = keys.entry(key_id).or_insert_with(|| vec![Totals::default(); ACTIVITY_HOURS]);
        if let Some(hour) = usize::try_from(hours).ok().and_then(|hour| key.get_mut(hour)) {
            hour.add(Totals { requests, allowed, rate_limited: 0 });
        }
    }
    keys
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
