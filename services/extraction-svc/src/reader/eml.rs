//! Mails: the head, the part that is shown, and a list of what is attached.

use mail_parser::{Address, Message, MessageParser, MimeHeaders, PartType};

use super::layout::Flow;
use super::{Output, ReadError, html, text};
use crate::document::{Attachment, Kind, MAX_NAME_CHARACTERS, NoticeKind};

/// How many words of its HTML make a mail's plain text superfluous.
const ENOUGH_WORDS: usize = 3;
/// The most addresses of one field that are read.
const MAX_ADDRESSES: usize = 100;

/// Reads a mail.
pub(crate) fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), ReadError> {
    let message = MessageParser::default().parse(bytes);
    let message = message.ok_or_else(|| ReadError::unreadable("the mail has no head"))?;
    output.head(Kind::Eml, 1)?;
    let mut flow = head(&message);
    let shown = body(&message, output)?.unwrap_or_default();
    flow.append(shown);
    if flow.words() > output.words_left() {
        return Err(output.too_many_words());
    }
    for part in message.attachments() {
        let name = part.attachment_name().unwrap_or_default();
        let media_type = part.content_type().map(|kind| match kind.subtype() {
            Some(subtype) => format!("{}/{subtype}", kind.ctype()),
            None => kind.ctype().to_owned(),
        });
        output.attachment(Attachment {
            name: short(name),
            media_type: short(media_type.as_deref().unwrap_or("application/octet-stream")),
            bytes: part.len() as u64,
        });
    }
    if message.parts.iter().any(|part| part.is_encoding_problem) {
        output.notice(NoticeKind::Damaged, None, "a part of the mail is not encoded as it says");
    }
    if let Some(page) = flow.into_page(1, None) {
        output.page(page)?;
    }
    output.end()
}

/// The fields of the head that people read.
fn head(message: &Message<'_>) -> Flow {
    let mut flow = Flow::default();
    let mut field = |name: &str, value: &str| {
        if !value.trim().is_empty() {
            flow.at(&format!("head/{}", name.to_ascii_lowercase()));
            flow.text(&format!("{name}: {value}"), false);
            flow.end_line();
        }
    };
    field("From", &addresses(message.from()));
    field("To", &addresses(message.to()));
    field("Cc", &addresses(message.cc()));
    field("Reply-To", &addresses(message.reply_to()));
    field("Subject", message.subject().unwrap_or_default());
    field("Date", message.header_raw("Date").unwrap_or_default().trim());
    flow
}

fn addresses(field: Option<&Address<'_>>) -> String {
    let each = field.into_iter().flat_map(Address::iter).take(MAX_ADDRESSES);
    let each = each.map(|one| match (one.name(), one.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (name, address) => name.or(address).unwrap_or_default().to_owned(),
    });
    each.collect::<Vec<String>>().join(", ")
}

/// What a mail program shows: the HTML, or the text when there is none to speak of.
fn body(message: &Message<'_>, output: &mut Output<'_>) -> Result<Option<Flow>, ReadError> {
    let mut shown: Option<Flow> = None;
    let mut add = |flow: Flow| match &mut shown {
        Some(shown) => shown.append(flow),
        None => shown = Some(flow),
    };
    let mut words = 0;
    for part in message.html_bodies() {
        if let PartType::Html(source) = &part.body {
            let flow = html::flow_of(source, output)?;
            words += flow.words();
            add(flow);
        }
    }
    if words >= ENOUGH_WORDS {
        return Ok(shown);
    }
    let (mut line, mut plain) = (0, Flow::default());
    for part in message.text_bodies() {
        if let PartType::Text(source) = &part.body {
            text::lines(source, &mut line, &mut plain);
            plain.block();
        }
    }
    match plain.words() > words {
        true => Ok(Some(plain)),
        false => Ok(shown),
    }
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARACTERS / 2).collect()
}
