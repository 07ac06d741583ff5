//! Documents that want to harm: each ends within its limits, in a document or an error that says what it is.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use extraction_svc::document::NoticeKind;
use tokio::net::TcpListener;

use super::build::{PROSE, archive, cell, deflated, docx, lines, pages, paragraph, pdf, png, stream, xlsx};
use super::{CHOICES, all, read, sandbox};

/// A document, whatever its words.
const OK: &str = "";
/// What any of them may take by the clock, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(60);

/// A PDF whose page has this content and these other objects, from number 6 on.
fn page(dictionary: &str, content: &[u8], resources: &str, others: Vec<Vec<u8>>) -> Vec<u8> {
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Count 1 /Kids [4 0 R] >>".to_vec(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
        format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> {resources} >> /Contents 5 0 R >>").into_bytes(),
        stream(dictionary, content),
    ];
    objects.extend(others);
    pdf(&objects, "")
}

fn many_pages(count: u32) -> Vec<u8> {
    let kids: String = (0..count).map(|page| format!("{} 0 R ", 3 + page)).collect();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Count {count} /Kids [{kids}] >>").into_bytes(),
    ];
    objects.resize(2 + count as usize, b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] >>".to_vec());
    pdf(&objects, "")
}

fn tree(kids: &str, count: &str) -> Vec<u8> {
    let pages = format!("<< /Type /Pages /Count {count} /Kids [{kids}] >>").into_bytes();
    pdf(&[b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(), pages], "")
}

/// Forms of which each draws the next one twice.
fn doubling_forms(depth: usize) -> Vec<u8> {
    let form = |number: usize| {
        let resources =
            format!("/Resources << /XObject << /X {} 0 R >> /Font << /F1 3 0 R >> >>", number + 1);
        stream(&format!("/Type /XObject /Subtype /Form /BBox [0 0 595 842] {resources}"), b"/X Do /X Do")
    };
    let mut forms: Vec<Vec<u8>> = (6..6 + depth).map(form).collect();
    forms.push(stream("/Type /XObject /Subtype /Form /BBox [0 0 595 842]", b"BT /F1 9 Tf (x) Tj ET"));
    page("", b"/X Do", "/XObject << /X 6 0 R >>", forms)
}

fn endless_form() -> Vec<u8> {
    let resources = "/Resources << /XObject << /X 6 0 R >> >>";
    let form = stream(&format!("/Type /XObject /Subtype /Form /BBox [0 0 9 9] {resources}"), b"/X Do");
    page("", b"/X Do", "/XObject << /X 6 0 R >>", vec![form])
}

fn encrypted() -> Vec<u8> {
    let key = "00".repeat(32);
    let objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Count 0 /Kids [] >>".to_vec(),
        format!("<< /Filter /Standard /V 1 /R 2 /O <{key}> /U <{key}> /P -4 >>").into_bytes(),
    ];
    pdf(&objects, "/Encrypt 3 0 R /ID [<00><00>]")
}

fn laughs(name: &str) -> String {
    let mut entities = String::from("<!ENTITY l0 \"lol\">");
    for depth in 1..12 {
        write!(entities, "<!ENTITY l{depth} \"{}\">", format!("&l{};", depth - 1).repeat(10)).unwrap();
    }
    format!("<!DOCTYPE {name} [{entities}]>")
}

