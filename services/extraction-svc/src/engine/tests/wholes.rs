//! Values that are whole: no part of a longer name or address, no amount before its tax or its rounding.

use serde_json::{Value, json};

use super::{assert_proven, paper, schema};
use crate::document::Document;
use crate::engine::candidate::{Habits, Pool, candidates};
use crate::engine::layout::View;
use crate::engine::{CompiledSchema, extract, text};

fn receipt() -> CompiledSchema {
    CompiledSchema::compile(&json!({"title": "Receipt", "type": "object", "properties": {
        "company": {"type": "string", "title": "Company", "description": "Name of the shop that issued the receipt"},
        "address": {"type": "string", "title": "Address", "description": "Postal address of the shop"},
        "total": {"type": "number", "title": "Total", "description": "Total amount to pay"},
    }}))
    .unwrap()
}

fn answer(document: &Document, fields: &CompiledSchema, name: &str) -> Value {
    let found = extract(document, fields, None);
    assert_proven(document, &found);
    found.data[name].clone()
}

#[test]
fn an_address_has_all_its_lines_and_no_others() {
    for (lines, address) in [
        (
            // Lines that end at a comma go on.
            ["12 Harbour Road,", "Brookside,", "40170 Eastport,", "Westland", "Tel: 03-555 12345"].as_slice(),
            "12 Harbour Road, Brookside, 40170 Eastport, Westland",
        ),
        (
            // Numbers of registers stand before it.
            &["(Co. No. 113825-W)", "(Tax Reg No. 001492992000)", "No 8, Harbour Road", "40170 Eastport"],
            "No 8, Harbour Road 40170 Eastport",
        ),
        (
            // So does whose address it is.
            &["Licensee of Northwind", "Lot 6, Harbour Road", "40170 Eastport"],
            "Lot 6, Harbour Road 40170 Eastport",
        ),
    ] {
        let mut texts = vec![(4, 1, "Northwind Paper Ltd")];
        texts.extend(lines.iter().zip(2..).map(|(line, row)| (4, row, *line)));
        for row in 12..20 {
            texts.extend([(4, row, "Paper"), (40, row, "1.50")]);
        }
        texts.extend([(4, 20, "Total"), (40, 20, "12.00")]);
        assert_eq!(answer(&paper(&texts), &receipt(), "address"), address);
    }
}

#[test]
fn a_company_is_named_up_to_its_legal_form() {
    let lines = ["Popular Book", "Co. (M) Ltd", "12 Harbour Road"];
    let mut texts: Vec<(u16, u16, &str)> = lines.iter().zip(1..).map(|(line, row)| (4, row, *line)).collect();
    texts.extend([(4, 12, "Total"), (40, 12, "12.00")]);
    assert_eq!(answer(&paper(&texts), &receipt(), "company"), "Popular Book Co. (M) Ltd");
}

#[test]
fn what_is_paid_is_rounded_and_has_its_tax() {
    for (amounts, total) in [
        // The total before and after cash is rounded, in either order.
        (
            [("Item", "30.91"), ("Total", "30.91"), ("Rounding", "-0.01"), ("Total", "30.90")].as_slice(),
            30.90,
        ),
        (&[("Total rounded", "72.75"), ("Rounding", "0.01"), ("Total", "72.74")], 72.75),
        // 6 percent of 52.00.
        (&[("Total", "52.00"), ("Duty", "3.12"), ("Total", "55.12")], 55.12),
        // A difference that nobody calls rounding is none.
        (&[("Item", "30.90"), ("Total", "30.91")], 30.91),
    ] {
        let mut texts = vec![(4, 1, "Northwind Paper Ltd"), (4, 2, "12 Harbour Road")];
        for ((label, amount), row) in amounts.iter().zip(5..) {
            texts.extend([(4, row, *label), (40, row, *amount)]);
        }
        assert_eq!(answer(&paper(&texts), &receipt(), "total"), json!(total), "{amounts:?}");
    }
}

#[test]
fn a_name_goes_on_over_lines_to_its_legal_form() {
    assert_candidate(
        &[(4, 1, "Northwind Paper"), (4, 2, "Trading (East"), (4, 3, "Port) Ltd"), (4, 4, "12 Harbour Road")],
        "Northwind Paper Trading (East Port) Ltd",
    );
}

#[test]
fn a_law_ends_with_its_sentence() {
    let contract = schema(json!({"governing_law": {"type": "string", "title": "Governing law",
        "description": "State or country whose law governs the agreement"}}));
    let document = paper(&[
        (4, 1, "Service Agreement"),
        (4, 3, "This agreement shall be governed by the laws of the State"),
        (4, 4, "of Nevada. Any dispute that arises from it shall be settled by the parties."),
    ]);
    assert_eq!(answer(&document, &contract, "governing_law"), "Nevada.");
}

#[test]
fn a_title_stands_behind_the_number_of_an_exhibit_and_before_its_text() {
    for (line, title) in [
        ("Exhibit 7.1 Strategic Alliance Agreement", "Strategic Alliance Agreement"),
        (
            "EXHIBIT 9 JOINT FILING AGREEMENT In accordance with the rules of the act",
            "JOINT FILING AGREEMENT",
        ),
        (
            "EXHIBIT 10.02 STRATEGIC ALLIANCE AGREEMENT THIS AGREEMENT is made this day",
            "STRATEGIC ALLIANCE AGREEMENT",
        ),
    ] {
        assert_candidate(&[(4, 1, line), (4, 4, "made by Northwind Ltd and Southwind Ltd")], title);
    }
}

/// That a text is among those which may answer a field.
fn assert_candidate(texts: &[(u16, u16, &str)], value: &str) {
    let view = View::new(&paper(texts));
    let all = candidates(&view, Pool::Texts, Habits::of(&view));
    assert!(all.iter().any(|candidate| candidate.key == text::key(value)), "{value:?} of {texts:?}");
}
