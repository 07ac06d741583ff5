//! From documents with corrections to a model. A pure function: what a correction taught goes with it.

mod fit;
mod judge;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::document::Document;
use crate::pointer;

use super::calibrate::Calibration;
use super::candidate::{Habits, Reading};
use super::extract::{columns, scalars};
use super::features::AllLabels;
use super::gold;
use super::layout::View;
use super::lists::{self, Group};
use super::model::{Accuracy, FEWEST, Model, VERSION};
use super::prepared::Prepared;
use super::prior::Prior;
use super::schema::{CompiledSchema, Field, Kind, Node};
use super::tables;
use super::text;
use judge::{Tally, judge};

/// The most corrected documents that one model is learned from; the last ones count.
pub const MAX_DOCUMENTS: usize = 300;
/// The most documents times fields that are fitted to: what learning takes of time.
const MAX_FITS: usize = 20_000;
/// So many documents count whatever a schema asks for.
const FEWEST_DOCUMENTS: usize = 20;
/// The most candidates that are held at once, of all documents and fields: what learning takes of memory.
const MAX_VECTORS: usize = 800_000;
/// Where nothing is left to get better, a model still tells what confidences are worth.
const PERFECT: f64 = 0.999;
/// Of one field in one document.
const MOST_RIVALS: usize = 500;
const FEWEST_RIVALS: usize = 40;
/// Up to so many documents each is left out once; with more, tenths are.
const LEAVE_ONE_OUT: usize = 20;
const FOLDS: usize = 8;
/// The longest list that corrections may write, in items.
const MAX_ITEMS: usize = 2_000;

/// What a person said of one leaf, or of a whole list.
#[derive(Debug, Clone, PartialEq)]
pub struct Correction {
    /// JSON Pointer.
    pub path: String,
    /// The right value; null: the document does not hold it.
    pub value: Value,
}

/// A document with what people said of it.
#[derive(Debug, Clone)]
pub struct Corrected<'a> {
    /// The document.
    pub document: &'a Document,
    /// The corrections; later ones of a path count.
    pub corrections: &'a [Correction],
}

/// A corrected document, prepared.
struct Example {
    prepared: Prepared,
    gold: Value,
}

impl Example {
    /// With so many candidates of a field, and those that are right.
    fn new(mut prepared: Prepared, gold: Value, schema: &CompiledSchema, room: usize) -> Self {
        for (index, field) in schema.fields.iter().enumerate() {
            let right = gold.pointer(list_path(&field.path)).cloned().unwrap_or(Value::Null);
            let keys: Vec<String> = texts(&right).iter().map(|t| text::key(t)).collect();
            prepared.prune(index, field, room, |c| keys.contains(&c.key) || gold::is(c, &right, field));
        }
        Self { prepared, gold }
    }
}

/// What came of learning.
#[derive(Debug, Clone, PartialEq)]
pub struct Lesson {
    /// To be used; `None` with fewer than [`FEWEST`] documents, or where documents that a model had not seen are not
    /// answered better with it than without.
    pub model: Option<Model>,
    /// What was measured; `None` with too few documents to tell.
    pub accuracy: Option<Accuracy>,
}

