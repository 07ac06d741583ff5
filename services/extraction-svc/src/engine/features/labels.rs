//! A field's label and the labels of a document, compared by what they mean.

use crate::engine::candidate::{Candidate, Reading};
use crate::engine::context::Context;
use crate::engine::layout::{View, meaning};
use crate::engine::lexicon::{Concept, Meaning, lexicon};
use crate::engine::schema::{CompiledSchema, Field, Kind};

use super::beside::stacked;
use super::duration;

/// The readings of a field's label, each with how far it is trusted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Labels {
    pub readings: Vec<(Meaning, f32)>,
    pub description: Meaning,
    /// Sections in which such a value stands: a position under "Experience".
    pub related: Vec<u32>,
    /// The number of the line of a form.
    pub number: Option<String>,
    /// Of a period: it asks for its begin, or for its end.
    pub begins: bool,
    pub ends: bool,
    /// It asks for the present one, or for the highest.
    pub current: bool,
    pub highest: bool,
    /// It asks for somebody beside the matter: an author, an emergency contact.
    pub of_stranger: bool,
}

/// Which sections hold what.
const RELATED: &[(&str, &str)] = &[
    ("position", "experience"),
    ("employer", "experience"),
    ("degree", "education"),
    ("university", "education"),
    ("city", "person"),
    ("phone", "person"),
    ("email", "person"),
    ("address", "person"),
    ("birth", "person"),
    ("medication", "medication"),
    ("allergy", "allergy"),
    ("iban", "bank"),
    ("bic", "bank"),
];

impl Labels {
    /// The readings of a field's label within its schema. What the whole schema is about need not be said again:
    /// on an invoice "Date" is the invoice date.
    pub(crate) fn of(field: &Field, about: &Meaning) -> Self {
        let mut readings = vec![(field.label.clone(), 1.0)];
        if field.other_label != field.label && !field.other_label.concepts.is_empty() {
            readings.push((field.other_label.clone(), 0.9));
        }
        for base in [&field.label, &field.other_label] {
            let rest: Vec<_> = base.concepts.iter().filter(|(c, _)| !about.has(*c)).copied().collect();
            if !rest.is_empty() && rest.len() < base.concepts.len() {
                let rest = Meaning { concepts: rest, ..Meaning::default() };
                if field.kind == Kind::Date {
                    let mut issue = rest.clone();
                    issue.concepts.push((lexicon().concept("issue"), 0.9));
                    readings.push((issue, 0.85));
                }
                readings.push((rest, 0.85));
            }
        }
        if field.kind == Kind::Date
            && field.label.concepts.len() == 1
            && field.label.has(lexicon().concept("date"))
        {
            let mut issue = field.label.clone();
            issue.concepts.push((lexicon().concept("issue"), 0.9));
            readings.push((issue, 0.8));
        }
        let lexicon = lexicon();
        let has = |n: &str| field.label.has(lexicon.concept(n)) || field.other_label.has(lexicon.concept(n));
        let says = |n: &str| has(n) || field.description.has(lexicon.concept(n));
        Self {
            readings,
            description: field.description.clone(),
            related: RELATED
                .iter()
                .filter(|(of, _)| has(of))
                .map(|(_, section)| lexicon.concept(section))
                .collect(),
            number: field.line_number.clone(),
            begins: has("begin") && field.kind == Kind::Date,
            ends: has("end") && !has("begin") && field.kind == Kind::Date,
            current: says("current"),
            highest: says("highest"),
            of_stranger: says("stranger"),
        }
    }

    /// How well a label fits, 0 to 1.
    pub(crate) fn fits(&self, label: &Meaning) -> f32 {
        let clause = label.clause.as_ref().map_or(0.0, |c| 0.95 * self.fits_alone(c));
        self.fits_alone(label).max(clause)
    }

    /// How well two labels around a span fit together, where each says something of what is asked for and both say more
    /// than one.
    pub(crate) fn joined(&self, one: &Meaning, other: &Meaning) -> f32 {
        let alone = self.fits_alone(one).min(self.fits_alone(other));
        let best = self.fits(one).max(self.fits(other));
        if alone == 0.0 {
            return 0.0;
        }
        let mut both = Meaning { concepts: one.concepts.clone(), ..Meaning::default() };
        both.concepts.extend(other.concepts.iter().filter(|(c, _)| !one.has(*c)));
        let fit = self.fits_alone(&both);
        if fit > best { fit } else { 0.0 }
    }

