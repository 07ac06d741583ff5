//! Pictures of pages, by `pdftoppm`: to read them by OCR, and to see whether what a page says can be seen.

use std::fs::File;

use image::RgbImage;

use super::super::program::{self, DOCUMENT, Input};
use super::super::rows::{RawPage, RawWord};
use super::super::{Budget, Draw, ReadError};

/// The resolution for OCR and for a look, in dots an inch.
const READ: f32 = 200.0;
const LOOK: f32 = 72.0;
/// The longest side of a picture: a page may say that it is of any size.
const MAX_SIDE: f32 = 3_000.0;
/// What poppler writes before the pixels at the most.
const MAX_HEAD: usize = 100;
/// By how much light and dark differ within a word that is seen, of 255.
const CONTRAST: u8 = 24;
/// A pixel is ink below this.
const INK: u8 = 200;
/// A page that has less ink than this part of it beside its words has nothing more to read.
const SOME_INK: f64 = 0.0006;

/// A picture of a page in shades of grey.
#[derive(Debug)]
pub(super) struct Look {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
    /// Pixels to a point.
    scale: f32,
}

/// The page as a picture to read.
pub(super) fn picture(document: &File, page: &RawPage, budget: &Budget) -> Result<RgbImage, ReadError> {
    rgb(render(document, page.number, side(page, READ), 3, budget)?)
}

/// The page as a picture for people.
pub(super) fn drawing(document: &File, draw: Draw, budget: &Budget) -> Result<RgbImage, ReadError> {
    #[expect(clippy::cast_precision_loss, reason = "pixels of a picture that is bounded")]
    let side = (draw.side as f32).min(MAX_SIDE);
    rgb(render(document, draw.page, side, 3, budget)?)
}

fn rgb((width, height, pixels): (usize, usize, Vec<u8>)) -> Result<RgbImage, ReadError> {
    let size = (u32::try_from(width).unwrap_or(0), u32::try_from(height).unwrap_or(0));
    RgbImage::from_raw(size.0, size.1, pixels).ok_or_else(failed)
}

/// The page as a picture to look at.
pub(super) fn look(document: &File, page: &RawPage, budget: &Budget) -> Result<Look, ReadError> {
    let (width, height, pixels) = render(document, page.number, side(page, LOOK), 1, budget)?;
    #[expect(clippy::cast_precision_loss, reason = "pixels of a picture that is bounded")]
    let scale = width as f32 / page.width;
    Ok(Look { width, height, pixels, scale })
}

fn failed() -> ReadError {
    ReadError::unreadable("poppler makes no picture of a page")
}

/// The longer side of a page at this resolution.
fn side(page: &RawPage, resolution: f32) -> f32 {
    (page.width.max(page.height) * resolution / 72.0).clamp(16.0, MAX_SIDE).round()
}

fn render(
    document: &File,
    page: u32,
    side: f32,
    channels: usize,
    budget: &Budget,
) -> Result<(usize, usize, Vec<u8>), ReadError> {
    let (number, side) = (page.to_string(), side.to_string());
    let mut arguments =
        vec!["-q", "-cropbox", "-singlefile", "-f", &number, "-l", &number, "-scale-to", &side];
    if channels == 1 {
        arguments.push("-gray");
    }
    arguments.push(DOCUMENT);
    let mut bytes = Vec::new();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded")]
    let most = (MAX_SIDE * MAX_SIDE) as usize * channels + MAX_HEAD;
    let ended = program::run("pdftoppm", &arguments, Input::Document(document), budget, &mut |piece| {
        bytes.extend_from_slice(piece);
        match bytes.len() > most {
            true => Err(failed()),
            false => Ok(()),
        }
    })?;
    if let Some(limit) = ended.limit() {
        return Err(limit);
    }
    parse(bytes, channels).ok_or_else(failed)
}

