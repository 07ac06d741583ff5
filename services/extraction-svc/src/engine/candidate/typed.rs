//! Candidates with a shape: days, numbers, addresses of mail, phones, codes, spans of time.

use crate::engine::layout::View;
use crate::engine::lexicon::lexicon;
use crate::engine::recognise::code;
use crate::engine::recognise::date::{self, Order};
use crate::engine::recognise::number::{self, Mark};
use crate::engine::recognise::words;
use crate::engine::text;

use super::texts::starts;
use super::{Found, Reading, trim};

pub(super) fn dates(found: &mut Found<'_>, order: Order) {
    let view = found.view;
    for start in 0..view.tokens.len() {
        let segment = view.tokens[start].segment;
        // A date may go on in the next line of prose, never in another cell.
        let mut list: Vec<&str> = Vec::new();
        for token in view.tokens.iter().skip(start).take(7) {
            if token.segment != segment && view.segments[token.segment].row == view.segments[segment].row {
                break;
            }
            list.push(&token.folded);
        }
        let Some(day) = date::read(&list, order) else { continue };
        let mut end = start + day.tokens;
        if end - start > 1 && view.tokens[end - 1].segment != segment && !day.plain {
            continue;
        }
        end = end.min(view.tokens.len());
        let key = day.iso.clone();
        found.add(
            vec![(start, end)],
            Reading::Date { iso: day.iso, other: day.other, plain: day.plain },
            key,
        );
    }
}

/// Whether a currency stands right before or behind these words.
fn is_money(view: &View, start: usize, end: usize) -> bool {
    let segment = &view.segments[view.tokens[start].segment];
    let is_currency = |at: usize| {
        let bare = view.tokens[at].folded.trim_matches(['(', ')', ':', ',', '.']);
        number::CURRENCIES.contains(&bare)
    };
    (start > segment.start && is_currency(start - 1)) || (end < segment.end && is_currency(end))
}

pub(super) fn numbers(found: &mut Found<'_>, mark: Mark) {
    let view = found.view;
    let mut skip = 0;
    for start in 0..view.tokens.len() {
        if start < skip || !view.tokens[start].folded.contains(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let segment = &view.segments[view.tokens[start].segment];
        if start == segment.start && segment.meaning.number.is_some() {
            // The number of a form's line.
            continue;
        }
        // "1 234,56" and "12 .50" are one number over words.
        let mut best = number::read(&view.tokens[start].folded, mark).map(|f| (start + 1, f));
        if let Some((_, first)) = &best
            && first.decimals == 0
            && first.digits <= 3
            && !first.glued
        {
            let mut joined = view.tokens[start].folded.clone();
            for end in start + 1..segment.end.min(start + 4) {
                let next = &view.tokens[end].folded;
                let digits = next.chars().take_while(char::is_ascii_digit).count();
                let group = digits == 3 && next.chars().all(|c| c.is_ascii_digit() || ".,-".contains(c));
                let tail = (next.starts_with(['.', ',']))
                    && next.len() == 3
                    && next[1..].bytes().all(|b| b.is_ascii_digit());
                if !group && !tail {
                    break;
                }
                joined.push_str(next);
                match number::read(&joined, mark) {
                    // Without decimals in the end, "25 213" may as well be two cells, but for an amount of money.
                    Some(f) if f.decimals == 2 || f.decimals == 1 => best = Some((end + 1, f)),
                    Some(f) if group && is_money(view, start, end + 1) => best = Some((end + 1, f)),
                    _ => {}
                }
            }
        }
        let Some((end, mut value)) = best else { continue };
        // A sign or a currency in a word of its own.
        let mut from = start;
        if start > segment.start {
            let before = view.tokens[start - 1].folded.as_str();
            if number::CURRENCIES.contains(&before)
                || number::CURRENCIES.contains(&before.trim_matches(['(', ')', ':', '.']))
            {
                value.currency = true;
            } else if before == "-" || before == "-$" || before == "-€" || before == "-£" {
                // A dash between two values is none.
                if start - 1 == segment.start
                    || !view.tokens[start - 2].folded.contains(|c: char| c.is_ascii_digit())
                {
                    value.negative = true;
                    value.value = -value.value.abs();
                    from = start - 1;
                }
            }
        }
        let mut to = end;
        if end < segment.end {
            let next = view.tokens[end].folded.as_str();
            if number::CURRENCIES.contains(&next.trim_matches(['(', ')', ',', '.'])) {
                value.currency = true;
            }
            if next == "%" || next.starts_with("%") {
                value.percent = true;
                to = end + 1;
            }
            if next == "-" && end + 1 == segment.end {
                value.negative = true;
                value.value = -value.value.abs();
                to = end + 1;
            }
        }
        // A box of a form has its currency at its left.
        if from == segment.start
            && let Some(left) = view.left(view.tokens[start].segment)
            && view.segments[left].end - view.segments[left].start == 1
            && number::CURRENCIES.contains(&view.tokens[view.segments[left].start].folded.as_str())
        {
            value.currency = true;
        }
        skip = end;
        let key = format!("{:.4}", value.value + 0.0);
        found.add(vec![(from, to)], Reading::Number(value), key);
    }
}

pub(super) fn single(found: &mut Found<'_>, read: impl Fn(&str) -> Option<&str>) {
    let view = found.view;
    for (i, token) in view.tokens.iter().enumerate() {
        if let Some(value) = read(&token.text) {
            let key = text::key(value);
            found.add(vec![(i, i + 1)], Reading::Text(value.to_owned()), key);
        }
    }
}

/// Runs of words within a segment that together pass; the longest from each word.
pub(super) fn runs(found: &mut Found<'_>, most: usize, passes: impl Fn(&str) -> bool) {
    let view = found.view;
    let mut skip = 0;
    for start in 0..view.tokens.len() {
        if start < skip || !view.tokens[start].text.contains(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let segment = view.tokens[start].segment;
        let mut last = None;
        for end in start + 1..=view.segments[segment].end.min(start + most) {
            let joined = view.text(start, end);
            let value = trim(&joined);
            let value = value.trim_end_matches(['.', ',']);
            if passes(value) {
                last = Some((end, value.to_owned()));
            }
        }
        if let Some((end, value)) = last {
            // "+1-(555)555" keeps its brackets: trim() only takes those without a partner.
            let key = text::key(&value);
            found.add(vec![(start, end)], Reading::Text(value), key);
            skip = end;
        }
    }
}

/// Account numbers: as long as their country has them; where no country says so, as far as words with digits go.
pub(super) fn ibans(found: &mut Found<'_>) {
    /// The most words of one that is written in groups.
    const MOST: usize = 12;
    let view = found.view;
    let mut skip = 0;
    for start in 0..view.tokens.len() {
        if start < skip {
            continue;
        }
        let segment = view.tokens[start].segment;
        let mut bare: Vec<u8> = Vec::new();
        let mut last = None;
        for end in start + 1..=view.segments[segment].end.min(start + MOST) {
            let word = view.tokens[end - 1].text.trim_matches(['.', ',', ';', '(', ')', '"']);
            if word.is_empty() || !word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
                break;
            }
            bare.extend(word.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_uppercase()));
            let begins = bare.len() < 4
                || (bare[..2].iter().all(u8::is_ascii_alphabetic)
                    && bare[2..4].iter().all(u8::is_ascii_digit));
            if !begins {
                break;
            }
            if !code::iban_shape(&bare) {
                continue;
            }
            let full = code::iban_length(&bare);
            if full == Some(bare.len()) {
                last = Some(end);
                break;
            }
            if full.is_none() && word.contains(|c: char| c.is_ascii_digit()) {
                last = Some(end);
            }
        }
        if let Some(end) = last {
            let joined = view.text(start, end);
            let value = trim(&joined).trim_end_matches(['.', ',']).to_owned();
            let key = text::key(&value);
            found.add(vec![(start, end)], Reading::Text(value), key);
            skip = end;
        }
    }
}

