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
    for (form, index) in forms {
        for &(start, end) in runs.of(&form) {
            // Hashes may meet: the words themselves decide.
            if text::key(&view.text(start, end)) == form {
                found.add(vec![(start, end)], Reading::Choice(index), index.to_string());
            }
        }
    }
}

pub(super) fn truths(found: &mut Found<'_>) {
    const YES: &[&str] =
        &["yes", "ja", "oui", "si", "true", "x", "tak", "☒", "☑", "✓", "✔", "✗", "[x]", "wahr", "vrai"];
    const NO: &[&str] = &["no", "nein", "non", "false", "nee", "nie", "☐", "□", "[]", "falsch", "faux"];
    let view = found.view;
    for (i, token) in view.tokens.iter().enumerate() {
        let bare = token.folded.trim_matches([',', '.', ';', ':']);
        let truth = if YES.contains(&bare) {
            true
        } else if NO.contains(&bare) {
            false
        } else {
            continue;
        };
        found.add(vec![(i, i + 1)], Reading::Truth(truth), truth.to_string());
    }
}
