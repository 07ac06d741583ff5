//! What declared fields make of values.

use svc_core::clock::Timestamp;

use super::*;
use crate::domain::{ContactFields, Declaration, FieldSet, FieldType, Phones};

fn values(values: &[(&str, &str)]) -> CustomFields {
    values.iter().map(|(name, json)| ((*name).to_owned(), JsonText::new(*json))).collect()
}

/// `plan` is required, `seats` has a default and is required, `code` is unique, `phone` is nothing of these.
fn set() -> FieldSet {
    let field = |key: &str, kind: FieldType, more: fn(&mut Declaration)| {
        let mut declaration =
            Declaration { key: Some(key.to_owned()), kind: Some(kind), ..Declaration::default() };
        more(&mut declaration);
        declaration.declare(Phones::default(), Timestamp(0)).unwrap()
    };
    let plan = |declaration: &mut Declaration| {
        declaration.options = vec!["free".to_owned(), "pro".to_owned()];
        declaration.required = Some(true);
    };
    let seats = |declaration: &mut Declaration| {
        declaration.required = Some(true);
        declaration.default = Some(JsonText::new("5"));
    };
    FieldSet {
        revision: 1,
        fields: vec![
            field("plan", FieldType::Select, plan),
            field("seats", FieldType::Number, seats),
            field("code", FieldType::Text, |declaration| declaration.unique = Some(true)),
            field("phone", FieldType::Phone, |_| {}),
        ],
    }
}

fn contact(custom_fields: CustomFields) -> ContactFields {
    ContactFields { custom_fields, ..ContactFields::default() }
}

/// What is stored, or what is wrong.
fn judged(sent: &[(&str, &str)], basis: Basis<'_>) -> Result<CustomFields, Vec<(String, Fault)>> {
    let (mut fields, set) = (values(sent), set());
    let violations = check(&mut fields, Rules { set: &set, phones: Phones::default() }, basis);
    match violations.is_empty() {
        true => Ok(fields),
        false => Err(violations.into_iter().map(|violation| (violation.field, violation.fault)).collect()),
    }
}

fn wrong(found: &[(&str, Fault)]) -> Result<CustomFields, Vec<(String, Fault)>> {
    Err(found.iter().map(|(name, fault)| (format!("customFields.{name}"), *fault)).collect())
}

#[test]
fn a_new_contact_has_what_is_required() {
    let sent = &[("plan", r#""pro""#), ("phone", r#""+49 170 1234567""#)];
    let stored = values(&[("plan", r#""pro""#), ("phone", r#""+491701234567""#), ("seats", "5")]);
    assert_eq!(judged(sent, Basis::New), Ok(stored));
    // One's own value wins over the default, and `null` says that there is none.
    let sent = &[("plan", r#""pro""#), ("seats", "7"), ("phone", "null")];
    assert_eq!(judged(sent, Basis::New), Ok(values(&[("plan", r#""pro""#), ("seats", "7")])));
    for sent in [&[][..], &[("plan", "null")]] {
        assert_eq!(judged(sent, Basis::New), wrong(&[("plan", Fault::Required)]), "{sent:?}");
    }
}

#[test]
fn every_wrong_field_is_named() {
    let sent =
        &[("plan", r#""gold""#), ("seats", r#""5""#), ("Code", r#""a""#), ("phone", "1"), ("code", r#""""#)];
    let expected = wrong(&[
        ("Code", Fault::UnknownField),
        ("code", Fault::TooShort),
        ("phone", Fault::Invalid),
        ("plan", Fault::Invalid),
        ("seats", Fault::Invalid),
    ]);
    assert_eq!(judged(sent, Basis::New), expected);
}

#[test]
fn what_was_stored_before_the_rules_may_stay() {
    let before = contact(values(&[("plan", r#""gold""#), ("legacy", "[1]"), ("seats", "null")]));
    let same = &[("plan", r#""gold""#), ("legacy", "[1]"), ("seats", "null")];
    for basis in [Basis::Replacing(&before), Basis::Changing(&before)] {
        assert_eq!(judged(same, basis), Ok(before.custom_fields.clone()), "{basis:?}");
        // Once it is changed it has to fit, or to go.
        let changed = &[("plan", r#""silver""#), ("legacy", "[2]"), ("seats", "1")];
        let expected = wrong(&[("legacy", Fault::UnknownField), ("plan", Fault::Invalid)]);
        assert_eq!(judged(changed, basis), expected, "{basis:?}");
        let fits = &[("plan", r#""free""#), ("seats", "1")];
        assert_eq!(judged(fits, basis), Ok(values(fits)), "{basis:?}");
    }
}

#[test]
fn what_is_required_is_asked_of_who_had_it() {
    let (with, without) = (contact(values(&[("plan", r#""pro""#), ("seats", "1")])), contact(values(&[])));
    // A change of something else is no reason to ask for it.
    assert_eq!(judged(&[], Basis::Changing(&without)), Ok(values(&[])));
    let missing = wrong(&[("plan", Fault::Required), ("seats", Fault::Required)]);
    assert_eq!(judged(&[], Basis::Changing(&with)), missing);
    // Whoever replaces all of it says all of it, but for what has a default.
    for before in [&without, &with] {
        let replacing = Basis::Replacing(before);
        assert_eq!(judged(&[], replacing), wrong(&[("plan", Fault::Required)]));
        let plan = ("plan", r#""pro""#);
        assert_eq!(judged(&[plan], replacing), Ok(values(&[plan, ("seats", "5")])));
    }
}

#[test]
fn without_fields_everything_is_kept() {
    let mut fields = values(&[("any", r#"{"json":[1]}"#), ("none", "null")]);
    let sent = fields.clone();
    let empty = FieldSet { revision: 7, ..FieldSet::default() };
    let rules = Rules { set: &empty, phones: Phones::default() };
    assert_eq!(check(&mut fields, rules, Basis::New), []);
    assert_eq!(fields, sent);
}

#[test]
fn unique_values_are_those_of_unique_fields() {
    let set = set();
    let rules = Rules { set: &set, phones: Phones::default() };
    let of = |sent: &[(&str, &str)]| unique_values(&values(sent), rules);
    assert_eq!(of(&[("plan", r#""pro""#)]), []);
    let (one, other) = (of(&[("code", r#""A-1""#), ("plan", r#""pro""#)]), of(&[("code", r#""a-1""#)]));
    assert_eq!((one.len(), &one), (1, &other));
    assert_eq!(one[0].key, "code");
}
