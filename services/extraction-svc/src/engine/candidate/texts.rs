//! Candidates that are texts: parts of lines, lines, names in running text, blocks of lines.

use crate::engine::context::{is_heading, is_label};
use crate::engine::layout::View;
use crate::engine::lexicon::lexicon;
use crate::engine::recognise::{date, letter, words};
use crate::engine::text;

use super::Found;

/// The most lines of an address or another text that goes over lines.
const MAX_LINES: usize = 6;
/// From so many words on, names are looked for within a line, too.
const LONG: usize = 8;
/// The longest span of a text within a line, in words.
const MAX_SPAN: usize = 16;

/// Where a value may begin in a segment: at its start, behind a colon, behind words of a label, behind a separator.
pub(super) fn starts(view: &View, segment: usize) -> Vec<usize> {
    const MOST: usize = 14;
    let of = &view.segments[segment];
    let mut starts = vec![of.start];
    let mut label = true;
    for i in of.start..of.end.saturating_sub(1) {
        let token = &view.tokens[i];
        let separates = token.text.ends_with([':', '|', ';', '：', ',', ')', '>'])
            || matches!(
                token.text.as_str(),
                "-" | "–" | "—" | "•" | "·" | "*" | "/" | "#" | "►" | ">" | "." | "▪"
            )
            || ((letter::is_greeting(&token.folded) || letter::is_form_of_address(&token.folded))
                && words::is_capital(&view.tokens[i + 1].text))
            || matches!(
                token.folded.as_str(),
                "at" | "bei"
                    | "chez"
                    | "of"
                    | "von"
                    | "and"
                    | "und"
                    | "et"
                    | "the"
                    | "for"
                    | "from"
                    | "to"
                    | "with"
            );
        label = label && text::words(&token.text).iter().all(|w| lexicon().knows(w) || w.len() <= 2);
        if words::is_legal_form(&view.tokens[i + 1].folded) {
            continue;
        }
        // "Exhibit 7.1 Service Agreement"
        let numbered = i == of.start + 1 && is_number(view, i) && words::is_capital(&view.tokens[i + 1].text);
        if separates || numbered || (label && i < of.start + 5) {
            starts.push(i + 1);
            if starts.len() >= MOST {
                break;
            }
        }
    }
    starts
}

/// Whether a value may end with this token.
pub(super) fn may_end(view: &View, i: usize, end: usize) -> bool {
    if i + 1 == end {
        return true;
    }
    let (token, next) = (&view.tokens[i], &view.tokens[i + 1]);
    if token.text.ends_with('.') && token.text.chars().count() == 2 && words::is_capital(&token.text) {
        // "Jordan M. Avery": an initial ends no name.
        return false;
    }
    // "October 2024" and "5 December" are one.
    let number = |t: &str| t.len() <= 4 && t.bytes().all(|b| b.is_ascii_digit());
    let month = |t: &crate::engine::layout::Token| date::month(&t.folded).is_some();
    if (month(token) && number(&next.text)) || (number(&token.text) && month(next)) {
        return false;
    }
    token.text.ends_with([',', ';', '|', '.', ')', '”', '"'])
        || matches!(next.text.as_str(), "-" | "–" | "—" | "|" | "•" | "·" | "/" | "►" | "." | "*")
        || matches!(next.folded.as_str(), "at" | "bei" | "chez" | "and" | "und" | "et" | "in")
        || next.text.starts_with(['(', '"', '“', '[', '<'])
        || next.text.contains(|c: char| c.is_ascii_digit())
            != token.text.contains(|c: char| c.is_ascii_digit())
        || words::is_legal_form(&token.folded)
}

