//! When a message that did not arrive is sent again, and for how long.

use std::time::Duration;

use svc_core::random::Random;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// How long after each attempt the next one follows, in seconds: the schedule that Standard Webhooks recommends. The
/// attempts of a message that never arrives are spread over three days.
const WAITS: [u64; 9] =
    [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/// A message is given up when it fails and is older than this: one that had to wait for others.
pub(crate) const LONGEST: Duration = Duration::from_secs(5 * 24 * HOUR);
/// A webhook to which nothing has arrived for so long is disabled.
pub(crate) const FAILING: Duration = Duration::from_secs(5 * 24 * HOUR);

/// How long a webhook rests after a failure, at first and at the most, after doubling with each failure in a row. One
/// that is down is tried with one message at a time, not with all that wait.
const REST: Duration = Duration::from_secs(5);
const LONGEST_REST: Duration = Duration::from_secs(15 * MINUTE);

/// Waits are up to this share shorter or longer, so that what failed together does not come back together.
const JITTER: f64 = 0.1;

/// How long to wait after so many attempts. `None`: it is given up.
pub(crate) fn wait_after(attempts: i32, random: &dyn Random) -> Option<Duration> {
    let at = usize::try_from(attempts).ok()?.checked_sub(1)?;
    WAITS.get(at).map(|seconds| jittered(Duration::from_secs(*seconds), random))
}

/// How long a webhook rests after so many failures in a row.
pub(crate) fn rest_after(failures: i32, random: &dyn Random) -> Duration {
    let Ok(before @ 1..) = u32::try_from(failures) else { return Duration::ZERO };
    let rest = REST.saturating_mul(1 << (before - 1).min(16)).min(LONGEST_REST);
    jittered(rest, random)
}

fn jittered(wait: Duration, random: &dyn Random) -> Duration {
    let mut bytes = [0; 4];
    random.fill(&mut bytes);
    // From 0 up to and with 1.
    let share = f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX);
    wait.mul_f64(1.0 - JITTER + 2.0 * JITTER * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn waits_grow_to_a_day_and_then_a_message_is_given_up() {
        let middle = |attempts| {
            let (least, most) = (wait_after(attempts, &Fixed(0))?, wait_after(attempts, &Fixed(0xff))?);
            assert!(least < most);
            Some(((least + most) / 2).as_secs())
        };
        let waits: Vec<Option<u64>> = (0..=10).map(middle).collect();
        let seconds = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map(Some);
        assert_eq!(waits, [&[None], &seconds[..], &[None]].concat());
        let longest: Duration = (1..=9).filter_map(|attempts| wait_after(attempts, &Fixed(0xff))).sum();
        assert!(longest < LONGEST, "{longest:?}");
    }

    #[test]
    fn a_webhook_that_fails_rests_for_longer_each_time() {
        let rests =
            [0, 1, 2, 3, 8, 9, 1_000].map(|failures| rest_after(failures, &Fixed(0xff)).as_secs_f64());
        assert_eq!(rests, [0.0, 5.5, 11.0, 22.0, 704.0, 990.0, 990.0]);
    }
}