pub(super) fn ids(found: &mut Found<'_>, boxes: &[(usize, usize)]) {
    let view = found.view;
    for segment in 0..view.segments.len() {
        let (start, end) = (view.segments[segment].start, view.segments[segment].end);
        if boxes.iter().any(|(s, e)| *s <= start && end <= *e) {
            continue;
        }
        // "482 135 679 00021" and "QQ 12 34 56 C" behind their label are one number, and none of their groups is.
        let groups = grouped(view, start, end);
        if groups < end {
            found.add_text(vec![(groups, end)]);
        }
        for i in start..groups {
            let bare = trim(&view.tokens[i].text).trim_end_matches('.').trim_matches(['(', ')', '[', ']']);
            // "n°12345" and "#A1" begin with the word for number.
            let bare = ["n°", "N°", "№", "#", "Nr.", "nr.", "No.", "no."]
                .iter()
                .find_map(|p| bare.strip_prefix(p))
                .unwrap_or(bare);
            if bare.is_empty() {
                continue;
            }
            if i == start && view.segments[segment].meaning.number.is_some() {
                // The number of a form's line.
                continue;
            }
            if code::is_id(bare) && !code::is_ordinal(bare) {
                let key = text::key(bare);
                found.add(vec![(i, i + 1)], Reading::Text(bare.to_owned()), key);
            } else if bare.chars().all(|c| c.is_alphanumeric())
                && bare.len() <= 3
                && bare.chars().all(char::is_uppercase)
                && end - start == 1
            {
                found.add_text(vec![(i, i + 1)]);
            }
            // "F 1234K20/1234/12" and "GB 123 4567 89" go over words.
            let short = bare.chars().count() <= 6
                && bare.chars().all(|c| c.is_uppercase() || c.is_ascii_digit() || "-/.".contains(c));
            if short {
                for to in i + 2..=end.min(i + 6) {
                    let next = trim(&view.tokens[to - 1].text);
                    let goes_on =
                        code::is_id(next) || (next.len() <= 3 && next.chars().all(char::is_uppercase));
                    if !goes_on {
                        break;
                    }
                    found.add_text(vec![(i, to)]);
                }
            }
        }
        // Several numbers in a cell are one answer where the cell holds nothing else.
        if groups == end && end - start > 1 && end - start <= 6 && view.segments[segment].has_digit {
            for from in starts(view, segment) {
                found.add_text(vec![(from, end)]);
            }
        }
    }
}