/// A case: its name, the document, and what it ends in: words that it has, or the code of an error.
type Case = (&'static str, Vec<u8>, &'static [&'static str]);

fn cases() -> Vec<Case> {
    let zeros = vec![0_u8; 64 << 20];
    let spaces = vec![b' '; 64 << 20];
    let sparse = format!(
        "<sheetData><row r=\"1\">{}</row><row r=\"1048576\">{}</row></sheetData>",
        cell("A1", "near"),
        cell("XFD1048576", "far")
    );
    let strings = format!("<si><t>{}</t></si>", "&l11;");
    let whole = pages(&[&lines(&[PROSE])]);
    let office = docx("", &paragraph(&"word ".repeat(5_000)));
    let mut ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    ole.resize(2_048, 0);
    let mut protected = ole.clone();
    protected.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    let nested = "<div>".repeat(100_000) + "deep";
    let tables = "<table><tr><td>".repeat(20_000) + "deep";
    let columns = "<table><tr><td colspan=999999999 rowspan=999999999>x<td>y</table>";
    let deep_docx = "<w:tbl><w:tr><w:tc>".repeat(5_000) + &paragraph("deep");
    vec![
        (
            "a flate bomb",
            page("/Filter [/FlateDecode /FlateDecode]", &deflated(&deflated(&spaces)), "", vec![]),
            &[OK, "timed_out", "too_large", "unreadable_document"],
        ),
        ("doubling forms", doubling_forms(40), &[OK, "timed_out"]),
        ("a form in itself", endless_form(), &[OK]),
        ("a page tree that loops", tree("2 0 R", "1"), &[OK, "unreadable_document"]),
        ("a page tree of nothing", tree("9 0 R", "1"), &[OK, "unreadable_document"]),
        ("a page tree that lies", tree("", "2000000000"), &["too_many_pages", "unreadable_document"]),
        ("50,000 pages", many_pages(50_000), &["too_many_pages"]),
        ("an encrypted PDF", encrypted(), &["password_protected"]),
        ("half a PDF", whole[..whole.len() / 2].to_vec(), &[OK, "unreadable_document"]),
        ("the head of a PDF", b"%PDF-1.7\n".to_vec(), &["unreadable_document"]),
        ("65,500 pixels each way", png(65_500, 65_500), &["too_large"]),
        ("a PNG that ends early", png(4_000, 4_000), &["unreadable_document"]),
        ("a PNG of no size", png(0, 0), &["unreadable_document"]),
        (
            "a zip bomb",
            archive(&[
                ("word/document.xml", &zeros),
                ("a", &zeros),
                ("b", &zeros),
                ("c", &zeros),
                ("d", &zeros),
            ]),
            &["too_large"],
        ),
        ("a zip of zeros", archive(&[("word/document.xml", &zeros)]), &["unreadable_document"]),
        ("a zip of anything", archive(&[("a.txt", b"a")]), &["unreadable_document"]),
        ("half a DOCX", office[..office.len() / 2].to_vec(), &["unreadable_document"]),
        ("laughs in DOCX", docx(&laughs("w:document"), &paragraph("a &l11; b")), &["a b"]),
        (
            "laughs in XLSX",
            xlsx(
                &[("A", "visible", "<sheetData><row><c t=\"s\"><v>0</v></c></row></sheetData>")],
                &strings,
                &laughs("sst"),
            ),
            &[OK, "unreadable_document"],
        ),
        (
            "an entity from outside",
            docx("<!DOCTYPE w [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>", &paragraph("a &x; b")),
            &["a b"],
        ),
        ("a sparse sheet", xlsx(&[("A", "visible", &sparse)], "", ""), &["near far"]),
        (
            "a sheet of nonsense",
            xlsx(
                &[(
                    "A",
                    "visible",
                    "<sheetData><row r=\"-1\"><c r=\"AAAAAAAA9\"><v>x</v></c></row></sheetData>",
                )],
                "",
                "",
            ),
            &[OK, "unreadable_document"],
        ),
        ("an encrypted workbook", protected, &["password_protected"]),
        ("a file of before 2007", ole, &["unreadable_document"]),
        (
            "a way out of the archive",
            archive(&[("word/document.xml", docx_main().as_bytes()), ("../../../../etc/passwd", b"x")]),
            &["Text"],
        ),
        ("elements in elements", nested.into_bytes(), &["deep", "timed_out"]),
        ("tables in tables", tables.into_bytes(), &["deep", "timed_out"]),
        ("cells over everything", columns.as_bytes().to_vec(), &["x y"]),
        ("DOCX tables in tables", docx("", &deep_docx), &["unreadable_document"]),
        (
            "a page of controls",
            b"\x1b[2J\x07plain text and much more of it\nthan there are controls\x7f\n".to_vec(),
            &["[2Jplain text and much more of it than there are controls"],
        ),
        ("a line of a million words", "word ".repeat(1_000_001).into_bytes(), &["too_large"]),
        (
            "a table of a million columns",
            [",".repeat(1_000_000), ",".repeat(1_000_000)].join("\n").into_bytes(),
            &[OK],
        ),
        ("a mail in a mail in a mail", mails(2_000), &[OK, "unreadable_document"]),
        ("bytes", (0..=255_u8).cycle().take(100_000).collect(), &["unreadable_document"]),
        ("nothing", Vec::new(), &["unreadable_document"]),
        ("blanks", b"  \n\n ".to_vec(), &[OK]),
    ]
}

fn docx_main() -> String {
    format!("<w:document xmlns:w=\"w\"><w:body>{}</w:body></w:document>", paragraph("Text"))
}

fn mails(depth: usize) -> Vec<u8> {
    let mut mail = "From: a@example.com\nDate: x\nMIME-Version: 1.0\n".to_owned();
    for level in 0..depth {
        write!(mail, "Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n").unwrap();
    }
    mail.push_str("Content-Type: text/plain\n\nText\n");
    mail.into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_ends_in_a_document_or_in_an_error_that_says_what_it_is() {
    for choice in CHOICES {
        let sandbox = sandbox(choice);
        for (name, bytes, expected) in cases() {
            let began = Instant::now();
            // A neighbour that has done nothing.
            let neighbour = tokio::spawn({
                let sandbox = Arc::clone(&sandbox);
                async move { read(&sandbox, "a.txt", b"A plain text").await }
            });
            let found = match read(&sandbox, "document", &bytes).await {
                Ok(document) => all(&document),
                Err(error) => error.code().to_owned(),
            };
            let is_expected = expected.iter().any(|expected| {
                let is_code = expected.contains('_');
                if is_code || expected.is_empty() {
                    found == *expected || (!is_code && !found.contains('_'))
                } else {
                    found == *expected
                }
            });
            assert!(is_expected, "{name}: {}", found.chars().take(200).collect::<String>());
            assert!(began.elapsed() < PATIENCE, "{name}: {:?}", began.elapsed());
            assert_eq!(all(&neighbour.await.unwrap().unwrap()), "A plain text", "beside {name}");
        }
    }
}

#[tokio::test]
async fn nothing_is_fetched() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let page = format!(
        "<link rel=stylesheet href=http://{address}/a.css><img src=http://{address}/a.png><iframe src=http://{address}/>\
         </iframe><script src=http://{address}/a.js></script><p>Text"
    );
    let mail =
        format!("From: a@example.com\nDate: x\nSubject: y\nContent-Type: text/html\n\n{page} of a mail");
    let annotation =
        format!("<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /URI /URI (http://{address}/) >> >>");
    let picture = pdf(&[annotation.into_bytes(), b"<< /Type /Pages /Count 0 /Kids [] >>".to_vec()], "");
    for choice in CHOICES {
        let sandbox = sandbox(choice);
        for (bytes, is_told) in [(page.as_bytes(), true), (mail.as_bytes(), true), (&picture, false)] {
            let document = read(&sandbox, "document", bytes).await;
            if is_told {
                let document = document.unwrap();
                assert!(all(&document).contains("Text"));
                assert!(document.notices.iter().any(|notice| notice.kind == NoticeKind::ExternalReference));
            }
        }
    }
    let nobody = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(nobody.is_err(), "somebody has connected");
}

#[tokio::test]
async fn a_limit_that_is_set_holds() {
    let with = |change: fn(&mut extraction_svc::reader::Limits)| {
        let mut config = super::config(CHOICES[1]);
        change(&mut config.limits);
        extraction_svc::sandbox::Sandbox::new(config)
    };
    let two = pages(&[&lines(&[PROSE]), &lines(&[PROSE])]);
    let text = "word ".repeat(100).into_bytes();
    let cases = [
        (with(|limits| limits.max_pages = 1), &two, "too_many_pages"),
        (with(|limits| limits.max_words = 99), &text, "too_large"),
        (with(|limits| limits.max_bytes = 100), &text, "too_large"),
    ];
    for (sandbox, bytes, code) in cases {
        assert_eq!(read(&sandbox, "document", bytes).await.unwrap_err().code(), code);
    }
}
