//! `google.protobuf.Any`: a message with its type beside its fields as `@type`, or beside its `value` where the
//! message has a form of its own. Any message that is described beside the RPCs may be in it.

use std::borrow::Cow;

use svc_core::error::Fault;
use svc_core::json::{Broken, Next};

use super::{Reader, Way};
use crate::transcode::fault::echo;
use crate::transcode::schema::{Form, MessageId};

/// The member that names the type.
pub(crate) const TYPE: &str = "@type";

/// The member that is the message, where that is no object with its fields.
const VALUE: &str = "value";

/// How deep they nest. The type may stand last, so that each level is looked through once more.
const MAX_DEPTH: usize = 8;

// The fields of `google.protobuf.Any`.
const TYPE_URL: u32 = 1;
const CONTENT: u32 = 2;

impl<'a> Reader<'a, '_> {
    /// Reads an object, which comes next.
    pub(super) fn any_message(&mut self) -> Result<(), Broken> {
        if self.anys == MAX_DEPTH {
            return self.too_deep();
        }
        let Some((url, id)) = self.type_of_next()? else { return self.json.skip() };
        self.out.bytes_field(TYPE_URL, url.as_bytes());
        let open = self.out.open(CONTENT);
        self.anys += 1;
        match self.schema.message(id).form {
            Form::Fields => self.message(id, Way { typed: true, ..Way::default() })?,
            _ => self.value_of_any(id)?,
        }
        self.anys -= 1;
        self.out.close_unless_empty(open, CONTENT);
        Ok(())
    }

    /// What the object that comes next has as its type. `None` when that is a fault, or the object is empty:
    /// then there is nothing in it, and no type either.
    fn type_of_next(&mut self) -> Result<Option<(Cow<'a, str>, MessageId)>, Broken> {
        let mut ahead = self.json.clone();
        ahead.open()?;
        let mut first = true;
        while let Some(name) = ahead.member(first)? {
            first = false;
            if name != TYPE {
                ahead.skip()?;
                continue;
            }
            let url = match ahead.peek()? {
                Next::String => Some(ahead.string()?),
                _ => None,
            };
            let full_name = url.as_deref().and_then(|url| url.rsplit_once('/')).map(|(_, name)| name);
            return match (full_name.and_then(|name| self.schema.named(name)), url) {
                (Some(id), Some(url)) => Ok(Some((url, id))),
                (_, url) => {
                    let what = match url {
                        Some(url) => {
                            Cow::Owned(format!("names no message that is known here: {}", echo(&url)))
                        }
                        None => Cow::Borrowed("must be the URL of a message type"),
                    };
                    self.fault(TYPE, Fault::Invalid, &what);
                    Ok(None)
                }
            };
        }
        if !first {
            self.fault(TYPE, Fault::Required, "is required");
        }
        Ok(None)
    }

    /// Reads the one other member.
    fn value_of_any(&mut self, id: MessageId) -> Result<(), Broken> {
        self.json.open()?;
        let (mut has_type, mut has_value, mut first) = (false, false, true);
        while let Some(name) = self.json.member(first)? {
            first = false;
            let mark = self.faults.enter(&name);
            let known = match name.as_ref() {
                TYPE => Some(&mut has_type),
                VALUE => Some(&mut has_value),
                _ => None,
            };
            match known {
                None => self.refuse(Fault::UnknownField, "is not a field here")?,
                Some(true) => self.refuse(Fault::Duplicate, "appears twice")?,
                Some(seen) => {
                    *seen = true;
                    if name == VALUE { self.content(id, false)? } else { self.json.skip()? }
                }
            }
            self.faults.leave(mark);
        }
        if !has_value {
            self.fault(VALUE, Fault::Required, "is required");
        }
        Ok(())
    }

    fn fault(&mut self, name: &str, fault: Fault, what: &str) {
        let mark = self.faults.enter(name);
        self.faults.add(fault, what);
        self.faults.leave(mark);
    }
}
