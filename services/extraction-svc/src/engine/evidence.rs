//! What a text that somebody says stands in a document proves of a field: the spans that say so, and the value that they
//! are read as.

use std::collections::HashMap;

use serde_json::Value;

use super::candidate::{Candidate, Habits, Pool, Reading, Runs, candidates, own_candidates, pool_of, trim};
use super::extract::value_of;
use super::layout::View;
use super::places::{Parts, Places};
use super::plausible::plausible;
use super::prepared::allowed;
use super::recognise::code;
use super::recognise::date::{self, Order};
use super::recognise::number::{self, Mark};
use super::schema::{Field, Kind, Topic};
use super::{tables, text};

/// The fewest digits of a telephone number.
const FEWEST_DIGITS: usize = 5;

/// A span that proves a value.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    pub parts: Parts,
    pub value: Value,
    /// So little that it stands in most documents: "no", "2". It proves nothing by itself.
    pub weak: bool,
}

/// A document in which is looked for evidence.
pub(crate) struct Evidences<'a> {
    view: &'a View,
    habits: Habits,
    places: Places<'a>,
    dates: Vec<Candidate>,
    numbers: Vec<Candidate>,
    /// Of fields that have a pool of their own, by their index.
    own: HashMap<usize, Vec<Candidate>>,
}

impl<'a> Evidences<'a> {
    pub(crate) fn new(view: &'a View, habits: Habits, fields: &[Field]) -> Self {
        let sorted = |mut found: Vec<Candidate>| {
            found.sort_by_key(|candidate| (candidate.start(), candidate.end()));
            found
        };
        let mut runs: Option<Runs> = None;
        let mut own = HashMap::new();
        for (index, field) in fields.iter().enumerate() {
            if pool_of(field) == Pool::Own {
                let runs = runs.get_or_insert_with(|| Runs::of_view(view));
                own.insert(index, sorted(own_candidates(view, runs, field)));
            }
        }
        Self {
            view,
            habits,
            places: Places::new(view),
            dates: sorted(candidates(view, Pool::Dates, habits)),
            numbers: sorted(candidates(view, Pool::Numbers, habits)),
            own,
        }
    }

    fn own(&self, index: usize) -> &[Candidate] {
        self.own.get(&index).map(Vec::as_slice).unwrap_or_default()
    }

    /// The spans that prove what is said of a field, in reading order. None where it is not in the document.
    pub(crate) fn of(&self, (index, field): (usize, &Field), said: &Value) -> Vec<Evidence> {
        let text = match said {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return Vec::new(),
        };
        let mut found = match &field.kind {
            Kind::Text => self.texts(&text),
            Kind::Date => self.days(field, &text),
            Kind::Number(_) => self.amounts(field, &text, said.is_number()),
            Kind::Enum(choices) => self.choices(index, choices, &text),
            Kind::Boolean => self.truths(index, &text),
        };
        found.retain(|(parts, reading)| {
            let candidate = Candidate { parts: parts.clone(), reading: reading.clone(), key: String::new() };
            allowed(field, &candidate) && has_form(field, reading) && plausible(self.view, field, &candidate)
        });
        let evidence = found.into_iter().map(|(parts, reading)| Evidence {
            weak: self.is_weak(&parts, &reading),
            value: value_of(&reading, field),
            parts,
        });
        evidence.filter(|evidence| !evidence.value.is_null()).collect()
    }

    fn texts(&self, said: &str) -> Vec<(Parts, Reading)> {
        let found = self.places.of(said);
        if found.is_empty() {
            let within = self.places.within(said).into_iter();
            return within.map(|parts| (parts, Reading::Text(said.trim().to_owned()))).collect();
        }
        let read = |parts: Parts| {
            let value = with_edges_of(said, trim(&self.places.text(&parts)));
            (parts, Reading::Text(value))
        };
        found.into_iter().map(read).collect()
    }

