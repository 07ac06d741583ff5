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
    /// Its number.
    pub document: usize,
    pub choices: &'a Choices,
    pub right: Vec<bool>,
    pub absent: bool,
}

impl Example<'_> {
    fn tells(&self) -> bool {
        self.absent || self.right.contains(&true)
    }
}

/// A candidate as the fit sees it.
struct Row {
    dense: [f32; DENSE],
    words: Vec<u32>,
    right: bool,
}

/// All documents of one field, made ready once for the many fits that judge what was learned.
pub(super) struct Lessons<'a> {
    examples: Vec<Example<'a>>,
    /// Of each candidate of each example, the words by number.
    words: Vec<Vec<Vec<u32>>>,
    /// Of each example, its words, each once.
    shown: Vec<Vec<u32>>,
    /// The hashes of the words by their numbers.
    hashes: Vec<u32>,
    /// Of each candidate of each example, the hash of its value.
    values: Vec<Vec<u32>>,
}

impl<'a> Lessons<'a> {
    /// Of examples that tell something: what is right is among the candidates, or there is nothing.
    pub(super) fn new(examples: Vec<Example<'a>>) -> Self {
        let mut numbers: HashMap<u32, u32> = HashMap::new();
        let mut hashes = Vec::new();
        let mut number = |hash: u32| {
            *numbers.entry(hash).or_insert_with(|| {
                hashes.push(hash);
                u32::try_from(hashes.len() - 1).unwrap_or(u32::MAX)
            })
        };
        let words: Vec<Vec<Vec<u32>>> = examples
            .iter()
            .map(|e| {
                let numbered =
                    e.choices.vectors.iter().map(|v| v.sparse.iter().map(|h| number(*h)).collect());
                numbered.collect()
            })
            .collect();
        let shown = words
            .iter()
            .map(|candidates| {
                let mut all: Vec<u32> = candidates.iter().flatten().copied().collect();
                all.sort_unstable();
                all.dedup();
                all
            })
            .collect();
        let values = examples
            .iter()
            .map(|e| e.choices.candidates.iter().map(|c| text::hash(&["value", &c.key])).collect())
            .collect();
        Self { examples, words, shown, hashes, values }
    }

    /// Fits one field's weights to the documents for which `seen` says so. `None`: none of them tells anything.
    pub(super) fn fit(&self, seen: impl Fn(usize) -> bool, prior: &Prior) -> Option<FieldModel> {
        self.fit_by(seen, prior, State::step)
    }

    /// Fits the weights of a list's items: each candidate for itself.
    pub(super) fn fit_several(&self, seen: impl Fn(usize) -> bool, prior: &Prior) -> Option<FieldModel> {
        self.fit_by(seen, prior, State::step_each)
    }

    fn fit_by(
        &self,
        seen: impl Fn(usize) -> bool,
        prior: &Prior,
        step: fn(&mut State, &[Row], bool, &Prior),
    ) -> Option<FieldModel> {
        let useful: Vec<usize> = (0..self.examples.len())
            .filter(|i| seen(self.examples[*i].document) && self.examples[*i].tells())
            .collect();
        if useful.is_empty() {
            return None;
        }
        let memory = self.remember(&useful);
        let counts = self.counts(&useful);
        let mut state = State::new(prior, self.hashes.len());
        let mut strong: Vec<Vec<usize>> = useful
            .iter()
            .map(|i| {
                let vectors = &self.examples[*i].choices.vectors;
                strongest(&self.examples[*i], |c| dot(&vectors[c].dense, &prior.weights))
            })
            .collect();
        for round in 0..2 {
            let lessons: Vec<Vec<Row>> =
                useful.iter().zip(&strong).map(|(i, list)| self.rows(*i, list, &memory, &counts)).collect();
            for _ in 0..EPOCHS {
                for (rows, i) in lessons.iter().zip(&useful) {
                    step(&mut state, rows, self.examples[*i].absent, prior);
                }
            }
            if round == 0 {
                // Others may have become strong under the new weights.
                for (list, i) in strong.iter_mut().zip(&useful) {
                    let more = strongest(&self.examples[*i], |c| {
                        // A word that is not counted has weighed nothing so far.
                        let words: f32 = self.words[*i][c].iter().map(|n| state.words[*n as usize]).sum();
                        dot(&self.examples[*i].choices.vectors[c].dense, &state.dense) + words
                    });
                    list.extend(more);
                    list.sort_unstable();
                    list.dedup();
                }
            }
        }
        let mut words: Vec<(u32, f32)> = self
            .hashes
            .iter()
            .copied()
            .zip(state.words.iter().copied())
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
    fn remember(&self, useful: &[usize]) -> BTreeMap<u32, u32> {
        let mut memory = BTreeMap::new();
        for i in useful {
            if let Some(c) = self.examples[*i].right.iter().position(|r| *r) {
                *memory.entry(self.values[*i][c]).or_default() += 1;
            }
        }
        memory
    }

    /// Which words count: those that more than one document shows. What one alone shows teaches nothing about others.
    fn counts(&self, useful: &[usize]) -> Vec<bool> {
        let fewest = if useful.len() >= 4 { 2 } else { 1 };
        let mut documents = vec![0_u32; self.hashes.len()];
        for word in useful.iter().flat_map(|i| &self.shown[*i]) {
            documents[*word as usize] += 1;
        }
        documents.into_iter().map(|n| n >= fewest).collect()
    }

    fn rows(&self, i: usize, list: &[usize], memory: &BTreeMap<u32, u32>, counts: &[bool]) -> Vec<Row> {
        let example = &self.examples[i];
        list.iter()
            .map(|&c| {
                let mut dense = example.choices.vectors[c].dense;
                // What this document itself taught is not counted for it.
                let own = u32::from(example.right[c]);
                let times = memory.get(&self.values[i][c]).copied().unwrap_or(0).saturating_sub(own);
                dense[Feature::Remembered as usize] = if times > 0 { remembered(times) } else { 0.0 };
                Row {
                    dense,
                    words: self.words[i][c].iter().filter(|n| counts[**n as usize]).copied().collect(),
                    right: example.right[c],
                }
            })
            .collect()
    }
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

struct State {
    dense: [f32; DENSE],
    absent: f32,
    words: Vec<f32>,
    dense_seen: [f32; DENSE],
    absent_seen: f32,
    words_seen: Vec<f32>,
    scores: Vec<f32>,
    word_gradient: Vec<f32>,
    /// The words whose gradient is not zero.
    touched: Vec<u32>,
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
            word_gradient: vec![0.0; words],
            touched: Vec::new(),
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
                let slot = &mut self.word_gradient[*word as usize];
                if *slot == 0.0 {
                    self.touched.push(*word);
                }
                *slot += g;
            }
        }
        let g = none / total - if absent { none / right } else { 0.0 };
        self.descend(&gradient, g, prior);
    }

    /// One step where each candidate is right or wrong for itself.
    fn step_each(&mut self, rows: &[Row], _absent: bool, prior: &Prior) {
        let mut gradient = [0.0_f32; DENSE];
        let mut absent = 0.0;
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
                let slot = &mut self.word_gradient[*word as usize];
                if *slot == 0.0 {
                    self.touched.push(*word);
                }
                *slot += g;
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
        for word in self.touched.drain(..) {
            let i = word as usize;
            let g = std::mem::take(&mut self.word_gradient[i]);
            if g == 0.0 {
                continue;
            }
            let g = g + PULL_WORDS * self.words[i];
            self.words_seen[i] += g * g;
            self.words[i] -= RATE * g / self.words_seen[i].sqrt();
        }
    }
}
