//! What contacts are found by: a number for each value that a filter can ask for, and one for each three characters
//! that a search can look for. They only lead to contacts: whether one fits is always decided by its own values
//! ([`Filter::fits`](super::Filter::fits)), so two values that share a number cost a look and nothing else.
//!
//! The numbers are stored. Whoever changes how they are made empties what is stored in a migration and fills
//! `contact_index_backlog`, and contacts get theirs anew.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{Context, SHA256};
use svc_core::json::{Json, Next};
use unicode_normalization::UnicodeNormalization;

use super::{Contact, JsonText, Partition, Stage, Status};

/// The longest value of a custom field that a filter can ask for, in bytes.
pub(crate) const FILTER_VALUE_MAX: usize = 1_024;
/// How many characters of a contact are searched, its custom fields in the order of their names.
const SEARCHED_MAX: usize = 4_096;
/// How many characters make one number.
const GRAM: usize = 3;

/// A value that a filter can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Stage(Stage),
    Tag(&'a str),
    CustomField(&'a str, &'a str),
}

impl Value<'_> {
    /// The number of this value among contacts of this status.
    pub(crate) fn term(self, status: Status) -> i64 {
        let (kind, name, value) = match self {
            Value::Stage(stage) => ("stage", "", stage.as_str()),
            Value::Tag(tag) => ("tag", "", tag),
            Value::CustomField(name, value) => ("custom", name, value),
        };
        let mut hash = Context::new(&SHA256);
        for part in [status.as_str(), kind, name, value] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let hash = hash.finish();
        hash.as_ref().first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes))
    }
}

/// The numbers of all values of a contact.
pub(crate) fn terms(contact: &Contact) -> BTreeSet<i64> {
    let fields = &contact.fields;
    let mut terms = BTreeSet::new();
    let mut add = |value: Value<'_>| {
        terms.insert(value.term(contact.status));
    };
    if let Some(stage) = fields.stage {
        add(Value::Stage(stage));
    }
    fields.tags.iter().for_each(|tag| add(Value::Tag(tag)));
    for (name, json) in &fields.custom_fields {
        each_value(json, &mut |value| {
            if value.len() <= FILTER_VALUE_MAX {
                add(Value::CustomField(name, value));
            }
        });
    }
    terms
}

/// The values of a custom field that a filter can ask for: a text as it is, a number, `true` and `false` as JSON has
/// them; of a list, those of its elements.
pub(crate) fn each_value(json: &JsonText, see: &mut dyn FnMut(&str)) {
    // What is stored is JSON.
    let Ok(mut json) = Json::new(json.as_bytes()) else { return };
    if !matches!(json.peek(), Ok(Next::Array)) {
        let _ = scalar(&mut json, see);
        return;
    }
    let mut first = true;
    if json.open().is_err() {
        return;
    }
    while let Ok(true) = json.element(first) {
        first = false;
        if scalar(&mut json, see).is_none() {
            return;
        }
    }
}

fn scalar(json: &mut Json<'_>, see: &mut dyn FnMut(&str)) -> Option<()> {
    match json.peek().ok()? {
        Next::String => see(&json.string().ok()?),
        Next::Number | Next::Bool => see(json.raw().ok()?),
        _ => json.skip().ok()?,
    }
    Some(())
}

/// A text as it is searched: without regard to case, and to how its characters are composed.
pub(crate) fn folded(text: &str) -> String {
    // The one letter whose lower case depends on what follows.
    text.nfkc().collect::<String>().to_lowercase().replace('ς', "σ")
}

/// The texts of a contact that are searched, folded.
pub(crate) fn searched(contact: &Contact) -> Vec<String> {
    let fields = &contact.fields;
    let texts = [&fields.name, &fields.email, &fields.mobile_number, &fields.external_reference_id];
    let mut texts: Vec<String> = texts.into_iter().flatten().map(|text| folded(text)).collect();
    let mut left = SEARCHED_MAX;
    for json in fields.custom_fields.values() {
        if left == 0 {
            break;
        }
        if !json.contains('"') {
            continue;
        }
        each_value(json, &mut |value| {
            let text: String = value.chars().take(left).collect();
            left -= text.chars().count();
            texts.push(folded(&text));
        });
    }
    texts
}

