//! What a language model says, found again in the document or not.

use serde_json::{Value, json};

use super::{assert_proven, paper, schema};
use crate::engine::{CompiledSchema, Method, Question, Said, ground, written};

/// The value of a field when a model says this of a document.
fn grounded(field: &Value, texts: &[(u16, u16, &str)], said: &Value) -> Value {
    let (document, schema) = (paper(texts), schema(json!({ "field": field })));
    let found = ground(&document, &schema, None, &[Said { pages: 1..=1, answer: json!({ "field": said }) }]);
    assert_proven(&document, &found);
    let [leaf] = found.fields.as_slice() else { panic!("one leaf: {found:?}") };
    assert_eq!((leaf.path.as_str(), leaf.method, leaf.uncalibrated), ("/field", Method::Model, true));
    assert_eq!(leaf.source.is_some(), !leaf.value.is_null(), "{leaf:?}");
    found.data["field"].clone()
}

#[test]
fn what_stands_in_the_document_is_a_value_and_nothing_else_is() {
    let text = json!({"type": "string"});
    let of = |format: &str| json!({"type": "string", "format": format});
    let number = json!({"type": "number"});
    let terms = json!({"type": "string", "enum": ["NET_30", "NET_60"]});
    let renews = json!({"type": "boolean", "title": "Renews"});
    for (field, line, said, value) in [
        // A text is the document's, however it was said.
        (&text, "made by Fjord Supply Co. today", json!("FJORD  SUPPLY co"), json!("Fjord Supply Co")),
        (&text, "made by Fjord Supply Co. today", json!("Fjord Supply Co."), json!("Fjord Supply Co.")),
        (&text, "the laws of Texas.", json!("Texas"), json!("Texas")),
        (&text, "within ninety (90) days,", json!("90 days"), json!("(90) days")),
        (
            &text,
            "the buyer’s “Blue” widget",
            json!("buyer's \"blue\" widget"),
            json!("buyer’s “Blue” widget"),
        ),
        (&text, "Invoice number: INV-2041", json!("INV-2041"), json!("INV-2041")),
        (&text, "Invoice number: INV-2041", json!("INV-2042"), Value::Null),
        (&text, "Invoice number: INV-2041", json!("INV-204"), Value::Null),
        (&text, "Paid 1,250 by hand", json!("12.50"), Value::Null),
        (&text, "Paid 1,250 by hand", json!(""), Value::Null),
        (&text, "Paid 1,250 by hand", json!("—"), Value::Null),
        (&text, "Paid 1,250 by hand", Value::Null, Value::Null),
        // Days and numbers are read where they stand.
        (&of("date"), "signed on 3 May 2024 in Oslo", json!("2024-05-03"), json!("2024-05-03")),
        (&of("date"), "signed on 3 May 2024 in Oslo", json!("3 May 2024"), json!("2024-05-03")),
        (&of("date"), "signed on 3 May 2024 in Oslo", json!("2024-05-03T12:30:00Z"), json!("2024-05-03")),
        (&of("date"), "signed on 3 May 2024 in Oslo", json!("2024-05-04"), Value::Null),
        (&of("date"), "signed on 3 May 2024 in Oslo", json!("Oslo"), Value::Null),
        (&number, "Total 1,250.50 EUR", json!(1250.5), json!(1250.5)),
        (&number, "Total 1,250.50 EUR", json!("1250.50"), json!(1250.5)),
        (&number, "Total 1,250.50 EUR", json!("EUR 1,250.50"), json!(1250.5)),
        (&number, "Total 1,250.50 EUR", json!("125050"), Value::Null),
        (&number, "Total 1,250.50 EUR", json!("EUR"), Value::Null),
        (&number, "Summe 1.250,50 EUR", json!("1.250,50"), json!(1250.5)),
        (&number, "Summe 1.250,50 EUR", json!(1250.5), json!(1250.5)),
        // What something is about has a form.
        (&of("email"), "Write to ada@example.com now", json!("ada@example.com"), json!("ada@example.com")),
        (&of("email"), "Write to ada@example.com now", json!("Write"), Value::Null),
        (&of("iban"), "the laws of Norway", json!("Norway"), Value::Null),
        (&terms, "Payment terms: net 30", json!("NET_30"), json!("NET_30")),
        (&terms, "Payment terms: net 30", json!("net 30"), json!("NET_30")),
        (&terms, "Payment terms: net 30", json!("NET_60"), Value::Null),
        (&renews, "Renews: yes", json!("yes"), json!(true)),
        (&renews, "Renews: yes", json!(true), json!(true)),
        (&renews, "Renews: yes", json!(false), Value::Null),
        // It stands in most documents, and here it has nothing to do with the field.
        (&renews, "There is no cake in the kitchen", json!(false), Value::Null),
        (&number, "See page 2 of this book about trees", json!(2), Value::Null),
    ] {
        assert_eq!(grounded(field, &[(4, 4, line)], &said), value, "{said} in {line:?} as {field}");
    }
}

