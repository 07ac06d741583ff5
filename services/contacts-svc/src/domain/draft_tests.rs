use super::super::JsonText;
use super::*;

fn json(text: &str) -> JsonText {
    JsonText::new(text)
}

/// A JSON string of so many bytes with its quotes.
fn string_of(bytes: usize) -> JsonText {
    JsonText::new(format!("\"{}\"", "x".repeat(bytes - 2)))
}

/// A list of so many values, itself counted.
fn list_of(values: usize) -> JsonText {
    JsonText::new(format!("[{}]", vec!["0"; values - 1].join(",")))
}

fn nested(depth: usize) -> JsonText {
    JsonText::new(format!("{}{}", "[".repeat(depth), "]".repeat(depth)))
}

/// A draft that breaks no rule but those that the change breaks.
fn draft(change: impl FnOnce(&mut ContactFields)) -> Draft {
    let mut fields = ContactFields { email: Some("ann@example.com".to_owned()), ..ContactFields::default() };
    change(&mut fields);
    Draft::new(fields, Vec::new())
}

/// A new contact of an agent without fields.
fn check(draft: Draft) -> Result<ContactFields, Vec<Violation>> {
    draft.check(Rules { set: &FieldSet::default(), phones: Phones::default() }, Basis::New)
}

fn broken(draft: Draft) -> Vec<(String, Fault)> {
    let violations = check(draft).err().unwrap_or_default();
    violations.into_iter().map(|violation| (violation.field, violation.fault)).collect()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn one_rule_at_a_time() {
    type Change = fn(&mut ContactFields);
    let good: &[Change] = &[
        |_| {},
        |f| f.mobile_number = some("+491701234567"),
        |f| (f.email, f.mobile_number) = (None, some("+491701234567")),
        |f| f.name = Some("ä".repeat(200)),
        |f| f.name = Some(format!(" {} ", "x".repeat(200))),
        |f| f.email = Some(format!("{}@example.com", "a".repeat(242))),
        |f| f.notes = some("one\r\n\ttwo"),
        |f| f.notes = Some("x".repeat(10_000)),
        |f| f.tags = (0..50).map(|i| format!("tag {i}")).collect(),
        |f| f.tags = texts(&["VIP", "vip"]),
        |f| drop(f.custom_fields.insert("A-z_09".into(), json(r#"{"any":["json",null,1.5,true]}"#))),
        |f| drop(f.custom_fields.insert("x".repeat(64), json("null"))),
        |f| drop(f.custom_fields.insert("x".into(), string_of(4_096))),
        |f| f.custom_fields = (0..100).map(|i| (format!("f{i}"), json(&i.to_string()))).collect(),
        |f| f.custom_fields = [("a".into(), list_of(1_000)), ("b".into(), list_of(1_000))].into(),
        |f| drop(f.custom_fields.insert("x".into(), nested(30))),
    ];
    for (index, change) in good.iter().enumerate() {
        assert_eq!(broken(draft(change)), [], "good case {index}");
    }

    let bad: &[(Change, &str, Fault)] = &[
        (|f| f.email = None, "email", Fault::Required),
        (|f| f.email = some(""), "email", Fault::TooShort),
        (|f| f.email = some("ann"), "email", Fault::Invalid),
        (|f| f.email = Some(format!("{}@example.com", "a".repeat(243))), "email", Fault::TooLong),
        (|f| f.email = some("ann\u{202e}@example.com"), "email", Fault::Invalid),
        (|f| f.email = some("ann@example.com\u{200b}"), "email", Fault::Invalid),
        (|f| f.email = some("ann\0@example.com"), "email", Fault::Invalid),
        (|f| f.mobile_number = some("12345"), "mobileNumber", Fault::Invalid),
        (|f| f.mobile_number = some("0170 1234567"), "mobileNumber", Fault::Invalid),
        (|f| f.mobile_number = some("+49 170 1234567 ext. 5"), "mobileNumber", Fault::Invalid),
        (|f| f.mobile_number = some("+49\n1701234567"), "mobileNumber", Fault::Invalid),
        (|f| f.mobile_number = Some("1".repeat(65)), "mobileNumber", Fault::TooLong),
        (|f| f.mobile_number = some(" "), "mobileNumber", Fault::TooShort),
        (|f| f.external_reference_id = some(""), "externalReferenceId", Fault::TooShort),
        (|f| f.external_reference_id = some("schema"), "externalReferenceId", Fault::Invalid),
        (|f| f.external_reference_id = Some("x".repeat(129)), "externalReferenceId", Fault::TooLong),
        (|f| f.name = some("  "), "name", Fault::TooShort),
        (|f| f.name = Some("ä".repeat(201)), "name", Fault::TooLong),
        (|f| f.name = some("a\nb"), "name", Fault::Invalid),
        (|f| f.gender = Some("x".repeat(51)), "gender", Fault::TooLong),
        (|f| f.source = Some("x".repeat(101)), "source", Fault::TooLong),
        (|f| f.notes = Some("x".repeat(10_001)), "notes", Fault::TooLong),
        (|f| f.notes = some("a\0"), "notes", Fault::Invalid),
        (|f| f.tags = texts(&["a", ""]), "tags[1]", Fault::TooShort),
        (|f| f.tags = texts(&["a", "b", " a "]), "tags[2]", Fault::Duplicate),
        (|f| f.tags = vec!["x".repeat(51)], "tags[0]", Fault::TooLong),
        (|f| f.tags = (0..51).map(|i| i.to_string()).collect(), "tags", Fault::TooLong),
        (|f| drop(f.custom_fields.insert(String::new(), json("1"))), "customFields", Fault::Invalid),
        (|f| drop(f.custom_fields.insert("a.b".into(), json("1"))), "customFields", Fault::Invalid),
        (|f| drop(f.custom_fields.insert("x".repeat(65), json("1"))), "customFields", Fault::Invalid),
        (|f| drop(f.custom_fields.insert("x".into(), string_of(4_097))), "customFields.x", Fault::TooLong),
        (
            |f| f.custom_fields = (0..101).map(|i| (format!("f{i}"), json(&i.to_string()))).collect(),
            "customFields",
            Fault::TooLong,
        ),
        (
            |f| f.custom_fields = [("a".into(), list_of(1_000)), ("b".into(), list_of(1_001))].into(),
            "customFields",
            Fault::TooLong,
        ),
        (|f| drop(f.custom_fields.insert("x".into(), nested(31))), "customFields.x", Fault::TooLong),
        (
            |f| f.custom_fields = (0..17).map(|i| (format!("f{i}"), string_of(4_000))).collect(),
            "customFields",
            Fault::TooLong,
        ),
    ];
    for (index, (change, field, fault)) in bad.iter().enumerate() {
        assert_eq!(broken(draft(change)), [((*field).to_owned(), *fault)], "bad case {index}");
    }
}

#[test]
fn everything_wrong_is_said_at_once() {
    let found_before = Violation::new("id", Fault::Immutable, "`id` cannot be set.");
    let fields = ContactFields {
        external_reference_id: some("."),
        name: some(""),
        tags: texts(&["", "a", "a"]),
        ..ContactFields::default()
    };
    let broken = broken(Draft::new(fields, vec![found_before]));
    let fields: Vec<&str> = broken.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["id", "externalReferenceId", "name", "email", "tags[0]", "tags[2]"]);
}

#[test]
fn an_answer_stays_small_whatever_was_sent() {
    let draft = draft(|fields| {
        fields.tags = vec![String::new(); 50];
        fields.custom_fields =
            (0..100).map(|i| (format!("{i} {}", "x".repeat(9_000)), json(&i.to_string()))).collect();
    });
    let violations = check(draft).unwrap_err();
    assert_eq!(violations.len(), VIOLATIONS_MAX);
    let bytes: usize = violations.iter().map(|v| v.field.len() + v.message.len()).sum();
    assert!(bytes < 8_192, "{bytes} bytes");
}

#[test]
fn texts_are_trimmed_and_the_reference_is_not() {
    let fields = draft(|fields| {
        fields.external_reference_id = some(" crm 1 ");
        fields.name = some("  Ann \u{a0}");
        fields.email = some(" Ann@Example.com\n");
        fields.tags = texts(&[" vip "]);
    });
    let fields = check(fields).unwrap();
    assert_eq!(fields.external_reference_id.as_deref(), Some(" crm 1 "));
    assert_eq!(fields.name.as_deref(), Some("Ann"));
    assert_eq!(fields.email.as_deref(), Some("Ann@Example.com"));
    assert_eq!(fields.tags, ["vip"]);
}

/// Whatever a database, a spreadsheet or a browser might make of it.
#[test]
fn texts_are_kept_as_they_were_written() {
    for text in [
        "'; DROP TABLE contacts; --",
        "=cmd|' /C calc'!A0",
        "<script>alert(1)</script>",
        "${jndi:ldap://x}",
        "\u{202e}abc\u{202c}",
        "\u{5d0}\u{5d1}\u{200f}",
        "👩‍👩‍👧",
        "e\u{301}",
        "\u{e9}",
        "\u{fb01}",
        "null",
        "%00",
        "\\u0000",
    ] {
        let fields = draft(|fields| {
            fields.name = some(text);
            fields.gender = some(text);
            fields.source = some(text);
            fields.notes = some(text);
            fields.tags = texts(&[text]);
            fields.external_reference_id = some(text);
        });
        let fields = check(fields).unwrap();
        assert_eq!(fields.name.as_deref(), Some(text));
        assert_eq!(
            (&fields.gender, &fields.source, &fields.notes),
            (&fields.name, &fields.name, &fields.name)
        );
        assert_eq!((fields.tags, fields.external_reference_id), (texts(&[text]), some(text)));
    }
}

#[test]
fn numbers_are_kept_in_one_form() {
    for written in
        ["+491701234567", " 0049 170 1234567 ", "+49 (0)170/1234567", "\u{202a}+49\u{a0}170-1234567\u{202c}"]
    {
        let fields = check(draft(|fields| fields.mobile_number = some(written))).unwrap();
        assert_eq!(fields.mobile_number.as_deref(), Some("+491701234567"), "{written:?}");
    }
}

#[test]
fn a_draft_may_repeat_the_reference_of_the_request_only() {
    for (said, fits) in [(None, true), (Some("a"), true), (Some("b"), false), (Some(""), false)] {
        let mut draft = draft(|fields| fields.external_reference_id = said.map(str::to_owned));
        draft.address("a", true);
        let expected = match fits {
            true => vec![],
            false => vec![("externalReferenceId".to_owned(), Fault::Immutable)],
        };
        assert_eq!(broken(draft), expected, "{said:?}");
    }
}
