//! Forms: numbered boxes, digits in boxes of their own, labels over several lines, captions below; and what is no answer.

use serde_json::{Value, json};

use crate::document::Document;
use crate::engine::extract;

use super::{assert_proven, paper, schema};

fn answers(document: &Document, properties: Value) -> Value {
    let found = extract(document, &schema(properties), None);
    assert_proven(document, &found);
    found.data
}

/// A form of another authority than any that the engine was measured on.
fn allowance() -> Document {
    paper(&[
        (2, 1, "Housing Allowance"),
        (2, 3, "1"),
        (5, 3, "Name of the applicant"),
        (50, 3, "2"),
        (53, 3, "Date of birth (MM-DD-YYYY)"),
        (5, 4, "Maren Holloway"),
        (53, 4, "03-11-1988"),
        (2, 6, "3"),
        (5, 6, "Present address (street and house number)"),
        (5, 7, "17 Quarry Lane"),
        (5, 8, "City or town, state or province, postal code"),
        (5, 9, "Arlington, TX 76011"),
        (2, 11, "4 Rents"),
        (30, 11, "5 Royalties"),
        (60, 11, "6 Pensions"),
        (2, 12, "$"),
        (12, 12, "2,000"),
        (30, 12, "$"),
        (42, 12, "9,800"),
        (60, 12, "$"),
        (2, 14, "Social security number"),
        (2, 15, "4"),
        (6, 15, "6"),
        (10, 15, "4"),
        (14, 15, "-"),
        (18, 15, "4"),
        (22, 15, "5"),
        (26, 15, "-"),
        (30, 15, "8"),
        (34, 15, "6"),
        (38, 15, "7"),
        (42, 15, "5"),
        (2, 18, "Ines Ferreira"),
        (2, 19, "Print name of signer"),
    ])
}

#[test]
fn digits_in_boxes_of_their_own_are_one_number() {
    let data = answers(
        &allowance(),
        json!({"ssn": {"type": "string", "title": "SSN", "description": "Social security number"}}),
    );
    assert_eq!(data["ssn"], "464-45-8675");
}

#[test]
fn numbers_that_stand_apart_from_their_labels() {
    let data = answers(
        &allowance(),
        json!({
            "birth": {"type": "string", "format": "date", "title": "Date of birth", "description": "Line 2"},
            "signer": {"type": "string", "title": "Name of signer", "description": "Printed name of the signer"}
        }),
    );
    // The form says how it wants days to be written.
    assert_eq!(data, json!({"birth": "1988-03-11", "signer": "Ines Ferreira"}));
}

#[test]
fn a_word_in_capitals_is_no_state() {
    let contract = paper(&[
        (2, 1, "LICENCE AGREEMENT"),
        (2, 3, "NO WARRANTY, EXPRESS OR IMPLIED, IS GIVEN IN OR UNDER THIS AGREEMENT"),
        (2, 5, "This Agreement is governed by the laws of the State of Delaware and by no other."),
    ]);
    let law = json!({"law": {"type": "string", "title": "Governing law", "description": "State whose law governs"}});
    assert_eq!(answers(&contract, law)["law"], "Delaware");
}
