//! A request over HTTP as the message of its RPC.

use bytes::Bytes;
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Value};
use svc_core::error::{Error, Reason};

use super::fault::Faults;
use super::json::{Broken, Json, Next};
use super::plan::{BodyPlan, Part, Plan};
use super::query;
use super::read::{Mask, Reader};
use super::schema::{Field, Form, Kind, Shape};
use super::text;
use crate::routes::Route;

/// A request as it goes to the service, and what its answer will need of it.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The message, as protobuf.
    pub wire: Bytes,
    /// What the request has for each field in the `Location`.
    pub(super) location: Vec<Option<String>>,
}

impl Route {
    /// Makes the message from the variables of the path, the query, the JSON body (empty is `{}`) and
    /// the version in `If-Match`. A route without a body ignores it.
    ///
    /// # Errors
    /// `invalid_json` for a body that is not JSON; else `invalid_argument` with everything that is
    /// wrong; `not_found` for a variable that cannot be a value of its field.
    pub fn request(
        &self,
        params: &[String],
        query: Option<&str>,
        body: &[u8],
        if_match: Option<i32>,
    ) -> Result<Encoded, Error> {
        let plan = &self.plan;
        let input = plan.schema.message(plan.input);
        let mut message = DynamicMessage::new(input.descriptor.clone());
        let mut faults = Faults::default();
        let outcome = plan.read_body(body, &mut message, &mut faults)?;
        if let Some(query) = query {
            query::bind(plan, query, &mut message, &mut faults);
        }
        faults.into_result()?;
        if outcome == Outcome::NotAnObject {
            return Err(Error::new(Reason::InvalidArgument, "The body must be a JSON object."));
        }
        plan.bind_path(params, &mut message).ok_or_else(|| Error::not_found("Resource"))?;
        if let (Some(index), Some(version)) = (plan.if_match, if_match) {
            message.set_field(&input.fields[index].descriptor, Value::I32(version));
        }
        let fields = plan.location.iter().filter_map(|part| match part {
            Part::Field { request, .. } => Some(request.as_ref().and_then(|path| scalar_at(&message, path))),
            Part::Text(_) => None,
        });
        let location = fields.collect();
        Ok(Encoded { wire: message.encode_to_vec().into(), location })
    }
}

/// What a body was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Read,
    NotAnObject,
}

impl Plan {
    fn read_body(
        &self,
        body: &[u8],
        message: &mut DynamicMessage,
        faults: &mut Faults,
    ) -> Result<Outcome, Error> {
        if self.body == BodyPlan::None {
            return Ok(Outcome::Read);
        }
        let body = if body.is_empty() { b"{}" } else { body };
        let (outcome, mask) = self.read_json(body, message, faults).map_err(|broken| broken.explain(body))?;
        if let (Some(index), Some(mask)) = (self.mask, mask) {
            let field = &self.schema.message(self.input).fields[index];
            let paths = mask.paths.into_iter().map(Value::String).collect();
            message.set_field(&field.descriptor, text::mask(&self.schema, field, paths));
        }
        Ok(outcome)
    }

    fn read_json(
        &self,
        body: &[u8],
        message: &mut DynamicMessage,
        faults: &mut Faults,
    ) -> Result<(Outcome, Option<Mask>), Broken> {
        let mut json = Json::new(body)?;
        let taken: Vec<&[u32]> = self.taken.iter().map(Vec::as_slice).collect();
        let merge = self.mask.is_some();
        let is_object = json.peek()? == Next::Object;
        let mut reader = Reader { json, schema: &self.schema, faults, mask: merge.then(Mask::default) };
        let outcome = match self.body_field() {
            Some(field) if !self.is_object(field) => {
                if let Some(value) = reader.field(field)? {
                    message.set_field(&field.descriptor, value);
                }
                Outcome::Read
            }
            _ if !is_object => {
                reader.json.skip()?;
                Outcome::NotAnObject
            }
            Some(field) => {
                if let (Kind::Message(id), Value::Message(inner)) =
                    (field.kind, message.get_field_mut(&field.descriptor))
                {
                    reader.message(id, inner, &taken, merge)?;
                }
                Outcome::Read
            }
            None => {
                reader.message(self.input, message, &taken, merge)?;
                Outcome::Read
            }
        };
        reader.json.end()?;
        Ok((outcome, reader.mask))
    }

    fn body_field(&self) -> Option<&Field> {
        match self.body {
            BodyPlan::Field(index) => Some(&self.schema.message(self.input).fields[index]),
            BodyPlan::None | BodyPlan::Whole => None,
        }
    }

    fn is_object(&self, field: &Field) -> bool {
        field.shape == Shape::One && self.schema.form(field.kind) == Some(Form::Fields)
    }

    fn bind_path(&self, params: &[String], message: &mut DynamicMessage) -> Option<()> {
        for (variable, text) in self.variables.iter().zip(params) {
            let (last, owners) = variable.field.split_last()?;
            let mut owner = &mut *message;
            for descriptor in owners {
                owner = owner.get_field_mut(descriptor).as_message_mut()?;
            }
            let id = self.schema.id(last.parent_message())?;
            let field = self.schema.message(id).fields.iter().find(|f| f.descriptor == *last)?;
            let value = text::value(&self.schema, field, text).ok()?;
            owner.set_field(last, value);
        }
        Some(())
    }
}

/// A scalar field as text; `None` when it is unset or empty.
pub(super) fn scalar_at(message: &DynamicMessage, path: &[FieldDescriptor]) -> Option<String> {
    let (head, rest) = path.split_first()?;
    if !message.has_field(head) {
        return None;
    }
    match (&*message.get_field(head), rest) {
        (Value::Message(inner), [_, ..]) => scalar_at(inner, rest),
        (Value::String(text), []) if !text.is_empty() => Some(text.clone()),
        (Value::Bool(value), []) => Some(value.to_string()),
        (Value::I32(n) | Value::EnumNumber(n), []) => Some(n.to_string()),
        (Value::I64(n), []) => Some(n.to_string()),
        (Value::U32(n), []) => Some(n.to_string()),
        (Value::U64(n), []) => Some(n.to_string()),
        _ => None,
    }
}
