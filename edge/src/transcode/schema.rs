//! What JSON needs to know of messages and enums, read from their descriptors at start.

use std::collections::HashMap;

use keyward_proto::policy::v1 as pb;
use prost_reflect::{
    DescriptorPool, EnumDescriptor, ExtensionDescriptor, FieldDescriptor, MessageDescriptor,
};
use svc_core::policy::{self, PolicyError};

/// `google.api.FieldBehavior.OUTPUT_ONLY`.
const OUTPUT_ONLY: i32 = 3;

/// All messages and enums that some messages reach.
///
/// Nothing that holds a descriptor has `Debug`: prost-reflect prints a recursive message without end.
pub(crate) struct Schema {
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
    by_json_name: HashMap<String, usize>,
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
}

/// A field of a message.
pub(crate) struct Field {
    pub(crate) descriptor: FieldDescriptor,
    /// Its name in JSON.
    pub(crate) json: String,
    /// `"name":`, as it is written.
    pub(crate) key: Vec<u8>,
    pub(crate) shape: Shape,
    /// The type of the field, or of each element or map value.
    pub(crate) kind: Kind,
    /// Unset is something else than the default value.
    pub(crate) presence: bool,
    /// The `oneof` it is in, unless that stands for `optional`.
    pub(crate) oneof: Option<usize>,
    pub(crate) output_only: bool,
    pub(crate) opaque: bool,
    pub(crate) through_day: bool,
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

/// An enum.
#[derive(Debug)]
pub(crate) struct Enum {
    /// Names with and without the prefix.
    by_name: HashMap<String, i32>,
    /// Names as they are written, sorted by number.
    names: Vec<(i32, String)>,
    /// The names that a client may send.
    pub(crate) legal: String,
}

impl Schema {
    /// The schema of these messages and of all that they hold.
    pub(crate) fn of(
        pool: &DescriptorPool,
        roots: impl IntoIterator<Item = MessageDescriptor>,
    ) -> Result<Schema, PolicyError> {
        let mut schema = Schema { messages: Vec::new(), enums: Vec::new(), ids: HashMap::new() };
        let mut build = Build {
            behavior: pool.get_extension_by_name("google.api.field_behavior"),
            field: pool.get_extension_by_name("keyward.policy.v1.field"),
            pending: Vec::new(),
            ids: HashMap::new(),
            enums: HashMap::new(),
        };
        for root in roots {
            build.message(&root);
        }
        let mut done = 0;
        while let Some(descriptor) = build.pending.get(done).cloned() {
            let message = build.read(descriptor, &mut schema.enums)?;
            schema.messages.push(message);
            done += 1;
        }
        schema.ids = build.ids;
        Ok(schema)
    }

    pub(crate) fn id(&self, descriptor: &MessageDescriptor) -> Option<MessageId> {
        self.ids.get(descriptor.full_name()).copied()
    }

    pub(crate) fn message(&self, id: MessageId) -> &Message {
        &self.messages[id.0]
    }

    pub(crate) fn enumeration(&self, id: EnumId) -> &Enum {
        &self.enums[id.0]
    }

    /// The form of a message type; `None` for other types.
    pub(crate) fn form(&self, kind: Kind) -> Option<Form> {
        match kind {
            Kind::Message(id) => Some(self.message(id).form),
            _ => None,
        }
    }
}

impl Message {
    /// The field with this name in JSON.
    pub(crate) fn position(&self, json: &str) -> Option<usize> {
        self.by_json_name.get(json).copied()
    }

    /// The field with this name in the proto.
    pub(crate) fn named(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|f| f.descriptor.name() == name)
    }

    /// The type of the field with this number: for well-known types, whose fields are known.
    pub(crate) fn kind_of(&self, number: u32) -> Option<Kind> {
        self.fields.iter().find(|f| f.descriptor.number() == number).map(|f| f.kind)
    }
}

impl Enum {
    /// The number of a name, with or without the prefix. `…_UNSPECIFIED` stands for unset and is no
    /// value that anyone sends.
    pub(crate) fn number(&self, name: &str) -> Option<i32> {
        self.by_name.get(name).copied()
    }

    /// The name of a number, without the prefix.
    pub(crate) fn name(&self, number: i32) -> Option<&str> {
        let at = self.names.binary_search_by_key(&number, |(n, _)| *n).ok()?;
        Some(&self.names[at].1)
    }

    fn of(descriptor: &EnumDescriptor) -> Enum {
        const UNSPECIFIED: &str = "_UNSPECIFIED";
        let values: Vec<(String, i32)> =
            descriptor.values().map(|v| (v.name().to_owned(), v.number())).collect();
        let zero = values
            .iter()
            .find(|(_, number)| *number == 0)
            .and_then(|(name, _)| name.strip_suffix(UNSPECIFIED));
        let prefix = zero.map_or_else(|| upper_snake(descriptor.name()), str::to_owned) + "_";

        let sent = values.iter().filter(|(name, number)| *number != 0 || !name.ends_with(UNSPECIFIED));
        let mut by_name: HashMap<String, i32> = sent.clone().cloned().collect();
        let mut names: Vec<(i32, String)> = Vec::new();
        for (name, number) in sent {
            let short =
                name.strip_prefix(&prefix).filter(|s| s.starts_with(|c: char| c.is_ascii_alphabetic()));
            // A short name that is another value's full name stays long.
            let short = short.filter(|s| by_name.get(*s).is_none_or(|n| n == number)).unwrap_or(name);
            by_name.insert(short.to_owned(), *number);
            if !names.iter().any(|(n, _)| n == number) {
                names.push((*number, short.to_owned()));
            }
        }
        let legal = names.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ");
        names.sort_by_key(|(number, _)| *number);
        Enum { by_name, names, legal }
    }
}

