//! The reader of JSON text.

use proptest::prelude::*;
use svc_core::error::Reason;

use super::echo;
use svc_core::json::{Json, MAX_DEPTH};

#[test]
fn text_that_is_not_json_is_named_with_its_place() {
    let cases: &[(&str, &str)] = &[
        (" ", "it ends too early, line 1 column 2"),
        ("{", "it ends too early, line 1 column 2"),
        ("{\"text\"", "`:` is expected, line 1 column 8"),
        ("{\"text\":", "it ends too early, line 1 column 9"),
        ("{\"text\":\"a", "a string is never closed, line 1 column 11"),
        ("{\"text\":\"a\"", "it ends too early, line 1 column 12"),
        ("{\"text\":\"a\"} x", "something follows the value, line 1 column 14"),
        ("{}{}", "something follows the value, line 1 column 3"),
        ("{\"text\":\"a\",}", "a comma comes before the end, line 1 column 13"),
        ("{\"texts\":[\"a\",]}", "a comma comes before the end, line 1 column 15"),
        ("{\"texts\":[,]}", "a value is expected, line 1 column 11"),
        ("{\"texts\":[\"a\" \"b\"]}", "a comma is expected, line 1 column 15"),
        ("{,}", "a name in quotes is expected, line 1 column 2"),
        ("{text:1}", "a name in quotes is expected, line 1 column 2"),
        ("{'text':1}", "a name in quotes is expected, line 1 column 2"),
        ("{\"text\" 1}", "`:` is expected, line 1 column 9"),
        ("{\n\"text\": nul}", "a value is expected, line 2 column 9"),
        ("{\n  \"ü\": tru}", "a value is expected, line 2 column 8"),
        ("{\"small\": NaN}", "a value is expected, line 1 column 11"),
        ("{\"small\": Infinity}", "a value is expected, line 1 column 11"),
        ("{\"small\": +1}", "a value is expected, line 1 column 11"),
        ("{\"small\": .5}", "a value is expected, line 1 column 11"),
        ("{\"small\": 01}", "a number is malformed, line 1 column 11"),
        ("{\"small\": -}", "a number is malformed, line 1 column 11"),
        ("{\"small\": 1.}", "a number is malformed, line 1 column 11"),
        ("{\"small\": 1e}", "a number is malformed, line 1 column 11"),
        ("{\"small\": 1x}", "a comma is expected, line 1 column 12"),
        ("{\"text\":\"a\tb\"}", "a control character stands in a string, line 1 column 11"),
        ("{\"text\":\"\\x\"}", "an escape is unknown, line 1 column 10"),
        ("{\"text\":\"\\u12g4\"}", "a `\\u` escape is malformed, line 1 column 10"),
        ("{\"text\":\"\\u+123\"}", "a `\\u` escape is malformed, line 1 column 10"),
        ("{\"text\":\"\\ud800\"}", "a `\\u` escape is malformed, line 1 column 10"),
        ("{\"text\":\"\\ud800\\u0041\"}", "a surrogate stands alone, line 1 column 10"),
        ("{\"text\":\"\\udc00\"}", "a surrogate stands alone, line 1 column 10"),
        ("// no\n{}", "a value is expected, line 1 column 1"),
        ("\u{feff}\u{feff}{}", "a value is expected, line 1 column 1"),
        // What is broken wins over what is refused, wherever it stands.
        ("{\"nope\": {\"a\": [1, 2}}", "a comma is expected, line 1 column 21"),
    ];
    for (body, problem) in cases {
        let error = echo(body).unwrap_err();
        assert_eq!(error.reason, Reason::InvalidJson, "{body}");
        assert_eq!(error.message, format!("The body is not JSON: {problem}."), "{body}");
        assert!(error.violations.is_empty());
    }
}

#[test]
fn invalid_utf8_is_broken() {
    let found = super::find(http::Method::POST, "/echo");
    let error = found.route.plan.request(&[], None, b"{\"text\":\"\xff\"}", None).unwrap_err();
    assert_eq!(error.reason, Reason::InvalidJson);
    assert_eq!(error.message, "The body is not JSON: invalid UTF-8, line 1 column 10.");
}

#[test]
fn the_nesting_has_a_bound() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(is_json(nested(MAX_DEPTH).as_bytes()));
    assert!(!is_json(nested(MAX_DEPTH + 1).as_bytes()));
    assert!(!is_json("[".repeat(1_000_000).as_bytes()));
    assert!(is_json(format!("[{}]", vec!["[{}]"; 1000].join(",")).as_bytes()));
}

fn is_json(text: &[u8]) -> bool {
    let read = |json: &mut Json<'_>| json.skip().and_then(|()| json.end());
    Json::new(text).and_then(|mut json| read(&mut json)).is_ok()
}

/// serde_json refuses numbers beyond a double as text; here they are refused as values.
fn oracle(text: &[u8]) -> Option<bool> {
    match serde_json::from_slice::<serde_json::Value>(text) {
        Ok(_) => Some(true),
        Err(e) if e.to_string().contains("number out of range") => None,
        Err(_) => Some(false),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_serde_json_on_what_is_json(text in r#"([\[\]{}",:0-9eE+.\\u \n-]|true|false|null|"a"|"b":){0,12}"#) {
        if let Some(expected) = oracle(text.as_bytes()) {
            prop_assert_eq!(is_json(text.as_bytes()), expected, "{}", text);
        }
    }

    #[test]
    fn agrees_with_serde_json_on_numbers(text in r"-?[0-9]{0,3}\.?[0-9]{0,2}([eE][+-]?[0-9]{0,2})?") {
        if let Some(expected) = oracle(text.as_bytes()) {
            prop_assert_eq!(is_json(text.as_bytes()), expected, "{}", text);
        }
    }

    #[test]
    fn agrees_with_serde_json_on_strings(text in r#""([ab"\x01\x7fü😀]|\\["\\/bfnrtux]|\\u[0-9a-fA-F]{4}|\\ud83d\\ude00){0,6}""#) {
        let expected: Option<String> = serde_json::from_str(&text).ok();
        let read = |json: &mut Json<'_>| {
            let string = json.string()?.into_owned();
            json.end().map(|()| string)
        };
        let ours = Json::new(text.as_bytes()).and_then(|mut json| read(&mut json)).ok();
        prop_assert_eq!(ours, expected);
    }
}
