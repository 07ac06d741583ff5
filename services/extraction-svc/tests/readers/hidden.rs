//! Text that a person does not see: kept, marked, and said.

use extraction_svc::document::NoticeKind;

use super::build::{PROSE, cell, docx, docx_of, lines, pages, pages_with, xlsx};
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
        ("style of DOCX", {
            let body = "<w:p><w:r><w:t>Seen</w:t></w:r></w:p>\
                <w:p><w:pPr><w:pStyle w:val=\"H\"/></w:pPr><w:r><w:t>SECRET</w:t></w:r></w:p>";
            docx_of(
                &format!("<w:document xmlns:w=\"w\"><w:body>{body}</w:body></w:document>"),
                "<w:styles xmlns:w=\"w\"><w:style w:styleId=\"H\"><w:rPr><w:vanish/></w:rPr></w:style></w:styles>",
            )
        }),
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
        ("clear HTML", b"<p>Seen<p style='color:rgba(0,0,0,0)'>SECRET".to_vec()),
        (
            "descendant of HTML",
            b"<style>@media screen{ div .x{display:none} }</style><p>Seen<div><p class=x>SECRET</div>"
                .to_vec(),
        ),
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

/// What a viewer cuts off is not there.
#[tokio::test]
async fn text_beside_the_crop_box_is_not_read() {
    let content = format!("{}BT /F1 12 Tf 60 20 Td (SECRET) Tj ET", lines(&["Seen", PROSE]));
    let document = read(&sandbox(CHOICES[0]), "a.pdf", &pages_with("/CropBox [0 100 595 842]", &[&content]))
        .await
        .unwrap();
    let page = &document.pages[0];
    assert_eq!((page.width, page.height), (595.0, 742.0));
    assert!(words(page, false).starts_with("Seen The parties"), "{}", words(page, false));
    assert!(page.words.iter().all(|word| word.text != "SECRET"));
    let top = page.words[0].bounds.top;
    assert!((0.06..0.08).contains(&top), "{top}: of the page as it is shown");
}
