//! Candidates: spans of a document that can be a value of some kind.

use std::collections::{HashMap, HashSet};

mod choices;
mod texts;
mod typed;

use super::layout::View;
use super::recognise::code;
use super::recognise::date::{self, Order};
use super::recognise::number::{self, Mark};
use super::schema::{Field, Kind, Topic};
use super::text;

use choices::{choices_in, truths};
use texts::{blocks, texts};
pub(crate) use texts::{is_prose, next_line};
use typed::{combs, currencies, dates, durations, ibans, ids, numbers, runs, single};

/// The most candidates of one kind in a document; the first ones stay.
const MAX_CANDIDATES: usize = 4_000;

/// What a candidate means.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reading {
    Text(String),
    Date { iso: String, other: Option<String>, plain: bool },
    Number(number::Found),
    Choice(usize),
    Truth(bool),
}

/// A span that can be a value.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// Ranges of tokens, one a line.
    pub parts: Vec<(usize, usize)>,
    pub reading: Reading,
    /// The form in which two candidates are the same answer.
    pub key: String,
}

impl Candidate {
    pub(crate) fn start(&self) -> usize {
        self.parts[0].0
    }

    pub(crate) fn end(&self) -> usize {
        self.parts[self.parts.len() - 1].1
    }
}

/// Which pool of candidates a field draws from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Pool {
    Dates,
    Numbers,
    Emails,
    Urls,
    Phones,
    Ibans,
    Ids,
    Currencies,
    Durations,
    Texts,
    Blocks,
    /// Of the field alone.
    Own,
}

pub(crate) fn pool_of(field: &Field) -> Pool {
    match &field.kind {
        Kind::Date => Pool::Dates,
        Kind::Number(_) => Pool::Numbers,
        Kind::Boolean | Kind::Enum(_) => Pool::Own,
        Kind::Text => match field.topic {
            Topic::Email => Pool::Emails,
            Topic::Url => Pool::Urls,
            Topic::Phone => Pool::Phones,
            Topic::Iban => Pool::Ibans,
            Topic::Id => Pool::Ids,
            Topic::Currency => Pool::Currencies,
            Topic::Duration => Pool::Durations,
            Topic::Address => Pool::Blocks,
            Topic::Any
            | Topic::Organization
            | Topic::Person
            | Topic::Name
            | Topic::Place
            | Topic::Heading => Pool::Texts,
        },
    }
}

/// How a document writes dates and numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habits {
    pub order: Order,
    pub mark: Mark,
}

impl Habits {
    pub(crate) fn of(view: &View) -> Self {
        let tokens: Vec<&str> = view.tokens.iter().map(|t| t.folded.as_str()).collect();
        Self { order: date::order_of(&tokens, view.order), mark: number::mark_of(tokens.iter().copied()) }
    }
}

/// The candidates of a pool.
pub(crate) fn candidates(view: &View, pool: Pool, habits: Habits) -> Vec<Candidate> {
    let mut found = Found { view, list: Vec::new(), seen: HashSet::new() };
    match pool {
        Pool::Dates => dates(&mut found, habits.order),
        Pool::Numbers => numbers(&mut found, habits.mark),
        Pool::Emails => single(&mut found, code::email),
        Pool::Urls => single(&mut found, code::url),
        Pool::Phones => runs(&mut found, 6, |t| t.len() < 30 && code::is_phone(t)),
        Pool::Ibans => ibans(&mut found),
        Pool::Ids => {
            let taken = combs(&mut found);
            ids(&mut found, &taken);
        }
        Pool::Currencies => currencies(&mut found),
        Pool::Durations => durations(&mut found),
        Pool::Texts => texts(&mut found),
        Pool::Blocks => {
            // Lines and what goes over lines share the room, so that neither takes it all.
            blocks(&mut found);
            found.list.truncate(MAX_CANDIDATES / 2);
            texts(&mut found);
        }
        Pool::Own => {}
    }
    found.list
}

/// Where runs of a few words stand, by their key: a schema may name ten thousand choices.
pub(crate) struct Runs(HashMap<u32, Vec<(usize, usize)>>);

impl Runs {
    /// The longest choice that is found, in words.
    const LONGEST: usize = 5;
    /// The most places of one.
    const MOST: usize = 200;

    pub(crate) fn of_view(view: &View) -> Self {
        let mut runs: HashMap<u32, Vec<(usize, usize)>> = HashMap::new();
        for segment in &view.segments {
            for start in segment.start..segment.end {
                for end in start + 1..=segment.end.min(start + Self::LONGEST) {
                    let key = text::key(&view.text(start, end));
                    let places = runs.entry(text::hash(&[&key])).or_default();
                    if places.len() < Self::MOST {
                        places.push((start, end));
                    }
                }
            }
        }
        Self(runs)
    }

    fn of(&self, key: &str) -> &[(usize, usize)] {
        self.0.get(&text::hash(&[key])).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The candidates of a field that has a pool of its own: choices and yes or no.
pub(crate) fn own_candidates(view: &View, runs: &Runs, field: &Field) -> Vec<Candidate> {
    let mut found = Found { view, list: Vec::new(), seen: HashSet::new() };
    match &field.kind {
        Kind::Enum(choices) => choices_in(&mut found, runs, choices),
        Kind::Boolean => truths(&mut found),
        _ => {}
    }
    found.list
}

struct Found<'a> {
    view: &'a View,
    list: Vec<Candidate>,
    seen: HashSet<(usize, usize, usize)>,
}

impl Found<'_> {
    fn add(&mut self, parts: Vec<(usize, usize)>, reading: Reading, key: String) {
        if self.list.len() < MAX_CANDIDATES
            && !key.is_empty()
            && self.seen.insert((parts[0].0, parts[parts.len() - 1].1, parts.len()))
        {
            self.list.push(Candidate { parts, reading, key });
        }
    }

    fn add_text(&mut self, parts: Vec<(usize, usize)>) {
        let joined: Vec<String> = parts.iter().map(|(s, e)| self.view.text(*s, *e)).collect();
        let value = trim(&joined.join(" ")).to_owned();
        let key = text::key(&value);
        self.add(parts, Reading::Text(value), key);
    }
}

/// A text without the marks that stand around a value.
pub(crate) fn trim(value: &str) -> &str {
    let value = value
        .trim_matches(|c: char| c.is_whitespace() || ",;:|•*·\"“”_=►▪‣".contains(c))
        .trim_start_matches(['-', '–', '.', ')'])
        .trim();
    // The mark "A-" is one.
    let mark = value.len() == 2 && value.starts_with(|c: char| c.is_ascii_uppercase());
    let value = if mark { value } else { value.trim_end_matches(['-', '–', '(', '[']).trim_end() };
    let opens = value.matches('(').count();
    let closes = value.matches(')').count();
    let value = if closes > opens { value.trim_end_matches(')') } else { value };
    if opens > closes { value.trim_start_matches('(') } else { value }
}
