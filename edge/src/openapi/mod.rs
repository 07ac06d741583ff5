//! The OpenAPI 3.1 document (JSON Schema 2020-12), written once at start.
//!
//! - `errors`: the two forms of errors, and the answers that have them
//! - `health`: the operation that the edge answers itself

mod errors;
mod health;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};
use svc_core::policy::Access;

use crate::reference::{
    Answer, AnswerKind, Body, Operation, Parameter, Place, Reference, Type, reference, who_may,
};

const INTRODUCTION: &str = "A key-protected REST API in front of gRPC services. Guides, samples and what to do about \
    each error stand at `/docs`.";

const API_KEY: &str = "apiKey";
const API_SECRET: &str = "apiSecret";
const BASIC: &str = "basic";
const TOKEN: &str = "personalAccessToken";

/// The document, its members in the order in which people look for them.
#[derive(Serialize)]
struct Document {
    openapi: &'static str,
    info: Value,
    servers: Value,
    tags: Vec<Value>,
    paths: BTreeMap<String, Map<String, Value>>,
    components: Value,
}

/// The document as JSON.
pub(crate) fn document(api: &Reference) -> Vec<u8> {
    let mut tags: Vec<Value> = api
        .chapters
        .iter()
        .map(|chapter| json!({"name": chapter.title, "description": chapter.about}))
        .collect();
    tags.push(json!({"name": health::TAG, "description": "Whether the service is up."}));

    let mut schemas: Map<String, Value> = Map::new();
    for (name, of) in api.types.iter() {
        schemas.insert(name.to_owned(), schema_of(of));
    }
    schemas.extend(errors::schemas());
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for chapter in &api.chapters {
        for operation in &chapter.operations {
            let item = paths.entry(operation.path.clone()).or_default();
            let method = operation.method.as_str().to_ascii_lowercase();
            item.insert(method, of_operation(operation, &chapter.title, &mut schemas));
        }
    }
    health::add(&mut paths, &mut schemas);

    let document = Document {
        openapi: "3.1.1",
        info: json!({
            "title": "Keyward",
            "version": env!("CARGO_PKG_VERSION"),
            "description": INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        }),
        servers: json!([{"url": "/", "description": "This server"}]),
        tags,
        paths,
        components: json!({
            "schemas": schemas,
            "headers": headers(),
            "securitySchemes": security_schemes(),
        }),
    };
    // Maps with names of text always serialize.
    serde_json::to_vec(&document).unwrap_or_default()
}

fn of_operation(operation: &Operation, tag: &str, schemas: &mut Map<String, Value>) -> Value {
    let mut out = Map::new();
    out.insert("operationId".into(), operation.id.clone().into());
    out.insert("tags".into(), json!([tag]));
    out.insert("summary".into(), operation.summary.clone().into());
    out.insert("description".into(), description(operation).into());
    out.insert("security".into(), security(&operation.access));
    permissions(&operation.access, &mut out);
    if !operation.parameters.is_empty() {
        out.insert("parameters".into(), operation.parameters.iter().map(parameter).collect());
    }
    if let Some(body) = &operation.body {
        out.insert("requestBody".into(), request_body(body));
    }
    out.insert("responses".into(), responses(operation, schemas));
    out.into()
}

