//! What segments mean as labels: of a form's numbered lines, over several lines, as a whole or by their first clause.

use super::pieces::Piece;
use super::{Token, View, overlap};
use crate::document::Page;
use crate::engine::lexicon::{Meaning, lexicon};
use crate::engine::recognise::words;
use crate::engine::text;

/// From so many lines with numbers of their own on, a page is a form.
const FORM_LINES: usize = 5;
/// The longest label that is read whole where its first clause is a label, too, in words.
const LONGEST_WITH_CLAUSE: usize = 12;
/// The longest label of a form's line that the vocabulary does not know, in words.
const LONGEST_UNKNOWN: usize = 12;

/// The number of a form's line: "7", "7.", "1a".
fn line_number(word: &str) -> Option<&str> {
    let bare = word.trim_end_matches(['.', ')']);
    let digits = bare.bytes().take_while(u8::is_ascii_digit).count();
    let letter = bare[digits..].bytes().all(|b| b.is_ascii_lowercase());
    ((1..=2).contains(&digits) && bare.len() <= digits + 1 && letter).then(|| &bare[..digits])
}

fn letters(word: &str) -> usize {
    word.chars().filter(|c| c.is_alphabetic()).count()
}

/// Whether a page is a form: boxes and lines with numbers, each with words behind it.
pub(super) fn is_form(page: &Page, pieces: &[Piece]) -> bool {
    let mut seen = [false; 100];
    for piece in pieces.iter().filter(|p| p.cell.is_none()) {
        let [first, second, ..] = piece.words[..] else { continue };
        let word = page.words[first].text.as_str();
        if let Some(n) = line_number(word).filter(|n| n.len() == word.len())
            && page.words[second].text.starts_with(char::is_uppercase)
            && letters(&page.words[second].text) >= 3
            && let Ok(n) = n.parse::<usize>()
        {
            seen[n] = true;
        }
    }
    seen.iter().filter(|s| **s).count() >= FORM_LINES
}

/// Makes one of a line's number that stands apart and its label, in rows that hold nothing but such; leaves out the
/// dots that lead the eye from one end of a row to the other.
pub(super) fn tidy(page: &Page, mut row: Vec<Piece>) -> Vec<Piece> {
    const LEADERS: usize = 3;
    let text = |p: &Piece, i: usize| p.words.get(i).map_or("", |w| page.words[*w].text.as_str());
    let leads = |p: &Piece| p.words.len() == 1 && text(p, 0).bytes().all(|b| matches!(b, b'.' | b'_'));
    if row.iter().filter(|p| leads(p)).count() >= LEADERS {
        row.retain(|p| !leads(p));
    }
    let lone = |p: &Piece| p.cell.is_none() && p.words.len() == 1 && line_number(text(p, 0)).is_some();
    let worded = |p: &Piece| {
        p.cell.is_none()
            && letters(text(p, 0)) >= 2
            && !p.words.iter().any(|w| page.words[*w].text.contains(|c: char| c.is_ascii_digit()))
    };
    if !row.iter().any(lone) || !row.iter().all(|p| lone(p) || worded(p)) {
        return row;
    }
    let mut tidied: Vec<Piece> = Vec::with_capacity(row.len());
    for piece in row {
        match tidied.last_mut() {
            Some(last)
                if lone(last)
                    && worded(&piece)
                    && piece
                        .words
                        .iter()
                        .flat_map(|w| text::words(&page.words[*w].text))
                        .any(|w| lexicon().knows(&w)) =>
            {
                last.bounds = last.bounds.union(&piece.bounds);
                last.words.extend(piece.words);
            }
            _ => tidied.push(piece),
        }
    }
    tidied
}

