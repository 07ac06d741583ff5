//! What transcoding needs to know of one route, worked out at start: names become fields, and what
//! does not fit is refused with the route.

use std::sync::Arc;

use http::Method;
use keyward_proto::policy::v1::Http;
use prost_reflect::{FieldDescriptor, MessageDescriptor};
use svc_core::json;
use svc_core::policy::Rpc;

use super::kind::{RouteKind, is_http_body};
use super::schema::{Field, Form, Kind, Message, MessageId, Schema, Shape};
use super::upload::Upload;

const PAGINATION: &str = "keyward.policy.v1.Pagination";
const VERSIONS: &str = "keyward.policy.v1.Versions";
const UPDATE_MASK: &str = "update_mask";

/// The `message` of an answer whose RPC names none.
const DEFAULT_MESSAGE: &str = "OK";

/// A binding of `google.api.http`, as far as transcoding goes.
pub(crate) struct Binding<'b> {
    pub(crate) method: &'b Method,
    /// The fields that the path sets, dotted, in order.
    pub(crate) variables: Vec<&'b str>,
    /// The body: none, `*` or a field.
    pub(crate) body: &'b str,
    /// The field that is the answer's `data`, or none.
    pub(crate) response_body: &'b str,
    /// The template of the answer's `Location`, or none.
    pub(crate) location: &'b str,
}

/// One route, for transcoding. Numbers of fields are places in [`Message::fields`].
pub(crate) struct Plan {
    pub(super) rpc: Arc<Rpc>,
    pub(crate) kind: RouteKind,
    pub(super) schema: Arc<Schema>,
    pub(super) input: MessageId,
    pub(super) output: MessageId,
    /// The variables of the path, in order.
    pub(crate) variables: Vec<Variable>,
    pub(super) body: BodyPlan,
    /// How the messages of an upload are made.
    pub(super) upload: Option<Upload>,
    /// Members that a body may not have: paths of field numbers from the body.
    pub(super) taken: Vec<Vec<u32>>,
    /// Which fields of the request are query parameters.
    pub(super) by_query: Vec<bool>,
    /// The `update_mask` of a PATCH.
    pub(super) mask: Option<usize>,
    /// Receives what `If-Match` names.
    pub(super) if_match: Option<usize>,
    /// Receives what `If-None-Match` names.
    pub(super) if_none_match: Option<usize>,
    /// The field that is the answer's `data`; without one, the whole response is.
    pub(super) data: Option<usize>,
    pub(super) pagination: Option<usize>,
    pub(super) etag: Option<FieldPath>,
    pub(super) cookie: Option<CookiePlan>,
    pub(super) redirect: Option<RedirectPlan>,
    /// Empty: no `Location`.
    pub(super) location: Vec<LocationPart>,
    pub(crate) status: u16,
    /// Says in the response whether something was created.
    pub(super) created: Option<FieldPath>,
    /// The envelope up to the value of `data`, …
    pub(super) head: Vec<u8>,
    /// … and what ends it. Outside of the contract there is none.
    pub(super) tail: &'static [u8],
    /// The beginning where the call has created nothing and that has a message of its own.
    pub(super) head_not_created: Option<Vec<u8>>,
}

/// A variable of the path.
pub(crate) struct Variable {
    pub(super) field: FieldPath,
    /// The message that the field stands in, and where.
    pub(super) place: (MessageId, usize),
    /// It is the caller's own text and may hold a slash.
    pub(crate) is_opaque: bool,
}

/// What the body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyPlan {
    None,
    Whole,
    Field(usize),
    /// Bytes: of this field, which is `bytes` or a `google.api.HttpBody`, else of the whole request, which is one.
    Bytes(Option<usize>),
}

/// What becomes of the session cookie.
pub(super) enum CookiePlan {
    /// The response says its new value, if it has one.
    Is(FieldPath),
    /// There is none any more.
    Ends,
}

/// Where the browser is led, and what it keeps on the way.
pub(super) struct RedirectPlan {
    pub(super) location: FieldPath,
    pub(super) flow: Option<FieldPath>,
}

/// The word in `cookie` for a cookie that ends.
const COOKIE_ENDS: &str = "END";

/// A field, from a message through singular messages.
pub(super) type FieldPath = Vec<FieldDescriptor>;

/// A part of a `Location`.
pub(super) enum LocationPart {
    Text(String),
    /// A field of the request or, where that has no value, of the response.
    Field {
        request: Option<FieldPath>,
        response: Option<FieldPath>,
    },
}

impl Plan {
    /// Whether what is answered has a field of this name that no client sets: of the resource, where the answer has more
    /// beside it, as a new key and its secret. A request that makes one need not have it as a field to refuse.
    pub(super) fn answers(&self, name: &str) -> bool {
        let has = |message: &Message| message.fields.iter().any(|f| f.output_only && f.json == name);
        let output = self.schema.message(self.output);
        has(output)
            || output.fields.iter().any(|field| match (field.shape, field.kind) {
                (Shape::One, Kind::Message(id)) => has(self.schema.message(id)),
                _ => false,
            })
    }

