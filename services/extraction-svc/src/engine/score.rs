//! From features to an answer: candidates compete with each other and with "it is not there".

use std::collections::HashMap;

use super::features::{DENSE, Feature, Vector};
use super::model::FieldModel;
use super::prepared::Choices;
use super::prior::Prior;
use super::text;

/// The weights of one field, from the prior or from a model.
pub(crate) struct Weights<'a> {
    pub prior: &'a Prior,
    pub model: Option<&'a FieldModel>,
}

impl Weights<'_> {
    /// How much speaks for a candidate.
    pub(crate) fn score(&self, vector: &Vector, key: &str) -> f32 {
        let Some(model) = self.model else {
            return dot(&vector.dense, &self.prior.weights);
        };
        let mut sum: f32 = vector.dense.iter().zip(&model.dense).map(|(x, w)| x * w).sum();
        for hash in &vector.sparse {
            sum += model.word(*hash);
        }
        let times = model.remembers(text::hash(&["value", key]));
        if times > 0 {
            sum += remembered(times) * model.dense.get(Feature::Remembered as usize).copied().unwrap_or(0.0);
        }
        sum
    }

    pub(crate) fn absent(&self) -> f32 {
        self.model.map_or(self.prior.absent, |m| m.absent)
    }
}

/// How much it says that a value was given before.
pub(crate) fn remembered(times: u32) -> f32 {
    (1.0 + times as f32).ln()
}

pub(crate) fn dot(x: &[f32; DENSE], w: &[f32; DENSE]) -> f32 {
    x.iter().zip(w).map(|(a, b)| a * b).sum()
}

/// A value with how probable it is; the candidate is its best place.
#[derive(Debug, Clone)]
pub(crate) struct Ranked {
    pub candidate: usize,
    pub probability: f32,
}

/// The values of a field, the most probable first, and how probable it is that none is right.
pub(crate) fn rank(choices: &Choices, weights: &Weights<'_>) -> (Vec<Ranked>, f32) {
    let scores: Vec<f32> =
        choices.vectors.iter().zip(&choices.candidates).map(|(v, c)| weights.score(v, &c.key)).collect();
    let absent = weights.absent();
    let most = scores.iter().copied().fold(absent, f32::max);
    let none = (absent - most).exp();
    let mut total = none;
    let mut by_key: HashMap<&str, (usize, f32, f32)> = HashMap::new();
    for (i, score) in scores.iter().enumerate() {
        let mass = (score - most).exp();
        total += mass;
        let entry = by_key.entry(choices.candidates[i].key.as_str()).or_insert((i, *score, 0.0));
        entry.2 += mass;
        if *score > entry.1 {
            entry.0 = i;
            entry.1 = *score;
        }
    }
    let mut ranked: Vec<Ranked> = by_key
        .into_values()
        .map(|(candidate, _, mass)| Ranked { candidate, probability: mass / total })
        .collect();
    ranked.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.candidate.cmp(&b.candidate)));
    ranked.truncate(24);
    (ranked, none / total)
}

/// Values of a list, each for itself: those that are more probable than not, none over another.
pub(crate) fn several(choices: &Choices, weights: &Weights<'_>, most: usize) -> Vec<Ranked> {
    let absent = weights.absent();
    let mut all: Vec<Ranked> = choices
        .vectors
        .iter()
        .zip(&choices.candidates)
        .enumerate()
        .map(|(candidate, (v, c))| Ranked {
            candidate,
            probability: 1.0 / (1.0 + (absent - weights.score(v, &c.key)).exp()),
        })
        .filter(|r| r.probability >= 0.5)
        .collect();
    all.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.candidate.cmp(&b.candidate)));
    let mut taken: Vec<(usize, usize)> = Vec::new();
    if let Some(best) = all.first().map(|r| r.probability) {
        all.retain(|r| r.probability >= 0.6 * best);
    }
    let mut keys: Vec<&str> = Vec::new();
    all.retain(|r| {
        let candidate = &choices.candidates[r.candidate];
        let (start, end) = (candidate.start(), candidate.end());
        let new = taken.len() < most
            && !taken.iter().any(|(s, e)| start < *e && *s < end)
            && !keys.iter().any(|k| k.contains(candidate.key.as_str()) || candidate.key.contains(k));
        if new {
            taken.push((start, end));
            keys.push(&candidate.key);
        }
        new
    });
    all.sort_by_key(|r| choices.candidates[r.candidate].start());
    all
}
