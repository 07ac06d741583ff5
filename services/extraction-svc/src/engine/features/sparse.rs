//! Features that are named by words and mean nothing until corrections give them weight.

use crate::engine::candidate::Candidate;
use crate::engine::context::Context;
use crate::engine::layout::View;
use crate::engine::text;

/// Features named by the words around a candidate, for a model to weigh.
pub(crate) fn sparse(view: &View, candidate: &Candidate, context: &Context) -> Vec<u32> {
    let (start, end) = (candidate.start(), candidate.end());
    let segment = view.tokens[start].segment;
    let mut list = Vec::with_capacity(32);
    let mut add = |kind: &str, what: &str| {
        if !what.is_empty() {
            list.push(text::hash(&[kind, what]));
        }
    };
    add("inline", &context.inline_key);
    add("left", &context.left_key);
    add("head", &context.head_key);
    add("above", &context.above_key);
    add("column", &context.column_key);
    add("section", &context.section_key);
    add("below", &context.below_key);
    for (i, word) in context.before_words.iter().enumerate() {
        add(["before1", "before2", "before3"][i.min(2)], word);
    }
    if context.before_words.len() >= 2 {
        let pair = format!("{} {}", context.before_words[1], context.before_words[0]);
        add("beforepair", &pair);
        if let Some(third) = context.before_words.get(2) {
            add("beforetriple", &format!("{third} {pair}"));
        }
    }
    for (i, word) in context.after_words.iter().enumerate() {
        add(["after1", "after2"][i.min(1)], word);
    }
    let first = &view.tokens[start];
    let last = &view.tokens[end - 1];
    add("first", &text::key(&first.folded));
    add("last", &text::key(&last.folded));
    add("firstshape", &text::shape(&first.text));
    add("lastshape", &text::shape(&last.text));
    let row = view.segments[segment].row;
    if row < 15 {
        add("row", &row.to_string());
    }
    let last_row = view.segments[view.tokens[end - 1].segment].row;
    if view.segments[segment].page == 0 && last_row < 20 {
        add("lastrow", &last_row.to_string());
    }
    let from_end = view.rows.len() - 1 - row;
    if from_end < 10 {
        add("rowend", &from_end.to_string());
    }
    add("lines", &candidate.parts.len().to_string());
    add("words", &candidate.parts.iter().map(|(s, e)| e - s).sum::<usize>().min(12).to_string());
    if let Some(next) = view.tokens.get(end) {
        add("nextshape", &text::shape(&next.text));
        // What the next line begins with tells where an address ends.
        if let Some(after) = view.tokens.get(end + 1) {
            add("nextshapes", &format!("{} {}", text::shape(&next.text), text::shape(&after.text)));
        }
    }
    if start > 0 {
        add("previousshape", &text::shape(&view.tokens[start - 1].text));
    }
    let x = view.segments[segment].bounds.left * 10.0;
    add("x", &(x.clamp(0.0, 10.0) as u32).to_string());
    list.sort_unstable();
    list.dedup();
    list
}
