//! What the lines around a span make of it: the head of an address, or one of several labels side by side.

use crate::engine::candidate::{Candidate, next_line};
use crate::engine::context::is_label;
use crate::engine::layout::{Token, View};
use crate::engine::lexicon::lexicon;
use crate::engine::recognise::letter;
use crate::engine::recognise::words;
use crate::engine::schema::CompiledSchema;

use super::AllLabels;

/// How many lines below a name its address ends at most.
const ADDRESS_LINES: usize = 4;

/// Whether a span is a line of its own above a street and a town.
pub(crate) fn heads_address(view: &View, candidate: &Candidate) -> bool {
    let (start, end) = (candidate.start(), candidate.end());
    let segment = view.tokens[start].segment;
    let of = &view.segments[segment];
    if start != of.start || end != of.end || of.has_digit || candidate.parts.len() > 1 {
        return false;
    }
    // A person within the company that is written to stands below its name.
    let above = of.above.filter(|a| next_line(view, *a) == Some(segment));
    if letter::is_honorific(&view.tokens[start].folded) && above.is_some_and(|a| !view.segments[a].has_digit)
    {
        return false;
    }
    let (mut at, mut street) = (segment, false);
    for line in 0..ADDRESS_LINES {
        let Some(next) = next_line(view, at) else { return false };
        let tokens = &view.tokens[view.segments[next].start..view.segments[next].end];
        let worded = tokens.iter().any(|t| t.text.chars().filter(|c| c.is_alphabetic()).count() > 2);
        let numbered = tokens.iter().any(|t| t.text.contains(|c: char| c.is_ascii_digit()));
        // A person in the company that is written to stands between its name and its street.
        if line == 0 && !numbered && tokens.first().is_some_and(|t| letter::is_honorific(&t.folded)) {
            at = next;
            continue;
        }
        if !worded || (at == segment && !numbered && !tokens.iter().any(|t| words::is_street_word(&t.folded)))
        {
            return false;
        }
        if worded && tokens.iter().any(is_postal) && (street || line > 0) {
            return true;
        }
        let named = tokens.len() <= 4 && tokens.iter().all(|t| words::is_capital(&t.text));
        if street && named && next_line(view, next).is_none() {
            return true;
        }
        street |= worded && numbered;
        at = next;
    }
    false
}

fn is_postal(token: &Token) -> bool {
    let bare = token.text.trim_end_matches([',', '.']);
    (4..=6).contains(&bare.len()) && bare.bytes().all(|b| b.is_ascii_digit())
        || (2..=4).contains(&bare.len())
            && bare.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
            && bare.bytes().any(|b| b.is_ascii_digit())
            && bare.bytes().any(|b| b.is_ascii_uppercase())
}

/// Whether a segment is, as the one at its left, the label of what stands below it: "Vessel | Voyage No." above
/// "Atlantic Grace | 412W".
pub(crate) fn stacked(view: &View, schema: &CompiledSchema, labels: &AllLabels, segment: usize) -> bool {
    const NEAR: f32 = 1.2;
    const ALIGNED: f32 = 0.02;
    const A_LABEL: f32 = 0.4;
    let of = &view.segments[segment];
    let Some(left) = view.left(segment) else { return false };
    let label = &view.segments[left];
    if label.colon || of.has_digit || of.meaning.concepts.is_empty() {
        return false;
    }
    let (Some(below_label), Some(below)) = (label.below, of.below) else { return false };
    let (first, second) = (&view.segments[below_label], &view.segments[below]);
    let near = first.row == of.row + 1
        && second.row == of.row + 1
        && first.page == of.page
        && first.bounds.top - label.bounds.bottom() < NEAR * view.height(left)
        && (first.bounds.left - label.bounds.left).abs() < ALIGNED
        && (second.bounds.left - of.bounds.left).abs() < ALIGNED;
    let named = |m| labels.best(schema, m);
    near && (of.meaning.concepts.iter().any(|(c, _)| lexicon().is_known(*c)) || named(&of.meaning) >= A_LABEL)
        && named(&first.meaning) < A_LABEL
        && !first.colon
        && !is_label(&view.text(first.start, first.end))
}
