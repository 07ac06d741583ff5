//! A leaf of a schema: what is looked for and how it is recognised.

use regex::Regex;
use serde_json::Value;

use crate::engine::lexicon::{Meaning, lexicon};
use crate::engine::text;

/// What a leaf's JSON type and format ask for.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Text of any sort; [`Topic`] says what it is about.
    Text,
    /// A day, ISO 8601.
    Date,
    /// A number; `true`: a whole one.
    Number(bool),
    /// Yes or no.
    Boolean,
    /// One of these texts.
    Enum(Vec<String>),
}

/// What a text is about, as far as format, name, title and description tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// No more is known.
    Any,
    /// A mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A web address.
    Url,
    /// An international bank account number.
    Iban,
    /// A number or code that names something.
    Id,
    /// A postal address.
    Address,
    /// A company, bank, school …
    Organization,
    /// A person's name.
    Person,
    /// A person's or a company's name.
    Name,
    /// One word or few: a city, a country, a nationality, a currency.
    Place,
    /// A currency's code.
    Currency,
    /// A number and a unit of time.
    Duration,
    /// The heading of the document.
    Heading,
}

/// A leaf of a schema.
#[derive(Debug, Clone)]
pub struct Field {
    /// JSON Pointer; `*` stands for the index of an array.
    pub path: String,
    /// The property's name.
    pub name: String,
    /// What is looked for.
    pub kind: Kind,
    /// What a text is about.
    pub topic: Topic,
    /// What its labels mean: title and name.
    pub(crate) label: Meaning,
    /// A second reading of the label: the name alone, where the title differs.
    pub(crate) other_label: Meaning,
    /// What its description says beyond its label.
    pub(crate) description: Meaning,
    /// The number of the line or box of a form that its description names.
    pub(crate) line_number: Option<String>,
    /// It is no leaf: it heads a list of objects.
    pub(crate) is_group: bool,
    /// It is who wrote the document: the seller of an invoice, the buyer of an order.
    pub(crate) issues: bool,
    /// It is the day of the document itself.
    pub(crate) of_document: bool,
    /// It is an item or a column of a list.
    pub(crate) in_list: bool,
    pub(crate) range: Range,
    pub(crate) min_length: usize,
    pub(crate) max_length: usize,
    pub(crate) pattern: Option<Regex>,
    /// Of a list: how many items it has at most, and whether none is there twice.
    pub(crate) max_items: usize,
    pub(crate) unique_items: bool,
}

/// Which numbers a schema allows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Range {
    pub(crate) least: Option<f64>,
    pub(crate) above: Option<f64>,
    pub(crate) most: Option<f64>,
    pub(crate) below: Option<f64>,
    pub(crate) multiple_of: Option<f64>,
}

impl Range {
    pub(crate) fn contains(&self, value: f64) -> bool {
        self.least.is_none_or(|least| value >= least)
            && self.above.is_none_or(|above| value > above)
            && self.most.is_none_or(|most| value <= most)
            && self.below.is_none_or(|below| value < below)
            && self.multiple_of.is_none_or(|step| is_multiple(value, step))
    }

    /// Whether its bounds leave no number.
    pub(crate) fn is_empty(&self) -> bool {
        let least = self.least.into_iter().chain(self.above).reduce(f64::max);
        let most = self.most.into_iter().chain(self.below).reduce(f64::min);
        least.zip(most).is_some_and(|(least, most)| {
            let open = self.above == Some(least) || self.below == Some(most);
            least > most || (least == most && open)
        })
    }
}

/// Whether a number is a multiple of another, as decimals: 0.3 is one of 0.1.
fn is_multiple(value: f64, step: f64) -> bool {
    const CLOSE: f64 = 1e-9;
    let times = value / step;
    (times - times.round()).abs() <= CLOSE * times.abs().max(1.0)
}