    /// How well the word behind a number says what it counts: "16 hours", "238 kWh".
    pub(crate) fn unit(&self, view: &View, start: usize, end: usize) -> f32 {
        let Some(next) = view.tokens.get(end) else { return 0.0 };
        let worded = next.text.starts_with(char::is_alphabetic) && !next.text.ends_with(':');
        // "§ 5 Holidays" and "4. Deposit" are headings.
        let counted = view.tokens[end - 1].text.ends_with(|c: char| c.is_ascii_digit());
        let section = start > 0 && view.tokens[start - 1].text.ends_with('§');
        if !worded || !counted || section || view.tokens[end - 1].segment != next.segment {
            return 0.0;
        }
        let one = meaning(&view.tokens[end..=end]);
        self.fits(&one)
    }

    /// How well a label fits the field's own title or name, as they stand.
    pub(crate) fn fits_plainly(&self, label: &Meaning) -> f32 {
        let whole = label.weight();
        self.readings
            .iter()
            .take(2)
            .map(|(reading, _)| {
                let shared: f32 =
                    label.concepts.iter().filter(|(c, _)| reading.has(*c)).map(|(_, w)| w).sum();
                2.0 * shared / (whole + reading.weight()).max(0.1)
            })
            .fold(0.0, f32::max)
    }

    fn fits_alone(&self, label: &Meaning) -> f32 {
        /// Concepts lighter than this are the heads of many labels.
        const HEAD: f32 = 0.6;
        if label.concepts.is_empty() {
            return 0.0;
        }
        let total = label.weight();
        let mut best = 0.0_f32;
        for (reading, trust) in &self.readings {
            let shared: f32 = label.concepts.iter().filter(|(c, _)| reading.has(*c)).map(|(_, w)| w).sum();
            if shared > 0.0 {
                let (precision, recall) = (shared / total, shared / reading.weight().max(0.1));
                let mut fit = trust * 2.0 * precision * recall / (precision + recall);
                // "Quotation date" and "delivery date" share no more than that both are dates.
                let heavy =
                    |m: &Meaning, n: &Meaning| m.concepts.iter().any(|(c, w)| *w >= HEAD && !n.has(*c));
                let shares_heavy = label.concepts.iter().any(|(c, w)| *w >= HEAD && reading.has(*c));
                if !shares_heavy && heavy(reading, label) {
                    fit *= if heavy(label, reading) { 0.35 } else { 0.8 };
                }
                best = best.max(fit);
            }
        }
        best
    }

    /// How much of what the label and the description say stands in the sentence of a span, 0 to 1.
    pub(crate) fn told(&self, view: &View, start: usize, end: usize) -> f32 {
        if let Some(told) = duration::told(view, self, start, end) {
            return told;
        }
        let asked: Vec<Concept> = self
            .readings
            .first()
            .iter()
            .flat_map(|(label, _)| &label.concepts)
            .chain(&self.description.concepts)
            .map(|(c, _)| *c)
            .filter(|c| lexicon().is_known(*c))
            .collect();
        let (from, to) = sentence(view, start, end);
        let said = meaning(&view.tokens[from..to]);
        let told = asked.iter().filter(|c| said.has(**c)).count();
        told as f32 / asked.len().max(1) as f32
    }

    /// How much of a label's meaning the description shares, 0 to 1.
    pub(crate) fn describes(&self, label: &Meaning) -> f32 {
        let shared: f32 =
            label.concepts.iter().filter(|(c, _)| self.description.has(*c)).map(|(_, w)| w).sum();
        if shared <= 0.0 { 0.0 } else { shared / label.weight().max(0.1) }
    }
}

/// The tokens of the sentence in which a span stands, as far as a few lines.
pub(super) fn sentence(view: &View, start: usize, end: usize) -> (usize, usize) {
    const FAR: usize = 30;
    const LONG: usize = 4;
    // "Inc." and "e.g." end no sentence.
    let ends = |i: usize| {
        let text = &view.tokens[i].text;
        text.ends_with(['.', ';']) && text.chars().filter(|c| c.is_alphabetic()).count() >= LONG
    };
    let from = (start.saturating_sub(FAR)..start)
        .rev()
        .find(|i| ends(*i))
        .map_or(start.saturating_sub(FAR), |i| i + 1);
    let last = (end + FAR).min(view.tokens.len());
    let to = (end.saturating_sub(1)..last).find(|i| ends(*i)).map_or(last, |i| i + 1);
    (from, to)
}

