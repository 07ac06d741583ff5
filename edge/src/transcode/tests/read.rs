//! JSON bodies into messages: what is accepted, and every way to be refused.

use http::Method;
use svc_core::precondition::{Precondition, Versions};

use super::{echo, echoed, find, send, sent, violations};
use crate::transcode::read::MAX_VALUE_DEPTH;
use svc_core::json::MAX_DEPTH;

#[test]
fn what_is_accepted() {
    let cases: &[(&str, &str)] = &[
        ("", "{}"),
        ("{}", "{}"),
        (" \t\r\n{ } \n", "{}"),
        (r#"{"yes": true, "maybe": false}"#, r#"{"yes":true,"maybe":false}"#),
        (r#"{"small": -2147483648}"#, r#"{"small":-2147483648}"#),
        (r#"{"small": 1.0}"#, r#"{"small":1}"#),
        (r#"{"small": 1.5e1}"#, r#"{"small":15}"#),
        (r#"{"small": 1200e-2}"#, r#"{"small":12}"#),
        (r#"{"smallOrNot": 0}"#, r#"{"smallOrNot":0}"#),
        (r#"{"smallOrNot": -0.0}"#, r#"{"smallOrNot":0}"#),
        (r#"{"smallOrNot": 0e99999999999999999999}"#, r#"{"smallOrNot":0}"#),
        (r#"{"big": 9223372036854775807}"#, r#"{"big":"9223372036854775807"}"#),
        (r#"{"big": "-9223372036854775808"}"#, r#"{"big":"-9223372036854775808"}"#),
        (r#"{"natural": 4294967295}"#, r#"{"natural":4294967295}"#),
        (r#"{"bigNatural": 18446744073709551615}"#, r#"{"bigNatural":"18446744073709551615"}"#),
        (r#"{"precise": 1, "single": 0.5}"#, r#"{"single":0.5,"precise":1.0}"#),
        (r#"{"text": "\u00fc\ud83d\ude00\n/\/"}"#, r#"{"text":"ü😀\n//"}"#),
        (r#"{"textOrNot": ""}"#, r#"{"textOrNot":""}"#),
        (r#"{"data": "-_-_"}"#, r#"{"data":"+/+/"}"#),
        (r#"{"data": "YQ"}"#, r#"{"data":"YQ=="}"#),
        (r#"{"color": "RED"}"#, r#"{"color":"COLOR_RED"}"#),
        (r#"{"color": "COLOR_SKY_BLUE"}"#, r#"{"color":"COLOR_SKY_BLUE"}"#),
        (r#"{"color": "COLOR_3D"}"#, r#"{"color":"COLOR_3D"}"#),
        (r#"{"colors": ["RED", "SKY_BLUE"]}"#, r#"{"colors":["COLOR_RED","COLOR_SKY_BLUE"]}"#),
        (
            r#"{"inner": {"text": "a", "inner": {"number": 0}}}"#,
            r#"{"inner":{"text":"a","inner":{"number":0}}}"#,
        ),
        (r#"{"inner": {}}"#, r#"{"inner":{}}"#),
        (r#"{"texts": []}"#, "{}"),
        (r#"{"texts": ["b", "a"]}"#, r#"{"texts":["b","a"]}"#),
        (r#"{"names": {"a.b": "c"}}"#, r#"{"names":{"a.b":"c"}}"#),
        (r#"{"numbered": {"-1": {"text": "a"}}}"#, r#"{"numbered":{"-1":{"text":"a"}}}"#),
        (r#"{"flagged": {"true": 1}}"#, r#"{"flagged":{"true":1.0}}"#),
        (r#"{"anyNamed": {"a": null}}"#, r#"{"anyNamed":{"a":null}}"#),
        (r#"{"anyNamed": {"a": [1, {"b": null}]}}"#, r#"{"anyNamed":{"a":[1.0,{"b":null}]}}"#),
        (r#"{"at": "2026-01-31T12:00:00Z"}"#, r#"{"at":"2026-01-31T12:00:00Z"}"#),
        (r#"{"at": "2026-01-31t13:30:00.5+01:30"}"#, r#"{"at":"2026-01-31T12:00:00.500Z"}"#),
        (r#"{"at": "1969-12-31T23:59:59.25Z"}"#, r#"{"at":"1969-12-31T23:59:59.250Z"}"#),
        (r#"{"at": "0001-01-01T00:00:00Z"}"#, r#"{"at":"0001-01-01T00:00:00Z"}"#),
        (r#"{"until": "2026-12-31"}"#, r#"{"until":"2027-01-01T00:00:00Z"}"#),
        (r#"{"until": "9999-12-31"}"#, r#"{"until":"9999-12-31T23:59:59.999999999Z"}"#),
        (r#"{"at": "9999-12-31T23:59:59.999999999Z"}"#, r#"{"at":"9999-12-31T23:59:59.999999999Z"}"#),
        (r#"{"at": "2016-12-31t23:59:60z"}"#, r#"{"at":"2016-12-31T23:59:59.999999999Z"}"#),
        (r#"{"until": "2024-02-28"}"#, r#"{"until":"2024-02-29T00:00:00Z"}"#),
        (r#"{"until": "2026-12-31T01:00:00Z"}"#, r#"{"until":"2026-12-31T01:00:00Z"}"#),
        (r#"{"took": "-1.5s"}"#, r#"{"took":"-1.500s"}"#),
        (r#"{"mask": "anyNamed,inner.text"}"#, r#"{"mask":"anyNamed,inner.text"}"#),
        (r#"{"anyObject": {"a": {"b": [true]}}}"#, r#"{"anyObject":{"a":{"b":[true]}}}"#),
        (r#"{"any": null}"#, r#"{"any":null}"#),
        (r#"{"any": "x"}"#, r#"{"any":"x"}"#),
        (r#"{"anyList": [null, 1e2]}"#, r#"{"anyList":[null,100.0]}"#),
        (r#"{"wrappedText": "", "wrappedBig": "7"}"#, r#"{"wrappedText":"","wrappedBig":"7"}"#),
        (r#"{"this": ""}"#, r#"{"this":""}"#),
        (r#"{"this": null, "that": 1}"#, r#"{"that":1}"#),
        (
            r#"{"yes": null, "small": null, "text": null, "color": null, "inner": null, "texts": null,
                "names": null, "at": null, "anyObject": null, "anyList": null, "wrappedText": null}"#,
            "{}",
        ),
    ];
    for (body, message) in cases {
        assert_eq!(echoed(body), *message, "{body}");
    }
}

#[test]
fn what_is_refused() {
    let cases: &[(&str, &[&str])] = &[
        (r#"{"nope": {"a": [1]}}"#, &["nope unknown_field"]),
        (r#"{"": 1}"#, &[" unknown_field"]),
        (r#"{"small_or_not": 1}"#, &["small_or_not unknown_field"]),
        (r#"{"Text": ""}"#, &["Text unknown_field"]),
        (r#"{"inner": {"nope": 1}}"#, &["inner.nope unknown_field"]),
        (r#"{"text": "a", "text": "a"}"#, &["text duplicate"]),
        (r#"{"text": "a", "te\u0078t": "a"}"#, &["text duplicate"]),
        (r#"{"text": null, "text": null}"#, &["text duplicate"]),
        (r#"{"names": {"a": "", "a": ""}}"#, &["names.a duplicate"]),
        (r#"{"numbered": {"1": {}, "1.0": {}}}"#, &["numbered.1.0 duplicate"]),
        (r#"{"anyNamed": {"a": {"b": [{"c": 1, "c": 1}]}}}"#, &["anyNamed.a.b[0].c duplicate"]),
        (r#"{"any": {"a": 1, "a": 2}}"#, &["any.a duplicate"]),
        (r#"{"madeByUs": "x"}"#, &["madeByUs immutable"]),
        (r#"{"madeByUs": null}"#, &["madeByUs immutable"]),
        (r#"{"inners": [{}, {"id": "x"}]}"#, &["inners[1].id immutable"]),
        (r#"{"yes": "true"}"#, &["yes invalid"]),
        (r#"{"yes": 1}"#, &["yes invalid"]),
        (r#"{"small": "1"}"#, &["small invalid"]),
        (r#"{"small": 1.5}"#, &["small invalid"]),
        (r#"{"small": 1e-1}"#, &["small invalid"]),
        (r#"{"small": 1e-99999999999999999999}"#, &["small invalid"]),
        (r#"{"small": true}"#, &["small invalid"]),
        (r#"{"small": [1]}"#, &["small invalid"]),
        (r#"{"small": {"a": 1}}"#, &["small invalid"]),
        (r#"{"small": 2147483648}"#, &["small out_of_range"]),
        (r#"{"small": -2147483649}"#, &["small out_of_range"]),
        (r#"{"small": 1e99999999999999999999}"#, &["small out_of_range"]),
        (r#"{"small": 99999999999999999999999999999999999999999999}"#, &["small out_of_range"]),
        (r#"{"natural": -1}"#, &["natural out_of_range"]),
        (r#"{"natural": 4294967296}"#, &["natural out_of_range"]),
        (r#"{"big": 9223372036854775808}"#, &["big out_of_range"]),
        (r#"{"big": "1x"}"#, &["big invalid"]),
        (r#"{"precise": 1e400}"#, &["precise out_of_range"]),
        (r#"{"precise": "1"}"#, &["precise invalid"]),
        (r#"{"precise": "NaN"}"#, &["precise invalid"]),
        (r#"{"precise": "Infinity"}"#, &["precise invalid"]),
        (r#"{"single": 1e39}"#, &["single out_of_range"]),
        (r#"{"text": 1}"#, &["text invalid"]),
        (r#"{"text": ["a"]}"#, &["text invalid"]),
        (r#"{"data": "?"}"#, &["data invalid"]),
        (r#"{"color": "BLUE"}"#, &["color invalid"]),
        (r#"{"color": "red"}"#, &["color invalid"]),
        (r#"{"color": 0}"#, &["color invalid"]),
        (r#"{"color": 1}"#, &["color invalid"]),
        (r#"{"mask": "any_named"}"#, &["mask invalid"]),
        (r#"{"color": "UNSPECIFIED"}"#, &["color invalid"]),
        (r#"{"color": "COLOR_UNSPECIFIED"}"#, &["color invalid"]),
        (r#"{"color": "3D"}"#, &["color invalid"]),
        (r#"{"inner": "a"}"#, &["inner invalid"]),
        (r#"{"inner": []}"#, &["inner invalid"]),
        (r#"{"texts": "a"}"#, &["texts invalid"]),
        (r#"{"texts": {"0": "a"}}"#, &["texts invalid"]),
        (r#"{"texts": ["a", null, 1]}"#, &["texts[1] invalid", "texts[2] invalid"]),
        (r#"{"names": []}"#, &["names invalid"]),
        (r#"{"names": {"a": null, "b": 1}}"#, &["names.a invalid", "names.b invalid"]),
        (r#"{"numbered": {"a": {}}}"#, &["numbered.a invalid"]),
        (r#"{"numbered": {"2147483648": {}}}"#, &["numbered.2147483648 out_of_range"]),
        (r#"{"flagged": {"yes": 1}}"#, &["flagged.yes invalid"]),
        (r#"{"at": "2026-01-31"}"#, &["at invalid"]),
        (r#"{"at": "2026-01-31 12:00:00Z"}"#, &["at invalid"]),
        (r#"{"at": "2026-01-31T12:00:00"}"#, &["at invalid"]),
        (r#"{"at": "2026-01-31T12:00Z"}"#, &["at invalid"]),
        (r#"{"at": "20260131T120000Z"}"#, &["at invalid"]),
        (r#"{"at": "2026-02-30T12:00:00Z"}"#, &["at invalid"]),
        (r#"{"at": "2026-01-31T24:00:00Z"}"#, &["at invalid"]),
        (r#"{"at": "2026-01-31T12:00:60Z"}"#, &["at invalid"]),
        (r#"{"at": "2026-01-31T12:00:00.Z"}"#, &["at invalid"]),
        (r#"{"at": "2026-01-31T12:00:00.1234567890Z"}"#, &["at invalid"]),
        (r#"{"at": "2026-01-31T12:00:00Z[UTC]"}"#, &["at invalid"]),
        (r#"{"at": "2026-01-31T12:00:00+24:00"}"#, &["at invalid"]),
        (r#"{"at": "0000-01-01T00:00:00Z"}"#, &["at invalid"]),
        (r#"{"at": 1769860800}"#, &["at invalid"]),
        (r#"{"until": "2026-02-30"}"#, &["until invalid"]),
        (r#"{"until": "2026-2-3"}"#, &["until invalid"]),
        (r#"{"until": ""}"#, &["until invalid"]),
        (r#"{"took": "1"}"#, &["took invalid"]),
        (r#"{"took": ".5s"}"#, &["took invalid"]),
        (r#"{"took": "315576000001s"}"#, &["took out_of_range"]),
        (r#"{"anyObject": []}"#, &["anyObject invalid"]),
        (r#"{"anyList": {}}"#, &["anyList invalid"]),
        (r#"{"any": 1e400}"#, &["any out_of_range"]),
        (r#"{"any": [9007199254740993]}"#, &["any[0] out_of_range"]),
        (r#"{"any": 123456789012345678901234567890}"#, &["any out_of_range"]),
        (r#"{"wrappedText": 1}"#, &["wrappedText invalid"]),
        (r#"{"this": "a", "that": 1}"#, &["that invalid"]),
        // All of them at once, in the order of the body.
        (
            r#"{"small": 1e10, "nope": 1, "inner": {"number": "1"}, "texts": [1]}"#,
            &["small out_of_range", "nope unknown_field", "inner.number invalid", "texts[0] invalid"],
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(violations(echo(body)), *expected, "{body}");
    }
}

#[test]
fn a_body_that_is_no_object_is_refused() {
    for body in ["null", "1", "\"a\"", "true", "[]", "[{}]"] {
        let error = echo(body).unwrap_err();
        assert_eq!((error.reason.code(), error.violations.len()), ("invalid_argument", 0), "{body}");
        assert_eq!(error.message, "The body must be a JSON object.");
    }
}

#[test]
fn messages_are_sentences_that_name_the_field() {
    let cases: &[(&str, &str)] = &[
        (r#"{"small": 1e10}"#, "`small` must be between -2147483648 and 2147483647."),
        (r#"{"color": 7}"#, "`color` must be one of RED, SKY_BLUE, COLOR_3D."),
        (r#"{"inner": {"nope": 1}}"#, "`inner.nope` is not a field here."),
        (r#"{"this": "", "that": 1}"#, "`that` cannot be set together with `this`."),
        (r#"{"small": 1e10, "nope": 1}"#, "`small` must be between -2147483648 and 2147483647. (1 more.)"),
    ];
    for (body, message) in cases {
        assert_eq!(echo(body).unwrap_err().message, *message, "{body}");
    }
}

#[test]
fn an_answer_repeats_little_of_the_input_and_names_at_most_100_faults() {
    let error = echo(&format!(r#"{{"{}": 1}}"#, "ü".repeat(5_000))).unwrap_err();
    assert_eq!(error.violations[0].field, format!("{}…", "ü".repeat(100)));
    assert!(error.message.chars().count() < 150, "{}", error.message);

    let many: Vec<String> = (0..5_000).map(|i| format!(r#""x{i}": 1"#)).collect();
    assert_eq!(echo(&format!("{{{}}}", many.join(","))).unwrap_err().violations.len(), 100);
}

#[test]
fn any_json_nests_as_deep_as_every_service_can_decode() {
    let objects = |depth: usize| format!(r#"{{"any": {}1{}}}"#, r#"{"a":"#.repeat(depth), "}".repeat(depth));
    echoed(&objects(MAX_VALUE_DEPTH));
    let refused = violations(echo(&objects(MAX_VALUE_DEPTH + 1)));
    assert!(refused.len() == 1 && refused[0].ends_with(".a invalid"), "{refused:?}");
    let lists = |depth: usize| format!(r#"{{"any": {}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    echoed(&lists(MAX_VALUE_DEPTH));
    assert!(echo(&lists(MAX_VALUE_DEPTH + 1)).is_err());
}

#[test]
fn messages_nest_as_deep_as_json_may() {
    let nested = |depth: usize| {
        format!(r#"{{"inner": {}{}}}"#, r#"{"inner":"#.repeat(depth - 2) + "{}", "}".repeat(depth - 2))
    };
    echoed(&nested(MAX_DEPTH));
    let error = echo(&nested(MAX_DEPTH + 1)).unwrap_err();
    assert!(error.message.contains("it is nested too deeply"), "{}", error.message);
}

#[test]
fn a_body_cannot_set_what_the_path_or_a_header_sets() {
    assert_eq!(sent(Method::POST, "/whole/a%2Fb", "", r#"{"name": "n"}"#), r#"{"ref":"a/b","name":"n"}"#);
    let cases: &[(&str, &[&str])] = &[
        (r#"{"ref": "a"}"#, &["ref immutable"]),
        // The other ways to say which are no less a contradiction.
        (r#"{"id": "a"}"#, &["id immutable"]),
        (r#"{"ifMatch": {"any": true}}"#, &["ifMatch immutable"]),
        (r#"{"ifNoneMatch": {"any": true}}"#, &["ifNoneMatch immutable"]),
    ];
    for (body, expected) in cases {
        assert_eq!(violations(send(Method::POST, "/whole/a", "", body)), *expected, "{body}");
    }
    assert_eq!(
        violations(send(Method::PUT, "/whole/a", "", r#"{"inner": {"text": "b"}}"#)),
        ["inner.text immutable"]
    );
    assert_eq!(
        sent(Method::PUT, "/whole/a", "", r#"{"inner": {"number": 1}}"#),
        r#"{"inner":{"text":"a","number":1}}"#
    );
}

#[test]
fn preconditions_go_where_the_annotations_say() {
    let found = find(Method::POST, "/whole/a");
    let these = || Some(Versions::OneOf(vec![7, 8]));
    for (matches, none_matches, expected) in [
        (None, None, r#"{"ref":"a"}"#),
        (these(), None, r#"{"ref":"a","ifMatch":{"versions":[7,8]}}"#),
        (Some(Versions::Any), None, r#"{"ref":"a","ifMatch":{"any":true}}"#),
        // To name no version is something else than to name nothing.
        (Some(Versions::OneOf(Vec::new())), None, r#"{"ref":"a","ifMatch":{}}"#),
        (None, Some(Versions::Any), r#"{"ref":"a","ifNoneMatch":{"any":true}}"#),
        (None, these(), r#"{"ref":"a","ifNoneMatch":{"versions":[7,8]}}"#),
    ] {
        let precondition = Precondition { matches, none_matches };
        let request = found.route.plan.request(&found.params, None, b"", Some(&precondition)).unwrap();
        let message =
            prost_reflect::DynamicMessage::decode(found.route.rpc.method.input(), request.wire).unwrap();
        assert_eq!(serde_json::to_string(&message).unwrap(), expected);
    }
}

#[test]
fn a_number_with_a_range_is_refused_by_its_service() {
    let beyond = r#"{"between":-2147483648}"#;
    for (number, expected) in [
        ("1", r#"{"between":1}"#),
        ("2147483647", r#"{"between":2147483647}"#),
        ("2147483648", beyond),
        ("4294967356", beyond),
        ("-2147483649", beyond),
        ("1e99", beyond),
        ("99999999999999999999999999999999999999999999", beyond),
    ] {
        assert_eq!(echoed(&format!(r#"{{"between": {number}}}"#)), expected, "{number}");
    }
    for number in ["1.5", "true", "\"7\"", "1e-1"] {
        assert_eq!(violations(echo(&format!(r#"{{"between": {number}}}"#))), ["between invalid"], "{number}");
    }
    assert_eq!(sent(Method::GET, "/things", "between=99999999999", ""), beyond);
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    assert_eq!(echoed("\u{feff}{\"text\": \"a\"}"), r#"{"text":"a"}"#);
    assert_eq!(echoed("\u{feff} {\"text\": \"\u{feff}\"}"), "{\"text\":\"\u{feff}\"}");
    for (body, place) in [
        ("\u{feff}", "line 1 column 1"),
        ("\u{feff}\u{feff}{}", "line 1 column 1"),
        ("\u{feff}{\"text\": x}", "line 1 column 10"),
        ("{\u{feff}}", "line 1 column 2"),
    ] {
        let error = echo(body).unwrap_err();
        assert_eq!(error.reason.code(), "invalid_json", "{body:?}");
        assert!(error.message.contains(place), "{body:?}: {}", error.message);
    }
}

#[test]
fn a_variable_that_cannot_be_a_value_names_nothing() {
    assert_eq!(sent(Method::GET, "/things/7:count", "", ""), r#"{"number":7}"#);
    for path in ["/things/x:count", "/things/99999999999:count", "/things/1%20:count"] {
        assert_eq!(send(Method::GET, path, "", "").unwrap_err().reason.code(), "not_found", "{path}");
    }
}
