//! What is wrong with a request, collected: the caller learns all of it at once.

use std::borrow::Cow;
use std::fmt::{Display, Write};

use svc_core::error::{Error, Fault, Violation};

/// How many violations one answer names. More help nobody and cost memory.
const MAX_VIOLATIONS: usize = 100;

/// How many violations are looked at, to see whether they were named already.
const MAX_SEEN: usize = 1_000;

/// How many characters of a caller's own text an answer repeats.
const MAX_ECHO: usize = 100;

/// What is wrong with a field that only answers have.
pub(crate) const CANNOT_BE_SET: &str = "cannot be set";

/// The violations so far, and the field being read.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// The way to the field. It becomes text only when something is wrong with it.
    path: Vec<Step>,
    /// The names in the path, one after another.
    names: String,
    found: Vec<Violation>,
    seen: usize,
}

/// A step of a path.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// To a member, whose name starts here.
    Member(usize),
    /// To an element.
    Element(usize),
}

/// Where to go back to after a field is read.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    names: usize,
}

impl Faults {
    /// Goes to a member of the current field.
    pub(crate) fn enter(&mut self, name: &str) -> Mark {
        let mark = Mark { names: self.names.len() };
        self.path.push(Step::Member(mark.names));
        self.names.push_str(name);
        mark
    }

    /// Goes to an element of the current field.
    pub(crate) fn enter_index(&mut self, index: usize) -> Mark {
        self.path.push(Step::Element(index));
        Mark { names: self.names.len() }
    }

    /// Goes back.
    pub(crate) fn leave(&mut self, mark: Mark) {
        self.path.pop();
        self.names.truncate(mark.names);
    }

    /// The current field breaks a rule: the field's name and `what` make the message.
    pub(crate) fn add(&mut self, fault: Fault, what: impl Display) {
        if self.found.len() == MAX_VIOLATIONS || self.seen == MAX_SEEN {
            return;
        }
        self.seen += 1;
        let path = self.path();
        let field = echo(&path).into_owned();
        if !self.found.iter().any(|v| v.field == field && v.fault == fault) {
            let message = format!("`{field}` {what}.");
            self.found.push(Violation::new(field, fault, message));
        }
    }

    /// A name that is no field, and is one of what is answered, is as that of a field which only answers have.
    pub(crate) fn tell_answered(&mut self, is_answered: impl Fn(&str) -> bool) {
        let unknown = self.found.iter_mut().filter(|found| found.fault == Fault::UnknownField);
        for found in unknown.filter(|found| is_answered(&found.field)) {
            let message = format!("`{}` {CANNOT_BE_SET}.", found.field);
            *found = Violation::new(std::mem::take(&mut found.field), Fault::Immutable, message);
        }
    }

    /// All of them as one error, if there is one.
    pub(crate) fn into_result(self) -> Result<(), Error> {
        if self.found.is_empty() { Ok(()) } else { Err(Error::invalid(self.found)) }
    }

    /// As much of the path as an answer repeats, and a little more.
    fn path(&self) -> String {
        let mut text = String::new();
        let mut names_end = self.names.len();
        // Where each name ends is where the next one starts.
        let mut ends: Vec<usize> = Vec::with_capacity(self.path.len());
        for step in self.path.iter().rev() {
            ends.push(names_end);
            if let Step::Member(start) = step {
                names_end = *start;
            }
        }
        for (step, end) in self.path.iter().zip(ends.into_iter().rev()) {
            match step {
                Step::Member(start) => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    let name = self.names.get(*start..end).unwrap_or_default();
                    text.extend(name.chars().take(MAX_ECHO + 1));
                }
                // Writing to a string does not fail.
                Step::Element(index) => drop(write!(text, "[{index}]")),
            }
        }
        text
    }
}

/// A caller's own text, cut to what an answer repeats.
pub(crate) fn echo(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MAX_ECHO) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}
