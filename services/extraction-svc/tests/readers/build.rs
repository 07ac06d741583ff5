//! Documents made by hand, so that each has just what its case is about.

use std::fmt::Write as _;
use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A PDF of these objects, the first of which is number 1 and the catalog. `trailer` is added to its trailer.
pub fn pdf(objects: &[Vec<u8>], trailer: &str) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(objects) {
        places.push(bytes.len());
        writeln!(bytes, "{number} 0 obj").unwrap();
        bytes.extend_from_slice(object);
        bytes.extend_from_slice(b"\nendobj\n");
    }
    let table = bytes.len();
    let mut end = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for place in places {
        writeln!(end, "{place:010} 00000 n ").unwrap();
    }
    let size = objects.len() + 1;
    write!(end, "trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{table}\n%%EOF\n").unwrap();
    bytes.extend_from_slice(end.as_bytes());
    bytes
}

/// An object that is a stream.
pub fn stream(dictionary: &str, content: &[u8]) -> Vec<u8> {
    let mut object = format!("<< {dictionary} /Length {} >>\nstream\n", content.len()).into_bytes();
    object.extend_from_slice(content);
    object.extend_from_slice(b"\nendstream");
    object
}

/// A PDF of pages with these contents, which have the font /F1.
pub fn pages(contents: &[&str]) -> Vec<u8> {
    pages_with("", contents)
}

/// The same with more entries in the dictionary of each page.
pub fn pages_with(more: &str, contents: &[&str]) -> Vec<u8> {
    let kids: String = (0..contents.len()).map(|page| format!("{} 0 R ", 4 + 2 * page)).collect();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Count {} /Kids [{kids}] >>", contents.len()).into_bytes(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
    ];
    for (page, content) in contents.iter().enumerate() {
        let resources = "/MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >>";
        let page =
            format!("<< /Type /Page /Parent 2 0 R {more} {resources} /Contents {} 0 R >>", 5 + 2 * page);
        objects.push(page.into_bytes());
        objects.push(stream("", content.as_bytes()));
    }
    pdf(&objects, "")
}

/// A page's content: these lines from the top, at 12 points.
pub fn lines(lines: &[&str]) -> String {
    let mut content = "BT /F1 12 Tf 14 TL 60 780 Td\n".to_owned();
    for line in lines {
        writeln!(content, "({line}) Tj T*").unwrap();
    }
    content + "ET\n"
}

/// Enough words for a page that no OCR is needed to be sure of.
pub const PROSE: &str = "The parties agree that this page has enough words to be taken as it is and that \
    none of them is there for any other reason than this one";

/// An archive of these parts.
pub fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const RELATIONS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="MAIN"/></Relationships>"#;

/// A DOCX with this body. `before` stands before the root of its main part.
pub fn docx(before: &str, body: &str) -> Vec<u8> {
    let main = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>{before}<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{body}</w:body></w:document>"#
    );
    docx_of(&main, "")
}

/// The same whose text is set in these styles.
pub fn docx_of(main: &str, styles: &str) -> Vec<u8> {
    let relations = RELATIONS.replace("MAIN", "word/document.xml");
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let own = format!(
        r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="{office}/styles" Target="styles.xml"/></Relationships>"#
    );
    let mut parts = vec![("_rels/.rels", relations.as_bytes()), ("word/document.xml", main.as_bytes())];
    if !styles.is_empty() {
        parts.push(("word/_rels/document.xml.rels", own.as_bytes()));
        parts.push(("word/styles.xml", styles.as_bytes()));
    }
    archive(&parts)
}

/// A paragraph of it.
pub fn paragraph(text: &str) -> String {
    format!("<w:p><w:r><w:t xml:space=\"preserve\">{text}</w:t></w:r></w:p>")
}