/// The labels of all fields, to see whose label one is.
pub(crate) struct AllLabels {
    pub of: Vec<Labels>,
}

impl AllLabels {
    pub(crate) fn new(schema: &CompiledSchema) -> Self {
        Self { of: schema.fields.iter().map(|f| Labels::of(f, &schema.about)).collect() }
    }

    /// Whose label one is: the two fields that it fits best.
    fn whose(&self, schema: &CompiledSchema, label: &Meaning) -> Whose {
        let mut whose = Whose::default();
        if label.concepts.is_empty() {
            return whose;
        }
        for (i, labels) in self.of.iter().enumerate() {
            let field = &schema.fields[i];
            if field.is_group || field.in_list {
                continue;
            }
            let fit = labels.fits(label);
            if fit > whose.fit {
                whose = Whose { field: i, fit, second: whose.fit };
            } else if fit > whose.second {
                whose.second = fit;
            }
        }
        whose
    }

    /// How well a label fits the field that it fits best, columns of tables among them.
    pub(crate) fn best(&self, schema: &CompiledSchema, label: &Meaning) -> f32 {
        self.itself(schema, label).fit
    }

    /// Whose label a text is by itself: what is the label of a field or of a column is no value.
    fn itself(&self, schema: &CompiledSchema, label: &Meaning) -> Whose {
        let mut whose = Whose::default();
        for (i, labels) in self.of.iter().enumerate().filter(|(i, _)| !schema.fields[*i].is_group) {
            let fit = labels.fits_plainly(label);
            if fit > whose.fit {
                whose = Whose { field: i, fit, second: whose.fit };
            } else if fit > whose.second {
                whose.second = fit;
            }
        }
        whose
    }

    /// Whose the labels around a span are.
    pub(crate) fn rivals(
        &self,
        view: &View,
        schema: &CompiledSchema,
        candidate: &Candidate,
        context: &Context,
    ) -> Rivals {
        /// The most words of a label.
        const LONGEST: usize = 6;
        let none = Whose::default();
        let (start, end) = (candidate.start(), candidate.end());
        let tokens = &view.tokens[start..end];
        let worded = matches!(candidate.reading, Reading::Text(_))
            && tokens.len() <= LONGEST
            && !tokens.iter().any(|t| t.text.contains(|c: char| c.is_ascii_digit()));
        Rivals {
            itself: if worded { self.itself(schema, &meaning(tokens)) } else { none },
            defined: self.whose(schema, &context.defined),
            stacked: matches!(candidate.reading, Reading::Text(_))
                && !context.left.concepts.is_empty()
                && stacked(view, schema, self, view.tokens[start].segment),
            inline: if context.phrase.concepts.is_empty() {
                self.whose(schema, &context.inline)
            } else {
                self.whose(schema, &context.phrase)
            },
            left: if context.inline.concepts.is_empty() { self.whose(schema, &context.left) } else { none },
            above: if context.inline.concepts.is_empty()
                && context.left.concepts.is_empty()
                && !context.above.concepts.iter().all(|(c, _)| schema.about.has(*c))
            {
                self.whose(schema, &context.above)
            } else {
                none
            },
        }
    }
}

/// The field that a label fits best, and how well it fits the next.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Whose {
    field: usize,
    fit: f32,
    second: f32,
}

impl Whose {
    /// How well the label fits another field than this one.
    pub(super) fn other(self, field: usize) -> f32 {
        if self.field == field { self.second } else { self.fit }
    }

    /// How much better the label fits another field than this one.
    pub(super) fn over(self, field: usize, own: f32) -> f32 {
        (self.other(field) - own).max(0.0)
    }
}

/// The labels around a span, by whose they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rivals {
    pub(super) itself: Whose,
    pub(super) defined: Whose,
    /// It is one of several labels side by side, and what they name stands below them.
    pub(super) stacked: bool,
    pub(super) inline: Whose,
    pub(super) left: Whose,
    pub(super) above: Whose,
}