    /// Days: as they are written, or as the same day.
    fn days(&self, field: &Field, said: &str) -> Vec<(Parts, Reading)> {
        let days = days_of(said);
        let is_said = |day: &str| days.iter().any(|said| said == day);
        let fits = |reading: &Reading| match reading {
            Reading::Date { iso, other, .. } => {
                days.is_empty() || is_said(iso) || other.as_deref().is_some_and(is_said)
            }
            _ => false,
        };
        // What may be two days is the one that was said.
        let settle = |reading: Reading| match reading {
            Reading::Date { iso, other: Some(other), plain } if !is_said(&iso) && is_said(&other) => {
                Reading::Date { iso: other, other: Some(iso), plain }
            }
            reading => reading,
        };
        let mut found = self.read(field, said);
        found.extend(self.candidates_in(&self.dates, said));
        found.retain(|(_, reading)| fits(reading));
        if found.is_empty() && !days.is_empty() {
            let same = self.dates.iter().filter(|candidate| fits(&candidate.reading));
            found = same.map(|c| (c.parts.clone(), c.reading.clone())).collect();
        }
        once(found.into_iter().map(|(parts, reading)| (parts, settle(reading))).collect())
    }

    /// Numbers: as they are written, or as the same number.
    fn amounts(&self, field: &Field, said: &str, is_json: bool) -> Vec<(Parts, Reading)> {
        let json: Vec<f64> =
            said.trim().parse().ok().into_iter().filter(|number: &f64| number.is_finite()).collect();
        let written = if is_json { Vec::new() } else { numbers_of(said) };
        let is_one = |numbers: &[f64], reading: &Reading| match reading {
            Reading::Number(found) => numbers.iter().any(|said| is_same(*said, found.value)),
            _ => false,
        };
        let mut found = self.read(field, said);
        let unread = json.is_empty() && written.is_empty();
        found.retain(|(_, reading)| unread || is_one(&json, reading) || is_one(&written, reading));
        if found.is_empty() {
            // JSON has one way to write a number; people have two.
            let numbers = if json.is_empty() { &written } else { &json };
            let same = self.numbers.iter().filter(|candidate| is_one(numbers, &candidate.reading));
            found = same.map(|c| (c.parts.clone(), c.reading.clone())).collect();
        }
        once(found)
    }

    fn choices(&self, index: usize, choices: &[String], said: &str) -> Vec<(Parts, Reading)> {
        let key = text::key(said);
        let own = self.own(index);
        match choices.iter().position(|choice| text::key(choice) == key) {
            Some(choice) => places(own, &Reading::Choice(choice)),
            None => self.candidates_in(own, said),
        }
    }

    fn truths(&self, index: usize, said: &str) -> Vec<(Parts, Reading)> {
        let own = self.own(index);
        let folded = text::fold(said.trim());
        let truth = match folded.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => own.iter().find_map(|candidate| match (&candidate.reading, candidate.parts.as_slice()) {
                (Reading::Truth(truth), [(start, _)]) if self.view.tokens[*start].folded == folded => {
                    Some(*truth)
                }
                _ => None,
            }),
        };
        match truth {
            Some(truth) => places(own, &Reading::Truth(truth)),
            None => self.candidates_in(own, said),
        }
    }

    /// What a text is read as where it stands.
    fn read(&self, field: &Field, said: &str) -> Vec<(Parts, Reading)> {
        let read = |parts: Parts| tables::read(self.view, &parts, &field.kind, self.habits);
        let cells = self.places.of(said).into_iter().filter_map(read);
        cells.map(|cell| (cell.parts, cell.reading)).collect()
    }

    /// The candidates within the places of a text, where they say one thing.
    fn candidates_in(&self, candidates: &[Candidate], said: &str) -> Vec<(Parts, Reading)> {
        let mut found: Vec<(Parts, Reading)> = Vec::new();
        for parts in self.places.of(said) {
            let inside: Vec<&Candidate> = parts
                .iter()
                .flat_map(|(start, end)| {
                    let first = candidates.partition_point(|candidate| candidate.start() < *start);
                    let from_here =
                        candidates[first..].iter().take_while(|candidate| candidate.start() < *end);
                    from_here.filter(|candidate| candidate.end() <= *end)
                })
                .collect();
            if let Some(first) = inside.first()
                && inside.iter().all(|candidate| candidate.reading == first.reading)
            {
                found.push((parts, first.reading.clone()));
            }
        }
        found
    }

    fn is_weak(&self, parts: &[(usize, usize)], reading: &Reading) -> bool {
        let words: usize = parts.iter().map(|(start, end)| end - start).sum();
        match reading {
            Reading::Truth(_) => words < 2,
            Reading::Choice(_) | Reading::Number(_) | Reading::Text(_) => {
                words < 2 && text::key(&self.places.text(parts)).chars().count() <= 2
            }
            Reading::Date { .. } => false,
        }
    }
}

