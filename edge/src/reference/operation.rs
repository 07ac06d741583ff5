//! One operation: a route, in the words of those who call it.

use http::Method;
use keyward_proto::policy::v1 as pb;
use prost_reflect::{FieldDescriptor, Kind};
use serde_json::{Map, Value, json};
use svc_core::error::Reason;
use svc_core::policy::{Access, PolicyError};

use super::codes::{self, Asked};
use super::example;
use super::object::{Type, View};
use super::types::{Types, declared, or_null};
use crate::routes::Route;
use crate::transcode::{Described, DescribedBody, RouteKind};

/// What `If-Match` and `If-None-Match` look like.
const ENTITY_TAGS: &str = r#"^(\*|(W/)?"[!#-~]*"([ \t]*,[ \t]*(W/)?"[!#-~]*")*)$"#;

/// The longest `Idempotency-Key`.
const IDEMPOTENCY_KEY_MAX: u32 = 255;

/// The status of an answer that leads the browser on.
const SEE_OTHER: u16 = 303;

/// How deep query parameters lead into messages.
const QUERY_DEPTH: usize = 4;

/// How an operation is called in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Id {
    pub(super) text: String,
    /// What sets it apart from the first binding of its RPC, in words.
    pub(super) suffix: String,
}

/// One way to one RPC.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// Unique, and as stable as the name of the RPC.
    pub(crate) id: String,
    pub(crate) method: Method,
    /// With `{names}` of its parameters.
    pub(crate) path: String,
    pub(crate) summary: String,
    /// Paragraphs. The first sentence is the summary.
    pub(crate) about: String,
    /// What it says about its own codes.
    pub(crate) about_codes: String,
    pub(crate) access: Access,
    pub(crate) codes: Vec<Reason>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<Body>,
    pub(crate) answer: Answer,
}

/// A parameter.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) required: bool,
    pub(crate) about: String,
    pub(crate) schema: Value,
    pub(crate) example: Option<Value>,
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Path,
    Query,
    Header,
}

/// What a request carries.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) required: bool,
    /// The media types of JSON, and its schema.
    pub(crate) media: &'static [&'static str],
    pub(crate) schema: Option<Value>,
    /// Of a form with a file.
    pub(crate) form: Option<Value>,
    /// The bare bytes of any type.
    pub(crate) bytes: bool,
    pub(crate) example: Value,
}

/// What a success carries.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// 201 when something was created.
    pub(crate) may_create: bool,
    pub(crate) message: String,
    pub(crate) kind: AnswerKind,
    pub(crate) pages: bool,
    pub(crate) location: bool,
    pub(crate) etag: bool,
    /// A part of it may be asked for.
    pub(crate) ranges: bool,
    pub(crate) rate_headers: bool,
}

/// The form of a success.
#[derive(Clone, Debug)]
pub(crate) enum AnswerKind {
    /// The envelope, with `data` of this schema.
    Envelope { name: String, data: Value, example: Value },
    /// Bytes of any type.
    Bytes,
    /// None: the browser is led on.
    Redirect,
    /// A line of JSON for each of these.
    Lines(Value),
}

const JSON: &[&str] = &["application/json"];
const PATCH: &[&str] = &["application/json", "application/merge-patch+json"];
/// The part of a form that is the file.
const FILE: &str = "file";

impl Operation {
    /// That of a route. `None`: it is not built yet.
    pub(super) fn of(types: &mut Types, route: &Route, id: &Id) -> Result<Option<Operation>, PolicyError> {
        if route.rpc.http.planned || route.kind() == RouteKind::NotServed {
            return Ok(None);
        }
        let comment = types.comments().rpc(&route.rpc.method);
        let described = route.plan.described();
        let http = &route.rpc.http;
        let mut parameters = Vec::new();
        for field in &described.variables {
            parameters.push(of_path(types, field)?);
        }
        for field in &described.query {
            of_query(types, field, "", QUERY_DEPTH, &mut parameters)?;
        }
        let takes = route.takes(&route.method);
        let has_etag = route.has_etag();
        let precondition = takes.if_match || (takes.if_none_match && route.method != Method::GET);
        if takes.if_match {
            parameters.push(header(
                "If-Match",
                "Only if the resource has one of these versions; `*`: if it exists.",
            ));
        }
        if takes.if_none_match && (has_etag || route.method != Method::GET) {
            let about = match route.method == Method::GET {
                true => {
                    "The versions that the caller has: one that is still the newest is answered with 304."
                }
                false => "`*`: only if the resource does not exist yet.",
            };
            parameters.push(header("If-None-Match", about));
        }
        if http.ranges {
            parameters.extend(range());
        }
        let is_idempotent = http.idempotent;
        if is_idempotent {
            parameters.push(idempotency_key());
        }
        let body = body(types, route, &described)?;
        let asked = Asked {
            access: &route.access,
            is_of_member: route.is_of_member(),
            has_body: body.is_some(),
            has_precondition: precondition,
            is_idempotent,
            comment: &comment.codes,
        };
        Ok(Some(Operation {
            id: id.text.clone(),
            method: route.method.clone(),
            path: path(&route.template, &described.variables),
            codes: codes::of(&asked),
            summary: comment.summary + &id.suffix,
            about: comment.about,
            about_codes: comment.codes,
            access: route.access.clone(),
            parameters,
            body,
            answer: answer(types, route, &described)?,
        }))
    }

