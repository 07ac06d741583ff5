//! A request over HTTP as the message of its RPC.

use std::borrow::Cow;

use bytes::Bytes;
use prost_reflect::{FieldDescriptor, Kind as ProtoKind};
use svc_core::error::{Error, Reason};
use svc_core::json::{Broken, Json, Next};
use svc_core::precondition::{Precondition, Versions};
use svc_core::wire::{self, Fields, Writer};

use super::encode;
use super::fault::Faults;
use super::mask::Mask;
use super::plan::{BodyPlan, LocationPart, Plan};
use super::query;
use super::read::{Reader, Way};
use super::schema::{Field, Form, Kind, Shape};
use super::text;

/// How many bytes a message takes beyond its body, mostly.
const MARGIN: usize = 128;

/// What a body was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Read,
    NotAnObject,
}

/// A request as it goes to the service, and what its answer will need of it.
#[derive(Clone, Debug)]
pub(crate) struct Encoded {
    /// The message, as protobuf.
    pub(crate) wire: Bytes,
    /// What the request has for each field in the `Location`.
    pub(super) location: Vec<Option<String>>,
}

impl Plan {
    /// Makes the message from the variables of the path, the query, the JSON body (empty is `{}`) and
    /// the versions that the headers name. A route without a body ignores it.
    ///
    /// # Errors
    /// `invalid_json` for a body that is not JSON; else `invalid_argument` with everything that is
    /// wrong; `not_found` for a variable that cannot be a value of its field.
    pub(crate) fn request(
        &self,
        params: &[Cow<'_, str>],
        query: Option<&str>,
        body: &[u8],
        precondition: Option<&Precondition>,
    ) -> Result<Encoded, Error> {
        let mut message = Writer::with_capacity(body.len() + MARGIN);
        let mut faults = Faults::default();
        let outcome = self.read_body(body, &mut message, &mut faults)?;
        faults.tell_answered(|name| self.answers(name));
        if let Some(query) = query {
            query::bind(self, query, &mut message, &mut faults);
        }
        faults.into_result()?;
        if outcome == Outcome::NotAnObject {
            return Err(Error::new(Reason::InvalidArgument, "The body must be a JSON object."));
        }
        // The last of several values of a field counts: nothing before can override these.
        self.bind_path(params, &mut message).ok_or_else(|| Error::not_found("Resource"))?;
        if let Some(Precondition { matches, none_matches }) = precondition {
            self.set_versions(self.if_match, matches.as_ref(), &mut message);
            self.set_versions(self.if_none_match, none_matches.as_ref(), &mut message);
        }
        let wire = message.finish();
        let fields = self.location.iter().filter_map(|part| match part {
            LocationPart::Field { request, .. } => {
                Some(request.as_ref().and_then(|path| scalar_at(&wire, path)))
            }
            LocationPart::Text(_) => None,
        });
        let location = fields.collect();
        Ok(Encoded { wire: wire.into(), location })
    }

    fn read_body(&self, body: &[u8], message: &mut Writer, faults: &mut Faults) -> Result<Outcome, Error> {
        if matches!(self.body, BodyPlan::None | BodyPlan::Bytes(_)) {
            return Ok(Outcome::Read);
        }
        let body = if body.is_empty() { b"{}" } else { body };
        let (outcome, mask) = self.read_json(body, message, faults).map_err(|broken| broken.explain(body))?;
        if let (Some(index), Some(mask)) = (self.mask, mask) {
            // `google.protobuf.FieldMask` has one field, its paths.
            let open = message.open(self.schema.message(self.input).fields[index].number);
            mask.paths.iter().for_each(|path| message.bytes_field(1, path.as_bytes()));
            message.close(open);
        }
        Ok(outcome)
    }

    fn read_json(
        &self,
        body: &[u8],
        out: &mut Writer,
        faults: &mut Faults,
    ) -> Result<(Outcome, Option<Mask>), Broken> {
        let mut json = Json::new(body)?;
        let taken: Vec<&[u32]> = self.taken.iter().map(Vec::as_slice).collect();
        let merge = self.mask.is_some();
        let is_object = json.peek()? == Next::Object;
        let mask = merge.then(Mask::default);
        let mut reader = Reader::new(json, &self.schema, out, faults, mask);
        let outcome = match self.body_field() {
            Some(field) if !self.is_object(field) => {
                reader.field(field)?;
                Outcome::Read
            }
            None if self.schema.message(self.input).form != Form::Fields => {
                reader.content(self.input, false)?;
                Outcome::Read
            }
            _ if !is_object => {
                reader.json.skip()?;
                Outcome::NotAnObject
            }
            Some(field) => {
                if let Kind::Message(id) = field.kind {
                    let open = reader.out.open(field.number);
                    reader.message(id, Way::body(&taken, merge))?;
                    reader.out.close(open);
                }
                Outcome::Read
            }
            None => {
                reader.message(self.input, Way::body(&taken, merge))?;
                Outcome::Read
            }
        };
        reader.json.end()?;
        Ok((outcome, reader.mask))
    }

    fn body_field(&self) -> Option<&Field> {
        match self.body {
            BodyPlan::Field(index) => Some(&self.schema.message(self.input).fields[index]),
            BodyPlan::None | BodyPlan::Whole | BodyPlan::Bytes(_) => None,
        }
    }

    fn is_object(&self, field: &Field) -> bool {
        field.shape == Shape::One && field.form == Some(Form::Fields)
    }

    /// Writes a field of type `keyward.policy.v1.Versions`: `any` is 1 and `versions` 2.
    fn set_versions(&self, field: Option<usize>, versions: Option<&Versions>, message: &mut Writer) {
        let (Some(index), Some(versions)) = (field, versions) else { return };
        let field = message.open(self.schema.message(self.input).fields[index].number);
        match versions {
            Versions::Any => message.varint_field(1, 1),
            Versions::OneOf(versions) => {
                let packed = message.open(2);
                for version in versions {
                    message.varint(i64::from(*version).cast_unsigned());
                }
                message.close(packed);
            }
        }
        message.close(field);
    }

    fn bind_path(&self, params: &[Cow<'_, str>], message: &mut Writer) -> Option<()> {
        for (variable, text) in self.variables.iter().zip(params) {
            let (_, owners) = variable.field.split_last()?;
            let (owner, index) = variable.place;
            let field = &self.schema.message(owner).fields[index];
            let value = text::value(&self.schema, field, text).ok()?;
            let opened: Vec<_> = owners.iter().map(|owner| message.open(owner.number())).collect();
            encode::field(message, &self.schema, field, &value);
            opened.into_iter().rev().for_each(|open| message.close(open));
        }
        Some(())
    }
}

/// A scalar field of a message as text; `None` when it is unset or empty.
pub(super) fn scalar_at(message: &[u8], path: &[FieldDescriptor]) -> Option<String> {
    let last = path.last()?;
    let text = match (last_at(message, path)?, last.kind()) {
        (wire::Value::Bytes(text), ProtoKind::String) => wire::as_text(text).ok()?.to_owned(),
        (wire::Value::Varint(value), ProtoKind::Bool) => (value != 0).to_string(),
        (wire::Value::Varint(value), ProtoKind::Int32 | ProtoKind::Enum(_)) => (value as i32).to_string(),
        (wire::Value::Varint(value), ProtoKind::Int64) => value.cast_signed().to_string(),
        (wire::Value::Varint(value), ProtoKind::Uint32) => (value as u32).to_string(),
        (wire::Value::Varint(value), ProtoKind::Uint64) => value.to_string(),
        _ => return None,
    };
    let is_default = matches!(text.as_str(), "" | "0" | "false") && !last.supports_presence();
    (!is_default && !text.is_empty()).then_some(text)
}

/// The last value of a field: where a message stands in several pieces, they are one.
fn last_at<'m>(message: &'m [u8], path: &[FieldDescriptor]) -> Option<wire::Value<'m>> {
    let (head, rest) = path.split_first()?;
    let mut found = None;
    for (number, value) in Fields::of(message).map_while(Result::ok) {
        if number != head.number() {
            continue;
        }
        match rest {
            [] => found = Some(value),
            _ => found = value.bytes().ok().and_then(|inner| last_at(inner, rest)).or(found),
        }
    }
    found
}
