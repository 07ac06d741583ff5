//! A setting before its type is known: from TOML, or text from the environment and flags that becomes
//! what is asked for.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

/// A setting or a group of them.
pub(super) enum Node {
    Table(BTreeMap<String, Node>),
    List(Vec<Node>),
    Toml(toml::Value),
    Text(String),
}

impl Node {
    pub(super) fn empty() -> Node {
        Node::Table(BTreeMap::new())
    }

    /// Takes a member of a group out of it.
    pub(super) fn take(&mut self, name: &str) -> Option<Node> {
        match self {
            Node::Table(members) => members.remove(name),
            _ => None,
        }
    }

    /// Sets the value at a path. Fails where the path leads through a single value.
    pub(super) fn set(&mut self, path: &[String], text: &str) -> Result<(), ()> {
        let Node::Table(members) = self else { return Err(()) };
        match path {
            [] => Err(()),
            [name] => {
                members.insert(name.clone(), Node::Text(text.to_owned()));
                Ok(())
            }
            [name, rest @ ..] => members.entry(name.clone()).or_insert_with(Node::empty).set(rest, text),
        }
    }
}

impl From<toml::Value> for Node {
    fn from(value: toml::Value) -> Node {
        match value {
            toml::Value::Table(table) => Node::Table(table.into_iter().map(|(k, v)| (k, v.into())).collect()),
            toml::Value::Array(items) => Node::List(items.into_iter().map(Node::from).collect()),
            single => Node::Toml(single),
        }
    }
}

/// What is wrong with a value.
#[derive(Debug)]
pub(super) struct ValueError(String);

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ValueError {}

impl de::Error for ValueError {
    fn custom<T: fmt::Display>(message: T) -> ValueError {
        ValueError(message.to_string())
    }
}

impl IntoDeserializer<'_, ValueError> for Node {
    type Deserializer = Node;

    fn into_deserializer(self) -> Node {
        self
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $kind:ty, $what:literal;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            match self {
                Node::Text(text) => match text.trim().parse::<$kind>() {
                    Ok(number) => visitor.$visit(number),
                    Err(_) => Err(ValueError(format!("`{text}` is not {}", $what))),
                },
                other => other.deserialize_any(visitor),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Node {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self {
            Node::Text(text) => visitor.visit_string(text),
            Node::Table(members) => visitor.visit_map(MapDeserializer::new(members.into_iter())),
            Node::List(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter())),
            Node::Toml(toml::Value::String(text)) => visitor.visit_string(text),
            Node::Toml(toml::Value::Integer(number)) => visitor.visit_i64(number),
            Node::Toml(toml::Value::Float(number)) => visitor.visit_f64(number),
            Node::Toml(toml::Value::Boolean(bool)) => visitor.visit_bool(bool),
            Node::Toml(other) => visitor.visit_string(other.to_string()),
        }
    }

    numbers! {
        deserialize_u8 visit_u8 u8, "a whole number from 0 to 255";
        deserialize_u16 visit_u16 u16, "a whole number from 0 to 65,535";
        deserialize_u32 visit_u32 u32, "a whole number of at least 0";
        deserialize_u64 visit_u64 u64, "a whole number of at least 0";
        deserialize_i32 visit_i32 i32, "a whole number";
        deserialize_i64 visit_i64 i64, "a whole number";
        deserialize_f64 visit_f64 f64, "a number";
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self {
            Node::Text(text) => match text.trim() {
                "true" => visitor.visit_bool(true),
                "false" => visitor.visit_bool(false),
                _ => Err(ValueError(format!("`{text}` is neither true nor false"))),
            },
            other => other.deserialize_any(visitor),
        }
    }

    /// Text is a list with commas between the elements.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self {
            Node::Text(text) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                let items: Vec<Node> = items.map(|item| Node::Text(item.to_owned())).collect();
                visitor.visit_seq(SeqDeserializer::new(items.into_iter()))
            }
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        match self {
            Node::Text(text) | Node::Toml(toml::Value::String(text)) => {
                visitor.visit_enum(IntoDeserializer::<ValueError>::into_deserializer(text))
            }
            _ => Err(ValueError("must be text".to_owned())),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i128 u128 f32 char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct
        identifier ignored_any
    }
}
