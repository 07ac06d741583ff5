//! Weights that make the right candidates win: a conditional logit over candidates and "not there", pulled towards the
//! prior, by gradient steps in a fixed order. The same lessons give the same weights.

use std::collections::{BTreeMap, HashMap};

use crate::engine::features::{DENSE, Feature};
use crate::engine::model::{FieldModel, MAX_REMEMBERED, MAX_WORDS_OF_FIELD};
use crate::engine::prepared::Choices;
use crate::engine::prior::Prior;
use crate::engine::score::{dot, remembered};
use crate::engine::text;

/// Candidates of a document that take part: the right ones and the strongest of the others.
const RIVALS: usize = 60;
const EPOCHS: usize = 24;
const RATE: f32 = 0.25;
/// How strongly weights are pulled back, of features with a meaning and of words.
const PULL_DENSE: f32 = 0.02;
const PULL_WORDS: f32 = 0.01;
/// What it says for a value, before anything is learned, that other documents had it.
const REMEMBERED: f32 = 1.5;

/// One document for one field.
pub(super) struct Example<'a> {
    pub choices: &'a Choices,
    pub right: Vec<bool>,
    pub absent: bool,
}

/// A candidate as the fit sees it.
struct Row {
    dense: [f32; DENSE],
    words: Vec<u32>,
    right: bool,
}

