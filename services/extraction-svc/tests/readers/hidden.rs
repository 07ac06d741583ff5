//! Text that a person does not see: kept, marked, and said.

use extraction_svc::document::NoticeKind;

use super::build::{PROSE, cell, docx, lines, pages, xlsx};
use super::{CHOICES, read, sandbox, words};

#[tokio::test]
async fn hidden_text_is_marked_in_every_format() {
    let run =
        |properties: &str| format!("<w:p><w:r><w:rPr>{properties}</w:rPr><w:t>SECRET</w:t></w:r></w:p>");
    let seen = "<w:p><w:r><w:t>Seen</w:t></w:r></w:p>";
    let sheet = |row: &str, columns: &str| {
        let rows = format!(
            "<row r=\"1\">{}</row><row r=\"2\"{row}>{}</row>",
            cell("A1", "Seen"),
            cell("B2", "SECRET")
        );
        format!("{columns}<sheetData>{rows}</sheetData>")
    };
    let page = lines(&["Seen", PROSE]);
    let pdf = |more: &str| pages(&[&format!("{page}{more}")]);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("white PDF", pdf("BT 1 1 1 rg /F1 12 Tf 60 300 Td (SECRET) Tj ET")),
        ("invisible PDF", pdf("BT 3 Tr /F1 12 Tf 60 300 Td (SECRET) Tj ET")),
        ("tiny PDF", pdf("BT /F1 0.5 Tf 60 300 Td (SECRET) Tj ET")),
        ("covered PDF", pdf("BT /F1 12 Tf 60 300 Td (SECRET) Tj ET 1 1 1 rg 50 290 200 40 re f")),
        ("vanished DOCX", docx("", &format!("{seen}{}", run("<w:vanish/>")))),
        ("white DOCX", docx("", &format!("{seen}{}", run("<w:color w:val=\"FFFFFF\"/>")))),
        ("tiny DOCX", docx("", &format!("{seen}{}", run("<w:sz w:val=\"2\"/>")))),
        ("row of XLSX", xlsx(&[("A", "visible", &sheet(" hidden=\"1\"", ""))], "", "")),
        (
            "column of XLSX",
            xlsx(
                &[("A", "visible", &sheet("", "<cols><col min=\"2\" max=\"2\" hidden=\"1\"/></cols>"))],
                "",
                "",
            ),
        ),
        ("display of HTML", b"<p>Seen<p style='display:none'>SECRET".to_vec()),
        ("class of HTML", b"<style>.x{visibility:hidden}</style><p>Seen<p class=x>SECRET".to_vec()),
        ("white HTML", b"<p>Seen <span style='color:#FFF'>SECRET</span>".to_vec()),
    ];
    let sandbox = sandbox(CHOICES[0]);
    for (name, bytes) in cases {
        let document =
            read(&sandbox, "document", &bytes).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let page = &document.pages[0];
        assert_eq!(words(page, true), "SECRET", "{name}");
        assert!(words(page, false).starts_with("Seen"), "{name}: {}", words(page, false));
        assert!(document.notices.iter().any(|notice| notice.kind == NoticeKind::HiddenText), "{name}");
    }
    let hidden = sheet("", "");
    let book = xlsx(&[("A", "visible", &hidden), ("B", "veryHidden", &hidden)], "", "");
    let document = read(&sandbox, "document", &book).await.unwrap();
    let found: Vec<_> = document.pages.iter().map(|page| words(page, true)).collect();
    assert_eq!(found, ["", "Seen SECRET"]);
}

#[tokio::test]
async fn light_text_that_is_seen_is_not_hidden() {
    let bar = "0 0 0.4 rg 50 290 400 40 re f BT 1 1 1 rg /F1 12 Tf 60 300 Td (HEADING) Tj ET\n";
    let shaded = "<w:tbl><w:tr><w:tc><w:tcPr><w:shd w:fill=\"003366\"/></w:tcPr><w:p><w:r><w:rPr>\
        <w:color w:val=\"FFFFFF\"/></w:rPr><w:t>HEADING</w:t></w:r></w:p></w:tc></w:tr></w:tbl>";
    let cases = [
        pages(&[&format!("{}{bar}", lines(&[PROSE]))]),
        docx("", shaded),
        b"<table bgcolor='#003366'><tr><td style='color:white'>HEADING</table>".to_vec(),
    ];
    let sandbox = sandbox(CHOICES[0]);
    for bytes in cases {
        let document = read(&sandbox, "document", &bytes).await.unwrap();
        assert!(words(&document.pages[0], false).contains("HEADING"), "{:?}", document.kind);
        assert_eq!(words(&document.pages[0], true), "", "{:?}", document.kind);
    }
}
