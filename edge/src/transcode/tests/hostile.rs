//! What nobody sends by mistake: descriptors, JSON and wire bytes that mean harm are told apart from good ones, in
//! bounded memory.

use prost::Message;
use prost_reflect::DescriptorPool;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet};
use svc_core::json::MAX_DEPTH;
use svc_core::policy;
use svc_core::wire::Writer;

use super::pool;
use crate::fuzzing::Codec;
use crate::routes::{Dialect, Table};

const DIALECTS: [Dialect; 2] = [Dialect::Contract, Dialect::Proto3];

fn field(name: &str, number: i32, of: Type, type_name: &str) -> FieldDescriptorProto {
    let mut field = FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        type_name: Some(type_name.to_owned()).filter(|name| !name.is_empty()),
        ..FieldDescriptorProto::default()
    };
    field.set_type(of);
    field.set_label(Label::Optional);
    field
}

fn file(package: &str, syntax: &str, messages: Vec<DescriptorProto>) -> FileDescriptorProto {
    FileDescriptorProto {
        name: Some(format!("{package}.proto")),
        package: Some(package.to_owned()),
        syntax: Some(syntax.to_owned()),
        message_type: messages,
        ..FileDescriptorProto::default()
    }
}

fn message(name: &str, field: Vec<FieldDescriptorProto>) -> DescriptorProto {
    DescriptorProto { name: Some(name.to_owned()), field, ..DescriptorProto::default() }
}

/// Why there is no JSON of `name`; empty when there is.
fn refusal(files: Vec<FileDescriptorProto>, name: &str, dialect: Dialect) -> String {
    let set = FileDescriptorSet { file: files }.encode_to_vec();
    match DescriptorPool::decode(set.as_slice()) {
        Ok(pool) => Codec::of(&pool, name, dialect).err().unwrap_or_default(),
        Err(e) => format!("no pool: {e}"),
    }
}

#[test]
fn descriptors_that_json_cannot_tell_apart_or_say() {
    let group = |mut one: DescriptorProto| {
        one.nested_type.push(message("G", Vec::new()));
        one
    };
    let json_name = |name: &str, number: i32, json: &str| FieldDescriptorProto {
        json_name: Some(json.to_owned()),
        ..field(name, number, Type::Bool, "")
    };
    let wrapper = |fields| file("google.protobuf", "proto3", vec![message("StringValue", fields)]);
    let m = |fields| file("m", "proto3", vec![message("M", fields)]);
    let cases = [
        (
            file("m", "proto2", vec![group(message("M", vec![field("g", 1, Type::Group, ".m.M.G")]))]),
            "m.M",
            "m.M.g: a group has no form in JSON here: make it a field of a message type",
            "m.M.g: a group has no form in JSON here: make it a field of a message type",
        ),
        // A name of the proto is one of JSON, too, outside of the contract.
        (
            m(vec![field("a_b", 1, Type::Bool, ""), json_name("x", 2, "a_b")]),
            "m.M",
            "",
            "m.M: `x` and `a_b` are both `a_b` in JSON",
        ),
        (
            wrapper(vec![field("value", 1, Type::Message, ".google.protobuf.StringValue")]),
            "google.protobuf.StringValue",
            "google.protobuf.StringValue: it has not the one field that protobuf's own has",
            "google.protobuf.StringValue: it has not the one field that protobuf's own has",
        ),
        (
            wrapper(Vec::new()),
            "google.protobuf.StringValue",
            "google.protobuf.StringValue: it has not the one field that protobuf's own has",
            "google.protobuf.StringValue: it has not the one field that protobuf's own has",
        ),
        // One that holds itself is as good as any.
        (m(vec![field("m", 1, Type::Message, ".m.M")]), "m.M", "", ""),
    ];
    for (file, name, contract, proto3) in cases {
        for (dialect, expected) in DIALECTS.into_iter().zip([contract, proto3]) {
            assert_eq!(refusal(vec![file.clone()], name, dialect), expected, "{name} {dialect:?}");
        }
    }
    // Nor do imports in a circle harm anybody.
    let importing = |name: &str, other: &str| FileDescriptorProto {
        dependency: vec![format!("{other}.proto")],
        ..file(name, "proto3", vec![message("M", Vec::new())])
    };
    assert_eq!(refusal(vec![importing("a", "b"), importing("b", "a")], "a.M", Dialect::Contract), "");
    // What is no descriptor set at all is refused where it is decoded.
    let twice = m(vec![json_name("a", 1, "x"), json_name("b", 2, "x")]);
    let nested = (0..200).fold(message("M", Vec::new()), |inner, _| DescriptorProto {
        nested_type: vec![inner],
        ..message("M", Vec::new())
    });
    for (what, files) in [
        ("one name in JSON twice", vec![twice]),
        ("a type that is not there", vec![m(vec![field("x", 1, Type::Message, ".m.Nope")])]),
        ("types in one another", vec![file("m", "proto3", vec![nested])]),
    ] {
        let refused = refusal(files, "m.M", Dialect::Contract);
        assert!(refused.starts_with("no pool: "), "{what}: {refused}");
    }
}