impl Field {
    /// Whether the schema allows a value here.
    pub(crate) fn allows(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.allows_text(text),
            Value::Number(number) => number.as_f64().is_some_and(|number| self.allows_number(number)),
            _ => true,
        }
    }

    /// Whether the schema allows a text here.
    pub(crate) fn allows_text(&self, text: &str) -> bool {
        let length = text.chars().count();
        length >= self.min_length
            && length <= self.max_length
            && self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
    }

    /// Whether the schema allows a number here.
    pub(crate) fn allows_number(&self, number: f64) -> bool {
        (self.kind != Kind::Number(true) || number.fract() == 0.0) && self.range.contains(number)
    }

    /// A list of names is gathered from all over a document rather than read from under a heading.
    pub(crate) fn is_gathered(&self) -> bool {
        matches!(self.topic, Topic::Organization | Topic::Person | Topic::Name)
    }

    /// Whether a company of this name writes documents of this kind: sellers write invoices, buyers orders.
    pub(crate) fn is_issuer(&self, about: &Meaning) -> bool {
        let lexicon = lexicon();
        let has = |names: &[&str]| {
            names
                .iter()
                .any(|n| self.label.has(lexicon.concept(n)) || self.other_label.has(lexicon.concept(n)))
        };
        let orders = ["order", "purchase", "request"].iter().any(|n| about.has(lexicon.concept(n)))
            && !about.has(lexicon.concept("invoice"));
        if orders {
            return has(&["buyer", "shop"]);
        }
        let pays = ["payment", "wage"].iter().any(|n| about.has(lexicon.concept(n)));
        has(&["seller", "shop", "bank", "company", "insurer", "laboratory", "manufacturer", "sender"])
            || (pays && has(&["employer"]))
    }

    /// Whether it asks for the title of a document about this: "title", "meeting_title" of minutes of a meeting. People
    /// have titles, too.
    pub(crate) fn is_title(&self, about: &Meaning) -> bool {
        let lexicon = lexicon();
        let mut words = text::words_of_name(&self.name);
        let of_people = ["experience", "employee", "person", "position", "payment", "wage"];
        let people = |m: &Meaning| of_people.iter().any(|n| m.has(lexicon.concept(n)));
        words.pop().as_deref() == Some("title")
            && self.kind == Kind::Text
            && !self.in_list
            && self.path.matches('/').count() == 1
            && !people(about)
            && !people(&self.description)
            && lexicon.meaning(&words).concepts.iter().all(|(c, _)| {
                about.has(*c) || ["document", "contract", "report"].iter().any(|n| *c == lexicon.concept(n))
            })
    }

    /// Whether a field of a document about this asks for the day of the document itself: its label says no more than that
    /// it is a day, that something was issued, and what the document is.
    pub(crate) fn is_of_document(&self, about: &Meaning) -> bool {
        const OF_DOCUMENTS: &[&str] = &[
            "date",
            "issue",
            "invoice",
            "order",
            "purchase",
            "statement",
            "document",
            "contract",
            "agreement",
            "quote",
            "request",
            "report",
            "letter",
            "printed",
            "booking",
            "transaction",
            "current",
            "time",
        ];
        let lexicon = lexicon();
        self.kind == Kind::Date
            && self
                .label
                .concepts
                .iter()
                .all(|(c, _)| about.has(*c) || OF_DOCUMENTS.iter().any(|n| *c == lexicon.concept(n)))
    }

    /// Whether it asks for whom a document is sent to, or whom it is about: their name heads an address.
    pub(crate) fn is_addressee(&self) -> bool {
        let lexicon = lexicon();
        let has = |n: &&str| self.label.has(lexicon.concept(n)) || self.other_label.has(lexicon.concept(n));
        let text = matches!(self.topic, Topic::Name | Topic::Person | Topic::Organization);
        text && !self.issues
            && ["customer", "recipient", "insured", "employee", "tenant", "consignee", "holder"]
                .iter()
                .any(has)
    }

    pub(crate) fn new(
        path: String,
        name: &str,
        title: &str,
        description: &str,
        kind: Kind,
        format: &str,
    ) -> Self {
        let lexicon = lexicon();
        let label = if title.is_empty() {
            lexicon.meaning(&text::words_of_name(name))
        } else {
            lexicon.meaning(&text::words(title))
        };
        let other_label = lexicon.meaning(&text::words_of_name(name));
        let mut about = lexicon.meaning(&text::words(description));
        about.concepts.retain(|(c, _)| !label.has(*c));
        let topic = if kind == Kind::Text && !is_sort(name) {
            topic(format, &label, &other_label, &about)
        } else {
            Topic::Any
        };
        Self {
            path,
            name: name.to_owned(),
            kind,
            topic,
            label,
            other_label,
            description: about,
            line_number: line_number(description),
            is_group: false,
            issues: false,
            of_document: false,
            in_list: false,
            range: Range::default(),
            min_length: 0,
            max_length: usize::MAX,
            pattern: None,
            max_items: usize::MAX,
            unique_items: false,
        }
    }
}

/// Whether a name asks for a sort or a year of something: "school_year", "account_type" are no school and no account.
fn is_sort(name: &str) -> bool {
    const SORTS: &[&str] = &[
        "year",
        "type",
        "kind",
        "level",
        "category",
        "status",
        "size",
        "jahr",
        "typ",
        "art",
        "annee",
        "categorie",
        "ano",
        "tipo",
        "anno",
        "livello",
        "jaar",
        "soort",
        "rok",
        "rodzaj",
    ];
    let words = text::words_of_name(name);
    words.len() > 1 && words.last().is_some_and(|last| SORTS.contains(&last.as_str()))
}

