//! Documents of every format.

use extraction_svc::document::{Kind, Method, Notice, NoticeKind, Table};
use extraction_svc::sandbox::{Progress, Request};

use super::build::{PROSE, archive, cell, docx, lines, pages, paragraph, xlsx};
use super::{CHOICES, all, file, read, sandbox, words};

#[tokio::test]
async fn every_format_is_read_whatever_its_name() {
    let table = "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Total</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>9.00</w:t></w:r>\
        </w:p></w:tc></w:tr></w:tbl>";
    let sheet =
        format!("<sheetData><row r=\"1\">{}<c r=\"B1\"><v>9</v></c></row></sheetData>", cell("A1", "Total"));
    let eml = "From: A <a@example.com>\r\nTo: b@example.com\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\
        Date: Sun, 21 Aug 2022 09:12:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<p>Total <b>9.00</b>";
    let cases: Vec<(&str, Vec<u8>, Kind, &str)> = vec![
        ("a.pdf", pages(&[&lines(&["Total 9.00", PROSE])]), Kind::Pdf, "Total 9.00 The"),
        ("a.docx", docx("", &(paragraph("Invoice") + table)), Kind::Docx, "Invoice Total 9.00"),
        ("a.xlsx", xlsx(&[("One", "visible", &sheet)], "", ""), Kind::Xlsx, "Total 9"),
        (
            "a.html",
            b"<title>T</title><table><tr><td>Total<td>9.00</table>".to_vec(),
            Kind::Html,
            "T Total 9.00",
        ),
        (
            "a.eml",
            eml.as_bytes().to_vec(),
            Kind::Eml,
            "Subject: caf\u{e9} Date: Sun, 21 Aug 2022 09:12:00 +0000 Total 9.00",
        ),
        ("a.csv", b"a;b\n1;2\n3;4\n".to_vec(), Kind::Csv, "a b 1 2 3 4"),
        ("a.txt", b"Caf\xe9 au lait, tr\xe8s bon".to_vec(), Kind::Text, "Caf\u{e9} au lait, tr\u{e8}s bon"),
        ("b.txt", b"\xff\xfeT\0o\0".to_vec(), Kind::Text, "To"),
        ("c.txt", b"Total    9.00\n\x0cnext".to_vec(), Kind::Text, "Total 9.00 next"),
    ];
    for choice in CHOICES {
        let sandbox = sandbox(choice);
        for (name, bytes, kind, text) in &cases {
            let document =
                read(&sandbox, name, bytes).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(document.kind, *kind, "{name}");
            assert!(all(&document).contains(text), "{name}: {}", all(&document));
            assert!(document.notices.is_empty(), "{name}: {:?}", document.notices);
            let page = &document.pages[0];
            assert_eq!((page.method, page.synthetic), (Method::Text, *kind != Kind::Pdf), "{name}");
        }
    }
    // The bytes say what it is.
    let sandbox = sandbox(CHOICES[0]);
    for (_, bytes, kind, _) in &cases {
        let document = read(&sandbox, "a.png", bytes).await.unwrap();
        assert_eq!(document.kind, *kind);
        assert_eq!(document.notices[0].kind, NoticeKind::Mislabelled);
    }
}

fn cells(table: &Table) -> Vec<(u32, u32, &str)> {
    table.cells.iter().map(|cell| (cell.row, cell.column, cell.path.as_str())).collect()
}

#[tokio::test]
async fn a_label_and_its_value_stand_on_one_line() {
    let sandbox = sandbox(CHOICES[0]);
    let sheet =
        format!("<sheetData><row r=\"3\">{}{}</row></sheetData>", cell("B3", "Total"), cell("D3", "9.00"));
    let beside = "BT /F1 12 Tf 60 700 Td (Total) Tj 300 0 Td (9.00) Tj ET\n";
    /// Row, column and path of each cell.
    type Cells = &'static [(u32, u32, &'static str)];
    let cases: Vec<(Vec<u8>, Cells)> = vec![
        (pages(&[&(lines(&[PROSE]) + beside)]), &[]),
        (
            xlsx(&[("My sheet", "visible", &sheet)], "", ""),
            &[(2, 1, "'My sheet'!B3"), (2, 3, "'My sheet'!D3")],
        ),
        (
            b"<table><tr><td rowspan=2>x<td>Total<td>9.00<tr><td>y</table>".to_vec(),
            &[
                (0, 0, "body/table/row[1]/cell[1]"),
                (0, 1, "body/table/row[1]/cell[2]"),
                (0, 2, "body/table/row[1]/cell[3]"),
                (1, 1, "body/table/row[2]/cell[2]"),
            ],
        ),
        (
            b"x,y\nTotal,9.00\n".to_vec(),
            &[
                (0, 0, "row[1]/column[1]"),
                (0, 1, "row[1]/column[2]"),
                (1, 0, "row[2]/column[1]"),
                (1, 1, "row[2]/column[2]"),
            ],
        ),
        (b"Invoice\n\nTotal        9.00\n".to_vec(), &[]),
    ];
    for (bytes, table) in cases {
        let document = read(&sandbox, "document", &bytes).await.unwrap();
        let page = &document.pages[0];
        let line = page.lines.iter().find(|line| page.text(line.words).contains("9.00")).unwrap();
        let parts: Vec<String> = line.cells.iter().map(|cell| page.text(*cell)).collect();
        assert!(parts.ends_with(&["Total".to_owned(), "9.00".to_owned()]), "{:?}: {parts:?}", document.kind);
        let [label, value] =
            ["Total", "9.00"].map(|text| page.words.iter().find(|word| word.text == text).unwrap());
        assert!(label.bounds.right() < value.bounds.left, "{:?}", document.kind);
        assert_eq!(page.tables.first().map(cells).unwrap_or_default(), table, "{:?}", document.kind);
    }
}