/// A text of the document with the marks around it that were said of it: "Texas." at the end of a sentence is "Texas".
fn with_edges_of(said: &str, value: &str) -> String {
    let edges = |text: &str| {
        let core = text.trim_start_matches(|c: char| !c.is_alphanumeric());
        let inner = core.trim_end_matches(|c: char| !c.is_alphanumeric());
        (text.len() - core.len(), text.len() - core.len() + inner.len())
    };
    let ((start, end), (said_start, said_end)) = (edges(value), edges(said));
    let (Some(before), Some(after)) = (said.get(..said_start), said.get(said_end..)) else {
        return value.to_owned();
    };
    let before = if value[..start].ends_with(before) { before } else { "" };
    let after = if value[end..].starts_with(after) { after } else { "" };
    let cut = format!("{before}{}{after}", &value[start..end]);
    // What opens is closed.
    if cut.matches('(').count() == cut.matches(')').count() { cut } else { value.to_owned() }
}

/// Whether a text has the form that what it is about always has.
fn has_form(field: &Field, reading: &Reading) -> bool {
    let Reading::Text(value) = reading else { return true };
    match field.topic {
        Topic::Email => code::email(value).is_some(),
        Topic::Url => value.contains('.') && !value.contains(char::is_whitespace),
        Topic::Phone => value.chars().filter(char::is_ascii_digit).count() >= FEWEST_DIGITS,
        Topic::Iban => {
            let bare = value.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_uppercase());
            code::iban_shape(&bare.collect::<Vec<_>>())
        }
        _ => true,
    }
}

/// The days that a text may be.
fn days_of(said: &str) -> Vec<String> {
    // Of a day and a time as JSON has them, the day.
    let said = match said.trim().split_once('T') {
        Some((day, _)) if day.len() == 10 && day.bytes().all(|c| c.is_ascii_digit() || c == b'-') => day,
        _ => said,
    };
    let folded: Vec<String> = said.split_whitespace().map(text::fold).collect();
    let words: Vec<&str> = folded.iter().map(String::as_str).collect();
    let read = |order: Order| date::read(&words, order).map(|found| found.iso);
    [Order::DayFirst, Order::MonthFirst].into_iter().filter_map(read).collect()
}

/// The numbers that a text may be, as people write them.
fn numbers_of(said: &str) -> Vec<f64> {
    let folded = text::fold(said);
    let read = |mark: Mark| number::read(&folded, mark).map(|found| found.value);
    let mut numbers: Vec<f64> = [Mark::Point, Mark::Comma].into_iter().filter_map(read).collect();
    numbers.extend(number::word(folded.trim()));
    numbers
}

/// Where the candidates stand that mean this.
fn places(candidates: &[Candidate], reading: &Reading) -> Vec<(Parts, Reading)> {
    let same = candidates.iter().filter(|candidate| candidate.reading == *reading);
    same.map(|candidate| (candidate.parts.clone(), candidate.reading.clone())).collect()
}

/// Equal up to how floating point rounds.
fn is_same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

/// Each place once, in reading order.
fn once(mut found: Vec<(Parts, Reading)>) -> Vec<(Parts, Reading)> {
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.dedup_by(|a, b| a.0 == b.0);
    found
}
