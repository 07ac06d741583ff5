//! Query parameters.

use http::Method;
use prost_reflect::DynamicMessage;
use svc_core::error::Error;

use super::{ACME, SERVICE, pool, send, sent, violations};
use crate::routes::{Dialect, Table};

#[test]
fn what_is_accepted() {
    let cases: &[(&str, &str)] = &[
        ("", "{}"),
        ("&&", "{}"),
        ("text=a+b%2Bc%C3%BC", r#"{"text":"a b+cü"}"#),
        ("te%78t=a", r#"{"text":"a"}"#),
        ("text", r#"{"text":""}"#),
        ("text=a=b", r#"{"text":"a=b"}"#),
        ("limit=20", r#"{"limit":20}"#),
        ("limit=0", r#"{"limit":0}"#),
        ("deep=false", r#"{"deep":false}"#),
        ("big=18446744073709551615", r#"{"big":"18446744073709551615"}"#),
        ("ratio=-1.5e2", r#"{"ratio":-150.0}"#),
        ("colors=RED&colors=COLOR_SKY_BLUE", r#"{"colors":["COLOR_RED","COLOR_SKY_BLUE"]}"#),
        ("customFields.shoe=9", r#"{"customFields":{"shoe":"9"}}"#),
        ("customFields.a.b=9", r#"{"customFields":{"a.b":"9"}}"#),
        ("inner.text=a&inner.inner.number=1", r#"{"inner":{"text":"a","inner":{"number":1}}}"#),
        ("createdAfter=2026-01-31T12:00:00%2B01:00", r#"{"createdAfter":"2026-01-31T11:00:00Z"}"#),
        ("readMask=anyNamed,inner.text", r#"{"readMask":"anyNamed,inner.text"}"#),
        ("until=2026-12-31", r#"{"until":"2027-01-01T00:00:00Z"}"#),
        ("that=1", r#"{"that":1}"#),
        ("shelf=s", r#"{"shelf":"s"}"#),
    ];
    for (query, message) in cases {
        assert_eq!(sent(Method::GET, "/things", query, ""), *message, "{query}");
    }
}

#[test]
fn what_is_refused() {
    let cases: &[(&str, &[&str])] = &[
        ("nope=1", &["nope unknown_field"]),
        ("=1", &[" unknown_field"]),
        ("created_after=2026-01-31T12:00:00Z", &["created_after unknown_field"]),
        ("text.a=1", &["text.a unknown_field"]),
        ("inner=1", &["inner unknown_field"]),
        ("inner.=1", &["inner. unknown_field"]),
        ("inner.nope=1", &["inner.nope unknown_field"]),
        ("inner.id=1", &["inner.id immutable"]),
        ("inners.a=1", &["inners.a unknown_field"]),
        ("customFields=1", &["customFields unknown_field"]),
        ("filter=1", &["filter unknown_field"]),
        ("filter.a=1", &["filter.a unknown_field"]),
        ("readMask=any_named", &["readMask invalid"]),
        ("readMask=text&readMask=id", &["readMask duplicate"]),
        ("readMask.paths=text", &["readMask.paths unknown_field"]),
        ("colors=0", &["colors invalid"]),
        ("colors=1", &["colors invalid"]),
        ("text=a&text=a", &["text duplicate"]),
        ("text=a&te%78t=b", &["text duplicate"]),
        ("customFields.a=1&customFields.a=2", &["customFields.a duplicate"]),
        ("limit=", &["limit invalid"]),
        ("limit", &["limit invalid"]),
        ("limit=a", &["limit invalid"]),
        ("limit=1.5", &["limit invalid"]),
        ("limit=01", &["limit invalid"]),
        ("limit=+1", &["limit invalid"]),
        ("limit=%2B1", &["limit invalid"]),
        ("limit=2147483648", &["limit out_of_range"]),
        ("big=-1", &["big out_of_range"]),
        ("ratio=NaN", &["ratio invalid"]),
        ("ratio=1e400", &["ratio out_of_range"]),
        ("deep", &["deep invalid"]),
        ("deep=1", &["deep invalid"]),
        ("deep=True", &["deep invalid"]),
        ("colors=BLUE", &["colors invalid"]),
        ("createdAfter=2026-01-31T12:00:00+01:00", &["createdAfter invalid"]),
        ("createdAfter=2026-01-31", &["createdAfter invalid"]),
        ("text=%zz", &["text invalid"]),
        ("text=%c3", &["text invalid"]),
        ("text=%", &["text invalid"]),
        ("%ff=a", &["%ff invalid"]),
        ("nope=%ff", &["nope invalid"]),
        ("this=a&that=1", &["that invalid"]),
        ("limit=a&nope=1&deep=x", &["limit invalid", "nope unknown_field", "deep invalid"]),
    ];
    for (query, expected) in cases {
        assert_eq!(violations(send(Method::GET, "/things", query, "")), *expected, "{query}");
    }
}

#[test]
fn what_the_path_sets_is_no_parameter() {
    assert_eq!(sent(Method::GET, "/shelves/shelves/a%2Fb/things", "", ""), r#"{"shelf":"shelves/a%2Fb"}"#);
    let refused = violations(send(Method::GET, "/shelves/shelves/a/things", "shelf=b", ""));
    assert_eq!(refused, ["shelf unknown_field"]);
}

#[test]
fn a_request_with_a_whole_body_takes_no_parameters() {
    assert_eq!(violations(send(Method::POST, "/whole/a", "name=b", "")), ["name unknown_field"]);
}

#[test]
fn body_and_query_are_refused_together() {
    let refused = violations(send(Method::PATCH, "/things/1", "nope=1", r#"{"yes": 1}"#));
    assert_eq!(refused, ["yes invalid", "nope unknown_field"]);
}

#[test]
fn protobufs_own_names_and_values() {
    let table = Table::build_in(Dialect::Proto3, &pool(ACME), &[SERVICE]).unwrap();
    let found = table.find(&Method::GET, "/things").unwrap();
    let sent = |query: &str| {
        let request = found.route.plan.request(&found.params, Some(query), b"", None)?;
        let message = DynamicMessage::decode(found.route.rpc.method.input(), request.wire).unwrap();
        Ok(serde_json::to_string(&message).unwrap())
    };
    for (query, message) in [
        ("colors=COLOR_RED&colors=2&colors=77", r#"{"colors":["COLOR_RED","COLOR_SKY_BLUE",77]}"#),
        ("created_after=2026-01-31T12:00:00Z", r#"{"createdAfter":"2026-01-31T12:00:00Z"}"#),
        ("custom_fields.a=1&customFields.b=2", r#"{"customFields":{"a":"1","b":"2"}}"#),
        ("ratio=NaN", r#"{"ratio":"NaN"}"#),
        ("inner.id=1", r#"{"inner":{"id":"1"}}"#),
    ] {
        let mut message: serde_json::Value = serde_json::from_str(message).unwrap();
        let mut ours: serde_json::Value = serde_json::from_str(&sent(query).unwrap()).unwrap();
        assert_eq!(ours.take(), message.take(), "{query}");
    }
    for (query, expected) in [
        ("created_after=2026-01-31T12:00:00Z&createdAfter=2026-01-31T12:00:00Z", "createdAfter duplicate"),
        ("custom_fields.a=1&customFields.a=2", "customFields.a duplicate"),
        ("colors=RED", "colors invalid"),
    ] {
        let refused: Result<String, Error> = sent(query);
        let violations = refused.unwrap_err().violations;
        let found: Vec<_> = violations.iter().map(|v| format!("{} {}", v.field, v.fault.code())).collect();
        assert_eq!(found, [expected], "{query}");
    }
}

#[test]
fn what_cannot_be_a_parameter_is_told_why() {
    let deep = format!("{}text=1", "inner.".repeat(40));
    for (query, expected) in [
        ("inner=1", "`inner` is a message: name a field of it, as in `name.field=value`."),
        ("filter.a=1", "`filter.a` is not a query parameter here."),
        ("inners.a=1", "`inners.a` cannot be a query parameter: it holds messages."),
        ("customFields=1", "`customFields` is a map: name the key, too, as in `name.key=value`."),
        ("text.a=1", "`text.a` is not a query parameter here: it has no fields of its own."),
        ("nope=1", "`nope` is not a query parameter here."),
        (deep.as_str(), "leads too deep for a query parameter."),
    ] {
        let error = send(Method::GET, "/things", query, "").unwrap_err();
        assert!(error.violations[0].message.ends_with(expected), "{query}: {}", error.violations[0].message);
    }
}
