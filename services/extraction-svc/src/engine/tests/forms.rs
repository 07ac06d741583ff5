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

#[test]
fn a_driving_licence_has_numbers_for_labels() {
    let licence = paper(&[
        (2, 1, "Permis de conduire"),
        (40, 1, "Republic of Utopia"),
        (2, 3, "1. Holloway"),
        (2, 5, "2. Maren Ada"),
        (2, 7, "3. 06/05/1988"),
        (2, 9, "4a."),
        (8, 9, "08/03/2023"),
        (2, 11, "4b."),
        (8, 11, "08/03/2033"),
        (2, 13, "5. AR4819268"),
    ]);
    let asked = json!({
        "surname": {"type": "string", "title": "Family name"},
        "given": {"type": "string", "title": "Given names"},
        "born": {"type": "string", "format": "date", "title": "Date of birth"},
        "issued": {"type": "string", "format": "date", "title": "Date of issue"},
        "expires": {"type": "string", "format": "date", "title": "Date of expiry"},
    });
    let expected = json!({"surname": "Holloway", "given": "Maren Ada", "born": "1988-05-06", "issued": "2023-03-08", "expires": "2033-03-08"});
    assert_eq!(answers(&licence, asked.clone()), expected);
    // The same numbers on another document stand for nothing.
    let minutes = paper(&[
        (2, 1, "Minutes of the meeting"),
        (2, 3, "1. Holloway"),
        (2, 5, "2. Maren Ada"),
        (2, 9, "4a."),
        (8, 9, "08/03/2023"),
    ]);
    assert_eq!(answers(&minutes, asked)["expires"], Value::Null);
}

#[test]
fn boxes_say_what_was_ticked() {
    let form = paper(&[
        (2, 1, "Application for membership"),
        (2, 3, "☐ Exempt"),
        (30, 3, "☒ Smoker"),
        (2, 5, "Resident: ☐ Yes ☒ No"),
        (2, 7, "Insured [x] Retired [ ]"),
        (2, 9, "Status: ☐ Single ☒ Married ☐ Widowed"),
    ]);
    let truth = |title: &str| json!({"type": "boolean", "title": title});
    let asked = json!({
        "exempt": truth("Exempt"),
        "smoker": truth("Smoker"),
        "resident": truth("Resident"),
        "insured": truth("Insured"),
        "retired": truth("Retired"),
        "veteran": truth("Veteran"),
        "status": {"type": "string", "title": "Status", "enum": ["Single", "Married", "Widowed"]},
    });
    let expected = json!({"exempt": false, "smoker": true, "resident": false, "insured": true, "retired": false, "veteran": null, "status": "Married"});
    assert_eq!(answers(&form, asked), expected);
}

#[test]
fn a_unit_is_no_part_of_a_quantity() {
    let sheet = paper(&[
        (2, 1, "Data sheet"),
        (2, 3, "Weight: 12.5kg"),
        (2, 5, "Power: 230 W"),
        (2, 7, "Length: 4,2m"),
    ]);
    let number = |title: &str| json!({"type": "number", "title": title});
    let asked = json!({"weight": number("Weight"), "power": number("Power"), "length": number("Length")});
    assert_eq!(answers(&sheet, asked), json!({"weight": 12.5, "power": 230.0, "length": 4.2}));
}

#[test]
fn where_a_company_is_from_is_no_law() {
    let contract = paper(&[
        (2, 1, "Service agreement"),
        (2, 3, "between Acme Inc., a Delaware corporation, and Beta LLC, a Nevada limited liability company"),
    ]);
    let asked = json!({"law": {"type": "string", "title": "Governing law"}});
    assert_eq!(answers(&contract, asked), json!({"law": null}));
}
