//! How keys are used.

use std::time::Duration;

use super::*;
use crate::domain::{DENIALS, Granularity, KeyDenial, days};

pub(super) async fn all(kept: &Kept, usage: &dyn Usage) {
    what_is_flushed_is_found_before_and_after_it_is_rolled_up(kept, usage).await;
    a_batch_is_added_once(kept, usage).await;
    replicas_add_up(kept, usage).await;
    what_comes_late_is_added(kept, usage).await;
    a_wide_range_is_the_sum_of_its_parts(kept, usage).await;
    keys_say_when_they_were_used(kept, usage).await;
    addresses_are_those_of_some_days(kept, usage).await;
    only_the_latest_refusals_stay(kept, usage).await;
    what_is_old_goes(kept, usage).await;
    others_see_nothing(kept, usage).await;
}

fn cell(key: &Key, at: Timestamp) -> UsageCell {
    UsageCell {
        key_id: key.id.as_str().to_owned(),
        minute: Granularity::Minute.floor(at),
        operation: "contacts.list".to_owned(),
        permission: "contacts:read".to_owned(),
        outcome: "ok".to_owned(),
        address: "192.0.2.1".to_owned(),
        secret_id: "secret".to_owned(),
    }
}

fn batch(cells: impl IntoIterator<Item = (UsageCell, i64)>) -> UsageBatch {
    let count = |(cell, requests): (UsageCell, i64)| {
        let last_at = Timestamp(cell.minute.0 + 7);
        (cell, UsageCount { requests, last_at })
    };
    UsageBatch { cells: cells.into_iter().map(count).collect(), denials: Vec::new() }
}

fn refused(cell: UsageCell, outcome: &str) -> UsageCell {
    UsageCell { outcome: outcome.to_owned(), ..cell }
}

async fn flush(usage: &dyn Usage, replica: &str, seq: i64, batch: UsageBatch) {
    usage.flush(replica, seq, START, &batch).await.unwrap();
}

async fn roll_up(usage: &dyn Usage) {
    // In small steps, as many as it takes.
    while usage.roll_up(START.plus(days(1)), 2).await.unwrap() != Some(0) {}
}

fn path<'k>(one: &'k Organization, key: &'k Key) -> KeyPath<'k> {
    KeyPath { organization: &one.id, agent: &one.agent.id, id: &key.id }
}

fn hours(from: Timestamp, to: Timestamp) -> UsageQuery {
    UsageQuery { granularity: Granularity::Hour, from, to, needed_since: from }
}

/// Requests, those let through, and those over a limit: of the buckets, and of what is not rolled up.
async fn requests(usage: &dyn Usage, path: KeyPath<'_>, asked: UsageQuery) -> [i64; 3] {
    let found = usage.usage(path, asked).await.unwrap();
    let mut sum = [0; 3];
    for (_, requests, allowed, rate_limited) in &found.buckets {
        sum = [sum[0] + requests, sum[1] + allowed, sum[2] + rate_limited];
    }
    let of_recent: i64 = found.recent.iter().map(|(.., count)| count.requests).sum();
    let of = |outcome: &str| -> i64 {
        found.recent.iter().filter(|recent| recent.3 == outcome).map(|(.., count)| count.requests).sum()
    };
    let rolled: i64 = found.operations.iter().map(|(.., count)| count.requests).sum();
    assert_eq!(rolled, sum[0], "operations and buckets are the same requests");
    [sum[0] + of_recent, sum[1] + of("ok"), sum[2] + of("rate_limited")]
}

fn today() -> UsageQuery {
    let hour = Granularity::Hour;
    hours(hour.floor(START), hour.ceil(START))
}

