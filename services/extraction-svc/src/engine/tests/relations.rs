//! How labels, values and what stands around them belong together, in kinds of documents of all sorts.

use serde_json::json;

use super::{found, found_of};

#[test]
fn the_word_behind_a_number_says_what_it_counts() {
    let data = found(
        &[
            (4, 1, "Hotel Bellevue"),
            (4, 3, "Your reservation"),
            (34, 3, "3 nights, 1 room"),
            (4, 4, "Course length"),
            (34, 4, "(16 hours)"),
            (4, 6, "§ 5 Holidays"),
            (4, 7, "Staff may take 30 holidays a year."),
        ],
        json!({
            "nights": {"type": "integer", "title": "Number of nights"},
            "hours": {"type": "number", "title": "Training hours"},
            "holidays": {"type": "integer", "title": "Holidays"},
        }),
    );
    assert_eq!(data, json!({"nights": 3, "hours": 16.0, "holidays": 30}));
}

#[test]
fn a_label_and_the_section_above_it_are_one() {
    let data = found(
        &[
            (4, 1, "CERTIFICATE OF BIRTH"),
            (4, 4, "FATHER"),
            (4, 5, "Name and surname"),
            (34, 5, "Robert Barton"),
            (4, 8, "MOTHER"),
            (4, 9, "Name and surname"),
            (34, 9, "Claire Hargreaves"),
        ],
        json!({
            "father_name": {"type": "string", "title": "Father's name"},
            "mother_name": {"type": "string", "title": "Mother's name"},
        }),
    );
    assert_eq!(data, json!({"father_name": "Robert Barton", "mother_name": "Claire Hargreaves"}));
}

#[test]
fn a_row_s_label_and_its_column_s_are_one() {
    let data = found(
        &[
            (34, 3, "Pay"),
            (54, 3, "Tax deducted"),
            (4, 4, "In previous employment(s)"),
            (34, 4, "120.00"),
            (54, 4, "12.00"),
            (4, 5, "In this employment"),
            (34, 5, "31245.60"),
            (54, 5, "3735.20"),
        ],
        json!({"tax_this_employment": {"type": "number", "title": "Tax deducted in this employment"}}),
    );
    assert_eq!(data, json!({"tax_this_employment": 3735.2}));
}

#[test]
fn a_label_with_its_value_is_no_label_of_what_stands_beside_it() {
    let data = found(
        &[(4, 1, "Total weight: 2.15 kg"), (44, 1, "Total value: EUR 96.00")],
        json!({
            "total_weight": {"type": "number", "title": "Total weight (kg)"},
            "total_value": {"type": "number", "title": "Total value"},
            "currency": {"type": "string", "title": "Currency"},
        }),
    );
    assert_eq!(data, json!({"total_weight": 2.15, "total_value": 96.0, "currency": "EUR"}));
}

#[test]
fn a_column_of_labels_holds_no_values() {
    let data = found(
        &[
            (4, 1, "Tax class"),
            (34, 1, "4"),
            (4, 2, "Denomination"),
            (34, 2, "rk"),
            (4, 3, "Health fund"),
            (34, 3, "AOK"),
        ],
        json!({"tax_class": {"type": "string", "title": "Tax class"}}),
    );
    assert_eq!(data, json!({"tax_class": "4"}));
}

#[test]
fn what_a_document_is_called_is_nobody_s_name() {
    let data = found_of(
        "Vaccination record",
        &[(20, 1, "Immunization Record"), (20, 3, "Lakeside Pediatrics"), (4, 6, "Name: Ines Duarte")],
        json!({
            "patient_name": {"type": "string", "title": "Name"},
            "clinic": {"type": "string", "title": "Company"},
        }),
    );
    assert_eq!(data, json!({"patient_name": "Ines Duarte", "clinic": "Lakeside Pediatrics"}));
}

#[test]
fn the_head_of_a_mail_names_who_writes_to_whom() {
    let data = found_of(
        "Order confirmation of a shop",
        &[
            (4, 1, "From: Greenleaf Garden <orders@greenleaf.example>"),
            (4, 2, "To: Stephen Mbeki <s.mbeki@mail.example>"),
            (4, 4, "Hi Stephen Mbeki,"),
            (4, 5, "thanks for your order."),
        ],
        json!({"customer": {"type": "string", "title": "Customer name"}}),
    );
    assert_eq!(data, json!({"customer": "Stephen Mbeki"}));
}

