//! What a language model says a document holds, found in it again: a value is a span of the document, or it is none.
//!
//! The model copies texts and nothing else. Each is looked for in the pages that it was given (`places`) and read there as
//! the type of its field asks (`evidence`). So a value comes from the document and never from the model, whatever stands in
//! either: what is said and not found is `null`. Where a text stands more than once, what the engine itself believes of each
//! place decides.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::document::Document;
use crate::pointer;

use super::calibrate::UNCALIBRATED_CAP;
use super::evidence::{Evidence, Evidences};
use super::extract::{Extraction, Leaf, Method, order_of, source, words_cut};
use super::features::AllLabels;
use super::model::Model;
use super::prepared::Prepared;
use super::prior::Prior;
use super::schema::{CompiledSchema, Node};
use super::score::Weights;

/// What is claimed of a value that was found, and of that beside which the engine itself believes in.
const FOUND: f32 = 0.5;
/// From how many rows away a cell may be that stands in most documents.
const CLOSE_BY: usize = 3;
/// The most rows of a table, and items of a list.
const MAX_ROWS: usize = 2_000;

/// What a model says of some pages, in the shape of the schema: texts, or `null`.
#[derive(Debug, Clone)]
pub struct Said {
    /// The numbers of the pages that it was given.
    pub pages: RangeInclusive<u32>,
    /// Its answer.
    pub answer: Value,
}

/// Answers a schema by what a language model says of a document. A learned model helps to tell places apart.
#[must_use]
pub fn ground(
    document: &Document,
    schema: &CompiledSchema,
    model: Option<&Model>,
    said: &[Said],
) -> Extraction {
    let labels = AllLabels::new(schema);
    let prepared = Prepared::with_order(document, schema, &labels, model.is_some(), order_of(model));
    let evidences = Evidences::new(&prepared.view, prepared.habits, &schema.fields);
    let beliefs =
        (0..schema.fields.len()).map(|index| Beliefs::of(&prepared, schema, index, model)).collect();
    let windows: Vec<(RangeInclusive<u32>, &Value)> =
        said.iter().map(|said| (said.pages.clone(), &said.answer)).collect();
    let mut writer = Writer { prepared: &prepared, schema, evidences, beliefs, leaves: Vec::new() };
    let data = writer.object(&schema.root, "", &windows);
    let cut = words_cut(&prepared.view);
    Extraction { data, fields: writer.leaves, cut }
}

/// What the engine itself believes of the places of a field.
struct Beliefs {
    /// Spans, by where they begin, with the belief in each.
    spans: Vec<(usize, usize, f32)>,
    /// That there is no answer.
    none: f32,
}

impl Beliefs {
    fn of(prepared: &Prepared, schema: &CompiledSchema, index: usize, model: Option<&Model>) -> Self {
        let field = &schema.fields[index];
        let Some(choices) = prepared.fields.get(index).and_then(Option::as_ref) else {
            return Self { spans: Vec::new(), none: 0.5 };
        };
        let prior = Prior::of(field);
        let weights = Weights { prior: &prior, model: model.and_then(|m| m.fields.get(&field.path)) };
        let scored = choices.candidates.iter().zip(&choices.vectors);
        let scores: Vec<f32> = scored.map(|(c, vector)| weights.score(vector, &c.key)).collect();
        let most = scores.iter().copied().fold(weights.absent(), f32::max);
        let absent = (weights.absent() - most).exp();
        let total = absent + scores.iter().map(|score| (score - most).exp()).sum::<f32>();
        let spans = choices.candidates.iter().zip(&scores);
        let mut spans: Vec<(usize, usize, f32)> =
            spans.map(|(c, score)| (c.start(), c.end(), (score - most).exp() / total)).collect();
        spans.sort_by_key(|(start, end, _)| (*start, *end));
        Self { spans, none: absent / total }
    }