async fn what_is_flushed_is_found_before_and_after_it_is_rolled_up(kept: &Kept, usage: &dyn Usage) {
    let one = kept.organization("usage found").await;
    let key = one.insert_key(kept, 10).await;
    let cells = [
        (cell(&key, START), 3),
        (refused(cell(&key, START), "rate_limited"), 2),
        (refused(cell(&key, START.plus(Duration::from_secs(60))), "permission_denied"), 1),
    ];
    flush(usage, "found", 1, batch(cells)).await;
    for rolled_up in [false, true] {
        if rolled_up {
            roll_up(usage).await;
        }
        assert_eq!(requests(usage, path(&one, &key), today()).await, [6, 3, 2], "{rolled_up}");
    }
    let found = usage.usage(path(&one, &key), today()).await.unwrap();
    assert_eq!((found.recent.len(), found.needed), (0, vec!["contacts:read".to_owned()]));
    let mut operations = found.operations;
    operations.sort_by(|a, b| a.2.cmp(&b.2));
    let (operation, permission, outcome, count) = &operations[0];
    assert_eq!(
        (operation.as_str(), permission.as_str(), outcome.as_str()),
        ("contacts.list", "contacts:read", "ok")
    );
    assert_eq!(
        *count,
        UsageCount { requests: 3, last_at: Timestamp(Granularity::Minute.floor(START).0 + 7) }
    );
    let minutes = UsageQuery { granularity: Granularity::Minute, ..today() };
    assert_eq!(usage.usage(path(&one, &key), minutes).await.unwrap().buckets.len(), 2);
    let nothing = hours(today().to, today().to.plus(Duration::from_secs(3_600)));
    assert_eq!(requests(usage, path(&one, &key), nothing).await, [0; 3]);
    let activity = usage.activity(&one.id, &[&key.id], today().from).await.unwrap();
    assert_eq!((activity.len(), activity[0].requests, activity[0].allowed), (1, 6, 3));
}

async fn a_batch_is_added_once(kept: &Kept, usage: &dyn Usage) {
    let one = kept.organization("usage once").await;
    let key = one.insert_key(kept, 10).await;
    for seq in [1, 1, 2, 2, 1] {
        flush(usage, "once", seq, batch([(cell(&key, START), 1)])).await;
    }
    assert_eq!(requests(usage, path(&one, &key), today()).await, [2, 2, 0]);
    roll_up(usage).await;
    flush(usage, "once", 2, batch([(cell(&key, START), 1)])).await;
    assert_eq!(requests(usage, path(&one, &key), today()).await, [2, 2, 0]);
}

async fn replicas_add_up(kept: &Kept, usage: &dyn Usage) {
    let one = kept.organization("usage replicas").await;
    let key = one.insert_key(kept, 10).await;
    let flushes = (0..8).map(|number| {
        let batch = batch([(cell(&key, START), 1), (refused(cell(&key, START), "rate_limited"), 1)]);
        async move { flush(usage, &format!("replica {number}"), 1, batch).await }
    });
    let rolled_up = async { while usage.roll_up(START.plus(days(1)), 3).await.unwrap() != Some(0) {} };
    tokio::join!(futures::future::join_all(flushes), rolled_up);
    assert_eq!(requests(usage, path(&one, &key), today()).await, [16, 8, 8]);
    roll_up(usage).await;
    assert_eq!(requests(usage, path(&one, &key), today()).await, [16, 8, 8]);
}

async fn what_comes_late_is_added(kept: &Kept, usage: &dyn Usage) {
    let one = kept.organization("usage late").await;
    let key = one.insert_key(kept, 10).await;
    for seq in 1..=3 {
        flush(usage, "late", seq, batch([(cell(&key, START), 1)])).await;
        roll_up(usage).await;
    }
    assert_eq!(requests(usage, path(&one, &key), today()).await, [3, 3, 0]);
}

async fn a_wide_range_is_the_sum_of_its_parts(kept: &Kept, usage: &dyn Usage) {
    let one = kept.organization("usage wide").await;
    let key = one.insert_key(kept, 10).await;
    // One every five hours and 7 minutes over nine days.
    let moments: Vec<Timestamp> =
        (0..42).map(|n| Timestamp(START.0 - 9 * Granularity::Day.micros() + n * 18_420_000_000)).collect();
    flush(usage, "wide", 1, batch(moments.iter().map(|at| (cell(&key, *at), 1)))).await;
    roll_up(usage).await;
    let day = Granularity::Day.micros();
    for granularity in Granularity::ALL {
        for (from, to) in
            [(0, 9 * day), (day / 3, 5 * day / 2), (day, 2 * day), (day / 7, day / 5), (0, 60_000_000)]
        {
            let base = Granularity::Hour.floor(START).0 - 9 * day;
            let from = granularity.floor(Timestamp(base + from));
            let to = granularity.ceil(Timestamp(base + to));
            let expected = moments.iter().filter(|at| (from..to).contains(*at)).count() as i64;
            let asked = UsageQuery { granularity, from, to, needed_since: from };
            let found = requests(usage, path(&one, &key), asked).await;
            assert_eq!(found, [expected, expected, 0], "{granularity:?} {from:?} {to:?}");
        }
    }
}