/// Where the groups of one number begin that fill the end of a segment, behind its label; the segment's end where there are
/// none.
fn grouped(view: &View, start: usize, end: usize) -> usize {
    const FEWEST: usize = 3;
    const LONGEST_GROUP: usize = 5;
    let group = |i: usize| {
        let word = view.tokens[i].text.as_str();
        let digits = (1..=LONGEST_GROUP).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit());
        let letters = (1..=2).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_uppercase());
        (digits, letters)
    };
    let mut from = end;
    while from > start && (group(from - 1).0 || group(from - 1).1) {
        from -= 1;
    }
    // "NO 12 34": a word of a label belongs to the label.
    while from < end && group(from).1 && lexicon().knows(&view.tokens[from].folded) {
        from += 1;
    }
    let digits = (from..end).filter(|i| group(*i).0).count();
    let behind_label = from == start
        || view.tokens[from - 1].text.ends_with([':', '#'])
        || text::words(&view.tokens[from - 1].text).iter().all(|w| lexicon().knows(w));
    if end - from >= FEWEST && digits >= FEWEST && behind_label { from } else { end }
}

/// Digits in boxes of their own, as forms have them: "4 | 6 | 4 | - 4 | 5" is one number.
/// Gives back where they stand.
pub(super) fn combs(found: &mut Found<'_>) -> Vec<(usize, usize)> {
    const FEWEST: usize = 6;
    let view = found.view;
    let mut taken = Vec::new();
    for row in &view.rows {
        let mut from = None;
        for segment in row.segments.clone().chain([row.segments.end]) {
            let boxes = row.segments.contains(&segment)
                && view.segments[segment].cell.is_none()
                && view.tokens[view.segments[segment].start..view.segments[segment].end].iter().all(|t| {
                    let digits = t.folded.bytes().filter(u8::is_ascii_digit).count();
                    digits <= 1 && digits + t.folded.matches('-').count() == t.folded.chars().count()
                });
            if boxes {
                from = from.or(Some(view.segments[segment].start));
                continue;
            }
            let Some(start) = from.take() else { continue };
            let end = view.segments[segment - 1].end;
            let value: String = view.tokens[start..end].iter().map(|t| t.folded.as_str()).collect();
            let value = trim(&value).to_owned();
            if value.bytes().filter(u8::is_ascii_digit).count() >= FEWEST {
                let key = text::key(&value);
                found.add(vec![(start, end)], Reading::Text(value), key);
                taken.push((start, end));
            }
        }
    }
    taken
}

pub(super) fn currencies(found: &mut Found<'_>) {
    let view = found.view;
    for (i, token) in view.tokens.iter().enumerate() {
        let bare: String = token.folded.chars().filter(|c| c.is_alphabetic()).collect();
        if bare.len() == 3
            && number::ISO_CURRENCIES.contains(&bare.as_str())
            && token.text.chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase)
        {
            let key = bare.clone();
            found.add(vec![(i, i + 1)], Reading::Text(bare.to_uppercase()), key);
        }
    }
}

pub(super) fn durations(found: &mut Found<'_>) {
    let view = found.view;
    for unit in 0..view.tokens.len() {
        let word = view.tokens[unit].folded.trim_matches(|c: char| !c.is_alphabetic());
        if !words::is_time_unit(word) {
            continue;
        }
        let mut start = unit;
        let mut amount = None;
        for back in 1..=4 {
            let Some(i) = unit.checked_sub(back) else { break };
            let folded = view.tokens[i].folded.trim_matches(|c: char| !c.is_alphanumeric());
            if let Ok(n) = folded.parse::<u32>() {
                amount = amount.or(Some(f64::from(n)));
                start = i;
            } else if let Some(n) = number::word(folded) {
                amount = amount.or(Some(n));
                start = i;
            } else if !matches!(
                folded,
                "business" | "calendar" | "working" | "full" | "consecutive" | "" | "hundred"
            ) {
                break;
            }
        }
        if let Some(n) = amount {
            let name = word.trim_end_matches('\'').trim_end_matches('s');
            let key = format!("{n} {name}");
            let plural = if (n - 1.0).abs() < 0.01 { name.to_owned() } else { format!("{name}s") };
            let value = trim(&view.text(start, unit + 1)).to_owned();
            let short = format!("{n} {plural}");
            // The value is what stands there; where number and unit stand side by side it is just these.
            let verbatim = if text::key(&value).contains(&text::key(&short)) { short } else { value };
            found.add(vec![(start, unit + 1)], Reading::Text(verbatim), key);
        }
    }
}
