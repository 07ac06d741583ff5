use super::*;

const TIMEOUTS: Timeouts = Timeouts {
    head: Duration::from_secs(10),
    idle: Some(Duration::from_secs(60)),
    write: Duration::from_secs(30),
};

/// What a connection is told that does this and then nothing for so many seconds.
fn after(seconds: u64, act: impl FnOnce(&Activity)) -> u8 {
    let clock = CoarseClock::default();
    let activity = Activity::new(clock.clone(), Arc::default());
    act(&activity);
    clock.advance(Duration::from_secs(seconds));
    activity.judge(&TIMEOUTS);
    activity.told()
}

#[test]
fn nobody_stays_for_nothing() {
    let (run, drain, close) = (Order::Run as u8, Order::Drain as u8, Order::Close as u8);
    let request = |activity: &Activity| {
        activity.begins();
        activity.head_ends();
    };
    let idle = |activity: &Activity| {
        request(activity);
        activity.ends();
    };
    let body = |activity: &Activity| {
        request(activity);
        activity.awaits_body();
    };
    let offered = |activity: &Activity| {
        request(activity);
        let _period = activity.offers();
    };
    let blocked = |activity: &Activity| {
        idle(activity);
        activity.is_blocked(true);
    };
    let blocked_leaving = |activity: &Activity| {
        blocked(activity);
        activity.tell(Order::Drain);
    };
    let one_offered = |activity: &Activity| {
        offered(activity);
        request(activity);
    };
    let rest_of_body = |activity: &Activity| {
        request(activity);
        activity.discards_body();
        activity.ends();
        activity.http1_bytes();
    };
    let next_head = |activity: &Activity| {
        rest_of_body(activity);
        activity.discards_body_no_more();
        activity.http1_bytes();
    };
    let leaving = |activity: &Activity| {
        idle(activity);
        activity.tell(Order::Drain);
    };
    let leaving_with_request = |activity: &Activity| {
        request(activity);
        activity.tell(Order::Drain);
    };
    let lingering = |activity: &Activity| {
        request(activity);
        activity.lingers(Reason::Flood);
    };
    for (what, act, seconds, told) in [
        ("a head", &(|_: &Activity| {}) as &dyn Fn(&Activity), 9, run),
        ("a head too long", &|_| {}, 10, close),
        ("a request that we work on", &request, 1_000, run),
        ("a body: it has a time of its own", &body, 1_000, run),
        ("idle", &idle, 59, run),
        ("idle too long", &idle, 60, drain),
        ("an answer that waits", &offered, 29, run),
        ("an answer that waits too long", &offered, 30, close),
        ("a full socket", &blocked, 29, run),
        ("a full socket for too long", &blocked, 30, close),
        ("a full socket at a stop", &blocked_leaving, 2, drain),
        ("a full socket at a stop for too long", &blocked_leaving, 30, close),
        ("one answer that waits too long, and a request that we work on", &one_offered, 30, drain),
        ("the rest of a body", &rest_of_body, 10, run),
        ("a head after the rest of a body", &next_head, 10, close),
        ("leaving", &leaving, 0, drain),
        ("leaving, and nothing more came", &leaving, 1, close),
        ("leaving with a request", &leaving_with_request, 1_000, drain),
        ("told why", &lingering, 0, run),
        ("told why, a moment ago", &lingering, 1, close),
    ] {
        assert_eq!(after(seconds, act), told, "{what}");
    }
}

#[test]
fn who_waits_for_us_is_not_idle() {
    let activity = Activity::new(CoarseClock::default(), Arc::default());
    assert!(activity.idle_since().is_some());
    activity.begins();
    assert!(activity.idle_since().is_none(), "its request is worked on");
    activity.awaits_body();
    assert!(activity.idle_since().is_some(), "its body is awaited");
    activity.awaits_body_no_more();
    let _period = activity.offers();
    assert!(activity.idle_since().is_some(), "its answer is not taken");
    activity.begins();
    assert!(activity.idle_since().is_none(), "another request is worked on");
}

/// Does this every five seconds, and says after how many there is an order.
fn until(order: Order, activity: &Activity, clock: &CoarseClock, act: impl Fn()) -> Option<u64> {
    (1..=60).map(|n| n * 5).find(|_| {
        act();
        clock.advance(Duration::from_secs(5));
        activity.judge(&TIMEOUTS);
        activity.told() >= order as u8
    })
}

#[test]
fn requests_do_not_hide_an_answer_that_nobody_takes() {
    let clock = CoarseClock::default();
    let activity = Activity::new(clock.clone(), Arc::default());
    activity.head_ends();
    activity.begins();
    let _stalled = activity.offers();
    activity.begins();
    let another = || {
        activity.begins();
        let offered = activity.offers();
        activity.offer_ends(offered);
        activity.ends();
    };
    assert_eq!(until(Order::Drain, &activity, &clock, another), Some(60));
    assert_eq!(until(Order::Close, &activity, &clock, || ()), Some(30), "the other one had its time");
}

#[test]
fn who_takes_each_answer_slowly_stays() {
    let clock = CoarseClock::default();
    let activity = Activity::new(clock.clone(), Arc::default());
    activity.head_ends();
    activity.begins();
    let offered = std::cell::Cell::new(activity.offers());
    let next = || {
        activity.offer_ends(offered.get());
        offered.set(activity.offers());
    };
    assert_eq!(until(Order::Drain, &activity, &clock, next), None);
}
