//! Reading messages and enums from their descriptors.

use std::collections::HashMap;

use keyward_proto::policy::v1 as pb;
use prost_reflect::{DescriptorPool, ExtensionDescriptor, FieldDescriptor, MessageDescriptor};
use svc_core::json::string;
use svc_core::policy::{self, PolicyError};

use super::names::{Names, Numbers};
use super::{Dialect, Enum, EnumId, Field, Form, Kind, Message, MessageId, Schema, Shape};
use crate::transcode::encoding::Encoding;

/// `google.api.FieldBehavior.OUTPUT_ONLY`.
const OUTPUT_ONLY: i32 = 3;

/// The types found so far, and the annotations to look for.
pub(super) struct Build {
    dialect: Dialect,
    behavior: Option<ExtensionDescriptor>,
    field: Option<ExtensionDescriptor>,
    /// All that were found; those that are read are in `messages`.
    found: Vec<MessageDescriptor>,
    messages: Vec<Message>,
    ids: HashMap<String, MessageId>,
    enums: Vec<Enum>,
    enum_ids: HashMap<String, EnumId>,
    /// One of them can hold a message of any type.
    holds_any: bool,
}

impl Build {
    pub(super) fn new(pool: &DescriptorPool, dialect: Dialect) -> Build {
        Build {
            dialect,
            behavior: pool.get_extension_by_name("google.api.field_behavior"),
            field: pool.get_extension_by_name("keyward.policy.v1.field"),
            found: Vec::new(),
            messages: Vec::new(),
            ids: HashMap::new(),
            enums: Vec::new(),
            enum_ids: HashMap::new(),
            holds_any: false,
        }
    }

    pub(super) fn schema(
        mut self,
        pool: &DescriptorPool,
        roots: impl IntoIterator<Item = MessageDescriptor>,
    ) -> Result<Schema, PolicyError> {
        for root in roots {
            self.message(&root);
        }
        self.read_all()?;
        if self.holds_any {
            // What a `google.protobuf.Any` may hold: any message that is described.
            for message in pool.all_messages().filter(|message| !message.is_map_entry()) {
                self.message(&message);
            }
            self.read_all()?;
        }
        Ok(Schema { dialect: self.dialect, messages: self.messages, enums: self.enums, ids: self.ids })
    }

    fn message(&mut self, descriptor: &MessageDescriptor) -> MessageId {
        if let Some(&id) = self.ids.get(descriptor.full_name()) {
            return id;
        }
        let id = MessageId(self.found.len());
        self.holds_any |= Form::of(descriptor) == Form::Any;
        self.found.push(descriptor.clone());
        self.ids.insert(descriptor.full_name().to_owned(), id);
        id
    }

    /// A loop, not a recursion: messages may hold themselves, and may nest as deep as they like.
    fn read_all(&mut self) -> Result<(), PolicyError> {
        while let Some(descriptor) = self.found.get(self.messages.len()).cloned() {
            let message = self.read(descriptor)?;
            self.messages.push(message);
        }
        Ok(())
    }

    fn read(&mut self, descriptor: MessageDescriptor) -> Result<Message, PolicyError> {
        let oneofs: HashMap<String, usize> =
            descriptor.oneofs().enumerate().map(|(i, o)| (o.full_name().to_owned(), i)).collect();
        let mut fields = Vec::new();
        // `descriptor.fields()` goes by number.
        for declared in &descriptor.descriptor_proto().field {
            let Some(field) = descriptor.get_field_by_name(declared.name()) else { continue };
            let oneof = field.containing_oneof().filter(|o| !o.is_synthetic());
            let oneof = oneof.and_then(|o| oneofs.get(o.full_name()).copied());
            fields.push(self.field(field, oneof)?);
        }
        let form = Form::of(&descriptor);
        let is_wrapper = |f: &Field| (f.number, f.shape, f.form) == (1, Shape::One, None);
        if form == Form::Wrapper && !matches!(fields.as_slice(), [value] if is_wrapper(value)) {
            let problem = "it has not the one field that protobuf's own has".to_owned();
            return Err(bad(descriptor.full_name(), problem));
        }
        let by_name = self.names(&descriptor, &fields)?;
        let required = fields.iter().enumerate().filter(|(_, f)| f.descriptor.is_required());
        Ok(Message {
            form,
            by_name,
            by_number: Numbers::of(fields.iter().map(|f| f.number)),
            required: required.map(|(i, _)| i).collect(),
            oneofs: oneofs.len(),
            fields,
            descriptor,
        })
    }

