use super::*;

const NOW: Timestamp = Timestamp(1_000);

fn declare(change: impl FnOnce(&mut Declaration)) -> Result<Field, Vec<(String, Fault)>> {
    let mut declaration = Declaration {
        key: Some("shoeSize".to_owned()),
        kind: Some(FieldType::Number),
        ..Declaration::default()
    };
    change(&mut declaration);
    declaration.declare(Phones::default(), NOW).map_err(names)
}

fn names(violations: Vec<Violation>) -> Vec<(String, Fault)> {
    violations.into_iter().map(|violation| (violation.field, violation.fault)).collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn json(text: &str) -> Option<JsonText> {
    Some(JsonText::new(text))
}

#[test]
fn one_rule_at_a_time() {
    use FieldType::*;
    type Change = fn(&mut Declaration);
    let good: &[Change] = &[
        |_| {},
        |d| d.key = Some("a".repeat(64)),
        |d| d.key = Some("A-b_9".to_owned()),
        |d| d.title = Some(format!(" {} ", "ä".repeat(100))),
        |d| (d.minimum, d.maximum) = (Some(1.0), Some(1.0)),
        |d| d.default = json("42"),
        |d| d.unique = Some(true),
        |d| (d.kind, d.max_length) = (Some(Text), Some(1)),
        |d| (d.kind, d.max_length) = (Some(LongText), Some(4_000)),
        |d| (d.kind, d.options) = (Some(Select), texts(&["a"])),
        |d| (d.kind, d.options) = (Some(MultiSelect), (0..200).map(|i| i.to_string()).collect()),
        |d| (d.kind, d.options, d.default) = (Some(MultiSelect), texts(&["a", "b"]), json(r#"["b"]"#)),
        |d| (d.kind, d.default) = (Some(Phone), json(r#""+49 170 1234567""#)),
        |d| (d.kind, d.default) = (Some(Boolean), json("false")),
    ];
    for (index, change) in good.iter().enumerate() {
        assert!(declare(change).is_ok(), "good case {index}");
    }
    let bad: &[(Change, &str, Fault)] = &[
        (|d| d.key = None, "key", Fault::Required),
        (|d| d.key = Some(String::new()), "key", Fault::Invalid),
        (|d| d.key = Some("a".repeat(65)), "key", Fault::Invalid),
        (|d| d.key = Some("a b".to_owned()), "key", Fault::Invalid),
        (|d| d.key = Some("ä".to_owned()), "key", Fault::Invalid),
        (|d| d.key = Some("a.b".to_owned()), "key", Fault::Invalid),
        (|d| d.kind = None, "type", Fault::Required),
        (|d| d.title = Some(" ".to_owned()), "title", Fault::TooShort),
        (|d| d.title = Some("x".repeat(101)), "title", Fault::TooLong),
        (|d| d.title = Some("a\nb".to_owned()), "title", Fault::Invalid),
        (|d| (d.kind, d.unique) = (Some(LongText), Some(true)), "unique", Fault::Invalid),
        (|d| (d.kind, d.unique) = (Some(Boolean), Some(true)), "unique", Fault::Invalid),
        (|d| d.options = texts(&["a"]), "options", Fault::Invalid),
        (|d| d.kind = Some(Select), "options", Fault::Required),
        (|d| d.kind = Some(MultiSelect), "options", Fault::Required),
        (|d| (d.kind, d.options) = (Some(Select), vec!["x".to_owned(); 201]), "options", Fault::TooLong),
        (|d| (d.kind, d.options) = (Some(Select), texts(&["a", ""])), "options[1]", Fault::TooShort),
        (|d| (d.kind, d.options) = (Some(Select), texts(&["a", " a"])), "options[1]", Fault::Duplicate),
        (
            |d| (d.kind, d.options) = (Some(Select), texts(&["\u{e9}", "e\u{301}"])),
            "options[1]",
            Fault::Duplicate,
        ),
        (|d| (d.kind, d.options) = (Some(Select), vec!["x".repeat(101)]), "options[0]", Fault::TooLong),
        (|d| (d.minimum, d.maximum) = (Some(2.0), Some(1.0)), "maximum", Fault::OutOfRange),
        (|d| d.minimum = Some(f64::NAN), "minimum", Fault::Invalid),
        (|d| d.maximum = Some(f64::INFINITY), "maximum", Fault::Invalid),
        (|d| (d.kind, d.minimum) = (Some(Date), Some(1.0)), "minimum", Fault::Invalid),
        (|d| d.max_length = Some(1), "maxLength", Fault::Invalid),
        (|d| (d.kind, d.max_length) = (Some(Text), Some(0)), "maxLength", Fault::OutOfRange),
        (|d| (d.kind, d.max_length) = (Some(Text), Some(4_001)), "maxLength", Fault::OutOfRange),
        (|d| (d.kind, d.max_length) = (Some(Text), Some(i32::MIN)), "maxLength", Fault::OutOfRange),
        (|d| d.default = json(r#""42""#), "default", Fault::Invalid),
        (|d| (d.maximum, d.default) = (Some(1.0), json("2")), "default", Fault::OutOfRange),
        (|d| (d.unique, d.default) = (Some(true), json("2")), "default", Fault::Invalid),
    ];
    for (index, (change, field, fault)) in bad.iter().enumerate() {
        assert_eq!(declare(change), Err(vec![((*field).to_owned(), *fault)]), "bad case {index}");
    }
}

#[test]
fn what_is_left_out_has_a_default() {
    let field = declare(|_| {}).unwrap();
    assert_eq!((field.title.as_str(), field.required, field.unique), ("shoeSize", false, false));
    assert_eq!((field.created_at, field.updated_at, field.max_length), (NOW, NOW, None));
    assert_eq!(declare(|d| d.kind = Some(FieldType::Text)).unwrap().max_length, Some(255));
    assert_eq!(declare(|d| d.kind = Some(FieldType::LongText)).unwrap().max_length, Some(4_000));
    // A default is stored as a value would be.
    let phone = declare(|d| (d.kind, d.default) = (Some(FieldType::Phone), json(r#""0049 170 1234567""#)));
    assert_eq!(phone.unwrap().default, json(r#""+491701234567""#));
}

#[test]
fn a_change_is_of_what_it_names() {
    let field = declare(|d| (d.title, d.minimum) = (Some("Size".to_owned()), Some(1.0))).unwrap();
    let later = Timestamp(2_000);
    let change = |declaration: Declaration, members: &[Member]| {
        declaration.change(&field, members, Phones::default(), later).map_err(names)
    };
    let all = Declaration {
        title: Some("Shoe size".to_owned()),
        maximum: Some(60.0),
        required: Some(true),
        ..Declaration::default()
    };
    let titled = change(all.clone(), &[Member::Title]).unwrap();
    assert_eq!(titled, Field { title: "Shoe size".to_owned(), updated_at: later, ..field.clone() });
    // Named and without a value: as if it had never been said.
    let bare = change(Declaration::default(), &[Member::Title, Member::Minimum]).unwrap();
    assert_eq!(
        bare,
        Field { title: "shoeSize".to_owned(), minimum: None, updated_at: later, ..field.clone() }
    );
    // What alters nothing leaves the time as it is.
    assert_eq!(change(all.clone(), &[]).as_ref(), Ok(&field));
    assert_eq!(
        change(Declaration { title: Some(" Size".to_owned()), ..all.clone() }, &[Member::Title]),
        Ok(field.clone())
    );
    // The whole has to hold, not what is named.
    let refused = change(Declaration { maximum: Some(0.5), ..Declaration::default() }, &[Member::Maximum]);
    assert_eq!(refused, Err(vec![("maximum".to_owned(), Fault::OutOfRange)]));
    let noted = Violation::new("key", Fault::Immutable, "`key` cannot be changed.");
    let refused = change(Declaration { violations: vec![noted], ..all }, &[Member::Title]);
    assert_eq!(refused, Err(vec![("key".to_owned(), Fault::Immutable)]));
}
