//! Whether a person's value can stand at a place of a result, by the schema.

use serde_json::Value;

use crate::engine::Place;
use crate::pointer;

/// Says in words why a value cannot stand at this place. `null` can stand at any: the document does not hold it.
pub(crate) fn fits(schema: &Value, path: &str, value: &Value) -> Result<(), String> {
    let mut at = Place::of(schema, schema);
    for step in pointer::steps(path) {
        let next = match at.get("items") {
            Some(items) if is_index(&step) => Some(items),
            _ => at.get("properties").and_then(|properties| properties.get(&step)),
        };
        at = Place::of(schema, next.ok_or_else(|| format!("`{path}` leads to nothing in the schema."))?);
    }
    stands(schema, &at, path, value)
}

/// An index as RFC 6901 writes it, of a list as long as any can be.
fn is_index(step: &str) -> bool {
    const DIGITS_MAX: usize = 5;
    let is_number = (1..=DIGITS_MAX).contains(&step.len()) && step.bytes().all(|c| c.is_ascii_digit());
    is_number && (step == "0" || !step.starts_with('0'))
}

fn stands(root: &Value, at: &Place<'_>, path: &str, value: &Value) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    let listed = at.get("enum").and_then(Value::as_array).map(Vec::as_slice);
    let allowed = listed.or_else(|| at.get("const").map(std::slice::from_ref));
    if allowed.is_some_and(|allowed| !allowed.contains(value)) {
        return Err(format!("`{path}` is one of the schema's values."));
    }
    let types: Vec<&str> = match at.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    if !types.iter().any(|name| is(name, value)) {
        return Err(format!("`{path}` is {}.", types.join(" or ")));
    }
    match value {
        // The answers of such a field are of this form, too, and learning looks for what stands for the day.
        Value::String(text) if at.get("format").is_some_and(|format| format == "date") && !is_day(text) => {
            Err(format!("`{path}` is a date such as `2026-03-14`."))
        }
        Value::Array(values) => {
            let Some(items) = at.get("items") else { return Ok(()) };
            let items = Place::of(root, items);
            values
                .iter()
                .enumerate()
                .try_for_each(|(index, item)| stands(root, &items, &format!("{path}/{index}"), item))
        }
        Value::Object(members) => members.iter().try_for_each(|(name, member)| {
            let path = format!("{path}/{}", pointer::escaped(name));
            let property = at.get("properties").and_then(|properties| properties.get(name));
            let property = property.ok_or_else(|| format!("`{path}` leads to nothing in the schema."))?;
            stands(root, &Place::of(root, property), &path, member)
        }),
        _ => Ok(()),
    }
}

fn is(name: &str, value: &Value) -> bool {
    match name {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

/// A full date of RFC 3339 that is in the calendar.
fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |part: &str, digits: usize| {
        let is_number = part.len() == digits && part.bytes().all(|c| c.is_ascii_digit());
        is_number.then(|| part.parse::<u32>().ok()).flatten()
    };
    let [year, month, day] = parts.as_slice() else { return false };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2)) else {
        return false;
    };
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_stand_where_the_schema_has_them() {
        let schema = json!({
            "type": "object",
            "properties": {
                "total": {"type": "number"},
                "count": {"type": ["integer", "null"]},
                "a/b": {"type": "string"},
                "day": {"type": "string", "format": "date"},
                "days": {"type": "array", "items": {"type": "string", "format": "date"}},
                "currency": {"enum": ["EUR", "USD"]},
                "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
                "loop": {"$ref": "#/properties/loop"},
                "perhaps": {"anyOf": [{"type": "number"}, {"type": "null"}]},
                "more": {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/line"}}, {"type": "null"}]},
                "buyer": {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/line"}]},
            },
            "$defs": {"line": {"type": "object", "properties": {"amount": {"type": "number"}}}},
        });
        for (path, value, good) in [
            ("/total", json!(1.5), true),
            ("/total", json!(null), true),
            ("/total", json!("1.5"), false),
            ("/count", json!(2), true),
            ("/count", json!(2.5), false),
            ("/a~1b", json!("x"), true),
            ("/day", json!("2026-03-14"), true),
            ("/day", json!("2024-02-29"), true),
            ("/day", json!(null), true),
            ("/day", json!("2026-02-29"), false),
            ("/day", json!("2026-13-01"), false),
            ("/day", json!("2026-3-14"), false),
            ("/day", json!("14 March 2026"), false),
            ("/day", json!("2026-03-14T00:00:00Z"), false),
            ("/days", json!(["2026-03-14", "2026-04-31"]), false),
            ("/currency", json!("EUR"), true),
            ("/currency", json!("CHF"), false),
            ("/lines", json!([{"amount": 1}, {"amount": null}]), true),
            ("/lines", json!([{"amount": "1"}]), false),
            ("/lines", json!([{"price": 1}]), false),
            ("/lines/0", json!({"amount": 1}), true),
            ("/lines/12/amount", json!(1), true),
            ("/lines/x/amount", json!(1), false),
            ("/lines/01/amount", json!(1), false),
            ("/lines/1234567/amount", json!(1), false),
            ("/lines/0/price", json!(1), false),
            ("/total/more", json!(1), false),
            ("/loop", json!(1), true),
            ("/loop/more", json!(1), false),
            ("/nothing", json!(1), false),
            ("/perhaps", json!(1.5), true),
            ("/perhaps", json!("no number"), false),
            ("/more", json!([{"amount": 1}]), true),
            ("/more/0/amount", json!(20), true),
            ("/more/0/amount", json!("20"), false),
            ("/more/0/price", json!(20), false),
            ("/buyer/amount", json!(2), true),
            ("/buyer/name", json!("x"), false),
        ] {
            assert_eq!(fits(&schema, path, &value).is_ok(), good, "{path} {value}");
        }
    }
}
