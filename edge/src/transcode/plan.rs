//! What transcoding needs to know of one route, worked out at start: names become fields, and what
//! does not fit is refused with the route.

use std::ops::Range;
use std::sync::Arc;

use http::Method;
use prost_reflect::{FieldDescriptor, MessageDescriptor};
use svc_core::policy::Rpc;

use super::schema::{Field, Form, Kind, Message, MessageId, Schema, Shape};
use super::write;
use crate::routes::Body;
use crate::routes::template::Template;

const PAGINATION: &str = "keyward.policy.v1.Pagination";
const UPDATE_MASK: &str = "update_mask";

/// The `message` of an answer whose RPC names none.
const DEFAULT_MESSAGE: &str = "OK";

/// One route, for transcoding. Numbers of fields are places in [`Message::fields`].
pub(crate) struct Plan {
    pub(super) schema: Arc<Schema>,
    pub(super) input: MessageId,
    pub(super) output: MessageId,
    /// The variables of the path, in order.
    pub(crate) variables: Vec<Variable>,
    pub(super) body: BodyPlan,
    /// Members that a body may not have: paths of field numbers from the body.
    pub(super) taken: Vec<Vec<u32>>,
    /// Which fields of the request are query parameters.
    pub(super) by_query: Vec<bool>,
    /// The `update_mask` of a PATCH.
    pub(super) mask: Option<usize>,
    /// Receives the version in `If-Match`.
    pub(super) if_match: Option<usize>,
    /// The field that is the answer's `data`; without one, the whole response is.
    pub(super) data: Option<usize>,
    pub(super) pagination: Option<usize>,
    pub(super) etag: Option<FieldPath>,
    /// Empty: no `Location`.
    pub(super) location: Vec<Part>,
    pub(super) status: u16,
    /// The envelope up to the value of `data`.
    pub(super) head: Vec<u8>,
}

/// A variable of the path.
pub(crate) struct Variable {
    pub(super) field: FieldPath,
    pub(crate) segments: Range<usize>,
    /// It is the caller's own text and may hold a slash.
    pub(crate) opaque: bool,
}

/// What the body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyPlan {
    None,
    Whole,
    Field(usize),
}

/// A field, from a message through singular messages.
pub(super) type FieldPath = Vec<FieldDescriptor>;

/// A part of a `Location`.
pub(super) enum Part {
    Text(String),
    /// A field of the request or, where that has no value, of the response.
    Field {
        request: Option<FieldPath>,
        response: Option<FieldPath>,
    },
}

impl Plan {
    /// Works out a route. An error says which annotation does not fit.
    pub(crate) fn of(
        schema: &Arc<Schema>,
        rpc: &Rpc,
        method: &Method,
        template: &Template,
        body: &Body,
        response_body: &str,
    ) -> Result<Plan, String> {
        let (input, output) = (rpc.method.input(), rpc.method.output());
        let known = |d: &MessageDescriptor| schema.id(d).ok_or(format!("{} is not known", d.full_name()));
        let (input_id, output_id) = (known(&input)?, known(&output)?);
        let (request, response) = (schema.message(input_id), schema.message(output_id));

        let mut variables = Vec::new();
        for variable in &template.variables {
            let field = scalar(&input, &variable.field).ok_or_else(|| {
                format!("`{{{}}}` is not a scalar field of {}", variable.field, input.full_name())
            })?;
            let opaque = is_opaque(schema, &field);
            variables.push(Variable { field, segments: variable.segments.clone(), opaque });
        }
        let body = match body {
            Body::None => BodyPlan::None,
            Body::Whole => BodyPlan::Whole,
            Body::Field(name) => BodyPlan::Field(named(request, name, "body")?),
        };
        let mask = request.fields.iter().position(|f| {
            f.descriptor.name() == UPDATE_MASK && f.shape == Shape::One && is(schema, f, Form::FieldMask)
        });
        let if_match = match rpc.http.if_match.as_str() {
            "" => None,
            name => {
                let index = named(request, name, "if_match")?;
                let field = &request.fields[index];
                if (field.shape, field.kind) != (Shape::One, Kind::Int32) {
                    return Err(format!("`if_match` names `{name}`, which is not an int32 field"));
                }
                Some(index)
            }
        };
        let etag = match rpc.http.etag.as_str() {
            "" => None,
            name => Some(scalar(&output, name).ok_or_else(|| {
                format!("`etag` names `{name}`, which is not a scalar field of {}", output.full_name())
            })?),
        };
        let data = match response_body {
            "" => None,
            name => Some(named(response, name, "response_body")?),
        };
        let status = match rpc.http.status {
            0 => 200,
            status @ 200..=299 => status as u16,
            status => return Err(format!("`status` {status} is not one of success")),
        };

        let mut plan = Plan {
            input: input_id,
            output: output_id,
            variables,
            body,
            taken: Vec::new(),
            by_query: Vec::new(),
            mask: mask.filter(|_| method == Method::PATCH),
            if_match,
            data,
            pagination: response.fields.iter().position(is_pagination),
            etag,
            location: location(&rpc.http.location, &input, &output)?,
            status,
            head: head(&rpc.http.message),
            schema: schema.clone(),
        };
        let taken = plan.taken_fields(request);
        plan.taken = plan.taken_in_body(request, &taken);
        let open = plan.body != BodyPlan::Whole;
        let by_query =
            |(field, taken): (&Field, &bool)| open && !taken && !is(schema, field, Form::FieldMask);
        plan.by_query = request.fields.iter().zip(&taken).map(by_query).collect();
        Ok(plan)
    }

