//! Random descriptors: fields of every type, with and without presence, lists packed and not, maps, oneofs,
//! enums, messages that hold each other and themselves, and all well-known types.

use prost_reflect::{DescriptorPool, MessageDescriptor};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto, FieldOptions,
    FileDescriptorProto, MessageOptions, OneofDescriptorProto,
};

use super::Random;
use crate::transcode::schema::Dialect;

const SCALARS: [Type; 15] = [
    Type::Double,
    Type::Float,
    Type::Int64,
    Type::Uint64,
    Type::Int32,
    Type::Fixed64,
    Type::Fixed32,
    Type::Bool,
    Type::String,
    Type::Bytes,
    Type::Uint32,
    Type::Sfixed32,
    Type::Sfixed64,
    Type::Sint32,
    Type::Sint64,
];

const KEYS: [Type; 12] = [
    Type::Int64,
    Type::Uint64,
    Type::Int32,
    Type::Fixed64,
    Type::Fixed32,
    Type::Bool,
    Type::String,
    Type::Uint32,
    Type::Sfixed32,
    Type::Sfixed64,
    Type::Sint32,
    Type::Sint64,
];

const WELL_KNOWN: [&str; 17] = [
    "Any",
    "BoolValue",
    "BytesValue",
    "DoubleValue",
    "Duration",
    "Empty",
    "FieldMask",
    "FloatValue",
    "Int32Value",
    "Int64Value",
    "ListValue",
    "StringValue",
    "Struct",
    "Timestamp",
    "UInt32Value",
    "UInt64Value",
    "Value",
];

const MESSAGES: usize = 4;
const ENUMS: usize = 2;

/// A pool with random messages `r.M0` to `r.M3`, and the first of them.
pub(super) fn make(random: &mut Random, dialect: Dialect) -> (DescriptorPool, MessageDescriptor) {
    let file = FileDescriptorProto {
        name: Some("random.proto".to_owned()),
        package: Some("r".to_owned()),
        syntax: Some("proto3".to_owned()),
        dependency: ["any", "duration", "empty", "field_mask", "struct", "timestamp", "wrappers"]
            .map(|name| format!("google/protobuf/{name}.proto"))
            .to_vec(),
        message_type: (0..MESSAGES).map(|number| message(random, number, dialect)).collect(),
        enum_type: (0..ENUMS).map(|number| enumeration(random, number)).collect(),
        ..FileDescriptorProto::default()
    };
    let mut pool = DescriptorPool::global();
    pool.add_file_descriptor_proto(file).unwrap();
    let root = pool.get_message_by_name("r.M0").unwrap();
    (pool, root)
}

fn message(random: &mut Random, number: usize, dialect: Dialect) -> DescriptorProto {
    let count = 3 + random.below(14);
    let oneofs = random.below(3);
    let mut message = DescriptorProto { name: Some(format!("M{number}")), ..DescriptorProto::default() };
    message.oneof_decl = (0..oneofs).map(|i| oneof(format!("choice{i}"))).collect();
    let mut number = 0;
    for at in 0..count {
        // With gaps, some of them large.
        number += if random.once_in(10) { 1 + random.below(100_000) } else { 1 + random.below(3) };
        if (19_000..20_000).contains(&number) {
            number = 20_000;
        }
        let mut field = field(random, &mut message, at, number as i32, oneofs);
        // In the contract's JSON a `Value` that is unset looks as one that is null.
        let is_value = field.type_name() == ".google.protobuf.Value" && field.label() == Label::Optional;
        if is_value && dialect == Dialect::Contract {
            field.type_name = Some(".google.protobuf.ListValue".to_owned());
        }
        message.field.push(field);
    }
    // A oneof without a field is none.
    let used: Vec<i32> = message.field.iter().filter_map(|f| f.oneof_index).collect();
    for index in 0..oneofs as i32 {
        if !used.contains(&index) {
            number += 1;
            let mut field = scalar(format!("alone{index}"), number as i32, Type::String);
            field.oneof_index = Some(index);
            message.field.push(field);
        }
    }
    // Those of `optional` come last.
    for field in &mut message.field {
        if field.proto3_optional() {
            field.oneof_index = Some(message.oneof_decl.len() as i32);
            message.oneof_decl.push(oneof(format!("_{}", field.name())));
        }
    }
    message
}

