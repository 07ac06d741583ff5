//! Plain layouts of documents of many kinds.

use serde_json::json;

use crate::document::{Bounds, straight, straight_size};
use crate::engine::extract;

use super::{assert_proven, found, paper, schema};

#[test]
fn labels_side_by_side_name_what_stands_below_them() {
    let data = found(
        &[
            (4, 1, "BILL OF LADING"),
            (4, 6, "Vessel"),
            (34, 6, "Voyage No."),
            (4, 7, "Atlantic Grace"),
            (34, 7, "0412W"),
        ],
        json!({
            "vessel": {"type": "string", "title": "Vessel"},
            "voyage_number": {"type": "string", "title": "Voyage number"},
        }),
    );
    assert_eq!(data, json!({"vessel": "Atlantic Grace", "voyage_number": "0412W"}));
}

#[test]
fn a_column_s_header_is_no_value() {
    let data = found(
        &[(4, 1, "Name"), (34, 1, "Department"), (4, 2, "Alice Morgan"), (34, 2, "Finance")],
        json!({
            "company": {"type": "string", "title": "Company"},
            "staff": {"type": "array", "title": "Staff", "items": {"type": "object", "properties": {
                "name": {"type": "string", "title": "Name"},
                "department": {"type": "string", "title": "Department"},
            }}},
        }),
    );
    assert_ne!(data["company"], "Department");
    assert_eq!(data["staff"], json!([{"name": "Alice Morgan", "department": "Finance"}]));
}

#[test]
fn the_first_row_of_a_table_of_words_is_no_second_header() {
    let data = found(
        &[
            (4, 1, "Action"),
            (40, 1, "Owner"),
            (60, 1, "Due date"),
            (4, 2, "Replace fire doors"),
            (40, 2, "Dan Liu"),
            (60, 2, "2023-03-01"),
            (4, 3, "Update plan"),
            (40, 3, "Priya Shah"),
            (60, 3, "2023-03-15"),
        ],
        json!({"actions": {"type": "array", "title": "Action items", "items": {"type": "object", "properties": {
            "action": {"type": "string", "title": "Action"},
            "owner": {"type": "string", "title": "Owner"},
            "due": {"type": "string", "format": "date", "title": "Due date"},
        }}}}),
    );
    assert_eq!(data["actions"].as_array().map(Vec::len), Some(2), "{data}");
    assert_eq!(
        data["actions"][0],
        json!({"action": "Replace fire doors", "owner": "Dan Liu", "due": "2023-03-01"})
    );
}

#[test]
fn a_table_s_own_name_heads_its_rows_and_its_sum_ends_it() {
    let data = found(
        &[
            (4, 1, "Deductions"),
            (40, 1, "Current"),
            (60, 1, "YTD"),
            (4, 2, "Medicare"),
            (40, 2, "53.00"),
            (60, 2, "655.69"),
            (4, 3, "Social Security"),
            (40, 3, "226.61"),
            (60, 3, "2,803.64"),
            (4, 4, "Total Deductions"),
            (40, 4, "279.61"),
            (60, 4, "3,459.33"),
        ],
        json!({"deductions": {"type": "array", "title": "Deductions", "items": {"type": "object", "properties": {
            "description": {"type": "string", "title": "Description"},
            "amount": {"type": "number", "title": "Amount"},
        }}}}),
    );
    let right = json!([
        {"description": "Medicare", "amount": 53.0},
        {"description": "Social Security", "amount": 226.61},
    ]);
    assert_eq!(data["deductions"], right);
}

#[test]
fn a_name_is_what_a_contract_goes_on_to_call_it() {
    let data = found(
        &[
            (4, 1, "RESIDENTIAL LEASE AGREEMENT"),
            (
                4,
                3,
                "This agreement is made between Maria Delgado (\"Landlord\") and Thomas Reed (\"Tenant\")",
            ),
            (4, 4, "and the tenant shall pay a monthly rent of $1,850.00 on the first day of each month."),
        ],
        json!({
            "landlord": {"type": "string", "title": "Landlord"},
            "tenant": {"type": "string", "title": "Tenant"},
            "monthly_rent": {"type": "number", "title": "Monthly rent"},
        }),
    );
    assert_eq!(data, json!({"landlord": "Maria Delgado", "tenant": "Thomas Reed", "monthly_rent": 1850.0}));
}

