//! `google.protobuf.Value` and its kin, which hold any JSON.

use std::borrow::Cow;

use svc_core::error::Fault;
use svc_core::json::value::pieces;
use svc_core::json::{Broken, Next};

use super::{Distinct, Reader};
use crate::transcode::number;

/// The deepest nesting inside a `google.protobuf.Value`. Each level is three messages on the wire
/// (the `Struct`, its map entry and the `Value`), and decoders stop at 100.
pub(crate) const MAX_VALUE_DEPTH: usize = 30;

impl<'a> Reader<'a, '_> {
    /// Reads any JSON as a `google.protobuf.Value`.
    pub(super) fn any(&mut self, depth: usize) -> Result<(), Broken> {
        match self.json.peek()? {
            Next::Null => {
                self.json.null()?;
                pieces::null(self.out);
            }
            Next::Number => match number::value(self.json.number()?, self.schema.is_contract()) {
                Ok(number) => pieces::number(self.out, number),
                Err((fault, what)) => self.faults.add(fault, what),
            },
            Next::String => pieces::string(self.out, &self.json.string()?),
            Next::Bool => pieces::boolean(self.out, self.json.boolean()?),
            Next::Object => {
                let open = pieces::open_struct(self.out);
                self.structure(depth)?;
                self.out.close(open);
            }
            Next::Array => {
                let open = pieces::open_list(self.out);
                self.list(depth)?;
                self.out.close(open);
            }
        }
        Ok(())
    }

    /// Reads an object as a `google.protobuf.Struct`.
    pub(super) fn structure(&mut self, depth: usize) -> Result<(), Broken> {
        if depth == MAX_VALUE_DEPTH {
            return self.too_deep();
        }
        self.json.open()?;
        let mut names: Distinct<Cow<'a, str>> = Distinct::default();
        let mut first = true;
        while let Some(name) = self.json.member(first)? {
            first = false;
            let mark = self.faults.enter(&name);
            let (entry, value) = pieces::open_member(self.out, &name);
            match names.insert(name) {
                true => self.any(depth + 1)?,
                false => self.refuse(Fault::Duplicate, "appears twice")?,
            }
            self.out.close(value);
            self.out.close(entry);
            self.faults.leave(mark);
        }
        Ok(())
    }

    /// Reads an array as a `google.protobuf.ListValue`.
    pub(super) fn list(&mut self, depth: usize) -> Result<(), Broken> {
        if depth == MAX_VALUE_DEPTH {
            return self.too_deep();
        }
        self.json.open()?;
        let mut index = 0;
        while self.json.element(index == 0)? {
            let mark = self.faults.enter_index(index);
            let element = pieces::open_element(self.out);
            self.any(depth + 1)?;
            self.out.close(element);
            self.faults.leave(mark);
            index += 1;
        }
        Ok(())
    }
}
