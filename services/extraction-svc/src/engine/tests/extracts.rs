//! What is found in documents that nobody has corrected.

use serde_json::{Value, json};

use super::{assert_proven, invoice, paper, schema};
use crate::engine::{CompiledSchema, extract};
use crate::templates;

fn fields() -> CompiledSchema {
    CompiledSchema::compile(&json!({"title": "Invoice", "type": "object", "properties": {
        "invoice_number": {"type": "string", "title": "Invoice number"},
        "invoice_date": {"type": "string", "format": "date", "title": "Invoice date"},
        "due_date": {"type": "string", "format": "date", "title": "Due date"},
        "tax_amount": {"type": "number", "title": "Tax amount"},
        "total_amount": {"type": "number", "title": "Total amount"},
    }}))
    .unwrap()
}

#[test]
fn labels_of_many_languages_lead_to_values() {
    for words in [
        ["Invoice", "Invoice number", "Invoice date", "VAT", "Total"],
        ["Rechnung", "Rechnungs-Nr.:", "Rechnungsdatum:", "MwSt.", "Gesamtbetrag"],
        ["Facture", "Facture n°", "Date de facture", "TVA", "Total TTC"],
        ["Factura", "Número de factura", "Fecha de factura", "IVA", "Importe total"],
    ] {
        let document = invoice(words, "RE-2024-017", "31.01.2024", "120.00");
        let found = extract(&document, &fields(), None);
        assert_proven(&document, &found);
        let expected = json!({"invoice_number": "RE-2024-017", "invoice_date": "2024-01-31", "due_date": null, "tax_amount": 20.0, "total_amount": 120.0});
        assert_eq!(found.data, expected, "{words:?}");
        assert!(found.fields.iter().all(|leaf| leaf.uncalibrated && leaf.confidence < 0.9));
    }
}

#[test]
fn what_a_document_does_not_hold_is_null() {
    let document = paper(&[
        (4, 1, "Minutes of the meeting"),
        (4, 3, "Nothing was decided."),
        (4, 4, "Nobody objected."),
    ]);
    let found = extract(&document, &fields(), None);
    assert!(found.data.as_object().unwrap().values().all(Value::is_null), "{}", found.data);
    assert!(found.fields.iter().all(|leaf| leaf.source.is_none()));
    let nothing = paper(&[(0, 0, "x")]);
    let empty = crate::document::Document { pages: vec![], ..nothing };
    assert!(extract(&empty, &fields(), None).data.as_object().unwrap().values().all(Value::is_null));
}

#[test]
fn tables_are_read_row_by_row() {
    let document = paper(&[
        (2, 1, "Description"),
        (40, 1, "Qty"),
        (50, 1, "Unit price"),
        (70, 1, "Amount"),
        (2, 2, "Desk lamp"),
        (40, 2, "2"),
        (50, 2, "10.50"),
        (70, 2, "21.00"),
        (2, 3, "Steel shelf"),
        (40, 3, "1"),
        (50, 3, "99.00"),
        (70, 3, "99.00"),
        (2, 4, "900 x 400"),
        (50, 6, "Subtotal"),
        (70, 6, "120.00"),
    ]);
    let lines = schema(json!({"lines": {"type": "array", "items": {"type": "object", "properties": {
        "description": {"type": "string"}, "quantity": {"type": "number"}, "unit_price": {"type": "number"}, "amount": {"type": "number"},
    }}}}));
    let found = extract(&document, &lines, None);
    assert_proven(&document, &found);
    let expected = json!({"lines": [
        {"description": "Desk lamp", "quantity": 2.0, "unit_price": 10.5, "amount": 21.0},
        {"description": "Steel shelf 900 x 400", "quantity": 1.0, "unit_price": 99.0, "amount": 99.0},
    ]});
    assert_eq!(found.data, expected);
    assert_eq!(found.fields[0].path.rsplit('/').nth(1), Some("0"));
}

#[test]
fn lists_are_read_below_and_beside_their_heading() {
    let document = paper(&[
        (4, 1, "Jane Doe"),
        (4, 4, "SKILLS"),
        (4, 5, "Welding, Python; SQL"),
        (4, 8, "LANGUAGES"),
        (4, 9, "German"),
        (4, 10, "French"),
    ]);
    let lists = schema(json!({
        "skills": {"type": "array", "title": "Skills", "items": {"type": "string"}},
        "languages": {"type": "array", "title": "Languages", "items": {"type": "string"}},
        "hobbies": {"type": "array", "title": "Hobbies", "items": {"type": "string"}},
    }));
    let found = extract(&document, &lists, None);
    assert_proven(&document, &found);
    assert_eq!(found.data["languages"], json!(["German", "French"]));
    assert_eq!(found.data["hobbies"], json!([]));
    assert!(!found.data["skills"].as_array().unwrap().is_empty());
}