pub(super) fn texts(found: &mut Found<'_>) {
    let view = found.view;
    let mut prose: Option<(usize, usize)> = None;
    for segment in 0..view.segments.len() {
        let (first, end) = (view.segments[segment].start, view.segments[segment].end);
        if is_prose(view, segment) || end - first > MAX_SPAN {
            // Lines of running text are one text: a name may go over their ends.
            let alone = view.rows[view.segments[segment].row].segments.len() == 1;
            prose = match prose {
                Some((from, to)) if to == first && alone => Some((from, end)),
                Some((from, to)) => {
                    names_in_prose(found, from, to);
                    Some((first, end))
                }
                None => Some((first, end)),
            };
            continue;
        }
        if let Some((from, to)) = prose.take() {
            // The last line of a paragraph is short.
            let last = if to == first { end } else { to };
            names_in_prose(found, from, last);
        }
        if end - first >= LONG {
            names_in_prose(found, first, end);
        }
        let mut single_words = 0;
        for start in starts(view, segment) {
            for i in start..end.min(start + MAX_SPAN) {
                // "Tobias und Lena Winkler": one word before "and" is no whole name.
                let joined = i == start
                    && i + 2 < end
                    && matches!(
                        view.tokens[i + 1].folded.as_str(),
                        "and" | "und" | "et" | "y" | "e" | "en" | "i" | "&"
                    )
                    && words::is_capital(&view.tokens[i + 2].text);
                if joined {
                    continue;
                }
                if may_end(view, i, end) {
                    found.add_text(vec![(start, i + 1)]);
                } else if single_words < 8 && i == start && end - start <= 6 {
                    single_words += 1;
                    found.add_text(vec![(start, i + 1)]);
                }
            }
            if start == first {
                // "Arlington, TX 76011": a state's code before a postal one.
                for i in first + 1..end.saturating_sub(1) {
                    let (state, next) = (&view.tokens[i], &view.tokens[i + 1]);
                    if words::is_state(&state.text, &state.folded)
                        && next.text.starts_with(|c: char| c.is_ascii_digit())
                    {
                        found.add_text(vec![(i, i + 1)]);
                    }
                }
            }
            // The last word alone, as a family name in a full name.
            if end - start >= 2 && end - start <= 5 {
                found.add_text(vec![(end - 1, end)]);
            }
        }
    }
    if let Some((from, to)) = prose {
        names_in_prose(found, from, to);
    }
    // A name over two lines.
    for segment in 0..view.segments.len() {
        let Some(below) = next_line(view, segment) else { continue };
        if heads(view, segment) {
            continue;
        }
        let (a, b) = (&view.segments[segment], &view.segments[below]);
        // A label and its value below it are no name.
        if is_label(&view.text(a.start, a.end)) && !is_label(&view.text(b.start, b.end)) {
            continue;
        }
        if a.end - a.start <= 8 && b.end - b.start <= 8 && !is_prose(view, segment) && !is_prose(view, below)
        {
            found.add_text(vec![(a.start, a.end), (b.start, b.end)]);
            // A company's name goes on to its legal form.
            let legal = |s: usize| {
                view.tokens[view.segments[s].start..view.segments[s].end]
                    .iter()
                    .any(|t| words::is_legal_form(&t.folded))
            };
            if let Some(third) = next_line(view, below)
                && !legal(segment)
                && !legal(below)
                && words::is_legal_form(&view.tokens[view.segments[third].end - 1].folded)
                && view.segments[third].end - view.segments[third].start <= 8
            {
                let c = &view.segments[third];
                found.add_text(vec![(a.start, a.end), (b.start, b.end), (c.start, c.end)]);
            }
        }
    }
}

/// Whether a segment is a line of running text: many words, most of them small.
pub(crate) fn is_prose(view: &View, segment: usize) -> bool {
    let of = &view.segments[segment];
    if of.end - of.start < 8 {
        return false;
    }
    let small =
        view.tokens[of.start..of.end].iter().filter(|t| t.text.starts_with(char::is_lowercase)).count();
    let count = of.end - of.start;
    // German writes nouns with capitals.
    let sentence = view.tokens[of.end - 1].text.ends_with('.') && small * 5 >= count * 2;
    small * 2 >= count || sentence
}

/// Tokens from one to another, a part for each segment.
pub(super) fn split_by_segment(view: &View, start: usize, end: usize) -> Vec<(usize, usize)> {
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for i in start..end {
        match parts.last_mut() {
            Some(last) if view.tokens[i].segment == view.tokens[last.0].segment => last.1 = i + 1,
            _ => parts.push((i, i + 1)),
        }
    }
    parts
}

/// Names within running text: words with capitals that stand together.
pub(super) fn names_in_prose(found: &mut Found<'_>, first: usize, end: usize) {
    let view = found.view;
    let mut i = first;
    while i < end {
        if !words::is_capital(&view.tokens[i].text) && !is_house(view, i) {
            i += 1;
            continue;
        }
        let mut last = i;
        let mut j = i;
        let mut ends = Vec::new();
        while j < end && j - i < MAX_SPAN {
            let token = &view.tokens[j];
            if j > i && token.text.starts_with(['(', '“', '"']) {
                ends.push(j);
            }
            if words::is_capital(&token.text) || token.text.starts_with(|c: char| c.is_ascii_digit()) {
                last = j;
                // "SERVICE AGREEMENT This agreement": what is written in capitals ends with them, a title before "THIS".
                let title = j > i && is_loud(view, j) && is_loud(view, j - 1) && j + 1 < end;
                if title && (!is_loud(view, j + 1) || view.tokens[j + 1].folded == "this") {
                    ends.push(j + 1);
                }
                if token.text.ends_with([',', ';', ')', '.', '”', '"']) || words::is_legal_form(&token.folded)
                {
                    ends.push(j + 1);
                    let comma_goes_on = view
                        .tokens
                        .get(j + 1)
                        .is_some_and(|n| words::is_legal_form(&n.folded) || words::is_capital(&n.text));
                    // A sentence ends, and the next paragraph begins with a capital, too.
                    let letters = token.text.chars().filter(|c| c.is_alphabetic()).count();
                    let sentence = token.text.ends_with('.')
                        && letters > 3
                        && !words::is_legal_form(&token.folded)
                        && view.tokens.get(j + 1).is_some_and(|n| n.segment != token.segment);
                    if token.text.ends_with([';', ')']) || !comma_goes_on || sentence {
                        break;
                    }
                }
            } else if !words::is_joint(&token.folded) {
                break;
            }
            j += 1;
        }
        ends.push(last + 1);
        ends.sort_unstable();
        ends.dedup();
        let leads =
            words::is_joint(&view.tokens[i].folded) || letter::is_form_of_address(&view.tokens[i].folded);
        let starts = [i, if leads { i + 1 } else { i }];
        for start in starts {
            for to in ends.iter().filter(|e| **e > start) {
                found.add_text(split_by_segment(view, start, *to));
            }
        }
        for k in i + 1..last {
            if matches!(view.tokens[k].folded.as_str(), "of" | "and" | "&") {
                // "laws of the State of New York": names behind "of" stand alone too.
                found.add_text(split_by_segment(view, i, k));
            } else if !ends_sentence(view, k) && !is_number(view, k) {
                continue;
            }
            // "Exhibit 7 Service Agreement", "Governing Law. Nevada law governs": so do those behind a number or a sentence.
            for to in ends.iter().filter(|e| **e > k + 1) {
                found.add_text(split_by_segment(view, k + 1, *to));
            }
        }
        i = last + 1;
    }
}

