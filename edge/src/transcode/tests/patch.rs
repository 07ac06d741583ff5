//! JSON merge patch: the members of the body become the field mask.

use http::Method;
use prost_reflect::DynamicMessage;

use super::{find, send, sent, violations};

/// The mask's paths, and the rest of the thing.
fn patch(body: &str) -> (Vec<String>, String) {
    let found = find(Method::PATCH, "/things/1");
    let request = found.route.plan.request(&found.params, None, body.as_bytes(), None).unwrap();
    let message = DynamicMessage::decode(found.route.rpc.method.input(), request.wire).unwrap();
    let mask = message.get_field_by_name("update_mask").unwrap().into_owned();
    let paths = mask.as_message().unwrap().get_field_by_name("paths").unwrap().into_owned();
    let paths = paths.as_list().unwrap().iter().map(|p| p.as_str().unwrap().to_owned()).collect();
    assert!(message.has_field_by_name("update_mask"));
    let thing = message.get_field_by_name("thing").unwrap();
    (paths, serde_json::to_string(thing.as_message().unwrap()).unwrap())
}

#[test]
fn the_mask_holds_what_the_body_has() {
    let cases: &[(&str, &[&str], &str)] = &[
        ("", &[], "{}"),
        ("{}", &[], "{}"),
        (r#"{"text": "a"}"#, &["text"], r#"{"text":"a"}"#),
        (r#"{"textOrNot": null}"#, &["text_or_not"], "{}"),
        (r#"{"text": "", "yes": false}"#, &["text", "yes"], "{}"),
        (r#"{"texts": []}"#, &["texts"], "{}"),
        (r#"{"texts": null}"#, &["texts"], "{}"),
        (r#"{"inner": null}"#, &["inner"], "{}"),
        (r#"{"inner": {}}"#, &[], r#"{"inner":{}}"#),
        (
            r#"{"inner": {"text": "a", "number": null}}"#,
            &["inner.text", "inner.number"],
            r#"{"inner":{"text":"a"}}"#,
        ),
        (
            r#"{"inner": {"inner": {"text": "a"}}}"#,
            &["inner.inner.text"],
            r#"{"inner":{"inner":{"text":"a"}}}"#,
        ),
        (r#"{"inners": [{"text": "a"}]}"#, &["inners"], r#"{"inners":[{"text":"a"}]}"#),
        (
            r#"{"at": "2026-01-31T12:00:00Z", "until": null}"#,
            &["at", "until"],
            r#"{"at":"2026-01-31T12:00:00Z"}"#,
        ),
        (r#"{"names": {}}"#, &[], "{}"),
        (r#"{"names": null}"#, &["names"], "{}"),
        (
            r#"{"names": {"shoeSize": "9", "x": null}}"#,
            &["names.shoeSize", "names.x"],
            r#"{"names":{"shoeSize":"9"}}"#,
        ),
        (
            r#"{"anyNamed": {"a": null, "b": {"c": null}}}"#,
            &["any_named.a", "any_named.b"],
            r#"{"anyNamed":{"b":{"c":null}}}"#,
        ),
        (r#"{"numbered": {"1": {"text": "a"}}}"#, &["numbered.1"], r#"{"numbered":{"1":{"text":"a"}}}"#),
        // A name that is not plain stands in backticks.
        (
            r#"{"names": {"a.b": null, "a b": null, "": null, "`": null, "a-b_C": null}}"#,
            &["names.`a.b`", "names.`a b`", "names.``", "names.````", "names.a-b_C"],
            "{}",
        ),
        (r#"{"any": null}"#, &["any"], "{}"),
        (r#"{"any": {"a": 1}}"#, &["any"], r#"{"any":{"a":1.0}}"#),
        (r#"{"anyObject": {"a": null}}"#, &["any_object"], r#"{"anyObject":{"a":null}}"#),
        (r#"{"wrappedText": "a"}"#, &["wrapped_text"], r#"{"wrappedText":"a"}"#),
        (r#"{"this": null, "that": 1}"#, &["this", "that"], r#"{"that":1}"#),
    ];
    for (body, paths, thing) in cases {
        let (found, message) = patch(body);
        assert_eq!(found, *paths, "{body}");
        assert_eq!(message, *thing, "{body}");
    }
}

#[test]
fn a_patch_is_refused_like_any_body() {
    let cases: &[(&str, &[&str])] = &[
        (r#"{"madeByUs": null}"#, &["madeByUs immutable"]),
        (r#"{"inner": {"id": null}}"#, &["inner.id immutable"]),
        (r#"{"names": {"a": null, "a": null}}"#, &["names.a duplicate"]),
        (r#"{"texts": [null]}"#, &["texts[0] invalid"]),
        (r#"{"updateMask": "text"}"#, &["updateMask unknown_field"]),
    ];
    for (body, expected) in cases {
        assert_eq!(violations(send(Method::PATCH, "/things/1", "", body)), *expected, "{body}");
    }
}

#[test]
fn a_patch_takes_query_parameters_but_not_the_mask() {
    assert_eq!(
        sent(Method::PATCH, "/things/1", "force=true", ""),
        r#"{"id":"1","thing":{},"updateMask":"","force":true}"#
    );
    let refused = violations(send(Method::PATCH, "/things/1", "updateMask=text&thing.text=a&id=2", ""));
    assert_eq!(refused, ["updateMask unknown_field", "thing.text unknown_field", "id unknown_field"]);
}
