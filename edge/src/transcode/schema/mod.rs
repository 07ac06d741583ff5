//! What JSON needs to know of messages and enums, read from their descriptors at start.

//!
//! `build` reads them, `enums` has the enums, `names` finds fields.

mod build;
mod enums;
mod names;

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, FieldDescriptor, MessageDescriptor};
use svc_core::policy::PolicyError;

pub(crate) use self::enums::Enum;
use self::names::{Names, Numbers};
use super::encoding::Encoding;

/// Which JSON a service speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Keyward's contract (API.md, 3): every field is there, enums have no prefix, times have milliseconds;
    /// answers stand in an envelope, and what a client sends is taken strictly.
    Contract,
    /// Protobuf's own JSON (<https://protobuf.dev/programming-guides/json/>), without an envelope. Unknown
    /// fields and doubled names are refused all the same.
    Proto3,
}

/// All messages and enums that some messages reach.
///
/// Nothing that holds a descriptor has `Debug`: prost-reflect prints a recursive message without end.
pub(crate) struct Schema {
    pub(crate) dialect: Dialect,
    messages: Vec<Message>,
    enums: Vec<Enum>,
    ids: HashMap<String, MessageId>,
}

/// A message of a [`Schema`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MessageId(usize);

/// An enum of a [`Schema`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EnumId(usize);

/// A message.
pub(crate) struct Message {
    pub(crate) descriptor: MessageDescriptor,
    pub(crate) form: Form,
    /// In the order of the proto file.
    pub(crate) fields: Vec<Field>,
    by_name: Names<usize>,
    by_number: Numbers,
    /// The fields that every message must have (proto2).
    pub(crate) required: Vec<usize>,
    /// How many groups it has of which one field is set at most.
    pub(crate) oneofs: usize,
}

/// How a message looks in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// An object with its fields.
    Fields,
    /// `google.protobuf.Timestamp`: a string.
    Timestamp,
    /// `google.protobuf.Duration`: a string.
    Duration,
    /// `google.protobuf.FieldMask`: a string.
    FieldMask,
    /// `google.protobuf.Struct`: any object.
    Struct,
    /// `google.protobuf.Value`: any JSON.
    Value,
    /// `google.protobuf.ListValue`: any array.
    ListValue,
    /// `google.protobuf.StringValue` and its like: the value.
    Wrapper,
    /// `google.protobuf.Any`: the message in it, with its type as `@type`.
    Any,
}

/// A field of a message.
pub(crate) struct Field {
    pub(crate) descriptor: FieldDescriptor,
    pub(crate) number: u32,
    /// Its name in JSON.
    pub(crate) json: String,
    /// `"name":`, as it is written.
    pub(crate) key: Vec<u8>,
    pub(crate) shape: Shape,
    /// The type of the field, or of each element or map value.
    pub(crate) kind: Kind,
    /// How it looks, if it is a message.
    pub(crate) form: Option<Form>,
    /// How one value stands on the wire, …
    pub(crate) encoding: Encoding,
    /// … and a key, in a map.
    pub(crate) key_encoding: Encoding,
    /// The numbers of a list stand in one field.
    pub(crate) packed: bool,
    /// Unset is something else than the default value.
    pub(crate) presence: bool,
    /// `null` is a value of it.
    pub(crate) keeps_null: bool,
    /// The `oneof` it is in, unless that stands for `optional`.
    pub(crate) oneof: Option<usize>,
    pub(crate) output_only: bool,
    pub(crate) opaque: bool,
    pub(crate) through_day: bool,
    pub(crate) ranged: bool,
    /// Left out of the contract's JSON while it has no elements.
    pub(crate) omit_empty: bool,
}

/// How many values a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    One,
    List,
    /// A map with keys of this type.
    Map(Kind),
}

/// The type of a value, as JSON sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Float,
    Double,
    String,
    Bytes,
    Enum(EnumId),
    Message(MessageId),
}

impl Schema {
    /// The schema of these messages and of all that they hold. It refuses what JSON cannot tell apart or say.
    pub(crate) fn of(
        pool: &DescriptorPool,
        roots: impl IntoIterator<Item = MessageDescriptor>,
        dialect: Dialect,
    ) -> Result<Schema, PolicyError> {
        build::Build::new(pool, dialect).schema(pool, roots)
    }

    pub(crate) fn id(&self, descriptor: &MessageDescriptor) -> Option<MessageId> {
        self.named(descriptor.full_name())
    }

    /// The message with this full name.
    pub(crate) fn named(&self, full_name: &str) -> Option<MessageId> {
        self.ids.get(full_name).copied()
    }

    pub(crate) fn message(&self, id: MessageId) -> &Message {
        &self.messages[id.0]
    }

    pub(crate) fn enumeration(&self, id: EnumId) -> &Enum {
        &self.enums[id.0]
    }

    /// Whether it speaks the contract's JSON.
    pub(crate) fn is_contract(&self) -> bool {
        self.dialect == Dialect::Contract
    }
}

impl Message {
    /// The field with this name in JSON. `guess` is tried first.
    pub(crate) fn position(&self, name: &str, guess: usize) -> Option<usize> {
        match self.fields.get(guess) {
            Some(field) if field.json == name => Some(guess),
            _ => self.by_name.find(name),
        }
    }

    /// The field with this number.
    pub(crate) fn numbered(&self, number: u32) -> Option<u32> {
        self.by_number.find(number)
    }

    /// The field with this name in the proto.
    pub(crate) fn named(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|f| f.descriptor.name() == name)
    }
}

impl Form {
    fn of(descriptor: &MessageDescriptor) -> Form {
        match descriptor.full_name().strip_prefix("google.protobuf.") {
            Some("Timestamp") => Form::Timestamp,
            Some("Duration") => Form::Duration,
            Some("FieldMask") => Form::FieldMask,
            Some("Struct") => Form::Struct,
            Some("Value") => Form::Value,
            Some("ListValue") => Form::ListValue,
            Some("Any") => Form::Any,
            Some(
                "BoolValue" | "Int32Value" | "Int64Value" | "UInt32Value" | "UInt64Value" | "FloatValue"
                | "DoubleValue" | "StringValue" | "BytesValue",
            ) => Form::Wrapper,
            _ => Form::Fields,
        }
    }
}
