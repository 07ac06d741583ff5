//! What speaks for a candidate before anybody has corrected anything: weights of the features with a meaning, by what
//! a field asks for. They come of how documents are made in general; none of them knows a certain document.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::features::{DENSE, Feature as F, NAMES};
use super::lexicon::lexicon;
use super::schema::{Field, Kind, Topic};

/// Weights of the dense features, and what the answer "it is not there" scores.
#[derive(Debug, Clone)]
pub(crate) struct Prior {
    pub weights: [f32; DENSE],
    pub absent: f32,
}

const COMMON: &[(F, f32)] = &[
    (F::Label, 5.0),
    (F::Inline, 0.8),
    (F::InlineColon, 0.8),
    (F::Left, 0.5),
    (F::LeftColon, 0.8),
    (F::AboveNear, 0.4),
    (F::Section, 0.3),
    (F::Before, 0.8),
    (F::After, 0.3),
    (F::Compete, -4.0),
    (F::Mislabelled, -1.2),
    (F::Unlabelled, -0.6),
    (F::Description, 0.8),
    (F::FirstPage, 0.4),
    (F::RankFirst, 0.5),
    (F::ImpliedLabel, 0.8),
    (F::Often, 0.2),
    (F::ColonAfter, -2.0),
    (F::LineNumber, 2.0),
    (F::Related, 1.2),
    (F::RelatedFirst, 1.0),
    (F::Ongoing, 1.8),
    (F::Highest, 1.8),
    (F::RangeMatch, 3.5),
    (F::RangeMiss, -2.5),
    (F::TopicWord, 2.0),
    (F::FirstOfEquals, 1.0),
    (F::Stranger, -2.5),
];
const DATE: &[(F, f32)] = &[(F::PlainDate, 0.2), (F::RankFirst, 0.5), (F::TableRow, -0.6)];
const NUMBER: &[(F, f32)] = &[
    (F::FirstOfEquals, -1.0),
    (F::Percent, -4.0),
    (F::Glued, -2.5),
    (F::YearLike, -1.0),
    (F::LongDigits, -2.0),
    (F::InDate, -3.0),
    (F::RankFirst, -0.3),
    (F::RankLast, 0.2),
    (F::TableRow, -0.3),
];
const AMOUNT: &[(F, f32)] =
    &[(F::Decimals, 1.2), (F::Currency, 0.4), (F::Whole, -0.8), (F::SmallFirst, -0.5)];
const TOTAL: &[(F, f32)] = &[
    (F::BiggestLabelled, 1.5),
    (F::Largest, 0.8),
    (F::SumOfTwo, 0.5),
    (F::Zero, -2.0),
    (F::Often, 0.6),
    (F::Bottom, 0.4),
    (F::Rounded, 2.0),
    (F::WithTax, 1.0),
];
const ID: &[(F, f32)] = &[
    (F::InDate, -3.0),
    (F::IdLength, 1.5),
    (F::SelfLabel, -3.0),
    (F::Words, -0.7),
    (F::MixedId, 0.4),
    (F::HasDigit, 1.0),
    (F::ToSegmentEnd, 0.4),
    (F::LooksLabel, -2.0),
    (F::Comma, -0.6),
    (F::HasEmail, -3.0),
    (F::EndsOdd, -1.0),
];
const TEXT: &[(F, f32)] = &[
    (F::LooksLabel, -5.0),
    (F::SelfLabel, -3.0),
    (F::WholeSegment, 1.2),
    (F::ToSegmentEnd, 1.0),
    (F::FromSegmentStart, 0.3),
    (F::HasColon, -2.0),
    (F::HasEmail, -3.0),
    (F::EndsOdd, -2.0),
    (F::InProse, -0.6),
    (F::SentenceBreak, -3.0),
];
const COMPANY: &[(F, f32)] = &[
    (F::Company, 1.5),
    (F::LegalEnd, 1.2),
    (F::Capitals, 1.0),
    (F::HasDigit, -1.0),
    (F::Lines, -1.0),
    (F::Street, -1.0),
    (F::PostalCode, -2.0),
    (F::PureDigits, -4.0),
    (F::AlphaShare, 1.0),
    (F::LegalOnly, -4.0),
];
const ISSUER: &[(F, f32)] = &[
    (F::Top, 3.0),
    (F::TopCompany, 1.5),
    (F::RankFirst, 2.0),
    (F::Unlabelled, 1.2),
    (F::Mislabelled, 0.8),
    (F::FirstSegment, 0.4),
];
const PERSON: &[(F, f32)] = &[
    (F::PersonLike, 2.0),
    (F::Capitals, 1.0),
    (F::HasDigit, -3.0),
    (F::Company, -2.0),
    (F::Comma, -1.0),
    (F::EmailMatch, 2.5),
    (F::Lines, -2.0),
];
const PART_OF_NAME: &[(F, f32)] =
    &[(F::Words, -0.8), (F::PersonLike, -1.0), (F::NamePart, 1.5), (F::NamePartMiss, -1.5)];
