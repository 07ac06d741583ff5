//! What turns documents into values, as jobs see it: a reader, an engine, and what the engine learns.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use async_trait::async_trait;
use serde_json::Value;

use crate::document::{Document, OnePage};
use crate::domain::{Accuracy, Corrections, Failure, JobResult, Options};
use crate::llm::Spent;
use crate::templates::BuiltIn;

/// A document with what a person says of it.
#[derive(Clone, Debug)]
pub(crate) struct Example {
    /// What was read of it, a [`Document`] as JSON.
    pub(crate) reading: Vec<u8>,
    pub(crate) corrections: Corrections,
}

/// What examples have taught.
#[derive(Clone, Debug)]
pub(crate) struct Learned {
    /// To be used; `None` when nothing is better than without.
    pub(crate) model: Option<Vec<u8>>,
    /// `None` when there are too few examples to tell.
    pub(crate) accuracy: Option<Accuracy>,
}

/// What is to be found, and with what was learned of it.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) schema: Value,
    pub(crate) model: Option<Vec<u8>>,
}

/// A reader and an engine.
#[async_trait]
pub(crate) trait Pipeline: Send + Sync {
    /// Says in words what of a schema cannot be used: a JSON Pointer into it, and why.
    fn check(&self, schema: &Value) -> Result<(), (String, String)>;

    /// Whether text of this language (a BCP 47 tag) is recognised in pictures. Yes where that is not known: others read.
    fn reads_language(&self, tag: &str) -> bool;

    /// What recognises text in pictures, in a few words.
    fn ocr(&self) -> String;

    /// Whether documents that begin so can be read at all, whatever is said of them.
    fn knows(&self, beginning: &[u8], claimed: Option<&str>, name: Option<&str>) -> bool;

    /// Reads a document. `pages_read` says meanwhile how far it is.
    async fn read(
        &self,
        document: File,
        options: &Options,
        claimed: Option<&str>,
        name: Option<&str>,
        pages_read: &AtomicU32,
    ) -> Result<Document, Failure>;

    /// A page of what was read; `None` when it was not read. Takes a core for as long as it takes.
    fn page(&self, reading: &[u8], number: u32) -> Result<Option<OnePage>, Failure>;

    /// Draws a page of a document, as a JPEG.
    async fn draw(&self, document: File, page: u32) -> Result<Vec<u8>, Failure>;

    /// Finds the values of a schema in what was read. Takes a core for as long as it takes.
    fn extract(
        &self,
        document: &Document,
        schema: &Value,
        model: Option<&[u8]>,
    ) -> Result<JobResult, Failure>;

    /// The language models that an organization may ask in the engine's place.
    fn language_models(&self, organization_id: &str) -> Vec<&str>;

    /// Has a language model say what a document holds, and finds it again there. `spent` says what it has cost.
    async fn ask(
        &self,
        organization_id: &str,
        name: &str,
        document: Arc<Document>,
        wanted: Wanted,
        spent: &Spent,
    ) -> Result<JobResult, Failure>;

    /// Which of these schemas, each under its name, a document is most likely made for, and how likely (0 to 1). Takes a
    /// core for as long as it takes.
    fn detect(&self, document: &Document, among: &[(String, Value)]) -> Option<(usize, f64)>;

    /// Learns from examples of a schema. Takes a core for as long as it takes.
    fn learn(&self, schema: &Value, examples: Vec<Example>) -> Learned;

    /// The templates that come with it, by name.
    fn templates(&self) -> &[BuiltIn];
}
