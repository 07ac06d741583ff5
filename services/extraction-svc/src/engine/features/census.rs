//! What all candidates of a document say together: how often, how much, how early.

use crate::engine::candidate::{Candidate, Reading};
use crate::engine::layout::View;
use crate::engine::recognise::{code, words};
use crate::engine::text;

/// The highest amount that is compared with others.
const MOST_CENTS: i64 = 1_000_000_000_000;

/// What a document says about all candidates of a pool together.
pub(crate) struct Census {
    pub counts: std::collections::HashMap<String, usize>,
    pub largest: f64,
    pub amounts: Vec<i64>,
    pub earliest: String,
    pub latest: String,
    pub emails: Vec<String>,
    pub first_company: Option<usize>,
    /// The row of the first "Arlington, TX 76011": a document begins with the address of whom it is about.
    pub first_place: Option<usize>,
    /// The highest degree that is spoken of.
    pub degree: f32,
}

impl Census {
    pub(crate) fn of(view: &View, candidates: &[Candidate]) -> Self {
        let mut census = Self {
            counts: std::collections::HashMap::new(),
            largest: f64::MIN,
            amounts: Vec::new(),
            earliest: "9999".to_owned(),
            latest: String::new(),
            emails: Vec::new(),
            first_company: None,
            first_place: first_place(view),
            degree: view
                .tokens
                .iter()
                .take(3_000)
                .filter(|t| words::is_capital(&t.text))
                .map(|t| degree(&t.folded))
                .fold(0.0, f32::max),
        };
        for candidate in candidates {
            *census.counts.entry(candidate.key.clone()).or_default() += 1;
            match &candidate.reading {
                Reading::Number(n) if n.decimals == 2 && !n.percent && !n.glued => {
                    census.largest = census.largest.max(n.value);
                    census.amounts.push(cents(n.value));
                }
                Reading::Date { iso, .. } => {
                    if *iso < census.earliest {
                        census.earliest.clone_from(iso);
                    }
                    if *iso > census.latest {
                        census.latest.clone_from(iso);
                    }
                }
                _ => {}
            }
        }
        census.amounts.sort_unstable();
        census.amounts.dedup();
        census.amounts.truncate(400);
        for token in &view.tokens {
            if let Some(mail) = code::email(&token.text) {
                census.emails.push(text::key(mail.split('@').next().unwrap_or_default()));
                if census.emails.len() >= 5 {
                    break;
                }
            }
        }
        census.first_company = view.segments.iter().take(60).position(|s| {
            view.tokens[s.start..s.end].iter().any(|t| words::is_legal_form(&t.folded)) && s.end - s.start > 1
        });
        census
    }

    /// Where an amount, a usual share of it and their sum stand in a document: 1 for the sum, which has the tax in it, -1
    /// for what is taxed.
    pub(super) fn with_tax(&self, cents: i64) -> f32 {
        const RATES: std::ops::RangeInclusive<i64> = 4..=27;
        // The least tax that is no coincidence, and what a sum is rounded by.
        const LEAST: i64 = 10;
        const COIN: i64 = 4;
        let near = |amount: i64, by: i64| {
            let from = self.amounts.partition_point(|a| *a < amount - by);
            self.amounts[from..].iter().copied().take_while(move |a| *a <= amount + by)
        };
        let tax = |net: i64, rate: i64| (net * rate + 50) / 100;
        let taxed = |net: i64, sum: i64| {
            RATES
                .map(|rate| tax(net, rate))
                .filter(|t| *t >= LEAST)
                .any(|t| near(t, 1).any(|listed| (net + listed - sum).abs() <= COIN))
        };
        if !(1..=MOST_CENTS).contains(&cents) {
            return 0.0;
        }
        let net = RATES
            .map(|rate| tax(cents, rate))
            .filter(|t| *t >= LEAST)
            .any(|t| near(t, 1).next().is_some() && near(cents + t, COIN).next().is_some());
        let sum = self.amounts.iter().any(|net| *net > 0 && *net < cents && taxed(*net, cents));
        f32::from(u8::from(sum)) - f32::from(u8::from(net))
    }

    /// Where cash is rounded to five cents and the difference stands there, too: 1 for the amount that is paid, -1 for the
    /// one before.
    pub(super) fn rounded(&self, cents: i64) -> f32 {
        const COIN: i64 = 5;
        let has = |amount: i64| self.amounts.binary_search(&amount).is_ok();
        let told = |difference: i64| has(difference) || has(-difference);
        let found = (1..COIN).any(|d| told(d) && (has(cents + d) || has(cents - d)));
        let whole = cents % COIN == 0;
        let other = |d: i64| (cents + d) % COIN == 0 && has(cents + d);
        if cents <= COIN || !found {
            0.0
        } else if whole {
            1.0
        } else if (1..COIN).any(|d| told(d) && (other(d) || other(-d))) {
            -1.0
        } else {
            0.0
        }
    }
}

fn first_place(view: &View) -> Option<usize> {
    let at = view.tokens.windows(3).position(|t| {
        t[0].text.ends_with(',')
            && words::is_state(&t[1].text, &t[1].folded)
            && t[2].text.starts_with(|c: char| c.is_ascii_digit())
    })?;
    Some(view.segments[view.tokens[at].segment].row)
}

pub(super) fn cents(value: f64) -> i64 {
    (value * 100.0).round().clamp(-1e15, 1e15) as i64
}
pub(super) fn ratio(part: usize, whole: usize) -> f32 {
    part as f32 / whole.max(1) as f32
}

/// Degrees from the lower to the higher.
const DEGREES: &[(&str, f32)] = &[
    ("certificate", 0.1),
    ("diploma", 0.2),
    ("associate", 0.25),
    ("abitur", 0.15),
    ("bachelor", 0.5),
    ("bsc", 0.5),
    ("ba", 0.5),
    ("beng", 0.5),
    ("licence", 0.45),
    ("diplom", 0.6),
    ("master", 0.7),
    ("msc", 0.7),
    ("mba", 0.7),
    ("ma", 0.7),
    ("meng", 0.7),
    ("magister", 0.7),
    ("doctor", 1.0),
    ("phd", 1.0),
    ("doctorate", 1.0),
    ("dr", 0.9),
    ("doktor", 1.0),
    ("promotion", 0.9),
    ("doctorat", 1.0),
];

pub(super) fn degree(folded: &str) -> f32 {
    let bare = words::bare(folded);
    DEGREES.iter().find(|(w, _)| *w == bare).map_or(0.0, |(_, level)| *level)
}

/// Where a document tells of several degrees: 1 beside the highest, 0 far from it.
pub(super) fn rank_of_degree(view: &View, candidate: &Candidate, census: &Census) -> f32 {
    if census.degree == 0.0 {
        return 0.0;
    }
    let segment = view.tokens[candidate.start()].segment;
    let row = view.segments[segment].row;
    let level = |r: usize| {
        view.rows.get(r).map_or(0.0, |row| {
            row.segments
                .clone()
                .flat_map(|s| view.segments[s].start..view.segments[s].end)
                .map(|i| degree(&view.tokens[i].folded))
                .fold(0.0, f32::max)
        })
    };
    let own = level(row);
    let near = if own > 0.0 { own } else { (if row > 0 { level(row - 1) } else { 0.0 }).max(0.0) };
    let near = if near > 0.0 { near } else { 0.9 * level(row + 1) };
    if near >= census.degree {
        1.0
    } else if near > 0.0 {
        -0.5
    } else {
        0.0
    }
}
