//! Pages that are drawn for people.

use extraction_svc::reader::{Draw, Drawing, ReadError};
use image::{ImageFormat, RgbImage};

use super::build::{PROSE, lines, pages};
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
