//! From what the engine believes to what has proved true: isotonic regression over answers that people judged.

use serde::{Deserialize, Serialize};

/// What an answer without calibration may claim at most.
pub const UNCALIBRATED_CAP: f64 = 0.85;
/// The fewest judged answers that calibrate.
const FEWEST: usize = 12;
/// How much of its standard error is taken off a share before it may claim to be sure: documents to come differ more from
/// those that taught than these do from each other.
const DOUBT: f32 = 0.6;
/// A confidence of 0.9 lets people look away: less than this share does not claim it,
const SURE: f32 = 0.96;
/// but this.
const NOT_SURE: f32 = 0.899;
/// The most steps that are kept.
const MAX_STEPS: usize = 32;

/// A rising staircase from belief to the share that was right.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Calibration {
    /// For scalars, items of lists, cells of tables: (belief, share), both rising.
    steps: [Vec<(f32, f32)>; 3],
}

/// What an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Scalar = 0,
    Item = 1,
    Cell = 2,
}

impl Calibration {
    /// Learns from judged answers.
    pub(crate) fn fit(judged: &[(Sort, f32, bool)]) -> Self {
        let mut all = Self::default();
        for sort in [Sort::Scalar, Sort::Item, Sort::Cell] {
            let of: Vec<(f32, bool)> = judged.iter().filter(|j| j.0 == sort).map(|j| (j.1, j.2)).collect();
            all.steps[sort as usize] = isotonic(of);
        }
        all
    }

    /// Whether there is anything to go by.
    pub(crate) fn knows(&self, sort: Sort) -> bool {
        !self.steps[sort as usize].is_empty()
    }

    /// The share of answers with this belief that prove right.
    pub(crate) fn confidence(&self, sort: Sort, belief: f32) -> f64 {
        let steps = &self.steps[sort as usize];
        if steps.is_empty() {
            return f64::from(belief).min(UNCALIBRATED_CAP);
        }
        let after = steps.partition_point(|(b, _)| *b <= belief);
        let share = if after == 0 {
            // Below everything that was judged.
            steps[0].1 * (belief / steps[0].0.max(1e-6)).min(1.0)
        } else if after == steps.len() {
            steps[after - 1].1
        } else {
            let ((x0, y0), (x1, y1)) = (steps[after - 1], steps[after]);
            y0 + (y1 - y0) * ((belief - x0) / (x1 - x0).max(1e-6))
        };
        let share = if share < SURE { share.min(NOT_SURE) } else { share };
        f64::from(share).clamp(0.0, 0.995)
    }
}

/// Pool adjacent violators, with the doubt of few answers in each pool.
fn isotonic(mut judged: Vec<(f32, bool)>) -> Vec<(f32, f32)> {
    if judged.len() < FEWEST {
        return Vec::new();
    }
    judged.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Blocks of some answers first, so that one lucky answer makes no step of its own.
    let block = (judged.len() / 24).clamp(5, 60);
    let mut pools: Vec<(f32, f32, f32)> = Vec::new();
    for chunk in judged.chunks(block) {
        let n = chunk.len() as f32;
        let right = chunk.iter().filter(|j| j.1).count() as f32;
        let belief: f32 = chunk.iter().map(|j| j.0).sum();
        pools.push((belief, right, n));
        while pools.len() > 1 {
            let (b, a) = (pools[pools.len() - 1], pools[pools.len() - 2]);
            if a.1 / a.2 < b.1 / b.2 {
                break;
            }
            pools.pop();
            let last = pools.len() - 1;
            pools[last] = (a.0 + b.0, a.1 + b.1, a.2 + b.2);
        }
    }
    let mut steps: Vec<(f32, f32)> = pools
        .iter()
        .map(|(belief, right, n)| {
            let share = (right + 0.5) / (n + 1.25);
            let doubted = share - DOUBT * (share * (1.0 - share) / n).sqrt();
            (belief / n, if doubted < SURE { share.min(NOT_SURE) } else { doubted })
        })
        .collect();
    while steps.len() > MAX_STEPS {
        steps = steps.iter().step_by(2).copied().collect();
    }
    steps
}
