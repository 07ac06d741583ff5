//! What labels mean, in several languages: words and phrases of business documents in general, as concepts.
//!
//! A concept is what fields and labels are compared by: "Rechnungsdatum", "date of invoice" and "Facture: date"
//! all mean {invoice, date}. Nothing here comes from a certain document or layout.

use std::collections::HashMap;
use std::sync::OnceLock;

/// Concepts with a weight: how much it says when two labels share it. Light ones are the heads of many labels.
/// A line: `concepts weight: phrase, phrase …`; several concepts are joined by `+`.
const CONCEPTS: &str = include_str!("lexicon.txt");

/// Words that say nothing in a label.
const EMPTY: &str = "the a an who that which if any above below different where appropriate include of to for on by in at from as is are with and or your our this that please de la le les du des el los las del di da do dos das der die das den dem des ein eine und oder fur von vom zu zum zur im am an auf pour par et ou en au aux van het een voor op te z na od do dla w i o e y per si betragt belauft lautet ist wird bedraagt wynosi ammonta asciende eleve";

/// One concept or word of a label.
pub type Concept = u32;

/// The vocabulary.
pub struct Lexicon {
    phrases: HashMap<String, Vec<Concept>>,
    weights: HashMap<Concept, f32>,
    empty: std::collections::HashSet<&'static str>,
    names: HashMap<&'static str, Concept>,
    longest: usize,
}

/// The one vocabulary that is compiled in.
pub fn lexicon() -> &'static Lexicon {
    static LEXICON: OnceLock<Lexicon> = OnceLock::new();
    LEXICON.get_or_init(Lexicon::read)
}

/// A label as concepts, each with its weight.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Meaning {
    /// The concepts without doubles.
    pub concepts: Vec<(Concept, f32)>,
    /// What its first clause means: "Address (number, street …)" is an address.
    pub clause: Option<Box<Meaning>>,
    /// The number that begins it, as lines of forms have.
    pub number: Option<String>,
}

impl Lexicon {
    fn read() -> Self {
        let mut lexicon = Self {
            phrases: HashMap::new(),
            weights: HashMap::new(),
            empty: EMPTY.split_whitespace().collect(),
            names: HashMap::new(),
            longest: 1,
        };
        for line in CONCEPTS.lines() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((head, phrases)) = line.split_once(':') else { continue };
            let mut head = head.split_whitespace();
            let concepts: Vec<Concept> = head
                .next()
                .unwrap_or_default()
                .split('+')
                .map(|name| {
                    let concept = super::text::hash(&["concept", name]);
                    lexicon.names.insert(name, concept);
                    concept
                })
                .collect();
            // A line of several concepts weighs none of them: "delivery date" makes no date heavier.
            let weight = head.next().and_then(|w| w.parse::<f32>().ok()).unwrap_or(1.0);
            if let [one] = concepts[..] {
                lexicon.weights.insert(one, weight);
            } else {
                for concept in &concepts {
                    lexicon.weights.entry(*concept).or_insert(weight.max(1.0));
                }
            }
            for phrase in phrases.split(',') {
                let words = super::text::words(phrase);
                lexicon.longest = lexicon.longest.max(words.len());
                lexicon.phrases.insert(words.join(" "), concepts.clone());
            }
        }
        lexicon
    }

    /// A concept by its name in the vocabulary.
    #[must_use]
    pub fn concept(&self, name: &str) -> Concept {
        self.names.get(name).copied().unwrap_or_else(|| super::text::hash(&["concept", name]))
    }

    fn weight(&self, concept: Concept) -> f32 {
        self.weights.get(&concept).copied().unwrap_or(1.0)
    }

    /// Whether a concept is one of the vocabulary, not just a word that stands for itself.
    #[must_use]
    pub fn is_known(&self, concept: Concept) -> bool {
        self.weights.contains_key(&concept)
    }

    /// Whether a (folded) word is in the vocabulary of labels.
    #[must_use]
    pub fn knows(&self, word: &str) -> bool {
        self.phrases.contains_key(word)
    }

    /// Whether a (folded) word says nothing in a label.
    #[must_use]
    pub fn is_empty_word(&self, word: &str) -> bool {
        self.empty.contains(word)
    }

    /// What a label means. Words that the vocabulary does not know stand for themselves.
    #[must_use]
    pub fn meaning(&self, words: &[String]) -> Meaning {
        let mut meaning = Meaning::default();
        let mut i = 0;
        while i < words.len() {
            let mut taken = 0;
            for n in (1..=self.longest.min(words.len() - i)).rev() {
                let phrase = words[i..i + n].join(" ");
                if let Some(concepts) = self.phrases.get(&phrase) {
                    for c in concepts {
                        self.add(&mut meaning, *c, self.weight(*c));
                    }
                    taken = n;
                    break;
                }
            }
            if taken > 0 {
                i += taken;
                continue;
            }
            let word = &words[i];
            i += 1;
            if self.empty.contains(word.as_str()) {
                continue;
            }
            if let Some(concepts) = self.compound(word) {
                for c in concepts {
                    self.add(&mut meaning, c, self.weight(c));
                }
                continue;
            }
            let stem = if word.len() == 3 { word.strip_suffix('s').unwrap_or(word) } else { stem(word) };
            if let Some(concepts) = self.phrases.get(stem) {
                for c in concepts {
                    self.add(&mut meaning, *c, self.weight(*c));
                }
                continue;
            }
            let weight = if word.chars().all(|c| c.is_ascii_digit()) {
                0.35
            } else if word.len() < 3 {
                0.5
            } else {
                1.0
            };
            self.add(&mut meaning, super::text::hash(&["word", stem]), weight);
        }
        meaning
    }
    fn add(&self, meaning: &mut Meaning, concept: Concept, weight: f32) {
        if !meaning.concepts.iter().any(|(c, _)| *c == concept) {
            meaning.concepts.push((concept, weight));
        }
    }

    /// "rechnungsnummer" is "rechnung" and "nummer".
    fn compound(&self, word: &str) -> Option<Vec<Concept>> {
        if word.len() < 7 || !word.is_ascii() {
            return None;
        }
        for split in (3..=word.len() - 3).rev() {
            let (head, tail) = word.split_at(split);
            let Some(tail) = self.phrases.get(tail) else { continue };
            let full = format!("{head}e");
            let bare = [
                head,
                head.trim_end_matches('s'),
                head.trim_end_matches('n'),
                head.trim_end_matches("es"),
                // "Mietbeginn" is of the "Miete".
                full.as_str(),
            ];
            for bare in bare {
                if let Some(concepts) = self.phrases.get(bare) {
                    let mut all = concepts.clone();
                    all.extend(tail);
                    return Some(all);
                }
            }
        }
        None
    }
}

/// A word without the endings of plurals.
fn stem(word: &str) -> &str {
    if word.len() > 4 {
        if let Some(stem) = word.strip_suffix("es")
            && (stem.ends_with("ss") || stem.ends_with('x') || stem.ends_with("ch"))
        {
            return stem;
        }
        if let Some(stem) = word.strip_suffix('s')
            && !stem.ends_with('s')
        {
            return stem;
        }
    }
    word
}

impl Meaning {
    /// The sum of the weights.
    #[must_use]
    pub fn weight(&self) -> f32 {
        self.concepts.iter().map(|(_, w)| w).sum()
    }

    /// Whether it holds a concept.
    #[must_use]
    pub fn has(&self, concept: Concept) -> bool {
        self.concepts.iter().any(|(c, _)| *c == concept)
    }
}
