//! Uploads: which messages a body of bytes becomes, alone or as the file of a form.
//!
//! The first message holds what path, query and text parts say, with the file's name and media type where the
//! message has fields for them. The bytes stand in the field that `body` names, a `google.api.HttpBody` or `bytes`.
//! Where `body` names another message, which shares a `oneof` with a field of bytes, the text parts are the fields
//! of that message, and the bytes follow in messages of their own.

use std::collections::HashSet;

use bytes::Bytes;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};
use svc_core::error::{Error, Fault};
use svc_core::json::Json;
use svc_core::wire::Writer;

use super::body::{FILE, FileHead, TextPart};
use super::encode;
use super::fault::Faults;
use super::http_body::{CONTENT_TYPE, DATA};
use super::plan::{BodyPlan, Plan};
use super::query;
use super::read::Reader;
use super::request::Encoded;
use super::schema::{Field, Form, Kind, Message, MessageId, Shape};
use super::text;

/// The fields of the message that receive what is known of a file.
const FILE_NAME: &str = "file_name";
const MEDIA_TYPE: &str = "content_type";

/// How many bytes a piece takes beyond its data, mostly.
const MARGIN: usize = 16;

/// How the messages of an upload are made.
pub(super) struct Upload {
    content: Content,
    /// The message whose fields the text parts are: of this field, else the request itself.
    texts: Option<usize>,
    /// A JSON body is the message of `texts`, and bare content is not taken.
    is_form_or_json: bool,
}

/// Where the bytes stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// In a `google.api.HttpBody`: the whole request, or the field with this number.
    HttpBody(Option<u32>),
    /// In the field with this number, beside other fields of the first message.
    Bytes(u32),
    /// In the field with this number, in messages of their own.
    Apart(u32),
}

/// What is known of an upload before its bytes.
#[derive(Debug, Default)]
pub(crate) struct UploadHead {
    /// The text parts of a form.
    pub(crate) texts: Vec<TextPart>,
    /// `None`: the form has none.
    pub(crate) file: Option<FileHead>,
}

impl Upload {
    /// The field whose message the text parts are; `None`: the request itself.
    pub(super) fn texts(&self) -> Option<usize> {
        self.texts
    }

    /// The upload of a route; `None` where its body is no bytes. An error says which annotation does not fit.
    pub(super) fn of(
        request: &Message,
        body: BodyPlan,
        is_stream: bool,
        is_form_or_json: bool,
    ) -> Result<Option<Upload>, String> {
        let upload = |content, texts| Some(Upload { content, texts, is_form_or_json });
        let found = match body {
            BodyPlan::Bytes(None) => upload(Content::HttpBody(None), None),
            BodyPlan::Bytes(Some(index)) => {
                let Field { number, kind, .. } = request.fields[index];
                let content = match kind {
                    Kind::Bytes => Content::Bytes(number),
                    _ => Content::HttpBody(Some(number)),
                };
                upload(content, None)
            }
            BodyPlan::Field(index) if is_stream && is_object(&request.fields[index]) => {
                let oneof = request.fields[index].oneof;
                let is_chunk = |f: &&Field| oneof.is_some() && f.oneof == oneof && f.kind == Kind::Bytes;
                let chunk = request.fields.iter().find(is_chunk);
                chunk.and_then(|chunk| upload(Content::Apart(chunk.number), Some(index)))
            }
            BodyPlan::None | BodyPlan::Whole | BodyPlan::Field(_) => None,
        };
        let has_message = found.as_ref().is_some_and(|upload| upload.texts.is_some());
        if is_form_or_json && !has_message {
            return Err("`form_or_json` needs a `body` that is a message beside a field of bytes".to_owned());
        }
        Ok(found)
    }
}

impl Plan {
    /// Whether the body of an upload is a form or JSON, and never bare content.
    pub(crate) fn is_form_or_json(&self) -> bool {
        self.upload.as_ref().is_some_and(|upload| upload.is_form_or_json)
    }

    /// Whether a part is read as JSON.
    pub(super) fn is_json_part(&self, part: &TextPart) -> bool {
        let target = self.upload_target().and_then(|(upload, id)| self.text_field(upload, id, &part.name));
        target.is_some_and(|(field, _)| self.is_json(field))
    }