#[test]
fn a_text_may_go_on_in_the_line_below() {
    let texts = [
        (4, 1, "Northwind Paper"),
        (40, 1, "Invoice"),
        (4, 2, "12 Station Street"),
        (40, 2, "INV-1"),
        (4, 3, "Leeds"),
    ];
    let text = json!({"type": "string"});
    let said = "Northwind Paper, 12 Station Street, Leeds";
    assert_eq!(grounded(&text, &texts, &json!(said)), "Northwind Paper 12 Station Street Leeds");
    assert_eq!(grounded(&text, &texts, &json!("Northwind Paper Invoice")), "Northwind Paper Invoice");
    assert_eq!(grounded(&text, &texts, &json!("Northwind Paper INV-1")), Value::Null);
}

#[test]
fn of_several_places_the_one_beside_the_label_is_the_answer() {
    let document = paper(&[
        (4, 1, "Deposit:"),
        (30, 1, "120.00"),
        (4, 3, "Balance"),
        (30, 3, "40.00"),
        (4, 5, "Total due:"),
        (30, 5, "120.00"),
    ]);
    let schema = schema(json!({"totalDue": {"type": "number", "title": "Total due"}}));
    let said = Said { pages: 1..=1, answer: json!({"totalDue": "120.00"}) };
    let found = ground(&document, &schema, None, std::slice::from_ref(&said));
    let top = found.fields[0].source.as_ref().unwrap().bounds.top;
    assert_eq!((found.data["totalDue"].as_f64(), top), (Some(120.0), document.pages[0].words[6].bounds.top));
    // Pages that the model was not given prove nothing.
    let elsewhere = Said { pages: 2..=3, ..said };
    assert_eq!(ground(&document, &schema, None, &[elsewhere]).data["totalDue"], Value::Null);
}

#[test]
fn a_row_that_is_said_twice_is_one() {
    let document = paper(&[(4, 1, "Widget"), (30, 1, "20.00"), (4, 2, "Gadget"), (30, 2, "5.50")]);
    let schema = schema(json!({"lines": {"type": "array", "items": {"type": "object", "properties": {
        "item": {"type": "string"}, "amount": {"type": "number"}}}}}));
    let lines = json!([
        {"item": "Widget", "amount": "20.00"},
        {"item": "Gadget", "amount": "5.50"},
        {"item": "Widget", "amount": null},
        {"item": null, "amount": "5.50"},
    ]);
    let found = ground(&document, &schema, None, &[Said { pages: 1..=1, answer: json!({ "lines": lines }) }]);
    assert_proven(&document, &found);
    let expected = json!([{"item": "Widget", "amount": 20.0}, {"item": "Gadget", "amount": 5.5}]);
    assert_eq!(found.data["lines"], expected);
}

#[test]
fn a_schema_becomes_a_question() {
    let schema = json!({
        "type": "object",
        "$defs": {"party": {"type": "object", "properties": {
            "name": {"type": "string", "title": "Name", "description": "Who it is,\n in full."},
        }}},
        "properties": {
            "seller": {"$ref": "#/$defs/party"},
            "due": {"anyOf": [{"type": "string", "format": "date", "title": "Due"}, {"type": "null"}]},
            "state": {"type": "string", "enum": ["open", "paid"]},
            "tags": {"type": "array", "items": {"type": "string"}},
            "lines": {"type": "array", "title": "Lines", "items": {"type": "object", "properties": {
                "amount": {"type": "number", "title": "Amount"},
            }}},
        },
    });
    let question = Question::new(&schema, &CompiledSchema::compile(&schema).unwrap());
    for line in [
        "- seller.name: Name. Who it is, in full.\n",
        "- due: Due (a date)\n",
        "- state (one of: open; paid)\n",
        "- tags[]\n",
        "- lines[]: Lines\n",
        "- lines[].amount: Amount (a number)\n",
    ] {
        assert!(question.fields.contains(line), "{line}: {}", question.fields);
    }
    let form = &question.form["properties"];
    assert_eq!(form["seller"]["properties"]["name"], json!({"type": ["string", "null"]}));
    assert_eq!(form["state"], json!({"type": ["string", "null"], "enum": ["open", "paid", null]}));
    assert_eq!(form["tags"], json!({"type": "array", "items": {"type": "string"}}));
    assert_eq!(form["lines"]["items"]["required"], json!(["amount"]));
    assert_eq!(question.form["additionalProperties"], json!(false));
    for (answer, fits) in [
        (json!({}), true),
        (json!({"seller": {"name": "A"}, "tags": ["a", 1], "lines": [{"amount": 5}], "odd": {}}), true),
        (json!({"tags": null, "lines": null, "due": null}), true),
        (json!([]), false),
        (json!("seller"), false),
        (json!({"seller": "A"}), false),
        (json!({"due": ["2024"]}), false),
        (json!({"tags": "a"}), false),
        (json!({"lines": [5]}), false),
    ] {
        assert_eq!(question.is_answered(&answer), fits, "{answer}");
    }
}

#[test]
fn a_document_is_read_out_row_by_row() {
    let mut document =
        paper(&[(4, 1, "Total due:"), (40, 1, "120.00"), (4, 3, "Hidden words"), (4, 5, "End")]);
    for word in &mut document.pages[0].words[3..5] {
        word.hidden = true;
    }
    let [page] = written(&document).try_into().unwrap();
    assert_eq!((page.page, page.rows), (1, vec!["Total due: | 120.00".to_owned(), "End".to_owned()]));
}
