//! Labels in running text: the words before a value, and the name that a contract gives it.

use crate::engine::candidate::is_prose;
use crate::engine::layout::View;
use crate::engine::recognise::number::CURRENCIES;

/// Words that join a label to its value: "the rent *is* 500", "a deposit *of* 500".
const JOINS: &[&str] = &[
    "is", "are", "was", "be", "of", "on", "at", "to", "in", "as", "for", "from", "until", "with", "amounts",
    "ist", "von", "am", "bis", "est", "de", "du", "es", "el", "del", "di", "il", "up", "=", ":", "-", "zum",
    "zur", "ab", "betragt", "in", "hohe", "mit", "au", "le", "entro", "op", "per", "van", "bedraagt",
];
/// Words at which a label in a sentence begins, or that belong to what stands before it.
const BOUNDS: &[&str] = &[
    "the", "a", "an", "this", "that", "these", "your", "our", "its", "their", "his", "her", "my", "any",
    "such", "each", "all", "and", "or", "but", "shall", "will", "may", "must", "which", "who", "if", "pay",
    "pays", "paid", "has", "have", "der", "die", "das", "den", "dem", "ein", "eine", "und", "oder", "le",
    "la", "les", "un", "une", "et", "ou", "los", "las", "una", "y", "o", "lo", "e",
];
/// A label ends where a verb says what it is.
const VERBS: &[&str] = &["is", "are", "was", "were", "be", "ist", "est", "es", "been", "betragt"];
/// What a name is called in what follows begins with these words, where no bracket does.
const CALLED: &[&str] = &[
    "nachfolgend",
    "nachstehend",
    "folgenden",
    "hereinafter",
    "ci-apres",
    "denomme",
    "denommee",
    "adelante",
    "seguito",
    "hierna",
];
/// The most words of such a label.
const LONGEST: usize = 5;
/// How far behind a name its definition stands, in words.
const DEFINED_WITHIN: usize = 30;

/// The words in a sentence that say what stands behind them: "monthly rent" of "a monthly rent of $500". They may stand in
/// the line above.
pub(super) fn phrase(view: &View, start: usize) -> Option<(usize, usize)> {
    let mut segment = view.tokens[start].segment;
    let mut to = start;
    let mut joined = false;
    let mut from = None;
    while let Some(i) = from.unwrap_or(to).checked_sub(1) {
        let token = &view.tokens[i];
        if token.segment != segment {
            let goes_on = is_prose(view, token.segment)
                && view.segments[token.segment].row + 1 == view.segments[segment].row
                && token.page == view.tokens[start].page;
            if !goes_on {
                break;
            }
            segment = token.segment;
        }
        let bare = token.folded.trim_matches(['(', ')', '"']);
        if from.is_none() && (JOINS.contains(&bare) || CURRENCIES.contains(&bare)) {
            to = i;
            joined = true;
            continue;
        }
        let verb = from.is_some() && VERBS.contains(&bare);
        let ends = verb || token.text.ends_with([',', ';', '.', ')', ':']);
        let value = bare.contains(|c: char| c.is_ascii_digit());
        if ends || value || BOUNDS.contains(&bare) || to - i > LONGEST {
            break;
        }
        from = Some(i);
    }
    from.filter(|_| joined).map(|from| (from, to))
}

/// The words by which a contract goes on to call a name: "Supplier" of 'Acme Inc., a Delaware corporation (the "Supplier")'.
pub(super) fn defined_as(view: &View, end: usize) -> Option<(usize, usize)> {
    const LONGEST_ROLE: usize = 5;
    let opens = |text: &str| text.starts_with(['"', '“', '„', '«']) || text.contains(['“', '„']);
    let closes = |text: &str| text.contains(['"', '”', '»']) || text.ends_with(['“']);
    // What stands between a name and its definition says what is named: ", a Delaware corporation", "with offices in".
    let goes_on = view.tokens[end - 1].text.ends_with(',')
        || view.tokens.get(end).is_some_and(|t| {
            t.text.starts_with('(')
                || matches!(
                    t.folded.as_str(),
                    "a" | "an" | "with" | "having" | "located" | "whose" | "as" | "of"
                )
        });
    if !goes_on {
        return None;
    }
    let last = (end + DEFINED_WITHIN).min(view.tokens.len());
    let mut bracket = false;
    let mut i = end;
    while i < last {
        let text = view.tokens[i].text.as_str();
        bracket |= text.starts_with('(') || CALLED.contains(&view.tokens[i].folded.as_str());
        let bare = text.trim_start_matches('(');
        if bracket && opens(bare) {
            let inner = bare.trim_start_matches(['"', '“', '„', '«']);
            if closes(inner) {
                return Some((i, i + 1));
            }
            let close = (i + 1..last.min(i + LONGEST_ROLE)).find(|j| closes(&view.tokens[*j].text))?;
            return Some((i, close + 1));
        }
        if text.ends_with(')') || text.contains("),") {
            bracket = false;
        }
        // Another party begins, or another sentence.
        if !bracket && (text.ends_with(';') || view.tokens[i].folded == "and" && i > end + 12) {
            return None;
        }
        i += 1;
    }
    None
}
