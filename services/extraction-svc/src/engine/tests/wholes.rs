//! Values that are whole: no part of a longer name or address, and nothing beside.

use serde_json::{Value, json};

use super::{assert_proven, paper, schema};
use crate::document::Document;
use crate::engine::candidate::{Habits, Pool, candidates};
use crate::engine::layout::View;
use crate::engine::{CompiledSchema, extract, text};

fn answer(document: &Document, fields: &CompiledSchema, name: &str) -> Value {
    let found = extract(document, fields, None);
    assert_proven(document, &found);
    found.data[name].clone()
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
