//! Pictures: decoded within bounds, and read by OCR.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits as ImageLimits, RgbImage};

use super::ocr::Ocr;
use super::tiff::Tiff;
use super::{Budget, Draw, Drawing, Frame, Output, ReadError, Task, When};
use crate::document::{Kind, NoticeKind};

/// What a decoder may set aside beside the picture itself.
const DECODER_BYTES: u64 = 128 << 20;
/// Larger pictures are made smaller before they are read: no text needs more pixels on its longer side.
const MAX_SIDE: u32 = 4_000;

/// Reads a picture.
pub(crate) fn read(
    bytes: &[u8],
    kind: Kind,
    task: &Task,
    budget: &Budget,
    output: &mut Output<'_>,
) -> Result<(), ReadError> {
    let mut several = Tiff::of_several(bytes);
    let count = several.as_ref().map_or(1, Tiff::len);
    if task.when == When::Never {
        output.head(kind, count)?;
        return output.end();
    }
    let ocr = Ocr::new(task.ocr.as_deref(), &task.languages);
    if !ocr.is_there() {
        return Err(ReadError::EngineUnavailable("there is no OCR".to_owned()));
    }
    output.head(kind, count)?;
    budget.pages(task.wanted(count));
    let mut damaged = None;
    let mut has_read = false;
    for number in (1..=count).filter(|number| task.wants(*number)) {
        let page = several.as_mut().and_then(|tiff| tiff.beginning_with(number - 1)).unwrap_or(bytes);
        budget.picture();
        output.picture()?;
        match read_page(page, number, &ocr, task, budget, output) {
            Ok(()) => has_read = true,
            // The other pages may be whole.
            Err(error @ ReadError::UnreadableDocument(_)) if count > 1 => {
                output.notice(NoticeKind::Damaged, Some(number), "");
                damaged.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    match damaged.filter(|_| !has_read) {
        Some(error) => Err(error),
        None => output.end(),
    }
}

fn read_page(
    bytes: &[u8],
    number: u32,
    ocr: &Ocr,
    task: &Task,
    budget: &Budget,
    output: &mut Output<'_>,
) -> Result<(), ReadError> {
    let picture = decode(bytes, task)?;
    #[expect(clippy::cast_precision_loss, reason = "pixels of a picture that is bounded")]
    let size = (picture.width() as f32, picture.height() as f32);
    let seen = ocr.read(&picture, number, size, budget)?;
    if seen.is_simpler {
        output.notice(NoticeKind::SimplerOcr, None, "");
    }
    output.page(seen.page)
}

/// Draws a picture as people look at it. Of a document that is none there is nothing to draw.
pub(crate) fn draw(
    bytes: &[u8],
    draw: Draw,
    task: &Task,
    budget: &Budget,
    output: &mut Output<'_>,
) -> Result<(), ReadError> {
    let none = || ReadError::unreadable("the picture has no such page");
    let mut several = Tiff::of_several(bytes);
    let page = match &mut several {
        Some(tiff) => draw.page.checked_sub(1).and_then(|page| tiff.beginning_with(page)).ok_or_else(none)?,
        None if draw.page == 1 => bytes,
        None => return Err(none()),
    };
    budget.pages(1);
    let picture = decode(page, task)?;
    draw_of(picture, draw, output)
}

/// Writes a picture, smaller where it is larger than asked for.
pub(super) fn draw_of(mut picture: RgbImage, draw: Draw, output: &mut Output<'_>) -> Result<(), ReadError> {
    if picture.width().max(picture.height()) > draw.side {
        picture = DynamicImage::from(picture).thumbnail(draw.side, draw.side).into_rgb8();
    }
    let (width, height) = picture.dimensions();
    output.write(&Frame::Drawn(Drawing { width, height, pixels: picture.into_raw() }))
}

/// The picture upright, as its camera says, on white, and not larger than anything needs.
pub(super) fn decode(bytes: &[u8], task: &Task) -> Result<RgbImage, ReadError> {
    let damaged = || ReadError::unreadable("the picture is damaged");
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|_| damaged())?;
    let mut decoder = reader.into_decoder().map_err(|_| damaged())?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > task.limits.max_pixels {
        let most = task.limits.max_pixels;
        return Err(ReadError::too_large(format!("{width} × {height} pixels, and at most {most} are read")));
    }
    let mut limits = ImageLimits::default();
    limits.max_alloc = Some(decoder.total_bytes().saturating_add(DECODER_BYTES));
    decoder.set_limits(limits).map_err(|_| ReadError::too_large("the picture"))?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|_| damaged())?;
    if picture.width().max(picture.height()) > MAX_SIDE {
        picture = picture.thumbnail(MAX_SIDE, MAX_SIDE);
    }
    picture.apply_orientation(orientation);
    Ok(on_white(picture))
}

/// What shows through is white paper.
fn on_white(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let picture = picture.into_rgba8();
    let mut paper = RgbImage::new(picture.width(), picture.height());
    for (from, to) in picture.pixels().zip(paper.pixels_mut()) {
        let [red, green, blue, alpha] = from.0.map(u16::from);
        let mix = |color: u16| u8::try_from((color * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX);
        to.0 = [mix(red), mix(green), mix(blue)];
    }
    paper
}