#[test]
fn bounds_of_the_schema_hold() {
    let document = paper(&[
        (4, 1, "Total"),
        (30, 1, "120.00"),
        (4, 2, "Sex"),
        (30, 2, "weiblich"),
        (4, 3, "Order no."),
        (30, 3, "A-77"),
    ]);
    let bounded = schema(json!({
        "total": {"type": "number", "title": "Total", "maximum": 100},
        "sex": {"type": "string", "title": "Sex", "enum": ["male", "female"]},
        "order_no": {"type": "string", "title": "Order no.", "pattern": "^[0-9]+$"},
    }));
    let found = extract(&document, &bounded, None);
    assert_eq!(found.data, json!({"total": null, "sex": "female", "order_no": null}));
}

#[test]
fn numbers_beside_the_bounds_are_no_answers() {
    let document = paper(&[(4, 1, "Total"), (30, 1, "30.60")]);
    for (bound, within) in [
        (json!({"minimum": 30.60, "maximum": 30.60}), true),
        (json!({"exclusiveMinimum": 30.60}), false),
        (json!({"exclusiveMinimum": 30.59, "minimum": 1}), true),
        (json!({"exclusiveMaximum": 30.60, "maximum": 1_000}), false),
        (json!({"multipleOf": 0.1}), true),
        (json!({"multipleOf": 7}), false),
    ] {
        let mut total = json!({"type": "number", "title": "Total"});
        total.as_object_mut().unwrap().extend(bound.as_object().unwrap().clone());
        let found = extract(&document, &schema(json!({ "total": total })), None);
        assert_eq!(!found.data["total"].is_null(), within, "{bound}");
    }
}

#[test]
fn lists_keep_to_the_bounds_of_the_schema() {
    let document = paper(&[
        (2, 1, "Weights:"),
        (2, 2, "12,5"),
        (2, 3, "7,25"),
        (2, 4, "12,5"),
        (2, 5, "900,0"),
        (2, 6, "3,5"),
        (2, 9, "Item"),
        (30, 9, "Amount"),
        (2, 10, "Apples"),
        (30, 10, "10.00"),
        (2, 11, "Apples"),
        (30, 11, "10.00"),
        (2, 12, "Pears"),
        (30, 12, "2000.00"),
        (2, 13, "Plums"),
        (30, 13, "5.00"),
    ]);
    let bounded = schema(json!({
        "weights": {"type": "array", "title": "Weights", "maxItems": 2, "uniqueItems": true,
            "items": {"type": "number", "maximum": 100}},
        "items": {"type": "array", "title": "Items", "maxItems": 2, "uniqueItems": true, "items": {
            "type": "object", "properties": {
                "item": {"type": "string", "title": "Item"},
                "amount": {"type": "number", "title": "Amount", "maximum": 100}}}},
    }));
    let found = extract(&document, &bounded, None);
    assert_proven(&document, &found);
    assert_eq!(
        found.data,
        json!({
            "weights": [12.5, 7.25],
            "items": [{"item": "Apples", "amount": 10.0}, {"item": "Pears", "amount": null}],
        })
    );
    let mut paths: Vec<&str> = found.fields.iter().map(|leaf| leaf.path.as_str()).collect();
    paths.sort_unstable();
    let expected =
        ["/items/0/amount", "/items/0/item", "/items/1/amount", "/items/1/item", "/weights/0", "/weights/1"];
    assert_eq!(paths, expected);
}

#[test]
fn hidden_words_are_no_answers() {
    let mut document = paper(&[(4, 1, "Total"), (30, 1, "120.00")]);
    document.pages[0].words[1].hidden = true;
    let total = schema(json!({"total": {"type": "number", "title": "Total"}}));
    assert_eq!(extract(&document, &total, None).data, json!({"total": null}));
}

#[test]
fn documents_that_do_not_hang_together_are_survived() {
    let mut document = paper(&[(4, 1, "Total"), (30, 1, "120.00")]);
    let page = &mut document.pages[0];
    page.lines[0].words.end = 9_000;
    page.lines[0].cells =
        vec![crate::document::Span { start: 5, end: 2 }, crate::document::Span { start: 0, end: 9_000 }];
    page.words[0].bounds.left = f32::NAN;
    page.words[1].bounds.width = -1.0;
    for template in templates::built_in() {
        let _ = extract(&document, &template.compiled, None);
    }
}

