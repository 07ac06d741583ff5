//! The path templates of `google.api.http` (google/api/http.proto).
//!
//! `*`, `{field}` and `{field=a/*}` are known; `**` is not. Literals and verbs are made of RFC 3986's
//! unreserved characters.

use std::ops::Range;

/// A path template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Template {
    /// What each segment of a path must be.
    pub(crate) segments: Vec<Segment>,
    /// The variables, in order.
    pub(crate) variables: Vec<Variable>,
    /// What follows the last `:`.
    pub(crate) verb: Option<String>,
}

/// What one segment of a path must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// Exactly this.
    Literal(String),
    /// Anything.
    Any,
}

/// A field of the request that the path sets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    /// The field, dotted.
    pub(crate) field: String,
    /// Which segments make its value.
    pub(crate) segments: Range<usize>,
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
                template.verb = Some(literal(verb)?);
                return Ok(template);
            }
            if rest.is_empty() {
                return Ok(template);
            }
            rest = rest.strip_prefix('/').ok_or("a variable is a whole segment")?;
        }
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
        self.variables.push(Variable { field: field.to_owned(), segments: start..self.segments.len() });
        Ok(())
    }

    fn segment(&mut self, text: &str) -> Result<(), String> {
        self.segments.push(match text {
            "*" => Segment::Any,
            "**" => return Err("`**` is not supported".to_owned()),
            _ => Segment::Literal(literal(text)?),
        });
        Ok(())
    }
}

fn literal(text: &str) -> Result<String, String> {
    let dots = text == "." || text == "..";
    if text.is_empty() || dots || !text.bytes().all(super::path::is_unreserved) {
        return Err(format!("`{text}` is not a segment of letters, digits, `-`, `.`, `_` and `~`"));
    }
    Ok(text.to_owned())
}
