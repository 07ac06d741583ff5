//! A document and a schema in; values with their proof out.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::document::{Bounds, Document};
use crate::pointer;

use super::calibrate::Sort;
use super::candidate::{Habits, Reading};
use super::features::{AllLabels, Feature, Labels};
use super::layout::{MAX_WORDS, View};
use super::lists;
use super::model::Model;
use super::prepared::Prepared;
use super::prior::Prior;
use super::recognise::date::Order;
use super::schema::{CompiledSchema, Field, Kind, Node};
use super::score::{Ranked, Weights, rank};
use super::tables::{self, Columns};

/// What a scalar's belief must reach to be an answer.
const THRESHOLD: f32 = 0.4;
/// What all spans of its place together must reach.
const PLACE_THRESHOLD: f32 = 0.5;
/// The same within sentences, where words nearby say less than a label does.
const PROSE_THRESHOLD: f32 = 0.7;

/// What proves right more seldom than this is no answer, once corrections tell how often it does.
const LEAST_SURE: f64 = 0.3;
/// How well a label in a sentence must fit for a day to answer a second field.
const SHARED: f32 = 0.5;
/// How much of what spoke for another field's answer speaks for there being none.
const NOT_ITS_OWN: f32 = 0.15;

/// The answer: `data` in the schema's shape, and each leaf with its proof.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Extraction {
    /// In the shape of the schema; `null` where the document holds no answer.
    pub data: Value,
    /// One entry a leaf, in the order of the schema.
    pub fields: Vec<Leaf>,
    /// What the document holds more of than is given, in words: `/lines` after 2,000 items.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut: Vec<String>,
}

/// A leaf of the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leaf {
    /// JSON Pointer into `data`.
    pub path: String,
    /// The normalised value.
    pub value: Value,
    /// How probable it is that it is right, 0 to 1; of `null`, that the document holds none.
    pub confidence: f64,
    /// No corrections stand behind the confidence, which is capped.
    pub uncalibrated: bool,
    /// Where it stands; none of `null`.
    pub source: Option<Source>,
    /// How its words were read.
    pub method: Method,
}

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// From 1.
    pub page: u32,
    /// Around its words, in fractions of the page.
    pub bounds: Bounds,
    /// Verbatim.
    pub text: String,
    /// The cell or paragraph, in a file that has no places of its own.
    pub anchor: Option<String>,
}

/// How a value's words were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Method {
    /// They stand as text in the file.
    Text,
    /// From a picture.
    Ocr,
    /// Wherever they come from, a language model has named them.
    Model,
}

/// Answers a schema from a document. With a model, as people's corrections have taught.
#[must_use]
pub fn extract(document: &Document, schema: &CompiledSchema, model: Option<&Model>) -> Extraction {
    let labels = AllLabels::new(schema);
    let prepared = Prepared::with_order(document, schema, &labels, model.is_some(), order_of(model));
    answer(&prepared, schema, model)
}

/// The order of days that corrections showed.
pub(crate) fn order_of(model: Option<&Model>) -> Option<Order> {
    model?.month_first.map(|m| if m { Order::MonthFirst } else { Order::DayFirst })
}

pub(crate) fn answer(prepared: &Prepared, schema: &CompiledSchema, model: Option<&Model>) -> Extraction {
    let chosen = scalars(prepared, schema, model);
    let cut = words_cut(&prepared.view);
    let mut writer = Writer { prepared, schema, model, chosen, leaves: Vec::new(), cut };
    let data = writer.object(&schema.root, "");
    Extraction { data, fields: writer.leaves, cut: writer.cut }
}

/// In words, that a list goes on in the document.
pub(super) fn items_cut(path: &str, items: usize) -> String {
    format!("`{path}` after {items} items")
}

/// In words, that the document goes on behind the words that are looked at.
pub(super) fn words_cut(view: &View) -> Vec<String> {
    if view.is_cut { vec![format!("the text after {MAX_WORDS} words")] } else { Vec::new() }
}

/// What each scalar field answers: a candidate with its belief, or the belief that there is none.
pub(crate) type Chosen = Vec<Option<(Option<usize>, f32)>>;

