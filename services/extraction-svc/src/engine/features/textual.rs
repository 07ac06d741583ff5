//! The features of texts: what sort of words they are, and what stands right beside them.

use crate::engine::candidate::{Candidate, is_prose};
use crate::engine::context::{is_heading, is_label};
use crate::engine::layout::{Token, View};
use crate::engine::lexicon::lexicon;
use crate::engine::recognise::{code, date, letter, words};
use crate::engine::schema::{CompiledSchema, Field, Topic};
use crate::engine::text;

use super::Feature;
use super::census::{Census, degree, ratio};
use super::within::is_register;

/// How much a place of a later address counts beside one of the first.
const LATER_PLACE: f32 = 0.5;

/// Whether a line of running text above ends within the name that goes on here.
fn is_cut(view: &View, start: usize) -> bool {
    let segment = view.tokens[start].segment;
    let Some(before) = start.checked_sub(1).map(|i| &view.tokens[i]) else { return false };
    view.segments[segment].start == start
        && is_prose(view, before.segment)
        && view.segments[before.segment].row + 1 == view.segments[segment].row
        && words::is_capital(&before.text)
        && before.text.ends_with(char::is_alphabetic)
        && words::is_capital(&view.tokens[start].text)
}

/// Whether a text holds a label's colon; that of "09:35" is none.
fn has_colon(value: &str) -> bool {
    let bytes = value.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_digit);
    value.match_indices(':').any(|(i, _)| !(digit(i.checked_sub(1)) && digit(Some(i + 1))))
}

