//! Query parameters into a message (google/api/http.proto, without its leniency).
//!
//! A parameter is a field that neither path nor body sets, by its JSON name; dots lead into messages,
//! `field.key` sets one entry of a map, and a list takes its parameter several times.

use std::borrow::Cow;
use std::collections::HashSet;

use percent_encoding::percent_decode_str;
use svc_core::error::Fault;
use svc_core::wire::Writer;

use super::encode::{self, Place};
use super::fault::Faults;
use super::number::InvalidValue;
use super::plan::Plan;
use super::schema::{Field, Kind, Schema, Shape};
use super::text;

/// Text that was decoded, or cannot be.
type Decoded<'q> = Result<Cow<'q, str>, Malformed<'q>>;

/// A text with a percent-escape that is broken or makes no UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed<'q>(&'q str);

/// The names and values of a query, decoded, `+` as a space.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (Decoded<'_>, Decoded<'_>)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

fn decode(text: &str) -> Decoded<'_> {
    if !text.contains(['%', '+']) {
        return Ok(Cow::Borrowed(text));
    }
    let escape = |part: &str| part.as_bytes().get(..2).is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit));
    if !text.split('%').skip(1).all(escape) {
        return Err(Malformed(text));
    }
    let spaced = text.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(decoded) => Ok(Cow::Owned(decoded.into_owned())),
        Err(_) => Err(Malformed(text)),
    }
}

/// Sets what a query says.
pub(crate) fn bind(plan: &Plan, query: &str, message: &mut Writer, faults: &mut Faults) {
    let mut seen = HashSet::new();
    let mut chosen = Chosen::default();
    for (name, value) in pairs(query) {
        let is_known = |name: &Cow<'_, str>| plan.query_field(name).is_some();
        if plan.leaves_out_unknown_parameters() && !name.as_ref().is_ok_and(is_known) {
            continue;
        }
        let mark = faults.enter(name.as_deref().unwrap_or_else(|Malformed(raw)| raw));
        let outcome = match (&name, value) {
            (Ok(name), Ok(value)) => parameter(plan, name).and_then(|parameter| {
                if parameter.last.shape != Shape::List && !seen.insert(parameter.name()) {
                    return Err((Fault::Duplicate, Cow::Borrowed("appears twice")));
                }
                parameter.set(&plan.schema, message, &mut chosen, &value)
            }),
            _ => Err((Fault::Invalid, Cow::Borrowed("must be percent-encoded UTF-8"))),
        };
        if let Err((fault, what)) = outcome {
            faults.add(fault, what);
        }
        faults.leave(mark);
    }
}

/// How deep a parameter leads at the most. Decoders of messages stop at 100.
const MAX_DEPTH: usize = 32;

/// What one parameter sets.
struct Parameter<'p, 'n> {
    /// The messages on the way, then the field.
    path: Vec<&'p Field>,
    last: &'p Field,
    /// The key, in a map.
    key: Option<&'n str>,
}

fn parameter<'p, 'n>(plan: &'p Plan, name: &'n str) -> Result<Parameter<'p, 'n>, InvalidValue> {
    let unknown = || (Fault::UnknownField, Cow::Borrowed("is not a query parameter here"));
    let schema = &plan.schema;
    let (first, mut rest) = name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
    let mut last = plan.query_field(first).ok_or_else(unknown)?;
    let mut path = Vec::new();
    let key = loop {
        if last.output_only {
            return Err((Fault::Immutable, Cow::Borrowed("cannot be set")));
        }
        let leaf = text::is_leaf(last);
        match (last.shape, last.kind, rest) {
            (Shape::Map(_), _, Some(key)) if leaf => break Some(key),
            (Shape::One | Shape::List, _, None) if leaf => break None,
            (Shape::One, Kind::Message(id), Some(more)) if !leaf && path.len() < MAX_DEPTH => {
                let message = schema.message(id);
                let (next, after) = more.split_once('.').map_or((more, None), |(n, a)| (n, Some(a)));
                path.push(last);
                last = message.position(next, 0).map(|i| &message.fields[i]).ok_or_else(unknown)?;
                rest = after;
            }
            _ => return Err(no_parameter(last, rest)),
        }
    };
    let parameter = Parameter { path, last, key };
    match plan.variables.iter().any(|v| parameter.is(&v.field)) {
        true => Err(unknown()),
        false => Ok(parameter),
    }
}

