//! JSON Schema (draft 2020-12, a subset) compiled into the fields that are looked for.

mod compile;
mod field;
mod place;

pub use compile::{MAX_BYTES, MAX_DEPTH, MAX_ENUM, MAX_FIELDS, SchemaError};
pub use field::{Field, Kind, Topic};
pub(crate) use place::Place;

use serde_json::Value;

/// A schema, ready for use.
#[derive(Debug, Clone)]
pub struct CompiledSchema {
    /// The shape of the answer.
    pub(crate) root: Vec<(String, Node)>,
    /// The leaves, in the order of the schema. Columns of tables are among them.
    pub(crate) fields: Vec<Field>,
    /// What the whole document is about: the schema's title.
    pub(crate) about: super::lexicon::Meaning,
}

/// A part of the answer's shape.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// An object: its properties in the schema's order.
    Object(Vec<(String, Node)>),
    /// One value: an index of `fields`.
    Scalar(usize),
    /// A list of values.
    List(usize),
    /// A list of objects: what heads the table, and the columns with their names.
    Table(usize, Vec<(String, usize)>),
}

impl CompiledSchema {
    /// Compiles a schema.
    ///
    /// # Errors
    /// [`SchemaError`] names the first place that is not understood, and why.
    pub fn compile(schema: &Value) -> Result<Self, SchemaError> {
        compile::compile(schema)
    }

    /// Compiles a schema from its text.
    ///
    /// # Errors
    /// As [`Self::compile`], and when the text is longer than [`MAX_BYTES`] or is no JSON.
    pub fn parse(text: &[u8]) -> Result<Self, SchemaError> {
        compile::parse(text)
    }

    /// Whether a field is the item of a list of single values.
    pub(crate) fn is_list(&self, index: usize) -> bool {
        fn within(nodes: &[(String, Node)], index: usize) -> bool {
            nodes.iter().any(|(_, node)| match node {
                Node::List(i) => *i == index,
                Node::Object(members) => within(members, index),
                _ => false,
            })
        }
        within(&self.root, index)
    }

    /// How many leaves it asks for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.iter().filter(|f| !f.is_group).count()
    }

    /// Whether it asks for nothing. Such a schema is refused, so never.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
