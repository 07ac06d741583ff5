//! Whether a span is only a part of a text that began before it, or goes on behind it.

use crate::engine::candidate::{Candidate, next_line};
use crate::engine::layout::View;
use crate::engine::recognise::words;
use crate::engine::schema::{Field, Topic};

/// The most digits of a postal code.
const POSTAL: usize = 6;

/// Whether a text began before a span: the line before ends at a comma, or is a line of the same address.
pub(super) fn begins_within(view: &View, field: &Field, candidate: &Candidate) -> bool {
    let start = candidate.start();
    let segment = view.tokens[start].segment;
    let comma = start > 0 && ends_at_comma(view, start - 1);
    let above = || view.segments[segment].above.filter(|above| next_line(view, *above) == Some(segment));
    comma
        || (field.topic == Topic::Address
            && start == view.segments[segment].start
            && above().is_some_and(|above| is_address_line(view, above)))
}

/// Whether a text goes on behind a span: it ends at a comma, or the next line is one of the same address or name.
pub(super) fn ends_within(view: &View, field: &Field, candidate: &Candidate) -> bool {
    let end = candidate.end();
    let segment = view.tokens[end - 1].segment;
    if ends_at_comma(view, end - 1) {
        return true;
    }
    if end != view.segments[segment].end {
        return false;
    }
    let Some(below) = next_line(view, segment) else { return false };
    let of = &view.segments[below];
    match field.topic {
        Topic::Address => is_address_line(view, below),
        Topic::Organization | Topic::Name => {
            // "The Coffee / & Tea Co.", "Ada Hardware / Enterprise Ltd"
            let legal = |i: usize| words::is_legal_form(&view.tokens[i].folded);
            let has_form = candidate.parts.iter().any(|(from, to)| (*from..*to).any(legal));
            view.tokens[of.start].text == "&" || (!has_form && legal(of.end - 1))
        }
        _ => false,
    }
}

/// Whether the first line of a text of several says nothing of a place: no number, no street, no comma.
pub(super) fn begins_elsewhere(view: &View, candidate: &Candidate) -> bool {
    let [(start, end), _, ..] = candidate.parts[..] else { return false };
    !view.tokens[start..end].iter().any(|t| {
        t.text.contains(|c: char| c.is_ascii_digit() || c == ',') || words::is_street_word(&t.folded)
    })
}

/// Whether a word is the number of a register, an account or a telephone: more digits than a postal code has, or as many
/// and a letter.
pub(super) fn is_register(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    digits > POSTAL + 1
        || (digits >= POSTAL && word.contains('-') && word.contains(|c: char| c.is_alphabetic()))
}

/// "12 Main Road, / Springfield": what ends at a comma goes on, in the same line or the next.
fn ends_at_comma(view: &View, last: usize) -> bool {
    view.tokens[last].text.ends_with(',')
        && view.tokens.get(last + 1).is_some_and(|t| t.page == view.tokens[last].page)
}

/// A line with a street and a number, or with a postal code and a name, and nothing that is no address.
fn is_address_line(view: &View, segment: usize) -> bool {
    let tokens = &view.tokens[view.segments[segment].start..view.segments[segment].end];
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).count();
    let postal = |text: &str| {
        let bare = text.trim_end_matches([',', '.']);
        (5..=POSTAL).contains(&bare.len()) && digits(bare) == bare.len()
    };
    let odd = |text: &str| is_register(text) || text.contains([':', '@', '(', '#']);
    let street = tokens.iter().any(|t| words::is_street_word(&t.folded));
    let number = tokens.iter().any(|t| digits(&t.text) > 0);
    !tokens.iter().any(|t| odd(&t.text))
        && ((street && number)
            || (tokens.iter().any(|t| postal(&t.text))
                && tokens.iter().all(|t| !t.text.contains('.') || digits(&t.text) == 0)))
}