    /// Works out a route. An error says which annotation does not fit.
    pub(crate) fn of(schema: &Arc<Schema>, rpc: &Arc<Rpc>, binding: &Binding<'_>) -> Result<Plan, String> {
        let (input, output) = (rpc.method.input(), rpc.method.output());
        let known = |d: &MessageDescriptor| schema.id(d).ok_or(format!("{} is not known", d.full_name()));
        let (input_id, output_id) = (known(&input)?, known(&output)?);
        let (request, response) = (schema.message(input_id), schema.message(output_id));

        let is_stream = rpc.method.is_client_streaming();
        let mut variables = Vec::new();
        for name in &binding.variables {
            let field = scalar(&input, name)
                .ok_or_else(|| format!("`{{{name}}}` is not a scalar field of {}", input.full_name()))?;
            let place = place(schema, &field).ok_or_else(|| format!("`{{{name}}}` is not known"))?;
            let is_opaque = schema.message(place.0).fields[place.1].opaque;
            variables.push(Variable { field, place, is_opaque });
        }
        let body = match binding.body {
            "" => BodyPlan::None,
            "*" if is_http_body(&input) => BodyPlan::Bytes(None),
            "*" => BodyPlan::Whole,
            name => {
                let index = named(request, name, "body")?;
                match holds_bytes(&request.fields[index], is_stream) {
                    true => BodyPlan::Bytes(Some(index)),
                    false => BodyPlan::Field(index),
                }
            }
        };
        if let BodyPlan::Bytes(index) = body {
            let field = index.map(|index| &request.fields[index].descriptor);
            if variables.iter().any(|v| field.is_none_or(|field| v.field[0] == *field)) {
                return Err("a variable of the path names a part of a body of bytes".to_owned());
            }
        }
        let upload = Upload::of(request, body, is_stream, rpc.http.form_or_json)?;
        let mask = request.fields.iter().position(|f| {
            f.descriptor.name() == UPDATE_MASK && f.shape == Shape::One && f.form == Some(Form::FieldMask)
        });
        let if_match = versions(request, &rpc.http.if_match, "if_match")?;
        let if_none_match = versions(request, &rpc.http.if_none_match, "if_none_match")?;
        let etag = match rpc.http.etag.as_str() {
            "" => None,
            name => Some(scalar(&output, name).ok_or_else(|| {
                format!("`etag` names `{name}`, which is not a scalar field of {}", output.full_name())
            })?),
        };
        let data = match binding.response_body {
            "" => None,
            name => Some(named(response, name, "response_body")?),
        };
        let created = match rpc.http.created.as_str() {
            "" => None,
            name => Some(created(response, name, data)?),
        };
        let redirect = redirect(&rpc.http, &output)?;
        let cookie = cookie(&rpc.http.cookie, &output, data.is_some() || redirect.is_some())?;
        let status = match rpc.http.status {
            0 => 200,
            status @ 200..=299 => status as u16,
            status => return Err(format!("`status` {status} is not one of success")),
        };

        let mut plan = Plan {
            rpc: rpc.clone(),
            kind: RouteKind::of(rpc, upload.is_some()),
            input: input_id,
            output: output_id,
            variables,
            body,
            upload,
            taken: Vec::new(),
            by_query: Vec::new(),
            mask: mask.filter(|_| binding.method == Method::PATCH),
            if_match,
            if_none_match,
            data,
            pagination: response.fields.iter().position(is_pagination).filter(|_| schema.is_contract()),
            etag,
            cookie,
            redirect,
            location: location(binding.location, &input, &output)?,
            status,
            created,
            head: if schema.is_contract() { head(&rpc.http.message) } else { Vec::new() },
            head_not_created: not_created(&rpc.http)?.filter(|_| schema.is_contract()),
            tail: if schema.is_contract() { b"}" } else { b"" },
            schema: schema.clone(),
        };
        let taken = plan.taken_fields(request);
        plan.taken = plan.taken_in_body(request, &taken);
        let open = !matches!(plan.body, BodyPlan::Whole | BodyPlan::Bytes(None));
        plan.by_query = taken.iter().map(|taken| open && !taken).collect();
        Ok(plan)
    }

    /// Whether answers have a `Location`.
    pub(crate) fn has_location(&self) -> bool {
        !self.location.is_empty()
    }

    /// Whether requests carry a body.
    pub(crate) fn takes_body(&self) -> bool {
        self.body != BodyPlan::None
    }

    /// The JSON name of a field of the request, by its name in the proto.
    pub(crate) fn json_name(&self, name: &str) -> Option<&str> {
        let request = self.schema.message(self.input);
        request.named(name).map(|i| request.fields[i].json.as_str())
    }

    /// Whether parameters of the query that the request does not know are left out.
    pub(super) fn leaves_out_unknown_parameters(&self) -> bool {
        self.redirect.is_some()
    }

    /// The field of the request that a query parameter sets, by its JSON name.
    pub(crate) fn query_field(&self, json: &str) -> Option<&Field> {
        let request = self.schema.message(self.input);
        request.position(json, 0).filter(|&i| self.by_query[i]).map(|i| &request.fields[i])
    }

