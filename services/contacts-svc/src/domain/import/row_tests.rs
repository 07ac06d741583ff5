use super::*;
use crate::csv::Records;

/// What a row with this one cell sets.
fn read_as(column: Column, cell: &str, formats: &Formats) -> Upsert {
    let reading = Reading { columns: vec![column], formats: formats.clone() };
    // A cell as another program writes it, in quotes.
    let text = format!("\"{}\"\n", cell.replace('"', "\"\""));
    let mut records = Records::new(b',', 1);
    assert!(records.read(text.as_bytes()).1);
    reading.row(records.cells().unwrap()).unwrap()
}

fn read(column: Column, cell: &str) -> Upsert {
    read_as(column, cell, &Formats::default())
}

fn faults(upsert: &Upsert) -> Vec<(&str, Fault)> {
    upsert.violations.iter().map(|violation| (violation.field.as_str(), violation.fault)).collect()
}

#[test]
fn texts_are_taken_as_they_are() {
    for cell in
        ["Ann", " Ann ", "a;b", "=1+2", "-5", "@x", "Zoë 🙂", "'", "'a", "\"q\"", "one\r\ntwo", "DROP TABLE"]
    {
        let upsert = read(Column::Notes, cell);
        assert_eq!((upsert.fields.notes.as_deref(), faults(&upsert)), (Some(cell), vec![]), "{cell:?}");
    }
    assert_eq!(read(Column::Notes, "'=1+2").fields.notes.as_deref(), Some("=1+2"));
    assert_eq!(read(Column::MobileNumber, "'+49170").fields.mobile_number.as_deref(), Some("+49170"));
    assert_eq!(read(Column::ExternalReferenceId, " a ").fields.external_reference_id.as_deref(), Some(" a "));
}

#[test]
fn an_empty_cell_says_nothing() {
    for cell in ["", " ", "\u{a0}", "\t"] {
        for column in [
            Column::Name,
            Column::Stage,
            Column::Tags,
            Column::Customs,
            Column::Custom("x".to_owned(), CellType::Number),
        ] {
            let upsert = read(column, cell);
            assert_eq!((&upsert.fields, faults(&upsert)), (&ContactFields::default(), vec![]), "{cell:?}");
        }
    }
}

#[test]
fn stages_and_lists() {
    for (cell, stage) in [
        ("LEAD", Some(Stage::Lead)),
        (" prospect ", Some(Stage::Prospect)),
        ("Old_Customer", Some(Stage::OldCustomer)),
        ("Kunde", None),
        ("LEAD;", None),
    ] {
        let upsert = read(Column::Stage, cell);
        assert_eq!(upsert.fields.stage, stage, "{cell:?}");
        assert_eq!(upsert.violations.is_empty(), stage.is_some(), "{cell:?}");
    }
    assert_eq!(read(Column::Tags, r"a; b;c\;d").fields.tags, ["a", "b", "c;d"]);
}

#[test]
fn values_by_their_type() {
    let german = Formats::of(Some("de-DE"), None).unwrap();
    let iso = Formats::default();
    for (of, formats, cell, json) in [
        (CellType::Text, &iso, " 007 ", Some(r#""007""#)),
        (CellType::Text, &iso, "a\"b", Some(r#""a\"b""#)),
        (CellType::Number, &iso, "1.50", Some("1.5")),
        (CellType::Number, &iso, "1e3", Some("1000")),
        (CellType::Number, &iso, "1,5", None),
        (CellType::Number, &iso, "12345678901234567", None),
        (CellType::Number, &german, "1.234,50", Some("1234.5")),
        (CellType::Number, &german, "1.5", None),
        (CellType::Date, &iso, "2026-12-31", Some(r#""2026-12-31""#)),
        (CellType::Date, &iso, "31.12.2026", None),
        (CellType::Date, &german, "31.12.2026", Some(r#""2026-12-31""#)),
        (CellType::Date, &german, "12/31/2026", None),
        (CellType::Boolean, &iso, "TRUE", Some("true")),
        (CellType::Boolean, &iso, "no", Some("false")),
        (CellType::Boolean, &iso, "0", Some("false")),
        (CellType::Boolean, &iso, "2", None),
        (CellType::Boolean, &iso, "wahr", None),
        (CellType::List, &iso, r"a;b\;c", Some(r#"["a","b;c"]"#)),
    ] {
        let upsert = read_as(Column::Custom("x".to_owned(), of), cell, formats);
        let found = upsert.fields.custom_fields.get("x").map(|json| json.to_string());
        assert_eq!(found.as_deref(), json, "{of:?} {cell:?}");
        let expected = if json.is_some() { vec![] } else { vec![("customFields.x", Fault::Invalid)] };
        assert_eq!(faults(&upsert), expected, "{of:?} {cell:?}");
    }
}

#[test]
fn custom_fields_as_an_object() {
    let upsert = read(Column::Customs, r#" {"a": [1, {"b": null}], "c": 1.50} "#);
    let found: Vec<(&str, &str)> =
        upsert.fields.custom_fields.iter().map(|(name, json)| (name.as_str(), &**json)).collect();
    assert_eq!(found, [("a", r#"[1,{"b":null}]"#), ("c", "1.5")]);
    for cell in ["[1]", "{", "{\"a\":}", "x", "{} {}"] {
        assert_eq!(faults(&read(Column::Customs, cell)), [("customFields", Fault::Invalid)], "{cell:?}");
    }
}

#[test]
fn a_row_has_as_many_cells_as_there_are_columns() {
    let reading = Reading { columns: vec![Column::Name, Column::Email], formats: Formats::default() };
    for (text, fits) in [("a,b\n", true), ("a\n", false), ("a,b,\n", false), ("a,b,c\n", false)] {
        let mut records = Records::new(b',', 1);
        records.read(text.as_bytes());
        assert_eq!(reading.row(records.cells().unwrap()).is_ok(), fits, "{text:?}");
    }
}
