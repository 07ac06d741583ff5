use svc_core::clock::Timestamp;

use super::super::Declaration;
use super::*;

/// A field of this type, with what else is said.
fn field(kind: FieldType, more: fn(&mut Declaration)) -> Field {
    let mut declaration =
        Declaration { key: Some("x".to_owned()), kind: Some(kind), ..Declaration::default() };
    if matches!(kind, FieldType::Select | FieldType::MultiSelect) {
        declaration.options = ["red", "Grün", "light blue"].map(str::to_owned).to_vec();
    }
    more(&mut declaration);
    declaration.declare(Phones::default(), Timestamp(0)).unwrap()
}

fn accepted(field: &Field, json: &str) -> Result<String, Fault> {
    let value = field.accept(&JsonText::new(json), Phones::of(Some("DE")).unwrap());
    value.map(|json| json.to_string()).map_err(|(fault, _)| fault)
}

#[test]
fn each_type_takes_its_own() {
    use FieldType::*;
    let long = |length: usize| format!("\"{}\"", "ä".repeat(length));
    let (text, longer_text, long_text, too_long) = (long(255), long(256), long(4_000), long(4_001));
    let cases: &[(FieldType, &str, Result<&str, Fault>)] = &[
        (Text, r#""abc""#, Ok(r#""abc""#)),
        (Text, r#""  abc \u00a0""#, Ok(r#""abc""#)),
        (Text, &text, Ok(&text)),
        (Text, &longer_text, Err(Fault::TooLong)),
        (Text, r#""""#, Err(Fault::TooShort)),
        (Text, r#"" ""#, Err(Fault::TooShort)),
        (Text, r#""a\nb""#, Err(Fault::Invalid)),
        (Text, r#""a\u0000""#, Err(Fault::Invalid)),
        (Text, "1", Err(Fault::Invalid)),
        (Text, "true", Err(Fault::Invalid)),
        (Text, "null", Err(Fault::Invalid)),
        (Text, r#"["a"]"#, Err(Fault::Invalid)),
        (Text, r#"{"a":1}"#, Err(Fault::Invalid)),
        // Stored literally, whatever others might make of it.
        (Text, r#""=HYPERLINK(\"x\")""#, Ok(r#""=HYPERLINK(\"x\")""#)),
        (Text, r#""'; DROP TABLE contacts; --""#, Ok(r#""'; DROP TABLE contacts; --""#)),
        (Text, r#""<script>alert(1)</script>""#, Ok(r#""<script>alert(1)</script>""#)),
        (Text, "\"👩‍👩‍👧 \u{202e}abc\"", Ok("\"👩‍👩‍👧 \u{202e}abc\"")),
        (Text, "\"e\u{301}\"", Ok("\"e\u{301}\"")),
        (LongText, r#""a\n\tb\r\n""#, Ok(r#""a\n\tb""#)),
        (LongText, &long_text, Ok(&long_text)),
        (LongText, &too_long, Err(Fault::TooLong)),
        (LongText, r#""a\u0007""#, Err(Fault::Invalid)),
        (Number, "1", Ok("1")),
        (Number, "-0.5", Ok("-0.5")),
        (Number, "1e3", Ok("1e3")),
        (Number, r#""1""#, Err(Fault::Invalid)),
        (Number, r#""1,5""#, Err(Fault::Invalid)),
        (Number, "1e999", Err(Fault::Invalid)),
        (Number, "true", Err(Fault::Invalid)),
        (Date, r#""2026-12-31""#, Ok(r#""2026-12-31""#)),
        (Date, r#""2024-02-29""#, Ok(r#""2024-02-29""#)),
        (Date, r#""0001-01-01""#, Ok(r#""0001-01-01""#)),
        (Date, r#""9999-12-31""#, Ok(r#""9999-12-31""#)),
        (Date, r#""2026-02-29""#, Err(Fault::Invalid)),
        (Date, r#""2026-13-01""#, Err(Fault::Invalid)),
        (Date, r#""0000-01-01""#, Err(Fault::Invalid)),
        (Date, r#""31.12.2026""#, Err(Fault::Invalid)),
        (Date, r#""12/31/2026""#, Err(Fault::Invalid)),
        (Date, r#""20261231""#, Err(Fault::Invalid)),
        (Date, r#""2026-12-31T00:00:00Z""#, Err(Fault::Invalid)),
        (Date, r#""-2026-12-3""#, Err(Fault::Invalid)),
        (Date, "20261231", Err(Fault::Invalid)),
        (Boolean, "true", Ok("true")),
        (Boolean, "false", Ok("false")),
        (Boolean, r#""true""#, Err(Fault::Invalid)),
        (Boolean, "1", Err(Fault::Invalid)),
        (Select, r#""red""#, Ok(r#""red""#)),
        (Select, r#"" red ""#, Ok(r#""red""#)),
        (Select, "\"Gru\u{308}n\"", Ok("\"Grün\"")),
        (Select, r#""Red""#, Err(Fault::Invalid)),
        (Select, r#""blue""#, Err(Fault::Invalid)),
        (Select, r#""""#, Err(Fault::Invalid)),
        (Select, r#"["red"]"#, Err(Fault::Invalid)),
        (MultiSelect, r#"["red","light blue"]"#, Ok(r#"["red","light blue"]"#)),
        (MultiSelect, "[\"Gru\u{308}n\"]", Ok("[\"Grün\"]")),
        (MultiSelect, "[]", Err(Fault::TooShort)),
        (MultiSelect, r#"["red","red"]"#, Err(Fault::Duplicate)),
        (MultiSelect, "[\"Grün\",\"Gru\u{308}n\"]", Err(Fault::Duplicate)),
        (MultiSelect, r#"["blue"]"#, Err(Fault::Invalid)),
        (MultiSelect, r#"["red",1]"#, Err(Fault::Invalid)),
        (MultiSelect, r#"["red",["red"]]"#, Err(Fault::Invalid)),
        (MultiSelect, r#""red""#, Err(Fault::Invalid)),
        (Email, r#"" Ann@Example.com ""#, Ok(r#""Ann@Example.com""#)),
        (Email, r#""ann""#, Err(Fault::Invalid)),
        (Email, "\"ann\u{200b}@example.com\"", Err(Fault::Invalid)),
        (Phone, r#""+49 170 1234567""#, Ok(r#""+491701234567""#)),
        (Phone, r#""0049 170 1234567""#, Ok(r#""+491701234567""#)),
        (Phone, r#""0170 1234567""#, Ok(r#""+491701234567""#)),
        (Phone, r#""12""#, Err(Fault::Invalid)),
        (Phone, "491701234567", Err(Fault::Invalid)),
        (Url, r#""https://example.com/a?b=c#d""#, Ok(r#""https://example.com/a?b=c#d""#)),
        (Url, r#""HTTP://EXAMPLE.com""#, Ok(r#""HTTP://EXAMPLE.com""#)),
        (Url, r#""https://exämple.de/ä""#, Ok(r#""https://exämple.de/ä""#)),
        (Url, r#""example.com""#, Err(Fault::Invalid)),
        (Url, r#""javascript:alert(1)""#, Err(Fault::Invalid)),
        (Url, r#""data:text/html,x""#, Err(Fault::Invalid)),
        (Url, r#""file:///etc/passwd""#, Err(Fault::Invalid)),
        (Url, r#""https://user:secret@example.com""#, Err(Fault::Invalid)),
        (Url, r#""https://""#, Err(Fault::Invalid)),
        (Url, r#""https://exa mple.com""#, Err(Fault::Invalid)),
        (Url, r#""https://example.com/\u0000""#, Err(Fault::Invalid)),
    ];
    for (kind, json, expected) in cases {
        let found = accepted(&field(*kind, |_| {}), json);
        assert_eq!(found.as_deref().map_err(|fault| *fault), *expected, "{kind:?} {json}");
        // What is stored is taken again, as it is.
        if let Ok(stored) = found {
            assert_eq!(accepted(&field(*kind, |_| {}), &stored).as_deref(), Ok(stored.as_str()), "{kind:?}");
        }
    }
}

#[test]
fn numbers_in_a_range() {
    let field = field(FieldType::Number, |d| (d.minimum, d.maximum) = (Some(-1.5), Some(10.0)));
    for (json, expected) in [
        ("-1.5", Ok(())),
        ("10", Ok(())),
        ("10.0", Ok(())),
        ("-1.6", Err(Fault::OutOfRange)),
        ("10.000001", Err(Fault::OutOfRange)),
        ("1e300", Err(Fault::OutOfRange)),
    ] {
        assert_eq!(accepted(&field, json).map(drop), expected, "{json}");
    }
}

#[test]
fn what_unique_values_are_compared_by() {
    use FieldType::*;
    let same: &[(FieldType, &str, &str, bool)] = &[
        (Text, r#""Ab""#, r#""aB""#, true),
        (Text, "\"\u{e9}\"", "\"E\u{301}\"", true),
        (Text, r#""a b""#, r#""ab""#, false),
        (Number, "1", "1.0", true),
        (Number, "0", "-0", true),
        (Number, "100", "1e2", true),
        (Number, "1", "2", false),
        (Email, r#""Ann@example.com""#, r#""ann@EXAMPLE.com""#, true),
        (Email, r#""ann@example.com""#, r#""bob@example.com""#, false),
        (Url, r#""HTTPS://Example.com""#, r#""https://example.com/""#, true),
        (Url, r#""https://example.com/a""#, r#""https://example.com/A""#, false),
        (Phone, r#""+491701234567""#, r#""+491701234568""#, false),
        (Date, r#""2026-01-01""#, r#""2026-01-02""#, false),
        (Select, r#""red""#, r#""Grün""#, false),
    ];
    for (kind, one, other, expected) in same {
        let field = field(*kind, |declaration| declaration.unique = Some(true));
        let value = |json: &str| field.unique_value(&JsonText::new(json)).unwrap();
        assert_eq!(value(one) == value(other), *expected, "{kind:?} {one} {other}");
        assert_eq!(value(one).digest.len(), 32);
    }
    // Of other fields nothing is known, nor of what is no value.
    assert_eq!(field(Text, |_| {}).unique_value(&JsonText::new(r#""a""#)), None);
    let unique = field(Text, |declaration| declaration.unique = Some(true));
    assert_eq!(unique.unique_value(&JsonText::new("{}")), None);
}
