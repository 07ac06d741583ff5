//! Single values, and messages that have a form of their own in JSON.

use std::borrow::Cow;

use svc_core::json::{Broken, Next};

use super::{Reader, TOO_DEEP, Way};
use crate::transcode::encode::{self, Place, Scalar};
use crate::transcode::number::{self, InvalidValue};
use crate::transcode::schema::{Field, Form, Kind, MessageId, Schema};
use crate::transcode::text;

impl Reader<'_, '_> {
    /// Reads one value of a field's type. A default value may be left out where it is the same as none.
    pub(super) fn value(
        &mut self,
        place: Place,
        field: &Field,
        leave_out_default: bool,
    ) -> Result<(), Broken> {
        if let Kind::Message(id) = field.kind {
            return self.inside(place, |reader| reader.content(id, field.through_day));
        }
        match (field.kind, self.json.peek()?) {
            (_, Next::String) => {
                let text = self.json.string()?;
                let value = text::string(self.schema, field, &text);
                self.put(place, field, leave_out_default, value);
            }
            (Kind::Bool, Next::Bool) => {
                let value = Scalar::Unsigned(u64::from(self.json.boolean()?));
                self.put(place, field, leave_out_default, Ok(value));
            }
            (
                Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 | Kind::Float | Kind::Double,
                Next::Number,
            ) => {
                let value = number::of_field(field, self.json.number()?);
                self.put(place, field, leave_out_default, value);
            }
            (Kind::Enum(id), Next::Number) => {
                let value = text::enum_number(self.schema, id, self.json.number()?);
                self.put(place, field, leave_out_default, value);
            }
            (Kind::Enum(id), Next::Null)
                if !self.schema.is_contract() && self.schema.enumeration(id).is_null =>
            {
                self.json.null()?;
                self.put(place, field, leave_out_default, Ok(Scalar::Signed(0)));
            }
            (kind, _) => return self.invalid(expected(self.schema, kind)),
        }
        Ok(())
    }

    fn put(
        &mut self,
        place: Place,
        field: &Field,
        leave_out_default: bool,
        value: Result<Scalar<'_>, InvalidValue>,
    ) {
        match value {
            Ok(value) if leave_out_default => encode::field(self.out, self.schema, field, &value),
            Ok(value) => encode::scalar(self.out, place, field.encoding, &value),
            Err((fault, what)) => self.faults.add(fault, what),
        }
    }

    /// A field that is a message, opened around what is read into it.
    pub(super) fn inside(
        &mut self,
        place: Place,
        read: impl FnOnce(&mut Self) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        let Place::Field(number) = place else { return self.invalid("cannot be set") };
        let open = self.out.open(number);
        read(self)?;
        self.out.close(open);
        Ok(())
    }

    pub(super) fn nested(&mut self, place: Place, id: MessageId, way: Way<'_>) -> Result<(), Broken> {
        if self.json.peek()? != Next::Object {
            return self.invalid("must be an object");
        }
        self.inside(place, |reader| reader.message(id, way))
    }

    /// Reads the fields of a message in whatever form it has.
    pub(crate) fn content(&mut self, id: MessageId, through_day: bool) -> Result<(), Broken> {
        let message = self.schema.message(id);
        match (message.form, self.json.peek()?) {
            (Form::Fields, Next::Object) => self.message(id, Way::default()),
            (Form::Value, _) => self.any(0),
            (Form::Struct, Next::Object) => self.structure(0),
            (Form::ListValue, Next::Array) => self.list(0),
            (Form::ListValue, _) => self.invalid("must be a list"),
            (Form::Any, Next::Object) => self.any_message(),
            (Form::Wrapper, _) => match message.fields.first() {
                Some(inner) => self.value(Place::Field(inner.number), inner, true),
                None => self.invalid("cannot be set"),
            },
            (Form::Fields | Form::Struct | Form::Any, _) => self.invalid("must be an object"),
            (form, Next::String) => {
                let text = self.json.string()?;
                match text::message(self.schema, form, through_day, &text) {
                    Ok(Scalar::Time(time)) => encode::time(self.out, time),
                    Ok(Scalar::Mask(mask)) => encode::mask(self.out, mask),
                    // No message is another scalar.
                    Ok(_) => {}
                    Err((fault, what)) => self.faults.add(fault, what),
                }
                Ok(())
            }
            (Form::Timestamp | Form::Duration | Form::FieldMask, _) => self.invalid("must be a string"),
        }
    }

    /// Refuses what comes next for its depth.
    pub(super) fn too_deep(&mut self) -> Result<(), Broken> {
        self.invalid(TOO_DEEP)
    }
}

/// What a value of this type must be, when it is of another JSON type.
fn expected(schema: &Schema, kind: Kind) -> Cow<'static, str> {
    match kind {
        Kind::Bool => Cow::Borrowed(text::BOOLEAN),
        Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 => Cow::Borrowed(number::WHOLE),
        Kind::Float | Kind::Double => Cow::Borrowed(number::NUMBER),
        Kind::String | Kind::Bytes => Cow::Borrowed("must be a string"),
        Kind::Enum(id) => Cow::Owned(text::one_of(&schema.enumeration(id).legal)),
        Kind::Message(_) => Cow::Borrowed("must be an object"),
    }
}
