//! What a model answers of corrected documents, beside what people said of them.

use serde_json::Value;

use super::{Example, list_path, texts};
use crate::engine::calibrate::Sort;
use crate::engine::candidate::Reading;
use crate::engine::extract::{columns, scalars};
use crate::engine::gold;
use crate::engine::lists::Item;
use crate::engine::model::Model;
use crate::engine::schema::{CompiledSchema, Field, Kind, Node};
use crate::engine::tables;
use crate::engine::text;

/// Leaves right, of how many.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) right: usize,
    pub(super) all: usize,
}

impl Tally {
    pub(super) fn share(&self) -> f64 {
        if self.all == 0 { 0.0 } else { self.right as f64 / self.all as f64 }
    }
}

/// Compares what a model answers with what people said.
pub(super) fn judge(
    schema: &CompiledSchema,
    lesson: &Example,
    model: Option<&Model>,
    tally: &mut Tally,
    judged: &mut Vec<(Sort, f32, bool)>,
    each: &mut impl FnMut(&str, bool),
) {
    let chosen = scalars(&lesson.prepared, schema, model);
    for (index, field) in schema.fields.iter().enumerate() {
        let (Some((pick, belief)), Some(value)) = (chosen[index], lesson.gold.pointer(&field.path)) else {
            continue;
        };
        let choices = lesson.prepared.fields[index].as_ref();
        let candidate = pick.and_then(|c| choices.map(|x| &x.candidates[c]));
        let good = match candidate {
            Some(c) => match &c.reading {
                Reading::Date { iso, .. } => value.as_str() == Some(iso),
                _ => gold::is(c, value, field),
            },
            None => value.is_null(),
        };
        tally.all += 1;
        tally.right += usize::from(good);
        each(&field.path, good);
        if candidate.is_some() {
            judged.push((Sort::Scalar, belief, good));
        }
    }
    judge_lists(schema, lesson, model, &schema.root, tally, judged, each);
}

fn judge_lists(
    schema: &CompiledSchema,
    lesson: &Example,
    model: Option<&Model>,
    nodes: &[(String, Node)],
    tally: &mut Tally,
    judged: &mut Vec<(Sort, f32, bool)>,
    each: &mut impl FnMut(&str, bool),
) {
    let view = &lesson.prepared.view;
    for (_, node) in nodes {
        match node {
            Node::Scalar(_) => {}
            Node::Object(members) => judge_lists(schema, lesson, model, members, tally, judged, each),
            Node::List(index) => {
                let path = &schema.fields[*index].path;
                let Some(value) = lesson.gold.pointer(list_path(path)) else { continue };
                if schema.fields[*index].kind != Kind::Text {
                    let answers = lesson.prepared.items(schema, *index, model);
                    judge_values(lesson, &schema.fields[*index], value, &answers, tally, judged, each);
                    continue;
                }
                let mut keys: Vec<String> = texts(value).iter().map(|t| text::key(t)).collect();
                let all = keys.len();
                let answers = lesson.prepared.items(schema, *index, model);
                let mut right = 0;
                for (item, belief) in &answers {
                    let at = keys.iter().position(|k| *k == item.key);
                    if let Some(at) = at {
                        keys.swap_remove(at);
                        right += 1;
                    }
                    judged.push((Sort::Item, *belief, at.is_some()));
                }
                list_tally(right, answers.len(), all, path, tally, each);
            }
            Node::Table(group, members) => {
                let path = &schema.fields[*group].path;
                let Some(value) = lesson.gold.pointer(path) else { continue };
                let rows = value.as_array().map(Vec::as_slice).unwrap_or_default();
                let columns = columns(schema, members);
                let answers = tables::answer(
                    view,
                    &columns,
                    lesson.prepared.habits,
                    model.and_then(|m| m.tables.get(path)),
                );
                let mut used = vec![false; rows.len()];
                let (mut right, mut given) = (0, 0);
                for row in &answers {
                    let hits = |g: &Value| -> Vec<bool> {
                        row.cells
                            .iter()
                            .zip(&columns.fields)
                            .filter_map(|(c, f)| {
                                c.as_ref()
                                    .map(|c| g.get(&f.name).is_some_and(|v| gold::matches(&c.reading, v, f)))
                            })
                            .collect()
                    };
                    let best = rows
                        .iter()
                        .enumerate()
                        .filter(|(i, _)| !used[*i])
                        .map(|(i, g)| (hits(g).iter().filter(|h| **h).count(), i))
                        .max_by_key(|(n, i)| (*n, usize::MAX - i));
                    let cells = row.cells.iter().flatten().count();
                    given += cells;
                    let marks = match best {
                        Some((n, i)) if n > 0 => {
                            used[i] = true;
                            hits(&rows[i])
                        }
                        _ => vec![false; cells],
                    };
                    right += marks.iter().filter(|m| **m).count();
                    judged.extend(marks.iter().map(|m| (Sort::Cell, row.belief, *m)));
                }
                let all = rows
                    .iter()
                    .filter_map(Value::as_object)
                    .flat_map(|o| o.values())
                    .filter(|v| !v.is_null())
                    .count();
                list_tally(right, given, all, path, tally, each);
            }
        }
    }
}

/// Compares the days or numbers of a list with what people said.
fn judge_values(
    lesson: &Example,
    field: &Field,
    value: &Value,
    answers: &[(Item, f32)],
    tally: &mut Tally,
    judged: &mut Vec<(Sort, f32, bool)>,
    each: &mut impl FnMut(&str, bool),
) {
    let mut values: Vec<&Value> = value.as_array().into_iter().flatten().collect();
    let all = values.len();
    let (mut right, mut given) = (0, 0);
    for (item, belief) in answers {
        let span = [(item.start, item.end)];
        let read = tables::read(&lesson.prepared.view, &span, &field.kind, lesson.prepared.habits);
        let Some(cell) = read else { continue };
        given += 1;
        let at = values.iter().position(|v| gold::matches(&cell.reading, v, field));
        if let Some(at) = at {
            values.swap_remove(at);
            right += 1;
        }
        judged.push((Sort::Item, *belief, at.is_some()));
    }
    list_tally(right, given, all, &field.path, tally, each);
}

/// A list counts as one leaf: right where most of it is.
fn list_tally(
    right: usize,
    given: usize,
    all: usize,
    path: &str,
    tally: &mut Tally,
    each: &mut impl FnMut(&str, bool),
) {
    let most = given.max(all);
    // Parts of a hundred, so that a list that gets better counts.
    let share = (right * 20).checked_div(most).unwrap_or(20);
    for i in 0..20 {
        each(path, i < share);
    }
    tally.all += 1;
    tally.right += usize::from(share >= 18);
}