async fn keys_say_when_they_were_used(kept: &Kept, usage: &dyn Usage) {
    let one = kept.organization("usage last").await;
    let (used, unused) = (one.insert_key(kept, 10).await, one.insert_key(kept, 11).await);
    let last_used =
        async |key: &Key| kept.store.key_by_id(&one.id, &key.id).await.unwrap().unwrap().last_used_at;
    let list = async |unused_since| {
        let filter = KeyFilter { unused_since: Some(unused_since), ..KeyFilter::default() };
        let found = kept.store.keys(&one.id, &filter, &before(None, 9)).await.unwrap();
        assert_eq!(kept.store.count_keys(&one.id, &filter).await.unwrap(), found.len() as i64);
        found.into_iter().map(|key| key.name).collect::<Vec<_>>()
    };
    assert_eq!(last_used(&used).await, None);
    let at = START.plus(Duration::from_secs(600));
    flush(usage, "last", 1, batch([(cell(&used, at), 1), (cell(&used, START), 1)])).await;
    let last = Timestamp(Granularity::Minute.floor(at).0 + 7);
    for rolled_up in [false, true] {
        if rolled_up {
            roll_up(usage).await;
        }
        assert_eq!((last_used(&used).await, last_used(&unused).await), (Some(last), None), "{rolled_up}");
        assert_eq!(list(Timestamp(last.0 - 1)).await, ["Key 11"], "{rolled_up}");
        assert_eq!(list(last).await, ["Key 11", "Key 10"], "{rolled_up}");
        assert_eq!(list(Timestamp(START.0 - 1)).await, [] as [&str; 0], "made since: {rolled_up}");
    }
    flush(usage, "last", 2, batch([(cell(&used, START), 1)])).await;
    roll_up(usage).await;
    assert_eq!(last_used(&used).await, Some(last), "never earlier");
}

async fn addresses_are_those_of_some_days(kept: &Kept, usage: &dyn Usage) {
    let one = kept.organization("usage addresses").await;
    let key = one.insert_key(kept, 10).await;
    let from = |address: &str, days_ago: i64| {
        let at = Timestamp(START.0 - days_ago * Granularity::Day.micros());
        UsageCell { address: address.to_owned(), ..cell(&key, at) }
    };
    let cells = [
        (from("192.0.2.1", 0), 1),
        (from("2001:db8::1", 1), 5),
        (from("192.0.2.1", 9), 50),
        (from("", 0), 9),
    ];
    flush(usage, "addresses", 1, batch(cells)).await;
    let since =
        |days_ago: i64| Timestamp(Granularity::Day.floor(START).0 - days_ago * Granularity::Day.micros());
    for rolled_up in [false, true] {
        if rolled_up {
            roll_up(usage).await;
        }
        for (days, expected) in [
            (0, &[("192.0.2.1", 1)][..]),
            (7, &[("2001:db8::1", 5), ("192.0.2.1", 1)]),
            (9, &[("192.0.2.1", 51), ("2001:db8::1", 5)]),
        ] {
            let found = usage.addresses(path(&one, &key), since(days)).await.unwrap();
            let found: Vec<_> = found.iter().map(|of| (of.address.as_str(), of.count.requests)).collect();
            assert_eq!(found, expected, "{days} days, {rolled_up}");
        }
    }
    let many = (0..1_200).map(|n| (from(&format!("10.0.{}.{}", n / 250, n % 250), 2), 1));
    flush(usage, "addresses", 2, batch(many)).await;
    while usage.roll_up(START.plus(days(1)), 500).await.unwrap() != Some(0) {}
    let found = usage.addresses(path(&one, &key), since(9)).await.unwrap();
    assert_eq!(found.len(), 100);
}