#[test]
fn a_letter_before_a_number_says_what_it_rings() {
    let data = found(
        &[
            (4, 1, "Ingrid Solheim"),
            (4, 3, "T +47 55 12 34 56"),
            (4, 4, "M +47 912 34 567"),
            (4, 5, "www.fjordlys.example"),
            (4, 6, "Bryggen 12, 5003 Bergen, Norway"),
        ],
        json!({
            "phone": {"type": "string", "title": "Phone"},
            "mobile": {"type": "string", "title": "Mobile"},
            "fax": {"type": "string", "title": "Fax"},
            "address": {"type": "string", "title": "Address"},
        }),
    );
    let right = json!({
        "phone": "+47 55 12 34 56",
        "mobile": "+47 912 34 567",
        "fax": null,
        "address": "Bryggen 12, 5003 Bergen, Norway",
    });
    assert_eq!(data, right);
}

#[test]
fn a_contract_calls_its_parties_without_brackets_too() {
    let data = found_of(
        "Arbeitsvertrag",
        &[
            (4, 1, "Arbeitsvertrag"),
            (4, 3, "Lindner Software GmbH, Holstenbrücke 3, 24103 Kiel"),
            (4, 4, "- nachfolgend „Arbeitgeber“ genannt -"),
            (4, 6, "Herrn Jonas Petersen, Fährweg 12, 24159 Kiel"),
            (4, 7, "- nachfolgend „Arbeitnehmer“ genannt -"),
        ],
        json!({
            "arbeitgeber": {"type": "string", "title": "Arbeitgeber"},
            "arbeitnehmer": {"type": "string", "title": "Arbeitnehmer"},
        }),
    );
    assert_eq!(data, json!({"arbeitgeber": "Lindner Software GmbH", "arbeitnehmer": "Jonas Petersen"}));
}

#[test]
fn a_company_heads_its_address_above_the_person_in_it() {
    let data = found_of(
        "Rechnung",
        &[
            (4, 1, "Hölzl Gastrotechnik GmbH"),
            (4, 6, "Café Sonnenblick e.K."),
            (4, 7, "Frau Irmgard Lechner"),
            (4, 8, "Uferpromenade 17"),
            (4, 9, "83209 Prien"),
        ],
        json!({
            "seller": {"type": "string", "title": "Seller"},
            "customer": {"type": "string", "title": "Customer"},
        }),
    );
    assert_eq!(data, json!({"seller": "Hölzl Gastrotechnik GmbH", "customer": "Café Sonnenblick e.K."}));
}

#[test]
fn how_something_is_delivered_is_no_address() {
    let data = found(
        &[
            (4, 1, "Versandart"),
            (34, 1, "Spedition"),
            (4, 3, "Lieferanschrift: Stadtwerke Rheinau, Hafenweg 2, 77866 Rheinau"),
        ],
        json!({"versandart": {"type": "string", "title": "Versandart"}}),
    );
    assert_eq!(data, json!({"versandart": "Spedition"}));
}

#[test]
fn dots_lead_from_a_label_to_its_value() {
    let data = found(
        &[
            (4, 1, "Policy number ....... MTR-5519027"),
            (4, 2, "Insured ............. Gareth Llewellyn"),
            (4, 3, "Excess .............. GBP 200.00"),
        ],
        json!({
            "policy_number": {"type": "string", "title": "Policy number"},
            "insured": {"type": "string", "title": "Insured"},
            "excess": {"type": "number", "title": "Excess"},
        }),
    );
    let right = json!({"policy_number": "MTR-5519027", "insured": "Gareth Llewellyn", "excess": 200.0});
    assert_eq!(data, right);
}

#[test]
fn the_year_of_a_school_is_no_school() {
    let data = found(
        &[(4, 1, "Roosevelt High School"), (4, 3, "School year:"), (34, 3, "2023-2024")],
        json!({"school_year": {"type": "string", "title": "School year"}}),
    );
    assert_eq!(data, json!({"school_year": "2023-2024"}));
}

#[test]
fn from_whom_something_was_received_is_who_gave_it() {
    let data = found(
        &[(4, 1, "Received from"), (34, 1, "Mr A. Fairweather")],
        json!({"donor": {"type": "string", "title": "Donor"}}),
    );
    assert_eq!(data, json!({"donor": "Mr A. Fairweather"}));
}

#[test]
fn how_many_there_are_is_no_total() {
    let data = found(
        &[(4, 1, "TOTAL QTY: 1.00"), (44, 1, "9.00"), (4, 2, "TOTAL INCLUDES GST"), (44, 2, "9.00")],
        json!({"total": {"type": "number", "title": "Total"}}),
    );
    assert_ne!(data["total"], 1.0);
}