    fn is_json(&self, field: &Field) -> bool {
        matches!(field.shape, Shape::Map(_)) || !text::is_leaf(field)
    }

    /// What the first message holds beside the bytes, of a request that was encoded without its body.
    ///
    /// # Errors
    /// `invalid_argument` with everything that is wrong with the text parts.
    pub(crate) fn upload_head(
        &self,
        request: &Encoded,
        query: Option<&str>,
        head: &UploadHead,
    ) -> Result<Bytes, Error> {
        let Some((upload, id)) = self.upload_target() else { return Ok(request.wire.clone()) };
        let mut out = Writer::with_capacity(head.texts.iter().map(|part| part.text.len() + MARGIN).sum());
        let mut faults = Faults::default();
        // The same field again is merged with the one that was encoded.
        let open = upload.texts.map(|index| out.open(self.schema.message(self.input).fields[index].number));
        let mut seen = match upload.texts {
            Some(_) => HashSet::new(),
            None => query_names(query),
        };
        self.read_texts(upload, id, &head.texts, &mut seen, &mut out, &mut faults);
        match &head.file {
            None => {
                let mark = faults.enter(FILE);
                faults.add(Fault::Required, "must be there, behind all other parts");
                faults.leave(mark);
            }
            Some(file) => {
                let media_type = file.content_type.as_deref().filter(|_| !upload.content.is_http_body());
                for (name, value) in [(FILE_NAME, file.name.as_deref()), (MEDIA_TYPE, media_type)] {
                    let field = self.file_field(upload, id, name).filter(|field| !seen.contains(&field.json));
                    if let (Some(field), Some(value)) = (field, value) {
                        out.bytes_field(field.number, value.as_bytes());
                    }
                }
            }
        }
        if let Some(open) = open {
            out.close(open);
        }
        faults.into_result()?;
        Ok([&request.wire[..], &out.finish()].concat().into())
    }

    /// The first message with bytes, behind what was said before; or, where they follow in messages of their own,
    /// both.
    pub(crate) fn first_messages(&self, head: &[u8], content_type: &str, data: &[u8]) -> Vec<Bytes> {
        match self.upload.as_ref().map(|upload| upload.content) {
            Some(Content::Apart(_)) if data.is_empty() => vec![Bytes::copy_from_slice(head)],
            Some(Content::Apart(_)) => vec![Bytes::copy_from_slice(head), self.next_message(data)],
            _ => vec![self.message(head, content_type, data)],
        }
    }

    /// Any other message of an upload: nothing but bytes.
    pub(crate) fn next_message(&self, data: &[u8]) -> Bytes {
        self.message(b"", "", data)
    }

    /// One message of an upload: what comes before its bytes, and those.
    pub(crate) fn message(&self, before: &[u8], content_type: &str, data: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(before.len() + content_type.len() + data.len() + MARGIN);
        out.extend_from_slice(before);
        match self.upload.as_ref().map(|upload| upload.content) {
            Some(Content::Bytes(number) | Content::Apart(number)) => field(&mut out, number, data),
            Some(Content::HttpBody(number)) => {
                if let Some(number) = number {
                    encode_key(number, WireType::LengthDelimited, &mut out);
                    let length = field_len(CONTENT_TYPE, content_type.as_bytes()) + field_len(DATA, data);
                    encode_varint(length as u64, &mut out);
                }
                field(&mut out, CONTENT_TYPE, content_type.as_bytes());
                field(&mut out, DATA, data);
            }
            None => {}
        }
        out.into()
    }

    /// The upload, and the message whose fields the text parts are.
    fn upload_target(&self) -> Option<(&Upload, MessageId)> {
        let upload = self.upload.as_ref()?;
        match upload.texts.map(|index| self.schema.message(self.input).fields[index].kind) {
            None => Some((upload, self.input)),
            Some(Kind::Message(id)) => Some((upload, id)),
            Some(_) => None,
        }
    }

