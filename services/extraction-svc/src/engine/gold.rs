//! Whether a reading is what a person says it should be.

use serde_json::Value;

use super::candidate::{Candidate, Reading};
use super::schema::{Field, Kind, Topic};
use super::text;

/// Whether a reading means a corrected value.
pub(crate) fn matches(reading: &Reading, value: &Value, field: &Field) -> bool {
    match (reading, value) {
        (Reading::Number(n), Value::Number(v)) => v.as_f64().is_some_and(|v| (n.value - v).abs() < 0.005),
        (Reading::Number(n), Value::String(v)) => {
            v.trim().parse::<f64>().is_ok_and(|v| (n.value - v).abs() < 0.005)
        }
        (Reading::Date { iso, other, .. }, Value::String(v)) => {
            let day = v.get(..10).unwrap_or(v);
            iso == day || other.as_deref() == Some(day)
        }
        (Reading::Choice(i), Value::String(v)) => {
            matches!(&field.kind, Kind::Enum(choices) if choices.get(*i).is_some_and(|c| text::key(c) == text::key(v)))
        }
        (Reading::Truth(t), Value::Bool(v)) => t == v,
        (Reading::Text(t), Value::String(v)) => same_text(t, v, field),
        (Reading::Text(t), Value::Number(v)) => text::key(t) == text::key(&v.to_string()),
        _ => false,
    }
}

fn same_text(found: &str, given: &str, field: &Field) -> bool {
    let (a, b) = (text::key(found), text::key(given));
    if a == b {
        return true;
    }
    match field.topic {
        Topic::Phone => {
            let tail = |s: &str| {
                let digits: Vec<char> = s.chars().filter(char::is_ascii_digit).collect();
                digits[digits.len().saturating_sub(10)..].to_vec()
            };
            !tail(found).is_empty() && tail(found) == tail(given)
        }
        Topic::Url => {
            let bare = |s: &str| {
                text::key(
                    s.trim_start_matches("https://").trim_start_matches("http://").trim_start_matches("www."),
                )
            };
            bare(found) == bare(given)
        }
        Topic::Duration => {
            let unit = |k: &str| k.trim_end_matches('s').to_owned();
            unit(&a) == unit(&b)
        }
        _ => false,
    }
}

/// Whether a candidate is a corrected value, and by its other reading alone.
pub(crate) fn is(candidate: &Candidate, value: &Value, field: &Field) -> bool {
    matches(&candidate.reading, value, field)
        || (field.topic == Topic::Duration
            && value.as_str().is_some_and(|v| candidate.key == text::fold(v).trim().trim_end_matches('s')))
}