/// Scalar fields, the surest first: a place answers one field only.
pub(crate) fn scalars(prepared: &Prepared, schema: &CompiledSchema, model: Option<&Model>) -> Chosen {
    let mut chosen: Chosen = vec![None; schema.fields.len()];
    let mut ranked: Vec<(usize, Vec<Ranked>, f32)> = Vec::new();
    for (index, field) in schema.fields.iter().enumerate() {
        if field.in_list || field.is_group {
            continue;
        }
        let Some(choices) = prepared.fields[index].as_ref() else { continue };
        let prior = Prior::of(field);
        let weights = Weights { prior: &prior, model: model.and_then(|m| m.fields.get(&field.path)) };
        let (list, none) = rank(choices, &weights);
        ranked.push((index, list, none));
    }
    ranked.sort_by(|a, b| {
        let top = |r: &[Ranked]| r.first().map_or(0.0, |x| x.probability);
        top(&b.1).total_cmp(&top(&a.1)).then(a.0.cmp(&b.0))
    });
    let mut taken: Vec<(usize, usize)> = Vec::new();
    for (index, list, none) in ranked {
        let Some(choices) = prepared.fields[index].as_ref() else { continue };
        let mut lost = 0.0;
        let mut pick = None;
        for r in &list {
            let candidate = &choices.candidates[r.candidate];
            let span = (candidate.start(), candidate.end());
            // A day in a sentence may be two days: "made and effective as of".
            let vector = &choices.vectors[r.candidate];
            let shared = matches!(candidate.reading, Reading::Date { .. })
                && vector.dense[Feature::InProse as usize] > 0.0
                && vector.dense[Feature::Label as usize].max(vector.dense[Feature::Before as usize])
                    >= SHARED;
            if model.is_none() && taken.contains(&span) && !shared {
                lost += r.probability;
                continue;
            }
            // What others took is no longer open.
            let open = (1.0 - lost).max(0.05);
            let belief = (r.probability / open).min(1.0);
            // Longer and shorter spans of one place do not speak against there being an answer.
            let place: f32 = list
                .iter()
                .filter(|o| {
                    let other = &choices.candidates[o.candidate];
                    other.start() < span.1 && span.0 < other.end()
                })
                .map(|o| o.probability)
                .sum();
            let in_prose = vector.dense[Feature::InProse as usize] > 0.0;
            let least = if in_prose { PROSE_THRESHOLD } else { PLACE_THRESHOLD };
            pick = Some((r.candidate, span, belief, (place / open).min(1.0), least));
            break;
        }
        let least_belief =
            model.and_then(|m| m.least.get(&schema.fields[index].path)).copied().unwrap_or(0.0);
        chosen[index] = match pick {
            // What another field took leaves no more room than it had for what is left.
            Some((candidate, span, belief, place, least))
                if place >= least
                    && place * (1.0 - lost).max(0.05) > none + NOT_ITS_OWN * lost
                    && belief >= THRESHOLD
                    && less_sure(belief, lost) >= least_belief =>
            {
                taken.push(span);
                Some((Some(candidate), less_sure(belief, lost)))
            }
            Some((_, _, _, place, _)) => Some((None, 1.0 - place)),
            None => Some((None, none.max(0.5))),
        };
    }
    chosen
}

/// What another field has taken makes what is left less sure.
fn less_sure(belief: f32, lost: f32) -> f32 {
    if lost > 0.0 { belief * 0.8 } else { belief }
}

/// The columns of a table, by their fields.
pub(crate) fn columns<'a>(schema: &'a CompiledSchema, members: &[(String, usize)]) -> Columns<'a> {
    let fields: Vec<&Field> = members.iter().map(|(_, i)| &schema.fields[*i]).collect();
    let lexicon = super::lexicon::lexicon();
    let group = fields.first().and_then(|first| {
        let of =
            |f: &&Field| f.is_group && first.path.strip_prefix(&f.path).is_some_and(|p| p.starts_with('/'));
        schema.fields.iter().rfind(of)
    });
    let first_text = fields.iter().position(|f| f.kind == Kind::Text);
    let mut labels: Vec<Labels> = fields
        .iter()
        .map(|f| {
            let mut labels = Labels::of(f, &super::lexicon::Meaning::default());
            // The last column of goods is headed "Total" as often as "Amount".
            let amount = lexicon.concept("amount");
            let numeric = matches!(f.kind, Kind::Number(_));
            let headed: &[&str] = if f.label.has(amount) && f.label.concepts.len() <= 2 {
                &["line", "total", "subtotal"]
            } else if numeric && f.label.has(lexicon.concept("total")) && f.label.concepts.len() <= 2 {
                &["amount", "line"]
            } else if numeric && f.label.has(lexicon.concept("price")) && f.label.concepts.len() <= 2 {
                // What one hour costs is a rate.
                &["rate"]
            } else {
                &[]
            };
            for name in headed {
                let concepts = vec![(lexicon.concept(name), 0.7)];
                labels.readings.push((super::lexicon::Meaning { concepts, ..Default::default() }, 0.8));
            }
            labels
        })
        .collect();
    // What the whole table is called heads the column that names its rows: "Deductions | Amount".
    if let (Some(group), Some(first)) = (group, first_text)
        && !group.label.concepts.is_empty()
        && fields.iter().filter(|f| f.kind == Kind::Text).count() == 1
    {
        labels[first].readings.push((group.label.clone(), 0.8));
    }
    Columns { fields, labels }
}

