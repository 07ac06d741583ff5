//! The message that answers an RPC as what HTTP answers.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use svc_core::error::{Error, Reason};
use svc_core::secret::Secret;
use svc_core::wire::Malformed;

use super::plan::{CookiePlan, LocationPart, Plan, RedirectPlan};
use super::request::{Encoded, scalar_at};
use super::schema::Form;
use super::write::{Held, Writer};

/// What may stand in a path segment as it is (RFC 3986, 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// JSON is about this many times as long as a small message, with names and quotes, …
const GROWTH: usize = 4;
/// … and no more than this many bytes longer than a large one, which is mostly text.
const MAX_GROWTH: usize = 64 * 1024;

/// The status of an answer whose call created the resource.
const CREATED: u16 = 201;

/// A successful answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rendered {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The envelope, complete.
    pub(crate) body: Vec<u8>,
    /// The `Location`, a path. `None` also when the answer lacks a value that it names.
    pub(crate) location: Option<String>,
    /// The `ETag`, with its quotes. `None` also when the answer lacks the value.
    pub(crate) etag: Option<String>,
    /// `None`: it stays as it is.
    pub(crate) cookie: Option<Cookie>,
    /// In place of a body.
    pub(crate) redirect: Option<Redirect>,
}

/// The browser is led on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redirect {
    /// Where to.
    pub(crate) location: String,
    /// What it keeps until it comes back. `None`: nothing any more.
    pub(crate) flow: Option<Secret>,
}

/// What becomes of the session cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// It has this value.
    Is(Secret),
    /// There is none any more.
    Ends,
}

impl Plan {
    /// Renders the answer to a request.
    ///
    /// # Errors
    /// `bad_gateway` when the bytes are not a message of the type that the RPC answers with.
    pub(crate) fn response(&self, request: &Encoded, wire: &[u8]) -> Result<Rendered, Error> {
        let growth = (wire.len() * GROWTH).min(wire.len() + MAX_GROWTH);
        let mut body = Vec::with_capacity(self.head.len() + growth + 512);
        // `false` is no value.
        let created = self.created.as_ref().map(|path| scalar_at(wire, path).is_some());
        let head = match &self.head_not_created {
            Some(head) if created == Some(false) => head,
            _ => &self.head,
        };
        self.envelope(wire, head, &mut body).map_err(|error| self.unreadable(error))?;
        let etag = self.etag.as_ref().and_then(|path| scalar_at(wire, path)).filter(|v| is_etag(v));
        Ok(Rendered {
            status: if created == Some(true) { CREATED } else { self.status },
            body,
            location: self.location(request, wire).filter(|_| created != Some(false)),
            etag: etag.map(|value| ["\"", &value, "\""].concat()),
            cookie: self.cookie.as_ref().and_then(|plan| cookie(plan, wire)),
            redirect: self.redirect.as_ref().map(|plan| redirect(plan, wire)),
        })
    }

    /// Renders one message of a stream: a line of JSON.
    ///
    /// # Errors
    /// `bad_gateway` when the bytes are not a message of the type that the RPC answers with.
    pub(crate) fn line(&self, wire: &[u8]) -> Result<Vec<u8>, Error> {
        let output = self.schema.message(self.output);
        let mut line = Vec::with_capacity((wire.len() * GROWTH).min(wire.len() + MAX_GROWTH) + 2);
        let mut writer = Writer::new(&mut line, &self.schema);
        let written = writer.hold(output, wire).and_then(|held| {
            let written = self.data(&mut writer, wire, &held, None);
            writer.release(held);
            written
        });
        written.map_err(|error| self.unreadable(error))?;
        line.push(b'\n');
        Ok(line)
    }

    fn unreadable(&self, error: Malformed) -> Error {
        tracing::error!(rpc.method = %self.rpc.path, %error, "an answer cannot be decoded");
        Error::new(Reason::BadGateway, "The service behind gave an answer that cannot be read.")
    }

    fn envelope(&self, wire: &[u8], head: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        let output = self.schema.message(self.output);
        out.extend_from_slice(head);
        let mut writer = Writer::new(out, &self.schema);
        let held = writer.hold(output, wire)?;
        match self.data {
            None if self.is_empty() => writer.null(),
            _ => self.data(&mut writer, wire, &held, self.pagination)?,
        }
        if let Some(index) = self.pagination {
            let values = writer.of(&held, index);
            writer.pagination(&output.fields[index], values)?;
        }
        writer.release(held);
        out.extend_from_slice(self.tail);
        Ok(())
    }

    /// Whether the response has nothing that could be `data`.
    fn is_empty(&self) -> bool {
        let fields = self.schema.message(self.output).fields.len();
        self.schema.is_contract() && fields == usize::from(self.pagination.is_some())
    }

    /// The field that is the answer's `data`, or all fields without one.
    fn data<'m>(
        &self,
        writer: &mut Writer<'_, 'm>,
        wire: &'m [u8],
        held: &Held,
        without: Option<usize>,
    ) -> Result<(), Malformed> {
        let output = self.schema.message(self.output);
        match self.data {
            Some(index) => writer.field(&output.fields[index], writer.of(held, index)),
            None if output.form == Form::Fields => writer.fields(output, held, without),
            None => writer.message(self.output, wire),
        }
    }

    fn location(&self, request: &Encoded, response: &[u8]) -> Option<String> {
        if self.location.is_empty() {
            return None;
        }
        let mut out = String::new();
        let mut from_request = request.location.iter();
        for part in &self.location {
            match part {
                LocationPart::Text(text) => out.push_str(text),
                LocationPart::Field { response: path, .. } => {
                    let value = from_request.next().cloned().flatten();
                    let value = value.or_else(|| scalar_at(response, path.as_ref()?))?;
                    out.extend(utf8_percent_encode(&value, SEGMENT));
                }
            }
        }
        Some(out)
    }
}

fn redirect(plan: &RedirectPlan, wire: &[u8]) -> Redirect {
    let location = scalar_at(wire, &plan.location).unwrap_or_else(|| "/".to_owned());
    let flow = plan.flow.as_ref().and_then(|path| scalar_at(wire, path));
    Redirect { location, flow: flow.map(Secret::new) }
}

fn cookie(plan: &CookiePlan, wire: &[u8]) -> Option<Cookie> {
    match plan {
        CookiePlan::Is(path) => Some(Cookie::Is(Secret::new(scalar_at(wire, path)?))),
        CookiePlan::Ends => Some(Cookie::Ends),
    }
}

/// Whether a value can stand in an `ETag` (RFC 9110, 8.8.3), without the bytes above ASCII.
fn is_etag(value: &str) -> bool {
    value.bytes().all(|c| c.is_ascii_graphic() && c != b'"')
}