/// Width, height and pixels of a PGM or PPM as poppler writes it.
fn parse(mut bytes: Vec<u8>, channels: usize) -> Option<(usize, usize, Vec<u8>)> {
    let mut at = 0;
    let mut fields = Vec::new();
    while fields.len() < 4 {
        let rest = bytes.get(at..bytes.len().min(at + MAX_HEAD))?;
        let end = rest.iter().position(u8::is_ascii_whitespace)?;
        fields.push(std::str::from_utf8(rest.get(..end)?).ok()?.to_owned());
        at += end + 1;
    }
    let [kind, width, height, _] = fields.as_slice() else { return None };
    let (width, height): (usize, usize) = (width.parse().ok()?, height.parse().ok()?);
    let is_kind = kind == if channels == 1 { "P5" } else { "P6" };
    let pixels = bytes.split_off(at);
    (is_kind && pixels.len() == width.checked_mul(height)?.checked_mul(channels)?)
        .then_some((width, height, pixels))
}

impl Look {
    /// The columns and rows of a place on the page, with `margin` pixels around.
    fn area(
        &self,
        [left, top, right, bottom]: [f32; 4],
        margin: f32,
    ) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturating, then bounded"
        )]
        let range = |from: f32, to: f32, most: usize| {
            let from = ((from * self.scale - margin).max(0.0) as usize).min(most);
            from..((to * self.scale + margin).ceil().max(0.0) as usize).clamp(from, most)
        };
        (range(left, right, self.width), range(top, bottom, self.height))
    }

    /// Marks the words that cannot be seen: the picture is all of one shade where they are.
    pub(super) fn mark_unseen(&self, words: &mut [RawWord]) {
        for word in words {
            let (columns, rows) = self.area(word.place, 0.0);
            let (mut darkest, mut lightest) = (u8::MAX, u8::MIN);
            for row in rows {
                let line = self.pixels.get(row * self.width..(row + 1) * self.width).unwrap_or_default();
                for pixel in line.get(columns.clone()).unwrap_or_default() {
                    (darkest, lightest) = (darkest.min(*pixel), lightest.max(*pixel));
                }
            }
            word.hidden |= lightest.saturating_sub(darkest) < CONTRAST;
        }
    }

    /// Whether there is something on the page beside these words.
    pub(super) fn has_more_than(&self, words: &[RawWord]) -> bool {
        let mut is_word = vec![false; self.pixels.len()];
        for word in words {
            let (columns, rows) = self.area(word.place, 1.0);
            for row in rows {
                let line = is_word.get_mut(row * self.width..(row + 1) * self.width);
                if let Some(cells) = line.and_then(|line| line.get_mut(columns.clone())) {
                    cells.fill(true);
                }
            }
        }
        let ink =
            self.pixels.iter().zip(&is_word).filter(|(pixel, is_word)| **pixel < INK && !**is_word).count();
        #[expect(clippy::cast_precision_loss, reason = "pixels of a picture that is bounded")]
        let share = ink as f64 / self.pixels.len().max(1) as f64;
        share > SOME_INK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(place: [f32; 4]) -> RawWord {
        RawWord { text: "x".to_owned(), place, block: 0, line: 0, confidence: None, hidden: false }
    }

    #[test]
    fn a_word_without_ink_is_unseen_and_ink_without_a_word_is_more() {
        let mut pixels = vec![255; 100 * 100];
        for row in 10..15 {
            pixels[row * 100 + 10..row * 100 + 30].fill(0);
        }
        let look = Look { width: 100, height: 100, pixels, scale: 2.0 };
        let mut words =
            [word([4.0, 4.0, 16.0, 8.0]), word([25.0, 25.0, 40.0, 30.0]), word([-9.0, 400.0, 1e9, 2e9])];
        look.mark_unseen(&mut words);
        assert_eq!(words.clone().map(|word| word.hidden), [false, true, true]);
        assert!(!look.has_more_than(&words) && look.has_more_than(&words[1..]));
    }

    #[test]
    fn pictures_are_what_they_say() {
        let cases: [(&[u8], usize, bool); 6] = [
            (b"P5\n2 2\n255\nabcd", 1, true),
            (b"P6\n1 1\n255\nabc", 3, true),
            (b"P5\n2 2\n255\nabc", 1, false),
            (b"P6\n99999999999 99999999999\n255\nabc", 3, false),
            (b"P5\n", 1, false),
            (b"", 1, false),
        ];
        for (bytes, channels, is_good) in cases {
            assert_eq!(parse(bytes.to_vec(), channels).is_some(), is_good);
        }
    }
}
