//! What letters begin and end with, and how people are addressed in them.

use super::words::bare;

/// Whether a word begins a letter: "Dear", "Sehr geehrte".
pub(crate) fn is_greeting(folded: &str) -> bool {
    const GREETINGS: &[&str] = &[
        "dear",
        "hi",
        "hello",
        "hey",
        "sehr",
        "geehrte",
        "geehrter",
        "geehrten",
        "liebe",
        "lieber",
        "hallo",
        "guten",
        "bonjour",
        "cher",
        "chere",
        "estimado",
        "estimada",
        "hola",
        "gentile",
        "egregio",
        "spettabile",
        "spett.le",
        "caro",
        "cara",
        "geachte",
        "beste",
        "szanowny",
        "szanowna",
        "drogi",
        "droga",
    ];
    GREETINGS.contains(&folded.trim_matches(|c: char| !c.is_alphabetic()))
}

/// Whether words end a letter: "Yours sincerely", "Mit freundlichen Grüßen".
pub(crate) fn is_closing<'a>(mut folded: impl Iterator<Item = &'a str>) -> bool {
    const CLOSINGS: &[(&str, &str)] = &[
        ("yours", "sincerely"),
        ("yours", "faithfully"),
        ("yours", "truly"),
        ("kind", "regards"),
        ("best", "regards"),
        ("with", "kind"),
        ("mit", "freundlichen"),
        ("mit", "besten"),
        ("freundliche", "grusse"),
        ("viele", "grusse"),
        ("beste", "grusse"),
        ("cordialement", ""),
        ("bien", "cordialement"),
        ("salutations", ""),
        ("veuillez", "agreer"),
        ("atentamente", ""),
        ("saludos", ""),
        ("un", "saludo"),
        ("cordiali", "saluti"),
        ("distinti", "saluti"),
        ("met", "vriendelijke"),
        ("hoogachtend", ""),
        ("z", "powazaniem"),
        ("regards", ""),
        ("sincerely", ""),
    ];
    let mut next = || bare(folded.next().unwrap_or_default());
    let (first, second) = (next(), next());
    CLOSINGS.iter().any(|(one, two)| first == *one && (two.is_empty() || second == *two))
}

/// Whether a word begins the line of a person in an address: "Frau Lechner", "Attn: A. Rao".
pub(crate) fn is_honorific(folded: &str) -> bool {
    const HONORIFICS: &[&str] = &[
        "mr",
        "mrs",
        "ms",
        "miss",
        "mx",
        "dr",
        "prof",
        "herr",
        "herrn",
        "frau",
        "hr",
        "fr",
        "m",
        "mme",
        "mlle",
        "monsieur",
        "madame",
        "sr",
        "sra",
        "don",
        "dona",
        "sig",
        "sigra",
        "signor",
        "signora",
        "dhr",
        "mevr",
        "mw",
        "pan",
        "pani",
        "attn",
        "att",
        "attention",
        "zhd",
        "zh",
        "c/o",
        "co",
        "ktav",
        "tav",
    ];
    let bare: String = folded.chars().filter(|c| c.is_alphanumeric() || *c == '/').collect();
    HONORIFICS.contains(&bare.as_str())
}

/// Whether a word is how German addresses somebody before the name: no part of it.
pub(crate) fn is_form_of_address(folded: &str) -> bool {
    matches!(folded, "herr" | "herrn" | "frau")
}
