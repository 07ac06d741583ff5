//! What is counted is written, once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use svc_core::clock::{ManualClock, Timestamp};
use svc_core::error::{Fault, Reason};
use svc_core::random::SystemRandom;
use svc_db::testing::START;
use svc_runtime::telemetry::Metrics;
use tokio_util::sync::CancellationToken;

use super::counters::{Counters, KeyCounts, Refused, Seen};
use super::range::{Range, Report, Totals, activity, activity_since, named};
use super::{Flusher, Keep};
use crate::domain::{DENIALS, Granularity, KeyDenial, KeyId, OrganizationId, days};
use crate::store::{
    AddressUse, HourOfKey, KeyPath, StoreError, UsageAge, UsageBatch, UsageCell, UsageCount, UsageFound,
    UsageQuery, UsageReads, UsageWrites,
};

const LIST: &str = "keyward.contacts.v1.ContactService/ListContacts";
const READ: [&str; 1] = ["contacts:read"];
const KEEP: Keep = Keep { minutes: 2, hours: 35, days: 400 };

fn key(id: &str) -> Arc<KeyCounts> {
    Arc::new(KeyCounts::new(id, ["new", "old"].into_iter()))
}

fn seen(counters: &Counters, at: Timestamp) -> Seen {
    Seen { operation: counters.operation(LIST, &READ), client: [192, 0, 2, 1].into(), secret: 0, at }
}

fn counters() -> Counters {
    Counters::new(true, &Metrics::new())
}

fn denied(reason: Reason) -> Option<Refused<'static>> {
    Some(Refused { reason, lacking: &[], request_id: Some("r-1") })
}

/// Requests by outcome.
fn outcomes(batch: &UsageBatch) -> BTreeMap<&str, i64> {
    let mut outcomes = BTreeMap::new();
    for (cell, count) in &batch.cells {
        *outcomes.entry(cell.outcome.as_str()).or_default() += count.requests;
    }
    outcomes
}

#[test]
fn requests_are_counted_by_what_they_are() {
    let (counters, key) = (counters(), key("k"));
    let first = seen(&counters, START);
    counters.count(&key, first, None);
    counters.count(&key, Seen { at: Timestamp(START.0 + 1), ..first }, None);
    counters.count(&key, Seen { secret: 1, ..first }, None);
    counters.count(&key, Seen { client: [192, 0, 2, 2].into(), ..first }, None);
    counters.count(&key, Seen { at: START.plus(Duration::from_secs(60)), ..first }, None);
    counters.count(&key, first, denied(Reason::RateLimited));
    let batch = counters.take().unwrap();
    let cell = |at: Timestamp, outcome: &str, address: &str, secret: &str| UsageCell {
        key_id: "k".to_owned(),
        minute: Granularity::Minute.floor(at),
        operation: "contacts.list".to_owned(),
        permission: "contacts:read".to_owned(),
        outcome: outcome.to_owned(),
        address: address.to_owned(),
        secret_id: secret.to_owned(),
    };
    let once = UsageCount { requests: 1, last_at: START };
    let next = START.plus(Duration::from_secs(60));
    assert_eq!(
        batch.cells,
        [
            (
                cell(START, "ok", "192.0.2.1", "new"),
                UsageCount { requests: 2, last_at: Timestamp(START.0 + 1) }
            ),
            (cell(START, "ok", "192.0.2.1", "old"), once),
            (cell(START, "ok", "192.0.2.2", "new"), once),
            (cell(START, "rate_limited", "192.0.2.1", "new"), once),
            (cell(next, "ok", "192.0.2.1", "new"), UsageCount { last_at: next, ..once }),
        ]
    );
    let denial = KeyDenial {
        at: START,
        request_id: Some("r-1".to_owned()),
        code: "rate_limited".to_owned(),
        permission: None,
        client_address: "192.0.2.1".to_owned(),
    };
    assert_eq!(batch.denials, [("k".to_owned(), denial)]);
    assert!(counters.take().is_none(), "it is taken once");
    counters.count(&key, first, None);
    assert_eq!(outcomes(&counters.take().unwrap()), [("ok", 1)].into(), "and counted on after that");
}

#[test]
fn two_snapshots_of_a_key_are_one_key() {
    let counters = counters();
    for snapshot in [key("k"), key("k")] {
        counters.count(&snapshot, seen(&counters, START), None);
    }
    let batch = counters.take().unwrap();
    assert_eq!(batch.cells.len(), 1);
    assert_eq!(batch.cells[0].1.requests, 2);
}

