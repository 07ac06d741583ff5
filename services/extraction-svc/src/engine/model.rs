//! What corrections have taught, for one schema: small, versioned, plain data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::calibrate::Calibration;
use super::{lists, tables};

/// The version of the form. A model of another version is not used; it is learned again from its corrections.
pub const VERSION: u32 = 2;
/// The most words that one field's weights name.
pub const MAX_WORDS_OF_FIELD: usize = 4_000;
/// The most values that one field remembers.
pub const MAX_REMEMBERED: usize = 2_000;
/// The fewest corrected documents from which a model is used.
pub const FEWEST: usize = 3;

/// The learned model of a schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// [`VERSION`].
    pub version: u32,
    /// From how many corrected documents.
    pub documents: usize,
    /// Share of leaves answered rightly (null for an absent one, too) with what was learned from the others: before and
    /// with the model.
    pub accuracy: Accuracy,
    /// Days such as 03/04/2020 are read the other way than the document itself suggests.
    pub(crate) month_first: Option<bool>,
    /// By the path of a field.
    pub(crate) fields: BTreeMap<String, FieldModel>,
    /// By the path of a list.
    pub(crate) lists: BTreeMap<String, lists::ListModel>,
    /// By the path of a list of objects.
    pub(crate) tables: BTreeMap<String, tables::TableModel>,
    /// By the path of a field that documents often do not hold: the belief that an answer must reach.
    #[serde(default)]
    pub(crate) least: BTreeMap<String, f32>,
    pub(crate) calibration: Calibration,
}

/// The measure of a model on corrected documents that it had not seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Without it, 0 to 1.
    pub before: f64,
    /// With it.
    pub after: f64,
    /// Over how many documents.
    pub documents: usize,
}

/// The weights of one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FieldModel {
    /// Of the features with a meaning.
    pub dense: Vec<f32>,
    /// What "not there" scores.
    pub absent: f32,
    /// Of the features named by words, sorted by their hash.
    pub words: Vec<(u32, f32)>,
    /// Hashes of values that people gave, sorted, and how often.
    pub remembered: Vec<(u32, u32)>,
}

impl FieldModel {
    pub(crate) fn word(&self, hash: u32) -> f32 {
        self.words.binary_search_by_key(&hash, |(h, _)| *h).map_or(0.0, |i| self.words[i].1)
    }

    pub(crate) fn remembers(&self, hash: u32) -> u32 {
        self.remembered.binary_search_by_key(&hash, |(h, _)| *h).map_or(0, |i| self.remembered[i].1)
    }
}
