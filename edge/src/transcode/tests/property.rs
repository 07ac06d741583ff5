//! Properties: agreement with prost-reflect where the contract follows protobuf's JSON, round trips,
//! and no panic for any bytes.

use http::Method;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use prost::Message;
use prost_reflect::DynamicMessage;
use serde_json::{Value as Json, json};

use super::{TABLE, find};
use crate::fuzzing;
use crate::routes::Table;

/// Any JSON that a double and the nesting limit can hold.
fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i32>().prop_map(Json::from),
        (-1e10..1e10).prop_map(|n: f64| json!(n)),
        text().prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::from),
            btree_map(text(), inner, 0..4).prop_map(|m| Json::Object(m.into_iter().collect())),
        ]
    })
}

fn text() -> impl Strategy<Value = String> {
    "[a-z\"\\\\\u{0}\n\u{7f}ü😀\u{2028}]{0,6}"
}

fn inner() -> impl Strategy<Value = Json> {
    let leaf = (text(), proptest::option::of(any::<i32>())).prop_map(|(text, number)| match number {
        Some(number) => json!({ "text": text, "number": number }),
        None => json!({ "text": text }),
    });
    leaf.prop_recursive(3, 3, 1, |inner| inner.prop_map(|inner| json!({ "inner": inner })))
}

fn time() -> impl Strategy<Value = String> {
    let fraction = prop_oneof![Just(String::new()), "\\.[0-9]{1,9}"];
    let zone = prop_oneof![Just("Z".to_owned()), "[+-](0[0-9]|1[0-3]):[0-5][0-9]"];
    (2..9999, 1..13, 1..29, 0..24, 0..60, 0..60, fraction, zone).prop_map(
        |(y, mo, d, h, mi, s, fraction, zone)| {
            format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}{fraction}{zone}")
        },
    )
}

fn color() -> impl Strategy<Value = Json> {
    prop_oneof![Just(json!("COLOR_RED")), Just(json!("COLOR_SKY_BLUE")), Just(json!("COLOR_3D"))]
}

/// Some members of a thing, in any order.
fn thing() -> impl Strategy<Value = Json> {
    fn member(
        name: &'static str,
        value: impl Strategy<Value = Json> + 'static,
    ) -> BoxedStrategy<(String, Json)> {
        value.prop_map(move |v| (name.to_owned(), v)).boxed()
    }
    fn map(key: &'static str, value: impl Strategy<Value = Json> + 'static) -> impl Strategy<Value = Json> {
        btree_map(key, value, 0..4).prop_map(|m| Json::Object(m.into_iter().collect()))
    }
    let member = prop_oneof![
        member("yes", any::<bool>().prop_map(Json::from)),
        member("maybe", any::<bool>().prop_map(Json::from)),
        member("small", any::<i32>().prop_map(Json::from)),
        member("smallOrNot", any::<i16>().prop_map(|n| json!(f64::from(n)))),
        member("big", any::<i64>().prop_map(Json::from)),
        member("natural", any::<u32>().prop_map(Json::from)),
        member("bigNatural", any::<u64>().prop_map(|n| json!(n.to_string()))),
        member("single", (-1e30_f32..1e30).prop_map(|n| json!(n))),
        member("precise", (-1e300..1e300).prop_map(|n: f64| json!(n))),
        member("text", text().prop_map(Json::from)),
        member("textOrNot", text().prop_map(Json::from)),
        member("data", "([A-Za-z0-9+/]{4}){0,4}".prop_map(Json::from)),
        member("color", color()),
        member("colors", vec(color(), 0..3).prop_map(Json::from)),
        member("inner", inner()),
        member("texts", vec(text(), 0..4).prop_map(Json::from)),
        member("inners", vec(inner(), 0..3).prop_map(Json::from)),
        member("names", map("[a-z.`ü ]{0,4}", text().prop_map(Json::from))),
        member("numbered", map("-?[1-9][0-9]{0,4}", inner())),
        member("flagged", map("true|false", (-1e9..1e9).prop_map(|n: f64| json!(n)))),
        member("anyNamed", map("[a-z]{0,3}", any_json())),
        member("at", time().prop_map(Json::from)),
        member("took", "-?[0-9]{1,9}(\\.[0-9]{1,9})?s".prop_map(Json::from)),
        member("anyObject", map("[a-z]{0,3}", any_json())),
        member("any", any_json()),
        member("anyList", vec(any_json(), 0..3).prop_map(Json::from)),
        member("wrappedText", text().prop_map(Json::from)),
        member("wrappedBig", any::<i64>().prop_map(Json::from)),
        member("this", text().prop_map(Json::from)),
    ];
    vec(member, 0..12).prop_map(|members| Json::Object(members.into_iter().collect()))
}