    /// The fields of the request that something else than the query or a whole body sets, and what
    /// shares a `oneof` with them.
    fn taken_fields(&self, request: &Message) -> Vec<bool> {
        let by_path =
            |f: &Field| self.variables.iter().any(|v| v.field.len() == 1 && v.field[0] == f.descriptor);
        let mut taken: Vec<bool> = request.fields.iter().map(by_path).collect();
        for index in [self.mask, self.if_match, self.if_none_match].into_iter().flatten() {
            taken[index] = true;
        }
        if let BodyPlan::Field(index) | BodyPlan::Bytes(Some(index)) = self.body {
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
            BodyPlan::None | BodyPlan::Bytes(_) => Vec::new(),
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

/// The field that receives the versions which a precondition names.
fn versions(request: &Message, name: &str, annotation: &str) -> Result<Option<usize>, String> {
    if name.is_empty() {
        return Ok(None);
    }
    let index = named(request, name, annotation)?;
    let kind = request.fields[index].descriptor.kind();
    match kind.as_message().is_some_and(|m| m.full_name() == VERSIONS)
        && request.fields[index].shape == Shape::One
    {
        true => Ok(Some(index)),
        false => Err(format!("`{annotation}` names `{name}`, which is not a {VERSIONS}")),
    }
}

/// The field that says whether something was created. It is for the status and not for `data`.
fn created(response: &Message, name: &str, data: Option<usize>) -> Result<FieldPath, String> {
    let index = named(response, name, "created")?;
    let field = &response.fields[index];
    if (field.shape, field.kind) != (Shape::One, Kind::Bool) {
        return Err(format!("`created` names `{name}`, which is not a bool field"));
    }
    match data {
        Some(data) if data != index => Ok(vec![field.descriptor.clone()]),
        _ => Err("`created` needs a `response_body`, which is another field".to_owned()),
    }
}

/// The head of an answer to a call that has created nothing, where that has a message of its own.
fn not_created(http: &Http) -> Result<Option<Vec<u8>>, String> {
    match (http.not_created.as_str(), http.created.as_str()) {
        ("", _) => Ok(None),
        (_, "") => Err("`not_created` needs `created`".to_owned()),
        (message, _) => Ok(Some(head(message))),
    }
}

/// The field that has the new value of the session cookie. It is a secret, and no part of what is shown.
fn cookie(name: &str, output: &MessageDescriptor, is_beside: bool) -> Result<Option<CookiePlan>, String> {
    match name {
        "" => Ok(None),
        COOKIE_ENDS => Ok(Some(CookiePlan::Ends)),
        name => match text(output, name) {
            Some(path) if is_beside => Ok(Some(CookiePlan::Is(path))),
            _ => {
                Err(format!("`cookie` names `{name}`, which is not a string field beside a `response_body`"))
            }
        },
    }
}

/// The fields of an answer that leads the browser on.
fn redirect(http: &Http, output: &MessageDescriptor) -> Result<Option<RedirectPlan>, String> {
    let field = |name: &str| {
        text(output, name)
            .ok_or_else(|| format!("`redirect` or `flow_cookie` names `{name}`, which is no string field"))
    };
    match (http.redirect.as_str(), http.flow_cookie.as_str()) {
        ("", "") => Ok(None),
        ("", _) => Err("`flow_cookie` needs a `redirect`".to_owned()),
        (to, flow) => {
            let flow = if flow.is_empty() { None } else { Some(field(flow)?) };
            Ok(Some(RedirectPlan { location: field(to)?, flow }))
        }
    }
}

/// A string field of a message itself.
fn text(output: &MessageDescriptor, name: &str) -> Option<FieldPath> {
    let is_text = |path: &FieldPath| path.len() == 1 && path[0].kind() == prost_reflect::Kind::String;
    scalar(output, name).filter(is_text)
}

/// The message that the last field of a path stands in, and where.
fn place(schema: &Schema, path: &FieldPath) -> Option<(MessageId, usize)> {
    let last = path.last()?;
    let owner = schema.id(last.parent_message())?;
    let index = schema.message(owner).fields.iter().position(|f| f.descriptor == *last)?;
    Some((owner, index))
}

/// Whether a body that is this field is bytes. Those of a message that is no stream are base64 in JSON.
fn holds_bytes(field: &Field, is_stream: bool) -> bool {
    let is_body = field.descriptor.kind().as_message().is_some_and(is_http_body);
    field.shape == Shape::One && (is_body || is_stream && field.kind == Kind::Bytes)
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
) -> Result<Vec<LocationPart>, String> {
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
        parts.push(LocationPart::Text(text.to_owned()));
        parts.push(LocationPart::Field { request: in_request, response: in_response });
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(LocationPart::Text(rest.to_owned()));
    }
    Ok(parts)
}

fn head(message: &str) -> Vec<u8> {
    let mut head = br#"{"success":true,"message":"#.to_vec();
    json::string(&mut head, if message.is_empty() { DEFAULT_MESSAGE } else { message });
    head.extend_from_slice(br#","data":"#);
    head
}
