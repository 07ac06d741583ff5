//! The algorithm.

use proptest::prelude::*;

use super::exact::{HOUR, LATE_IN_HOUR, LATE_IN_MINUTE, Log, MINUTE};
use super::{beginning, limits, steps};
use crate::limits::window::{BYTES, LONGEST, Windows};
use crate::limits::{Refused, Taken, WindowLimits, WindowName, WindowState};

const DEFAULT: WindowLimits = WindowLimits { per_minute: 60, per_hour: 1_000 };

fn take_all(windows: &mut Windows, now: u64, limits: WindowLimits) -> u32 {
    (0..10_000).take_while(|_| windows.take(now, limits).allowed()).count() as u32
}

fn state(limit: u32, remaining: u32, reset_seconds: u32) -> WindowState {
    WindowState { limit, remaining, reset_seconds }
}

#[test]
fn the_first_request_tells_when_its_slot_comes_free() {
    for (now, minute, hour) in [
        (0, 61, 3_660),
        // The sub-buckets of the second and of the minute have run for a while.
        (999, 61, 3_660),
        (1_000, 61, 3_659),
        (59_999, 61, 3_601),
        (119_999, 61, 3_601),
        (1_769_860_800_000, 61, 3_660),
        (1_769_860_819_500, 61, 3_641),
    ] {
        let taken = Windows::default().take(now, DEFAULT);
        let wanted = Taken { refused: None, minute: state(60, 59, minute), hour: state(1_000, 999, hour) };
        assert_eq!(taken, wanted, "at {now}");
    }
}

#[test]
fn nothing_used_has_nothing_to_wait_for() {
    let peeked = Windows::default().peek(5_000, DEFAULT);
    assert_eq!(peeked, Taken { refused: None, minute: state(60, 60, 0), hour: state(1_000, 1_000, 0) });
}

#[test]
fn a_slot_comes_free_after_a_whole_window_and_its_sub_bucket() {
    for (taken_at, used_until) in [(0, 61_000), (1, 61_000), (999, 61_000), (1_000, 62_000), (1_001, 62_000)]
    {
        let mut windows = Windows::default();
        assert!(windows.take(taken_at, limits(1, 1_000)).allowed());
        assert!(!windows.peek(used_until - 1, limits(1, 1_000)).allowed(), "{taken_at}");
        assert!(windows.peek(used_until, limits(1, 1_000)).allowed(), "{taken_at}");
    }
    for (taken_at, used_until) in [(0, 3_660_000), (59_999, 3_660_000), (60_000, 3_720_000)] {
        let mut windows = Windows::default();
        assert!(windows.take(taken_at, limits(1_000, 1)).allowed());
        assert!(!windows.peek(used_until - 1, limits(1_000, 1)).allowed(), "{taken_at}");
        assert!(windows.peek(used_until, limits(1_000, 1)).allowed(), "{taken_at}");
    }
}

#[test]
fn the_end_of_one_sub_bucket_and_the_beginning_of_another_do_not_add_up() {
    // With 60 sub-buckets in all the second burst would pass, 59.001 s after the first.
    let mut windows = Windows::default();
    assert_eq!(take_all(&mut windows, 999, DEFAULT), 60);
    assert_eq!(take_all(&mut windows, 60_000, DEFAULT), 0);
    assert_eq!(take_all(&mut windows, 60_999, DEFAULT), 0);
    assert_eq!(take_all(&mut windows, 61_000, DEFAULT), 60);
}

#[test]
fn the_refusal_names_the_window_that_takes_longer() {
    for (given, now, window, retry_after_seconds) in [
        (limits(2, 100), 500, WindowName::Minute, 61),
        (limits(2, 100), 60_999, WindowName::Minute, 1),
        (limits(100, 2), 500, WindowName::Hour, 3_660),
        (limits(100, 2), 3_659_001, WindowName::Hour, 1),
        (limits(2, 2), 500, WindowName::Hour, 3_660),
        (limits(0, 100), 500, WindowName::Minute, 61),
        (limits(100, 0), 500, WindowName::Hour, 3_660),
    ] {
        let mut windows = Windows::default();
        take_all(&mut windows, 0, given);
        let refused = Some(Refused { window, retry_after_seconds });
        assert_eq!(windows.take(now, given).refused, refused, "{given:?} at {now}");
    }
}

#[test]
fn limits_apply_to_what_is_used_already() {
    let mut windows = Windows::default();
    assert_eq!(take_all(&mut windows, 0, limits(5, 100)), 5);
    assert_eq!(take_all(&mut windows, 2_000, limits(10, 100)), 5, "raised");
    let lowered = windows.peek(3_000, limits(4, 100));
    // Six of ten must come free, which the first five are not enough for.
    assert_eq!(lowered.minute, state(4, 0, 60));
    assert_eq!(lowered.refused, Some(Refused { window: WindowName::Minute, retry_after_seconds: 60 }));
    assert_eq!(windows.peek(61_000, limits(6, 100)).minute.remaining, 1);
    assert_eq!(windows.peek(3_000, limits(10, 100)).minute, state(10, 0, 58));
}

#[test]
fn a_clock_that_is_set_back_and_forth_frees_nothing() {
    let (mut windows, right, limits) = (Windows::default(), 1_769_860_800_000, limits(2, 1_000));
    assert!(windows.take(right, limits).allowed() && windows.take(right, limits).allowed());
    for now in [right - 59_999, right - 2 * HOUR, right - 3 * HOUR, right, right + 1_000, right + 59_999] {
        let refused = windows.take(now, limits).refused.unwrap();
        assert!(refused.retry_after_seconds <= 61, "{now}: {refused:?}");
    }
    assert!(windows.take(right + 61_000, limits).allowed());
}