struct Writer<'a> {
    prepared: &'a Prepared,
    schema: &'a CompiledSchema,
    model: Option<&'a Model>,
    chosen: Chosen,
    leaves: Vec<Leaf>,
    cut: Vec<String>,
}

impl Writer<'_> {
    fn view(&self) -> &View {
        &self.prepared.view
    }

    fn object(&mut self, members: &[(String, Node)], path: &str) -> Value {
        let mut object = Map::new();
        for (name, node) in members {
            let at = format!("{path}/{}", pointer::escaped(name));
            let value = match node {
                Node::Object(inner) => self.object(inner, &at),
                Node::Scalar(index) => self.scalar(*index, at),
                Node::List(index) => self.list(*index, &at),
                Node::Table(group, columns) => self.table(*group, columns, &at),
            };
            object.insert(name.clone(), value);
        }
        Value::Object(object)
    }

    fn scalar(&mut self, index: usize, path: String) -> Value {
        let field = &self.schema.fields[index];
        let Some((pick, belief)) = self.chosen[index] else {
            return self.leaf(path, Value::Null, 0.5, Sort::Scalar, None);
        };
        let candidate = pick.and_then(|c| self.prepared.fields[index].as_ref().map(|f| &f.candidates[c]));
        let Some(candidate) = candidate else {
            return self.leaf(path, Value::Null, belief, Sort::Scalar, None);
        };
        let calibration = self.model.map(|m| &m.calibration).filter(|c| c.knows(Sort::Scalar));
        if calibration.is_some_and(|c| c.confidence(Sort::Scalar, belief) < LEAST_SURE) {
            return self.leaf(path, Value::Null, 1.0 - belief, Sort::Scalar, None);
        }
        let value = value_of(&candidate.reading, field);
        let parts = candidate.parts.clone();
        self.leaf(path, value, belief, Sort::Scalar, Some(&parts))
    }

    fn list(&mut self, index: usize, path: &str) -> Value {
        let field = &self.schema.fields[index];
        let mut values = Vec::new();
        for (item, belief) in self.prepared.items(self.schema, index, self.model) {
            // A day or a number among texts is read as a table's cell is; what is none is no item.
            let (value, parts) = if field.kind == Kind::Text {
                (Value::String(item.text.clone()), vec![(item.start, item.end)])
            } else {
                let span = [(item.start, item.end)];
                let Some(cell) = tables::read(self.view(), &span, &field.kind, self.prepared.habits) else {
                    continue;
                };
                (value_of(&cell.reading, field), cell.parts)
            };
            if !field.allows(&value) || (field.unique_items && values.contains(&value)) {
                continue;
            }
            if values.len() == field.max_items {
                break;
            }
            let at = format!("{path}/{}", values.len());
            values.push(self.leaf(at, value, belief, Sort::Item, Some(&parts)));
        }
        if values.len() >= lists::MAX_ITEMS {
            self.cut.push(items_cut(path, lists::MAX_ITEMS));
        }
        Value::Array(values)
    }

    fn table(&mut self, group: usize, members: &[(String, usize)], path: &str) -> Value {
        let columns = columns(self.schema, members);
        let group = &self.schema.fields[group];
        let learned = self.model.and_then(|m| m.tables.get(&group.path));
        let rows = tables::answer(&self.prepared.view, &columns, self.prepared.habits, learned);
        let mut values = Vec::with_capacity(rows.len());
        for row in rows {
            if values.len() == group.max_items {
                break;
            }
            if values.len() == tables::MAX_ROWS {
                self.cut.push(items_cut(path, tables::MAX_ROWS));
                break;
            }
            let mut object = Map::new();
            let before = self.leaves.len();
            for ((name, index), cell) in members.iter().zip(&row.cells) {
                let at = format!("{path}/{}/{}", values.len(), pointer::escaped(name));
                let field = &self.schema.fields[*index];
                let read = cell.as_ref().map(|cell| (value_of(&cell.reading, field), &cell.parts));
                let value = match read.filter(|(value, _)| field.allows(value)) {
                    Some((value, parts)) => self.leaf(at, value, row.belief, Sort::Cell, Some(parts)),
                    None => self.leaf(at, Value::Null, row.belief, Sort::Cell, None),
                };
                object.insert(name.clone(), value);
            }
            let value = Value::Object(object);
            if group.unique_items && values.contains(&value) {
                self.leaves.truncate(before);
                continue;
            }
            values.push(value);
        }
        Value::Array(values)
    }

    /// Writes a leaf down and gives its value back. Without a place in the document there is no value.
    fn leaf(
        &mut self,
        path: String,
        value: Value,
        belief: f32,
        sort: Sort,
        parts: Option<&[(usize, usize)]>,
    ) -> Value {
        let calibration = self.model.map(|m| &m.calibration).filter(|c| c.knows(sort));
        let answered = !value.is_null();
        let confidence = match calibration {
            Some(c) if answered => c.confidence(sort, belief),
            _ => f64::from(belief).clamp(0.0, super::calibrate::UNCALIBRATED_CAP),
        };
        let source = if answered { parts.map(|p| source(self.view(), p)) } else { None };
        let value = if source.is_some() { value } else { Value::Null };
        let page = parts.and_then(|p| p.first()).map_or(0, |p| self.view().tokens[p.0].page);
        let ocr = self.view().pages.get(page).is_some_and(|p| p.1);
        self.leaves.push(Leaf {
            path,
            value: value.clone(),
            confidence: (confidence * 10_000.0).round() / 10_000.0,
            uncalibrated: calibration.is_none(),
            source,
            method: if ocr { Method::Ocr } else { Method::Text },
        });
        value
    }
}

