//! `google.protobuf.Timestamp` and `Duration`: RFC 3339 and `3.5s`.

use std::borrow::Cow;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, date};
use svc_core::error::Fault;
use svc_core::json;

use super::encode::Time;
use super::number::InvalidValue;

/// The first second of the year 1; protobuf knows none before.
const FIRST_SECOND: i64 = -62_135_596_800;
/// The last second of the year 9999; neither protobuf nor RFC 3339 knows one after. jiff's own timestamps
/// end a day before, which is why all here is civil time of UTC.
const LAST_SECOND: i64 = 253_402_300_799;
const EPOCH: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);
/// The last nanosecond of a second.
const LAST_NANO: i32 = 999_999_999;
const DAY: i64 = 86_400;
/// The longest duration of protobuf, about 10,000 years.
const LONGEST_SECONDS: i64 = 315_576_000_000;

/// Reads a time, as Unix seconds and nanoseconds. With `through_day`, a plain date is the end of that day,
/// UTC: 00:00 of the next, or the last moment that there is.
pub(crate) fn timestamp(text: &str, through_day: bool) -> Result<Time, InvalidValue> {
    let time = match through_day && shape(text.as_bytes(), b"dddd-dd-dd") == Some(b"") {
        true => end_of_day(text),
        false => rfc3339(text.as_bytes()),
    };
    match time {
        Some((seconds, nanos)) if (FIRST_SECOND..=LAST_SECOND).contains(&seconds) => Ok((seconds, nanos)),
        _ if has_lost_its_plus(text) => Err((Fault::Invalid, Cow::Borrowed(NO_PLUS))),
        _ if through_day => Err((Fault::Invalid, Cow::Borrowed(NO_DATE))),
        _ => Err((Fault::Invalid, Cow::Borrowed(NO_TIME))),
    }
}

const NO_DATE: &str =
    "must be a date such as 2026-12-31 or a time as in RFC 3339 such as 2026-12-31T12:00:00Z";
const NO_TIME: &str = "must be a time as in RFC 3339 such as 2026-01-31T12:00:00Z";
const NO_PLUS: &str = "has a space before its zone: in a query the + of +02:00 is written %2B";

/// Whether it were a time with a plus in place of the space, as which a query's plus is read.
fn has_lost_its_plus(text: &str) -> bool {
    text.contains(' ') && rfc3339(text.replacen(' ', "+", 1).as_bytes()).is_some()
}

fn end_of_day(text: &str) -> Option<(i64, i32)> {
    let next = seconds(text.parse::<Date>().ok()?.at(0, 0, 0, 0)) + DAY;
    Some(if next > LAST_SECOND { (LAST_SECOND, LAST_NANO) } else { (next, 0) })
}

/// `date-time` of RFC 3339, 5.6, with 1 to 9 digits of a fraction.
fn rfc3339(text: &[u8]) -> Option<(i64, i32)> {
    let rest = shape(text, b"dddd-dd-ddTdd:dd:dd")?;
    let two = |at: usize| (text[at] - b'0') * 10 + (text[at + 1] - b'0');
    let year = i16::from(two(0)) * 100 + i16::from(two(2));
    let day = Date::new(year, two(5).cast_signed(), two(8).cast_signed()).ok()?;
    let (hour, minute, second) = (two(11), two(14), two(17));
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (nanos, zone) = match rest.strip_prefix(b".") {
        Some(rest) => fraction(rest)?,
        None => (0, rest),
    };
    let time = i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second.min(59));
    let utc = seconds(day.at(0, 0, 0, 0)) + time - offset(zone)?;
    match second {
        60 => is_before_leap(utc).then_some((utc, LAST_NANO)),
        _ => Some((utc, nanos)),
    }
}