#[test]
fn nothing_is_lost_between_threads() {
    let (counters, key) = (counters(), key("k"));
    let taken = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..5_000).for_each(|_| counters.count(&key, seen(&counters, START), None)));
        }
        scope.spawn(|| (0..500).for_each(|_| taken.lock().extend(counters.take())));
    });
    taken.lock().extend(counters.take());
    let counted: i64 = taken.lock().iter().map(|batch| outcomes(batch)["ok"]).sum();
    assert_eq!(counted, 20_000);
}

#[test]
fn a_clock_that_goes_back_loses_and_doubles_nothing() {
    let (counters, key) = (counters(), key("k"));
    let before = Timestamp(START.0 - 3_600_000_000);
    for at in [START, before, START] {
        counters.count(&key, seen(&counters, at), None);
    }
    let batch = counters.take().unwrap();
    let requests: Vec<_> = batch.cells.iter().map(|(cell, count)| (cell.minute, count.requests)).collect();
    let minute = Granularity::Minute;
    assert_eq!(requests, [(minute.floor(before), 1), (minute.floor(START), 2)]);
}

#[test]
fn a_key_that_is_used_from_everywhere_is_counted_without_addresses_at_last() {
    let (counters, key) = (counters(), key("k"));
    for number in 0..10_000_u32 {
        let client = std::net::Ipv4Addr::from(number).into();
        counters.count(&key, Seen { client, ..seen(&counters, START) }, None);
    }
    let batch = counters.take().unwrap();
    assert_eq!(batch.cells.len(), 65);
    assert_eq!(outcomes(&batch), [("ok", 10_000)].into());
}

#[test]
fn memory_has_an_end_and_what_is_dropped_is_counted() {
    let counters = Counters::holding(2, true, &Metrics::new());
    for id in ["a", "b", "c", "a"] {
        counters.count(&key(id), seen(&counters, START), None);
    }
    assert_eq!(counters.dropped(), 2, "of those that need more room");
    assert_eq!(outcomes(&counters.take().unwrap()), [("ok", 2)].into());
    counters.count(&key("c"), seen(&counters, START), None);
    assert_eq!((counters.take().unwrap().cells.len(), counters.dropped()), (1, 2), "there is room again");
}

#[test]
fn only_the_latest_refusals_are_kept_and_only_ids_of_requests() {
    let (counters, key) = (counters(), key("k"));
    let lacking = ["contacts:read".to_owned(), "contacts:create".to_owned()];
    for number in 0..DENIALS as i64 + 5 {
        let refused = Refused {
            reason: Reason::PermissionDenied,
            lacking: &lacking,
            request_id: Some(if number % 2 == 0 { "=cmd\u{7}" } else { "0f1d.8c_4-2" }),
        };
        counters.count(&key, seen(&counters, Timestamp(START.0 + number)), Some(refused));
    }
    let batch = counters.take().unwrap();
    assert_eq!(batch.denials.len(), DENIALS);
    let (_, oldest) = &batch.denials[0];
    assert_eq!(oldest.at, Timestamp(START.0 + 5));
    assert_eq!(oldest.request_id.as_deref(), Some("0f1d.8c_4-2"));
    assert_eq!(oldest.permission.as_deref(), Some("contacts:read, contacts:create"));
    assert_eq!(batch.denials[1].1.request_id, None);
}

#[test]
fn nothing_is_counted_where_that_is_turned_off() {
    let counters = Counters::new(false, &Metrics::new());
    counters.count(&key("k"), seen(&counters, START), None);
    assert!(counters.take().is_none());
    assert_eq!(counters.dropped(), 0);
}

/// A database whose answers can get lost, before or after it has done its work.
#[derive(Default)]
struct Shaky {
    requests: Mutex<i64>,
    last: Mutex<i64>,
    /// What happens to the next flushes.
    faults: Mutex<Vec<Lost>>,
}

#[derive(Clone, Copy)]
enum Lost {
    Before,
    After,
}

#[async_trait]
impl UsageWrites for Shaky {
    async fn flush(&self, _: &str, seq: i64, _: Timestamp, batch: &UsageBatch) -> Result<(), StoreError> {
        let fault = self.faults.lock().pop();
        let failed = || Err(StoreError::Corrupt { column: "none" });
        if let Some(Lost::Before) = fault {
            return failed();
        }
        let mut last = self.last.lock();
        if *last < seq {
            *last = seq;
            *self.requests.lock() += batch.cells.iter().map(|(_, count)| count.requests).sum::<i64>();
        }
        if fault.is_some() { failed() } else { Ok(()) }
    }

