//! Spans of time in running text: what a sentence says that they are.

use crate::engine::layout::{View, meaning};
use crate::engine::lexicon::lexicon;
use crate::engine::recognise::words::bare;

use super::Labels;
use super::labels::sentence;

/// How near to a span the word stands that says what it is.
const NEAR: usize = 14;
/// What a span is of that ends a contract or its renewal.
const ENDS: &[&str] =
    &["terminat", "cancel", "withdraw", "kundig", "resili", "rescin", "expir", "not renew", "non renew"];
const ENDINGS: &[&str] = &["end", "ends", "quit", "vacate", "leave"];
const RENEWS: &[&str] = &["renew", "extend", "extension", "successive", "prolong", "verlanger"];
/// The least that is left of what speaks for a span where its sentence is about something else, or it is of years.
const LEFT: f32 = 0.3;
/// What a span is of that something else is about.
const OTHER: &[&str] = &[
    "breach", "cure", "default", "remed", "invoice", "audit", "inspect", "deliver", "dispute", "claim",
    "address", "charge", "fee", "amend", "assign",
];
/// What makes of a renewal one that has to be ended.
const ENDED: &[&str] = &["automat", "unless", "nonrenew", "non-renew"];
const NOTICES: &[&str] = &["notice", "notif", "kundig", "preavis", "preaviso", "preavviso", "written"];
const LASTS: &[&str] = &["term", "period", "duration", "force", "effect", "continu", "laufzeit", "duree"];

/// How clearly a sentence says that a span of time in it is a notice, or how long something lasts, 0 to 1.
pub(super) fn told(view: &View, labels: &Labels, start: usize, end: usize) -> Option<f32> {
    let lexicon = lexicon();
    let (label, _) = labels.readings.first()?;
    let asks = |name: &str| label.has(lexicon.concept(name));
    let also = |name: &str| asks(name) || labels.description.has(lexicon.concept(name));
    let (from, to) = sentence(view, start, end);
    let any = |range: std::ops::Range<usize>, stems: &[&str]| {
        range.into_iter().any(|i| {
            let word = bare(&view.tokens[i].folded);
            stems.iter().any(|stem| word.starts_with(stem))
        })
    };
    let near = |n: usize| from.max(start.saturating_sub(n))..to.min(end + n);
    let exactly = |range: std::ops::Range<usize>, words: &[&str]| {
        range.into_iter().any(|i| words.contains(&bare(&view.tokens[i].folded).as_str()))
    };
    let other = any(near(NEAR), OTHER);
    if asks("notice") {
        if !any(near(NEAR), NOTICES) {
            return Some(0.0);
        }
        // "60 days prior to the expiration", "upon 60 days' notice".
        let tied =
            any(end..to.min(end + 5), &["prior", "before", "advance", "notice", "written", "preced", "vor"]);
        let ends = any(from..to, ENDS) || exactly(from..to, ENDINGS);
        let renews = any(from..to, RENEWS);
        let about = if also("renewal") {
            renews && (any(from..to, ENDED) || exactly(from..to, &["not"]))
        } else {
            ends || renews
        };
        let sum: f32 = match (about, tied) {
            (true, true) => 1.0,
            (true, false) => 0.75,
            (false, _) => 0.15,
        };
        let years = any(end - 1..end, &["year", "jahr", "annee", "an"]);
        return Some(if other || years { LEFT * sum } else { sum });
    }
    if asks("term") {
        let notice = any(near(8), NOTICES);
        let tied = any(from.max(start.saturating_sub(7))..start, LASTS) || any(end..to.min(end + 2), LASTS);
        let said = meaning(&view.tokens[from..to]);
        let about = said.has(lexicon.concept("contract"))
            || any(from..to, &["remain", "commenc", "begin", "initial"]);
        let sum: f32 = if tied { 0.5 } else { 0.0 } + if about { 0.5 } else { 0.0 };
        return Some(if notice {
            0.0
        } else if other {
            LEFT * sum
        } else {
            sum
        });
    }
    None
}