/// "Box 4: …" and "Line 1a: …" name a place of a form.
fn line_number(description: &str) -> Option<String> {
    let words = text::words(description);
    let at = words
        .iter()
        .position(|w| matches!(w.as_str(), "line" | "box" | "item" | "zeile" | "feld" | "ligne" | "case"))?;
    words.get(at + 1).filter(|w| w.len() <= 2 && w.bytes().all(|b| b.is_ascii_digit())).cloned()
}

/// The topics in the order in which they are asked for: concepts of a label that tell of one.
const TOPICS: &[(Topic, &[&str])] = &[
    (Topic::Email, &["email"]),
    (Topic::Iban, &["iban"]),
    (Topic::Url, &["url"]),
    (Topic::Phone, &["phone", "fax"]),
    (Topic::Currency, &["currency"]),
    (Topic::Duration, &["notice", "term"]),
    (Topic::Id, &["number", "ssn", "ein", "bic", "taxid", "reference", "postal"]),
    (Topic::Place, &["country", "nationality", "city", "state", "law", "birth"]),
    (Topic::Address, &["address", "street", "delivery", "mailing"]),
    (Topic::Person, &["given", "family", "patient", "signature", "person", "employee", "physician"]),
    (
        Topic::Organization,
        &[
            "seller",
            "company",
            "bank",
            "employer",
            "buyer",
            "university",
            "party",
            "insurer",
            "laboratory",
            "manufacturer",
            "carrier",
        ],
    ),
    (
        Topic::Name,
        &[
            "holder",
            "payer",
            "recipient",
            "customer",
            "insured",
            "shipper",
            "consignee",
            "landlord",
            "tenant",
            "sender",
            "borrower",
            "lender",
            "guarantor",
        ],
    ),
];

/// Whether a description holds a word that stands for itself.
fn about_says(about: &Meaning, word: &str) -> bool {
    lexicon().meaning(&[word.to_owned()]).concepts.iter().any(|(c, _)| about.has(*c))
}

/// What has a name and is nobody.
const THINGS: &[&str] =
    &["description", "vessel", "document", "policy", "article", "transaction", "report", "form"];

fn topic(format: &str, label: &Meaning, name: &Meaning, about: &Meaning) -> Topic {
    match format {
        "email" | "idn-email" => return Topic::Email,
        "uri" | "url" | "iri" | "uri-reference" | "hostname" => return Topic::Url,
        "phone" | "tel" => return Topic::Phone,
        "iban" => return Topic::Iban,
        _ => {}
    }
    let lexicon = lexicon();
    let has = |m: &Meaning, names: &[&str]| names.iter().any(|n| m.has(lexicon.concept(n)));
    let lasting = has(label, &["period"]) || has(name, &["period"]);
    if lasting && ["month", "year", "week"].iter().any(|word| about_says(about, word)) {
        return Topic::Duration;
    }
    if has(name, &["document", "contract"]) && has(name, &["name", "position"]) {
        return Topic::Heading;
    }
    let parts = ["city", "state", "postal", "street", "country"]
        .iter()
        .filter(|n| label.has(lexicon.concept(n)) || name.has(lexicon.concept(n)))
        .count();
    if parts >= 2 {
        // A line of an address.
        return Topic::Address;
    }
    let numbers = ["account", "bank", "number"];
    if [label, name].iter().any(|m| {
        has(m, &["account"])
            && m.concepts.iter().all(|(c, _)| numbers.iter().any(|n| *c == lexicon.concept(n)))
    }) {
        return Topic::Id;
    }
    for meaning in [label, name] {
        // "Account holder" is of the holder, "Name of signer" of the signer: the name says it first.
        if has(meaning, &["holder"]) && !has(meaning, &["number"]) {
            return Topic::Name;
        }
        for (topic, names) in TOPICS {
            // How and when is delivered is no address, the number of a notice no span of time.
            let other: &[&str] = match topic {
                Topic::Address => &["method", "terms", "time", "carrier", "shipping"],
                Topic::Duration => &["number", "reference"],
                _ => &[],
            };
            if has(meaning, names) && !has(meaning, other) {
                return *topic;
            }
        }
    }
    if (has(label, &["name"]) || has(name, &["name"])) && !has(label, THINGS) && !has(name, THINGS) {
        return if has(about, &["company", "seller", "bank", "employer"]) {
            Topic::Organization
        } else {
            Topic::Person
        };
    }
    for (topic, names) in TOPICS {
        if *topic != Topic::Address && *topic != Topic::Phone && has(about, names) {
            return match topic {
                Topic::Organization | Topic::Person | Topic::Name => Topic::Any,
                Topic::Id | Topic::Duration | Topic::Place | Topic::Currency => continue,
                topic => *topic,
            };
        }
    }
    Topic::Any
}