/// Learns from corrected documents.
#[must_use]
pub fn learn(schema: &CompiledSchema, corrected: &[Corrected<'_>]) -> Lesson {
    let most = (MAX_FITS / schema.fields.len().max(1)).clamp(FEWEST_DOCUMENTS, MAX_DOCUMENTS);
    let corrected = &corrected[corrected.len().saturating_sub(most)..];
    if corrected.len() < FEWEST {
        return Lesson { model: None, accuracy: None };
    }
    let labels = AllLabels::new(schema);
    let golds: Vec<Value> = corrected.iter().map(|c| tree(c.corrections)).collect();
    let month_first = order(schema, corrected, &golds);
    let order = month_first.map(|m| {
        if m { super::recognise::date::Order::MonthFirst } else { super::recognise::date::Order::DayFirst }
    });
    let room =
        (MAX_VECTORS / (corrected.len() * schema.fields.len()).max(1)).clamp(FEWEST_RIVALS, MOST_RIVALS);
    let lessons: Vec<Example> = corrected
        .iter()
        .zip(golds)
        .map(|(c, gold)| {
            let prepared = Prepared::with_order(c.document, schema, &labels, true, order);
            Example::new(prepared, gold, schema, room)
        })
        .collect();
    teach(schema, &lessons.iter().collect::<Vec<_>>(), month_first)
}

/// Learns from examples that are prepared.
fn teach(schema: &CompiledSchema, lessons: &[&Example], month_first: Option<bool>) -> Lesson {
    let mut judged = Vec::new();
    let mut by_field: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    let (mut before, mut after) = (Tally::default(), Tally::default());
    let folds = if lessons.len() <= LEAVE_ONE_OUT { lessons.len() } else { FOLDS };
    let mut models = Vec::with_capacity(folds);
    let weighed = weighed(schema, lessons);
    for fold in 0..folds {
        let model = build(schema, lessons, &weighed, &|i| i % folds != fold, month_first);
        for (_, lesson) in lessons.iter().enumerate().filter(|(i, _)| i % folds == fold) {
            judge(schema, lesson, None, &mut before, &mut Vec::new(), &mut |path, good| {
                by_field.entry(path.to_owned()).or_default()[0] += usize::from(good)
            });
            let (mut tally, mut judged) = (Tally::default(), Vec::new());
            judge(schema, lesson, Some(&model), &mut tally, &mut judged, &mut |path, good| {
                by_field.entry(path.to_owned()).or_default()[1] += usize::from(good)
            });
        }
        models.push(model);
    }
    // What is used is judged, not all that was learned: without the fields that learning does not serve.
    models.iter_mut().for_each(|model| keep_better(model, &by_field));
    let least = least(schema, lessons, &models);
    for (fold, model) in models.iter_mut().enumerate() {
        model.least.clone_from(&least);
        for lesson in lessons.iter().skip(fold).step_by(folds) {
            judge(schema, lesson, Some(model), &mut after, &mut judged, &mut |_, _| {});
        }
    }
    let accuracy = Accuracy { before: before.share(), after: after.share(), documents: lessons.len() };
    if accuracy.after <= accuracy.before && accuracy.before < PERFECT {
        return Lesson { model: None, accuracy: Some(accuracy) };
    }
    let mut model = build(schema, lessons, &weighed, &|_| true, month_first);
    keep_better(&mut model, &by_field);
    model.least = least;
    model.accuracy = accuracy;
    model.calibration = Calibration::fit(&judged);
    Lesson { model: Some(model), accuracy: Some(accuracy) }
}

/// A field that learning does not serve stays as it was. By path: how often it was right before, and with what was learned.
fn keep_better(model: &mut Model, by_field: &BTreeMap<String, [usize; 2]>) {
    let serves = |path: &String| by_field.get(path).is_none_or(|n| n[1] >= n[0]);
    model.fields.retain(|path, _| serves(path));
    model.lists.retain(|path, _| serves(path));
    model.tables.retain(|path, _| serves(path));
}

/// What belief an answer must reach, for the fields that some documents do not hold: below it more is wrong than right,
/// where an answer that should have been none counts twice. Each document is judged by the model that had not seen it.
fn least(schema: &CompiledSchema, lessons: &[&Example], models: &[Model]) -> BTreeMap<String, f32> {
    const FEWEST_ANSWERS: usize = 8;
    const ABSENT: i32 = -2;
    let mut answers: BTreeMap<usize, Vec<(f32, i32)>> = BTreeMap::new();
    for (i, lesson) in lessons.iter().enumerate() {
        let chosen = scalars(&lesson.prepared, schema, models.get(i % models.len().max(1)));
        for (index, answer) in chosen.into_iter().enumerate() {
            let field = &schema.fields[index];
            let (Some((Some(pick), belief)), Some(value)) = (answer, lesson.gold.pointer(&field.path)) else {
                continue;
            };
            let Some(choices) = lesson.prepared.fields[index].as_ref() else { continue };
            let worth = match value.is_null() {
                true => ABSENT,
                false if gold::is(&choices.candidates[pick], value, field) => 1,
                false => -1,
            };
            answers.entry(index).or_default().push((belief, worth));
        }
    }
    let mut least = BTreeMap::new();
    for (index, mut list) in answers {
        if list.len() < FEWEST_ANSWERS || list.iter().all(|(_, worth)| *worth != ABSENT) {
            continue;
        }
        list.sort_by(|a, b| a.0.total_cmp(&b.0));
        // What is lost by leaving out the least sure ones: the most negative sum says how many are better left out.
        let (mut sum, mut best, mut from) = (0, 0, 0);
        for (i, (_, worth)) in list.iter().enumerate() {
            sum += worth;
            if sum < best {
                (best, from) = (sum, i + 1);
            }
        }
        if from > 0 {
            let below = list[from - 1].0;
            least.insert(
                schema.fields[index].path.clone(),
                list.get(from).map_or(below, |l| (l.0 + below) / 2.0),
            );
        }
    }
    least
}

/// Corrections as one value in the shape of the data; what nobody spoke of is left out.
fn tree(corrections: &[Correction]) -> Value {
    let mut root = Value::Object(serde_json::Map::new());
    for correction in corrections {
        let steps: Vec<String> = pointer::steps(&correction.path).collect();
        if !steps.is_empty() && steps.len() < 40 {
            put(&mut root, &steps, &correction.value);
        }
    }
    root
}

fn put(at: &mut Value, steps: &[String], value: &Value) {
    let [step, rest @ ..] = steps else {
        *at = value.clone();
        return;
    };
    if let Ok(index) = step.parse::<usize>()
        && !at.is_object()
    {
        if index >= MAX_ITEMS {
            return;
        }
        if !at.is_array() {
            *at = Value::Array(Vec::new());
        }
        if let Value::Array(items) = at {
            while items.len() <= index {
                items.push(Value::Null);
            }
            put(&mut items[index], rest, value);
        }
        return;
    }
    if !at.is_object() {
        // The root of a list's item is an object as soon as a name follows.
        *at = Value::Object(serde_json::Map::new());
    }
    if let Value::Object(members) = at {
        put(members.entry(step.clone()).or_insert(Value::Null), rest, value);
    }
}

/// The order of days that corrections show, where the documents alone would read them otherwise.
fn order(schema: &CompiledSchema, corrected: &[Corrected<'_>], golds: &[Value]) -> Option<bool> {
    use super::recognise::date::Order;
    let dates: Vec<&str> = schema
        .fields
        .iter()
        .filter(|f| f.kind == Kind::Date && !f.in_list)
        .map(|f| f.path.as_str())
        .collect();
    let (mut day_first, mut month_first) = (0, 0);
    for (c, gold) in corrected.iter().zip(golds) {
        let values: Vec<&str> =
            dates.iter().filter_map(|p| gold.pointer(p)).filter_map(Value::as_str).collect();
        if values.is_empty() {
            continue;
        }
        let view = View::new(c.document);
        let habits = Habits { order: Order::DayFirst, ..Habits::of(&view) };
        for candidate in super::candidate::candidates(&view, super::candidate::Pool::Dates, habits) {
            if let Reading::Date { iso, other: Some(other), .. } = &candidate.reading {
                day_first += usize::from(values.contains(&iso.as_str()));
                month_first += usize::from(values.contains(&other.as_str()));
            }
        }
    }
    if day_first + month_first < 2 || day_first == month_first { None } else { Some(month_first > day_first) }
}

/// What is fitted by weights: the documents of each field, by its index.
type Weighed<'a> = BTreeMap<usize, fit::Lessons<'a>>;

fn weighed<'a>(schema: &CompiledSchema, lessons: &[&'a Example]) -> Weighed<'a> {
    let mut weighed = BTreeMap::new();
    for (index, field) in schema.fields.iter().enumerate() {
        if field.is_group || (field.in_list && !(schema.is_list(index) && field.is_gathered())) {
            continue;
        }
        let of = lessons.iter().enumerate().filter_map(|(document, lesson)| {
            let choices = lesson.prepared.fields[index].as_ref()?;
            let value = lesson.gold.pointer(list_path(&field.path))?;
            let (right, absent): (Vec<bool>, bool) = if field.in_list {
                let keys: Vec<String> = texts(value).iter().map(|v| text::key(v)).collect();
                (choices.candidates.iter().map(|c| keys.contains(&c.key)).collect(), keys.is_empty())
            } else {
                (choices.candidates.iter().map(|c| gold::is(c, value, field)).collect(), value.is_null())
            };
            Some(fit::Example { document, choices, right, absent })
        });
        weighed.insert(index, fit::Lessons::new(of.collect()));
    }
    weighed
}