#[tokio::test]
async fn columns_of_prose_stay_apart() {
    let column = |x: u32, word: &str| {
        let line = format!("({word} is what this column of running text is all about) Tj T*\n");
        format!("BT /F1 8 Tf 10 TL {x} 700 Td\n{}ET\n", line.repeat(8))
    };
    let page = pages(&[&(column(50, "left") + &column(320, "right"))]);
    let document = read(&sandbox(CHOICES[0]), "a.pdf", &page).await.unwrap();
    let page = &document.pages[0];
    let firsts: Vec<&str> = page.lines.iter().map(|line| page.words(line.words)[0].text.as_str()).collect();
    assert_eq!(firsts, [["left"; 8], ["right"; 8]].concat());
}

#[tokio::test]
async fn pages_are_read_as_asked_and_told_of() {
    let contents: Vec<String> = (1..=250).map(|page| lines(&[&format!("Page {page}."), PROSE])).collect();
    let contents: Vec<&str> = contents.iter().map(String::as_str).collect();
    let bytes = pages(&contents);
    let sandbox = sandbox(CHOICES[0]);
    let mut told = Vec::new();
    let request = Request { pages: vec![(2, 3), (249, 999)], ..Request::default() };
    let document = sandbox.read(file(&bytes), &request, |progress| told.push(progress)).await.unwrap();
    let numbers: Vec<u32> = document.pages.iter().map(|page| page.number).collect();
    assert_eq!((numbers, document.page_count), (vec![2, 3, 249, 250], 250));
    assert_eq!(told.last(), Some(&Progress { pages: 250, read: 4 }));
    assert_eq!(document.notices, []);
    let request = Request { pages: vec![(2, 2), (251, 999)], ..Request::default() };
    let document = sandbox.read(file(&bytes), &request, |_| {}).await.unwrap();
    let notice = Notice { kind: NoticeKind::MissingPages, page: None, detail: "its last is 250".to_owned() };
    assert_eq!((document.pages.len(), document.notices), (1, vec![notice]));
    let document = sandbox.read(file(&bytes), &Request::default(), |_| {}).await.unwrap();
    for (number, page) in (1..).zip(&document.pages) {
        assert!(words(page, false).starts_with(&format!("Page {number}.")));
    }
    assert_eq!(document.pages.len(), 250);
}

#[tokio::test]
async fn what_is_inside_a_document_is_listed_and_not_read() {
    let eml = "From: a@example.com\nDate: x\nSubject: y\nMIME-Version: 1.0\n\
        Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nSee the file\n--b\n\
        Content-Type: application/pdf; name=\"invoice.pdf\"\nContent-Disposition: attachment; filename=\"../invoice.pdf\"\n\
        Content-Transfer-Encoding: base64\n\nJVBERi0xLjcK\n--b--\n";
    let document = read(&sandbox(CHOICES[0]), "a.eml", eml.as_bytes()).await.unwrap();
    assert!(all(&document).ends_with("See the file"), "{}", all(&document));
    let listed: Vec<_> = document
        .attachments
        .iter()
        .map(|file| (file.name.as_str(), file.media_type.as_str(), file.bytes))
        .collect();
    assert_eq!(listed, [("../invoice.pdf", "application/pdf", 9)]);
    let notices: Vec<_> = document.notices.iter().map(|notice| notice.kind).collect();
    assert_eq!(notices, [NoticeKind::AttachmentsNotRead]);

    let main = format!("<w:document xmlns:w=\"w\"><w:body>{}</w:body></w:document>", paragraph("Text"));
    let docx = archive(&[("word/document.xml", main.as_bytes()), ("word/embeddings/sheet.xlsx", b"12345")]);
    let document = read(&sandbox(CHOICES[0]), "a.docx", &docx).await.unwrap();
    assert_eq!((document.attachments[0].name.as_str(), document.attachments[0].bytes), ("sheet.xlsx", 5));
}
