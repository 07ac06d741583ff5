//! Enums, as JSON sees them.

use prost_reflect::EnumDescriptor;
use svc_core::json::string;

use super::Dialect;
use super::names::Names;

/// Its one value is `null` in JSON.
const NULL_VALUE: &str = "google.protobuf.NullValue";

/// What the value 0 ends with that stands for unset.
const UNSPECIFIED: &str = "_UNSPECIFIED";

/// An enum.
#[derive(Debug)]
pub(crate) struct Enum {
    by_name: Names<i32>,
    /// Names as they are written, quoted, sorted by number.
    texts: Vec<(i32, Vec<u8>)>,
    /// The names that a client may send.
    pub(crate) legal: String,
    /// Which numbers stand for values.
    numbers: ReadNumbers,
    /// `google.protobuf.NullValue`.
    pub(crate) is_null: bool,
}

/// Which numbers a client may send instead of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReadNumbers {
    /// The contract documents names.
    None,
    /// Those with a name: of a closed enum (proto2), and of the one that is `null`.
    Known,
    All,
}

impl Enum {
    /// The number of a name. In the contract `…_UNSPECIFIED` stands for unset and is no value that anyone sends.
    pub(crate) fn number(&self, name: &str) -> Option<i32> {
        self.by_name.find(name)
    }

    /// Whether a client may send a value by this number.
    pub(crate) fn is_read(&self, number: i32) -> bool {
        match self.numbers {
            ReadNumbers::None => false,
            ReadNumbers::Known => self.text(number).is_some(),
            ReadNumbers::All => true,
        }
    }

    /// How a number with a name is written.
    pub(crate) fn text(&self, number: i32) -> Option<&[u8]> {
        let at = self.texts.binary_search_by_key(&number, |(n, _)| *n).ok()?;
        Some(&self.texts[at].1)
    }

    /// In the contract names stand without the enum's prefix, and are read with or without it.
    pub(in crate::transcode) fn of(descriptor: &EnumDescriptor, dialect: Dialect) -> Enum {
        // In the order of the proto file, of which the first name of a number is the one to write.
        let values = descriptor.enum_descriptor_proto().value.iter();
        let values: Vec<(String, i32)> = values.map(|v| (v.name().to_owned(), v.number())).collect();
        let short = |name: &str| match dialect {
            Dialect::Contract => short(&values, descriptor.name(), name),
            Dialect::Proto3 => name.to_owned(),
        };
        let is_unset = |name: &str, number: i32| number == 0 && name.ends_with(UNSPECIFIED);
        let sent =
            values.iter().filter(|(name, number)| dialect == Dialect::Proto3 || !is_unset(name, *number));

        let mut by_name: Vec<(String, i32)> = sent.clone().cloned().collect();
        let mut names: Vec<(i32, String)> = Vec::new();
        for (name, number) in sent {
            let short = short(name);
            // A short name that is another value's full name stays long.
            let known = by_name.iter().find(|(name, _)| *name == short).map(|(_, number)| *number);
            let short = if known.is_none_or(|known| known == *number) { short } else { name.clone() };
            if known.is_none() {
                by_name.push((short.clone(), *number));
            }
            if !names.iter().any(|(n, _)| n == number) {
                names.push((*number, short));
            }
        }
        let legal = names.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ");
        names.sort_unstable_by_key(|(number, _)| *number);
        let quoted = |(number, name): (i32, String)| {
            let mut text = Vec::new();
            string(&mut text, &name);
            (number, text)
        };
        let is_null = descriptor.full_name() == NULL_VALUE;
        Enum {
            by_name: Names::of(by_name),
            texts: names.into_iter().map(quoted).collect(),
            legal,
            numbers: match dialect {
                Dialect::Contract => ReadNumbers::None,
                // `null` says no other number than that of the one value.
                Dialect::Proto3 if is_null || is_closed(descriptor) => ReadNumbers::Known,
                Dialect::Proto3 => ReadNumbers::All,
            },
            is_null,
        }
    }
}

/// A value's name without the prefix of its enum.
fn short(values: &[(String, i32)], enum_name: &str, name: &str) -> String {
    let zero = values.iter().find(|(_, number)| *number == 0);
    let prefix = zero.and_then(|(name, _)| name.strip_suffix(UNSPECIFIED));
    let prefix = prefix.map_or_else(|| upper_snake(enum_name), str::to_owned) + "_";
    let short = name.strip_prefix(&prefix).filter(|s| s.starts_with(|c: char| c.is_ascii_alphabetic()));
    short.unwrap_or(name).to_owned()
}

/// Whether a number without a name is none of its values: an enum of proto2.
fn is_closed(descriptor: &EnumDescriptor) -> bool {
    descriptor.parent_file().syntax() == prost_reflect::Syntax::Proto2
}

/// `ApiKeyStatus` as `API_KEY_STATUS`.
fn upper_snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for (i, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && i > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}
