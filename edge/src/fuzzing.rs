//! What fuzz targets (`fuzz/`), property tests and benchmarks reach besides the public items. Only there with the feature
//! `fuzzing`.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, Method};
use prost_reflect::DescriptorPool;
use svc_core::json::{Json, Next};
use svc_core::precondition::{Precondition, Versions};
use svc_core::wire;

use crate::credential::{Credential, headers};
use crate::routes::{Dialect, Match, Table};
use crate::transcode::body::multipart::{Event, Parser};
use crate::transcode::{Encoded, Faults, HttpBody, MessageId, Reader, Schema, Way, Writer};

/// Takes the credentials out of a head: the API key and its secret, when it shows them well.
pub fn api_key(headers: &mut HeaderMap) -> Option<(String, String)> {
    match headers::api_key(headers) {
        Ok(Credential::ApiKey { key, secret }) => Some((key, secret.expose().to_owned())),
        _ => None,
    }
}

/// Takes the credentials out of a head: the personal access token, when it shows one well.
pub fn member_token(headers: &mut HeaderMap) -> Option<String> {
    match headers::member(headers, None) {
        Ok(Credential::Token(token)) => Some(token.expose().to_owned()),
        _ => None,
    }
}

/// Takes the input as lines, `METHOD`, path, query, then the body, and asks for the route, the
/// permissions, the request and, with the body as the service's answer, the response. Whatever the
/// bytes are, nothing may panic. Returns whether the request was good.
pub fn exercise(table: &Table, input: &[u8]) -> bool {
    let mut lines = input.splitn(4, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (method, path, query, body) = (line(), line(), line(), line());
    let Ok(method) = Method::from_bytes(method) else { return false };
    let (Ok(path), Ok(query)) = (std::str::from_utf8(path), std::str::from_utf8(query)) else { return false };
    let Ok(found) = table.find(&method, path) else { return false };
    let route = found.route;
    route.permissions(Some(query));
    let version_1 =
        Precondition { matches: Some(Versions::OneOf(vec![1])), none_matches: Some(Versions::Any) };
    match route.plan.request(&found.params, Some(query), body, Some(&version_1)) {
        Ok(request) => {
            // The answer's bytes come from a service, which is trusted less than our own code.
            let _ = route.plan.response(&request, body);
            let _ = route.plan.response(&request, &request.wire);
            let _ = route.plan.line(body);
            let _ = HttpBody::read(&Bytes::copy_from_slice(body));
            true
        }
        Err(_) => false,
    }
}

/// The JSON of one message, without a route.
pub struct Codec {
    schema: Schema,
    message: MessageId,
}

impl std::fmt::Debug for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Codec({})", self.schema.message(self.message).descriptor.full_name())
    }
}

impl Codec {
    /// Of the message with this full name. `Err`: why there is none.
    pub fn of(pool: &DescriptorPool, name: &str, dialect: Dialect) -> Result<Codec, String> {
        let descriptor = pool.get_message_by_name(name).ok_or("no such message")?;
        let schema = Schema::of(pool, [descriptor.clone()], dialect).map_err(|e| e.to_string())?;
        let message = schema.id(&descriptor).ok_or("it is not in its schema")?;
        Ok(Codec { schema, message })
    }

    /// The message that this JSON is. `Err`: why it is none.
    pub fn to_wire(&self, json: &[u8]) -> Result<Vec<u8>, String> {
        let mut out = wire::Writer::default();
        let mut faults = Faults::default();
        let read = Json::new(json).and_then(|json| {
            let mut reader = Reader::new(json, &self.schema, &mut out, &mut faults, None);
            match reader.json.peek()? {
                Next::Object => reader.message(self.message, Way::default())?,
                _ => return Err(reader.json.broken("an object is expected")),
            }
            reader.json.end()
        });
        read.map_err(|broken| broken.explain(json).message)?;
        faults.into_result().map_err(|error| error.message)?;
        Ok(out.finish())
    }

    /// The JSON of a message; `None` when the bytes are none, or JSON cannot say it.
    pub fn to_json(&self, wire: &[u8]) -> Option<String> {
        let message = self.schema.message(self.message);
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out, &self.schema);
        let held = writer.hold(message, wire).ok()?;
        writer.fields(message, &held, None).ok()?;
        writer.release(held);
        String::from_utf8(out).ok()
    }
}

/// The values that a path gives to the variables of a template. `Ok(None)`: they do not match. `Err`: what is wrong
/// with the template. It stands for a GET of a route of this table.
pub fn match_template(table: &Table, template: &str, path: &str) -> Result<Option<Vec<String>>, String> {
    let table = table.of_template(template)?;
    let found = table.find(&Method::GET, path).ok();
    Ok(found.map(|found| found.params.into_iter().map(Cow::into_owned).collect()))
}

/// The transcoder of one route.
#[derive(Debug)]
pub struct Transcoding<'t> {
    found: Match<'t, 't>,
    request: Encoded,
}

impl<'t> Transcoding<'t> {
    /// Of the route of a method and a path. `None`: there is none, or it needs more than its path.
    pub fn of(table: &'t Table, method: &str, path: &'t str) -> Option<Transcoding<'t>> {
        let found = table.find(&Method::from_bytes(method.as_bytes()).ok()?, path).ok()?;
        let request = found.route.plan.request(&found.params, None, b"", None).ok()?;
        Some(Transcoding { found, request })
    }

    /// The message of a request with this body.
    pub fn to_wire(&self, json: &[u8]) -> Option<Bytes> {
        let request = self.found.route.plan.request(&self.found.params, None, json, None);
        request.ok().map(|request| request.wire)
    }

    /// The answer's body for this message.
    pub fn to_json(&self, wire: &[u8]) -> Option<Vec<u8>> {
        self.found.route.plan.response(&self.request, wire).ok().map(|answer| answer.body)
    }
}

/// Reads a form that comes in pieces of this size: the names of its parts, and what they hold. `None`: it is none.
pub fn multipart(content_type: &str, body: &[u8], piece: usize) -> Option<Vec<(String, Vec<u8>)>> {
    let mut parser = Parser::new(content_type).ok()?;
    let mut parts: Vec<(String, Vec<u8>)> = Vec::new();
    for piece in body.chunks(piece.max(1)) {
        parser.push(piece);
        while let Some(event) = parser.next().ok()? {
            match event {
                Event::Part(head) => parts.push((head.name, Vec::new())),
                Event::Data(data) => parts.last_mut()?.1.extend_from_slice(&data),
                Event::PartEnd | Event::End => {}
            }
        }
    }
    parser.finish().ok().map(|()| parts)
}