    /// The field that a text part sets, and whether nothing else does.
    fn text_field(&self, upload: &Upload, id: MessageId, name: &str) -> Option<(&Field, bool)> {
        let message = self.schema.message(id);
        let index = message.position(name, 0)?;
        let field = &message.fields[index];
        match upload.texts {
            Some(_) => Some((field, !self.taken.contains(&vec![field.number]))),
            None => self.by_query[index].then_some((field, true)),
        }
    }

    /// The field that receives what is known of the file.
    fn file_field(&self, upload: &Upload, id: MessageId, name: &str) -> Option<&Field> {
        let message = self.schema.message(id);
        let json = &message.fields[message.named(name)?].json;
        let (field, is_free) = self.text_field(upload, id, json)?;
        (is_free && (field.shape, field.kind) == (Shape::One, Kind::String)).then_some(field)
    }

    fn read_texts<'t>(
        &self,
        upload: &Upload,
        id: MessageId,
        texts: &'t [TextPart],
        seen: &mut HashSet<String>,
        out: &mut Writer,
        faults: &mut Faults,
    ) {
        let mut chosen: Vec<(usize, &'t String)> = Vec::new();
        for TextPart { name, text } in texts {
            let mark = faults.enter(name);
            match self.text_field(upload, id, name) {
                None => faults.add(Fault::UnknownField, "is not a part here"),
                Some((field, _)) if field.output_only => faults.add(Fault::Immutable, "cannot be set"),
                Some((_, false)) => faults.add(Fault::Immutable, "is not a part: the path says it"),
                Some((field, true)) => {
                    let is_second = !seen.insert(field.json.clone());
                    let is_list = field.shape == Shape::List && !self.is_json(field);
                    let other = field.oneof.and_then(|oneof| {
                        chosen.push((oneof, name));
                        chosen.iter().find(|(of, other)| *of == oneof && *other != name)
                    });
                    match other {
                        Some((_, other)) => {
                            faults.add(Fault::Invalid, format!("cannot be set together with `{other}`"));
                        }
                        None if is_second && !is_list => faults.add(Fault::Duplicate, "appears twice"),
                        None => self.read_text(field, text, out, faults),
                    }
                }
            }
            faults.leave(mark);
        }
    }

    /// Reads one part: what a query could say as a query says it, all else as JSON.
    fn read_text(&self, field: &Field, text: &[u8], out: &mut Writer, faults: &mut Faults) {
        if self.is_json(field) {
            let read = Json::new(text).and_then(|json| {
                let mut reader = Reader::new(json, &self.schema, out, faults, None);
                reader.field(field)?;
                reader.json.end()
            });
            if read.is_err() {
                faults.add(Fault::Invalid, "must be JSON");
            }
            return;
        }
        let Ok(text) = std::str::from_utf8(text) else {
            return faults.add(Fault::Invalid, "must be UTF-8");
        };
        match (text::value(&self.schema, field, text), field.shape) {
            (Err((fault, what)), _) => faults.add(fault, what),
            (Ok(value), Shape::List) => {
                encode::value(out, &self.schema, encode::Place::Field(field.number), field, &value);
            }
            (Ok(value), _) => encode::field(out, &self.schema, field, &value),
        }
    }
}

impl Content {
    fn is_http_body(self) -> bool {
        matches!(self, Content::HttpBody(_))
    }
}

fn is_object(field: &Field) -> bool {
    field.shape == Shape::One && field.form == Some(Form::Fields)
}

/// The fields of the request that a query sets.
fn query_names(query: Option<&str>) -> HashSet<String> {
    let pairs = query::pairs(query.unwrap_or_default());
    let first = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    pairs.filter_map(|(name, _)| name.ok().map(|name| first(&name))).collect()
}

fn field_len(number: u32, value: &[u8]) -> usize {
    match value.len() {
        0 => 0,
        length => key_len(number) + encoded_len_varint(length as u64) + length,
    }
}

fn field(out: &mut Vec<u8>, number: u32, value: &[u8]) {
    if !value.is_empty() {
        encode_key(number, WireType::LengthDelimited, out);
        encode_varint(value.len() as u64, out);
        out.extend_from_slice(value);
    }
}
