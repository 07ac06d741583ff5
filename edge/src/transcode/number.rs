//! Numbers as JSON writes them, into the number types of protobuf. Nothing is clamped or rounded
//! without a word.

use prost_reflect::Value;
use svc_core::error::Fault;

use super::schema::Kind;

/// More digits than any integer type holds.
const TOO_MANY_DIGITS: i64 = 30;

/// Why a number does not fit, for a sentence that starts with the field's name.
pub(crate) type Refusal = (Fault, String);

/// A number, as JSON writes it, as a value of this type. `1.0` and `1e2` are integers.
pub(crate) fn number(kind: Kind, text: &str) -> Result<Value, Refusal> {
    match kind {
        Kind::Int32 => integer(text, i32::MIN, i32::MAX).map(Value::I32),
        Kind::Int64 => integer(text, i64::MIN, i64::MAX).map(Value::I64),
        Kind::Uint32 => integer(text, u32::MIN, u32::MAX).map(Value::U32),
        Kind::Uint64 => integer(text, u64::MIN, u64::MAX).map(Value::U64),
        Kind::Float => match text.parse::<f32>() {
            Ok(number) if number.is_finite() => Ok(Value::F32(number)),
            _ => Err((Fault::OutOfRange, "is too large".to_owned())),
        },
        _ => double(text).map(Value::F64),
    }
}

/// A number of a `google.protobuf.Value`, which holds nothing but doubles. A whole number that a
/// double would change is refused: it would come back as another one.
pub(crate) fn value(text: &str) -> Result<f64, Refusal> {
    let number = double(text)?;
    let whole = !text.contains(['.', 'e', 'E']);
    if whole && number.abs() >= EXACT && text.parse::<i128>().ok() != Some(number as i128) {
        return Err((
            Fault::OutOfRange,
            "is a whole number too large to be kept exactly; send it as a string".into(),
        ));
    }
    Ok(number)
}

/// Up to here (2^53) a double holds every whole number.
pub(crate) const EXACT: f64 = 9_007_199_254_740_992.0;

fn double(text: &str) -> Result<f64, Refusal> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err((Fault::OutOfRange, "is too large".to_owned())),
    }
}

fn integer<T>(text: &str, min: T, max: T) -> Result<T, Refusal>
where
    T: TryFrom<i128> + std::fmt::Display,
{
    let whole = whole(text).ok_or_else(|| (Fault::Invalid, WHOLE.to_owned()))?;
    T::try_from(whole).map_err(|_| (Fault::OutOfRange, format!("must be between {min} and {max}")))
}

/// What an integer must be.
pub(crate) const WHOLE: &str = "must be a whole number";

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
