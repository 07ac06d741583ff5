//! A document made ready for the fields of a schema: candidates with their features, made once and scored often.

use std::collections::HashMap;

use super::candidate::{Candidate, Habits, Pool, Reading, Runs, candidates, own_candidates, pool_of};
use super::context::Context;
use super::features::{AllLabels, Census, Feature, Rivals, Vector, dense, sparse};
use super::layout::View;
use super::lexicon::lexicon;
use super::lists::{self, Group, Item};
use super::model::Model;
use super::plausible::{has_place, plausible};
use super::prior::Prior;
use super::schema::{CompiledSchema, Field, Kind, Topic};
use super::score::{Weights, dot, several};

/// The most candidates that are weighed in one document, over all fields together: what a schema of many fields costs.
const MAX_VECTORS: usize = 400_000;
/// So many of each kind are weighed all the same.
const FEWEST_CANDIDATES: usize = 800;

/// What fits a field so well is its label.
const A_LABEL: f32 = 0.3;

/// Whether any number or address may be it, so that only a label tells: a fax, where something is delivered.
fn needs_label(field: &Field) -> bool {
    let lexicon = lexicon();
    let asks = |n: &str| field.label.has(lexicon.concept(n)) || field.other_label.has(lexicon.concept(n));
    match field.topic {
        Topic::Phone => asks("fax"),
        Topic::Address => asks("delivery"),
        _ => false,
    }
}

/// The candidates of one field in one document.
pub(crate) struct Choices {
    pub candidates: Vec<Candidate>,
    pub vectors: Vec<Vector>,
}

/// The candidates of a pool with what stands around each.
struct Gathered {
    list: Vec<Candidate>,
    contexts: Vec<Context>,
    rivals: Vec<Rivals>,
    words: Vec<Vec<u32>>,
    census: Census,
}

/// A document as a schema sees it.
pub(crate) struct Prepared {
    pub view: View,
    pub habits: Habits,
    /// By index of the field; none for groups and parts of lists.
    pub fields: Vec<Option<Choices>>,
    /// By index of the field: what stands under headings, for lists of single values.
    pub groups: Vec<Vec<Group>>,
}

impl Prepared {
    pub(crate) fn of(
        view: View,
        habits: Habits,
        schema: &CompiledSchema,
        labels: &AllLabels,
        with_words: bool,
    ) -> Self {
        let most = (MAX_VECTORS / schema.fields.len().max(1)).clamp(FEWEST_CANDIDATES, MAX_VECTORS);
        let gather = |mut list: Vec<Candidate>| {
            list.truncate(most);
            Gathered::of(&view, schema, labels, list, with_words)
        };
        let mut pools: HashMap<Pool, Gathered> = HashMap::new();
        let mut runs: Option<Runs> = None;
        let mut fields = Vec::with_capacity(schema.fields.len());
        for (index, field) in schema.fields.iter().enumerate() {
            if field.is_group || (field.in_list && !(schema.is_list(index) && field.is_gathered())) {
                fields.push(None);
                continue;
            }
            let pool = pool_of(field);
            let made;
            let Gathered { list, contexts, rivals, words, census } = if pool == Pool::Own {
                let runs = runs.get_or_insert_with(|| Runs::of_view(&view));
                made = gather(own_candidates(&view, runs, field));
                &made
            } else {
                pools.entry(pool).or_insert_with(|| gather(candidates(&view, pool, habits)))
            };
            let mut choices = Choices { candidates: Vec::new(), vectors: Vec::new() };
            for (i, candidate) in list.iter().enumerate() {
                if !allowed(field, candidate) || !plausible(&view, field, candidate) {
                    continue;
                }
                let dense = dense(
                    &view,
                    schema,
                    labels,
                    index,
                    candidate,
                    &contexts[i],
                    rivals[i],
                    census,
                    (i, list.len()),
                );
                let labelled = dense[Feature::Label as usize];
                let bare = field.topic == Topic::Address && !has_place(&view, candidate);
                if needs_label(field) && (labelled < A_LABEL / 2.0 || bare) || bare && labelled < A_LABEL {
                    continue;
                }
                choices.candidates.push(candidate.clone());
                choices.vectors.push(Vector { dense, sparse: words.get(i).cloned().unwrap_or_default() });
            }
            if matches!(field.kind, Kind::Number(_)) {
                mark_biggest(&mut choices);
            }
            mark_first(field, &mut choices);
            fields.push(Some(choices));
        }
        let groups = (0..schema.fields.len())
            .map(|i| if schema.is_list(i) { lists::groups(&view, &labels.of[i]) } else { Vec::new() })
            .collect();
        Self { view, habits, fields, groups }
    }