const PLACE: &[(F, f32)] = &[
    (F::Capitals, 0.8),
    (F::HasDigit, -2.0),
    (F::Words, -0.8),
    (F::Lines, -3.0),
    (F::Comma, -1.5),
    (F::Company, -1.0),
    (F::Street, -1.0),
    (F::BeforePlace, 3.0),
    (F::AfterPostal, 2.5),
    (F::RankFirst, 1.0),
];
const ADDRESS: &[(F, f32)] = &[
    (F::Street, 2.0),
    (F::PostalCode, 2.0),
    (F::Comma, 0.3),
    (F::HasDigit, 1.0),
    (F::Company, -1.2),
    (F::HasColon, -2.0),
    (F::HasEmail, -4.0),
    (F::Lines, 0.2),
    (F::Words, 0.5),
    (F::Country, 0.3),
    (F::CodeLine, -3.0),
    (F::LabelLine, -3.0),
    (F::WholeSegment, 0.8),
    (F::EndsOdd, -2.0),
    (F::LooksLabel, -3.0),
    (F::LegalEnd, -2.0),
    (F::BeginsWithin, -1.5),
    (F::EndsWithin, -1.5),
    (F::BeginsElsewhere, -2.0),
];
const HEADING: &[(F, f32)] = &[
    (F::TopicWord, 1.5),
    (F::Top, 2.5),
    (F::RankFirst, 2.0),
    (F::WholeSegment, 1.5),
    (F::Capitals, 1.5),
    (F::HasDigit, -1.5),
    (F::LooksLabel, 5.0),
    (F::Unlabelled, 0.8),
    (F::Mislabelled, 1.2),
    (F::TitleLike, 1.0),
    (F::InProse, -1.0),
    // Where a label says which is the title, the top of the page does not.
    (F::ImpliedLabel, 4.0),
];

/// What was measured on documents of many kinds, beside what is written above: `group Feature weight …` a line.
const MEASURED: &str = include_str!("prior.txt");

/// The group of a field: those that are weighed alike.
pub(crate) fn group(field: &Field) -> &'static str {
    let lexicon = lexicon();
    let has = |names: &[&str]| {
        names.iter().any(|n| field.label.has(lexicon.concept(n)) || field.other_label.has(lexicon.concept(n)))
    };
    match &field.kind {
        Kind::Date
            if !field.of_document
                || has(&[
                    "birth",
                    "due",
                    "delivery",
                    "expiry",
                    "effective",
                    "from",
                    "to",
                    "begin",
                    "end",
                    "signature",
                    "notice",
                ]) =>
        {
            "date"
        }
        Kind::Date => "date_of_document",
        Kind::Number(_) if has(&["total"]) && !has(&["subtotal", "tax"]) => "total",
        Kind::Number(_) => "number",
        Kind::Enum(_) | Kind::Boolean => "choice",
        Kind::Text => match field.topic {
            Topic::Email | Topic::Url | Topic::Iban => "contact",
            Topic::Phone => "phone",
            Topic::Currency => "currency",
            Topic::Duration => "duration",
            Topic::Id => "id",
            Topic::Address => "address",
            Topic::Organization if field.issues => "issuer",
            Topic::Organization => "organization",
            Topic::Person if has(&["given", "family"]) => "part_of_name",
            Topic::Person => "person",
            Topic::Name => "name",
            Topic::Place => "place",
            Topic::Heading => "heading",
            Topic::Any => "text",
        },
    }
}