    /// The JSON name of a field of the request, by its name in the proto.
    pub(crate) fn json_name(&self, name: &str) -> Option<&str> {
        let request = self.schema.message(self.input);
        request.named(name).map(|i| request.fields[i].json.as_str())
    }

    /// The field of the request that a query parameter sets, by its JSON name.
    pub(crate) fn query_field(&self, json: &str) -> Option<&Field> {
        let request = self.schema.message(self.input);
        request.position(json).filter(|&i| self.by_query[i]).map(|i| &request.fields[i])
    }

    /// The fields of the request that something else than the query or a whole body sets, and what
    /// shares a `oneof` with them.
    fn taken_fields(&self, request: &Message) -> Vec<bool> {
        let by_path =
            |f: &Field| self.variables.iter().any(|v| v.field.len() == 1 && v.field[0] == f.descriptor);
        let mut taken: Vec<bool> = request.fields.iter().map(by_path).collect();
        for index in [self.mask, self.if_match].into_iter().flatten() {
            taken[index] = true;
        }
        if let BodyPlan::Field(index) = self.body {
            taken[index] = true;
        }
        let oneofs: Vec<usize> =
            request.fields.iter().zip(&taken).filter(|(_, t)| **t).filter_map(|(f, _)| f.oneof).collect();
        for (field, taken) in request.fields.iter().zip(&mut taken) {
            *taken |= field.oneof.is_some_and(|oneof| oneofs.contains(&oneof));
        }
        taken
    }

    fn taken_in_body(&self, request: &Message, taken: &[bool]) -> Vec<Vec<u32>> {
        let numbers = |path: &[FieldDescriptor]| path.iter().map(FieldDescriptor::number).collect::<Vec<_>>();
        let nested = self.variables.iter().filter(|v| v.field.len() > 1);
        match self.body {
            BodyPlan::None => Vec::new(),
            BodyPlan::Whole => {
                let fields = request.fields.iter().zip(taken).filter(|(_, taken)| **taken);
                fields
                    .map(|(f, _)| vec![f.descriptor.number()])
                    .chain(nested.map(|v| numbers(&v.field)))
                    .collect()
            }
            BodyPlan::Field(index) => {
                let body = &request.fields[index].descriptor;
                nested.filter(|v| v.field[0] == *body).map(|v| numbers(&v.field[1..])).collect()
            }
        }
    }
}

fn named(message: &Message, name: &str, annotation: &str) -> Result<usize, String> {
    let owner = message.descriptor.full_name();
    message
        .named(name)
        .ok_or_else(|| format!("`{annotation}` names `{name}`, which is not a field of {owner}"))
}

fn is(schema: &Schema, field: &Field, form: Form) -> bool {
    schema.form(field.kind) == Some(form)
}

fn is_opaque(schema: &Schema, path: &FieldPath) -> bool {
    let Some(last) = path.last() else { return false };
    let message = schema.id(last.parent_message()).map(|id| schema.message(id));
    message.is_some_and(|m| m.fields.iter().any(|f| f.descriptor == *last && f.opaque))
}

fn is_pagination(field: &Field) -> bool {
    let kind = field.descriptor.kind();
    field.shape == Shape::One && kind.as_message().is_some_and(|m| m.full_name() == PAGINATION)
}

/// The scalar field with this dotted name.
fn scalar(message: &MessageDescriptor, name: &str) -> Option<FieldPath> {
    let mut path = FieldPath::new();
    let mut message = Some(message.clone());
    for part in name.split('.') {
        let field = message?.get_field_by_name(part).filter(|f| !f.is_list() && !f.is_map())?;
        message = field.kind().as_message().cloned();
        path.push(field);
    }
    message.is_none().then_some(path)
}

fn location(
    template: &str,
    request: &MessageDescriptor,
    response: &MessageDescriptor,
) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((text, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or("`{` in `location` is never closed")?;
        let (in_request, in_response) = (scalar(request, name), scalar(response, name));
        if in_request.is_none() && in_response.is_none() {
            return Err(format!(
                "`location` names `{name}`, which is a scalar field of neither the request nor the response"
            ));
        }
        parts.push(Part::Text(text.to_owned()));
        parts.push(Part::Field { request: in_request, response: in_response });
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

fn head(message: &str) -> Vec<u8> {
    let mut head = br#"{"success":true,"message":"#.to_vec();
    write::string(&mut head, if message.is_empty() { DEFAULT_MESSAGE } else { message });
    head.extend_from_slice(br#","data":"#);
    head
}