/// Some numbers in every way.
fn scalars() -> impl Strategy<Value = Json> {
    let lists = (
        vec(any::<i32>(), 0..4),
        vec(any::<u64>().prop_map(|n| n.to_string()), 0..4),
        vec(any::<i32>().prop_map(|n| f64::from(n) + 0.5), 0..4),
        vec(any::<bool>(), 0..4),
        vec(any::<i32>(), 0..4),
    );
    let maps = (
        btree_map(any::<i32>().prop_map(|n| n.to_string()), any::<i32>(), 0..4),
        btree_map(any::<u64>().prop_map(|n| n.to_string()), text(), 0..4),
        btree_map(any::<u32>().prop_map(|n| n.to_string()), any::<bool>(), 0..4),
    );
    let small = prop_oneof![Just(0), any::<i32>()];
    let single = (small, any::<i64>(), any::<u32>(), any::<u64>(), any::<i32>(), any::<i64>());
    (single, lists, maps).prop_map(|(one, lists, maps)| {
        json!({
            "zigzag": one.0, "bigZigzag": one.1.to_string(), "fixed": one.2, "bigFixed": one.3.to_string(),
            "signedFixed": one.4, "bigSignedFixed": one.5.to_string(),
            "zigzags": lists.0, "fixeds": lists.1, "doubles": lists.2, "flags": lists.3, "unpacked": lists.4,
            "zigzagged": maps.0, "fixedNamed": maps.1, "numbered": maps.2,
        })
    })
}

fn read(body: &[u8]) -> DynamicMessage {
    let found = find(Method::POST, "/echo");
    let request = found.route.plan.request(&[], None, body, None).unwrap();
    // The request and the answer of Echo look the same on the wire.
    DynamicMessage::decode(found.route.rpc.method.output(), request.wire).unwrap()
}

fn write(message: &DynamicMessage) -> Json {
    let found = find(Method::POST, "/echo");
    let request = found.route.plan.request(&[], None, b"", None).unwrap();
    let wire = message.encode_to_vec();
    let body = found.route.plan.response(&request, &wire).unwrap().body;
    serde_json::from_slice(&body).unwrap()
}

fn oracle(thing: &Json) -> DynamicMessage {
    let output = find(Method::POST, "/echo").route.rpc.method.output();
    let message = DynamicMessage::deserialize(output.clone(), json!({ "thing": thing })).unwrap();
    // As it looks after the wire, where a default value is no value.
    DynamicMessage::decode(output, message.encode_to_vec().as_slice()).unwrap()
}

/// An answer as it can be sent back.
fn without_output_only(mut data: Json) -> Json {
    fn clean(value: &mut Json) {
        if let Some(object) = value.as_object_mut() {
            object.remove("id");
            object.values_mut().for_each(clean);
        }
    }
    let object = data.as_object_mut().unwrap();
    for name in ["madeByUs", "any"] {
        if object[name].is_null() || name == "madeByUs" {
            object.remove(name);
        }
    }
    clean(&mut object["inner"]);
    for inner in object["inners"].as_array_mut().unwrap() {
        clean(inner);
    }
    object["numbered"].as_object_mut().unwrap().values_mut().for_each(clean);
    data
}

