//! The message that answers an RPC as what HTTP answers.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use prost_reflect::DynamicMessage;
use svc_core::error::{Error, Reason};

use super::plan::{Part, Plan};
use super::request::{Encoded, scalar_at};
use super::write::Writer;
use crate::routes::Route;

/// What may stand in a path segment as it is (RFC 3986, 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// JSON is about this many times as long as the message, with names and quotes.
const GROWTH: usize = 4;

/// A successful answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The HTTP status.
    pub status: u16,
    /// The envelope, complete.
    pub body: Vec<u8>,
    /// The `Location`, a path. `None` also when the answer lacks a value that it names.
    pub location: Option<String>,
    /// The `ETag`, with its quotes. `None` also when the answer lacks the value.
    pub etag: Option<String>,
}

impl Route {
    /// Renders the answer to a request.
    ///
    /// # Errors
    /// `bad_gateway` when the bytes are not a message of the type that the RPC answers with.
    pub fn response(&self, request: &Encoded, wire: &[u8]) -> Result<Rendered, Error> {
        let plan = &self.plan;
        let output = plan.schema.message(plan.output);
        let message = DynamicMessage::decode(output.descriptor.clone(), wire).map_err(|error| {
            tracing::error!(rpc.method = %self.rpc.path, %error, "an answer cannot be decoded");
            Error::new(Reason::BadGateway, "The service behind gave an answer that cannot be read.")
        })?;
        let mut body = Vec::with_capacity(plan.head.len() + wire.len() * GROWTH + 512);
        plan.envelope(&message, &mut body);
        let etag = plan.etag.as_ref().and_then(|path| scalar_at(&message, path)).filter(|v| is_etag(v));
        Ok(Rendered {
            status: plan.status,
            body,
            location: plan.location(request, &message),
            etag: etag.map(|value| format!("\"{value}\"")),
        })
    }
}

impl Plan {
    fn envelope(&self, message: &DynamicMessage, out: &mut Vec<u8>) {
        let output = self.schema.message(self.output);
        out.extend_from_slice(&self.head);
        let mut writer = Writer { out, schema: &self.schema };
        match self.data {
            Some(index) => writer.field(message, &output.fields[index]),
            None if output.fields.len() == usize::from(self.pagination.is_some()) => writer.null(),
            None => writer.fields(output, message, self.pagination),
        }
        if let Some(index) = self.pagination {
            writer.pagination(message, &output.fields[index]);
        }
        out.push(b'}');
    }

    fn location(&self, request: &Encoded, response: &DynamicMessage) -> Option<String> {
        if self.location.is_empty() {
            return None;
        }
        let mut out = String::new();
        let mut from_request = request.location.iter();
        for part in &self.location {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Field { response: path, .. } => {
                    let value = from_request.next().cloned().flatten();
                    let value = value.or_else(|| scalar_at(response, path.as_ref()?))?;
                    out.extend(utf8_percent_encode(&value, SEGMENT));
                }
            }
        }
        Some(out)
    }
}

/// Whether a value can stand in an `ETag` (RFC 9110, 8.8.3), without the bytes above ASCII.
fn is_etag(value: &str) -> bool {
    value.bytes().all(|c| c.is_ascii_graphic() && c != b'"')
}