    async fn roll_up(&self, _: Timestamp, _: usize) -> Result<Option<usize>, StoreError> {
        Ok(None)
    }

    async fn prune(&self, _: UsageAge, _: i64) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }
}

#[async_trait]
impl UsageReads for Shaky {
    async fn usage(&self, _: KeyPath<'_>, _: UsageQuery) -> Result<UsageFound, StoreError> {
        Ok(UsageFound::default())
    }

    async fn addresses(&self, _: KeyPath<'_>, _: Timestamp) -> Result<Vec<AddressUse>, StoreError> {
        Ok(Vec::new())
    }

    async fn denials(&self, _: KeyPath<'_>) -> Result<Vec<KeyDenial>, StoreError> {
        Ok(Vec::new())
    }

    async fn activity(
        &self,
        _: &OrganizationId,
        _: &[&KeyId],
        _: Timestamp,
    ) -> Result<Vec<HourOfKey>, StoreError> {
        Ok(Vec::new())
    }
}

fn flusher(counters: &Arc<Counters>, shaky: &Arc<Shaky>) -> Arc<Flusher> {
    let clock = Arc::new(ManualClock::at(START));
    Arc::new(Flusher::new(counters.clone(), shaky.clone(), clock, &SystemRandom))
}

#[tokio::test]
async fn a_flush_whose_answer_is_lost_is_neither_lost_nor_counted_twice() {
    let (counters, shaky, key) = (Arc::new(counters()), Arc::new(Shaky::default()), key("k"));
    let flusher = flusher(&counters, &shaky);
    // The last one comes first.
    *shaky.faults.lock() = vec![Lost::After, Lost::Before, Lost::After, Lost::Before];
    for number in 1..=4 {
        counters.count(&key, seen(&counters, START), None);
        assert!(flusher.flush().await.is_err());
        assert!(*shaky.requests.lock() < number, "one was lost before it got there");
    }
    counters.count(&key, seen(&counters, START), None);
    flusher.flush().await.unwrap();
    assert_eq!(*shaky.requests.lock(), 5);
}

#[tokio::test]
async fn while_nothing_can_be_written_memory_keeps_what_it_has_room_for_and_counts_the_rest() {
    let (counters, shaky) =
        (Arc::new(Counters::holding(3, true, &Metrics::new())), Arc::new(Shaky::default()));
    let flusher = flusher(&counters, &shaky);
    let keys = ["a", "b", "c", "d", "e"].map(key);
    *shaky.faults.lock() = vec![Lost::Before; 3];
    // The batch that cannot be written waits beside what is counted meanwhile.
    counters.count(&keys[0], seen(&counters, START), None);
    for _ in 0..3 {
        assert!(flusher.flush().await.is_err());
        for key in &keys {
            counters.count(key, seen(&counters, START), None);
        }
    }
    assert_eq!(counters.dropped(), 3 * 2, "there is room for three of the five keys");
    flusher.flush().await.unwrap();
    assert_eq!(*shaky.requests.lock(), 1 + 3 * 3);
    counters.count(&keys[4], seen(&counters, START), None);
    flusher.flush().await.unwrap();
    assert_eq!(
        (*shaky.requests.lock(), counters.dropped()),
        (1 + 3 * 3 + 1, 3 * 2),
        "and then all are counted"
    );
}

#[tokio::test]
async fn a_stop_writes_what_is_counted() {
    let (counters, shaky, key) = (Arc::new(counters()), Arc::new(Shaky::default()), key("k"));
    let (flusher, stop) = (flusher(&counters, &shaky), CancellationToken::new());
    stop.cancel();
    counters.count(&key, seen(&counters, START), None);
    flusher.run(stop).await;
    assert_eq!(*shaky.requests.lock(), 1);
}