/// Why a field is no query parameter as it is named.
fn no_parameter(field: &Field, rest: Option<&str>) -> InvalidValue {
    let what = match (field.shape, text::is_leaf(field), rest) {
        (Shape::List | Shape::Map(_), false, _) => "cannot be a query parameter: it holds messages",
        (Shape::Map(_), true, _) => "is a map: name the key, too, as in `name.key=value`",
        (Shape::One, false, None) => "is a message: name a field of it, as in `name.field=value`",
        (Shape::One, false, Some(_)) => "leads too deep for a query parameter",
        (_, true, _) => "is not a query parameter here: it has no fields of its own",
    };
    (Fault::UnknownField, Cow::Borrowed(what))
}

impl<'p> Parameter<'p, '_> {
    /// What it sets, in one form: outside of the contract a field has two names.
    fn name(&self) -> (Vec<u32>, Option<String>) {
        (
            self.path.iter().chain([&self.last]).map(|field| field.number).collect(),
            self.key.map(str::to_owned),
        )
    }

    fn is(&self, other: &[prost_reflect::FieldDescriptor]) -> bool {
        other.len() == self.path.len() + 1
            && self.path.iter().chain([&self.last]).zip(other).all(|(a, b)| a.descriptor == *b)
    }

    fn set(
        &self,
        schema: &Schema,
        message: &mut Writer,
        chosen: &mut Chosen<'p>,
        text: &str,
    ) -> Result<(), InvalidValue> {
        let mut owner = Vec::with_capacity(self.path.len() + 1);
        for field in self.path.iter().copied().chain([self.last]) {
            chosen.one_of_them(&owner, field)?;
            owner.push(field.number);
        }
        let value = text::value(schema, self.last, text)?;
        let key = match (self.last.shape, self.key) {
            (Shape::Map(kind), Some(key)) => Some(text::map_key(kind, key)?),
            _ => None,
        };
        let mut opened: Vec<_> = self.path.iter().map(|field| message.open(field.number)).collect();
        match (self.last.shape, key) {
            (Shape::Map(_), Some(key)) => {
                opened.push(message.open(self.last.number));
                encode::scalar(message, Place::Field(1), self.last.key_encoding, &key);
                encode::value(message, schema, Place::Field(2), self.last, &value);
            }
            // One element: a list need not be packed.
            (Shape::List, _) => {
                encode::value(message, schema, Place::Field(self.last.number), self.last, &value);
            }
            _ => encode::field(message, schema, self.last, &value),
        }
        opened.into_iter().rev().for_each(|open| message.close(open));
        Ok(())
    }
}

/// Which field of each `oneof` is set: the numbers that lead to its message, and the field.
#[derive(Default)]
struct Chosen<'p>(Vec<(Vec<u32>, &'p Field)>);

impl<'p> Chosen<'p> {
    /// Setting a field of a `oneof` would silently unset the others.
    fn one_of_them(&mut self, owner: &[u32], field: &'p Field) -> Result<(), InvalidValue> {
        if field.oneof.is_none() {
            return Ok(());
        }
        match self.0.iter().find(|(of, other)| of == owner && other.oneof == field.oneof) {
            None => self.0.push((owner.to_vec(), field)),
            Some((_, other)) if other.number == field.number => {}
            Some((_, other)) => {
                let what = format!("cannot be set together with `{}`", other.json);
                return Err((Fault::Invalid, Cow::Owned(what)));
            }
        }
        Ok(())
    }
}