/// Where these words stand.
pub(crate) fn source(view: &View, parts: &[(usize, usize)]) -> Source {
    let page = view.tokens[parts[0].0].page;
    let anchor = view.segments[view.tokens[parts[0].0].segment].path.clone();
    let mut bounds = view.tokens[parts[0].0].place;
    let mut lines = Vec::with_capacity(parts.len());
    for (start, end) in parts {
        lines.push(view.text(*start, *end));
        // A box lies on one page; words that go on overleaf are in the text alone.
        for token in view.tokens[*start..*end].iter().filter(|t| t.page == page) {
            bounds = bounds.union(&token.place);
        }
    }
    Source { page: view.pages[page].0, bounds, text: lines.join(" "), anchor }
}

/// The value of a reading, as the schema has it.
pub(crate) fn value_of(reading: &Reading, field: &Field) -> Value {
    match reading {
        Reading::Text(text) => Value::String(text.clone()),
        Reading::Date { iso, .. } => Value::String(iso.clone()),
        Reading::Number(n) => number(n.value, &field.kind),
        Reading::Choice(index) => match &field.kind {
            Kind::Enum(choices) => choices.get(*index).map_or(Value::Null, |c| Value::String(c.clone())),
            _ => Value::Null,
        },
        Reading::Truth(truth) => Value::Bool(*truth),
    }
}
fn number(value: f64, kind: &Kind) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if *kind == Kind::Number(true) && value.fract() == 0.0 && value.abs() < EXACT {
        return Value::from(value as i64);
    }
    // -0.0 is 0.
    serde_json::Number::from_f64(value + 0.0).map_or(Value::Null, Value::Number)
}

impl Prepared {
    pub(crate) fn with_order(
        document: &Document,
        schema: &CompiledSchema,
        labels: &AllLabels,
        with_words: bool,
        order: Option<Order>,
    ) -> Self {
        let view = View::new(document);
        let mut habits = Habits::of(&view);
        if let Some(order) = order {
            habits.order = order;
        }
        Self::of(view, habits, schema, labels, with_words)
    }
}
