//! Pictures, by Tesseract and, where its models are, by the better OCR.

use std::path::PathBuf;

use extraction_svc::document::{Document, Kind, Method, NoticeKind};
use extraction_svc::reader::ReadError;
use extraction_svc::sandbox::{ReaderConfig, Request, Sandbox};

use super::build::{PROSE, lines, pages, tiff};
use super::{CHOICES, all, config, file, read, words};

/// A page as a picture, turned by so many quarters, in this format.
fn picture(format: &str, quarters: u32) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("a.pdf");
    let text = lines(&[
        "INVOICE 4711",
        "Total due 1,234.56 EUR",
        "Payable within 30 days to Example Limited",
        PROSE,
    ]);
    std::fs::write(&source, pages(&[&text])).unwrap();
    let made = std::process::Command::new("pdftoppm")
        .args(["-png", "-r", "150", "-singlefile"])
        .arg(&source)
        .output()
        .unwrap();
    let picture = image::load_from_memory(&made.stdout).unwrap().crop_imm(0, 50, 1_240, 500);
    let picture = match quarters {
        0 => picture,
        1 => picture.rotate90(),
        2 => picture.rotate180(),
        _ => picture.rotate270(),
    };
    let format = image::ImageFormat::from_extension(format).unwrap();
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.into_rgb8().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn has_models() -> Option<PathBuf> {
    // The script that runs the tests has put them there.
    std::env::var_os("KEYWARD_TEST_OCR").map(PathBuf::from)
}

async fn read_with(ocr: Option<PathBuf>, choice: usize, bytes: &[u8]) -> Result<Document, ReadError> {
    read(&Sandbox::new(ReaderConfig { ocr, ..config(CHOICES[choice]) }), "a", bytes).await
}

#[tokio::test]
async fn tesseract_reads_when_the_models_are_not_there() {
    let document = read_with(None, 0, &picture("png", 0)).await.unwrap();
    let page = &document.pages[0];
    assert_eq!((document.kind, page.method, page.reader.as_str()), (Kind::Image, Method::Ocr, "tesseract"));
    assert_eq!(document.notices[0].kind, NoticeKind::SimplerOcr);
    assert!(all(&document).contains("Total due 1,234.56 EUR"), "{}", all(&document));
}

#[tokio::test]
async fn the_better_ocr_reads_every_format_and_upright_whatever_it_was() {
    let models = has_models().expect("KEYWARD_TEST_OCR names the folder of the models");
    for (choice, format, quarters) in
        [(0, "png", 0), (1, "jpg", 0), (0, "tiff", 1), (0, "webp", 2), (0, "bmp", 3)]
    {
        let document = read_with(Some(models.clone()), choice, &picture(format, quarters)).await.unwrap();
        let page = &document.pages[0];
        assert_eq!((page.method, page.reader.as_str()), (Method::Ocr, "pp-ocrv6-small"), "{format}");
        for text in ["INVOICE 4711", "Total due 1,234.56 EUR", "Payable within 30 days to Example Limited"] {
            assert!(all(&document).contains(text), "{format}: {}", all(&document));
        }
        // Places are those of the picture as it came.
        let total = page.words.iter().find(|word| word.text.contains("1,234.56")).unwrap();
        let (x, y) =
            (total.bounds.left + total.bounds.width / 2.0, total.bounds.top + total.bounds.height / 2.0);
        let (x, y) = match quarters {
            0 => (x, y),
            1 => (y, 1.0 - x),
            2 => (1.0 - x, 1.0 - y),
            _ => (1.0 - y, x),
        };
        assert!((0.1..0.3).contains(&x) && (0.1..0.3).contains(&y), "{format}: {x} {y}");
        assert!(total.confidence.is_some_and(|sure| sure > 0.8), "{format}");
    }
}

#[tokio::test]
async fn each_page_of_a_tiff_is_read() {
    let page = |quarters| image::load_from_memory(&picture("png", quarters)).unwrap().into_luma8();
    let blank = image::GrayImage::from_pixel(200, 200, image::Luma([255]));
    let bytes = tiff(&[page(0), blank, page(0)]);
    let sandbox = Sandbox::new(config(CHOICES[0]));
    let document = read(&sandbox, "a.tiff", &bytes).await.unwrap();
    assert_eq!((document.kind, document.page_count, document.pages.len()), (Kind::Tiff, 3, 3));
    for page in [0, 2] {
        assert!(words(&document.pages[page], false).contains("Total due 1,234.56 EUR"), "{page}");
    }
    assert!(document.pages[1].words.is_empty());
    let third = Request { pages: vec![(3, 3)], ..Request::default() };
    let document = sandbox.read(file(&bytes), &third, |_| {}).await.unwrap();
    let numbers: Vec<_> = document.pages.iter().map(|page| page.number).collect();
    assert_eq!((document.page_count, numbers), (3, vec![3]));
}

#[tokio::test]
async fn a_language_that_the_models_lack_is_read_by_tesseract() {
    let Some(folder) = has_models() else { panic!("KEYWARD_TEST_OCR is not set") };
    let sandbox = Sandbox::new(ReaderConfig { ocr: Some(folder), ..config(CHOICES[0]) });
    assert!(sandbox.installed().reads("de") && sandbox.installed().models);
    for (languages, reader) in [
        (vec![], "pp-ocrv6-small"),
        (vec!["en", "de"], "pp-ocrv6-small"),
        // Tesseract has English here, and what it lacks is left out.
        (vec!["en", "ru"], "tesseract"),
        (vec!["ru"], "pp-ocrv6-small"),
    ] {
        let request = Request {
            languages: languages.iter().map(|&tag| tag.to_owned()).collect(),
            ..Request::default()
        };
        let document = sandbox.read(file(&picture("png", 0)), &request, |_| {}).await.unwrap();
        assert_eq!(document.pages[0].reader, reader, "{languages:?}");
        assert!(all(&document).contains("1,234.56"), "{languages:?}");
    }
}
