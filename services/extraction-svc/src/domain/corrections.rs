//! What a person says of the values of a job.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use svc_core::clock::Timestamp;
use svc_core::error::{Fault, Violation};

use super::fits;

/// The most corrections of a job.
const CORRECTIONS_MAX: usize = 1_000;
/// The longest path, in bytes.
const PATH_MAX: usize = 1_024;

/// A person's value, beside the machine's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Correction {
    /// A JSON Pointer (RFC 6901) into the result.
    pub(crate) path: String,
    /// `null`: the document does not hold it.
    pub(crate) value: Value,
    /// Unix microseconds.
    pub(crate) corrected_at: i64,
}

/// A correction as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// A JSON Pointer into the result.
    pub(crate) path: String,
    pub(crate) value: Value,
    /// The fields of the request that hold the path and the value.
    pub(crate) fields: [String; 2],
}

/// All that a person says of a job, one for a path.
pub(crate) type Corrections = Vec<Correction>;

/// What was sent, as corrections of this moment. Those that were there before with the same value keep their time.
///
/// Every path has to lead to a place of the schema, and every value has to fit there.
pub(crate) fn given(
    sent: Vec<Sent>,
    before: &[Correction],
    now: Timestamp,
    schema: &Value,
) -> Result<Corrections, Vec<Violation>> {
    if sent.len() > CORRECTIONS_MAX {
        let message = format!("A job has at most {CORRECTIONS_MAX} corrections.");
        return Err(vec![Violation::new("corrections", Fault::TooLong, message)]);
    }
    let mut violations = Vec::new();
    let mut corrections: Corrections = Vec::with_capacity(sent.len());
    for Sent { path, value, fields: [path_field, value_field] } in sent {
        if path.len() > PATH_MAX {
            let message = format!("A path has at most {PATH_MAX} bytes.");
            violations.push(Violation::new(path_field, Fault::TooLong, message));
            continue;
        }
        if !path.starts_with('/') {
            let message = "A path is a JSON Pointer, such as `/total` or `/lines/0/amount`.";
            violations.push(Violation::new(path_field, Fault::Invalid, message));
            continue;
        }
        if corrections.iter().any(|other| other.path == path) {
            let message = format!("`{path}` is corrected twice.");
            violations.push(Violation::new(path_field, Fault::Duplicate, message));
            continue;
        }
        if let Err(message) = fits(schema, &path, &value) {
            violations.push(Violation::new(value_field, Fault::Invalid, message));
            continue;
        }
        let same = before.iter().find(|known| known.path == path && known.value == value);
        let corrected_at = same.map_or(now.0, |known| known.corrected_at);
        corrections.push(Correction { path, value, corrected_at });
    }
    if violations.is_empty() { Ok(corrections) } else { Err(violations) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(path: &str, value: Value) -> Sent {
        Sent { path: path.to_owned(), value, fields: ["path", "value"].map(|of| format!("{of} of {path}")) }
    }

    fn fields(result: Result<Corrections, Vec<Violation>>) -> Vec<(String, Fault)> {
        result.err().unwrap_or_default().into_iter().map(|found| (found.field, found.fault)).collect()
    }

    #[test]
    fn what_is_no_correction_is_named() {
        let now = Timestamp(7);
        let schema = json!({"properties": {"a": {}, "b": {"items": {}}, "date": {"type": "string"}}});
        let sent = |paths: &[&str]| paths.iter().map(|path| sent(path, json!(1))).collect::<Vec<_>>();
        let long = format!("/{}", "x".repeat(PATH_MAX));
        let named = format!("path of {long}");
        for (paths, found) in [
            (vec!["/a", "/b/0"], vec![]),
            (vec!["a"], vec![("path of a", Fault::Invalid)]),
            (vec![""], vec![("path of ", Fault::Invalid)]),
            (vec!["/a", "/a"], vec![("path of /a", Fault::Duplicate)]),
            (vec![long.as_str()], vec![(named.as_str(), Fault::TooLong)]),
        ] {
            let found: Vec<_> = found.into_iter().map(|(field, fault)| (field.to_owned(), fault)).collect();
            assert_eq!(fields(given(sent(&paths), &[], now, &schema)), found, "{paths:?}");
        }
        let many =
            (0..=CORRECTIONS_MAX).map(|number| self::sent(&format!("/{number}"), Value::Null)).collect();
        assert_eq!(fields(given(many, &[], now, &schema)), [("corrections".to_owned(), Fault::TooLong)]);
        let refused = given(sent(&["/date"]), &[], now, &schema);
        assert_eq!(fields(refused), [("value of /date".to_owned(), Fault::Invalid)]);
    }

    #[test]
    fn a_correction_that_stays_keeps_its_time() {
        let before = [Correction { path: "/a".to_owned(), value: json!(1), corrected_at: 5 }];
        let sent = vec![sent("/a", json!(1)), sent("/b", json!(2))];
        let given = given(sent, &before, Timestamp(9), &json!({"properties": {"a": {}, "b": {}}})).unwrap();
        assert_eq!(given.iter().map(|correction| correction.corrected_at).collect::<Vec<_>>(), [5, 9]);
    }
}
