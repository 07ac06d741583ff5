//! What is installed here to read documents with. What reads no program needs is always there.

use std::collections::BTreeSet;
use std::path::Path;

use super::ocr::{Language, has_models, installed_languages};
use super::program;

/// The programs that read PDF, and Tesseract.
const PDF: [&str; 3] = ["pdfinfo", "pdftotext", "pdftoppm"];
const TESSERACT: &str = "tesseract";

/// What is installed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installed {
    /// The programs of poppler that are missing; none: PDF is read.
    pub missing_of_poppler: Vec<&'static str>,
    /// The better OCR.
    pub models: bool,
    /// The languages of Tesseract, by its names; none: there is no Tesseract.
    pub tesseract: BTreeSet<String>,
}

impl Installed {
    /// Looks, with the folder of the better OCR.
    pub fn look(ocr: Option<&Path>) -> Installed {
        let tesseract = program::find(TESSERACT).map(|_| installed_languages()).unwrap_or_default();
        let missing = PDF.into_iter().filter(|name| program::find(name).is_none());
        Installed { missing_of_poppler: missing.collect(), models: ocr.is_some_and(has_models), tesseract }
    }

    /// Whether text of this language (BCP 47) is recognised in pictures.
    pub fn reads(&self, tag: &str) -> bool {
        Language::of(tag).is_some_and(|language| {
            (self.models && language.is_of_models()) || self.tesseract.contains(language.name())
        })
    }

    /// What reads pictures, in a few words.
    pub fn ocr(&self) -> String {
        let tesseract = self.tesseract.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        match (self.models, self.tesseract.is_empty()) {
            (true, true) => "PP-OCRv6".to_owned(),
            (true, false) => format!("PP-OCRv6 and Tesseract ({tesseract})"),
            (false, false) => format!("Tesseract ({tesseract})"),
            (false, true) => "nothing".to_owned(),
        }
    }

    /// All of it, in a line.
    pub fn line(&self) -> String {
        let pdf = match self.missing_of_poppler.as_slice() {
            [] => "by poppler".to_owned(),
            missing => format!("not, since {} is missing", missing.join(", ")),
        };
        format!("PDF is read {pdf}; pictures by {}", self.ocr())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_read_by_what_is_there() {
        let tesseract: BTreeSet<String> = ["eng", "rus"].map(str::to_owned).into();
        let models = Installed { models: true, ..Installed::default() };
        let program = Installed { tesseract: tesseract.clone(), ..Installed::default() };
        let both = Installed { models: true, tesseract, ..Installed::default() };
        for (tag, by) in [
            ("en", [true, true, true]),
            ("de-AT", [true, false, true]),
            ("ru", [false, true, true]),
            ("ko", [false, false, false]),
            ("tlh", [false, false, false]),
        ] {
            assert_eq!([&models, &program, &both].map(|installed| installed.reads(tag)), by, "{tag}");
        }
        assert_eq!(both.line(), "PDF is read by poppler; pictures by PP-OCRv6 and Tesseract (eng, rus)");
        let none = Installed { missing_of_poppler: vec!["pdfinfo"], ..Installed::default() };
        assert_eq!(none.line(), "PDF is read not, since pdfinfo is missing; pictures by nothing");
    }
}
