//! Numbers as JSON writes them, into the number types of protobuf. Nothing is clamped or rounded
//! without a word.

use std::borrow::Cow;

use svc_core::error::Fault;
use svc_core::json::value::EXACT;

use super::encode::Scalar;
use super::schema::{Field, Kind};

/// More digits than any integer type holds.
const TOO_MANY_DIGITS: i64 = 30;

/// As many digits as fit into 64 bits, whatever they are.
const FEW_DIGITS: usize = 18;

/// Why a value does not fit, for a sentence that starts with the field's name.
pub(crate) type InvalidValue = (Fault, Cow<'static, str>);

/// What an integer must be.
pub(crate) const WHOLE: &str = "must be a whole number";

/// What a `float` and a `double` must be.
pub(crate) const NUMBER: &str = "must be a number";

const TOO_LARGE: InvalidValue = (Fault::OutOfRange, Cow::Borrowed("is too large"));

/// A number, as JSON writes it, as the value of a field. One that the service takes a range of is refused
/// by the service alone, which knows the range: what the type cannot hold becomes the smallest number,
/// which no range has that starts at 0 or above. (The largest can be the maximum that an operator set.)
pub(crate) fn of_field(field: &Field, text: &str) -> Result<Scalar<'static>, InvalidValue> {
    match number(field.kind, text) {
        Err((Fault::OutOfRange, _)) if field.ranged => Ok(Scalar::Signed(i64::from(i32::MIN))),
        other => other,
    }
}

/// A number, as JSON writes it, as a value of this type. `1.0` and `1e2` are integers.
pub(crate) fn number(kind: Kind, text: &str) -> Result<Scalar<'static>, InvalidValue> {
    match kind {
        Kind::Int32 | Kind::Enum(_) => {
            integer(text, i32::MIN.into(), i32::MAX.into()).map(|n| Scalar::Signed(n as i64))
        }
        Kind::Int64 => integer(text, i64::MIN.into(), i64::MAX.into()).map(|n| Scalar::Signed(n as i64)),
        Kind::Uint32 => integer(text, 0, u32::MAX.into()).map(|n| Scalar::Unsigned(n as u64)),
        Kind::Uint64 => integer(text, 0, u64::MAX.into()).map(|n| Scalar::Unsigned(n as u64)),
        Kind::Float => match text.parse::<f32>() {
            Ok(number) if number.is_finite() => Ok(Scalar::Float(number)),
            _ => Err(TOO_LARGE),
        },
        _ => double(text).map(Scalar::Double),
    }
}

/// A number of a `google.protobuf.Value`, which holds nothing but doubles. With `exactly`, a whole number that a
/// double would change is refused: it would come back as another one.
pub(crate) fn value(text: &str, exactly: bool) -> Result<f64, InvalidValue> {
    let number = double(text)?;
    let changes = || {
        let whole = !text.contains(['.', 'e', 'E']);
        whole && text.parse::<i128>().ok() != Some(number as i128)
    };
    if exactly && number.abs() >= EXACT && changes() {
        let what = "is a whole number too large to be kept exactly; send it as a string";
        return Err((Fault::OutOfRange, Cow::Borrowed(what)));
    }
    Ok(number)
}

fn double(text: &str) -> Result<f64, InvalidValue> {
    match small(text) {
        // A double holds these exactly. A zero may be a negative one.
        Some(number) if number != 0 && number.unsigned_abs() < EXACT as u64 => Ok(number as f64),
        _ => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(TOO_LARGE),
        },
    }
}

fn integer(text: &str, min: i128, max: i128) -> Result<i128, InvalidValue> {
    let number = match small(text) {
        Some(number) => number.into(),
        None => whole(text).ok_or((Fault::Invalid, Cow::Borrowed(WHOLE)))?,
    };
    match (min..=max).contains(&number) {
        true => Ok(number),
        false => Err((Fault::OutOfRange, Cow::Owned(format!("must be between {min} and {max}")))),
    }
}

/// A number of few digits and nothing else, as nearly all are.
fn small(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.len() > FEW_DIGITS {
        return None;
    }
    let mut number = 0;
    for byte in digits.bytes() {
        if !byte.is_ascii_digit() {
            return None;
        }
        number = number * 10 + i64::from(byte - b'0');
    }
    Some(if digits.len() < text.len() { -number } else { number })
}

/// The whole number that this is, exactly; beyond all integer types, the largest or smallest.
fn whole(text: &str) -> Option<i128> {
    let beyond = if text.starts_with('-') { i128::MIN } else { i128::MAX };
    if !text.contains(['.', 'e', 'E']) {
        return Some(text.parse().unwrap_or(beyond));
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (units, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{}{fraction}", units.trim_start_matches('-'));
    let significant = digits.trim_end_matches('0');
    let leading = significant.trim_start_matches('0');
    if leading.is_empty() {
        return Some(0);
    }
    let far = if exponent.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 };
    let places = (digits.len() - significant.len()) as i64 - fraction.len() as i64;
    let zeros =
        exponent.trim_start_matches('+').parse::<i64>().unwrap_or(far).clamp(-(1 << 40), 1 << 40) + places;
    if zeros < 0 {
        return None;
    }
    if leading.len() as i64 + zeros > TOO_MANY_DIGITS {
        return Some(beyond);
    }
    let number = leading.parse::<i128>().ok()?.checked_mul(10_i128.checked_pow(zeros as u32)?)?;
    Some(if beyond < 0 { -number } else { number })
}