/// Fits one field's weights. `None`: no document tells anything.
pub(super) fn fit(examples: &[Example<'_>], prior: &Prior) -> Option<FieldModel> {
    fit_by(examples, prior, State::step)
}

/// Fits the weights of a list's items: each candidate for itself.
pub(super) fn fit_several(examples: &[Example<'_>], prior: &Prior) -> Option<FieldModel> {
    fit_by(examples, prior, State::step_each)
}

fn fit_by(
    examples: &[Example<'_>],
    prior: &Prior,
    step: fn(&mut State, &[Row], bool, &Prior),
) -> Option<FieldModel> {
    let useful: Vec<&Example<'_>> = examples.iter().filter(|e| e.absent || e.right.contains(&true)).collect();
    if useful.is_empty() {
        return None;
    }
    let memory = remember(&useful);
    let names = names(&useful);
    let mut state = State::new(prior, names.len());
    let mut strong: Vec<Vec<usize>> =
        useful.iter().map(|e| strongest(e, |i| dot(&e.choices.vectors[i].dense, &prior.weights))).collect();
    for round in 0..2 {
        let lessons: Vec<Vec<Row>> =
            useful.iter().zip(&strong).map(|(e, list)| rows(e, list, &memory, &names)).collect();
        for _ in 0..EPOCHS {
            for (rows, example) in lessons.iter().zip(&useful) {
                step(&mut state, rows, example.absent, prior);
            }
        }
        if round == 0 {
            // Others may have become strong under the new weights.
            for (list, example) in strong.iter_mut().zip(&useful) {
                let more = strongest(example, |i| {
                    let v = &example.choices.vectors[i];
                    dot(&v.dense, &state.dense)
                        + v.sparse
                            .iter()
                            .filter_map(|h| names.get(h))
                            .map(|n| state.words[*n as usize])
                            .sum::<f32>()
                });
                list.extend(more);
                list.sort_unstable();
                list.dedup();
            }
        }
    }
    let mut words: Vec<(u32, f32)> = names
        .iter()
        .map(|(hash, i)| (*hash, state.words[*i as usize]))
        .filter(|(_, w)| w.abs() > 0.02)
        .collect();
    if words.len() > MAX_WORDS_OF_FIELD {
        words.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
        words.truncate(MAX_WORDS_OF_FIELD);
    }
    words.sort_unstable_by_key(|(h, _)| *h);
    Some(FieldModel {
        dense: state.dense.to_vec(),
        absent: state.absent,
        words,
        remembered: memory.into_iter().take(MAX_REMEMBERED).collect(),
    })
}

/// Which values people gave, and in how many documents.
fn remember(examples: &[&Example<'_>]) -> BTreeMap<u32, u32> {
    let mut memory = BTreeMap::new();
    for example in examples {
        if let Some(i) = example.right.iter().position(|r| *r) {
            *memory.entry(text::hash(&["value", &example.choices.candidates[i].key])).or_default() += 1;
        }
    }
    memory
}

/// Words that more than one document shows; what one alone shows teaches nothing about others.
fn names(examples: &[&Example<'_>]) -> HashMap<u32, u32> {
    let fewest = if examples.len() >= 4 { 2 } else { 1 };
    let mut documents: BTreeMap<u32, (u32, usize)> = BTreeMap::new();
    for (d, example) in examples.iter().enumerate() {
        for vector in &example.choices.vectors {
            for hash in &vector.sparse {
                let entry = documents.entry(*hash).or_insert((0, usize::MAX));
                if entry.1 != d {
                    *entry = (entry.0 + 1, d);
                }
            }
        }
    }
    let mut names = HashMap::new();
    for (hash, (n, _)) in documents {
        if n >= fewest {
            let next = u32::try_from(names.len()).unwrap_or(u32::MAX);
            names.insert(hash, next);
        }
    }
    names
}

/// The right candidates and the strongest others, by index.
fn strongest(example: &Example<'_>, score: impl Fn(usize) -> f32) -> Vec<usize> {
    let mut all: Vec<(f32, usize)> = (0..example.right.len()).map(|i| (score(i), i)).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut list: Vec<usize> = all
        .iter()
        .filter(|(_, i)| example.right[*i])
        .take(RIVALS)
        .chain(all.iter().filter(|(_, i)| !example.right[*i]).take(RIVALS))
        .map(|(_, i)| *i)
        .collect();
    list.sort_unstable();
    list
}

fn rows(
    example: &Example<'_>,
    list: &[usize],
    memory: &BTreeMap<u32, u32>,
    names: &HashMap<u32, u32>,
) -> Vec<Row> {
    list.iter()
        .map(|&i| {
            let vector = &example.choices.vectors[i];
            let mut dense = vector.dense;
            // What this document itself taught is not counted for it.
            let own = u32::from(example.right[i]);
            let times = memory
                .get(&text::hash(&["value", &example.choices.candidates[i].key]))
                .copied()
                .unwrap_or(0)
                .saturating_sub(own);
            dense[Feature::Remembered as usize] = if times > 0 { remembered(times) } else { 0.0 };
            Row {
                dense,
                words: vector.sparse.iter().filter_map(|h| names.get(h)).copied().collect(),
                right: example.right[i],
            }
        })
        .collect()
}

struct State {
    dense: [f32; DENSE],
    absent: f32,
    words: Vec<f32>,
    dense_seen: [f32; DENSE],
    absent_seen: f32,
    words_seen: Vec<f32>,
    scores: Vec<f32>,
    word_gradient: HashMap<u32, f32>,
}

impl State {
    fn new(prior: &Prior, words: usize) -> Self {
        let mut dense = prior.weights;
        dense[Feature::Remembered as usize] += REMEMBERED;
        Self {
            dense,
            absent: prior.absent,
            words: vec![0.0; words],
            dense_seen: [0.5; DENSE],
            absent_seen: 0.5,
            words_seen: vec![0.3; words],
            scores: Vec::new(),
            word_gradient: HashMap::new(),
        }
    }

    /// One step of AdaGrad on one document.
    fn step(&mut self, rows: &[Row], absent: bool, prior: &Prior) {
        self.scores.clear();
        let mut most = self.absent;
        for row in rows {
            let score =
                dot(&row.dense, &self.dense) + row.words.iter().map(|w| self.words[*w as usize]).sum::<f32>();
            most = most.max(score);
            self.scores.push(score);
        }
        let none = (self.absent - most).exp();
        let mut total = none;
        let mut right = if absent { none } else { 0.0 };
        for (score, row) in self.scores.iter_mut().zip(rows) {
            *score = (*score - most).exp();
            total += *score;
            if row.right && !absent {
                right += *score;
            }
        }
        let right = right.max(1e-12);
        let mut gradient = [0.0_f32; DENSE];
        self.word_gradient.clear();
        for (mass, row) in self.scores.iter().zip(rows) {
            let target = if row.right && !absent { mass / right } else { 0.0 };
            let g = mass / total - target;
            if g.abs() < 1e-5 {
                continue;
            }
            for (slot, x) in gradient.iter_mut().zip(&row.dense) {
                *slot += g * x;
            }
            for word in &row.words {
                *self.word_gradient.entry(*word).or_default() += g;
            }
        }
        let g = none / total - if absent { none / right } else { 0.0 };
        self.descend(&gradient, g, prior);
    }

    /// One step where each candidate is right or wrong for itself.
    fn step_each(&mut self, rows: &[Row], _absent: bool, prior: &Prior) {
        let mut gradient = [0.0_f32; DENSE];
        let mut absent = 0.0;
        self.word_gradient.clear();
        for row in rows {
            let score = dot(&row.dense, &self.dense)
                + row.words.iter().map(|w| self.words[*w as usize]).sum::<f32>()
                - self.absent;
            let g = 0.3 * (1.0 / (1.0 + (-score).exp()) - if row.right { 1.0 } else { 0.0 });
            if g.abs() < 1e-4 {
                continue;
            }
            absent -= g;
            for (slot, x) in gradient.iter_mut().zip(&row.dense) {
                *slot += g * x;
            }
            for word in &row.words {
                *self.word_gradient.entry(*word).or_default() += g;
            }
        }
        self.descend(&gradient, absent, prior);
    }

    fn descend(&mut self, gradient: &[f32; DENSE], g: f32, prior: &Prior) {
        let pull = PULL_DENSE * (self.absent - prior.absent);
        self.absent_seen += g * g;
        self.absent -= RATE * (g + pull) / self.absent_seen.sqrt();
        let seen = self.dense_seen.iter_mut().zip(gradient).zip(&prior.weights);
        for (i, (weight, ((seen, g), base))) in self.dense.iter_mut().zip(seen).enumerate() {
            let base = if i == Feature::Remembered as usize { REMEMBERED } else { *base };
            let g = g + PULL_DENSE * (*weight - base);
            *seen += g * g;
            *weight -= RATE * g / seen.sqrt();
        }
        // Each word's own sum: the order in which they are visited does not matter.
        for (word, g) in &self.word_gradient {
            let i = *word as usize;
            let g = g + PULL_WORDS * self.words[i];
            self.words_seen[i] += g * g;
            self.words[i] -= RATE * g / self.words_seen[i].sqrt();
        }
    }
}
