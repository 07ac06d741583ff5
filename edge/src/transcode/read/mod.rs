//! JSON onto the wire: protobuf's JSON, in the contract's or its own [`Dialect`](super::schema::Dialect). Reading
//! goes on after a violation, so that all are found; only text that is not JSON ends it. What was written by then
//! is not used.
//!
//! `null` unsets, whatever the type. Two places keep it: elements of `google.protobuf.ListValue` and
//! members of a `Struct` hold any JSON; so does a field, element or map value of type
//! `google.protobuf.Value`, except where a PATCH is merged, where `null` removes.
//!
//! - here: the fields of a message; `seen`: which of them were there
//! - `value`: single values and messages with a form of their own; `any_json`: those that hold any JSON;
//!   `any`: `google.protobuf.Any`

mod any;
mod any_json;
mod seen;
mod value;

use std::borrow::Cow;

use svc_core::error::Fault;
use svc_core::json::{Broken, Json, Next};
use svc_core::wire::Writer;

pub(crate) use self::any::TYPE;
#[cfg(test)]
pub(crate) use self::any_json::MAX_VALUE_DEPTH;
use self::seen::{Bits, Distinct};
use super::encode::{self, Place, Scalar};
use super::fault::{CANNOT_BE_SET, Faults};
use super::mask::Mask;
use super::schema::{Field, Form, Kind, Message, MessageId, Schema, Shape};
use super::text;

/// Members that the client may not set: paths of field numbers, from the message being read.
pub(crate) type Taken<'t> = &'t [&'t [u32]];

/// How a message is read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Way<'t> {
    pub(crate) taken: Taken<'t>,
    /// Its members go into the mask.
    pub(crate) merge: bool,
    /// It stands in a `google.protobuf.Any`, with its type beside its fields.
    typed: bool,
}

impl<'t> Way<'t> {
    /// The way of a body.
    pub(crate) fn body(taken: Taken<'t>, merge: bool) -> Way<'t> {
        Way { taken, merge, typed: false }
    }
}

/// Reads one request body.
pub(crate) struct Reader<'a, 's> {
    pub(crate) json: Json<'a>,
    pub(crate) schema: &'s Schema,
    pub(crate) out: &'s mut Writer,
    pub(crate) faults: &'s mut Faults,
    /// The field mask of a PATCH.
    pub(crate) mask: Option<Mask>,
    /// How many `google.protobuf.Any` the value is in.
    anys: usize,
}

impl<'a, 's> Reader<'a, 's> {
    pub(crate) fn new(
        json: Json<'a>,
        schema: &'s Schema,
        out: &'s mut Writer,
        faults: &'s mut Faults,
        mask: Option<Mask>,
    ) -> Reader<'a, 's> {
        Reader { json, schema, out, faults, mask, anys: 0 }
    }

    /// Reads an object, which comes next, as the fields of a message.
    pub(crate) fn message(&mut self, id: MessageId, way: Way<'_>) -> Result<(), Broken> {
        let schema = self.schema;
        let message = schema.message(id);
        let (mut named, mut set) = (Bits::default(), Bits::default());
        let mut has_type = false;
        self.json.open()?;
        let (mut first, mut guess) = (true, 0);
        while let Some(name) = self.json.member(first)? {
            first = false;
            let mark = self.faults.enter(&name);
            match message.position(&name, guess) {
                Some(i) if named.insert(i) => {
                    guess = i + 1;
                    if self.member(message, i, &set, way)? {
                        set.insert(i);
                    }
                }
                Some(_) => self.refuse(Fault::Duplicate, "appears twice")?,
                None if way.typed && name == TYPE && !has_type => {
                    has_type = true;
                    self.json.skip()?;
                }
                None => self.refuse(Fault::UnknownField, "is not a field here")?,
            }
            self.faults.leave(mark);
        }
        for &i in message.required.iter().filter(|i| !set.has(**i)) {
            let mark = self.faults.enter(&message.fields[i].json);
            self.faults.add(Fault::Required, "is required");
            self.faults.leave(mark);
        }
        Ok(())
    }

    /// Reads the value of a member. Whether it sets the field.
    fn member(&mut self, message: &Message, index: usize, set: &Bits, way: Way<'_>) -> Result<bool, Broken> {
        let field = &message.fields[index];
        let Way { taken, merge, .. } = way;
        if field.output_only {
            self.refuse(Fault::Immutable, CANNOT_BE_SET)?;
            return Ok(false);
        }
        if taken.contains(&[field.number].as_slice()) {
            self.refuse(Fault::Immutable, "is not set in the body: the path or a header says it")?;
            return Ok(false);
        }
        if (merge || !field.keeps_null) && self.json.peek()? == Next::Null {
            self.mask(merge, |mask| mask.add(field.descriptor.name()));
            self.json.null()?;
            return Ok(false);
        }
        if let Some(oneof) = field.oneof {
            let is_set = |(i, f): &(usize, &Field)| f.oneof == Some(oneof) && set.has(*i);
            if let Some((_, other)) = message.fields.iter().enumerate().find(is_set) {
                self.refuse(Fault::Invalid, &format!("cannot be set together with `{}`", other.json))?;
                return Ok(false);
            }
        }
        if merge || !taken.is_empty() {
            self.merged(field, way)?;
        } else {
            self.field(field)?;
        }
        Ok(true)
    }