#[expect(clippy::too_many_arguments, reason = "a candidate with all that is known around it")]
pub(super) fn textual(
    set: &mut impl FnMut(Feature, f32),
    view: &View,
    schema: &CompiledSchema,
    field: &Field,
    candidate: &Candidate,
    value: &str,
    census: &Census,
    segment: usize,
    labelled: bool,
) {
    use Feature as F;
    let flag = |b: bool| if b { 1.0 } else { 0.0 };
    let (start, end) = (candidate.start(), candidate.end());
    let tokens: Vec<&Token> = candidate.parts.iter().flat_map(|(s, e)| view.tokens[*s..*e].iter()).collect();
    let capitals = tokens.iter().filter(|t| words::is_capital(&t.text)).count();
    let joints = tokens.iter().filter(|t| words::is_joint(&t.folded)).count();
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let letters = value.chars().filter(|c| c.is_alphabetic()).count();
    let company = tokens.iter().any(|t| words::is_company_word(&t.folded));
    set(F::Company, flag(company));
    set(F::LegalEnd, flag(tokens.last().is_some_and(|t| words::is_legal_form(&t.folded))));
    set(F::TopCompany, flag(company && census.first_company == Some(segment)));
    // "Liebowitz, Hannah" behind its label is one name.
    let inverted = labelled
        && field.topic == Topic::Person
        && candidate.parts.len() == 1
        && end == view.segments[segment].end
        && value.matches(',').count() == 1
        && tokens.first().is_some_and(|t| t.text.ends_with(','));
    let person = digits == 0
        && !company
        && (2..=4).contains(&tokens.len())
        && !tokens.iter().any(|t| words::is_street_word(&t.folded))
        && capitals + joints == tokens.len()
        && !value.contains([':', '/', '@'])
        && (!value.contains(',') || inverted);
    set(F::PersonLike, flag(person && !tokens.iter().any(|t| lexicon().knows(&t.folded))));
    set(F::Capitals, ratio(capitals, tokens.len()));
    set(F::HasDigit, flag(digits > 0));
    set(F::MixedId, flag(digits > 0 && letters > 0 && tokens.len() == 1));
    set(F::PureDigits, flag(digits > 0 && letters == 0));
    set(F::IdLength, ratio((digits + letters).min(12), 12));
    set(F::LooksLabel, flag(is_label(value)));
    let folded: Vec<&str> = tokens.iter().map(|t| t.folded.as_str()).collect();
    let day = digits > 3 && date::read(&folded, date::Order::DayFirst).is_some();
    // The groups of one number are no words: "GB 345 6789 01".
    let groups = field.topic == Topic::Id
        && (tokens.len() > 2
            && tokens.iter().all(|t| t.text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()))
            // "2024/S 118-362011" fills the rest of its line.
            || tokens.len() == 2
                && end == view.segments[segment].end
                && labelled
                && !day
                && tokens.iter().all(|t| code::is_id(&t.text) && !code::is_ordinal(&t.text))
                && !tokens.iter().any(|t| date::read(&[&t.folded], date::Order::DayFirst).is_some()));
    if groups {
        set(F::Words, 0.0);
    }
    let sort_code = field.label.has(lexicon().concept("sortcode"));
    set(F::InDate, flag(day && !sort_code));
    let colon = if field.topic == Topic::Address { value.contains(':') } else { has_colon(value) };
    set(F::HasColon, flag(colon));
    set(F::HasEmail, flag(value.contains('@') || value.contains("www.")));
    set(F::Country, flag(words::is_country(&text::fold(value))));
    set(F::State, flag(words::is_state(value, &text::fold(value))));
    set(F::Street, flag(tokens.iter().any(|t| words::is_street_word(&t.folded))));
    set(
        F::PostalCode,
        flag(tokens.iter().any(|t| {
            (4..=6).contains(&t.text.trim_end_matches([',', '.']).len())
                && t.text.trim_end_matches([',', '.']).bytes().all(|b| b.is_ascii_digit())
        })),
    );
    // What fills the rest of a line behind its label is the whole value, whatever digits it ends with.
    if field.topic == Topic::Any && labelled && end == view.segments[segment].end && tokens.len() <= 8 {
        set(F::PostalCode, 0.0);
        if start > view.segments[segment].start && view.tokens[start - 1].text.ends_with(':') {
            set(F::WholeSegment, 0.7);
        }
    }
    set(F::Comma, flag(value.contains(',') && !inverted));
    set(F::AlphaShare, ratio(letters, value.chars().count()));
    // Words that begin or end a part of a sentence rather than a value, and the end of a sentence.
    let odd_end = tokens.last().is_some_and(|t| {
        words::is_joint(&t.folded)
            || matches!(t.text.as_str(), "-" | ":" | "&")
            || (t.text.ends_with('.')
                && t.text.chars().count() > 4
                && is_prose(view, segment)
                && !words::is_company_word(&t.folded))
    });
    let odd_start = tokens.first().is_some_and(|t| {
        matches!(
            t.folded.as_str(),
            "of" | "and"
                | "&"
                | "a"
                | "an"
                | "between"
                | "by"
                | "such"
                | "any"
                | "not"
                | "with"
                | "without"
                | "this"
                | "that"
                | "attn"
        ) || letter::is_greeting(&t.folded)
            || t.text.starts_with('§')
            || letter::is_form_of_address(&t.folded)
            || (field.topic == Topic::Organization
                && t.text.starts_with(char::is_lowercase)
                && lexicon().knows(&t.folded))
    });
    // "(if any)" says something of a value.
    let aside = tokens.first().is_some_and(|t| t.text.starts_with('('))
        && tokens.last().is_some_and(|t| t.text.ends_with(')'))
        && letters > digits;
    let named = matches!(field.topic, Topic::Organization | Topic::Person | Topic::Name);
    // "Acme Inc., a Delaware corporation" goes on with what it is; a name that begins in the line above is not whole.
    let described_too = named
        && tokens.windows(2).any(|t| t[0].text.ends_with(',') && matches!(t[1].folded.as_str(), "a" | "an"));
    let cut = named && is_cut(view, start);
    let odd_end = odd_end || described_too;
    let odd_start = odd_start || cut;
    set(F::EndsOdd, flag(((odd_end || odd_start) && value.chars().count() > 1) || aside));
    let heading = is_heading(view, segment)
        && view.segments[segment].start == start
        && view.segments[segment].end == end;
    set(F::TitleLike, flag(heading && capitals + joints == tokens.len()));
    // The letter of a country in brackets, as in "Co. (M) Sdn Bhd", says no name.
    let legal_only = tokens.iter().all(|t| {
        words::is_company_word(&t.folded)
            || !t.text.chars().any(char::is_alphanumeric)
            || (t.text.starts_with('(') && t.text.ends_with(')') && t.text.chars().count() == 3)
    });
    // "a Delaware corporation" says what a company is, not its name.
    let described =
        start > 0 && matches!(view.tokens[start - 1].folded.as_str(), "a" | "an" | "eine" | "une") && company;
    set(F::LegalOnly, flag(legal_only || described));
    // A name that a contract defines: 'Acme Inc. ("Supplier")', 'Acme Inc., a Delaware corporation'.
    let next = |n: usize| view.tokens.get(end + n).map(|t| t.folded.as_str()).unwrap_or_default();
    set(
        F::Defined,
        flag(
            next(0).starts_with(['(', '“', '"'])
                || (matches!(next(0), "a" | "an") && view.tokens[end - 1].text.ends_with(','))
                || matches!(next(0), "hereinafter" | "located" | "having"),
        ),
    );
    if candidate.parts.len() > 1 {
        let line = |(s, e): &(usize, usize)| view.text(*s, *e);
        set(
            F::CodeLine,
            flag(candidate.parts.iter().any(|p| {
                let code =
                    |t: &Token| code::is_id(crate::engine::candidate::trim(&t.text).trim_matches(['(', ')']));
                (p.1 - p.0 == 1 && code(&view.tokens[p.0]))
                    || view.tokens[p.0..p.1].iter().any(|t| is_register(&t.text))
            })),
        );
        set(F::LabelLine, flag(candidate.parts.iter().any(|p| is_label(&line(p)))));
    }
    let inner = tokens.len() > 1
        && tokens[..tokens.len() - 1].iter().any(|t| {
            t.text.ends_with(['.', ';', ':'])
                && t.text.chars().filter(|c| c.is_alphabetic()).count() > 3
                && !words::is_company_word(&t.folded)
        });
    set(F::SentenceBreak, flag(inner));
    let previous =
        |n: usize| start.checked_sub(n).map(|i| view.tokens[i].folded.as_str()).unwrap_or_default();
    set(
        F::Between,
        flag(
            matches!(
                previous(1),
                "between" | "among" | "zwischen" | "entre" | "tra" | "tussen" | "and" | "und" | "et"
            ) && matches!(field.topic, Topic::Organization | Topic::Person | Topic::Name),
        ),
    );
    let lexicon = lexicon();
    let asks = |n: &str| field.label.has(lexicon.concept(n)) || field.other_label.has(lexicon.concept(n));
    let first_word = tokens.first().map_or("", |t| t.folded.as_str());
    let of_topic = if asks("degree") {
        tokens.iter().any(|t| degree(&t.folded) > 0.0)
    } else if asks("university") {
        tokens.iter().any(|t| words::is_school_word(&t.folded))
    } else if asks("bank") {
        tokens.iter().any(|t| words::is_bank_word(&t.folded))
    } else if asks("law") {
        behind_laws(view, start)
            && !matches!(first_word, "state" | "commonwealth" | "province" | "laws" | "the")
    } else if field.topic == Topic::Heading {
        // A heading that says what the schema is about: a contract calls itself an agreement.
        let folded: Vec<String> = tokens.iter().flat_map(|t| text::words(&t.text)).collect();
        lexicon.meaning(&folded).concepts.iter().any(|(c, _)| lexicon.is_known(*c) && schema.about.has(*c))
    } else {
        false
    };
    set(F::TopicWord, flag(of_topic));
    if field.topic == Topic::Place || asks("postal") {
        let next = view.tokens.get(end).filter(|t| t.page == view.tokens[end - 1].page);
        let comma = view.tokens[end - 1].text.ends_with(',');
        let next_two = view.text(end, (end + 2).min(view.tokens.len()));
        let place = next.is_some_and(|t| {
            words::is_state(&t.text, &t.folded)
                || words::is_country(&t.folded)
                || words::is_country(&text::fold(&next_two))
        });
        let postal = |t: &Token| {
            let bare = t.text.trim_end_matches([',', '.']);
            (4..=6).contains(&bare.len())
                && bare.bytes().any(|b| b.is_ascii_digit())
                && bare.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase() || b == b'-')
        };
        let behind_state =
            start > 0 && words::is_state(&view.tokens[start - 1].text, &view.tokens[start - 1].folded);
        let at_place = if asks("postal") {
            place || behind_state
        } else if asks("state") && !asks("city") {
            // "Arlington, TX 76011"
            start > 0
                && view.tokens[start - 1].text.ends_with(',')
                && words::is_state(&view.tokens[start].text, &view.tokens[start].folded)
                && next.is_some_and(postal)
        } else {
            comma && place && !asks("country") && !asks("nationality") && !asks("law")
        };
        let later = census.first_place.is_some_and(|row| row != view.segments[segment].row);
        set(F::BeforePlace, flag(at_place) * if later { LATER_PLACE } else { 1.0 });
        set(
            F::AfterPostal,
            flag(
                start > 0
                    && view.tokens[start - 1].segment == view.tokens[start].segment
                    && postal(&view.tokens[start - 1]),
            ),
        );
    }
    if field.topic == Topic::Person && (asks("given") || asks("family")) {
        let of = &view.segments[segment];
        // The whole name, behind its label where that stands in the same segment.
        let from =
            (of.start..start).rev().find(|i| view.tokens[*i].text.ends_with(':')).map_or(of.start, |i| i + 1);
        let from = if labelled { from.max(behind_label(view, segment)) } else { from };
        let comma = view.tokens[from..of.end].iter().any(|t| t.text.ends_with(','));
        let whole = end - start == of.end - from;
        let at_start = start == from;
        let at_end = end == of.end;
        let first = if comma { at_end && !at_start } else { at_start && !at_end };
        let last = if comma { at_start && !at_end } else { at_end && !at_start };
        // Under a label of its own the part is all that stands there.
        let part = (asks("given") && first) || (asks("family") && last);
        set(F::NamePart, flag(if labelled { whole } else { part }));
        set(F::NamePartMiss, flag(!whole && (labelled || !part)));
    }
    match field.topic {
        Topic::Iban => set(F::Checksum, flag(code::is_iban(value))),
        Topic::Phone => set(F::PhonePlus, flag(value.starts_with(['+', '(', '0']))),
        Topic::Person | Topic::Name => {
            let keys: Vec<String> =
                tokens.iter().map(|t| text::key(&t.folded)).filter(|k| k.len() >= 3).collect();
            let hits = keys.iter().filter(|k| census.emails.iter().any(|e| e.contains(k.as_str()))).count();
            set(F::EmailMatch, ratio(hits, keys.len()));
        }
        _ => {}
    }
}

/// Where the words of a label that begins a segment end, or the number that stands for one: "Given names Ada Maria".
fn behind_label(view: &View, segment: usize) -> usize {
    const MOST: usize = 5;
    let of = &view.segments[segment];
    let first = of.start + usize::from(view.codes.contains_key(&segment));
    let last = of.end.saturating_sub(1).min(first + MOST);
    (first + 1..=last).rev().find(|end| is_label(&view.text(first, *end))).unwrap_or(first)
}

/// Whether a name stands behind "the laws of the State of".
fn behind_laws(view: &View, start: usize) -> bool {
    const FAR: usize = 8;
    for i in (start.saturating_sub(FAR)..start).rev() {
        match words::bare(&view.tokens[i].folded).as_str() {
            "law" | "laws" | "gesetze" | "gesetzen" | "recht" | "lois" | "loi" | "droit" | "leyes"
            | "legge" => {
                return true;
            }
            "the" | "of" | "state" | "commonwealth" | "province" | "republic" | "internal" | "and"
            | "der" | "des" | "de" | "la" | "du" | "von" | "" => {}
            _ => return false,
        }
    }
    false
}
