//! `google.protobuf.Timestamp` and `Duration`: RFC 3339 and `3.5s`.

use jiff::civil::Date;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::TimeZone;
use prost_reflect::{DynamicMessage, MessageDescriptor, Value};
use svc_core::error::Fault;

use super::number::Refusal;

/// The first second of the year 1; protobuf knows none before.
const FIRST_SECOND: i64 = -62_135_596_800;
/// The longest duration of protobuf, about 10,000 years.
const LONGEST_SECONDS: i64 = 315_576_000_000;

const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// Reads a time. With `through_day`, a plain date is the end of that day, UTC: 00:00 of the next.
pub(crate) fn timestamp(text: &str, through_day: bool) -> Result<(i64, i32), Refusal> {
    let time = if through_day && shape(text.as_bytes(), b"dddd-dd-dd") == Some(b"") {
        end_of_day(text)
    } else if is_rfc3339(text) {
        text.parse().ok()
    } else {
        None
    };
    match time {
        Some(time) if time.as_second() >= FIRST_SECOND => {
            let nanos = time.subsec_nanosecond();
            // Before 1970 jiff counts the fraction backwards, protobuf forwards.
            if nanos < 0 {
                Ok((time.as_second() - 1, nanos + 1_000_000_000))
            } else {
                Ok((time.as_second(), nanos))
            }
        }
        _ if through_day => Err((
            Fault::Invalid,
            "must be a date such as 2026-12-31 or a time as in RFC 3339 such as 2026-12-31T12:00:00Z"
                .to_owned(),
        )),
        _ => Err((Fault::Invalid, "must be a time as in RFC 3339 such as 2026-01-31T12:00:00Z".to_owned())),
    }
}

fn end_of_day(text: &str) -> Option<jiff::Timestamp> {
    let next = text.parse::<Date>().ok()?.tomorrow().ok()?;
    TimeZone::UTC.to_timestamp(next.at(0, 0, 0, 0)).ok()
}

/// jiff reads more than RFC 3339, and second 60 as 59.
fn is_rfc3339(text: &str) -> bool {
    let Some(rest) = shape(text.as_bytes(), b"dddd-dd-ddTdd:dd:dd") else { return false };
    let rest = match rest.strip_prefix(b".") {
        Some(fraction) => match fraction.iter().take_while(|c| c.is_ascii_digit()).count() {
            0 => return false,
            digits => &fraction[digits..],
        },
        None => rest,
    };
    let zone =
        matches!(rest, b"Z" | b"z") || [b"+dd:dd", b"-dd:dd"].iter().any(|z| shape(rest, *z) == Some(b""));
    zone && text.get(17..19) != Some("60")
}

/// What follows the shape, in which `d` is a digit and letters have any case.
fn shape<'t>(text: &'t [u8], shape: &[u8]) -> Option<&'t [u8]> {
    let fits = |(c, s): (&u8, &u8)| if *s == b'd' { c.is_ascii_digit() } else { c.eq_ignore_ascii_case(s) };
    let head = text.get(..shape.len())?;
    head.iter().zip(shape).all(fits).then(|| &text[shape.len()..])
}

/// Writes a time with milliseconds, quoted. `null` for what is no time.
pub(crate) fn write_timestamp(out: &mut Vec<u8>, message: &DynamicMessage) {
    let (seconds, nanos) = parts(message);
    let time = jiff::Timestamp::new(seconds, nanos).ok().filter(|_| seconds >= FIRST_SECOND && nanos >= 0);
    let Some(time) = time else { return out.extend_from_slice(b"null") };
    out.push(b'"');
    // Writing to a vector does not fail.
    let _ = PRINTER.print_timestamp(&time, &mut *out);
    out.push(b'"');
}

/// Reads a duration such as `3.5s`.
pub(crate) fn duration(text: &str) -> Result<(i64, i32), Refusal> {
    let invalid = || (Fault::Invalid, "must be a number of seconds such as 3.5s".to_owned());
    let number = text.strip_suffix('s').ok_or_else(invalid)?;
    let (sign, number) = number.strip_prefix('-').map_or((1, number), |n| (-1, n));
    let (seconds, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    if !digits(seconds) || !digits(fraction) || fraction.len() > 9 {
        return Err(invalid());
    }
    let seconds = seconds.parse::<i64>().ok().filter(|s| *s <= LONGEST_SECONDS);
    let seconds =
        seconds.ok_or_else(|| (Fault::OutOfRange, format!("must be at most {LONGEST_SECONDS}s")))?;
    let nanos = format!("{fraction:0<9}").parse::<i32>().map_err(|_| invalid())?;
    Ok((sign * seconds, sign as i32 * nanos))
}

/// Writes a duration, quoted, with as many triples of digits as it needs.
pub(crate) fn write_duration(out: &mut Vec<u8>, message: &DynamicMessage) {
    let (seconds, nanos) = parts(message);
    let sign = if seconds < 0 || nanos < 0 { "-" } else { "" };
    let (seconds, nanos) = (seconds.unsigned_abs(), nanos.unsigned_abs());
    let text = match nanos {
        0 => format!("\"{sign}{seconds}s\""),
        _ if nanos.is_multiple_of(1_000_000) => format!("\"{sign}{seconds}.{:03}s\"", nanos / 1_000_000),
        _ if nanos.is_multiple_of(1_000) => format!("\"{sign}{seconds}.{:06}s\"", nanos / 1_000),
        _ => format!("\"{sign}{seconds}.{nanos:09}s\""),
    };
    out.extend_from_slice(text.as_bytes());
}

/// A `Timestamp` or `Duration`: both are seconds and nanoseconds.
pub(crate) fn message(descriptor: &MessageDescriptor, (seconds, nanos): (i64, i32)) -> Value {
    let mut message = DynamicMessage::new(descriptor.clone());
    message.set_field_by_number(1, Value::I64(seconds));
    message.set_field_by_number(2, Value::I32(nanos));
    Value::Message(message)
}

fn parts(message: &DynamicMessage) -> (i64, i32) {
    let seconds = message.get_field_by_number(1).and_then(|v| v.as_i64());
    let nanos = message.get_field_by_number(2).and_then(|v| v.as_i32());
    (seconds.unwrap_or_default(), nanos.unwrap_or_default())
}