fn measured() -> &'static HashMap<&'static str, Vec<(usize, f32)>> {
    static TABLE: OnceLock<HashMap<&'static str, Vec<(usize, f32)>>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = HashMap::new();
        for line in MEASURED.lines() {
            let mut words = line.split_whitespace();
            let Some(group) = words.next() else { continue };
            let mut list = Vec::new();
            while let (Some(name), Some(weight)) = (words.next(), words.next()) {
                let index =
                    if name == "absent" { Some(DENSE) } else { NAMES.iter().position(|n| *n == name) };
                if let (Some(index), Ok(weight)) = (index, weight.parse()) {
                    list.push((index, weight));
                }
            }
            table.insert(group, list);
        }
        table
    })
}

impl Prior {
    pub(crate) fn of(field: &Field) -> Self {
        let mut prior = Self::written(field);
        for (index, weight) in measured().get(group(field)).map(Vec::as_slice).unwrap_or_default() {
            if let Some(slot) = prior.weights.get_mut(*index) {
                *slot += weight;
            } else {
                prior.absent += weight;
            }
        }
        prior
    }

    pub(crate) fn written(field: &Field) -> Self {
        let mut prior = Self { weights: [0.0; DENSE], absent: 2.6 };
        prior.add(COMMON);
        let lexicon = lexicon();
        let has = |names: &[&str]| {
            names
                .iter()
                .any(|n| field.label.has(lexicon.concept(n)) || field.other_label.has(lexicon.concept(n)))
        };
        match &field.kind {
            Kind::Date => {
                prior.add(DATE);
                prior.absent = 2.4;
                // The one date that a document is about stands without a label as well.
                if field.of_document
                    && !has(&[
                        "birth",
                        "due",
                        "delivery",
                        "expiry",
                        "effective",
                        "from",
                        "to",
                        "signature",
                        "notice",
                    ])
                {
                    prior.add(&[(F::Unlabelled, 1.2), (F::RankFirst, 0.8), (F::Mislabelled, 0.3)]);
                }
            }
            Kind::Number(whole) => {
                prior.add(NUMBER);
                let amount = has(&[
                    "amount", "total", "subtotal", "tax", "balance", "price", "payment", "discount",
                    "shipping",
                ]);
                if amount && !whole {
                    prior.add(AMOUNT);
                }
                if has(&["total"]) && !has(&["subtotal", "tax"]) {
                    prior.add(TOTAL);
                }
                if has(&["rate"]) || field.description.has(lexicon.concept("rate")) {
                    // What is asked for in percent stands with its mark.
                    prior.add(&[(F::Percent, 5.5), (F::Currency, -2.0)]);
                }
            }
            Kind::Enum(_) | Kind::Boolean => prior.absent = 2.2,
            Kind::Text => prior.topic(field, &has),
        }
        if field.is_addressee() {
            prior.add(&[(F::HeadsAddress, 4.0)]);
        }
        if field.is_gathered() && field.in_list {
            // Each name of a list stands for itself: it must speak clearly.
            prior.absent += 6.5;
            prior.add(&[
                (F::LegalEnd, 2.6),
                (F::Top, 1.2),
                (F::RankFirst, -2.0),
                (F::Defined, 3.2),
                (F::Between, 2.2),
                (F::LooksLabel, -4.0),
                (F::WholeSegment, -1.2),
                (F::ToSegmentEnd, -0.8),
                (F::Lines, -3.0),
                (F::Bottom, -2.0),
                (F::InProse, 0.6),
                (F::Unlabelled, 0.6),
                (F::Mislabelled, 1.2),
                (F::Capitals, 1.5),
            ]);
        }
        prior
    }

