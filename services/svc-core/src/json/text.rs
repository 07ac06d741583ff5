//! JSON text (RFC 8259), read piece by piece without building a tree.

use std::borrow::Cow;

use crate::error::{Error, Reason};

/// The deepest nesting of arrays and objects that is read: enough for any document, too little for
/// the stack.
pub const MAX_DEPTH: usize = 64;

/// What some editors put before a text. A parser may ignore it (RFC 8259, 8.1).
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    at: usize,
    problem: &'static str,
}

impl Broken {
    /// As the caller sees it, with line and column (in characters), both from 1.
    pub fn explain(self, body: &[u8]) -> Error {
        let before = body.get(..self.at).unwrap_or(body);
        let before = before.strip_prefix(BYTE_ORDER_MARK.as_bytes()).unwrap_or(before);
        let line = before.iter().filter(|c| **c == b'\n').count() + 1;
        let start = before.iter().rposition(|c| *c == b'\n').map_or(0, |newline| newline + 1);
        // Continuation bytes of UTF-8 start no character.
        let column = before[start..].iter().filter(|c| **c & 0xC0 != 0x80).count() + 1;
        let problem = self.problem;
        Error::new(
            Reason::InvalidJson,
            format!("The body is not JSON: {problem}, line {line} column {column}."),
        )
    }
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// `{`
    Object,
    /// `[`
    Array,
    /// `"`
    String,
    /// A digit or `-`.
    Number,
    /// `true` or `false`
    Bool,
    /// `null`
    Null,
}

/// How large a text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measure {
    /// How many values it has: each object and array is one, and each of their members and elements.
    pub values: usize,
    /// How deep objects and arrays nest.
    pub depth: usize,
}