#[test]
fn ranges_are_whole_buckets_and_bad_ones_are_refused() {
    let after = |seconds: i64| Some(Timestamp(START.0 + seconds * 1_000_000));
    let day = 86_400;
    let hour = |range: Result<Range, _>| range.map(|range| range.query());
    // START is 12:00:00.123456.
    let query = hour(Range::new(Granularity::Hour, None, None, START, KEEP)).unwrap();
    let noon = Granularity::Hour.floor(START);
    assert_eq!(
        (query.from, query.to),
        (Timestamp(noon.0 - 86_400_000_000), noon.plus(Duration::from_secs(3_600)))
    );
    for (granularity, from, to, fault) in [
        (Granularity::Hour, after(-10), after(-20), Fault::Invalid),
        (Granularity::Hour, after(-10), after(-10), Fault::Invalid),
        (Granularity::Hour, after(120), None, Fault::OutOfRange),
        (Granularity::Hour, None, after(120), Fault::OutOfRange),
        (Granularity::Minute, after(-3 * day), None, Fault::OutOfRange),
        (Granularity::Hour, after(-36 * day), None, Fault::OutOfRange),
        (Granularity::Day, after(-401 * day), None, Fault::OutOfRange),
        (Granularity::Day, Some(Timestamp(i64::MIN)), None, Fault::OutOfRange),
    ] {
        let violations = Range::new(granularity, from, to, START, KEEP).unwrap_err();
        assert_eq!(violations[0].fault, fault, "{granularity:?} {from:?} {to:?}");
    }
    let wide = Keep { minutes: 400, ..KEEP };
    assert!(Range::new(Granularity::Minute, after(-8 * day), None, START, wide).is_err(), "too many buckets");
    assert!(Range::new(Granularity::Minute, after(-2 * day), after(50), START, KEEP).is_err());
    assert!(Range::new(Granularity::Minute, after(-100), after(50), START, KEEP).is_ok());
    assert_eq!(named(None), Ok(Granularity::Hour));
    assert_eq!(named(Some("minute")), Ok(Granularity::Minute));
    assert!(named(Some("week")).is_err() && named(Some("")).is_err());
}

#[test]
fn a_report_adds_what_is_not_rolled_up_yet_and_has_every_bucket() {
    let hour = Granularity::Hour;
    let noon = hour.floor(START);
    let ago = |time: Duration| Timestamp(noon.0 - i64::try_from(time.as_micros()).unwrap());
    let from = ago(Duration::from_secs(2 * 3_600));
    let range = Range::new(hour, Some(from), Some(noon.plus(Duration::from_secs(30))), START, KEEP).unwrap();
    let text = |text: &str| text.to_owned();
    let list = || (text("contacts.list"), text("contacts:read"));
    let count = |requests, last_at| UsageCount { requests, last_at };
    let recent = |at, outcome: &str, requests| {
        let (operation, permission) = list();
        (at, operation, permission, text(outcome), count(requests, at))
    };
    let found = UsageFound {
        buckets: vec![(from, 10, 7, 2)],
        operations: vec![
            (list().0, list().1, text("ok"), count(7, from)),
            (list().0, list().1, text("rate_limited"), count(2, from)),
            (text("contacts.delete"), text("contacts:delete"), text("permission_denied"), count(1, from)),
        ],
        recent: vec![recent(noon, "ok", 4), recent(noon, "rate_limited", 1), recent(ago(days(3)), "ok", 100)],
        needed: vec![text("contacts:create, contacts:update")],
    };
    let report = Report::new(&range, found);
    let totals = |requests, allowed, rate_limited| Totals { requests, allowed, rate_limited };
    assert_eq!(report.totals, totals(15, 11, 3));
    assert_eq!(report.totals.denied(), 4);
    let next = |hours: u64| from.plus(Duration::from_secs(hours * 3_600));
    assert_eq!(
        report.buckets,
        [(from, totals(10, 7, 2)), (next(1), totals(0, 0, 0)), (next(2), totals(5, 4, 1))]
    );
    assert_eq!(report.operations[0], (list(), count(14, noon)));
    assert_eq!(report.operations[1].1.requests, 1);
    assert_eq!(
        report.outcomes,
        [(text("ok"), 11), (text("rate_limited"), 3), (text("permission_denied"), 1)]
    );
    let held = ["contacts:read", "contacts:create", "contacts:delete"].map(text);
    assert_eq!(report.unused(&held), ["contacts:delete"], "that was asked for is what the store says");
}

#[test]
fn activity_is_the_last_24_hours() {
    let since = activity_since(START);
    assert_eq!(since.plus(Duration::from_secs(23 * 3_600)), Granularity::Hour.floor(START));
    let of = |at, requests, allowed| HourOfKey { key_id: "k".to_owned(), at, requests, allowed };
    let found = vec![of(since, 5, 3), of(START, 1, 1), of(START, 2, 0), of(START.plus(days(1)), 9, 9)];
    let hours = &activity(since, found)["k"];
    assert_eq!(hours.len(), 24);
    assert_eq!((hours[0].requests, hours[0].denied()), (5, 2));
    assert_eq!((hours[23].allowed, hours[23].denied()), (1, 2));
    assert_eq!(hours.iter().map(|hour| hour.requests).sum::<i64>(), 8);
}