/// A fraction of a second in nanoseconds, and what follows.
fn fraction(text: &[u8]) -> Option<(i32, &[u8])> {
    let length = text.iter().take_while(|c| c.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(length);
    let nanos = (0..9).fold(0, |n, at| n * 10 + digits.get(at).map_or(0, |c| i32::from(c - b'0')));
    (1..=9).contains(&length).then_some((nanos, rest))
}

/// How many seconds a zone is before UTC, at most 23:59 hours either way.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, zone) = match zone {
        [b'Z' | b'z'] => return Some(0),
        [b'+', zone @ ..] => (1, zone),
        [b'-', zone @ ..] => (-1, zone),
        _ => return None,
    };
    let [h1, h2, b':', m1, m2] = zone else { return None };
    let number = |a: &u8, b: &u8| match a.is_ascii_digit() && b.is_ascii_digit() {
        true => Some(i64::from(a - b'0') * 10 + i64::from(b - b'0')),
        false => None,
    };
    let (hours, minutes) = (number(h1, h2)?, number(m1, m2)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// Whether a leap second may follow: at the end of June or December, UTC (RFC 3339, 5.7). A `Timestamp` has
/// no leap seconds, so that such a second is the last nanosecond before it: still that day, and after all
/// that was before.
fn is_before_leap(second: i64) -> bool {
    let next = EPOCH.checked_add(SignedDuration::from_secs(second + 1)).ok();
    let midnight = (second + 1).rem_euclid(DAY) == 0;
    // The year 10,000 has no civil time here, but begins after a December.
    midnight && next.is_none_or(|next| matches!((next.month(), next.day()), (7 | 1, 1)))
}

/// Unix seconds.
fn seconds(time: DateTime) -> i64 {
    time.duration_since(EPOCH).as_secs()
}

/// What follows the shape, in which `d` is a digit and letters have any case.
fn shape<'t>(text: &'t [u8], shape: &[u8]) -> Option<&'t [u8]> {
    let fits = |(c, s): (&u8, &u8)| if *s == b'd' { c.is_ascii_digit() } else { c.eq_ignore_ascii_case(s) };
    let head = text.get(..shape.len())?;
    head.iter().zip(shape).all(fits).then(|| &text[shape.len()..])
}

/// How many digits of a second are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Digits {
    /// Milliseconds.
    Three,
    /// None, 3, 6 or 9, as many as it needs.
    AsNeeded,
}

/// Writes a time, quoted. `None`, with nothing written, for what is no time.
pub(crate) fn write_timestamp(out: &mut Vec<u8>, (seconds, nanos): Time, digits: Digits) -> Option<()> {
    if !(FIRST_SECOND..=LAST_SECOND).contains(&seconds) || !(0..=LAST_NANO).contains(&nanos) {
        return None;
    }
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY) as u32;
    let mut text = *b"\"0000-00-00T00:00:00";
    put(&mut text[1..5], year);
    put(&mut text[6..8], month);
    put(&mut text[9..11], day);
    put(&mut text[12..14], second / 3_600);
    put(&mut text[15..17], second / 60 % 60);
    put(&mut text[18..20], second % 60);
    out.extend_from_slice(&text);
    write_fraction(out, nanos.unsigned_abs(), digits);
    out.extend_from_slice(b"Z\"");
    Some(())
}

/// The date of a day after 1970-01-01, from year 1 on: Howard Hinnant's `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html>).
fn civil(day: i64) -> (u32, u32, u32) {
    // Days since 0000-03-01, in eras of 400 years, which all have as many days.
    let day = (day + 719_468) as u32;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = (era * 400 + year, if month < 10 { month + 3 } else { month - 9 });
    (year + u32::from(month <= 2), month, day)
}

/// Writes a number with leading zeros.
fn put(text: &mut [u8], mut number: u32) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

fn write_fraction(out: &mut Vec<u8>, nanos: u32, digits: Digits) {
    let length = match digits {
        Digits::Three => 3,
        Digits::AsNeeded if nanos == 0 => return,
        Digits::AsNeeded if nanos.is_multiple_of(1_000_000) => 3,
        Digits::AsNeeded if nanos.is_multiple_of(1_000) => 6,
        Digits::AsNeeded => 9,
    };
    let mut text = *b".000000000";
    put(&mut text[1..], nanos);
    out.extend_from_slice(&text[..=length]);
}

