//! The path templates of `google.api.http` (google/api/http.proto):
//!
//! ```text
//! Template = "/" Segments [ Verb ] ;
//! Segments = Segment { "/" Segment } ;
//! Segment  = "*" | "**" | LITERAL | Variable ;
//! Variable = "{" FieldPath [ "=" Segments ] "}" ;
//! Verb     = ":" LITERAL ;
//! ```
//!
//! A literal is what RFC 3986 allows in a segment, without `:`, which starts the verb, and `*`. What else it
//! holds is percent-encoded, as http.proto has it, by whoever writes it or here.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::path;

/// The longest template, in segments. What is longer is a mistake, and the lookup goes as deep as templates do.
const MAX_SEGMENTS: usize = 64;

/// A path template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Template {
    /// What each segment of a path must be. `**` is the last one, if there is one.
    pub(crate) segments: Vec<Segment>,
    /// The variables, in order.
    pub(crate) variables: Vec<Variable>,
    /// What follows the last `:`.
    pub(crate) verb: Option<String>,
}

/// What a path must have here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// A segment that is exactly this.
    Literal(String),
    /// `*`: any one segment.
    Any,
    /// `**`: all segments that are left, or none.
    Rest,
}

/// A field of the request that the path sets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    /// The field, dotted.
    pub(crate) field: String,
    /// Which segments make its value.
    pub(crate) span: Span,
}

/// Some segments of a template, as those of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    /// The end; none where `**` takes all that is left.
    pub(crate) end: Option<usize>,
}

impl Span {
    /// Whether it is one segment, whatever it holds: a `%2F` in it is a part of the value. Among several,
    /// it would look like one more segment.
    pub(crate) fn is_one(self) -> bool {
        self.end == Some(self.start + 1)
    }
}

impl Template {
    /// Reads a template. An error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Template, String> {
        let path = text.strip_prefix('/').ok_or("a path template starts with `/`")?;
        let mut template = Template { segments: Vec::new(), variables: Vec::new(), verb: None };
        let mut rest = path;
        loop {
            rest = match rest.strip_prefix('{') {
                Some(inside) => {
                    let (variable, after) = inside.split_once('}').ok_or("`{` is never closed")?;
                    template.variable(variable)?;
                    after
                }
                None => {
                    let end = rest.find(['/', ':', '{']).unwrap_or(rest.len());
                    template.segment(&rest[..end])?;
                    &rest[end..]
                }
            };
            if let Some(verb) = rest.strip_prefix(':') {
                // It is cut off a value that is decoded, so that it needs the same length there.
                let plain = !verb.is_empty() && verb.bytes().all(path::is_unreserved);
                template.verb = Some(verb.to_owned()).filter(|_| plain);
                return match plain {
                    true => Ok(template),
                    false => Err(format!("`{verb}` is no verb of letters, digits, `-`, `.`, `_` and `~`")),
                };
            }
            if rest.is_empty() {
                return Ok(template);
            }
            rest = rest.strip_prefix('/').ok_or("a variable is a whole segment")?;
        }
    }

    /// Whether it takes any number of segments.
    pub(crate) fn is_open(&self) -> bool {
        self.segments.last() == Some(&Segment::Rest)
    }

    fn variable(&mut self, text: &str) -> Result<(), String> {
        let (field, pattern) = text.split_once('=').unwrap_or((text, "*"));
        if field.is_empty() || self.variables.iter().any(|v| v.field == field) {
            return Err(format!("`{{{text}}}` needs a field name of its own"));
        }
        let start = self.segments.len();
        for part in pattern.split('/') {
            self.segment(part)?;
        }
        let end = (!self.is_open()).then_some(self.segments.len());
        self.variables.push(Variable { field: field.to_owned(), span: Span { start, end } });
        Ok(())
    }

    fn segment(&mut self, text: &str) -> Result<(), String> {
        if self.is_open() {
            return Err("`**` is the last segment".to_owned());
        }
        if self.segments.len() == MAX_SEGMENTS {
            return Err(format!("it has more than {MAX_SEGMENTS} segments"));
        }
        self.segments.push(match text {
            "*" => Segment::Any,
            "**" => Segment::Rest,
            _ => Segment::Literal(literal(text)?),
        });
        Ok(())
    }
}

/// What RFC 3986 has as `pchar`, without what a template gives a meaning of its own.
fn is_literal(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~!$&'()+,;=@%".contains(c)
}

/// As [`path::split`] has the segment of a path that is the same.
fn literal(text: &str) -> Result<String, String> {
    const TO_ENCODE: &AsciiSet = CONTROLS;
    let fits = !text.is_empty() && text.chars().all(|c| is_literal(c) || !c.is_ascii());
    let path = format!("/{}", utf8_percent_encode(text, TO_ENCODE));
    // One that no path can have would never match.
    match path::split(&path, 1).and_then(|mut segments| segments.pop()).filter(|_| fits) {
        Some(segment) => Ok(segment.literal.into_owned()),
        None => Err(format!("`{text}` is no segment of a path, `*`, `**` or a variable")),
    }
}
