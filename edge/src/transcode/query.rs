//! Query parameters into a message (google/api/http.proto, without its leniency).
//!
//! A parameter is a field that neither path nor body sets, by its JSON name; dots lead into messages,
//! `field.key` sets one entry of a map, and a list takes its parameter several times.

use std::borrow::Cow;
use std::collections::HashSet;

use percent_encoding::percent_decode_str;
use prost_reflect::{DynamicMessage, Value};
use svc_core::error::Fault;

use super::fault::Faults;
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
pub(crate) fn bind(plan: &Plan, query: &str, message: &mut DynamicMessage, faults: &mut Faults) {
    let mut seen = HashSet::new();
    for (name, value) in pairs(query) {
        let mark = faults.enter(name.as_deref().unwrap_or_else(|Malformed(raw)| raw));
        let outcome = match (&name, value) {
            (Ok(name), Ok(value)) => parameter(plan, name).and_then(|parameter| {
                if parameter.last.shape != Shape::List && !seen.insert(name.clone()) {
                    return Err((Fault::Duplicate, Cow::Borrowed("appears twice")));
                }
                parameter.set(&plan.schema, message, &value)
            }),
            _ => Err((Fault::Invalid, Cow::Borrowed("must be percent-encoded UTF-8"))),
        };
        if let Err((fault, what)) = outcome {
            faults.add(fault, what);
        }
        faults.leave(mark);
    }
}

/// Why a parameter is refused.
type Refusal = (Fault, Cow<'static, str>);

/// What one parameter sets.
struct Parameter<'p> {
    /// The messages on the way, then the field.
    path: Vec<&'p Field>,
    last: &'p Field,
    /// The key, in a map.
    key: Option<&'p str>,
}

fn parameter<'p>(plan: &'p Plan, name: &'p str) -> Result<Parameter<'p>, Refusal> {
    let unknown = || (Fault::UnknownField, Cow::Borrowed("is not a query parameter here"));
    let schema = &plan.schema;
    let (first, mut rest) = name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
    let mut last = plan.query_field(first).ok_or_else(unknown)?;
    let mut path = Vec::new();
    let key = loop {
        if last.output_only {
            return Err((Fault::Immutable, Cow::Borrowed("cannot be set")));
        }
        let leaf = text::is_leaf(schema, last.kind);
        match (last.shape, last.kind, rest) {
            (Shape::Map(_), _, Some(key)) if leaf => break Some(key),
            (Shape::One | Shape::List, _, None) if leaf => break None,
            (Shape::One, Kind::Message(id), Some(more)) if !leaf => {
                let message = schema.message(id);
                let (next, after) = more.split_once('.').map_or((more, None), |(n, a)| (n, Some(a)));
                path.push(last);
                last = message.position(next).map(|i| &message.fields[i]).ok_or_else(unknown)?;
                rest = after;
            }
            _ => return Err(unknown()),
        }
    };
    let parameter = Parameter { path, last, key };
    match plan.variables.iter().any(|v| parameter.is(&v.field)) {
        true => Err(unknown()),
        false => Ok(parameter),
    }
}

impl Parameter<'_> {
    fn is(&self, other: &[prost_reflect::FieldDescriptor]) -> bool {
        other.len() == self.path.len() + 1
            && self.path.iter().chain([&self.last]).zip(other).all(|(a, b)| a.descriptor == *b)
    }

    fn set(&self, schema: &Schema, message: &mut DynamicMessage, text: &str) -> Result<(), Refusal> {
        let mut owner = message;
        for field in &self.path {
            one_of_them(owner, field)?;
            let Value::Message(inner) = owner.get_field_mut(&field.descriptor) else { return Ok(()) };
            owner = inner;
        }
        one_of_them(owner, self.last)?;
        let value =
            text::value(schema, self.last, text).map_err(|(fault, what)| (fault, Cow::Owned(what)))?;
        let key = match (self.last.shape, self.key) {
            (Shape::Map(kind), Some(key)) => {
                Some(text::map_key(kind, key).map_err(|(fault, what)| (fault, Cow::Owned(what)))?)
            }
            _ => None,
        };
        match (owner.get_field_mut(&self.last.descriptor), key) {
            (Value::List(list), _) => list.push(value),
            (Value::Map(map), Some(key)) => drop(map.insert(key, value)),
            (place, _) => *place = value,
        }
        Ok(())
    }
}

/// Setting a field of a `oneof` would silently unset the others.
fn one_of_them(owner: &DynamicMessage, field: &Field) -> Result<(), Refusal> {
    if field.oneof.is_none() {
        return Ok(());
    }
    let siblings = field.descriptor.containing_oneof();
    let siblings = siblings.iter().flat_map(|oneof| oneof.fields());
    for other in siblings.filter(|other| *other != field.descriptor) {
        if owner.has_field(&other) {
            return Err((
                Fault::Invalid,
                Cow::Owned(format!("cannot be set together with `{}`", other.json_name())),
            ));
        }
    }
    Ok(())
}
