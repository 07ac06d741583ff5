//! Pages that are drawn for people.

use extraction_svc::document::Line;
use extraction_svc::reader::{Draw, Drawing, ReadError};
use image::{ImageFormat, RgbImage};

use super::build::{PROSE, lines, pages, pages_with};
use super::{CHOICES, file, read, sandbox};

/// The share of pixels of a part of the picture, in fractions, that are darker than paper.
fn ink(drawing: &Drawing, [left, top, right, bottom]: [f32; 4]) -> f32 {
    let (width, height) = (drawing.width as f32, drawing.height as f32);
    let (mut dark, mut all) = (0.0, 0.0);
    for y in (top * height) as usize..(bottom * height) as usize {
        for x in (left * width) as usize..(right * width) as usize {
            let at = (y * drawing.width as usize + x) * 3;
            all += 1.0;
            dark += if drawing.pixels[at] < 128 { 1.0 } else { 0.0 };
        }
    }
    dark / all
}

#[tokio::test]
async fn a_page_is_drawn_with_its_words_where_they_were_read() {
    let pdf = pages(&[&lines(&["First page", PROSE]), &lines(&["Second", PROSE])]);
    for choice in CHOICES {
        let sandbox = sandbox(choice);
        let document = read(&sandbox, "a.pdf", &pdf).await.unwrap();
        let drawing = sandbox.draw(file(&pdf), Draw { page: 2, side: 800 }).await.unwrap();
        assert_eq!((drawing.width, drawing.height), (566, 800));
        let word = &document.pages[1].words[0];
        assert_eq!(word.text, "Second");
        let place = [word.bounds.left, word.bounds.top, word.bounds.right(), word.bounds.bottom()];
        assert!(ink(&drawing, place) > 0.1, "{}", ink(&drawing, place));
        assert_eq!(ink(&drawing, [0.0, 0.5, 1.0, 1.0]), 0.0, "the rest of the page is empty");
    }
}

#[tokio::test]
async fn words_of_a_page_that_is_shown_turned_stand_where_they_are_seen() {
    let sandbox = sandbox(CHOICES[0]);
    // What puts content upright on the page as it is shown.
    for (degrees, matrix, width, height) in [
        (0, "1 0 0 1 0 0", 595.0, 842.0),
        (90, "0 1 -1 0 595 0", 842.0, 595.0),
        (180, "-1 0 0 -1 595 842", 595.0, 842.0),
        (270, "0 -1 1 0 0 842", 842.0, 595.0),
    ] {
        let corner = format!("BT /F1 12 Tf {} {} Td (Corner) Tj ET", width - 60.0, height - 30.0);
        let prose = format!("BT /F1 5 Tf 60 100 Td ({PROSE}) Tj ET");
        let pdf = pages_with(&format!("/Rotate {degrees}"), &[&format!("{matrix} cm\n{corner}\n{prose}")]);
        let document = read(&sandbox, "a.pdf", &pdf).await.unwrap();
        let page = &document.pages[0];
        assert_eq!((page.width, page.height), (width, height), "{degrees}");
        let drawing = sandbox.draw(file(&pdf), Draw { page: 1, side: 842 }).await.unwrap();
        assert_eq!((drawing.width as f32, drawing.height as f32), (width, height), "{degrees}");
        assert!(page.words.iter().all(|word| !word.hidden), "{degrees}: {:?}", page.words);
        let word = page.words.iter().find(|word| word.text == "Corner").unwrap();
        let place = [word.bounds.left, word.bounds.top, word.bounds.right(), word.bounds.bottom()];
        assert!(place[0] > 0.85 && place[3] < 0.06 && ink(&drawing, place) > 0.1, "{degrees}: {place:?}");
    }
}

/// Pages as people have put them: the text runs up, down or upside down, and is read as if it stood upright.
#[tokio::test]
async fn pages_that_lie_on_a_side_are_read_as_if_they_did_not() {
    let sandbox = sandbox(CHOICES[0]);
    for (turned, matrix) in [
        (0.0, "1 0 0 1 0 0"),
        (90.0, "0 1 -1 0 595 0"),
        (180.0, "-1 0 0 -1 595 842"),
        (270.0, "0 -1 1 0 0 842"),
    ] {
        let place = |x: u32, y: u32, text: &str| format!("BT /F1 12 Tf {x} {y} Td ({text}) Tj ET\n");
        let content = [
            place(60, 500, "Invoice number"),
            place(300, 500, "INV-77"),
            place(60, 480, "Total amount"),
            place(300, 480, "120.00 EUR"),
            place(60, 300, PROSE).replace("12 Tf", "5 Tf"),
        ];
        let pdf = pages(&[&format!("{matrix} cm\n{}", content.concat())]);
        let document = read(&sandbox, "a.pdf", &pdf).await.unwrap();
        let page = &document.pages[0];
        assert_eq!(page.turned, turned);
        let text = |line: &Line| {
            let words = &page.words[line.words.start as usize..line.words.end as usize];
            words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
        };
        let lines: Vec<String> = page.lines.iter().map(text).collect();
        assert_eq!(lines[..2], ["Invoice number INV-77", "Total amount 120.00 EUR"], "{turned}");
        assert_eq!(page.lines[0].cells.len(), 2, "{turned}");
    }
}

#[tokio::test]
async fn a_picture_is_drawn_as_it_is_and_never_larger_than_asked_for() {
    let sandbox = sandbox(CHOICES[0]);
    let picture = RgbImage::from_fn(300, 100, |x, _| image::Rgb(if x < 150 { [0; 3] } else { [255; 3] }));
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png).unwrap();
    for (side, size) in [(1_000, (300, 100)), (150, (150, 50))] {
        let drawing = sandbox.draw(file(png.get_ref()), Draw { page: 1, side }).await.unwrap();
        assert_eq!((drawing.width, drawing.height), size);
        assert_eq!(ink(&drawing, [0.0, 0.0, 0.4, 1.0]), 1.0);
        assert_eq!(ink(&drawing, [0.6, 0.0, 1.0, 1.0]), 0.0);
    }
}

#[tokio::test]
async fn what_has_no_such_page_is_not_drawn() {
    let sandbox = sandbox(CHOICES[0]);
    let pdf = pages(&[&lines(&["One page"])]);
    for (what, bytes, page) in [
        ("a page that there is not", pdf.as_slice(), 2),
        ("half a file", &pdf[..pdf.len() / 3], 1),
        ("a text", b"Total 9.00", 1),
        ("rubbish that begins as a picture", b"\x89PNG\r\n\x1a\nrubbish", 1),
    ] {
        let refused = sandbox.draw(file(bytes), Draw { page, side: 800 }).await.unwrap_err();
        assert!(matches!(refused, ReadError::UnreadableDocument(_)), "{what}: {refused}");
    }
}