    /// Reads a field into the mask, too. A message or a map is merged member by member; all else is replaced.
    fn merged(&mut self, field: &Field, Way { taken, merge, .. }: Way<'_>) -> Result<(), Broken> {
        let message = match (field.shape, field.kind, field.form) {
            (Shape::One, Kind::Message(id), Some(Form::Fields)) => Some(id),
            _ => None,
        };
        let name = field.descriptor.name();
        let mark = match &mut self.mask {
            Some(mask) if merge && (message.is_some() || matches!(field.shape, Shape::Map(_))) => {
                Some(mask.enter(name))
            }
            Some(mask) if merge => {
                mask.add(name);
                None
            }
            _ => None,
        };
        match (message, field.shape) {
            (Some(id), _) => {
                let inner: Vec<&[u32]> =
                    taken.iter().filter(|path| path[0] == field.number).map(|path| &path[1..]).collect();
                self.nested(Place::Field(field.number), id, Way::body(&inner, merge))?;
            }
            (None, Shape::Map(key)) => self.map(field, key, merge)?,
            (None, _) => self.field(field)?,
        }
        if let (Some(mark), Some(mask)) = (mark, &mut self.mask) {
            mask.leave(mark);
        }
        Ok(())
    }

    /// Reads all that a field holds.
    pub(crate) fn field(&mut self, field: &Field) -> Result<(), Broken> {
        match field.shape {
            Shape::One => self.value(Place::Field(field.number), field, !field.presence),
            Shape::Map(key) => self.map(field, key, false),
            Shape::List => self.elements(field),
        }
    }

    fn elements(&mut self, field: &Field) -> Result<(), Broken> {
        if self.json.peek()? != Next::Array {
            return self.invalid("must be a list");
        }
        self.json.open()?;
        let place = if field.packed { Place::Packed } else { Place::Field(field.number) };
        let mut packed = None;
        let mut index = 0;
        while self.json.element(index == 0)? {
            if field.packed && index == 0 {
                packed = Some(self.out.open(field.number));
            }
            let mark = self.faults.enter_index(index);
            self.value(place, field, false)?;
            self.faults.leave(mark);
            index += 1;
        }
        if let Some(packed) = packed {
            self.out.close(packed);
        }
        Ok(())
    }

    fn map(&mut self, field: &Field, key: Kind, merge: bool) -> Result<(), Broken> {
        const KEY: Place = Place::Field(1);
        const VALUE: Place = Place::Field(2);
        if self.json.peek()? != Next::Object {
            return self.invalid("must be an object");
        }
        self.json.open()?;
        let mut texts: Distinct<Cow<'a, str>> = Distinct::default();
        let mut numbers: Distinct<i128> = Distinct::default();
        let mut first = true;
        while let Some(name) = self.json.member(first)? {
            first = false;
            let mark = self.faults.enter(&name);
            match text::map_key(key, &name) {
                Err((fault, what)) => self.refuse(fault, &what)?,
                Ok(key) => {
                    let is_new = match &key {
                        Scalar::Signed(key) => numbers.insert((*key).into()),
                        Scalar::Unsigned(key) => numbers.insert((*key).into()),
                        _ => texts.insert(name.clone()),
                    };
                    if is_new {
                        self.mask(merge, |mask| mask.add_key(&name));
                    }
                    if !is_new {
                        self.refuse(Fault::Duplicate, "appears twice")?;
                    } else if merge && self.json.peek()? == Next::Null {
                        self.json.null()?;
                    } else {
                        let entry = self.out.open(field.number);
                        encode::scalar(self.out, KEY, field.key_encoding, &key);
                        self.value(VALUE, field, false)?;
                        self.out.close(entry);
                    }
                }
            }
            self.faults.leave(mark);
        }
        Ok(())
    }

    /// Records a violation of the current field and passes over its value.
    fn refuse(&mut self, fault: Fault, what: &str) -> Result<(), Broken> {
        self.faults.add(fault, what);
        self.json.skip()
    }

    fn invalid(&mut self, what: impl Into<Cow<'static, str>>) -> Result<(), Broken> {
        self.refuse(Fault::Invalid, &what.into())
    }

    fn mask(&mut self, merge: bool, add: impl FnOnce(&mut Mask)) {
        if let Some(mask) = self.mask.as_mut().filter(|_| merge) {
            add(mask);
        }
    }
}

const TOO_DEEP: &str = "is nested too deeply";