    /// How much is believed in what stands within these words.
    fn in_place(&self, parts: &[(usize, usize)]) -> f32 {
        let (Some((start, _)), Some((_, end))) = (parts.first(), parts.last()) else { return 0.0 };
        let from = self.spans.partition_point(|(begin, ..)| begin < start);
        let within = self.spans[from..].iter().take_while(|(begin, ..)| begin < end);
        within.filter(|(_, stop, _)| stop <= end).map(|(.., belief)| belief).sum::<f32>().min(1.0)
    }
}

/// What the windows say of one place of the answer, each with its pages.
type Windows<'a> = [(RangeInclusive<u32>, &'a Value)];

struct Writer<'a> {
    prepared: &'a Prepared,
    schema: &'a CompiledSchema,
    evidences: Evidences<'a>,
    beliefs: Vec<Beliefs>,
    leaves: Vec<Leaf>,
}

impl Writer<'_> {
    fn object(&mut self, members: &[(String, Node)], path: &str, windows: &Windows<'_>) -> Value {
        let mut object = Map::new();
        for (name, node) in members {
            let at = format!("{path}/{}", pointer::escaped(name));
            let inner: Vec<(RangeInclusive<u32>, &Value)> =
                windows.iter().filter_map(|(pages, said)| Some((pages.clone(), said.get(name)?))).collect();
            let value = match node {
                Node::Object(inside) => self.object(inside, &at, &inner),
                Node::Scalar(index) => self.scalar(*index, at, &inner),
                Node::List(index) => self.list(*index, &at, &inner),
                Node::Table(group, columns) => self.table(*group, columns, &at, &inner),
            };
            object.insert(name.clone(), value);
        }
        Value::Object(object)
    }

    /// The evidence within some pages.
    fn evidence(&self, index: usize, said: &Value, pages: &RangeInclusive<u32>) -> Vec<Evidence> {
        let view = &self.prepared.view;
        let on_page =
            |start: usize| view.pages.get(view.tokens[start].page).is_some_and(|p| pages.contains(&p.0));
        let mut found = self.evidences.of((index, &self.schema.fields[index]), said);
        found.retain(|evidence| evidence.parts.iter().all(|(start, _)| on_page(*start)));
        found
    }

    fn scalar(&mut self, index: usize, path: String, windows: &Windows<'_>) -> Value {
        let mut best: Option<(f32, Evidence)> = None;
        for (pages, said) in windows {
            for evidence in self.evidence(index, said, pages) {
                let belief = self.beliefs[index].in_place(&evidence.parts);
                // Of what stands in most documents, what is likelier the answer than that there is none.
                let proves = !evidence.weak || belief > self.beliefs[index].none;
                if proves && best.as_ref().is_none_or(|(most, _)| belief > *most) {
                    best = Some((belief, evidence));
                }
            }
        }
        match best {
            Some((belief, evidence)) => self.leaf(path, belief, Some(evidence)),
            None => self.leaf(path, self.beliefs[index].none, None),
        }
    }

    /// Each item at a place of its own: what is said more often than it stands there is none.
    fn list(&mut self, index: usize, path: &str, windows: &Windows<'_>) -> Value {
        let field = &self.schema.fields[index];
        let mut taken: HashSet<usize> = HashSet::new();
        let mut values: Vec<Value> = Vec::new();
        for (pages, said) in windows {
            for item in said.as_array().map(Vec::as_slice).unwrap_or_default() {
                let found = self.evidence(index, item, pages);
                let is_free = |e: &Evidence| {
                    let is_repeated = field.unique_items && values.contains(&e.value);
                    !taken.contains(&e.parts[0].0) && !is_repeated
                };
                let free = found.into_iter().find(is_free);
                let has_room = values.len() < MAX_ROWS.min(field.max_items);
                let Some(evidence) = free.filter(|_| has_room) else { continue };
                taken.insert(evidence.parts[0].0);
                let belief = self.beliefs[index].in_place(&evidence.parts);
                values.push(self.leaf(format!("{path}/{}", values.len()), belief, Some(evidence)));
            }
        }
        Value::Array(values)
    }

    /// Each row around a place of its own: the rarest of its cells, and of the others what stands nearest to it.
    fn table(
        &mut self,
        group: usize,
        columns: &[(String, usize)],
        path: &str,
        windows: &Windows<'_>,
    ) -> Value {
        let group = &self.schema.fields[group];
        let most = MAX_ROWS.min(group.max_items);
        let mut taken: HashSet<(usize, usize)> = HashSet::new();
        let mut values = Vec::new();
        for (pages, said) in windows {
            for row in said.as_array().map(Vec::as_slice).unwrap_or_default() {
                let cells: Vec<Vec<Evidence>> = columns
                    .iter()
                    .map(|(name, index)| row.get(name).map(|said| self.evidence(*index, said, pages)))
                    .map(Option::unwrap_or_default)
                    .collect();
                let Some((column, at)) = anchor(&cells, &taken).filter(|_| values.len() < most) else {
                    continue;
                };
                taken.insert((column, at));
                let mut object = Map::new();
                let before = self.leaves.len();
                for (c, ((name, _), found)) in columns.iter().zip(cells).enumerate() {
                    let chosen = match c == column {
                        true => found.into_iter().find(|evidence| evidence.parts[0].0 == at),
                        false => self.nearest(found, at),
                    };
                    if let Some(evidence) = chosen.as_ref().filter(|evidence| !evidence.weak) {
                        taken.insert((c, evidence.parts[0].0));
                    }
                    let cell = format!("{path}/{}/{}", values.len(), pointer::escaped(name));
                    object.insert(name.clone(), self.leaf(cell, 0.0, chosen));
                }
                let value = Value::Object(object);
                if group.unique_items && values.contains(&value) {
                    self.leaves.truncate(before);
                    continue;
                }
                values.push(value);
            }
        }
        Value::Array(values)
    }

    /// The evidence that stands nearest to a word; what stands in most documents is of its row only close by.
    fn nearest(&self, mut found: Vec<Evidence>, at: usize) -> Option<Evidence> {
        found.retain(|evidence| !evidence.weak || self.distance(evidence.parts[0].0, at).0 <= CLOSE_BY);
        found.into_iter().min_by_key(|evidence| self.distance(evidence.parts[0].0, at))
    }

    /// How far apart two words stand: in rows, and then in words.
    fn distance(&self, a: usize, b: usize) -> (usize, usize) {
        let view = &self.prepared.view;
        let row = |token: usize| view.segments[view.tokens[token].segment].row;
        (row(a).abs_diff(row(b)), a.abs_diff(b))
    }

    fn leaf(&mut self, path: String, belief: f32, evidence: Option<Evidence>) -> Value {
        let sure = f64::from(FOUND + (1.0 - FOUND) * belief).min(UNCALIBRATED_CAP);
        let (value, source) = match evidence {
            Some(evidence) => (evidence.value, Some(source(&self.prepared.view, &evidence.parts))),
            None => (Value::Null, None),
        };
        self.leaves.push(Leaf {
            path,
            value: value.clone(),
            confidence: (sure * 10_000.0).round() / 10_000.0,
            uncalibrated: true,
            source,
            method: Method::Model,
        });
        value
    }
}

/// The column of a row whose value stands in the fewest places, with the first of them that no row has. A row of which only
/// is found what stands in most documents is none.
fn anchor(cells: &[Vec<Evidence>], taken: &HashSet<(usize, usize)>) -> Option<(usize, usize)> {
    let strong = cells.iter().enumerate().filter(|(_, found)| found.iter().any(|evidence| !evidence.weak));
    let (column, found) = strong.min_by_key(|(_, found)| found.len())?;
    let free = found.iter().map(|evidence| evidence.parts[0].0).find(|at| !taken.contains(&(column, *at)))?;
    Some((column, free))
}