async fn only_the_latest_refusals_stay(kept: &Kept, usage: &dyn Usage) {
    let one = kept.organization("usage denials").await;
    let key = one.insert_key(kept, 10).await;
    let denial = |number: i64| KeyDenial {
        at: Timestamp(START.0 + number),
        request_id: (number % 2 == 0).then(|| format!("r-{number}")),
        code: "permission_denied".to_owned(),
        permission: (number % 3 == 0).then(|| "contacts:read".to_owned()),
        client_address: "192.0.2.1".to_owned(),
    };
    let many = DENIALS as i64 + 7;
    let cells = [(refused(cell(&key, START), "permission_denied"), many)];
    let id = key.id.as_str();
    let denials = (0..many).map(|number| (id.to_owned(), denial(number))).collect();
    flush(usage, "denials", 1, UsageBatch { denials, ..batch(cells) }).await;
    let latest: Vec<_> = (7..many).rev().map(denial).collect();
    assert_eq!(usage.denials(path(&one, &key)).await.unwrap(), latest);
    roll_up(usage).await;
    assert_eq!(usage.denials(path(&one, &key)).await.unwrap(), latest);
}

async fn what_is_old_goes(kept: &Kept, usage: &dyn Usage) {
    let one = kept.organization("usage old").await;
    let key = one.insert_key(kept, 10).await;
    let old = Timestamp(START.0 - 20 * Granularity::Day.micros());
    flush(usage, "old", 1, batch([(cell(&key, old), 1), (cell(&key, START), 1)])).await;
    roll_up(usage).await;
    let [minutes, hours, days] =
        [1, 10, 30].map(|days| Timestamp(START.0 - days * Granularity::Day.micros()));
    let [minute, hour, day] = Granularity::ALL;
    let age =
        UsageAge { buckets: [(minute, minutes), (hour, hours), (day, days)], recent: hours, flushes: hours };
    while usage.prune(age, 1).await.unwrap() != Some(0) {}
    for (granularity, expected) in [(minute, 1), (hour, 1), (day, 2)] {
        let range = UsageQuery { granularity, from: days, to: day.ceil(START), needed_since: days };
        let found = usage.usage(path(&one, &key), range).await.unwrap();
        assert_eq!(found.buckets.len(), expected, "{granularity:?}");
    }
    assert_eq!(usage.addresses(path(&one, &key), days).await.unwrap()[0].count.requests, 1);
    flush(usage, "old", 1, batch([(cell(&key, START), 1)])).await;
    let key = kept.store.key_by_id(&one.id, &key.id).await.unwrap().unwrap();
    assert!(key.last_used_at.is_some(), "a key that is there keeps when it was used");
}

async fn others_see_nothing(kept: &Kept, usage: &dyn Usage) {
    let (one, other) = (kept.organization("usage one").await, kept.organization("usage other").await);
    let key = one.insert_key(kept, 10).await;
    let denial = KeyDenial {
        at: START,
        request_id: None,
        code: "rate_limited".to_owned(),
        permission: None,
        client_address: "192.0.2.1".to_owned(),
    };
    let denials = vec![(key.id.as_str().to_owned(), denial)];
    for seq in 1..=2 {
        // Rolled up, and not rolled up.
        let cells = [(refused(cell(&key, START), "rate_limited"), 1)];
        flush(usage, "others", seq, UsageBatch { denials: denials.clone(), ..batch(cells) }).await;
        if seq == 1 {
            roll_up(usage).await;
        }
    }
    assert_eq!(requests(usage, path(&one, &key), today()).await, [2, 0, 2]);
    for (organization, agent) in
        [(&other.id, &one.agent.id), (&one.id, &other.agent.id), (&other.id, &other.agent.id)]
    {
        let path = KeyPath { organization, agent, id: &key.id };
        assert_eq!(usage.usage(path, today()).await.unwrap(), UsageFound::default());
        assert_eq!(usage.addresses(path, Timestamp(0)).await.unwrap(), []);
        assert_eq!(usage.denials(path).await.unwrap(), []);
    }
    assert_eq!(usage.activity(&other.id, &[&key.id], Timestamp(0)).await.unwrap(), []);
}
