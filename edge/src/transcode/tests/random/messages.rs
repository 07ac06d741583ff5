//! Random messages of a descriptor. In the contract's JSON some messages look like others: those are not made.

use std::cell::Cell;
use std::collections::HashMap;

use prost::Message;
use prost_reflect::{
    DescriptorPool, DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey, MessageDescriptor,
    ReflectMessage, Value,
};

use super::Random;
use crate::transcode::schema::Dialect;

/// How deep messages nest.
const DEPTH: usize = 3;

/// What a `google.protobuf.Any` holds besides messages of our own. Not `Empty`, which prost-reflect writes with a
/// `value`, unlike the conformance suite of protobuf.
const IN_ANY: [&str; 6] = ["Timestamp", "Duration", "StringValue", "Int64Value", "Struct", "FieldMask"];

pub(super) struct Messages<'p> {
    pool: &'p DescriptorPool,
    dialect: Dialect,
    /// The bytes of a message in an `Any` are compared as they are, and entries of a map can stand in many ways.
    in_any: Cell<bool>,
}

impl Messages<'_> {
    pub(super) fn new(pool: &DescriptorPool, dialect: Dialect) -> Messages<'_> {
        Messages { pool, dialect, in_any: Cell::new(false) }
    }

    pub(super) fn make(&self, descriptor: &MessageDescriptor, random: &mut Random) -> DynamicMessage {
        self.message(descriptor, random, DEPTH)
    }

    fn message(&self, descriptor: &MessageDescriptor, random: &mut Random, depth: usize) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        let name = descriptor.full_name();
        if let Some(name) = name.strip_prefix("google.protobuf.") {
            self.well_known(&mut message, name, random, depth);
            return message;
        }
        let fields: Vec<FieldDescriptor> = descriptor.fields().collect();
        for _ in 0..random.below(if depth == DEPTH { 7 } else { 4 }) {
            let field = random.pick(&fields);
            if let Some(value) = self.field(field, random, depth) {
                message.set_field(field, value);
            }
        }
        message
    }

    fn field(&self, field: &FieldDescriptor, random: &mut Random, depth: usize) -> Option<Value> {
        let value = if field.is_map() {
            let Kind::Message(entry) = field.kind() else { return None };
            let (key, value) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
            let mut map = HashMap::new();
            for _ in 0..self.entries(random) {
                if let Some(value) = self.value(&value, random, depth) {
                    map.insert(self.key(&key, random), value);
                }
            }
            Value::Map(map)
        } else if field.is_list() {
            let count = 1 + random.below(3);
            Value::List((0..count).filter_map(|_| self.value(&field.kind(), random, depth)).collect())
        } else {
            self.value(&field.kind(), random, depth)?
        };
        // Set to its default, a field without presence is one that is not set.
        (field.supports_presence() || field.default_value() != value).then_some(value)
    }

    fn entries(&self, random: &mut Random) -> usize {
        if self.in_any.get() { 0 } else { 1 + random.below(3) }
    }

    fn key(&self, kind: &Kind, random: &mut Random) -> MapKey {
        match self.value(kind, random, 0) {
            Some(Value::Bool(key)) => MapKey::Bool(key),
            Some(Value::I32(key)) => MapKey::I32(key),
            Some(Value::I64(key)) => MapKey::I64(key),
            Some(Value::U32(key)) => MapKey::U32(key),
            Some(Value::U64(key)) => MapKey::U64(key),
            Some(Value::String(key)) => MapKey::String(key),
            other => panic!("{other:?} is no key"),
        }
    }

    /// `None` where messages nest too deeply.
    fn value(&self, kind: &Kind, random: &mut Random, depth: usize) -> Option<Value> {
        let bits = if random.once_in(3) { random.next() } else { random.next() >> random.below(64) };
        Some(match kind {
            Kind::Bool => Value::Bool(bits & 1 == 1),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(bits as i32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(bits.cast_signed()),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(bits as u32),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(bits),
            Kind::Float => Value::F32(self.double(random) as f32),
            Kind::Double => Value::F64(self.double(random)),
            Kind::String => Value::String(text(random)),
            Kind::Bytes => Value::Bytes((0..random.below(6)).map(|_| random.next() as u8).collect()),
            Kind::Enum(descriptor) => Value::EnumNumber(self.enumeration(descriptor, random)),
            Kind::Message(descriptor) => {
                Value::Message(self.message(descriptor, random, depth.checked_sub(1)?))
            }
        })
    }

    /// No NaN, which equals nothing, and no negative zero, which equals the other one.
    fn double(&self, random: &mut Random) -> f64 {
        match random.below(6) {
            0 => random.next() as i32 as f64,
            1 => random.below(1_000) as f64 / 8.0,
            // A `float` may hold it.
            2 => f64::from(f32::from_bits(random.next() as u32 & 0x7f7f_ffff)),
            3 if self.dialect == Dialect::Proto3 => *random.pick(&[f64::INFINITY, f64::NEG_INFINITY]),
            4 => 10_f64.powi(random.below(60) as i32 - 30),
            _ => -0.1,
        }
    }

    fn enumeration(&self, descriptor: &EnumDescriptor, random: &mut Random) -> i32 {
        let known: Vec<i32> = descriptor.values().map(|value| value.number()).collect();
        match self.dialect {
            Dialect::Proto3 if random.once_in(4) => random.next() as i32,
            Dialect::Proto3 => *random.pick(&known),
            // Not the one that stands for unset.
            Dialect::Contract => {
                let known: Vec<i32> = known.into_iter().filter(|number| *number != 0).collect();
                *random.pick(&known)
            }
        }
    }

    fn well_known(&self, message: &mut DynamicMessage, name: &str, random: &mut Random, depth: usize) {
        match name {
            "Timestamp" => {
                let span = 253_402_300_799 + 62_135_596_800_u64;
                let seconds = (random.next() % span).cast_signed() - 62_135_596_800;
                // The contract has milliseconds.
                let unit = if self.dialect == Dialect::Contract { 1_000_000 } else { unit(random) };
                set(message, 1, Value::I64(seconds));
                set(message, 2, Value::I32(random.below(1_000_000_000 / unit) as i32 * unit as i32));
            }
            "Duration" => {
                let sign = if random.once_in(2) { 1 } else { -1 };
                let seconds = (random.next() % 315_576_000_000) >> random.below(40);
                let unit = unit(random);
                set(message, 1, Value::I64(sign * seconds.cast_signed()));
                let nanos = random.below(1_000_000_000 / unit) as i32 * unit as i32;
                set(message, 2, Value::I32(sign as i32 * nanos));
            }
            "FieldMask" => {
                let paths = ["name", "rate_limits", "rate_limits.per_minute", "a", "x_y_z.b"];
                let paths = (0..random.below(3)).map(|_| Value::String((*random.pick(&paths)).to_owned()));
                set(message, 1, Value::List(paths.collect()));
            }
            "Struct" => {
                let mut map = HashMap::new();
                for _ in 0..self.entries(random) {
                    map.insert(MapKey::String(text(random)), self.any_json(random, depth));
                }
                set(message, 1, Value::Map(map));
            }
            "ListValue" => {
                let values = (0..random.below(3)).map(|_| self.any_json(random, depth)).collect();
                set(message, 1, Value::List(values));
            }
            "Value" => {
                let kind = if depth == 0 { random.below(4) } else { random.below(6) };
                let value = match kind {
                    0 => Value::EnumNumber(0),
                    1 => Value::F64(self.finite(random)),
                    2 => Value::String(text(random)),
                    3 => Value::Bool(random.once_in(2)),
                    4 => self.nested("google.protobuf.Struct", random, depth),
                    _ => self.nested("google.protobuf.ListValue", random, depth),
                };
                // A oneof: its members have presence.
                message.set_field_by_number(kind as u32 + 1, value);
            }
            "Any" => {
                let name = match random.below(2) {
                    0 => format!("r.M{}", random.below(4)),
                    _ => format!("google.protobuf.{}", random.pick(&IN_ANY)),
                };
                if depth > 0 {
                    let descriptor = self.pool.get_message_by_name(&name).unwrap();
                    let was_in_any = self.in_any.replace(true);
                    let inner = self.message(&descriptor, random, depth - 1);
                    self.in_any.set(was_in_any);
                    set(message, 1, Value::String(format!("type.googleapis.com/{name}")));
                    set(message, 2, Value::Bytes(inner.encode_to_vec().into()));
                } else {
                    // One without a type holds nothing, and prost-reflect has no JSON for it.
                    set(
                        message,
                        1,
                        Value::String("type.googleapis.com/google.protobuf.StringValue".to_owned()),
                    );
                }
            }
            "Empty" => {}
            // Wrappers. prost-reflect has no JSON for one of a number that is none.
            _ => {
                let kind = message.descriptor().get_field(1).unwrap().kind();
                match self.value(&kind, random, 0) {
                    Some(Value::F32(number)) if !number.is_finite() => {}
                    Some(Value::F64(number)) if !number.is_finite() => {}
                    Some(value) => set(message, 1, value),
                    None => {}
                }
            }
        }
    }

    fn any_json(&self, random: &mut Random, depth: usize) -> Value {
        self.nested("google.protobuf.Value", random, depth.saturating_sub(1))
    }

    fn nested(&self, name: &str, random: &mut Random, depth: usize) -> Value {
        let descriptor = self.pool.get_message_by_name(name).unwrap();
        Value::Message(self.message(&descriptor, random, depth.saturating_sub(1)))
    }

    fn finite(&self, random: &mut Random) -> f64 {
        let number = self.double(random);
        if number.is_finite() { number } else { 0.5 }
    }
}

/// Sets a field, unless that says nothing.
fn set(message: &mut DynamicMessage, number: u32, value: Value) {
    let field = message.descriptor().get_field(number).unwrap();
    if field.default_value() != value {
        message.set_field(&field, value);
    }
}

/// The nanoseconds of a digit.
fn unit(random: &mut Random) -> usize {
    *random.pick(&[1, 1_000, 1_000_000, 500_000_000])
}

fn text(random: &mut Random) -> String {
    const PARTS: [&str; 12] = [
        "a",
        "text ",
        "\"",
        "\\",
        "\n",
        "\u{0}",
        "\u{7f}",
        "ü",
        "😀",
        "\u{2028}",
        "/",
        "longer than eight bytes",
    ];
    (0..random.below(5)).map(|_| *random.pick(&PARTS)).collect()
}