/// A workbook: sheets by name, state and content of `worksheet`; shared strings; before the root of each part.
pub fn xlsx(sheets: &[(&str, &str, &str)], strings: &str, before: &str) -> Vec<u8> {
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let (mut list, mut relations) = (String::new(), String::new());
    for (number, (name, state, _)) in (1..).zip(sheets) {
        write!(list, r#"<sheet name="{name}" sheetId="{number}" state="{state}" r:id="rId{number}"/>"#)
            .unwrap();
        write!(
            relations,
            r#"<Relationship Id="rId{number}" Type="{office}/worksheet" Target="worksheets/sheet{number}.xml"/>"#
        )
        .unwrap();
    }
    write!(
        relations,
        r#"<Relationship Id="rId0" Type="{office}/sharedStrings" Target="sharedStrings.xml"/>"#
    )
    .unwrap();
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let mut parts = vec![
        ("_rels/.rels".to_owned(), RELATIONS.replace("MAIN", "xl/workbook.xml")),
        (
            "xl/workbook.xml".to_owned(),
            format!(r#"<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{list}</sheets></workbook>"#),
        ),
        (
            "xl/_rels/workbook.xml.rels".to_owned(),
            format!(r#"<Relationships xmlns="{package}">{relations}</Relationships>"#),
        ),
        ("xl/sharedStrings.xml".to_owned(), format!(r#"{before}<sst xmlns="{main}">{strings}</sst>"#)),
    ];
    for (number, (.., content)) in (1..).zip(sheets) {
        let content = format!(r#"{before}<worksheet xmlns="{main}">{content}</worksheet>"#);
        parts.push((format!("xl/worksheets/sheet{number}.xml"), content));
    }
    let parts: Vec<(&str, &[u8])> =
        parts.iter().map(|(name, content)| (name.as_str(), content.as_bytes())).collect();
    archive(&parts)
}

/// A cell with text.
pub fn cell(at: &str, text: &str) -> String {
    format!(r#"<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>"#)
}

/// Bytes as zlib has them, of so many zeros: a million times smaller than what they become when packed twice.
pub fn deflated(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A PNG that says that it is of this size, with hardly anything in it.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], content: &[u8]| {
        bytes.extend_from_slice(&u32::try_from(content.len()).unwrap().to_be_bytes());
        let mut crc = flate2::Crc::new();
        crc.update(kind);
        crc.update(content);
        bytes.extend_from_slice(kind);
        bytes.extend_from_slice(content);
        bytes.extend_from_slice(&crc.sum().to_be_bytes());
    };
    let mut head = [width.to_be_bytes(), height.to_be_bytes()].concat();
    head.extend_from_slice(&[8, 2, 0, 0, 0]);
    chunk(b"IHDR", &head);
    chunk(b"IDAT", &deflated(&vec![0; 1_000_000]));
    chunk(b"IEND", &[]);
    bytes
}

/// A TIFF of grey pictures, one a page.
pub fn tiff(pages: &[image::GrayImage]) -> Vec<u8> {
    const SHORT: u16 = 3;
    const LONG: u16 = 4;
    let mut tiff = b"II*\0".to_vec();
    let mut first = tiff.len();
    tiff.extend([0; 4]);
    for page in pages {
        let (at, length) = (tiff.len(), page.as_raw().len());
        tiff.extend_from_slice(page.as_raw());
        tiff.resize(tiff.len().next_multiple_of(2), 0);
        // The one before names this one, which names none yet.
        let directory = u32::try_from(tiff.len()).unwrap().to_le_bytes();
        tiff[first..first + 4].copy_from_slice(&directory);
        let number = |number: usize| u32::try_from(number).unwrap();
        let fields = [
            (256, LONG, page.width()),
            (257, LONG, page.height()),
            // Bits, no compression, black is zero.
            (258, SHORT, 8),
            (259, SHORT, 1),
            (262, SHORT, 1),
            // One strip of one sample.
            (273, LONG, number(at)),
            (277, SHORT, 1),
            (278, LONG, page.height()),
            (279, LONG, number(length)),
        ];
        tiff.extend(u16::try_from(fields.len()).unwrap().to_le_bytes());
        for (tag, kind, value) in fields {
            tiff.extend([tag, kind].map(|number: u16| number.to_le_bytes()).concat());
            tiff.extend([1, value].map(u32::to_le_bytes).concat());
        }
        first = tiff.len();
        tiff.extend([0; 4]);
    }
    tiff
}