/// The types found so far, and the annotations to look for.
struct Build {
    behavior: Option<ExtensionDescriptor>,
    field: Option<ExtensionDescriptor>,
    pending: Vec<MessageDescriptor>,
    ids: HashMap<String, MessageId>,
    enums: HashMap<String, EnumId>,
}

impl Build {
    fn message(&mut self, descriptor: &MessageDescriptor) -> MessageId {
        if let Some(&id) = self.ids.get(descriptor.full_name()) {
            return id;
        }
        let id = MessageId(self.pending.len());
        self.pending.push(descriptor.clone());
        self.ids.insert(descriptor.full_name().to_owned(), id);
        id
    }

    fn read(&mut self, descriptor: MessageDescriptor, enums: &mut Vec<Enum>) -> Result<Message, PolicyError> {
        let oneofs: Vec<String> = descriptor.oneofs().map(|o| o.full_name().to_owned()).collect();
        let mut fields = Vec::new();
        // `descriptor.fields()` goes by number.
        for declared in &descriptor.descriptor_proto().field {
            let Some(field) = descriptor.get_field_by_name(declared.name()) else { continue };
            let oneof = field.containing_oneof().filter(|o| !o.is_synthetic());
            let oneof = oneof.and_then(|o| oneofs.iter().position(|name| name == o.full_name()));
            fields.push(self.field(field, oneof, enums)?);
        }
        let by_json_name = fields.iter().enumerate().map(|(i, f)| (f.json.clone(), i)).collect();
        Ok(Message { form: form(descriptor.full_name()), descriptor, fields, by_json_name })
    }

    fn field(
        &mut self,
        field: FieldDescriptor,
        oneof: Option<usize>,
        enums: &mut Vec<Enum>,
    ) -> Result<Field, PolicyError> {
        let kind = field.kind();
        let entry = kind.as_message().filter(|_| field.is_map());
        let (shape, element) = match entry {
            Some(entry) => {
                let key = self.kind(&entry.map_entry_key_field().kind(), enums);
                (Shape::Map(key), entry.map_entry_value_field().kind())
            }
            None if field.is_list() => (Shape::List, kind),
            None => (Shape::One, kind),
        };
        let kind = self.kind(&element, enums);
        let options = field.options();
        let output_only = self.behavior.as_ref().is_some_and(|extension| {
            let value = options.get_extension(extension);
            value.as_list().unwrap_or_default().iter().any(|v| v.as_enum_number() == Some(OUTPUT_ONLY))
        });
        let ours = match &self.field {
            Some(extension) => match options.get_extension(extension).as_message() {
                Some(message) => policy::recode::<pb::Field>(message, field.full_name())?,
                None => pb::Field::default(),
            },
            None => pb::Field::default(),
        };
        let json = field.json_name().to_owned();
        let mut key = Vec::new();
        super::write::string(&mut key, &json);
        key.push(b':');
        Ok(Field {
            presence: shape == Shape::One && field.supports_presence(),
            descriptor: field,
            json,
            key,
            shape,
            kind,
            oneof,
            output_only,
            opaque: ours.opaque,
            through_day: ours.through_day,
        })
    }

    fn kind(&mut self, kind: &prost_reflect::Kind, enums: &mut Vec<Enum>) -> Kind {
        use prost_reflect::Kind as K;
        match kind {
            K::Bool => Kind::Bool,
            K::Int32 | K::Sint32 | K::Sfixed32 => Kind::Int32,
            K::Int64 | K::Sint64 | K::Sfixed64 => Kind::Int64,
            K::Uint32 | K::Fixed32 => Kind::Uint32,
            K::Uint64 | K::Fixed64 => Kind::Uint64,
            K::Float => Kind::Float,
            K::Double => Kind::Double,
            K::String => Kind::String,
            K::Bytes => Kind::Bytes,
            K::Message(message) => Kind::Message(self.message(message)),
            K::Enum(descriptor) => {
                let id = *self.enums.entry(descriptor.full_name().to_owned()).or_insert_with(|| {
                    enums.push(Enum::of(descriptor));
                    EnumId(enums.len() - 1)
                });
                Kind::Enum(id)
            }
        }
    }
}

/// `google.protobuf.Any` and `Empty` are written with their fields.
fn form(full_name: &str) -> Form {
    match full_name.strip_prefix("google.protobuf.") {
        Some("Timestamp") => Form::Timestamp,
        Some("Duration") => Form::Duration,
        Some("FieldMask") => Form::FieldMask,
        Some("Struct") => Form::Struct,
        Some("Value") => Form::Value,
        Some("ListValue") => Form::ListValue,
        Some(
            "BoolValue" | "Int32Value" | "Int64Value" | "UInt32Value" | "UInt64Value" | "FloatValue"
            | "DoubleValue" | "StringValue" | "BytesValue",
        ) => Form::Wrapper,
        _ => Form::Fields,
    }
}

/// `ApiKeyStatus` as `API_KEY_STATUS`.
fn upper_snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for (i, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && i > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}