/// Whether a word ends a sentence: it is no initial and no form of a company.
fn ends_sentence(view: &View, i: usize) -> bool {
    let token = &view.tokens[i];
    token.text.ends_with('.')
        && token.text.chars().filter(|c| c.is_alphabetic()).count() > 3
        && !words::is_company_word(&token.folded)
}

/// Whether a word is a number: "7", "99.1".
fn is_number(view: &View, i: usize) -> bool {
    let text = &view.tokens[i].text;
    text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains(|c: char| c.is_alphabetic() || c == ',')
}

/// Whether a word is written in capitals alone.
fn is_loud(view: &View, i: usize) -> bool {
    let letters = || view.tokens[i].text.chars().filter(|c| c.is_alphabetic());
    letters().count() > 1 && letters().all(char::is_uppercase)
}

/// Whether a number in running text begins an address: "782 Willow Creek Drive".
fn is_house(view: &View, i: usize) -> bool {
    let digits = |t: &str| (1..=5).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit());
    let month = |n: usize| view.tokens.get(n).is_some_and(|t| date::month(&t.folded).is_some());
    digits(&view.tokens[i].text)
        && view.tokens.get(i + 1).is_some_and(|t| words::is_capital(&t.text))
        && !month(i + 1)
        && !(i > 0 && month(i - 1))
}

/// Whether a segment is the label of what stands below it, and no first line of a value.
fn heads(view: &View, segment: usize) -> bool {
    let of = &view.segments[segment];
    of.meaning.number.is_some() && (is_heading(view, segment) || of.meaning.clause.is_some())
}

/// The segment that continues this one in the next line: close below, and aligned at its left or its middle.
pub(crate) fn next_line(view: &View, segment: usize) -> Option<usize> {
    let below = view.segments[segment].below?;
    let (a, b) = (&view.segments[segment], &view.segments[below]);
    let height = a.bounds.height.max(b.bounds.height).max(1e-4);
    let near = b.bounds.top - a.bounds.bottom() < 1.3 * height;
    let aligned = (a.bounds.left - b.bounds.left).abs() < 0.02
        || ((a.bounds.left + a.bounds.right()) - (b.bounds.left + b.bounds.right())).abs() < 0.03
        || (a.bounds.left - b.bounds.left).abs() < 0.06;
    // A row of a table, the next line of a form and a heading are no continuation.
    let row = view.rows[b.row].segments.len();
    let label = is_heading(view, below)
        && (b.colon
            || b.meaning.number.is_some()
            || (b.meaning.clause.is_some() && b.end - b.start > 6)
            || is_label(&view.text(b.start, b.end)));
    if (b.cell.is_none() && row >= 4) || label {
        return None;
    }
    // What has a label at its left is a value of its own.
    let labelled = view.left(below).is_some_and(|l| {
        let own = view.left(segment).is_some() || view.segments[l].colon;
        a.cell.is_none() && is_heading(view, l) && own
    });
    (near && aligned && a.cell == b.cell && !labelled).then_some(below)
}

/// Texts over several lines, such as addresses.
pub(super) fn blocks(found: &mut Found<'_>) {
    let view = found.view;
    for segment in 0..view.segments.len() {
        if heads(view, segment) || is_prose(view, segment) {
            continue;
        }
        for start in starts(view, segment).into_iter().take(4) {
            let mut parts = vec![(start, view.segments[segment].end)];
            let mut at = segment;
            while let Some(next) = next_line(view, at) {
                if parts.len() >= MAX_LINES {
                    break;
                }
                let of = &view.segments[next];
                if of.end - of.start > MAX_SPAN || is_prose(view, next) {
                    break;
                }
                // The last line may end at a comma or before something else.
                for i in of.start..of.end - 1 {
                    if view.tokens[i].text.ends_with([',', '.', ';'])
                        || view.tokens[i + 1].text.starts_with('(')
                    {
                        let mut shorter = parts.clone();
                        shorter.push((of.start, i + 1));
                        found.add_text(shorter);
                    }
                }
                parts.push((of.start, of.end));
                found.add_text(parts.clone());
                at = next;
            }
        }
    }
}
