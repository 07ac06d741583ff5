//! What a job has found, and what was learned.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use svc_core::clock::Timestamp;

use crate::document::Notice;

/// What a job has found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct JobResult {
    /// The values alone, in the shape of the schema.
    pub(crate) data: Value,
    /// Each leaf, in the order of the schema.
    pub(crate) fields: Vec<Field>,
    /// The template that the document is most likely of, when that was asked and one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) detected: Option<Detected>,
    /// What a person should know of how the document was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) notices: Vec<Notice>,
}

/// A template that a document is likely of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Detected {
    pub(crate) name: String,
    pub(crate) version: i64,
    /// 0 to 1.
    pub(crate) confidence: f64,
}

impl JobResult {
    /// How sure the least sure value is. `None` when nothing was found.
    pub(crate) fn lowest_confidence(&self) -> Option<f64> {
        let found = self.fields.iter().filter(|field| !field.value.is_null());
        found.map(|field| field.confidence).min_by(f64::total_cmp)
    }
}

/// A leaf of a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Field {
    /// A JSON Pointer into the data.
    pub(crate) path: String,
    pub(crate) value: Value,
    /// 0 to 1.
    pub(crate) confidence: f64,
    /// `None` when the document does not hold the value.
    pub(crate) source: Option<Place>,
    pub(crate) uncalibrated: bool,
}

/// Where a value stands in its document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// From 1.
    pub(crate) page: u32,
    pub(crate) bounds: Option<Rectangle>,
    /// Verbatim.
    pub(crate) text: String,
    /// A cell or a paragraph of a document without pages.
    pub(crate) anchor: Option<String>,
    pub(crate) hidden: bool,
    /// Recognised in an image.
    pub(crate) ocr: bool,
    /// Named by a language model, and then found.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) by_model: bool,
}

/// In fractions of the page, from its upper left corner.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rectangle {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// What corrections have taught.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Learning {
    /// How many jobs have been corrected.
    pub(crate) corrections: u32,
    /// Something is still to be learned from.
    pub(crate) pending: bool,
    /// Later jobs use it.
    pub(crate) active: bool,
    pub(crate) accuracy: Option<Accuracy>,
    pub(crate) learned_at: Option<Timestamp>,
}

/// The share of right values in corrected documents, each judged by what the others have taught.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Accuracy {
    pub(crate) before: f64,
    pub(crate) after: f64,
    pub(crate) documents: u32,
}
