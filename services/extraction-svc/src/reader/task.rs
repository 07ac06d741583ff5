//! What a reader is asked, and what bounds it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What bounds the reading of one document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// The longest document.
    pub max_bytes: u64,
    /// The most pages.
    pub max_pages: u32,
    /// The most words of a document. They are what is kept in memory of it.
    pub max_words: u32,
    /// The memory of a reader together with the program that it runs.
    pub memory_bytes: u64,
    /// The time on a core for any document,
    pub cpu_seconds: f64,
    /// more for each page,
    pub cpu_seconds_per_page: f64,
    /// and more for each page that is read by OCR.
    pub cpu_seconds_per_picture: f64,
    /// The most pixels of a picture.
    pub max_pixels: u64,
    /// The most bytes that a compressed document may become.
    pub max_unpacked_bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_bytes: 100 << 20,
            max_pages: 2_000,
            max_words: 1_000_000,
            memory_bytes: 1 << 30,
            cpu_seconds: 5.0,
            cpu_seconds_per_page: 0.1,
            cpu_seconds_per_picture: 20.0,
            max_pixels: 100_000_000,
            max_unpacked_bytes: 256 << 20,
        }
    }
}

impl Limits {
    /// The time on a core for so many pages, of which so many are read by OCR.
    pub fn cpu(&self, pages: u32, pictures: u32) -> f64 {
        self.cpu_seconds
            + self.cpu_seconds_per_page * f64::from(pages)
            + self.cpu_seconds_per_picture * f64::from(pictures)
    }
}

/// What a reader is asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Task {
    /// What bounds it.
    pub limits: Limits,
    /// The name that the document came with. Only to say that it is mislabelled.
    pub file_name: Option<String>,
    /// The media type that it came with, for the same.
    pub media_type: Option<String>,
    /// Only these pages, from 1; all when empty. At most 100 ranges, of first and last page.
    pub pages: Vec<(u32, u32)>,
    /// When pages are read by OCR.
    pub when: When,
    /// The languages of pictures, as BCP 47 tags, the most likely first; any when empty.
    pub languages: Vec<String>,
    /// Where the models of the OCR and their runtime are.
    pub ocr: Option<PathBuf>,
    /// Do not read, but draw this page.
    pub draw: Option<Draw>,
    /// Do not read, but try to do what a reader cannot: connect to this port, read this file, and more.
    #[cfg(feature = "testing")]
    pub attempts: Option<(u16, PathBuf)>,
}

/// A page to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draw {
    /// Which, from 1.
    pub page: u32,
    /// The most pixels of its longer side.
    pub side: u32,
}

/// When pages are read by OCR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// When their text layer has little or is none.
    #[default]
    Auto,
    /// Always, where a page can be a picture.
    Always,
    /// Never; of a picture nothing is read.
    Never,
}

impl Task {
    /// How many of the first so many pages are to be read.
    pub fn wanted(&self, pages: u32) -> u32 {
        match self.pages.is_empty() {
            true => pages,
            // Ranges may overlap: then it is more than there are, but not more than can be.
            false => {
                let within =
                    |(first, last): &(u32, u32)| (*last).min(pages).saturating_sub((*first).max(1) - 1);
                self.pages.iter().map(within).fold(0_u32, u32::saturating_add).min(pages)
            }
        }
    }

    /// Whether the page is to be read.
    pub fn wants(&self, page: u32) -> bool {
        self.pages.is_empty() || self.pages.iter().any(|(first, last)| (*first..=*last).contains(&page))
    }
}