    /// The names that JSON has for the fields: those of JSON, and outside of the contract those of the proto.
    fn names(&self, descriptor: &MessageDescriptor, fields: &[Field]) -> Result<Names<usize>, PolicyError> {
        let mut names: HashMap<&str, usize> = HashMap::with_capacity(fields.len());
        let json = fields.iter().enumerate().map(|(i, f)| (f.json.as_str(), i));
        let proto = fields.iter().enumerate().map(|(i, f)| (f.descriptor.name(), i));
        let proto = proto.filter(|_| self.dialect == Dialect::Proto3);
        for (name, place) in json.chain(proto) {
            if let Some(other) = names.insert(name, place).filter(|other| *other != place) {
                let [a, b] = [other, place].map(|i| fields[i].descriptor.name());
                return Err(bad(
                    descriptor.full_name(),
                    format!("`{a}` and `{b}` are both `{name}` in JSON"),
                ));
            }
        }
        Ok(Names::of(names.into_iter().map(|(name, place)| (name.to_owned(), place))))
    }

    fn field(&mut self, field: FieldDescriptor, oneof: Option<usize>) -> Result<Field, PolicyError> {
        if field.is_group() {
            let problem = "a group has no form in JSON here: make it a field of a message type";
            return Err(bad(field.full_name(), problem.to_owned()));
        }
        let kind = field.kind();
        let entry = kind.as_message().filter(|_| field.is_map());
        let (shape, key_encoding, element) = match entry {
            Some(entry) => {
                let key = entry.map_entry_key_field().kind();
                let shape = Shape::Map(self.kind(&key));
                (shape, Encoding::of(&key), entry.map_entry_value_field().kind())
            }
            None if field.is_list() => (Shape::List, Encoding::Bytes, kind),
            None => (Shape::One, Encoding::Bytes, kind),
        };
        let kind = self.kind(&element);
        let form = element.as_message().map(Form::of);
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
        if ours.ranged && kind != Kind::Int32 {
            return Err(bad(field.full_name(), "`ranged` is for an int32".to_owned()));
        }
        if ours.omit_empty && shape != Shape::List {
            return Err(bad(field.full_name(), "`omit_empty` is for a list".to_owned()));
        }
        let is_null = matches!(kind, Kind::Enum(id) if self.enums[id.0].is_null);
        let json = field.json_name().to_owned();
        let mut key = Vec::new();
        string(&mut key, &json);
        key.push(b':');
        Ok(Field {
            presence: shape == Shape::One && field.supports_presence(),
            number: field.number(),
            packed: field.is_packed(),
            encoding: Encoding::of(&element),
            keeps_null: shape == Shape::One
                && (form == Some(Form::Value) || is_null && self.dialect == Dialect::Proto3),
            key_encoding,
            descriptor: field,
            json,
            key,
            shape,
            kind,
            form,
            oneof,
            // Elsewhere a client may send back what it was given (AIP-203).
            output_only: output_only && self.dialect == Dialect::Contract,
            opaque: ours.opaque,
            through_day: ours.through_day,
            ranged: ours.ranged,
            omit_empty: ours.omit_empty,
        })
    }

    fn kind(&mut self, kind: &prost_reflect::Kind) -> Kind {
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
                let (enums, dialect) = (&mut self.enums, self.dialect);
                let id = *self.enum_ids.entry(descriptor.full_name().to_owned()).or_insert_with(|| {
                    enums.push(Enum::of(descriptor, dialect));
                    EnumId(enums.len() - 1)
                });
                Kind::Enum(id)
            }
        }
    }
}

fn bad(name: &str, problem: String) -> PolicyError {
    PolicyError::BadRule { rpc: name.to_owned(), problem }
}