/// Not by `Debug`: prost-reflect prints a recursive message without end.
fn same(ours: &DynamicMessage, theirs: &DynamicMessage) -> Result<(), TestCaseError> {
    let json = |message| serde_json::to_string(message).unwrap();
    prop_assert!(ours == theirs, "ours:   {}\ntheirs: {}", json(ours), json(theirs));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reads_what_prost_reflect_reads(thing in thing()) {
        same(&read(thing.to_string().as_bytes()), &oracle(&thing))?;
    }

    #[test]
    fn reads_what_prost_reflect_writes(thing in thing()) {
        let message = oracle(&thing);
        let json = serde_json::to_value(&message).unwrap();
        same(&read(json["thing"].to_string().as_bytes()), &message)?;
    }

    #[test]
    fn reads_what_it_writes(mut thing in thing()) {
        // Milliseconds only.
        if let Some(at) = thing.get("at").and_then(Json::as_str) {
            thing["at"] = json!(format!("{}Z", &at[..19]));
        }
        let any_is_null = thing.get("any") == Some(&Json::Null);
        prop_assume!(!any_is_null);
        let message = oracle(&thing);
        let data = without_output_only(write(&message)["data"].take());
        same(&read(data.to_string().as_bytes()), &message)?;
    }

    #[test]
    fn numbers_stand_on_the_wire_as_prost_reflect_has_them(scalars in scalars()) {
        let found = find(Method::POST, "/scalars");
        let request = found.route.plan.request(&[], None, scalars.to_string().as_bytes(), None).unwrap();
        let message = found.route.rpc.method.input();
        let ours = DynamicMessage::decode(message.clone(), request.wire.clone()).unwrap();
        let theirs = DynamicMessage::deserialize(message.clone(), json!({ "scalars": scalars })).unwrap();
        let theirs = theirs.encode_to_vec();
        same(&ours, &DynamicMessage::decode(message, theirs.as_slice()).unwrap())?;
        for wire in [request.wire.to_vec(), theirs] {
            let body = found.route.plan.response(&request, &wire).unwrap().body;
            prop_assert_eq!(&serde_json::from_slice::<Json>(&body).unwrap()["data"], &scalars);
        }
    }

    #[test]
    fn merges_as_prost_reflect_does(one in thing(), other in thing()) {
        let found = find(Method::POST, "/echo");
        let request = found.route.plan.request(&[], None, b"", None).unwrap();
        let body = |wire: &[u8]| String::from_utf8(found.route.plan.response(&request, wire).unwrap().body).unwrap();
        let wire = [oracle(&one).encode_to_vec(), oracle(&other).encode_to_vec()].concat();
        let merged = DynamicMessage::decode(found.route.rpc.method.output(), wire.as_slice()).unwrap();
        prop_assert_eq!(body(&wire), body(&merged.encode_to_vec()));
    }

    #[test]
    fn no_bytes_panic(input in vec(any::<u8>(), 0..80), start in prop_oneof![
        Just("POST\n/echo\n\n"), Just("GET\n/things\n"), Just("PATCH\n/things/"), Just("POST\n/whole/"), Just("GET\n/"), Just("")
    ]) {
        let mut bytes = start.as_bytes().to_vec();
        bytes.extend(input);
        fuzzing::exercise(&TABLE, &bytes);
    }

    #[test]
    fn no_text_panics(path in "(/|v1|open|contacts|chatbots|schema|mantisid|a|%2F|%2e|%|:bulk|:|ü){0,12}",
        query in "([a-zA-Z]{1,4}|limit|tag|customFields|[.=&%+]|%ff){0,8}",
        body in "([{}\\[\\]\",:]|\"tags\":|\"email\":|\"customFields\":|null|1|\"a\"){0,12}") {
        static BUILT_IN: std::sync::LazyLock<Table> = std::sync::LazyLock::new(crate::routes::tests::built_in);
        for method in ["GET", "POST", "PATCH"] {
            fuzzing::exercise(&BUILT_IN, format!("{method}\n/v1/open/contacts{path}\n{query}\n{body}").as_bytes());
        }
    }
}