    /// Leaves only so many candidates of a field, the strongest before anything is learned, and those to keep.
    pub(crate) fn prune(
        &mut self,
        index: usize,
        field: &Field,
        most: usize,
        keep: impl Fn(&Candidate) -> bool,
    ) {
        let Some(choices) = self.fields[index].as_mut() else { return };
        if choices.candidates.len() <= most {
            return;
        }
        let prior = Prior::of(field);
        let mut order: Vec<(f32, usize)> =
            choices.vectors.iter().enumerate().map(|(i, v)| (dot(&v.dense, &prior.weights), i)).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut stays = vec![false; order.len()];
        for (_, i) in order.into_iter().take(most) {
            stays[i] = true;
        }
        for (stay, candidate) in stays.iter_mut().zip(&choices.candidates) {
            *stay = *stay || keep(candidate);
        }
        let mut stay = stays.iter();
        choices.candidates.retain(|_| stay.next().copied().unwrap_or(false));
        let mut stay = stays.iter();
        choices.vectors.retain(|_| stay.next().copied().unwrap_or(false));
    }
}

impl Gathered {
    fn of(
        view: &View,
        schema: &CompiledSchema,
        labels: &AllLabels,
        list: Vec<Candidate>,
        with_words: bool,
    ) -> Self {
        let contexts: Vec<Context> = list.iter().map(|c| Context::of(view, c)).collect();
        let words = if with_words {
            list.iter().zip(&contexts).map(|(c, x)| sparse(view, c, x)).collect()
        } else {
            Vec::new()
        };
        let rivals = list.iter().zip(&contexts).map(|(c, x)| labels.rivals(view, schema, c, x)).collect();
        let census = Census::of(view, &list);
        Self { list, contexts, rivals, words, census }
    }
}

/// Whether a schema's bounds allow a candidate.
pub(crate) fn allowed(field: &Field, candidate: &Candidate) -> bool {
    match &candidate.reading {
        Reading::Number(n) => field.allows_number(n.value),
        Reading::Text(text) => field.allows_text(text),
        Reading::Date { iso, .. } => field.pattern.as_ref().is_none_or(|p| p.is_match(iso)),
        Reading::Choice(_) | Reading::Truth(_) => true,
    }
}

impl Prepared {
    /// The items of a list of single values, each with its belief.
    pub(crate) fn items(
        &self,
        schema: &CompiledSchema,
        index: usize,
        model: Option<&Model>,
    ) -> Vec<(Item, f32)> {
        const MOST_NAMES: usize = 20;
        let field = &schema.fields[index];
        let groups = lists::answer(&self.groups[index], model.and_then(|m| m.lists.get(&field.path)));
        let Some(choices) = self.fields[index].as_ref().filter(|_| field.is_gathered()) else {
            return groups;
        };
        let short = groups.len() <= MOST_NAMES && groups.iter().all(|g| g.0.end - g.0.start <= 8);
        if short
            && groups.first().is_some_and(|g| g.1 > 0.7)
            && model.is_none_or(|m| !m.fields.contains_key(&field.path))
        {
            return groups;
        }
        let prior = Prior::of(field);
        let weights = Weights { prior: &prior, model: model.and_then(|m| m.fields.get(&field.path)) };
        several(choices, &weights, MOST_NAMES)
            .into_iter()
            .filter_map(|r| {
                let candidate = &choices.candidates[r.candidate];
                let Reading::Text(text) = &candidate.reading else { return None };
                Some((Item::new(candidate.start(), candidate.end(), text.clone()), r.probability))
            })
            .collect()
    }
}

/// Of several amounts under a fitting label, the biggest: a total is more than what it sums.
fn mark_biggest(choices: &mut Choices) {
    const FITS: f32 = 0.45;
    let value = |c: &Candidate| match &c.reading {
        Reading::Number(n) if n.decimals > 0 && !n.percent => Some(n.value),
        _ => None,
    };
    let fitting = |v: &Vector| v.dense[Feature::Label as usize] >= FITS;
    let biggest = choices
        .candidates
        .iter()
        .zip(&choices.vectors)
        .filter(|(_, v)| fitting(v))
        .filter_map(|(c, _)| value(c))
        .reduce(f64::max);
    let Some(biggest) = biggest else { return };
    for (candidate, vector) in choices.candidates.iter().zip(&mut choices.vectors) {
        if vector.dense[Feature::Label as usize] >= FITS
            && value(candidate).is_some_and(|v| v >= biggest - 0.001)
        {
            vector.dense[Feature::BiggestLabelled as usize] = 1.0;
        }
    }
}

/// Of candidates for which about as much speaks, the first: a document begins with what it is about.
fn mark_first(field: &Field, choices: &mut Choices) {
    const EQUAL: f32 = 1.2;
    let prior = Prior::of(field);
    let scores: Vec<f32> = choices.vectors.iter().map(|v| dot(&v.dense, &prior.weights)).collect();
    let Some(best) = scores.iter().copied().reduce(f32::max) else { return };
    if let Some(first) = scores.iter().position(|s| *s >= best - EQUAL) {
        choices.vectors[first].dense[Feature::FirstOfEquals as usize] = 1.0;
    }
}