#[test]
fn the_type_of_a_document_is_told() {
    let bill =
        invoice(["Invoice", "Invoice number", "Invoice date", "VAT", "Total"], "17", "2024-01-31", "120.00");
    let resume = paper(&[
        (4, 1, "Curriculum vitae"),
        (4, 2, "Jane Doe"),
        (4, 4, "Experience"),
        (4, 6, "Education"),
        (4, 8, "Skills"),
        (4, 9, "Welding"),
    ]);
    for (document, name) in [(bill, "invoice"), (resume, "resume")] {
        let (template, likely) = templates::detect_type(&document).unwrap();
        assert_eq!(template.name, name);
        assert!(likely > 0.5);
    }
    let nothing = crate::document::Document { pages: vec![], ..paper(&[(0, 0, "x")]) };
    assert!(templates::detect_type(&nothing).is_none());
}

#[test]
fn lists_of_days_and_of_numbers() {
    let document = paper(&[
        (2, 1, "Payment dates:"),
        (2, 2, "31.01.2024"),
        (2, 3, "29.02.2024"),
        (2, 6, "Weights:"),
        (2, 7, "12,5"),
        (2, 8, "7,25"),
    ]);
    let schema = schema(json!({
        "payment_dates": {"type": "array", "title": "Payment dates", "items": {"type": "string", "format": "date"}},
        "weights": {"type": "array", "title": "Weights", "items": {"type": "number"}}
    }));
    let found = extract(&document, &schema, None);
    assert_proven(&document, &found);
    assert_eq!(found.data, json!({"payment_dates": ["2024-01-31", "2024-02-29"], "weights": [12.5, 7.25]}));
}

/// Whole amounts with a blank between groups of thousands, as France, Poland or Sweden write them.
#[test]
fn an_amount_is_read_over_its_blanks() {
    for (written, expected) in [
        ("5 000 €", json!(5_000.0)),
        ("12 500 EUR", json!(12_500.0)),
        ("1 250 000 kr", json!(1_250_000.0)),
        ("1 250,50 €", json!(1_250.5)),
        ("5 000,- €", json!(5_000.0)),
        ("100,- EUR", json!(100.0)),
    ] {
        let total = format!("Total: {written}");
        let document = paper(&[(4, 1, "Invoice"), (4, 4, total.as_str())]);
        let asked = schema(json!({"total": {"type": "number", "title": "Total"}}));
        assert_eq!(extract(&document, &asked, None).data["total"], expected, "{written}");
    }
}

#[test]
fn what_is_cut_is_said() {
    let rows: Vec<String> = (0..2_100).map(|n| format!("Item {n}")).collect();
    let mut texts: Vec<(u16, u16, &str)> = vec![(4, 1, "Item"), (40, 1, "Amount")];
    for (line, row) in (2..).zip(&rows) {
        texts.push((4, line, row.as_str()));
        texts.push((40, line, "10.00"));
    }
    let lines = schema(json!({"lines": {"type": "array", "items": {"type": "object", "properties": {
        "item": {"type": "string", "title": "Item"}, "amount": {"type": "number", "title": "Amount"}}}}}));
    let found = extract(&paper(&texts), &lines, None);
    assert_eq!(found.data["lines"].as_array().unwrap().len(), 2_000);
    assert_eq!(found.cut, ["`/lines` after 2000 items"]);
    assert!(extract(&paper(&texts[..400]), &lines, None).cut.is_empty());
}

#[test]
fn a_list_beside_its_label_goes_on_below() {
    let asked = schema(json!({
        "skills": {"type": "array", "title": "Skills", "items": {"type": "string"}},
        "languages": {"type": "array", "title": "Languages", "items": {"type": "string"}},
    }));
    for left in [4, 12] {
        let document = paper(&[
            (4, 1, "Jane Doe"),
            (4, 4, "Skills: Python, Rust, Go,"),
            (left, 5, "Scala, Haskell,"),
            (left, 6, "Ada"),
            (4, 7, "Languages: German, French"),
            (4, 8, "Hobbies and interests are many"),
        ]);
        let found = extract(&document, &asked, None);
        assert_proven(&document, &found);
        let expected = json!({
            "skills": ["Python", "Rust", "Go", "Scala", "Haskell", "Ada"],
            "languages": ["German", "French"],
        });
        assert_eq!(found.data, expected, "{left}");
    }
}