#[test]
fn a_notice_is_told_from_other_spans_of_time() {
    let notice = json!({"notice_period": {"type": "string", "title": "Notice period"}});
    let ends = |line: &str| {
        found(
            &[(4, 1, "AGREEMENT"), (4, 3, line), (4, 4, "and the parties have agreed to all of the terms.")],
            notice.clone(),
        )
    };
    let data = ends("Either party may terminate this agreement upon sixty (60) days prior written notice");
    assert_eq!(data, json!({"notice_period": "60 days"}));
    let data = ends("The address may be changed by the parties by five (5) days prior written notice");
    assert_eq!(data, json!({"notice_period": null}));
    let data = ends("Invoices are paid by the customer within thirty (30) days of their receipt by it");
    assert_eq!(data, json!({"notice_period": null}));
}

#[test]
fn a_rate_stands_with_its_percent() {
    let data = found(
        &[(4, 1, "Loan amount"), (30, 1, "12,500.00"), (4, 2, "Interest rate"), (30, 2, "6.45 %")],
        json!({
            "loan_amount": {"type": "number", "title": "Loan amount"},
            "interest_rate": {"type": "number", "title": "Interest rate"},
        }),
    );
    assert_eq!(data, json!({"loan_amount": 12500.0, "interest_rate": 6.45}));
}

#[test]
fn a_recipient_heads_an_address() {
    let data = found(
        &[
            (4, 1, "Union Harbour Bank"),
            (4, 5, "Clara Nolan"),
            (4, 6, "44 Orchard Street"),
            (4, 7, "Leeds 45402"),
            (4, 10, "Reference: LN/2023/55102"),
        ],
        json!({
            "sender": {"type": "string", "title": "Sender"},
            "recipient": {"type": "string", "title": "Recipient"},
            "reference": {"type": "string", "title": "Reference"},
        }),
    );
    assert_eq!(
        data,
        json!({"sender": "Union Harbour Bank", "recipient": "Clara Nolan", "reference": "LN/2023/55102"})
    );
}

/// A page that was scanned on its side, upside down or at a slant is read as if it lay straight, and what is found in it
/// stands where it lies.
#[test]
fn a_page_that_lies_on_its_side_is_read_as_one_that_does_not() {
    let upright = paper(&[
        (4, 1, "Vessel"),
        (34, 1, "Voyage No."),
        (4, 2, "Atlantic Grace"),
        (34, 2, "0412W"),
        (4, 6, "Freight"),
        (34, 6, "120.50"),
    ]);
    let asked = schema(json!({
        "vessel": {"type": "string", "title": "Vessel"},
        "voyage_number": {"type": "string", "title": "Voyage number"},
        "freight": {"type": "number", "title": "Freight"},
    }));
    let expected = extract(&upright, &asked, None).data;
    assert_eq!(expected, json!({"vessel": "Atlantic Grace", "voyage_number": "0412W", "freight": 120.5}));
    for turned in [90.0, 180.0, 270.0] {
        let mut document = upright.clone();
        let page = &mut document.pages[0];
        let size = (page.width, page.height);
        let back = 360.0 - turned;
        (page.width, page.height) = straight_size(size, back);
        page.turned = turned;
        for bounds in
            page.words.iter_mut().map(|w| &mut w.bounds).chain(page.lines.iter_mut().map(|l| &mut l.bounds))
        {
            let corners = [
                bounds.left * size.0,
                bounds.top * size.1,
                bounds.right() * size.0,
                bounds.bottom() * size.1,
            ];
            *bounds = Bounds::on_page(straight(corners, size, back), page.width, page.height).unwrap();
        }
        let found = extract(&document, &asked, None);
        assert_proven(&document, &found);
        assert_eq!(found.data, expected, "{turned}");
        let voyage = found.fields.iter().find(|leaf| leaf.path == "/voyage_number").unwrap();
        assert_eq!(voyage.source.as_ref().unwrap().bounds, document.pages[0].words[5].bounds, "{turned}");
    }
}