    /// The parameters of one place.
    pub(crate) fn parameters_in(&self, place: Place) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(move |parameter| parameter.place == place)
    }
}

/// The template with the names of JSON.
fn path(template: &str, variables: &[FieldDescriptor]) -> String {
    let mut path = String::new();
    let mut rest = template;
    for variable in variables {
        let Some((before, after)) = rest.split_once('{') else { break };
        path.push_str(before);
        path.push_str(&format!("{{{}}}", variable.json_name()));
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    path + rest
}

fn of_path(types: &mut Types, field: &FieldDescriptor) -> Result<Parameter, PolicyError> {
    let ours = types.annotation(field)?;
    let rules = ours.rules.unwrap_or_default();
    let mut schema = types.schema(field, View::Input, &rules, false)?;
    // A segment is never empty.
    if let Some(schema) = schema.as_object_mut().filter(|s| s.get("type") == Some(&json!("string"))) {
        schema.entry("minLength").or_insert(json!(1));
    }
    let example = example::named(field, &rules)?.unwrap_or_else(|| example::of_scalar(&schema));
    Ok(Parameter {
        name: field.json_name().to_owned(),
        place: Place::Path,
        required: true,
        about: types.comments().field(field),
        schema,
        example: Some(example),
    })
}

/// The query parameters of a field: itself, or the leaves of the message that it holds.
fn of_query(
    types: &mut Types,
    field: &FieldDescriptor,
    before: &str,
    depth: usize,
    parameters: &mut Vec<Parameter>,
) -> Result<(), PolicyError> {
    let ours = types.annotation(field)?;
    if ours.planned || depth == 0 {
        return Ok(());
    }
    let name = format!("{before}{}", field.json_name());
    let rules = ours.rules.unwrap_or_default();
    if let (Kind::Message(message), false) = (field.kind(), field.is_list()) {
        if field.is_map() {
            // `name.key=value`, which OpenAPI has no word for.
            return Ok(());
        }
        let is_leaf = message.package_name() == "google.protobuf";
        if !is_leaf {
            for inner in declared(&message) {
                of_query(types, &inner, &format!("{name}."), depth - 1, parameters)?;
            }
            return Ok(());
        }
    }
    let schema = types.schema(field, View::Input, &rules, ours.through_day)?;
    parameters.push(Parameter {
        name,
        place: Place::Query,
        required: types.is_required(field),
        about: types.comments().field(field),
        schema,
        example: example::named(field, &rules)?,
    });
    Ok(())
}

fn header(name: &str, about: &str) -> Parameter {
    Parameter {
        name: name.to_owned(),
        place: Place::Header,
        required: false,
        about: about.to_owned(),
        schema: json!({"type": "string", "format": "entity-tags", "pattern": ENTITY_TAGS}),
        example: Some(json!("\"1\"")),
    }
}

/// `Range` and `If-Range`.
fn range() -> [Parameter; 2] {
    let of = |name: &str, about: &str, schema: Value, example: &str| Parameter {
        name: name.to_owned(),
        place: Place::Header,
        required: false,
        about: about.to_owned(),
        schema,
        example: Some(json!(example)),
    };
    // What is in another form is passed over.
    let text = || json!({"type": "string"});
    let about = "One range of bytes: the answer is that part, with 206.";
    let about_if = "The range counts only while the content has this `ETag`. Else the answer is all of it.";
    [of("Range", about, text(), "bytes=0-1023"), of("If-Range", about_if, text(), "\"1\"")]
}

fn idempotency_key() -> Parameter {
    let about = "Repeating the request with the same key replays the first answer, for 24 hours.";
    Parameter {
        name: "Idempotency-Key".to_owned(),
        place: Place::Header,
        required: false,
        about: about.to_owned(),
        schema: json!({"type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_MAX, "pattern": "^[!-~]([ -~]*[!-~])?$"}),
        example: None,
    }
}

fn body(types: &mut Types, route: &Route, described: &Described) -> Result<Option<Body>, PolicyError> {
    let is_patch = route.method == Method::PATCH;
    let view = if is_patch { View::Patch } else { View::Input };
    let media = if is_patch { PATCH } else { JSON };
    let (schema, form, bytes) = match &described.body {
        DescribedBody::Absent => return Ok(None),
        DescribedBody::Upload(texts) => (None, Some(form(types, texts.as_ref())?), true),
        DescribedBody::FormOrJson(texts) => {
            let form = form(types, Some(texts))?;
            (Some(of_field(types, texts, view)?), Some(form), false)
        }
        DescribedBody::Fields(fields) => {
            (Some(types.object(&route.rpc.method.input(), view, fields)?), None, false)
        }
        DescribedBody::Field(field) => (Some(of_field(types, field, view)?), None, false),
    };
    let required = form.is_some() || schema.as_ref().is_some_and(|schema| types.needs_something(schema));
    let example = schema.as_ref().map(|schema| types.example(schema)).unwrap_or_default();
    Ok(Some(Body { required, media, schema, form, bytes, example }))
}

/// What a field holds.
fn of_field(types: &mut Types, field: &FieldDescriptor, view: View) -> Result<Value, PolicyError> {
    match field.kind() {
        Kind::Message(message) if !field.is_list() && !field.is_map() => types.message(&message, view),
        _ => types.schema(field, view, &pb::Rules::default(), false),
    }
}

/// A form: a file, and the members of a message as text parts before it.
fn form(types: &mut Types, texts: Option<&FieldDescriptor>) -> Result<Value, PolicyError> {
    let mut properties = Map::new();
    if let Some(texts) = texts {
        let is_known = texts.kind().as_message().is_none_or(|m| types.knows(m.full_name(), View::Input));
        let schema = of_field(types, texts, View::Input)?;
        if let Some((_, Type::Object(object))) = types.referred(&schema) {
            properties
                .extend(object.members.iter().map(|member| (member.name.clone(), member.schema.clone())));
        }
        // The form says it all.
        if !is_known {
            types.forget(&schema);
        }
    }
    properties.insert(FILE.into(), json!({"type": "string", "format": "binary"}));
    Ok(json!({"type": "object", "properties": properties, "required": [FILE]}))
}

fn answer(types: &mut Types, route: &Route, described: &Described) -> Result<Answer, PolicyError> {
    let (http, output) = (&route.rpc.http, route.rpc.method.output());
    let leads_on = !http.redirect.is_empty();
    let kind = match route.kind() {
        _ if leads_on => AnswerKind::Redirect,
        RouteKind::Download(_) => AnswerKind::Bytes,
        RouteKind::Lines => AnswerKind::Lines(data(types, route, described)?),
        _ => {
            let data = data(types, route, described)?;
            let example = match data.get("type") == Some(&json!("null")) {
                true => Value::Null,
                false => types.example(&data),
            };
            AnswerKind::Envelope { name: format!("{}Answer", route.rpc.method.name()), data, example }
        }
    };
    let message = match http.message.as_str() {
        "" => format!("{}.", output.name()),
        message => message.to_owned(),
    };
    Ok(Answer {
        status: if leads_on { SEE_OTHER } else { described.status },
        may_create: described.may_create,
        message,
        kind,
        pages: described.pages,
        location: leads_on || route.plan.has_location(),
        etag: route.has_etag(),
        ranges: http.ranges,
        rate_headers: matches!(route.access, Access::Key { .. } | Access::AnyKey),
    })
}

/// The schema of `data`.
fn data(types: &mut Types, route: &Route, described: &Described) -> Result<Value, PolicyError> {
    let output = route.rpc.method.output();
    match &described.data {
        Some(field) => {
            let rules = types.annotation(field)?.rules.unwrap_or_default();
            let schema = types.schema(field, View::Output, &rules, false)?;
            let may_be_absent = field.supports_presence() && field.kind().as_message().is_none();
            Ok(if may_be_absent { or_null(schema) } else { schema })
        }
        None => {
            let is_pagination = |field: &FieldDescriptor| {
                described.pages
                    && field
                        .kind()
                        .as_message()
                        .is_some_and(|m| m.full_name() == "keyward.policy.v1.Pagination")
            };
            let fields: Vec<FieldDescriptor> = declared(&output).filter(|f| !is_pagination(f)).collect();
            match fields.is_empty() {
                true => Ok(json!({"type": "null"})),
                false => types.object(&output, View::Output, &fields),
            }
        }
    }
}
