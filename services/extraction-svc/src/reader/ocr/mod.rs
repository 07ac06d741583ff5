//! OCR: PP-OCRv6 where its models are, else Tesseract.

mod detect;
mod languages;
mod paddle;
mod recognise;
mod tesseract;
mod turn;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use image::RgbImage;

use super::rows::{self, RawPage};
use super::{Budget, ReadError, program};
use crate::document::{Method, Page};
use paddle::Paddle;

pub(crate) use languages::{Language, installed as installed_languages};

/// Whether the models of the better OCR, and what runs them, are in this folder.
pub(crate) fn has_models(folder: &Path) -> bool {
    paddle::FILES.iter().all(|file| folder.join(file).is_file())
}

/// The name of Tesseract's program.
const TESSERACT: &str = "tesseract";

/// Reads pictures. Models are loaded when the first is read.
pub(crate) struct Ocr {
    folder: Option<PathBuf>,
    /// What Tesseract calls the languages that were asked for and are installed, the most likely first, where the
    /// models lack letters of one that was asked for.
    program_reads: Vec<String>,
    /// The same for where there are no models.
    asked: Vec<String>,
    paddle: OnceCell<Option<Paddle>>,
}

/// A page that was read, and whether by the simpler of the two.
pub(crate) struct Seen {
    /// The page.
    pub(crate) page: Page,
    /// By Tesseract, since the models are not there.
    pub(crate) is_simpler: bool,
}

impl Ocr {
    /// With the models of this folder, for documents in these languages (BCP 47), or in any.
    pub(crate) fn new(folder: Option<&Path>, languages: &[String]) -> Ocr {
        let languages: Vec<_> = languages.iter().filter_map(|tag| Language::of(tag)).collect();
        let is_there = |names: &[&str]| {
            let installed = if names.is_empty() { Default::default() } else { installed_languages() };
            names.iter().filter(|name| installed.contains(**name)).map(|name| (*name).to_owned()).collect()
        };
        let names: Vec<_> = languages.iter().map(|language| language.name()).collect();
        let asked: Vec<String> = is_there(&names);
        let models_do = languages.iter().all(|language| language.is_of_models());
        let program_reads = if models_do { Vec::new() } else { asked.clone() };
        Ocr { folder: folder.map(Path::to_owned), program_reads, asked, paddle: OnceCell::new() }
    }

    /// Whether there is anything to read pictures with.
    pub(crate) fn is_there(&self) -> bool {
        self.folder.is_some() || program::find(TESSERACT).is_some()
    }

    /// Reads a picture, which is a page of this size.
    pub(crate) fn read(
        &self,
        picture: &RgbImage,
        number: u32,
        (width, height): (f32, f32),
        budget: &Budget,
    ) -> Result<Seen, ReadError> {
        let load = || self.folder.as_deref().and_then(Paddle::load);
        let paddle = match self.program_reads.is_empty() {
            true => self.paddle.get_or_init(load).as_ref(),
            false => None,
        };
        let ((words, turned), reader) = match paddle {
            Some(paddle) => (paddle.read(picture, budget)?, paddle::NAME),
            None => ((tesseract::read(picture, &self.asked, budget)?, 0.0), TESSERACT),
        };
        let is_simpler = paddle.is_none() && self.program_reads.is_empty();
        #[expect(clippy::cast_precision_loss, reason = "pixels of a picture that is bounded")]
        let (x, y) = (width / picture.width().max(1) as f32, height / picture.height().max(1) as f32);
        let scale = |[left, top, right, bottom]: [f32; 4]| [left * x, top * y, right * x, bottom * y];
        let words =
            words.into_iter().map(|word| rows::RawWord { place: scale(word.place), ..word }).collect();
        let raw = RawPage { number, width, height, turned, words };
        Ok(Seen { page: rows::page(raw, (Method::Ocr, reader)), is_simpler })
    }
}