/// Fits everything to the lessons that `seen` names by their numbers.
fn build(
    schema: &CompiledSchema,
    lessons: &[&Example],
    weighed: &Weighed<'_>,
    seen: &impl Fn(usize) -> bool,
    month_first: Option<bool>,
) -> Model {
    let all = lessons;
    let lessons: Vec<&Example> =
        all.iter().enumerate().filter(|(i, _)| seen(*i)).map(|(_, lesson)| *lesson).collect();
    let mut model = Model {
        version: VERSION,
        documents: lessons.len(),
        accuracy: Accuracy { before: 0.0, after: 0.0, documents: 0 },
        month_first,
        fields: BTreeMap::new(),
        lists: BTreeMap::new(),
        tables: BTreeMap::new(),
        least: BTreeMap::new(),
        calibration: Calibration::default(),
    };
    for (index, of) in weighed {
        let field = &schema.fields[*index];
        let prior = Prior::of(field);
        let learned = if field.in_list { of.fit_several(seen, &prior) } else { of.fit(seen, &prior) };
        if let Some(learned) = learned {
            model.fields.insert(field.path.clone(), learned);
        }
    }
    build_lists(schema, &lessons, &schema.root, &mut model);
    model
}

fn build_lists(schema: &CompiledSchema, lessons: &[&Example], nodes: &[(String, Node)], model: &mut Model) {
    for (_, node) in nodes {
        match node {
            Node::Scalar(_) => {}
            Node::Object(members) => build_lists(schema, lessons, members, model),
            Node::List(index) => {
                let field = &schema.fields[*index];
                let path = list_path(&field.path);
                if field.is_gathered() {
                    continue;
                }
                let golds: Vec<(&[Group], Vec<String>)> = lessons
                    .iter()
                    .filter_map(|l| {
                        let value = l.gold.pointer(path)?;
                        let given = match field.kind {
                            Kind::Text => texts(value),
                            _ => written(&l.prepared, *index, field, value),
                        };
                        Some((l.prepared.groups[*index].as_slice(), given))
                    })
                    .collect();
                if !golds.is_empty() {
                    let learned = lists::learn(golds.iter().map(|(groups, g)| (*groups, g.as_slice())));
                    model.lists.insert(field.path.clone(), learned);
                }
            }
            Node::Table(group, members) => {
                let path = &schema.fields[*group].path;
                let columns = columns(schema, members);
                let golds: Vec<(&View, Habits, &[Value])> = lessons
                    .iter()
                    .filter_map(|l| {
                        l.gold.pointer(path).map(|v| {
                            (
                                &l.prepared.view,
                                l.prepared.habits,
                                v.as_array().map(Vec::as_slice).unwrap_or_default(),
                            )
                        })
                    })
                    .collect();
                if !golds.is_empty() {
                    model.tables.insert(
                        path.clone(),
                        tables::learn(golds.iter().map(|(v, h, g)| (*v, *h, *g)), &columns),
                    );
                }
            }
        }
    }
}

/// How the days or numbers of a list are written where they stand together in a document.
fn written(prepared: &Prepared, index: usize, field: &Field, value: &Value) -> Vec<String> {
    let values = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut written: Vec<String> = prepared.groups[index]
        .iter()
        .flat_map(|group| &group.items)
        .filter(|item| {
            let span = [(item.start, item.end)];
            let read = tables::read(&prepared.view, &span, &field.kind, prepared.habits);
            read.is_some_and(|cell| values.iter().any(|v| gold::matches(&cell.reading, v, field)))
        })
        .map(|item| item.text.clone())
        .collect();
    written.sort_unstable();
    written.dedup();
    written
}

fn list_path(path: &str) -> &str {
    path.strip_suffix("/*").unwrap_or(path)
}

fn texts(value: &Value) -> Vec<String> {
    value
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .filter_map(|v| v.as_str().map(str::to_owned))
        .collect()
}
