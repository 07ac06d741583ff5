use super::*;
use crate::domain::{Basis, FieldSet, JsonText, Phones, Rules, Stage};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn json(text: &str) -> JsonText {
    JsonText::new(text)
}

fn before() -> ContactFields {
    ContactFields {
        external_reference_id: some("crm-1"),
        name: some("Ann"),
        email: some("ann@example.com"),
        mobile_number: some("+491701234567"),
        stage: Some(Stage::Lead),
        tags: vec!["a".to_owned()],
        custom_fields: [("x".to_owned(), json("1")), ("y".to_owned(), json("2"))].into(),
        ..ContactFields::default()
    }
}

fn patched(fields: ContactFields, parts: &[Part]) -> Result<ContactFields, Vec<Violation>> {
    let (before, set) = (before(), FieldSet::default());
    let rules = Rules { set: &set, phones: Phones::default() };
    let patch = Patch::new(fields, parts.iter().cloned(), Vec::new());
    patch.onto(&before).check(rules, Basis::Changing(&before))
}

fn custom(name: &str) -> Part {
    Part::CustomField(name.to_owned())
}

#[test]
fn only_what_is_named_changes() {
    let new = ContactFields {
        name: some(" Bob "),
        email: some("bob@example.com"),
        notes: some("new"),
        custom_fields: [("x".to_owned(), json("3")), ("z".to_owned(), json("4"))].into(),
        ..ContactFields::default()
    };
    let expected = ContactFields { name: some("Bob"), ..before() };
    assert_eq!(patched(new.clone(), &[Part::Name]), Ok(expected));
    assert_eq!(patched(new.clone(), &[]), Ok(before()));
    // Named and without a value is cleared.
    let expected = ContactFields { mobile_number: None, stage: None, tags: vec![], ..before() };
    assert_eq!(patched(new.clone(), &[Part::MobileNumber, Part::Stage, Part::Tags]), Ok(expected));
    // Custom fields name by name …
    let merged = [("x", "3"), ("z", "4")].map(|(name, text)| (name.to_owned(), json(text)));
    let expected = ContactFields { custom_fields: merged.clone().into(), ..before() };
    assert_eq!(
        patched(new.clone(), &[custom("x"), custom("y"), custom("z"), custom("unknown")]),
        Ok(expected.clone())
    );
    // … or all at once.
    assert_eq!(patched(new, &[Part::CustomFields]), Ok(expected));
    let null = ContactFields { custom_fields: [("x".to_owned(), json("null"))].into(), ..before() };
    let without = [("y".to_owned(), json("2"))].into();
    assert_eq!(patched(null, &[custom("x")]), Ok(ContactFields { custom_fields: without, ..before() }));
}

#[test]
fn the_whole_has_to_hold() {
    let broken = |fields: ContactFields, parts: &[Part]| {
        let violations = patched(fields, parts).unwrap_err();
        violations.into_iter().map(|violation| violation.field).collect::<Vec<_>>()
    };
    assert_eq!(broken(ContactFields::default(), &[Part::Email, Part::MobileNumber]), ["email"]);
    let empty = ContactFields { name: some(""), ..ContactFields::default() };
    assert_eq!(broken(empty, &[Part::Name]), ["name"]);
    let reserved = ContactFields { external_reference_id: some("schema"), ..ContactFields::default() };
    assert_eq!(broken(reserved, &[Part::ExternalReferenceId]), ["externalReferenceId"]);
}

#[test]
fn values_alone_make_a_patch() {
    let new = ContactFields {
        name: some("Bob"),
        custom_fields: [("x".to_owned(), json("null")), ("z".to_owned(), json("4"))].into(),
        ..ContactFields::default()
    };
    let set = FieldSet::default();
    let rules = Rules { set: &set, phones: Phones::default() };
    let patched = Patch::of_values(new, Vec::new()).onto(&before()).check(rules, Basis::Changing(&before()));
    let custom_fields = [("y", "2"), ("z", "4")].map(|(name, text)| (name.to_owned(), json(text))).into();
    assert_eq!(patched, Ok(ContactFields { name: some("Bob"), custom_fields, ..before() }));
}

#[test]
fn what_was_good_once_may_stay() {
    // As no rule of today would take it.
    let mut odd = before();
    odd.name = some(" a\u{7}b ");
    odd.email = some("ann\u{200b}@example.com");
    odd.custom_fields.insert("a b".to_owned(), json("1"));
    let set = FieldSet::default();
    let rules = Rules { set: &set, phones: Phones::default() };
    let patch =
        Patch::new(ContactFields { notes: some("x"), ..ContactFields::default() }, [Part::Notes], Vec::new());
    let patched = patch.onto(&odd).check(rules, Basis::Changing(&odd));
    let fields = patched.unwrap_err().into_iter().map(|violation| violation.field).collect::<Vec<_>>();
    // Names of custom fields never were anything else.
    assert_eq!(fields, ["customFields"]);
    odd.custom_fields.remove("a b");
    let patch =
        Patch::new(ContactFields { notes: some("x"), ..ContactFields::default() }, [Part::Notes], Vec::new());
    let expected = ContactFields { notes: some("x"), ..odd.clone() };
    assert_eq!(patch.onto(&odd).check(rules, Basis::Changing(&odd)), Ok(expected));
}
