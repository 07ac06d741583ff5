//! What recognisers read, and what they do not.

use crate::engine::recognise::code;
use crate::engine::recognise::date::{self, Order};
use crate::engine::recognise::number::{self, Mark};
use crate::engine::text;

#[test]
fn named_languages_say_how_days_are_written_where_the_document_does_not() {
    for (tags, tokens, order) in [
        (vec!["en-US"], vec!["03/04/2020"], Order::MonthFirst),
        (vec!["en-GB"], vec!["03/04/2020", "usa"], Order::DayFirst),
        (vec!["de"], vec!["03/04/2020", "zip"], Order::DayFirst),
        (vec!["en", "es-US"], vec!["03/04/2020"], Order::MonthFirst),
        (vec!["zh-Hant-TW"], vec!["03/04/2020"], Order::DayFirst),
        (vec!["en"], vec!["03/04/2020", "zip"], Order::MonthFirst),
        (vec!["en-US"], vec!["25/12/2018"], Order::DayFirst),
        (vec!["de"], vec!["12/25/2018"], Order::MonthFirst),
        (vec!["de"], vec!["(mm-dd-yyyy)"], Order::MonthFirst),
        (vec![], vec!["03/04/2020", "boulder,", "co", "80302"], Order::MonthFirst),
        (vec![], vec!["03/04/2020", "boulder", "co", "80302"], Order::DayFirst),
    ] {
        let named: Vec<String> = tags.iter().map(|&tag| tag.to_owned()).collect();
        let found = date::order_of(&tokens, date::order_of_languages(&named));
        assert_eq!(found, order, "{tags:?} {tokens:?}");
    }
}

#[test]
fn days_are_read_in_many_ways() {
    for (written, order, iso) in [
        ("2024-03-01", Order::DayFirst, Some("2024-03-01")),
        ("01/02/2024", Order::DayFirst, Some("2024-02-01")),
        ("01/02/2024", Order::MonthFirst, Some("2024-01-02")),
        ("25/12/2018", Order::MonthFirst, Some("2018-12-25")),
        ("3.4.21", Order::DayFirst, Some("2021-04-03")),
        ("7. März 2021", Order::DayFirst, Some("2021-03-07")),
        ("1er août 2020", Order::DayFirst, Some("2020-08-01")),
        ("2nd of May, 2019", Order::DayFirst, Some("2019-05-02")),
        ("August 3 , 2014", Order::DayFirst, Some("2014-08-03")),
        ("01-Oct-23", Order::DayFirst, Some("2023-10-01")),
        ("12 de enero de 2022", Order::DayFirst, Some("2022-01-12")),
        ("5 grudnia 2020", Order::DayFirst, Some("2020-12-05")),
        ("20240229", Order::DayFirst, Some("2024-02-29")),
        ("Date:25/12/2018", Order::DayFirst, Some("2018-12-25")),
        ("3. 06/05/1969", Order::DayFirst, None),
        ("29/02/2023", Order::DayFirst, None),
        ("31.04.2024", Order::DayFirst, None),
        ("12:30:10", Order::DayFirst, None),
        ("1.234,56", Order::DayFirst, None),
        ("10.25", Order::DayFirst, None),
        ("192.168.1.1", Order::DayFirst, None),
        ("May", Order::DayFirst, None),
        ("Page 1 of 3", Order::DayFirst, None),
    ] {
        let folded = text::fold(written);
        let tokens: Vec<&str> = folded.split(' ').collect();
        let found = date::read(&tokens, order).map(|day| day.iso);
        assert_eq!(found.as_deref(), iso, "{written:?}");
    }
}

#[test]
fn numbers_are_read_by_their_marks() {
    for (written, mark, value) in [
        ("1,234.56", Mark::Point, Some(1_234.56)),
        ("1.234,56", Mark::Point, Some(1_234.56)),
        ("1.234,56", Mark::Comma, Some(1_234.56)),
        ("1,234", Mark::Point, Some(1_234.0)),
        ("1,234", Mark::Comma, Some(1.234)),
        ("1.234", Mark::Comma, Some(1_234.0)),
        ("12,5", Mark::Point, Some(12.5)),
        ("1.234.567", Mark::Point, Some(1_234_567.0)),
        ("1'234.50", Mark::Point, Some(1_234.5)),
        ("1 234,50", Mark::Comma, Some(1_234.5)),
        ("$4.11", Mark::Point, Some(4.11)),
        ("RM9.00", Mark::Point, Some(9.0)),
        ("(12.00)", Mark::Point, Some(-12.0)),
        ("-7,5", Mark::Comma, Some(-7.5)),
        ("12.00-", Mark::Point, Some(-12.0)),
        (".50", Mark::Point, Some(0.5)),
        ("100,-", Mark::Point, Some(100.0)),
        ("100,–€", Mark::Comma, Some(100.0)),
        ("100.--", Mark::Point, Some(100.0)),
        ("1.500,-", Mark::Point, Some(1_500.0)),
        ("1'500.-", Mark::Point, Some(1_500.0)),
        ("-100,-", Mark::Comma, Some(-100.0)),
        ("100-", Mark::Point, Some(-100.0)),
        ("abc", Mark::Point, None),
        ("1/2", Mark::Point, None),
        ("12345678901234567890", Mark::Point, None),
    ] {
        let found = number::read(&text::fold(written), mark).map(|number| number.value);
        assert_eq!(found, value, "{written:?}");
    }
}

#[test]
fn an_iban_has_its_checksum() {
    for (written, good) in [
        ("DE89 3704 0044 0532 0130 00", true),
        ("GB82WEST12345698765432", true),
        ("FR14 2004 1010 0505 0001 3M02 606", true),
        ("DE89 3704 0044 0532 0130 01", false),
        ("DE89", false),
        ("8937040044053201300", false),
    ] {
        assert_eq!(code::is_iban(written), good, "{written}");
    }
}

#[test]
fn addresses_of_mail_and_phones_are_told_from_others() {
    for (written, mail) in [
        ("<jane@example.com>", Some("jane@example.com")),
        ("E-mail:jane.doe@mail.example.org,", Some("jane.doe@mail.example.org")),
        ("jane@example", None),
        ("@example.com", None),
    ] {
        assert_eq!(code::email(written), mail, "{written}");
    }
    for (written, phone) in
        [("+1 555 010 0143", true), ("(555) 010-2065", true), ("12345", false), ("2024-01-31T10", false)]
    {
        assert_eq!(code::is_phone(written), phone, "{written}");
    }
}

#[test]
fn labels_mean_the_same_in_many_languages() {
    let meaning = |label: &str| {
        let mut concepts: Vec<u32> = crate::engine::lexicon::lexicon()
            .meaning(&text::words(label))
            .concepts
            .iter()
            .map(|c| c.0)
            .collect();
        concepts.sort_unstable();
        concepts
    };
    for same in [
        &["Invoice number", "Rechnungsnummer", "Invoice no.", "INVOICE #", "Numer faktury", "Factuurnummer"]
            [..],
        &["Delivery date", "Liefertermin", "Date de livraison", "Need-by date"],
        &["Date of birth", "Geburtsdatum", "Date de naissance", "DOB"],
        &["VAT", "MwSt.", "TVA", "IVA"],
    ] {
        for label in same {
            assert_eq!(meaning(label), meaning(same[0]), "{label}");
        }
    }
    assert_ne!(meaning("Total"), meaning("Subtotal"));
}