/// A text and the place in it. A clone looks ahead.
#[derive(Clone, Debug)]
pub struct Json<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Json<'a> {
    /// At the start of a text.
    pub fn new(body: &'a [u8]) -> Result<Json<'a>, Broken> {
        match std::str::from_utf8(body) {
            Ok(text) => {
                let at = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
                Ok(Json { text, at, depth: 0 })
            }
            Err(e) => Err(Broken { at: e.valid_up_to(), problem: "invalid UTF-8" }),
        }
    }

    /// The kind of the next value, which is not read yet.
    pub fn peek(&mut self) -> Result<Next, Broken> {
        match self.byte() {
            Some(b'{') => Ok(Next::Object),
            Some(b'[') => Ok(Next::Array),
            Some(b'"') => Ok(Next::String),
            Some(b'-' | b'0'..=b'9') => Ok(Next::Number),
            Some(b't' | b'f') => Ok(Next::Bool),
            Some(b'n') => Ok(Next::Null),
            Some(_) => Err(self.broken("a value is expected")),
            None => Err(self.broken("it ends too early")),
        }
    }

    /// Enters an object or array.
    pub fn open(&mut self) -> Result<(), Broken> {
        if self.depth == MAX_DEPTH {
            return Err(self.broken("it is nested too deeply"));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// The name of the next member of an object, or `None` when the object has ended.
    pub fn member(&mut self, first: bool) -> Result<Option<Cow<'a, str>>, Broken> {
        if !self.separated(first, b'}')? {
            return Ok(None);
        }
        self.quote()?;
        let name = self.string()?;
        self.colon()?;
        Ok(Some(name))
    }

    fn quote(&mut self) -> Result<(), Broken> {
        match self.byte() {
            Some(b'"') => Ok(()),
            _ => Err(self.broken("a name in quotes is expected")),
        }
    }

    fn colon(&mut self) -> Result<(), Broken> {
        if self.byte() != Some(b':') {
            return Err(self.broken("`:` is expected"));
        }
        self.at += 1;
        Ok(())
    }

    /// Whether an array has another element.
    pub fn element(&mut self, first: bool) -> Result<bool, Broken> {
        self.separated(first, b']')
    }

    /// The next value, a string.
    pub fn string(&mut self) -> Result<Cow<'a, str>, Broken> {
        self.at += 1;
        let start = self.at;
        match self.plain()? {
            b'"' => {
                let text = &self.text[start..self.at];
                self.at += 1;
                Ok(Cow::Borrowed(text))
            }
            _ => self.escaped(start).map(Cow::Owned),
        }
    }

    /// The next value, a number, as it is written.
    pub fn number(&mut self) -> Result<&'a str, Broken> {
        let rest = &self.text[self.at..];
        match number_length(rest.as_bytes()) {
            Some(length) => {
                self.at += length;
                Ok(&rest[..length])
            }
            None => Err(self.broken("a number is malformed")),
        }
    }

    /// The next value, `true` or `false`.
    pub fn boolean(&mut self) -> Result<bool, Broken> {
        let value = self.text[self.at..].starts_with('t');
        self.word(if value { "true" } else { "false" })?;
        Ok(value)
    }

    /// The next value, `null`.
    pub fn null(&mut self) -> Result<(), Broken> {
        self.word("null")
    }

    /// Passes over the next value, whatever it is. Nothing is built.
    pub fn skip(&mut self) -> Result<(), Broken> {
        self.pass(&mut Measure::default())
    }

    /// The next value as it is written.
    pub fn raw(&mut self) -> Result<&'a str, Broken> {
        self.peek()?;
        let start = self.at;
        self.skip()?;
        Ok(&self.text[start..self.at])
    }

    /// Reads all of the text and tells how large it is, before anything is built of it.
    pub fn measure(mut self) -> Result<Measure, Broken> {
        let mut measure = Measure::default();
        self.pass(&mut measure)?;
        self.end().map(|()| measure)
    }

    fn pass(&mut self, measure: &mut Measure) -> Result<(), Broken> {
        measure.values += 1;
        match self.peek()? {
            Next::String => self.pass_string()?,
            Next::Number => drop(self.number()?),
            Next::Bool => drop(self.boolean()?),
            Next::Null => self.null()?,
            Next::Object => {
                self.open()?;
                measure.depth = measure.depth.max(self.depth);
                let mut first = true;
                while self.separated(first, b'}')? {
                    first = false;
                    self.quote()?;
                    self.pass_string()?;
                    self.colon()?;
                    self.pass(measure)?;
                }
            }
            Next::Array => {
                self.open()?;
                measure.depth = measure.depth.max(self.depth);
                let mut first = true;
                while self.element(first)? {
                    first = false;
                    self.pass(measure)?;
                }
            }
        }
        Ok(())
    }

    fn pass_string(&mut self) -> Result<(), Broken> {
        self.at += 1;
        while self.plain()? == b'\\' {
            self.escape()?;
        }
        self.at += 1;
        Ok(())
    }

    /// Nothing may follow.
    pub fn end(&mut self) -> Result<(), Broken> {
        match self.byte() {
            None => Ok(()),
            Some(_) => Err(self.broken("something follows the value")),
        }
    }

    /// The text is broken here.
    pub fn broken(&self, problem: &'static str) -> Broken {
        Broken { at: self.at, problem }
    }

    /// The next byte that is not white space.
    fn byte(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn word(&mut self, word: &str) -> Result<(), Broken> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.broken("a value is expected"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Passes the comma before the next item, or the end: then `false`.
    fn separated(&mut self, first: bool, end: u8) -> Result<bool, Broken> {
        match self.byte() {
            Some(byte) if byte == end => {
                self.at += 1;
                self.depth -= 1;
                Ok(false)
            }
            Some(_) if first => Ok(true),
            Some(b',') => {
                self.at += 1;
                match self.byte() {
                    Some(byte) if byte == end => Err(self.broken("a comma comes before the end")),
                    _ => Ok(true),
                }
            }
            Some(_) => Err(self.broken("a comma is expected")),
            None => Err(self.broken("it ends too early")),
        }
    }

    /// Moves to the quote or backslash that ends a run of plain characters.
    fn plain(&mut self) -> Result<u8, Broken> {
        let bytes = self.text.as_bytes();
        self.at += super::plain_length(&bytes[self.at..]);
        match bytes.get(self.at) {
            Some(byte @ (b'"' | b'\\')) => Ok(*byte),
            Some(_) => Err(self.broken("a control character stands in a string")),
            None => Err(self.broken("a string is never closed")),
        }
    }

    /// The rest of a string that has escapes; the place is the first backslash.
    fn escaped(&mut self, start: usize) -> Result<String, Broken> {
        let mut out = self.text[start..self.at].to_owned();
        loop {
            let run = self.at;
            let stop = self.plain()?;
            out.push_str(&self.text[run..self.at]);
            if stop == b'"' {
                self.at += 1;
                return Ok(out);
            }
            out.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Result<char, Broken> {
        let escape = self.text.as_bytes().get(self.at + 1).copied();
        let plain = match escape {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.broken("an escape is unknown")),
        };
        self.at += 2;
        Ok(plain)
    }

    /// `\uXXXX`, or two of them that make one character.
    fn unicode(&mut self) -> Result<char, Broken> {
        let high = self.hex4(self.at)?;
        let (code, length) = match high {
            0xD800..0xDC00 => {
                let low = self.hex4(self.at + 6)?;
                if !(0xDC00..0xE000).contains(&low) {
                    return Err(self.broken("a surrogate stands alone"));
                }
                (0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00), 12)
            }
            _ => (high, 6),
        };
        let character = char::from_u32(code).ok_or_else(|| self.broken("a surrogate stands alone"))?;
        self.at += length;
        Ok(character)
    }

    fn hex4(&self, at: usize) -> Result<u32, Broken> {
        let escape = self.text.as_bytes().get(at..at + 6).and_then(|e| e.strip_prefix(b"\\u"));
        let digits = escape.filter(|d| d.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|d| std::str::from_utf8(d).ok());
        let code = digits.and_then(|d| u32::from_str_radix(d, 16).ok());
        code.ok_or_else(|| self.broken("a `\\u` escape is malformed"))
    }
}

/// The length of the number at the start of a text.
fn number_length(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| text[from..].iter().take_while(|c| c.is_ascii_digit()).count();
    let mut at = usize::from(text.first() == Some(&b'-'));
    at += match (text.get(at), digits(at)) {
        (_, 0) => return None,
        (Some(b'0'), count) if count > 1 => return None,
        (_, count) => count,
    };
    if text.get(at) == Some(&b'.') {
        at += 1 + Some(digits(at + 1)).filter(|n| *n > 0)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        at += 1 + usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        at += Some(digits(at)).filter(|n| *n > 0)?;
    }
    Some(at)
}

/// Whether a text is a number as JSON writes it.
pub fn is_number(text: &str) -> bool {
    number_length(text.as_bytes()) == Some(text.len())
}
