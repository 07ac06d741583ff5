//! Candidates of fields that name what they may be: choices, and yes or no.

use crate::engine::text;

use super::{Found, Reading, Runs};

/// What people write for common choices, in several languages.
const CHOICES: &[(&str, &[&str])] = &[
    (
        "m",
        &[
            "male",
            "m",
            "mannlich",
            "masculin",
            "hombre",
            "masculino",
            "maschio",
            "man",
            "mezczyzna",
            "homme",
            "herr",
            "mr",
        ],
    ),
    (
        "male",
        &[
            "male",
            "m",
            "mannlich",
            "masculin",
            "hombre",
            "masculino",
            "maschio",
            "man",
            "mezczyzna",
            "homme",
            "herr",
        ],
    ),
    (
        "f",
        &[
            "female", "f", "w", "weiblich", "feminin", "mujer", "femenino", "femmina", "vrouw", "kobieta",
            "femme", "frau",
        ],
    ),
    (
        "female",
        &[
            "female", "f", "w", "weiblich", "feminin", "mujer", "femenino", "femmina", "vrouw", "kobieta",
            "femme", "frau",
        ],
    ),
    ("x", &["x", "divers", "other", "diverse"]),
    ("yes", &["yes", "ja", "oui", "si", "y", "true", "tak"]),
    ("no", &["no", "nein", "non", "nee", "n", "false", "nie"]),
];

pub(super) fn choices_in(found: &mut Found<'_>, runs: &Runs, choices: &[String]) {
    let view = found.view;
    let mut forms: Vec<(String, usize)> = Vec::new();
    for (index, choice) in choices.iter().enumerate() {
        let key = text::key(choice);
        forms.push((key.clone(), index));
        for (name, others) in CHOICES {
            if *name == key {
                forms.extend(others.iter().map(|o| ((*o).to_owned(), index)));
            }
        }
    }
    let mut places: Vec<(usize, usize, usize)> = Vec::new();
    for (form, index) in forms {
        for &(start, end) in runs.of(&form) {
            // Hashes may meet: the words themselves decide.
            if text::key(&view.text(start, end)) == form {
                places.push((start, end, index));
            }
        }
    }
    // Where boxes stand before choices, those that are ticked were chosen.
    let ticked = |(start, end, _): &(usize, usize, usize)| {
        view.box_of(*start, *end).filter(|b| b.words.0 == *start || b.words.1 == *end).map(|b| b.ticked)
    };
    let some = places.iter().any(|place| ticked(place) == Some(true));
    for place in places {
        if ticked(&place) == Some(true) || (!some && ticked(&place).is_none()) {
            found.add(vec![(place.0, place.1)], Reading::Choice(place.2), place.2.to_string());
        }
    }
}

const YES: &[&str] = &["yes", "ja", "oui", "si", "true", "x", "tak", "wahr", "vrai"];
const NO: &[&str] = &["no", "nein", "non", "false", "nee", "nie", "falsch", "faux"];

/// What a word answers.
fn answer(folded: &str) -> Option<bool> {
    let bare = folded.trim_matches([',', '.', ';', ':', ')', '(']);
    if YES.contains(&bare) {
        Some(true)
    } else if NO.contains(&bare) {
        Some(false)
    } else {
        None
    }
}

pub(super) fn truths(found: &mut Found<'_>) {
    let view = found.view;
    for of in &view.boxes {
        let (first, last) = of.words;
        let only = (last == first + 1).then(|| answer(&view.tokens[first].folded)).flatten();
        match only {
            // "☒ No": the box says which answer was given. One that is empty says nothing.
            Some(truth) if of.ticked => {
                let (start, end) = (of.start.min(first), of.end.max(last));
                found.add(vec![(start, end)], Reading::Truth(truth), truth.to_string());
            }
            Some(_) => {}
            None => found.add(vec![(of.start, of.end)], Reading::Truth(of.ticked), of.ticked.to_string()),
        }
    }
    for (i, token) in view.tokens.iter().enumerate() {
        let Some(truth) = answer(&token.folded) else { continue };
        if view.box_of(i, i + 1).is_none() {
            found.add(vec![(i, i + 1)], Reading::Truth(truth), truth.to_string());
        }
    }
}