fn oneof(name: String) -> OneofDescriptorProto {
    OneofDescriptorProto { name: Some(name), ..OneofDescriptorProto::default() }
}

fn field(
    random: &mut Random,
    message: &mut DescriptorProto,
    at: usize,
    number: i32,
    oneofs: usize,
) -> FieldDescriptorProto {
    let name = match random.below(5) {
        0 => format!("f{at}"),
        1 => format!("some_field_{at}"),
        2 => format!("_{at}_some__field"),
        3 => format!("someField{at}"),
        _ => format!("SOME_{at}"),
    };
    let mut field = scalar(name.clone(), number, Type::Bool);
    any_type(random, &mut field);
    match random.below(8) {
        0 => field.proto3_optional = Some(true),
        1 | 2 => {
            field.set_label(Label::Repeated);
            let packed = !matches!(field.r#type(), Type::String | Type::Bytes | Type::Message);
            if packed && random.once_in(2) {
                field.options = Some(FieldOptions { packed: Some(false), ..FieldOptions::default() });
            }
        }
        3 => map(random, message, &mut field, at),
        4 | 5 if oneofs > 0 => field.oneof_index = Some(random.below(oneofs) as i32),
        _ => {}
    }
    if random.once_in(8) {
        field.json_name = Some(format!("a \"name\" \\ ü {at}"));
    }
    field
}

fn scalar(name: String, number: i32, of: Type) -> FieldDescriptorProto {
    let mut field =
        FieldDescriptorProto { name: Some(name), number: Some(number), ..FieldDescriptorProto::default() };
    field.set_label(Label::Optional);
    field.set_type(of);
    field
}

fn any_type(random: &mut Random, field: &mut FieldDescriptorProto) {
    match random.below(10) {
        0 => {
            field.set_type(Type::Enum);
            field.type_name = Some(format!(".r.E{}", random.below(ENUMS)));
        }
        1 | 2 => {
            field.set_type(Type::Message);
            field.type_name = Some(format!(".r.M{}", random.below(MESSAGES)));
        }
        3..6 => {
            field.set_type(Type::Message);
            field.type_name = Some(format!(".google.protobuf.{}", random.pick(&WELL_KNOWN)));
        }
        _ => field.set_type(*random.pick(&SCALARS)),
    }
}

fn map(random: &mut Random, message: &mut DescriptorProto, field: &mut FieldDescriptorProto, at: usize) {
    // The name of an entry follows from that of its field.
    field.name = Some(format!("map{at}"));
    let mut value = scalar("value".to_owned(), 2, field.r#type());
    value.type_name = field.type_name.take();
    message.nested_type.push(DescriptorProto {
        name: Some(format!("Map{at}Entry")),
        field: vec![scalar("key".to_owned(), 1, *random.pick(&KEYS)), value],
        options: Some(MessageOptions { map_entry: Some(true), ..MessageOptions::default() }),
        ..DescriptorProto::default()
    });
    field.set_label(Label::Repeated);
    field.set_type(Type::Message);
    field.type_name = Some(format!(".r.{}.Map{at}Entry", message.name()));
}

fn enumeration(random: &mut Random, number: usize) -> EnumDescriptorProto {
    // With the enum's prefix in front, and without.
    let prefix = if random.once_in(2) { format!("E{number}_") } else { format!("V{number}_") };
    let mut values = vec![(format!("{prefix}UNSPECIFIED"), 0)];
    for i in 1..2 + random.below(5) as i32 {
        values.push((format!("{prefix}VALUE_{i}"), if random.once_in(3) { -i * 1_000 } else { i }));
    }
    let value = |(name, number): (String, i32)| EnumValueDescriptorProto {
        name: Some(name),
        number: Some(number),
        ..EnumValueDescriptorProto::default()
    };
    EnumDescriptorProto {
        name: Some(format!("E{number}")),
        value: values.into_iter().map(value).collect(),
        ..EnumDescriptorProto::default()
    }
}