/// The number with which a line of a form begins. `form`: the page is one, and the row holds no amount.
pub(super) fn numbered(tokens: &[Token], form: bool) -> Option<String> {
    let [first, second, ..] = tokens else { return None };
    let number = line_number(&first.folded)?;
    // "14 Station Street" is an address, "3 Street address" the line of a form, "30 days" a span of time.
    let street = tokens.iter().any(|t| words::is_street_word(&t.folded))
        && !tokens.iter().any(|t| t.folded.starts_with("addr"));
    let known = tokens[1..].iter().take(9).flat_map(|t| text::words(&t.text)).any(|w| lexicon().knows(&w));
    let unknown = form
        && first.folded.len() == number.len()
        && tokens.len() <= LONGEST_UNKNOWN
        && second.text.starts_with(char::is_uppercase)
        && letters(&second.text) >= 3;
    let good = letters(&second.text) >= 2 && !words::is_time_unit(&second.folded);
    (good && ((known && !street) || unknown)).then(|| number.to_owned())
}

impl View {
    /// "Exemption from FATCA reporting" and, below it, "code (if any)" are one label: the second line stands for both.
    pub(super) fn join_labels(&mut self) {
        const MOST: usize = 12;
        for second in 0..self.segments.len() {
            let Some(first) = self.segments[second].above else { continue };
            let (a, b) = (&self.segments[first], &self.segments[second]);
            let goes_on = self.tokens[b.start].text.starts_with(|c: char| c.is_lowercase() || c == '(');
            let near = b.bounds.top - a.bounds.bottom() < 0.6 * b.bounds.height.max(1e-4)
                && (a.bounds.left - b.bounds.left).abs() < 0.03
                && overlap(&a.bounds, &b.bounds) > 0.5;
            let short = a.end - a.start + b.end - b.start <= MOST
                || (a.meaning.clause.is_some() && b.end - b.start <= MOST);
            let label = !a.meaning.concepts.is_empty() && !a.colon && !a.has_digit && !b.has_digit;
            if !(goes_on && near && short && label && a.cell == b.cell) {
                continue;
            }
            let joined = match &a.meaning.clause {
                Some(clause) => clause.as_ref().clone(),
                None => {
                    let mut words = Vec::new();
                    for token in self.tokens[a.start..a.end].iter().chain(&self.tokens[b.start..b.end]) {
                        words.extend(text::words(&token.text));
                    }
                    if a.meaning.number.is_some() && !words.is_empty() {
                        words.remove(0);
                    }
                    lexicon().meaning(&words)
                }
            };
            let number = a.meaning.number.clone();
            let meaning = &mut self.segments[second].meaning;
            meaning.clause = Some(Box::new(joined));
            if meaning.number.is_none() {
                meaning.number = number;
            }
        }
    }
}

/// What a segment means as a label: as a whole where it is short, and by its first clause.
pub(super) fn label(tokens: &[Token], number: Option<String>) -> Meaning {
    const MOST: usize = 9;
    let tokens = &tokens[usize::from(number.is_some())..];
    let mut whole = if tokens.len() <= MOST { meaning(tokens) } else { Meaning::default() };
    let stop = tokens.iter().enumerate().position(|(i, t)| {
        i > 0 && t.text.starts_with(['(', '['])
            || (t.text.ends_with(['.', ',', ';']) && t.text.chars().count() > 3)
            || t.text.contains('/') && i > 0
    });
    if let Some(stop) = stop {
        let end = if tokens[stop].text.starts_with(['(', '[']) { stop } else { stop + 1 };
        if (1..=MOST).contains(&end) && end < tokens.len() {
            whole.clause = Some(Box::new(meaning(&tokens[..end])));
        }
    }
    if whole.concepts.is_empty()
        && let Some(clause) = &whole.clause
    {
        whole.concepts = if tokens.len() <= LONGEST_WITH_CLAUSE {
            meaning(tokens).concepts
        } else {
            clause.concepts.clone()
        };
    }
    whole.number = number;
    whole
}

/// What tokens mean as a label.
pub(crate) fn meaning(tokens: &[Token]) -> Meaning {
    let mut words = Vec::new();
    for token in tokens {
        words.extend(text::words(&token.text));
    }
    lexicon().meaning(&words)
}
