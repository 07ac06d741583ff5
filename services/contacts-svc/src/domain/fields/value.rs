//! Values of declared fields: whether one fits, how it is stored, and what it is compared by.

use std::borrow::Cow;

use svc_core::error::Fault;
use svc_core::json::{self, Json, Next};
use unicode_normalization::UnicodeNormalization;
use url::Url;

use super::{Field, FieldType, UniqueValue};
use crate::domain::JsonText;
use crate::domain::comparison::{email_key, text_key};
use crate::domain::phone::{Phones, WRITTEN_MAX};
use crate::domain::text::{Lines, check_email, check_text};

/// The longest address of the web, in characters: what browsers and servers take for sure.
const URL_MAX: usize = 2_048;

type Refused = (Fault, String);

impl Field {
    /// The value as it is stored, or what is wrong with it.
    pub(crate) fn accept(&self, json: &JsonText, phones: Phones) -> Result<JsonText, Refused> {
        match self.kind {
            FieldType::Text => self.line(json, self.max_length.map_or(0, usize::from), Lines::One),
            FieldType::LongText => self.line(json, self.max_length.map_or(0, usize::from), Lines::Many),
            FieldType::Number => self.number(json),
            FieldType::Date => match is_date(trimmed(json, "a date")?.trim()) {
                true => Ok(quoted(trimmed(json, "a date")?.trim())),
                false => Err((Fault::Invalid, "is not a date as in `2026-12-31`".to_owned())),
            },
            FieldType::Boolean => match &**json {
                "true" | "false" => Ok(json.clone()),
                _ => Err(not("`true` or `false`")),
            },
            FieldType::Select => {
                let text = text(json, "one of its options")?;
                self.option(text.trim()).map(quoted)
            }
            FieldType::MultiSelect => self.options(json),
            FieldType::Email => {
                let text = trimmed(json, "an email address")?;
                check_text(&text, svc_core::email::MAX_LENGTH, Lines::One)
                    .and_then(|()| check_email(&text))?;
                Ok(quoted(&text))
            }
            FieldType::Phone => {
                let text = trimmed(json, "a phone number")?;
                check_text(&text, WRITTEN_MAX, Lines::One)?;
                phones.e164(&text).map(|number| quoted(&number))
            }
            FieldType::Url => {
                let text = trimmed(json, "an address of the web")?;
                check_text(&text, URL_MAX, Lines::One)?;
                match web(&text) {
                    Some(_) => Ok(quoted(&text)),
                    None => Err((Fault::Invalid, "is not an address as in `https://example.com`".to_owned())),
                }
            }
        }
    }

    /// What a stored value is known by where no other contact may have it. `None` where any may.
    pub(crate) fn unique_value(&self, json: &JsonText) -> Option<UniqueValue> {
        if !self.unique {
            return None;
        }
        let key = match self.kind {
            FieldType::Number => {
                let number: f64 = json.parse().ok()?;
                // -0 is 0.
                (number + 0.0).to_string()
            }
            kind => {
                let text = text(json, "").ok()?;
                match kind {
                    FieldType::Email => email_key(&text),
                    FieldType::Url => web(&text)?.to_string(),
                    _ => text_key(&text),
                }
            }
        };
        Some(UniqueValue::of(&self.key, &key))
    }

    fn line(&self, json: &JsonText, max: usize, lines: Lines) -> Result<JsonText, Refused> {
        let text = trimmed(json, "a text")?;
        check_text(&text, max, lines)?;
        Ok(quoted(&text))
    }

    fn number(&self, json: &JsonText) -> Result<JsonText, Refused> {
        let mut reader = reader(json, Next::Number).ok_or_else(|| not("a number"))?;
        let number: f64 =
            reader.number().ok().and_then(|text| text.parse().ok()).ok_or_else(|| not("a number"))?;
        let out_of_range = |rule: String| Err((Fault::OutOfRange, rule));
        match (self.minimum, self.maximum) {
            _ if !number.is_finite() => Err(not("a number")),
            (Some(minimum), _) if number < minimum => out_of_range(format!("must be at least {minimum}")),
            (_, Some(maximum)) if number > maximum => out_of_range(format!("must be at most {maximum}")),
            _ => Ok(json.clone()),
        }
    }

    /// The option that a text names, as it was declared.
    fn option(&self, text: &str) -> Result<&str, Refused> {
        let found = self.options.iter().find(|option| option.nfc().eq(text.nfc()));
        found
            .map(String::as_str)
            .ok_or_else(|| (Fault::Invalid, "is none of the options of the field".to_owned()))
    }

    fn options(&self, json: &JsonText) -> Result<JsonText, Refused> {
        const EXPECTED: &str = "a list of options";
        let mut reader = reader(json, Next::Array).ok_or_else(|| not(EXPECTED))?;
        let mut chosen: Vec<&str> = Vec::new();
        let broken = |_| not(EXPECTED);
        reader.open().map_err(broken)?;
        while reader.element(chosen.is_empty()).map_err(broken)? {
            if reader.peek().map_err(broken)? != Next::String {
                return Err(not(EXPECTED));
            }
            let option = self.option(reader.string().map_err(broken)?.trim())?;
            if chosen.contains(&option) {
                return Err((Fault::Duplicate, "names an option twice".to_owned()));
            }
            chosen.push(option);
        }
        if chosen.is_empty() {
            return Err((Fault::TooShort, "must not be empty: leave it out instead".to_owned()));
        }
        let mut list = vec![b'['];
        for option in chosen {
            if list.len() > 1 {
                list.push(b',');
            }
            json::string(&mut list, option);
        }
        list.push(b']');
        Ok(JsonText::new(String::from_utf8_lossy(&list)))
    }
}

/// Of the wrong type.
fn not(expected: &str) -> Refused {
    (Fault::Invalid, format!("must be {expected}"))
}

fn reader(json: &JsonText, kind: Next) -> Option<Json<'_>> {
    let mut reader = Json::new(json.as_bytes()).ok()?;
    (reader.peek().ok()? == kind).then_some(reader)
}

fn text<'j>(json: &'j JsonText, expected: &str) -> Result<Cow<'j, str>, Refused> {
    let text = reader(json, Next::String).and_then(|mut reader| reader.string().ok());
    text.ok_or_else(|| not(expected))
}

fn trimmed(json: &JsonText, expected: &str) -> Result<String, Refused> {
    text(json, expected).map(|text| text.trim().to_owned())
}

fn quoted(text: &str) -> JsonText {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    json::string(&mut quoted, text);
    JsonText::new(String::from_utf8_lossy(&quoted))
}

/// `2026-12-31`, a day that there is.
fn is_date(text: &str) -> bool {
    let form = text.len() == 10
        && text.bytes().enumerate().all(|(at, c)| match at {
            4 | 7 => c == b'-',
            _ => c.is_ascii_digit(),
        });
    form && !text.starts_with("0000") && text.parse::<jiff::civil::Date>().is_ok()
}

/// An address that a browser may open: no scripts, no files, and no passwords.
fn web(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let is_plain = url.username().is_empty() && url.password().is_none();
    let is_whole = !text.chars().any(char::is_whitespace);
    (is_web && is_plain && is_whole).then_some(url)
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
