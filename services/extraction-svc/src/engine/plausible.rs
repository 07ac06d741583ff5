//! What cannot be a value of a field, whatever its labels say: a day is no address, an amount no account number.

use super::candidate::{Candidate, Reading};
use super::layout::{Token, View};
use super::lexicon::lexicon;
use super::recognise::{date, letter, words};
use super::schema::{Field, Topic};
use super::text;

/// The fewest words that an address has, and the fewest letters.
const ADDRESS_WORDS: usize = 2;
const ADDRESS_LETTERS: usize = 4;
/// The longest postal code, in letters and digits.
const LONGEST_POSTAL: usize = 9;
/// From so many words on, a text with mostly small words is a sentence.
const SENTENCE: usize = 6;

/// Whether a candidate can be a value of a field at all.
pub(crate) fn plausible(view: &View, field: &Field, candidate: &Candidate) -> bool {
    let Reading::Text(value) = &candidate.reading else { return true };
    let tokens: Vec<&Token> =
        candidate.parts.iter().flat_map(|(start, end)| view.tokens[*start..*end].iter()).collect();
    let named = matches!(field.topic, Topic::Organization | Topic::Person | Topic::Name);
    if named && !field.in_list && value.contains(['"', '“', '”']) {
        return false;
    }
    if named && tokens.len() > 1 && letter::is_greeting(&tokens[0].folded) {
        return false;
    }
    match field.topic {
        Topic::Address => is_address(&tokens, value) && !begins_with_day(view, candidate),
        Topic::Id => is_identifier(field, &tokens, value),
        Topic::Place => {
            is_place(view, candidate, &tokens) && !(asks(field, "law") && is_origin(view, candidate))
        }
        Topic::Organization | Topic::Person | Topic::Name if field.in_list => is_name(&tokens, value),
        Topic::Person => !is_state(view, candidate.start()) && is_closed(value) && !is_small(&tokens),
        Topic::Organization | Topic::Name => is_closed(value),
        _ => true,
    }
}

fn asks(field: &Field, concept: &str) -> bool {
    let concept = lexicon().concept(concept);
    field.label.has(concept) || field.other_label.has(concept)
}

/// "a Delaware corporation" says where a company is from, and nothing of a law.
fn is_origin(view: &View, candidate: &Candidate) -> bool {
    candidate.start() > 0
        && matches!(view.tokens[candidate.start() - 1].folded.as_str(), "a" | "an" | "eine" | "une")
}

/// "Republic of Utopia" names a state: what stands behind its "of" is nobody's name.
fn is_state(view: &View, start: usize) -> bool {
    let before = |n: usize| start.checked_sub(n).map_or("", |i| view.tokens[i].folded.as_str());
    matches!(before(1), "of" | "de" | "du" | "di" | "von" | "van")
        && matches!(
            before(2),
            "republic"
                | "kingdom"
                | "state"
                | "commonwealth"
                | "federation"
                | "union"
                | "principality"
                | "government"
                | "ministry"
                | "grand-duchy"
                | "duchy"
                | "republique"
                | "royaume"
                | "republik"
                | "republica"
                | "reino"
                | "repubblica"
                | "regno"
                | "koninkrijk"
        )
}

/// Whether brackets and quotes that open in a text close in it.
fn is_closed(value: &str) -> bool {
    let count = |marks: &[char]| value.matches(marks).count();
    count(&['(']) == count(&[')']) && count(&['“']) == count(&['”']) && count(&['"']) % 2 == 0
}

/// A single word without a capital is nobody's name.
fn is_small(tokens: &[&Token]) -> bool {
    matches!(tokens, [one] if one.text.starts_with(char::is_lowercase))
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphabetic()).count()
}

fn is_day(tokens: &[&Token]) -> bool {
    let folded: Vec<&str> = tokens.iter().map(|t| t.folded.as_str()).collect();
    // "October 2024" and "5 December", too.
    let half = folded.len() == 2
        && (date::month(folded[0]).is_some()
            || (date::month(folded[1]).is_some() && folded[0].starts_with(|c: char| c.is_ascii_digit())));
    half || date::read(&folded, date::Order::DayFirst).is_some_and(|d| d.tokens == folded.len())
}

fn is_address(tokens: &[&Token], value: &str) -> bool {
    let words: Vec<&&Token> = tokens.iter().filter(|t| letters(&t.text) > 1).collect();
    let small = words.iter().filter(|t| t.text.starts_with(char::is_lowercase)).count();
    let is_sentence = words.len() >= SENTENCE && small * 2 > words.len();
    tokens.len() >= ADDRESS_WORDS
        && letters(value) >= ADDRESS_LETTERS
        && !is_sentence
        && !is_day(tokens)
        && !tokens.iter().any(|t| t.text.contains(['"', '“', '”']))
        && !letter::is_closing(tokens.iter().map(|t| t.folded.as_str()))
        && !tokens.iter().any(|t| date::read(&[t.folded.as_str()], date::Order::DayFirst).is_some())
}