/// The numbers of what a search can look for in a contact.
pub(crate) fn search_terms(partition: &Partition, contact: &Contact) -> BTreeSet<i32> {
    let seed = seed(partition);
    searched(contact).iter().flat_map(|text| grams(seed, text)).collect()
}

/// The parts of this folded text that have numbers, and these: a contact in which it is found has all of them. None when
/// it is too short for one.
pub(crate) fn search_needles(partition: &Partition, text: &str) -> Vec<(String, i32)> {
    let characters: Vec<char> = text.chars().collect();
    let parts = characters.windows(GRAM).map(|part| part.iter().collect());
    let mut seen = BTreeSet::new();
    parts.zip(grams(seed(partition), text)).filter(|(_, number)| seen.insert(*number)).collect()
}

/// Numbers of different agents differ, so that each is searched as if it were alone.
fn seed(partition: &Partition) -> u64 {
    let ids = [partition.organization_id.as_str(), "/", partition.agent_id.as_str()];
    ids.iter().flat_map(|id| id.bytes()).fold(OFFSET, |hash, byte| mixed(hash, u64::from(byte)))
}

fn grams(seed: u64, text: &str) -> impl Iterator<Item = i32> {
    let characters: Vec<u64> = text.chars().map(|c| u64::from(u32::from(c))).collect();
    let numbers: Vec<i32> = characters.windows(GRAM).map(|gram| number(seed, gram)).collect();
    numbers.into_iter()
}

fn number(seed: u64, gram: &[u64]) -> i32 {
    let mut hash = gram.iter().fold(seed, |hash, character| mixed(hash, *character));
    // The finish of MurmurHash3, which lets every bit count.
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    let [first, second, third, fourth, ..] = (hash ^ (hash >> 33)).to_be_bytes();
    i32::from_be_bytes([first, second, third, fourth])
}

// FNV-1a.
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

fn mixed(hash: u64, value: u64) -> u64 {
    (hash ^ value).wrapping_mul(0x0100_0000_01b3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(json: &str) -> Vec<String> {
        let mut values = Vec::new();
        each_value(&JsonText::new(json), &mut |value| values.push(value.to_owned()));
        values
    }

    #[test]
    fn values_of_custom_fields() {
        for (json, expected) in [
            (r#""gold""#, vec!["gold"]),
            (r#""a\"b""#, vec!["a\"b"]),
            ("42", vec!["42"]),
            ("true", vec!["true"]),
            ("null", vec![]),
            (r#"["a",1,false,null,{"b":"c"},["d"]]"#, vec!["a", "1", "false"]),
            ("[]", vec![]),
            (r#"{"a":"b"}"#, vec![]),
        ] {
            assert_eq!(values(json), expected, "{json}");
        }
    }

    #[test]
    fn terms_differ_by_all_that_they_are_made_of() {
        let all = [
            Value::Tag("x").term(Status::Active),
            Value::Tag("x").term(Status::Archived),
            Value::Tag("y").term(Status::Active),
            Value::CustomField("", "x").term(Status::Active),
            Value::CustomField("a", "bc").term(Status::Active),
            Value::CustomField("ab", "c").term(Status::Active),
        ];
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }

    #[test]
    fn what_is_found_in_a_text_has_no_other_numbers_than_it() {
        let partition = |agent: &str| Partition { organization_id: "o".into(), agent_id: agent.into() };
        let (mine, theirs) = (partition("1"), partition("2"));
        let text = folded("Zoë Ångström +491701234567");
        let numbers = |partition: &Partition, text: &str| -> BTreeSet<i32> {
            search_needles(partition, text).into_iter().map(|(_, number)| number).collect()
        };
        let all = numbers(&mine, &text);
        for needle in ["zoë", "ZOE\u{308}", "ström +49", "1701", "ＺＯË"] {
            let needles = numbers(&mine, &folded(needle));
            assert!(
                text.contains(&folded(needle)) && !needles.is_empty() && needles.is_subset(&all),
                "{needle}"
            );
        }
        assert!(search_needles(&mine, "zo").is_empty());
        assert!(numbers(&theirs, &text).is_disjoint(&all));
    }
}
