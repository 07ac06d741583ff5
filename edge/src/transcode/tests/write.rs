//! Messages into JSON, and what else an answer has.

use http::Method;
use prost::Message;
use prost_reflect::{DynamicMessage, Value};
use svc_core::error::Reason;

use super::{find, sent};
use crate::routes::{Dialect, Table};
use crate::transcode::Rendered;

/// The answer of a route to a message given as prost-reflect reads it.
fn answer(method: Method, path: &str, message: &str) -> Rendered {
    let found = find(method, path);
    let output = found.route.rpc.method.output();
    let mut json = serde_json::Deserializer::from_str(message);
    let message = DynamicMessage::deserialize(output, &mut json).unwrap();
    let request = found.route.plan.request(&found.params, None, b"", None).unwrap();
    found.route.plan.response(&request, &message.encode_to_vec()).unwrap()
}

fn body(method: Method, path: &str, message: &str) -> String {
    String::from_utf8(answer(method, path, message).body).unwrap()
}

/// The JSON of one field of a thing.
fn field(name: &str, thing: &str) -> String {
    let body = body(Method::POST, "/echo", &format!(r#"{{"thing":{thing}}}"#));
    let body: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&body).unwrap();
    body["data"][name].to_string()
}

#[test]
fn every_field_is_there_in_the_order_of_its_file() {
    let empty = body(Method::POST, "/echo", r#"{"thing":{}}"#);
    let expected = concat!(
        r#"{"success":true,"message":"Echoed \"it\".","data":{"yes":false,"maybe":null,"small":0,"#,
        r#""smallOrNot":null,"big":"0","natural":0,"bigNatural":"0","single":0,"precise":0,"text":"","#,
        r#""textOrNot":null,"data":"","color":null,"inner":null,"texts":[],"inners":[],"colors":[],"#,
        r#""names":{},"numbered":{},"flagged":{},"anyNamed":{},"at":null,"until":null,"took":null,"#,
        r#""mask":null,"anyObject":null,"any":null,"anyList":null,"wrappedText":null,"wrappedBig":null,"#,
        r#""this":null,"that":null,"madeByUs":"","between":0,"zulu":"","alpha":""}}"#
    );
    assert_eq!(empty, expected);
}

#[test]
fn values() {
    let cases: &[(&str, &str, &str)] = &[
        ("maybe", r#"{"maybe":false}"#, "false"),
        ("smallOrNot", r#"{"smallOrNot":0}"#, "0"),
        ("that", r#"{"that":0}"#, "0"),
        ("big", r#"{"big":"-5"}"#, r#""-5""#),
        ("precise", r#"{"precise":100.0}"#, "100"),
        ("precise", r#"{"precise":-0.25}"#, "-0.25"),
        ("precise", r#"{"precise":1e300}"#, "1e+300"),
        ("precise", r#"{"precise":"NaN"}"#, r#""NaN""#),
        ("single", r#"{"single":0.1}"#, "0.1"),
        ("data", r#"{"data":"+/8="}"#, r#""+/8=""#),
        ("color", r#"{"color":"COLOR_RED"}"#, r#""RED""#),
        ("color", r#"{"color":"COLOR_3D"}"#, r#""COLOR_3D""#),
        ("color", r#"{"color":7}"#, "7"),
        ("colors", r#"{"colors":["COLOR_SKY_BLUE"]}"#, r#"["SKY_BLUE"]"#),
        ("inner", r#"{"inner":{"text":"a"}}"#, r#"{"id":"","inner":null,"number":null,"text":"a"}"#),
        ("names", r#"{"names":{"b":"2","a":"1"}}"#, r#"{"a":"1","b":"2"}"#),
        ("flagged", r#"{"flagged":{"true":1.5}}"#, r#"{"true":1.5}"#),
        ("at", r#"{"at":"2026-01-31T12:00:00.123999Z"}"#, r#""2026-01-31T12:00:00.123Z""#),
        ("at", r#"{"at":"1969-12-31T23:59:59.5Z"}"#, r#""1969-12-31T23:59:59.500Z""#),
        ("at", r#"{"at":"0001-01-01T00:00:00Z"}"#, r#""0001-01-01T00:00:00.000Z""#),
        ("took", r#"{"took":"-1.5s"}"#, r#""-1.500s""#),
        ("took", r#"{"took":"0s"}"#, r#""0s""#),
        ("mask", r#"{"mask":"anyNamed,inner.text"}"#, r#""anyNamed,inner.text""#),
        ("any", r#"{"any":null}"#, "null"),
        ("any", r#"{"any":{"b":[1,2.5,"x",true,null],"a":{}}}"#, r#"{"a":{},"b":[1,2.5,"x",true,null]}"#),
        ("anyObject", r#"{"anyObject":{}}"#, "{}"),
        ("anyList", r#"{"anyList":[-7]}"#, "[-7]"),
        ("wrappedText", r#"{"wrappedText":""}"#, r#""""#),
        ("wrappedBig", r#"{"wrappedBig":"7"}"#, r#""7""#),
    ];
    for (name, thing, expected) in cases {
        assert_eq!(field(name, thing), *expected, "{thing}");
    }
}

#[test]
fn numbers_of_any_json_are_as_short_as_they_can_be() {
    let cases = [
        (9_007_199_254_740_991.0, "9007199254740991"),
        (-1.0, "-1"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (1e21, "1e+21"),
        (5e-324, "5e-324"),
        (f64::NAN, "null"),
        (f64::INFINITY, "null"),
    ];
    for (number, expected) in cases {
        let found = find(Method::POST, "/echo");
        let output = found.route.rpc.method.output();
        let mut message = DynamicMessage::new(output.clone());
        let thing = message.get_field_by_name_mut("thing").unwrap().as_message_mut().unwrap();
        let any = thing.get_field_by_name_mut("any").unwrap().as_message_mut().unwrap();
        any.set_field_by_name("number_value", Value::F64(number));
        let request = found.route.plan.request(&[], None, b"", None).unwrap();
        let body = found.route.plan.response(&request, &message.encode_to_vec()).unwrap().body;
        let body = String::from_utf8(body).unwrap();
        assert!(body.contains(&format!(r#""any":{expected},"#)), "{number}: {body}");
    }
}

#[test]
fn strings_are_escaped() {
    let text = "\u{0}\u{1f}\u{7f}\"\\/\n\r\t\u{8}\u{2028}ü😀</script>";
    let thing = serde_json::json!({ "thing": { "text": text } }).to_string();
    let body = body(Method::POST, "/echo", &thing);
    let raw = r#""text":"\u0000\u001f"#;
    assert!(body.contains(raw), "{body}");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["data"]["text"], text);
}

#[test]
fn the_envelope_of_a_list() {
    let cases: &[(&str, &str)] = &[
        ("{}", r#"[],"pagination":{"limit":0,"hasMore":false,"nextCursor":null}"#),
        (
            r#"{"things":[{"text":"a"}],"pagination":{"limit":20,"hasMore":true,"nextCursor":"c"}}"#,
            r#"[{"text":"a","number":null,"inner":null,"id":""}],"pagination":{"limit":20,"hasMore":true,"nextCursor":"c"}"#,
        ),
        (
            r#"{"pagination":{"limit":20,"total":0}}"#,
            r#"[],"pagination":{"limit":20,"hasMore":false,"nextCursor":null,"total":0}"#,
        ),
    ];
    for (message, expected) in cases {
        let body = body(Method::GET, "/things", message);
        assert_eq!(body, format!(r#"{{"success":true,"message":"Found.","data":{expected}}}"#));
    }
    // Without a `response_body` the page stands beside the data all the same.
    assert_eq!(
        body(Method::GET, "/shelves/shelves/a/things", "{}"),
        r#"{"success":true,"message":"Found.","data":{"things":[]},"pagination":{"limit":0,"hasMore":false,"nextCursor":null}}"#
    );
}

#[test]
fn an_empty_response_is_null() {
    assert_eq!(body(Method::GET, "/things/1:count", "{}"), r#"{"success":true,"message":"OK","data":null}"#);
}

#[test]
fn location_and_etag() {
    let cases: &[(&str, &str, Option<&str>, Option<&str>)] = &[
        // `name` is in both messages, and the request has none here.
        (
            "/whole/a%2F%C3%BC%20b",
            r#"{"count":3,"name":"v1"}"#,
            Some("/whole/a%2F%C3%BC%20b/3/v1"),
            Some("\"v1\""),
        ),
        ("/whole/a", r#"{"count":3}"#, None, None),
        ("/whole/a", r#"{"count":3,"name":"a\"b"}"#, Some("/whole/a/3/a%22b"), None),
    ];
    for (path, message, location, etag) in cases {
        let answer = answer(Method::POST, path, message);
        assert_eq!(answer.status, 202);
        assert_eq!(
            (answer.location.as_deref(), answer.etag.as_deref()),
            (*location, *etag),
            "{path} {message}"
        );
    }
    let found = find(Method::POST, "/whole/a%2F%C3%BC%20b");
    let request = found.route.plan.request(&found.params, None, br#"{"name":"n:1"}"#, None).unwrap();
    let location = found.route.plan.response(&request, &[8, 3]).unwrap().location;
    assert_eq!(location.as_deref(), Some("/whole/a%2F%C3%BC%20b/3/n%3A1"));
}

#[test]
fn what_was_created_is_201_with_its_place() {
    for (message, status, location) in [
        (r#"{"thing":{"text":"a"},"created":true}"#, 201, Some("/things/7")),
        (r#"{"thing":{"text":"a"}}"#, 200, None),
    ] {
        let answer = answer(Method::PUT, "/things/7", message);
        assert_eq!((answer.status, answer.location.as_deref()), (status, location), "{message}");
        let body = String::from_utf8(answer.body).unwrap();
        assert!(!body.contains("created"), "{body}");
    }
}

#[test]
fn the_last_moment_is_written() {
    let last = r#"{"at":"9999-12-31T23:59:59.999999999Z"}"#;
    assert_eq!(field("at", last), r#""9999-12-31T23:59:59.999Z""#);
    assert_eq!(field("at", r#"{"at":"0001-01-01T00:00:00Z"}"#), r#""0001-01-01T00:00:00.000Z""#);
}

#[test]
fn bytes_that_are_no_message_are_a_bad_gateway() {
    let found = find(Method::POST, "/echo");
    let request = found.route.plan.request(&[], None, b"", None).unwrap();
    assert_eq!(found.route.plan.response(&request, b"\xff\xff\xff").unwrap_err().reason, Reason::BadGateway);
}

#[test]
fn times_out_of_range_are_null() {
    let found = find(Method::POST, "/echo");
    let request = found.route.plan.request(&[], None, b"", None).unwrap();
    for (seconds, nanos) in
        [(-62_135_596_801, 0), (253_402_300_800, 0), (i64::MAX, 0), (0, -1), (0, i32::MAX)]
    {
        let at = prost_types::Timestamp { seconds, nanos }.encode_to_vec();
        // Field 1 of the answer, field 22 of the thing.
        let mut thing = vec![0xb2, 0x01, at.len() as u8];
        thing.extend(at);
        let mut wire = vec![0x0a, thing.len() as u8];
        wire.extend(thing);
        let body = String::from_utf8(found.route.plan.response(&request, &wire).unwrap().body).unwrap();
        assert!(body.contains(r#""at":null"#), "{seconds} {nanos}: {body}");
    }
}

#[test]
fn the_oracle_reads_what_a_request_was() {
    assert_eq!(sent(Method::POST, "/echo", "", r#"{"text":"a"}"#), r#"{"thing":{"text":"a"}}"#);
}

#[test]
fn a_request_or_an_answer_may_be_a_well_known_type() {
    let any = r#"{"@type":"type.googleapis.com/acme.v1.Inner","text":"a"}"#;
    for (path, body, message) in [
        ("/free", r#"{"a":[1,null]}"#, r#"{"a":[1.0,null]}"#),
        ("/held", any, any),
        (
            "/held",
            r#"{"value":"1.5s","@type":"x/google.protobuf.Duration"}"#,
            r#"{"@type":"x/google.protobuf.Duration","value":"1.500s"}"#,
        ),
    ] {
        assert_eq!(sent(Method::POST, path, "", body), message);
    }
    let written = |path: &str, message: &str| body(Method::POST, path, message);
    assert_eq!(
        written("/free", r#"[1,{"a":null}]"#),
        r#"{"success":true,"message":"OK","data":[1,{"a":null}]}"#
    );
    let inner =
        r#"{"@type":"type.googleapis.com/acme.v1.Inner","text":"a","number":null,"inner":null,"id":""}"#;
    assert_eq!(written("/held", any), format!(r#"{{"success":true,"message":"OK","data":{inner}}}"#));
}

#[test]
fn protobufs_own_json_has_no_envelope() {
    let table = Table::build_in(Dialect::Proto3, &super::pool(super::ACME), &[super::SERVICE]).unwrap();
    for (method, path, message, expected) in [
        (Method::GET, "/things", r#"{"things":[{"id":"1"}],"pagination":{"limit":20}}"#, r#"[{"id":"1"}]"#),
        (Method::GET, "/things", "{}", "[]"),
        (
            Method::GET,
            "/shelves/shelves/a/things",
            r#"{"things":[{}],"pagination":{"limit":20}}"#,
            r#"{"things":[{}],"pagination":{"limit":20}}"#,
        ),
        (Method::GET, "/things/1:count", "{}", "{}"),
        (
            Method::POST,
            "/echo",
            r#"{"thing":{"color":"COLOR_RED","big":"7"}}"#,
            r#"{"big":"7","color":"COLOR_RED"}"#,
        ),
        (Method::POST, "/echo", "{}", "{}"),
    ] {
        let found = table.find(&method, path).unwrap();
        let mut json = serde_json::Deserializer::from_str(message);
        let message = DynamicMessage::deserialize(found.route.rpc.method.output(), &mut json).unwrap();
        let request = found.route.plan.request(&found.params, None, b"", None).unwrap();
        let body = found.route.plan.response(&request, &message.encode_to_vec()).unwrap().body;
        assert_eq!(String::from_utf8(body).unwrap(), expected, "{path}");
    }
}
