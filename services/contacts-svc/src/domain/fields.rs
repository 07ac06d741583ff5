//! The custom fields that an agent's contacts have: what members declare, and what holds of values.

mod declaration;
mod schema;
mod value;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use svc_core::clock::Timestamp;

use super::JsonText;

pub(crate) use declaration::{Declaration, Member};
pub(crate) use schema::schema;

/// The most fields that an agent has.
pub(crate) const DECLARED_MAX: usize = 100;

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum FieldType {
    Text,
    LongText,
    Number,
    Date,
    Boolean,
    Select,
    MultiSelect,
    Email,
    Phone,
    Url,
}

/// A declared field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Field {
    /// The name in `customFields`.
    pub(crate) key: String,
    pub(crate) title: String,
    #[serde(rename = "type")]
    pub(crate) kind: FieldType,
    pub(crate) required: bool,
    pub(crate) unique: bool,
    pub(crate) default: Option<JsonText>,
    /// Of `Select` and `MultiSelect`.
    pub(crate) options: Vec<String>,
    /// Of `Number`.
    pub(crate) minimum: Option<f64>,
    pub(crate) maximum: Option<f64>,
    /// In characters. Of `Text` and `LongText`, which have one always.
    pub(crate) max_length: Option<u16>,
    #[serde(with = "micros")]
    pub(crate) created_at: Timestamp,
    #[serde(with = "micros")]
    pub(crate) updated_at: Timestamp,
}

/// The fields of an agent, in the order in which they were declared. While there are none, any custom field is
/// taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FieldSet {
    /// Grows by 1 with every change. 0: there never was a field.
    pub(crate) revision: i64,
    pub(crate) fields: Vec<Field>,
}

impl FieldSet {
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// About how many bytes of memory they take.
    pub(crate) fn bytes(&self) -> usize {
        let of_field = |field: &Field| {
            let options: usize = field.options.iter().map(|option| option.len() + size_of::<String>()).sum();
            let default = field.default.as_ref().map_or(0, |json| json.len());
            size_of::<Field>() + field.key.len() + field.title.len() + options + default
        };
        self.fields.iter().map(of_field).sum()
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// Those whose values no two contacts share.
    pub(crate) fn unique(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.unique)
    }

    /// The next one, with other fields.
    pub(crate) fn next(&self, fields: Vec<Field>) -> FieldSet {
        FieldSet { revision: self.revision.saturating_add(1), fields }
    }
}

/// A value that only one contact of the agent may have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct UniqueValue {
    /// The key of the field.
    pub(crate) key: String,
    /// SHA-256 of what the value is compared by: of any length, and nothing personal.
    pub(crate) digest: Vec<u8>,
}

impl UniqueValue {
    fn of(key: &str, compared_by: &str) -> UniqueValue {
        UniqueValue { key: key.to_owned(), digest: digest(&SHA256, compared_by.as_bytes()).as_ref().to_vec() }
    }
}

/// Times as Unix microseconds.
mod micros {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use svc_core::clock::Timestamp;

    pub(super) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        time.0.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp)
    }
}
