//! A contact as structs that prost and serde know both, as a hand-written gateway has them.

use std::collections::HashMap;

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Timestamp, Value};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The same fields as `keyward.contacts.v1.Contact`.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Contact {
    #[prost(string, tag = "1")]
    #[serde(default, skip_serializing_if = "String::is_empty")]
    id: String,
    #[prost(string, optional, tag = "2")]
    external_reference_id: Option<String>,
    #[prost(string, optional, tag = "3")]
    name: Option<String>,
    #[prost(string, optional, tag = "4")]
    email: Option<String>,
    #[prost(string, optional, tag = "5")]
    mobile_number: Option<String>,
    #[prost(string, optional, tag = "6")]
    gender: Option<String>,
    #[prost(int32, optional, tag = "7")]
    #[serde(serialize_with = "stage", deserialize_with = "stage_number")]
    stage: Option<i32>,
    #[prost(int32, tag = "8")]
    #[serde(default, skip_serializing_if = "is_zero", serialize_with = "status")]
    status: i32,
    #[prost(string, optional, tag = "9")]
    source: Option<String>,
    #[prost(string, repeated, tag = "10")]
    #[serde(default)]
    tags: Vec<String>,
    #[prost(string, optional, tag = "11")]
    notes: Option<String>,
    #[prost(map = "string, message", tag = "12")]
    #[serde(default, serialize_with = "values", deserialize_with = "read_values")]
    custom_fields: HashMap<String, Value>,
    #[prost(message, optional, tag = "13")]
    #[serde(default, skip_deserializing, skip_serializing_if = "Option::is_none", serialize_with = "time")]
    created_at: Option<Timestamp>,
    #[prost(message, optional, tag = "14")]
    #[serde(default, skip_deserializing, skip_serializing_if = "Option::is_none", serialize_with = "time")]
    updated_at: Option<Timestamp>,
    #[prost(message, optional, tag = "15")]
    #[serde(default, skip_deserializing, skip_serializing_if = "Option::is_none", serialize_with = "time")]
    archived_at: Option<Timestamp>,
    #[prost(int32, tag = "16")]
    #[serde(default, skip_serializing_if = "is_zero")]
    version: i32,
}

#[derive(Clone, PartialEq, prost::Message, Serialize)]
pub struct GetContact {
    #[prost(message, optional, tag = "1")]
    pub contact: Option<Contact>,
}

#[derive(Clone, PartialEq, prost::Message, Serialize)]
pub struct ListContacts {
    #[prost(message, repeated, tag = "1")]
    pub contacts: Vec<Contact>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CreateContact {
    #[prost(message, optional, tag = "2")]
    pub contact: Option<Contact>,
}

#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
pub struct Bulk {
    #[prost(message, repeated, tag = "2")]
    pub contacts: Vec<Contact>,
}

impl Contact {
    /// A contact as a service answers with.
    pub fn sample(number: u32) -> Contact {
        let text = |text: &str| Some(text.to_owned());
        let created = Timestamp { seconds: 1_767_225_600, nanos: 123_000_000 };
        Contact {
            id: format!("{number:024x}"),
            external_reference_id: Some(format!("customer-{number:04}")),
            name: text("Ada Lovelace"),
            email: text("ada.lovelace@example.com"),
            mobile_number: text("+4915112345678"),
            gender: text("female"),
            stage: Some(3),
            status: 1,
            source: text("website"),
            tags: vec!["newsletter".to_owned(), "vip".to_owned()],
            notes: text("Prefers to be called in the afternoon."),
            custom_fields: HashMap::from([
                ("plan".to_owned(), Value { kind: Some(Kind::StringValue("premium".to_owned())) }),
                ("seats".to_owned(), Value { kind: Some(Kind::NumberValue(25.0)) }),
            ]),
            created_at: Some(created),
            updated_at: Some(created),
            archived_at: None,
            version: 1,
        }
    }

    /// A contact with objects in one another.
    pub fn deep(depth: usize) -> Contact {
        let mut value = Value { kind: Some(Kind::NumberValue(1.5)) };
        for _ in 0..depth {
            let fields = [("inner".to_owned(), value)].into_iter().collect();
            value = Value { kind: Some(Kind::StructValue(Struct { fields })) };
        }
        Contact { custom_fields: HashMap::from([("tree".to_owned(), value)]), ..Contact::sample(1) }
    }

    /// What of it a client sends.
    pub fn draft(&self) -> Contact {
        let mut draft = self.clone();
        (draft.id, draft.status, draft.version) = (String::new(), 0, 0);
        (draft.created_at, draft.updated_at) = (None, None);
        draft
    }
}

const STAGES: [&str; 5] = ["", "LEAD", "PROSPECT", "CUSTOMER", "OLD_CUSTOMER"];

fn stage<S: Serializer>(stage: &Option<i32>, serializer: S) -> Result<S::Ok, S::Error> {
    let name = stage.and_then(|stage| STAGES.get(usize::try_from(stage).ok()?));
    name.serialize(serializer)
}

fn stage_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i32>, D::Error> {
    let name: Option<&str> = Option::deserialize(deserializer)?;
    Ok(name.and_then(|name| STAGES.iter().position(|known| *known == name)).map(|at| at as i32))
}

fn status<S: Serializer>(status: &i32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if *status == 2 { "ARCHIVED" } else { "ACTIVE" })
}

fn is_zero(number: &i32) -> bool {
    *number == 0
}

fn time<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    let time = time.and_then(|t| jiff::Timestamp::new(t.seconds, t.nanos).ok());
    match time {
        Some(time) => serializer.collect_str(&format_args!("{time:.3}")),
        None => serializer.serialize_none(),
    }
}

/// A value for serde.
struct Json<'v>(&'v Value);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0.kind {
            None | Some(Kind::NullValue(_)) => serializer.serialize_none(),
            Some(Kind::NumberValue(number)) if number.fract() == 0.0 => {
                serializer.serialize_i64(*number as i64)
            }
            Some(Kind::NumberValue(number)) => serializer.serialize_f64(*number),
            Some(Kind::StringValue(text)) => serializer.serialize_str(text),
            Some(Kind::BoolValue(value)) => serializer.serialize_bool(*value),
            Some(Kind::StructValue(object)) => {
                serializer.collect_map(object.fields.iter().map(|(name, value)| (name, Json(value))))
            }
            Some(Kind::ListValue(list)) => serializer.collect_seq(list.values.iter().map(Json)),
        }
    }
}

fn values<S: Serializer>(values: &HashMap<String, Value>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(values.len()))?;
    for (name, value) in values {
        map.serialize_entry(name, &Json(value))?;
    }
    map.end()
}

fn read_values<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HashMap<String, Value>, D::Error> {
    let values: HashMap<String, serde_json::Value> = HashMap::deserialize(deserializer)?;
    Ok(values.into_iter().map(|(name, value)| (name, value_of(value))).collect())
}

fn value_of(json: serde_json::Value) -> Value {
    let kind = match json {
        serde_json::Value::Null => Kind::NullValue(0),
        serde_json::Value::Bool(value) => Kind::BoolValue(value),
        serde_json::Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or(f64::NAN)),
        serde_json::Value::String(text) => Kind::StringValue(text),
        serde_json::Value::Array(values) => {
            Kind::ListValue(ListValue { values: values.into_iter().map(value_of).collect() })
        }
        serde_json::Value::Object(members) => {
            let fields = members.into_iter().map(|(name, value)| (name, value_of(value))).collect();
            Kind::StructValue(Struct { fields })
        }
    };
    Value { kind: Some(kind) }
}