/// Reads a duration such as `3.5s`.
pub(crate) fn duration(text: &str) -> Result<Time, InvalidValue> {
    let invalid = || (Fault::Invalid, Cow::Borrowed("must be a number of seconds such as 3.5s"));
    let number = text.strip_suffix('s').ok_or_else(invalid)?;
    let (sign, number) = number.strip_prefix('-').map_or((1, number), |n| (-1, n));
    let (seconds, rest) = number.split_at(number.find('.').unwrap_or(number.len()));
    if seconds.is_empty() || !seconds.bytes().all(|c| c.is_ascii_digit()) {
        return Err(invalid());
    }
    let nanos = match rest.strip_prefix('.').map(|digits| fraction(digits.as_bytes())) {
        None => 0,
        Some(Some((nanos, b""))) => nanos,
        Some(_) => return Err(invalid()),
    };
    match seconds.parse::<i64>().ok().filter(|seconds| *seconds <= LONGEST_SECONDS) {
        Some(seconds) => Ok((sign * seconds, sign as i32 * nanos)),
        None => Err((Fault::OutOfRange, Cow::Owned(format!("must be at most {LONGEST_SECONDS}s")))),
    }
}

/// Writes a duration, quoted, with as many triples of digits as it needs. `None`, with nothing written, for what
/// is none: one too long, or of which the parts have two signs.
pub(crate) fn write_duration(out: &mut Vec<u8>, (seconds, nanos): Time) -> Option<()> {
    let two_signs = seconds.signum() * i64::from(nanos.signum()) < 0;
    if two_signs
        || seconds.unsigned_abs() > LONGEST_SECONDS.unsigned_abs()
        || nanos.unsigned_abs() > LAST_NANO.unsigned_abs()
    {
        return None;
    }
    out.push(b'"');
    if seconds < 0 || nanos < 0 {
        out.push(b'-');
    }
    json::number(out, &seconds.unsigned_abs());
    write_fraction(out, nanos.unsigned_abs(), Digits::AsNeeded);
    out.extend_from_slice(b"s\"");
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_that_was_read_as_a_space_is_named() {
        for (text, message) in [
            ("2026-01-31T12:00:00 02:00", NO_PLUS),
            ("2026-01-31T12:00:00.5 00:00", NO_PLUS),
            ("2026-01-31 12:00:00Z", NO_TIME),
            ("2026-01-31T12:00:00  02:00", NO_TIME),
            (" 2026-01-31T12:00:00Z", NO_TIME),
        ] {
            assert_eq!(timestamp(text, false), Err((Fault::Invalid, Cow::Borrowed(message))), "{text}");
        }
    }

    #[test]
    fn times() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some((0, 0))),
            ("1970-01-01t00:00:00z", Some((0, 0))),
            ("1970-01-01T00:00:00-00:00", Some((0, 0))),
            ("1969-12-31T23:59:59.25Z", Some((-1, 250_000_000))),
            ("2026-01-31T12:00:00.123456789Z", Some((1_769_860_800, 123_456_789))),
            ("2026-01-31T13:30:00+01:30", Some((1_769_860_800, 0))),
            ("2024-02-29T00:00:00Z", Some((1_709_164_800, 0))),
            ("2026-02-29T00:00:00Z", None),
            ("2026-00-01T00:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-01-32T00:00:00Z", None),
            ("2026-01-31T24:00:00Z", None),
            ("2026-01-31T12:60:00Z", None),
            ("2026-01-31T12:00:61Z", None),
            // From the first moment to the last, whatever the zone.
            ("0001-01-01T00:00:00Z", Some((FIRST_SECOND, 0))),
            ("0000-12-31T23:00:00-01:00", Some((FIRST_SECOND, 0))),
            ("0000-12-31T23:59:59.999999999Z", None),
            ("0001-01-01T00:00:00+00:01", None),
            ("9999-12-31T00:00:00Z", Some((LAST_SECOND - DAY + 1, 0))),
            ("9999-12-31T23:59:59Z", Some((LAST_SECOND, 0))),
            ("9999-12-31T23:59:59.999999999Z", Some((LAST_SECOND, LAST_NANO))),
            ("9999-12-31T23:59:59+23:59", Some((LAST_SECOND - DAY + 60, 0))),
            ("9999-12-31T23:59:59-00:01", None),
            // Offsets.
            ("1970-01-01T23:59:00+23:59", Some((0, 0))),
            ("1970-01-01T00:01:00-23:59", Some((DAY, 0))),
            ("1970-01-01T00:00:00+24:00", None),
            ("1970-01-01T00:00:00-24:00", None),
            ("1970-01-01T00:00:00+25:00", None),
            ("1970-01-01T00:00:00+00:60", None),
            ("1970-01-01T00:00:00+0100", None),
            ("1970-01-01T00:00:00+01", None),
            ("1970-01-01T00:00:00 01:00", None),
            ("1970-01-01T00:00:00", None),
            ("1970-01-01T00:00:00ZZ", None),
            ("1970-01-01T00:00:00.Z", None),
            ("1970-01-01T00:00:00.1234567891Z", None),
            ("1970-01-01 00:00:00Z", None),
            ("1970-01-01", None),
            ("+001970-01-01T00:00:00Z", None),
            ("\u{ff11}970-01-01T00:00:00Z", None),
            ("", None),
            // Leap seconds, at the end of June and December.
            ("2016-12-31T23:59:60Z", Some((1_483_228_799, LAST_NANO))),
            ("2016-12-31T23:59:60.5Z", Some((1_483_228_799, LAST_NANO))),
            ("2016-12-31T15:59:60-08:00", Some((1_483_228_799, LAST_NANO))),
            ("2015-06-30T23:59:60Z", Some((1_435_708_799, LAST_NANO))),
            ("9999-12-31T23:59:60Z", Some((LAST_SECOND, LAST_NANO))),
            ("2016-12-31T23:59:60+01:00", None),
            ("2016-12-31T12:00:60Z", None),
            ("2016-12-30T23:59:60Z", None),
            ("2016-03-31T23:59:60Z", None),
        ] {
            assert_eq!(timestamp(text, false).ok(), expected, "{text}");
            if text.len() > 10 {
                assert_eq!(timestamp(text, true).ok(), expected, "{text}");
            }
        }
    }

    #[test]
    fn days() {
        for (text, expected) in [
            ("1970-01-01", Some((DAY, 0))),
            ("0001-01-01", Some((FIRST_SECOND + DAY, 0))),
            ("9999-12-30", Some((LAST_SECOND - DAY + 1, 0))),
            // There is no day after it.
            ("9999-12-31", Some((LAST_SECOND, LAST_NANO))),
            ("0000-01-01", None),
            ("2026-02-29", None),
            ("2026-2-3", None),
        ] {
            assert_eq!(timestamp(text, true).ok(), expected, "{text}");
        }
    }

    #[test]
    fn days_are_written_as_jiff_has_them() {
        let first = date(1, 1, 1);
        // All days of an era, after which they repeat, and some of all others.
        let (days, era) = (LAST_SECOND.div_euclid(DAY) - FIRST_SECOND.div_euclid(DAY), 146_097);
        for number in (0..era).chain((era..=days).step_by(97)).chain([days]) {
            let day = first.checked_add(jiff::Span::new().days(number)).unwrap();
            let expected = (day.year() as u32, day.month() as u32, day.day() as u32);
            assert_eq!(civil(FIRST_SECOND / DAY + number), expected);
        }
    }

    #[test]
    fn durations() {
        for (text, expected) in [
            ("0s", Some((0, 0))),
            ("3.5s", Some((3, 500_000_000))),
            ("-0.5s", Some((0, -500_000_000))),
            ("1.000000001s", Some((1, 1))),
            ("-315576000000.999999999s", Some((-315_576_000_000, -999_999_999))),
            ("315576000001s", None),
            ("99999999999999999999s", None),
            ("1.0000000001s", None),
            ("1.s", None),
            (".5s", None),
            ("1", None),
            ("s", None),
            ("--1s", None),
            ("+1s", None),
            ("1.-5s", None),
            ("1 s", None),
        ] {
            assert_eq!(duration(text).ok(), expected, "{text}");
        }
        for (time, expected) in [
            ((0, 0), Some("\"0s\"")),
            ((-1, -500_000_000), Some("\"-1.500s\"")),
            ((0, -1_000), Some("\"-0.000001s\"")),
            ((1, 1), Some("\"1.000000001s\"")),
            ((1, -1), None),
            ((-1, 1), None),
            ((1, 1_000_000_000), None),
            ((315_576_000_001, 0), None),
            ((i64::MIN, i32::MIN), None),
        ] {
            let mut out = Vec::new();
            let written = write_duration(&mut out, time).map(|()| String::from_utf8(out).unwrap());
            assert_eq!(written.as_deref(), expected, "{time:?}");
        }
    }
}
