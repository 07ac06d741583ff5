//! Tables and lists of documents of many kinds: what is a row or an item of theirs.

use serde_json::json;

use super::found;

#[test]
fn of_two_headers_the_one_above_words_names_the_goods() {
    let data = found(
        &[
            (4, 1, "Item"),
            (14, 1, "Description"),
            (44, 1, "Qty"),
            (54, 1, "Rate"),
            (64, 1, "Amount"),
            (4, 2, "HP010"),
            (14, 2, "Double coupler"),
            (44, 2, "12"),
            (54, 2, "4.15"),
            (64, 2, "49.80"),
        ],
        json!({"items": {"type": "array", "title": "Line items", "items": {"type": "object", "properties": {
            "description": {"type": "string", "title": "Description"},
            "quantity": {"type": "number", "title": "Quantity"},
            "unit_price": {"type": "number", "title": "Unit price"},
            "line_total": {"type": "number", "title": "Line total"},
        }}}}),
    );
    let right =
        json!([{"description": "Double coupler", "quantity": 12.0, "unit_price": 4.15, "line_total": 49.8}]);
    assert_eq!(data["items"], right);
}

#[test]
fn a_note_below_a_table_is_no_second_line_of_its_codes() {
    let data = found(
        &[
            (4, 1, "SKU"),
            (24, 1, "Product"),
            (54, 1, "Price"),
            (4, 2, "AC-101"),
            (24, 2, "Stoneware mug"),
            (54, 2, "38.40"),
            (4, 3, "Prices exclude VAT and carriage"),
        ],
        json!({"products": {"type": "array", "title": "Products", "items": {"type": "object", "properties": {
            "sku": {"type": "string", "title": "SKU"},
            "name": {"type": "string", "title": "Product name"},
            "price": {"type": "number", "title": "Price"},
        }}}}),
    );
    assert_eq!(data["products"], json!([{"sku": "AC-101", "name": "Stoneware mug", "price": 38.4}]));
}

#[test]
fn a_list_ends_at_the_next_label_and_at_the_end_of_a_letter() {
    let medications = json!({"medications": {
        "type": "array", "title": "Current medications", "items": {"type": "string"},
    }});
    for last in ["Allergies: Penicillin", "Yours sincerely,", "Mit freundlichen Grüßen"] {
        let data = found(
            &[(4, 1, "Current medications:"), (4, 2, "Ramipril 5 mg"), (4, 3, "Aspirin 75 mg"), (4, 4, last)],
            medications.clone(),
        );
        assert_eq!(data, json!({"medications": ["Ramipril 5 mg", "Aspirin 75 mg"]}), "{last}");
    }
}

#[test]
fn a_heading_in_capitals_beside_another_column_has_its_list_below() {
    let data = found(
        &[
            (4, 1, "LANGUAGES"),
            (34, 1, "MA Design, Universidade do Porto"),
            (4, 2, "Portuguese"),
            (4, 3, "English"),
        ],
        json!({"languages": {"type": "array", "title": "Languages", "items": {"type": "string"}}}),
    );
    assert_eq!(data, json!({"languages": ["Portuguese", "English"]}));
}

#[test]
fn labels_with_their_values_side_by_side_are_no_row_of_a_table() {
    let data = found(
        &[
            (4, 1, "Subject"),
            (34, 1, "Grade"),
            (54, 1, "Credits"),
            (4, 2, "Geometry"),
            (34, 2, "A-"),
            (54, 2, "1.0"),
            (4, 4, "GPA: 3.45"),
            (54, 4, "Days absent: 4"),
        ],
        json!({"subjects": {"type": "array", "title": "Subjects", "items": {"type": "object", "properties": {
            "subject": {"type": "string", "title": "Subject"},
            "grade": {"type": "string", "title": "Grade"},
            "credits": {"type": "number", "title": "Credits"},
        }}}}),
    );
    assert_eq!(data["subjects"], json!([{"subject": "Geometry", "grade": "A-", "credits": 1.0}]));
}

#[test]
fn a_sum_of_the_one_column_of_numbers_is_no_row() {
    let data = found(
        &[
            (4, 1, "Week"),
            (24, 1, "Activity"),
            (60, 1, "Days"),
            (4, 2, "Week 18"),
            (24, 2, "Data migration workshops"),
            (60, 2, "3"),
            (4, 3, "Week 19"),
            (24, 3, "Interface build"),
            (60, 3, "5"),
            (4, 4, "Total days"),
            (60, 4, "8"),
        ],
        json!({"lines": {"type": "array", "title": "Lines", "items": {"type": "object", "properties": {
            "week": {"type": "string", "title": "Week"},
            "activity": {"type": "string", "title": "Activity"},
            "days": {"type": "number", "title": "Days"},
        }}}}),
    );
    assert_eq!(data["lines"].as_array().map(Vec::len), Some(2), "{data}");
}
