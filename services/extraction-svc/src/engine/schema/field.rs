//! A leaf of a schema: what is looked for and how it is recognised.

use regex::Regex;

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
    /// It is an item or a column of a list.
    pub(crate) in_list: bool,
    pub(crate) minimum: Option<f64>,
    pub(crate) maximum: Option<f64>,
    pub(crate) min_length: usize,
    pub(crate) max_length: usize,
    pub(crate) pattern: Option<Regex>,
}

impl Field {
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
        if orders { has(&["buyer", "shop"]) } else { has(&["seller", "shop", "bank", "company"]) }
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
        let topic = if kind == Kind::Text { topic(format, &label, &other_label, &about) } else { Topic::Any };
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
            in_list: false,
            minimum: None,
            maximum: None,
            min_length: 0,
            max_length: usize::MAX,
            pattern: None,
        }
    }
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
    (Topic::Person, &["given", "family", "patient", "signature", "person"]),
    (Topic::Organization, &["seller", "company", "bank", "employer", "buyer", "university", "party"]),
    (Topic::Name, &["holder", "payer", "recipient", "customer"]),
];

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
    for meaning in [label, name] {
        // "Account holder" is of the holder, "Name of signer" of the signer: the name says it first.
        if has(meaning, &["holder"]) && !has(meaning, &["number"]) {
            return Topic::Name;
        }
        for (topic, names) in TOPICS {
            if has(meaning, names) {
                return *topic;
            }
        }
    }
    if has(label, &["name"]) || has(name, &["name"]) {
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