#[test]
fn the_largest_limits_hold() {
    let mut windows = Windows::default();
    let taken = windows.take(u64::from(u32::MAX), limits(u32::MAX, u32::MAX));
    assert_eq!(taken.minute.remaining, u32::MAX - 1);
    let mut full = Windows::from_counters(0, &[u32::MAX; 61], &[u32::MAX; 61]).unwrap();
    assert!(!full.take(0, limits(u32::MAX, u32::MAX)).allowed());
    assert!(!full.take(u64::MAX, limits(0, 0)).allowed());
    assert!(full.take(u64::MAX, limits(1, 1)).allowed());
}

#[test]
fn windows_are_empty_when_the_hour_is() {
    let mut windows = Windows::default();
    assert!(windows.are_empty(LONGEST));
    windows.take(59_999, DEFAULT);
    assert!(!windows.are_empty(LONGEST - 1));
    assert!(windows.are_empty(LONGEST));
    assert_eq!(windows.peek(LONGEST, DEFAULT).hour.remaining, 1_000);
    assert!(!windows.are_empty(0), "a clock that went back");
}

#[test]
fn what_is_not_packed_windows_is_refused() {
    let packed = Windows::default().to_bytes();
    assert_eq!(packed.len(), BYTES);
    let longer = [packed.as_slice(), &[0; 4]].concat();
    for bytes in [&[][..], &packed[..8], &packed[..BYTES - 1], &packed[..BYTES - 4], &longer] {
        assert_eq!(Windows::from_bytes(bytes), None, "{} bytes", bytes.len());
    }
}

/// A request, and all that is promised about its answer.
fn request(
    windows: &mut Windows,
    log: &mut Log,
    now: u64,
    limits: WindowLimits,
) -> Result<(), TestCaseError> {
    let before = windows.clone();
    let peeked = windows.peek(now, limits);
    prop_assert_eq!(windows.clone(), before.clone(), "a look changes nothing");
    let taken = windows.take(now, limits);
    prop_assert_eq!(peeked.refused, taken.refused);
    // Before the newest slot there is no time.
    let now = now.max(log.newest());
    if taken.allowed() {
        log.write(now);
        prop_assert!(log.keeps(now, limits), "more than the limit");
        prop_assert_eq!(peeked.minute.remaining - taken.minute.remaining, 1);
        prop_assert_eq!(peeked.hour.remaining - taken.hour.remaining, 1);
    } else {
        prop_assert!(log.may_refuse(now, limits), "refused for no reason");
        prop_assert_eq!(windows.clone(), before, "a refused request changes nothing");
        prop_assert_eq!(peeked, taken);
    }
    prop_assert!(log.explains(now, taken.minute, MINUTE, LATE_IN_MINUTE));
    prop_assert!(log.explains(now, taken.hour, HOUR, LATE_IN_HOUR));
    waits_are_exact(windows, now, limits, taken)?;
    prop_assert_eq!(Windows::from_bytes(&windows.to_bytes()), Some(windows.clone()));
    Ok(())
}

/// What is promised to happen after so many seconds happens then, and not a second before.
fn waits_are_exact(
    windows: &Windows,
    now: u64,
    limits: WindowLimits,
    taken: Taken,
) -> Result<(), TestCaseError> {
    let after = |seconds: u32| windows.peek(now + u64::from(seconds) * 1_000, limits);
    let both = [|taken: Taken| taken.minute, |taken: Taken| taken.hour];
    for window in both {
        let state = window(taken);
        match state.reset_seconds {
            0 => prop_assert_eq!(state.remaining, state.limit),
            wait => {
                prop_assert_eq!(window(after(wait - 1)).remaining, state.remaining);
                prop_assert!(window(after(wait)).remaining > state.remaining || state.limit == 0);
            }
        }
    }
    if let Some(Refused { retry_after_seconds, .. }) = taken.refused {
        prop_assert!(!after(retry_after_seconds - 1).allowed());
        let never = limits.per_minute == 0 || limits.per_hour == 0;
        prop_assert!(after(retry_after_seconds).allowed() || never);
    }
    Ok(())
}

proptest! {
    #[test]
    fn the_windows_are_an_exact_log_that_frees_a_little_late(start in beginning(), steps in steps(120)) {
        let (mut windows, mut log, mut now) = (Windows::default(), Log::default(), start);
        for step in steps {
            now += step.later;
            for _ in 0..step.requests {
                request(&mut windows, &mut log, now, step.limits)?;
            }
        }
    }

    #[test]
    fn a_clock_that_goes_back_frees_nothing(
        start in beginning(),
        steps in steps(60),
        back in proptest::collection::vec(0..90_000_u64, 60),
    ) {
        let (mut windows, mut log, mut now) = (Windows::default(), Log::default(), start);
        for (step, back) in steps.into_iter().zip(back) {
            now = (now + step.later).saturating_sub(back);
            for _ in 0..step.requests {
                request(&mut windows, &mut log, now, step.limits)?;
            }
        }
    }

    #[test]
    fn any_bytes_are_windows_or_refused(bytes in proptest::collection::vec(any::<u8>(), BYTES), now: u64) {
        let windows = Windows::from_bytes(&bytes).unwrap();
        windows.peek(now, DEFAULT);
        prop_assert_eq!(windows.to_bytes(), bytes);
    }
}