fn description(operation: &Operation) -> String {
    let mut paragraphs = vec![operation.about.clone()];
    paragraphs.push(who_may(&operation.access));
    if !operation.about_codes.is_empty() {
        paragraphs.push(format!("Errors of its own: {}", operation.about_codes));
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs.join("\n\n")
}

fn security(access: &Access) -> Value {
    match access {
        // Both headers together, or both in one.
        Access::Key { .. } | Access::AnyKey => json!([{API_KEY: [], API_SECRET: []}, {BASIC: []}]),
        Access::Member(_) => json!([{TOKEN: []}]),
        Access::Public | Access::Internal => json!([]),
    }
}

/// What machines read of [`who_may`].
fn permissions(access: &Access, out: &mut Map<String, Value>) {
    match access {
        Access::Key { permissions, when, .. } => {
            out.insert("x-keyward-permissions".into(), json!(permissions));
            if !when.is_empty() {
                let when: Map<String, Value> =
                    when.iter().map(|c| (c.field.clone(), json!(c.permissions))).collect();
                out.insert("x-keyward-permissions-when".into(), when.into());
            }
        }
        Access::AnyKey => {
            out.insert("x-keyward-permissions".into(), json!([]));
        }
        Access::Member(role) => {
            out.insert("x-keyward-role".into(), role.as_str_name().trim_start_matches("ROLE_").into());
        }
        Access::Public | Access::Internal => {}
    }
}

fn parameter(parameter: &Parameter) -> Value {
    let place = match parameter.place {
        Place::Path => "path",
        Place::Query => "query",
        Place::Header => "header",
    };
    let mut out = Map::new();
    out.insert("name".into(), parameter.name.clone().into());
    out.insert("in".into(), place.into());
    out.insert("required".into(), parameter.required.into());
    if !parameter.about.is_empty() {
        out.insert("description".into(), parameter.about.clone().into());
    }
    out.insert("schema".into(), parameter.schema.clone());
    if let Some(example) = &parameter.example {
        out.insert("example".into(), example.clone());
    }
    out.into()
}

fn request_body(body: &Body) -> Value {
    let mut content = Map::new();
    if let Some(schema) = &body.schema {
        let of = json!({"schema": schema, "example": body.example});
        content.extend(body.media.iter().map(|media| ((*media).to_owned(), of.clone())));
    }
    if let Some(form) = &body.form {
        content.insert("multipart/form-data".into(), json!({"schema": form}));
    }
    if body.bytes {
        content.insert("*/*".into(), bytes());
    }
    json!({"required": body.required, "content": content})
}

/// Bytes of any type.
fn bytes() -> Value {
    json!({"schema": {"type": "string", "format": "binary"}})
}

fn responses(operation: &Operation, schemas: &mut Map<String, Value>) -> Value {
    let mut out = errors::responses(operation);
    let answer = &operation.answer;
    let success = |location: bool| {
        let mut headers = Map::new();
        headers.insert("X-Request-Id".into(), header_reference("RequestId"));
        if location {
            headers.insert("Location".into(), header_reference("Location"));
        }
        if answer.etag {
            headers.insert("ETag".into(), header_reference("ETag"));
        }
        if answer.ranges {
            headers.extend(content_headers());
        }
        if answer.rate_headers {
            headers.extend(rate_headers());
        }
        json!({"description": answer.message, "headers": headers})
    };
    let content = content(answer, schemas);
    let always_located = answer.location && !answer.may_create;
    let mut usual = success(always_located);
    if !content.is_null() {
        usual["content"].clone_from(&content);
    }
    if answer.ranges {
        let mut part = usual.clone();
        part["description"] = "The part that was asked for.".into();
        part["headers"]["Content-Range"] = header_reference("ContentRange");
        out.insert("206".into(), part);
    }
    out.insert(answer.status.to_string(), usual);
    if answer.may_create {
        let mut created = success(answer.location);
        created["content"] = content;
        out.insert("201".into(), created);
    }
    if answer.etag && operation.method == http::Method::GET {
        let headers =
            json!({"X-Request-Id": header_reference("RequestId"), "ETag": header_reference("ETag")});
        out.insert(
            "304".into(),
            json!({"description": "The caller has the newest version.", "headers": headers}),
        );
    }
    out.into()
}

fn content(answer: &Answer, schemas: &mut Map<String, Value>) -> Value {
    match &answer.kind {
        AnswerKind::Bytes => json!({"*/*": bytes()}),
        AnswerKind::Redirect => Value::Null,
        AnswerKind::Lines(data) => json!({
            "application/x-ndjson": {"schema": data},
            // Each event has the same JSON as its data.
            "text/event-stream": {"schema": {"type": "string"}},
        }),
        AnswerKind::Envelope { name, data, .. } => {
            schemas.entry(name.clone()).or_insert_with(|| envelope(data, answer.pages));
            json!({"application/json": {"schema": reference(name), "example": example(answer)}})
        }
    }
}

/// `success`, `message` and `data`.
fn envelope(data: &Value, pages: bool) -> Value {
    let mut properties = json!({
        "success": {"type": "boolean", "const": true},
        "message": {"type": "string"},
        "data": data,
    });
    let mut required = vec!["success", "message", "data"];
    if pages {
        properties["pagination"] = reference(errors::PAGINATION);
        required.push("pagination");
    }
    json!({"type": "object", "properties": properties, "required": required})
}

/// A whole answer.
pub(crate) fn example(answer: &Answer) -> Value {
    let AnswerKind::Envelope { example, .. } = &answer.kind else { return Value::Null };
    let mut out = json!({"success": true, "message": answer.message, "data": example});
    if answer.pages {
        out["pagination"] = json!({"limit": 20, "hasMore": false, "nextCursor": null});
    }
    out
}

fn schema_of(of: &Type) -> Value {
    match of {
        Type::Object(object) => object.schema(),
        Type::Enum { about, values } => {
            let names: Vec<&String> = values.iter().map(|(name, _)| name).collect();
            let meanings: Vec<String> =
                values.iter().map(|(name, meaning)| format!("- `{name}`: {meaning}")).collect();
            json!({"type": "string", "enum": names, "description": format!("{about}\n\n{}", meanings.join("\n"))})
        }
    }
}

fn header_reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

/// What answers that give bytes carry, of which a part may be asked for.
fn content_headers() -> Map<String, Value> {
    let names = [("Accept-Ranges", "AcceptRanges"), ("Content-Disposition", "ContentDisposition")];
    names.into_iter().map(|(name, of)| (name.to_owned(), header_reference(of))).collect()
}

/// What answers to an API key may carry.
fn rate_headers() -> Map<String, Value> {
    let names = [
        ("RateLimit-Policy", "RateLimitPolicy"),
        ("RateLimit", "RateLimit"),
        ("X-RateLimit-Limit", "XRateLimitLimit"),
        ("X-RateLimit-Remaining", "XRateLimitRemaining"),
        ("X-RateLimit-Reset", "XRateLimitReset"),
        ("X-API-Secret-Expires", "XAPISecretExpires"),
    ];
    names.into_iter().map(|(name, of)| (name.to_owned(), header_reference(of))).collect()
}

fn headers() -> Value {
    let text = |about: &str, example: &str| json!({"description": about, "schema": {"type": "string"}, "example": example});
    let number = |about: &str, example: u32| json!({"description": about, "schema": {"type": "integer", "minimum": 0}, "example": example});
    json!({
        "RequestId": text("The id of the request, for support.", "65f0c0ffee65f0c0ffee65f0"),
        "Location": text("The path of what was created.", "/v1/open/contacts/mantisid/65f0c0ffee65f0c0ffee65f0/chatbots/65f0c0ffee65f0c0ffee65f0"),
        "ETag": text("The version of the resource, for `If-Match` and `If-None-Match`.", "\"1\""),
        "AcceptRanges": text("That a range of bytes may be asked for.", "bytes"),
        "ContentRange": text("Which part it is, and how long the whole is.", "bytes 0-1023/4096"),
        "ContentDisposition": text("The name of the file.", "attachment; filename=\"invoice.pdf\""),
        "RetryAfter": number("Seconds to wait before another try.", 1),
        "WWWAuthenticate": text("How to authenticate.", "ApiKey realm=\"keyward\""),
        "RateLimitPolicy": text("The limits of the key.", "\"minute\";q=60;w=60, \"hour\";q=1000;w=3600"),
        "RateLimit": text("What remains of the limits, and seconds until a used slot comes free.", "\"minute\";r=59;t=61, \"hour\";r=999;t=3641"),
        "XRateLimitLimit": number("The limit of the tighter window.", 60),
        "XRateLimitRemaining": number("What remains of it.", 59),
        "XAPISecretExpires": text("Until when the secret works that was sent: only when it was rotated out.", "2026-01-31T12:00:00.000Z"),
        "XRateLimitReset": number("Seconds until a used slot of it comes free.", 61),
    })
}

fn security_schemes() -> Value {
    json!({
        API_KEY: {
            "type": "apiKey", "in": "header", "name": "X-API-Key",
            "description": "The API key, `kw_live_…` or `kw_test_…`. Goes together with `X-API-Secret`.",
        },
        API_SECRET: {
            "type": "apiKey", "in": "header", "name": "X-API-Secret",
            "description": "The secret of the key, `kws_live_…` or `kws_test_…`. Goes together with `X-API-Key`.",
        },
        BASIC: {
            "type": "http", "scheme": "basic",
            "description": "For clients that can send one header only: the API key as the user, its secret as the password.",
        },
        TOKEN: {
            "type": "http", "scheme": "bearer", "bearerFormat": "kwp_…",
            "description": "A member's personal access token, for the console.",
        },
    })
}

#[cfg(test)]
mod tests;