#[test]
fn a_descriptor_set_that_is_cut_off_anywhere_is_refused() {
    let whole = keyward_proto::DESCRIPTOR_SET;
    for cut in (0..whole.len()).step_by(whole.len() / 50) {
        if let Ok(pool) = DescriptorPool::decode(&whole[..cut]) {
            // Cut between two files, or before the first.
            let built = Table::build(&pool, &["keyward.contacts.v1.ContactService"]);
            assert!(built.is_err(), "{cut}");
        }
    }
    assert!(policy::built_in_descriptors().is_ok());
}

#[test]
fn ten_thousand_fields_cost_what_is_sent_of_them() {
    let mut fields: Vec<_> =
        (1..=10_000).map(|n| field(&format!("field_{n}"), n * 5 + 20_000, Type::Int32, "")).collect();
    let mut list = field("list", 1, Type::Message, ".m.M");
    list.set_label(Label::Repeated);
    fields.push(list);
    let set = FileDescriptorSet { file: vec![file("m", "proto3", vec![message("M", fields)])] };
    let pool = DescriptorPool::decode(set.encode_to_vec().as_slice()).unwrap();
    let codecs = DIALECTS.map(|dialect| Codec::of(&pool, "m.M", dialect).unwrap());
    let objects = format!(r#"{{"field9999": 1, "list": [{}{{"field1": 7}}]}}"#, "{}, ".repeat(100_000));
    for codec in &codecs {
        let wire = codec.to_wire(objects.as_bytes()).unwrap();
        assert!(wire.len() < 300_000);
        let twice = codec.to_wire(br#"{"field9999": 1, "list": [], "field9999": 2}"#);
        assert_eq!(twice.unwrap_err(), "`field9999` appears twice.");
    }
    // Every field of every element would be 10 GB: the contract's answer ends at its bound.
    let wire = codecs[0].to_wire(objects.as_bytes()).unwrap();
    assert_eq!(codecs[0].to_json(&wire), None);
    assert!(codecs[1].to_json(&wire).unwrap().ends_with(r#"{},{"field1":7}]}"#));
}

#[test]
fn json_that_is_none_or_too_much() {
    let pool = pool(include_str!("conformance.proto"));
    let deep =
        |open: &str, close: &str, depth: usize| format!("{}{}", open.repeat(depth), close.repeat(depth));
    let messages = |depth: usize| {
        format!("{}{{}}{}", r#"{"optionalNestedMessage":{"corecursive":"#.repeat(depth), "}}".repeat(depth))
    };
    let anys = |depth: usize| {
        let open = r#"{"@type":"x/google.protobuf.Any","value":"#;
        let inner = r#"{"@type":"x/google.protobuf.Empty"}"#;
        format!(r#"{{"optionalAny":{}{inner}{}}}"#, open.repeat(depth), "}".repeat(depth))
    };
    for dialect in DIALECTS {
        let codec = Codec::of(&pool, "acme.v1.All", dialect).unwrap();
        for (json, why) in [
            (r#"{"optionalDouble": NaN}"#.to_owned(), "a value is expected, line 1 column 20"),
            (r#"{"optionalDouble": 1e999}"#.to_owned(), "`optionalDouble` is too large."),
            (r#"{"optionalFloat": -1e39}"#.to_owned(), "`optionalFloat` is too large."),
            (r#"{"optionalValue": 1e999}"#.to_owned(), "`optionalValue` is too large."),
            (r#"{"optionalInt32": 1e999}"#.to_owned(), "`optionalInt32` must be between"),
            (r#"{"optionalString": "\ud800"}"#.to_owned(), "a `\\u` escape is malformed"),
            (r#"{"optionalString": "\udc00\ud800"}"#.to_owned(), "a surrogate stands alone"),
            (r#"{"\ud800": 1}"#.to_owned(), "a `\\u` escape is malformed"),
            (r#"{"optionalValue": {"a": 1, "\u0061": 2}}"#.to_owned(), "`optionalValue.a` appears twice."),
            (r#"{"optionalInt32": 1, "optional_int32": 2}"#.to_owned(), "`optional_int32`"),
            (deep("[", "]", 1_000_000), "expected"),
            (format!(r#"{{"nope": {}}}"#, deep("[", "]", 100_000)), "it is nested too deeply"),
            (format!(r#"{{"optionalValue": {}}}"#, deep("[", "]", 31)), "is nested too deeply"),
            (messages(MAX_DEPTH), "it is nested too deeply"),
            (anys(9), "is nested too deeply"),
            (
                r#"{"optionalAny": {"@type": 1}}"#.to_owned(),
                "`optionalAny.@type` must be the URL of a message type.",
            ),
            (
                r#"{"optionalAny": {"@type": "x/a.B"}}"#.to_owned(),
                "names no message that is known here: x/a.B",
            ),
        ] {
            let refused = codec.to_wire(json.as_bytes()).unwrap_err();
            assert!(refused.contains(why), "{dialect:?} {:.60}: {refused}", json);
        }
        let refused = codec.to_wire(b"{\"optionalString\": \"\xff\"}").unwrap_err();
        assert!(refused.contains("invalid UTF-8, line 1 column 21"), "{refused}");
        assert!(codec.to_wire(messages(20).as_bytes()).is_ok() && codec.to_wire(anys(6).as_bytes()).is_ok());
    }
}

#[test]
fn wire_bytes_that_are_no_message() {
    let pool = pool(include_str!("conformance.proto"));
    // `optional_nested_message` is 18, and in it `corecursive` is 2.
    let nested = |levels: usize| {
        let mut out = Writer::default();
        let mut opened = Vec::new();
        for _ in 0..levels {
            opened.extend([out.open(18), out.open(2)]);
        }
        while let Some(open) = opened.pop() {
            out.close(open);
        }
        out.finish()
    };
    let bad: &[(&str, &[u8])] = &[
        ("a key without a value", b"\x08"),
        ("a varint that does not end", b"\x08\xff\xff"),
        ("a varint of 11 bytes", b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        ("a key of 11 bytes", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        ("field 0", b"\x00\x01"),
        ("wire type 6", b"\x0e\x01"),
        ("wire type 7", b"\x0f\x01"),
        ("a length past the end", b"\x72\x05ab"),
        ("a length of 2^63", b"\x72\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
        ("four bytes cut off", b"\x5d\x00\x00"),
        ("eight bytes cut off", b"\x61\x00\x00\x00\x00"),
        ("a text for a number", b"\x0a\x01a"),
        ("a number for a text", b"\x70\x01"),
        ("a varint for a float", b"\x58\x01"),
        ("a number for a message", b"\x90\x01\x01"),
        ("invalid UTF-8", b"\x72\x02\xff\xfe"),
        ("half a surrogate", b"\x72\x03\xed\xa0\x80"),
        ("a packed list cut off", b"\xfa\x01\x02\x01\xff"),
        ("an entry of a map cut off", b"\xc2\x03\x02\x08\xff"),
        ("a group that does not end", b"\x0b\x08\x01"),
        ("a group that ends otherwise", b"\x0b\x14"),
        ("the end of a group", b"\x0c"),
    ];
    for dialect in DIALECTS {
        let codec = Codec::of(&pool, "acme.v1.All", dialect).unwrap();
        for (what, wire) in bad {
            assert_eq!(codec.to_json(wire), None, "{dialect:?}: {what}");
        }
        assert!(codec.to_json(&nested(40)).is_some());
        assert_eq!(codec.to_json(&nested(60)), None);
        let groups = [vec![0x0b; 10_000], vec![0x0c; 10_000]].concat();
        assert_eq!(codec.to_json(&groups), None);
        // Unknown fields and groups that are whole are passed over.
        assert!(codec.to_json(b"\xf8\x7f\x01\x0b\x08\x01\x0c").is_some());
    }
}

#[test]
fn what_a_message_must_have_is_asked_for() {
    let mut required = field("needed", 1, Type::Int32, "");
    required.set_label(Label::Required);
    let inner = field("inner", 2, Type::Message, ".m.M");
    let set =
        FileDescriptorSet { file: vec![file("m", "proto2", vec![message("M", vec![required, inner])])] };
    let pool = DescriptorPool::decode(set.encode_to_vec().as_slice()).unwrap();
    for dialect in DIALECTS {
        let codec = Codec::of(&pool, "m.M", dialect).unwrap();
        assert_eq!(codec.to_wire(b"{}").unwrap_err(), "`needed` is required.");
        let refused = codec.to_wire(br#"{"needed": 1, "inner": {"needed": null}}"#).unwrap_err();
        assert_eq!(refused, "`inner.needed` is required.");
        assert_eq!(codec.to_wire(br#"{"needed": 0}"#).unwrap(), [8, 0]);
    }
}
