//! What a message holds: its fields on the wire, sorted by their places in its proto file.

use std::ops::Range;

use svc_core::wire::{Fields, Malformed, Value};

use super::Writer;
use crate::transcode::schema::Message;

/// Where the values of a message stand among those of the [`Writer`], sorted by field and else in the order of
/// the wire.
#[derive(Debug)]
#[must_use = "what is held must be released"]
pub(crate) struct Held {
    start: usize,
    end: usize,
}

impl Held {
    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

impl<'m> Writer<'_, 'm> {
    /// Reads what a message holds.
    pub(crate) fn hold(&mut self, message: &Message, wire: &'m [u8]) -> Result<Held, Malformed> {
        let start = self.values.len();
        let (mut in_order, mut last, mut oneofs) = (true, 0, 0);
        for field in Fields::of(wire) {
            let (number, value) = field?;
            // What this version of the proto does not know is passed over.
            let Some(index) = message.numbered(number) else { continue };
            in_order &= last <= index;
            last = index;
            oneofs += usize::from(message.fields[index as usize].oneof.is_some());
            self.values.push((index, value));
        }
        if oneofs > 1 {
            let mut held = self.values.split_off(start);
            keep_the_last_of_each_oneof(message, &mut held);
            self.values.append(&mut held);
        }
        if !in_order {
            // A stable sort: the values of a field stay in their order.
            self.values[start..].sort_by_key(|(index, _)| *index);
        }
        Ok(Held { start, end: self.values.len() })
    }

    /// The values of a field.
    pub(crate) fn of(&self, held: &Held, index: usize) -> Range<usize> {
        let values = &self.values[held.range()];
        let start = values.partition_point(|(i, _)| (*i as usize) < index);
        let end = values.partition_point(|(i, _)| *i as usize <= index);
        held.start + start..held.start + end
    }

    /// Forgets what was held last.
    pub(crate) fn release(&mut self, held: Held) {
        self.values.truncate(held.start);
    }
}

fn keep_the_last_of_each_oneof(message: &Message, held: &mut Vec<(u32, Value<'_>)>) {
    let oneof_of = |index: u32| message.fields[index as usize].oneof;
    // Of each the one that was set last, and since where: another one in between has cleared what was before.
    let mut last = vec![None; message.oneofs];
    for (at, (index, _)) in held.iter().enumerate() {
        let Some(oneof) = oneof_of(*index) else { continue };
        if last[oneof].is_none_or(|(before, _)| before != *index) {
            last[oneof] = Some((*index, at));
        }
    }
    let mut at = 0..;
    held.retain(|(index, _)| {
        let (at, oneof) = (at.next(), oneof_of(*index));
        oneof.is_none_or(|oneof| last[oneof].map(|(_, since)| since) <= at)
    });
}