/// Whether a line of a text begins with a day, as what is printed above an address does.
fn begins_with_day(view: &View, candidate: &Candidate) -> bool {
    candidate.parts.iter().any(|(start, end)| {
        let folded: Vec<&str> = view.tokens[*start..*end].iter().map(|t| t.folded.as_str()).collect();
        date::read(&folded, date::Order::DayFirst).is_some()
            && !view.tokens[*start..*end].iter().any(|t| words::is_street_word(&t.folded))
    })
}

/// Whether a text says of itself that it is a place: by a number, a comma, a street or a country. A line that says nothing of
/// it is an address only where a label says so.
pub(crate) fn has_place(view: &View, candidate: &Candidate) -> bool {
    let tokens = candidate.parts.iter().flat_map(|(start, end)| view.tokens[*start..*end].iter());
    tokens.into_iter().any(|t| {
        t.text.contains(|c: char| c.is_ascii_digit())
            || t.text.ends_with(',')
            || words::is_street_word(&t.folded)
            || words::is_country(&t.folded)
    })
}

/// Numbers that name an account, a document or a taxpayer have digits, and are no amounts.
fn is_identifier(field: &Field, tokens: &[&Token], value: &str) -> bool {
    let numeric = ["account", "taxid", "ssn", "ein", "invoice", "order"].iter().any(|n| asks(field, n));
    let has_digit = value.contains(|c: char| c.is_ascii_digit());
    let amount = tokens.len() == 1
        && value.rsplit_once(['.', ',']).is_some_and(|(whole, cents)| {
            cents.len() == 2
                && cents.bytes().all(|b| b.is_ascii_digit())
                && !whole.is_empty()
                && whole.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b',' | b'-'))
        });
    // "30-11-72" is a sort code where one is asked for.
    let told = value.contains(": ") || (is_day(tokens) && !asks(field, "sortcode"));
    let postal = asks(field, "postal") && text::key(value).chars().count() > LONGEST_POSTAL;
    (has_digit || !numeric || value.chars().count() <= 2) && !amount && !told && !postal
}

/// A place begins with a capital. The code of a state stands by itself, behind a comma or before a postal code: "OR" in
/// a line of capitals is a word.
fn is_place(view: &View, candidate: &Candidate, tokens: &[&Token]) -> bool {
    let [first, ..] = tokens else { return false };
    if !words::is_capital(&first.text) && letters(&first.text) > 0 {
        return false;
    }
    // "11.4 Jurisdiction and Venue. This agreement …": a sentence of its own heads a section.
    let [.., last] = tokens else { return false };
    if last.text.ends_with('.')
        && letters(&last.text) > 3
        && candidate.start() > 0
        && view.tokens[candidate.start() - 1].text.ends_with(['.', ')'])
    {
        return false;
    }
    let code = tokens.len() == 1 && first.text.trim_matches(|c: char| !c.is_alphanumeric()).len() == 2;
    if !code {
        return true;
    }
    let (start, end) = (candidate.start(), candidate.end());
    let segment = &view.segments[first.segment];
    let alone = segment.end - segment.start <= 2;
    let behind = start > segment.start && view.tokens[start - 1].text.ends_with([',', ':']);
    let before = end < segment.end && view.tokens[end].text.starts_with(|c: char| c.is_ascii_digit());
    alone || behind || before
}

/// A name that is gathered from all over a document: it begins and ends with words of a name, and is whole.
fn is_name(tokens: &[&Token], value: &str) -> bool {
    let ([first, ..], [.., last]) = (tokens, tokens) else { return false };
    let begins = words::is_capital(&first.text) || first.text.starts_with(|c: char| c.is_ascii_digit());
    let small_name = first.text.chars().any(char::is_uppercase);
    (begins || small_name)
        && !words::is_joint(&first.folded)
        && !words::is_legal_form(&first.folded)
        && !words::is_joint(&last.folded)
        && value.matches('(').count() == value.matches(')').count()
        && !tokens
            .iter()
            .any(|t| matches!(text::key(&t.folded).as_str(), "hereinafter" | "between" | "whereas"))
        && !tokens
            .iter()
            .all(|t| lexicon().knows(text::key(&t.folded).as_str()) || words::is_joint(&t.folded))
}