    fn topic(&mut self, field: &Field, has: &impl Fn(&[&str]) -> bool) {
        match field.topic {
            Topic::Email | Topic::Url | Topic::Iban => {
                self.add(&[
                    (F::Checksum, 1.0),
                    (F::RankFirst, 1.0),
                    (F::Unlabelled, 0.6),
                    (F::Mislabelled, 1.2),
                    (F::Bias, 2.0),
                ]);
            }
            Topic::Phone => {
                self.add(&[(F::PhonePlus, 1.0), (F::RankFirst, 1.0), (F::Unlabelled, 0.6), (F::Bias, 0.6)])
            }
            Topic::Currency => {
                self.add(&[(F::Bias, 2.4), (F::Often, 0.8), (F::Unlabelled, 0.6), (F::Mislabelled, 1.2)])
            }
            Topic::Duration => {
                // That a span of time stands near the word says little; a sentence that tells of all does.
                self.absent += 3.5;
                self.add(&[(F::Before, 1.5), (F::After, 2.5), (F::Mislabelled, 0.6), (F::Told, 7.5)]);
            }
            Topic::Id => {
                self.add(ID);
                if has(&["postal"]) {
                    self.add(&[
                        (F::PostalCode, 1.5),
                        (F::BeforePlace, 3.0),
                        (F::Mislabelled, 0.8),
                        (F::RankFirst, 1.0),
                    ]);
                }
            }
            Topic::Address => {
                self.add(TEXT);
                self.add(ADDRESS);
                self.add(&[(F::ToSegmentEnd, -0.2)]);
                if !has(&["delivery", "mailing", "permanent"]) {
                    self.add(&[(F::Top, 1.5), (F::Unlabelled, 1.0), (F::RankFirst, 1.0)]);
                } else {
                    self.absent += 1.0;
                    self.add(&[(F::Unlabelled, -2.5), (F::Mislabelled, -1.5), (F::Label, 1.5)]);
                }
            }
            Topic::Organization => {
                self.add(TEXT);
                self.add(COMPANY);
                if field.issues {
                    self.add(ISSUER);
                } else if has(&["buyer"]) {
                    self.add(&[(F::Top, 1.2), (F::TopCompany, 1.2)]);
                }
            }
            Topic::Person => {
                self.add(TEXT);
                self.add(PERSON);
                if has(&["given", "family"]) {
                    self.add(PART_OF_NAME);
                } else if !has(&["signature"]) {
                    self.add(&[(F::Top, 1.5), (F::RankFirst, 0.8), (F::Unlabelled, 0.6)]);
                }
            }
            Topic::Name => {
                self.add(TEXT);
                self.add(&[
                    (F::PersonLike, 1.0),
                    (F::Company, 0.8),
                    (F::Capitals, 1.0),
                    (F::HasDigit, -1.5),
                    (F::Lines, -1.5),
                    (F::PureDigits, -4.0),
                ]);
                if field.issues {
                    self.add(ISSUER);
                }
            }
            Topic::Place => {
                self.add(TEXT);
                self.add(PLACE);
                if has(&["country", "nationality"]) {
                    self.add(&[(F::Country, 1.5)]);
                }
                if has(&["state", "law"]) {
                    self.add(&[(F::State, 2.5), (F::Before, 1.5)]);
                }
            }
            Topic::Heading => {
                self.add(TEXT);
                self.add(HEADING);
                self.absent = 1.0;
            }
            Topic::Any => {
                self.add(TEXT);
                self.add(&[(F::Lines, -1.0), (F::Words, 0.1), (F::WholeSegment, 0.6)]);
                if has(&["position", "degree"]) {
                    self.add(&[
                        (F::Company, -2.0),
                        (F::HasDigit, -2.5),
                        (F::Capitals, 0.5),
                        (F::Comma, -1.0),
                        (F::WholeSegment, -1.0),
                    ]);
                }
            }
        }
    }

    fn add(&mut self, list: &[(F, f32)]) {
        for (feature, weight) in list {
            self.weights[*feature as usize] += weight;
        }
    }
}
