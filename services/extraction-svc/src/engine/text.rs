//! Text as it is compared: folded, without marks, in tokens.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Lower case without marks, in compatibility form: "Straße" and "STRASSE" are one, so are "é" and "e".
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd() {
        match c {
            'ß' => folded.push_str("ss"),
            'ł' | 'Ł' => folded.push('l'),
            'ø' | 'Ø' => folded.push('o'),
            'æ' | 'Æ' => folded.push_str("ae"),
            'œ' | 'Œ' => folded.push_str("oe"),
            'đ' | 'Đ' => folded.push('d'),
            'ı' => folded.push('i'),
            '’' | '‘' | '`' | '´' => folded.push('\''),
            '–' | '—' | '−' | '‐' | '‑' => folded.push('-'),
            c if is_combining_mark(c) => {}
            c => folded.extend(c.to_lowercase()),
        }
    }
    folded
}

/// Only letters and digits, folded: the form in which two texts are the same text.
#[must_use]
pub fn key(text: &str) -> String {
    fold(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The words of a property's name: "camelCase" and "snake_case" fall apart.
#[must_use]
pub fn words_of_name(text: &str) -> Vec<String> {
    let mut spread = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    for c in text.chars() {
        if before.is_lowercase() && c.is_uppercase() {
            spread.push(' ');
        }
        spread.push(c);
        before = c;
    }
    words(&spread)
}

/// The words of a label: runs of letters or of digits, folded.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let folded = fold(text);
    let mut words = Vec::new();
    let mut word = String::new();
    let mut digits = false;
    let letters: Vec<char> = folded.chars().collect();
    for (i, &c) in letters.iter().enumerate() {
        let dotted = c == '.'
            && i > 0
            && letters[i - 1].is_alphabetic()
            && (i < 2 || !letters[i - 2].is_alphabetic())
            && letters.get(i + 1).is_some_and(|c| c.is_alphabetic())
            && letters.get(i + 2).is_none_or(|c| !c.is_alphabetic());
        if dotted || (c == '\'' && !word.is_empty() && letters.get(i + 1) == Some(&'s')) {
            continue;
        }
        if c == '#' || c == '№' {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            words.push("#".to_owned());
            continue;
        }
        if !c.is_alphanumeric() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        if !word.is_empty() && c.is_ascii_digit() != digits {
            words.push(std::mem::take(&mut word));
        }
        digits = c.is_ascii_digit();
        word.push(c);
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// A stable hash (FNV-1a) for features that are named by texts.
#[must_use]
pub fn hash(parts: &[&str]) -> u32 {
    let mut h: u32 = 0x811c_9dc5;
    for part in parts {
        for &b in part.as_bytes() {
            h = (h ^ u32::from(b)).wrapping_mul(0x0100_0193);
        }
        h = (h ^ 0x1f).wrapping_mul(0x0100_0193);
    }
    h
}

/// The shape of a word: "A0042" is "X9", "Inc." is "Xx.".
#[must_use]
pub fn shape(word: &str) -> String {
    let mut shape = String::new();
    let mut last = ' ';
    for c in word.chars() {
        let s = if c.is_numeric() {
            '9'
        } else if c.is_uppercase() {
            'X'
        } else if c.is_alphabetic() {
            'x'
        } else {
            c
        };
        if s != last {
            shape.push(s);
            last = s;
        }
        if shape.len() >= 12 {
            break;
        }
    }
    shape
}
