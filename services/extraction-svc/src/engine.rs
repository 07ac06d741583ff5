//! The engine that comes with Keyward: a document and a schema in, values with their proof out, never an invention.
//!
//! A schema is compiled into fields (`schema`). A document becomes rows of segments with neighbours (`layout`); recognisers
//! find the spans in it that can be a date, an amount, a name (`recognise`, `candidate`). What stands around a span
//! (`context`) says how much speaks for it (`features`): labels in many languages (`lexicon`), places, types. Candidates of
//! a field compete with each other and with "it is not there" (`prior`, `score`); lists and tables have ways of their own
//! (`lists`, `tables`). Corrections move the weights of one schema (`learn`, `model`) and tell what a confidence is worth
//! (`calibrate`). Where a language model is asked (`question`), what it says is found again in the document (`ground`,
//! `places`, `evidence`). Everything is a pure function: no files, no clock, no randomness.

mod calibrate;
mod candidate;
mod context;
mod detect;
mod evidence;
mod extract;
mod features;
mod gold;
mod ground;
mod layout;
mod learn;
mod lexicon;
mod lists;
mod model;
mod places;
mod plausible;
mod prepared;
mod prior;
mod question;
mod recognise;
mod schema;
mod score;
mod tables;
mod text;

#[cfg(test)]
mod tests;

pub use detect::detect;
pub use extract::{Extraction, Leaf, Method, Source, extract};
pub use ground::{Said, ground};
pub use learn::{Corrected, Correction, Lesson, MAX_DOCUMENTS, learn};
pub use model::{Accuracy, FEWEST, Model, VERSION};
pub use question::{Question, Written, written};
pub(crate) use schema::Place;
pub use schema::{CompiledSchema, MAX_BYTES, MAX_DEPTH, MAX_ENUM, MAX_FIELDS, SchemaError};
