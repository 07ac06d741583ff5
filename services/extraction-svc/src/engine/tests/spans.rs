//! Where a value begins and ends.

use serde_json::json;

use super::found;

#[test]
fn groups_of_digits_are_one_number() {
    let data = found(
        &[
            (4, 1, "SIRET : 482 135 679 00021"),
            (4, 2, "VAT Reg No GB 345 6789 01"),
            (4, 3, "NI number: QQ 12 34 56 C"),
            (4, 4, "Sort code"),
            (34, 4, "30-11-72"),
        ],
        json!({
            "siret": {"type": "string", "title": "SIRET"},
            "vat_id": {"type": "string", "title": "VAT number"},
            "ni_number": {"type": "string", "title": "National Insurance number"},
            "sort_code": {"type": "string", "title": "Sort code"},
        }),
    );
    let right = json!({
        "siret": "482 135 679 00021",
        "vat_id": "GB 345 6789 01",
        "ni_number": "QQ 12 34 56 C",
        "sort_code": "30-11-72",
    });
    assert_eq!(data, right);
}

#[test]
fn an_account_number_ends_where_its_country_says() {
    for (line, iban) in [
        ("IBAN FR76 3000 6000 0112 3456 7890 189 – BIC AGRIFRPP", "FR76 3000 6000 0112 3456 7890 189"),
        ("auf das Konto DE02 1203 0000 0000 2020 51 zu zahlen.", "DE02 1203 0000 0000 2020 51"),
        ("NL91 ABNA 0417 1643 00 t.n.v. Studio Kanaal", "NL91 ABNA 0417 1643 00"),
        ("IBAN: GB33BUKB20201555555555.", "GB33BUKB20201555555555"),
    ] {
        let data = found(&[(4, 1, line)], json!({"iban": {"type": "string", "title": "IBAN"}}));
        assert_eq!(data, json!({"iban": iban}), "{line}");
    }
}

#[test]
fn a_greeting_is_no_part_of_a_name() {
    let data = found(
        &[(4, 1, "Dear Mei Castellano,"), (4, 3, "we are delighted to offer you the position of a clerk.")],
        json!({"candidate_name": {"type": "string", "title": "Candidate name"}}),
    );
    assert_ne!(data["candidate_name"], "Dear Mei Castellano");
}

#[test]
fn a_month_and_its_year_are_one_and_so_is_a_name_behind_its_label() {
    let data = found(
        &[
            (4, 1, "Abrechnungsmonat Oktober 2024"),
            (4, 2, "Patient: Liebowitz, Hannah"),
            (4, 3, "Mieter: Tobias und Lena Winkler"),
        ],
        json!({
            "month": {"type": "string", "title": "Abrechnungsmonat"},
            "patient": {"type": "string", "title": "Patient name"},
            "tenant": {"type": "string", "title": "Mieter"},
        }),
    );
    let right =
        json!({"month": "Oktober 2024", "patient": "Liebowitz, Hannah", "tenant": "Tobias und Lena Winkler"});
    assert_eq!(data, right);
}

#[test]
fn a_time_holds_no_label_s_colon() {
    let data = found(
        &[(4, 1, "Gate"), (24, 1, "Boarding time"), (4, 2, "B7"), (24, 2, "09:35")],
        json!({"boarding_time": {"type": "string", "title": "Boarding time"}}),
    );
    assert_eq!(data, json!({"boarding_time": "09:35"}));
}
