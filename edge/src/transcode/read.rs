//! JSON into messages: protobuf's JSON with the contract's rules. Reading goes on after a violation,
//! so that all are found; only text that is not JSON ends it.
//!
//! `null` unsets, whatever the type. Two places keep it: elements of `google.protobuf.ListValue` and
//! members of a `Struct` hold any JSON; so does a field, element or map value of type
//! `google.protobuf.Value`, except where a PATCH is merged, where `null` removes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use prost_reflect::{DynamicMessage, MapKey, MessageDescriptor, Value};
use svc_core::error::Fault;

use super::fault::Faults;
use super::json::{Broken, Json, Next};
use super::number;
use super::schema::{Field, Form, Kind, Message, MessageId, Schema, Shape};
use super::text;

/// The deepest nesting inside a `google.protobuf.Value`. Each level is three messages on the wire
/// (the `Struct`, its map entry and the `Value`), and decoders stop at 100.
pub(crate) const MAX_VALUE_DEPTH: usize = 30;

/// Members that the client may not set: paths of field numbers, from the message being read.
pub(crate) type Taken<'t> = &'t [&'t [u32]];

/// Reads one request body.
pub(crate) struct Reader<'a, 's> {
    pub(crate) json: Json<'a>,
    pub(crate) schema: &'s Schema,
    pub(crate) faults: &'s mut Faults,
    /// The field mask of a PATCH.
    pub(crate) mask: Option<Mask>,
}

/// The paths of the members that a PATCH has, in snake_case. A name of a map stands as it was
/// written when it is `[A-Za-z0-9_-]+`, else in backticks, with backticks in it doubled (AIP-161).
#[derive(Debug, Default)]
pub(crate) struct Mask {
    prefix: String,
    pub(crate) paths: Vec<String>,
}

impl Mask {
    fn enter(&mut self, name: &str) -> usize {
        let mark = self.prefix.len();
        if mark > 0 {
            self.prefix.push('.');
        }
        self.prefix.push_str(name);
        mark
    }

    fn add(&mut self, name: &str) {
        let mark = self.enter(name);
        self.paths.push(self.prefix.clone());
        self.prefix.truncate(mark);
    }

    fn add_key(&mut self, name: &str) {
        let plain =
            !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-');
        match plain {
            true => self.add(name),
            false => self.add(&format!("`{}`", name.replace('`', "``"))),
        }
    }
}

impl Reader<'_, '_> {
    /// Reads an object, which comes next, into a message. `merge`: its members go into the mask.
    pub(crate) fn message(
        &mut self,
        id: MessageId,
        into: &mut DynamicMessage,
        taken: Taken<'_>,
        merge: bool,
    ) -> Result<(), Broken> {
        let schema = self.schema;
        let message = schema.message(id);
        let mut seen = vec![false; message.fields.len()];
        self.json.open()?;
        let mut first = true;
        while let Some(name) = self.json.member(first)? {
            first = false;
            let mark = self.faults.enter(&name);
            match message.position(&name) {
                None => self.refuse(Fault::UnknownField, "is not a field here")?,
                Some(i) if seen[i] => self.refuse(Fault::Duplicate, "appears twice")?,
                Some(i) => {
                    seen[i] = true;
                    self.member(message, &message.fields[i], into, taken, merge)?;
                }
            }
            self.faults.leave(mark);
        }
        Ok(())
    }

    fn member(
        &mut self,
        message: &Message,
        field: &Field,
        into: &mut DynamicMessage,
        taken: Taken<'_>,
        merge: bool,
    ) -> Result<(), Broken> {
        let number = field.descriptor.number();
        if field.output_only {
            return self.refuse(Fault::Immutable, "cannot be set");
        }
        if taken.contains(&[number].as_slice()) {
            return self.refuse(Fault::Immutable, "is not set in the body: the path or a header says it");
        }
        let any = self.schema.form(field.kind) == Some(Form::Value) && field.shape == Shape::One;
        if self.json.peek()? == Next::Null && (merge || !any) {
            self.mask(merge, |mask| mask.add(field.descriptor.name()));
            return self.json.null();
        }
        if let Some(oneof) = field.oneof {
            let other =
                message.fields.iter().find(|f| f.oneof == Some(oneof) && into.has_field(&f.descriptor));
            if let Some(other) = other {
                return self.refuse(Fault::Invalid, &format!("cannot be set together with `{}`", other.json));
            }
        }
        // A message or a map is merged member by member; all else is replaced.
        let message = match (field.shape, field.kind) {
            (Shape::One, Kind::Message(id)) if self.schema.message(id).form == Form::Fields => Some(id),
            _ => None,
        };
        let merged = message.is_some() || matches!(field.shape, Shape::Map(_));
        let name = field.descriptor.name();
        let mark = match &mut self.mask {
            Some(mask) if merge && merged => Some(mask.enter(name)),
            Some(mask) if merge => {
                mask.add(name);
                None
            }
            _ => None,
        };
        let value = match (message, field.shape) {
            (Some(id), _) => {
                let inner: Vec<&[u32]> =
                    taken.iter().filter(|path| path[0] == number).map(|path| &path[1..]).collect();
                self.nested(id, &inner, merge)?
            }
            (None, Shape::Map(key)) => self.map(field, key, merge)?,
            (None, _) => self.field(field)?,
        };
        if let (Some(mark), Some(mask)) = (mark, &mut self.mask) {
            mask.prefix.truncate(mark);
        }
        if let Some(value) = value {
            into.set_field(&field.descriptor, value);
        }
        Ok(())
    }

    /// Reads all that a field holds. `None` after a violation.
    pub(crate) fn field(&mut self, field: &Field) -> Result<Option<Value>, Broken> {
        match field.shape {
            Shape::One => self.value(field),
            Shape::Map(key) => self.map(field, key, false),
            Shape::List => {
                if self.json.peek()? != Next::Array {
                    return self.invalid("must be a list");
                }
                self.json.open()?;
                let mut list = Vec::new();
                let mut index = 0;
                while self.json.element(index == 0)? {
                    let mark = self.faults.enter_index(index);
                    list.extend(self.value(field)?);
                    self.faults.leave(mark);
                    index += 1;
                }
                Ok(Some(Value::List(list)))
            }
        }
    }

    fn map(&mut self, field: &Field, key: Kind, merge: bool) -> Result<Option<Value>, Broken> {
        if self.json.peek()? != Next::Object {
            return self.invalid("must be an object");
        }
        self.json.open()?;
        let mut map: HashMap<MapKey, Option<Value>> = HashMap::new();
        let mut first = true;
        while let Some(name) = self.json.member(first)? {
            first = false;
            let mark = self.faults.enter(&name);
            match text::map_key(key, &name) {
                Err((fault, what)) => self.refuse(fault, &what)?,
                Ok(key) if map.contains_key(&key) => self.refuse(Fault::Duplicate, "appears twice")?,
                Ok(key) => {
                    self.mask(merge, |mask| mask.add_key(&name));
                    let value = if merge && self.json.peek()? == Next::Null {
                        self.json.null()?;
                        None
                    } else {
                        self.value(field)?
                    };
                    map.insert(key, value);
                }
            }
            self.faults.leave(mark);
        }
        Ok(Some(Value::Map(map.into_iter().filter_map(|(key, value)| Some((key, value?))).collect())))
    }

    /// Reads one value of a field's type.
    fn value(&mut self, field: &Field) -> Result<Option<Value>, Broken> {
        let next = self.json.peek()?;
        let form = self.schema.form(field.kind);
        match (field.kind, next) {
            (Kind::Message(id), _) if form == Some(Form::Value) => self.any(id, 0),
            (Kind::Message(id), Next::Object) if form == Some(Form::Struct) => self.structure(id, 0),
            (Kind::Message(id), Next::Array) if form == Some(Form::ListValue) => self.list(id, 0),
            (Kind::Message(_), _) if form == Some(Form::ListValue) => self.invalid("must be a list"),
            (Kind::Message(id), _) if form == Some(Form::Wrapper) => self.wrapper(id),
            (Kind::Message(id), Next::Object) if form == Some(Form::Fields) => self.nested(id, &[], false),
            (Kind::Bool, Next::Bool) => Ok(Some(Value::Bool(self.json.boolean()?))),
            (
                Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 | Kind::Float | Kind::Double,
                Next::Number,
            ) => {
                let number = number::number(field.kind, self.json.number()?);
                Ok(self.accept(number))
            }
            (Kind::String, Next::String) => Ok(Some(Value::String(self.json.string()?.into_owned()))),
            (_, Next::String) => {
                let text = self.json.string()?;
                let value = text::string(self.schema, field, &text);
                Ok(self.accept(value))
            }
            _ => self.invalid(expected(self.schema, field.kind)),
        }
    }

    fn nested(&mut self, id: MessageId, taken: Taken<'_>, merge: bool) -> Result<Option<Value>, Broken> {
        if self.json.peek()? != Next::Object {
            return self.invalid("must be an object");
        }
        let mut message = DynamicMessage::new(self.schema.message(id).descriptor.clone());
        self.message(id, &mut message, taken, merge)?;
        Ok(Some(Value::Message(message)))
    }

    fn wrapper(&mut self, id: MessageId) -> Result<Option<Value>, Broken> {
        let schema = self.schema;
        let message = schema.message(id);
        let Some(inner) = message.fields.first() else { return self.invalid("cannot be set") };
        let Some(value) = self.value(inner)? else { return Ok(None) };
        let mut wrapper = DynamicMessage::new(message.descriptor.clone());
        wrapper.set_field(&inner.descriptor, value);
        Ok(Some(Value::Message(wrapper)))
    }

    /// Reads any JSON into a `google.protobuf.Value`, whose fields are `null_value`, `number_value`,
    /// `string_value`, `bool_value`, `struct_value` and `list_value`, from 1.
    fn any(&mut self, id: MessageId, depth: usize) -> Result<Option<Value>, Broken> {
        let schema = self.schema;
        let message = schema.message(id);
        let (number, value) = match self.json.peek()? {
            Next::Null => {
                self.json.null()?;
                (1, Some(Value::EnumNumber(0)))
            }
            Next::Number => {
                let number = number::value(self.json.number()?);
                (2, self.accept(number.map(Value::F64)))
            }
            Next::String => (3, Some(Value::String(self.json.string()?.into_owned()))),
            Next::Bool => (4, Some(Value::Bool(self.json.boolean()?))),
            Next::Object => match message.kind_of(5) {
                Some(Kind::Message(structure)) => (5, self.structure(structure, depth)?),
                _ => (5, self.invalid("cannot be an object")?),
            },
            Next::Array => match message.kind_of(6) {
                Some(Kind::Message(list)) => (6, self.list(list, depth)?),
                _ => (6, self.invalid("cannot be a list")?),
            },
        };
        Ok(value.map(|value| single(&message.descriptor, number, value)))
    }

    fn structure(&mut self, id: MessageId, depth: usize) -> Result<Option<Value>, Broken> {
        let schema = self.schema;
        let message = schema.message(id);
        let Some(Kind::Message(value_id)) = message.kind_of(1) else { return self.invalid("cannot be set") };
        if depth == MAX_VALUE_DEPTH {
            return self.invalid(TOO_DEEP);
        }
        self.json.open()?;
        let mut map: HashMap<MapKey, Value> = HashMap::new();
        let mut first = true;
        while let Some(name) = self.json.member(first)? {
            first = false;
            let mark = self.faults.enter(&name);
            match map.entry(MapKey::String(name.into_owned())) {
                Entry::Occupied(_) => self.refuse(Fault::Duplicate, "appears twice")?,
                Entry::Vacant(place) => {
                    if let Some(value) = self.any(value_id, depth + 1)? {
                        place.insert(value);
                    }
                }
            }
            self.faults.leave(mark);
        }
        Ok(Some(single(&message.descriptor, 1, Value::Map(map))))
    }

    fn list(&mut self, id: MessageId, depth: usize) -> Result<Option<Value>, Broken> {
        let schema = self.schema;
        let message = schema.message(id);
        let Some(Kind::Message(value_id)) = message.kind_of(1) else { return self.invalid("cannot be set") };
        if depth == MAX_VALUE_DEPTH {
            return self.invalid(TOO_DEEP);
        }
        self.json.open()?;
        let mut list = Vec::new();
        let mut index = 0;
        while self.json.element(index == 0)? {
            let mark = self.faults.enter_index(index);
            list.extend(self.any(value_id, depth + 1)?);
            self.faults.leave(mark);
            index += 1;
        }
        Ok(Some(single(&message.descriptor, 1, Value::List(list))))
    }

    /// Records a violation of the current field and passes over its value.
    fn refuse(&mut self, fault: Fault, what: &str) -> Result<(), Broken> {
        self.faults.add(fault, what);
        self.json.skip()
    }

    fn invalid(&mut self, what: impl Into<Cow<'static, str>>) -> Result<Option<Value>, Broken> {
        self.refuse(Fault::Invalid, &what.into())?;
        Ok(None)
    }

    fn accept(&mut self, value: Result<Value, number::Refusal>) -> Option<Value> {
        value.map_err(|(fault, what)| self.faults.add(fault, what)).ok()
    }

    fn mask(&mut self, merge: bool, add: impl FnOnce(&mut Mask)) {
        if let Some(mask) = self.mask.as_mut().filter(|_| merge) {
            add(mask);
        }
    }
}

const TOO_DEEP: &str = "is nested too deeply";

/// A message with one field.
fn single(descriptor: &MessageDescriptor, number: u32, value: Value) -> Value {
    let mut message = DynamicMessage::new(descriptor.clone());
    message.set_field_by_number(number, value);
    Value::Message(message)
}

/// What a value of this type must be, when it is of another JSON type.
fn expected(schema: &Schema, kind: Kind) -> Cow<'static, str> {
    match kind {
        Kind::Bool => Cow::Borrowed(text::BOOLEAN),
        Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 => Cow::Borrowed(number::WHOLE),
        Kind::Float | Kind::Double => Cow::Borrowed("must be a number"),
        Kind::String | Kind::Bytes => Cow::Borrowed("must be a string"),
        Kind::Enum(id) => Cow::Owned(text::one_of(&schema.enumeration(id).legal)),
        Kind::Message(id) => match schema.message(id).form {
            Form::Fields | Form::Struct => Cow::Borrowed("must be an object"),
            _ => Cow::Borrowed("must be a string"),
        },
    }
}
