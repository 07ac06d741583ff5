//! What is wrong with a request, collected: the caller learns all of it at once.

use std::borrow::Cow;
use std::fmt::{Display, Write};

use svc_core::error::{Error, Fault, Violation};

/// How many violations one answer names. More help nobody and cost memory.
const MAX_VIOLATIONS: usize = 100;

/// How many characters of a caller's own text an answer repeats.
const MAX_ECHO: usize = 100;

/// The violations so far, and the field being read.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    path: String,
    found: Vec<Violation>,
}

/// Where to go back to after a field is read.
#[derive(Clone, Copy)]
pub(crate) struct Mark(usize);

impl Faults {
    /// Goes to a member of the current field.
    pub(crate) fn enter(&mut self, name: &str) -> Mark {
        let mark = Mark(self.path.len());
        if mark.0 > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        mark
    }

    /// Goes to an element of the current field.
    pub(crate) fn enter_index(&mut self, index: usize) -> Mark {
        let mark = Mark(self.path.len());
        // Writing to a string does not fail.
        let _ = write!(self.path, "[{index}]");
        mark
    }

    /// Goes back.
    pub(crate) fn leave(&mut self, mark: Mark) {
        self.path.truncate(mark.0);
    }

    /// The current field breaks a rule: the field's name and `what` make the message.
    pub(crate) fn add(&mut self, fault: Fault, what: impl Display) {
        if self.found.len() == MAX_VIOLATIONS {
            return;
        }
        let field = echo(&self.path).into_owned();
        if !self.found.iter().any(|v| v.field == field && v.fault == fault) {
            let message = format!("`{field}` {what}.");
            self.found.push(Violation::new(field, fault, message));
        }
    }

    /// All of them as one error, if there is one.
    pub(crate) fn into_result(self) -> Result<(), Error> {
        if self.found.is_empty() { Ok(()) } else { Err(Error::invalid(self.found)) }
    }
}

/// A caller's own text, cut to what an answer repeats.
pub(crate) fn echo(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MAX_ECHO) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}
