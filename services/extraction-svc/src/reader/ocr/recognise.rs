//! What a line of text says: from the model's likelihoods, a column of the picture after the other, to words.
//!
//! Connectionist Temporal Classification (Graves et al., ICML 2006), the likeliest path.

use image::RgbImage;

use super::super::rows::RawWord;
use super::super::text::words_of;
use super::detect::Slanted;

/// The height of a line in the model's input.
pub(super) const HEIGHT: usize = 48;
/// The least and the most width of its input.
const WIDTH: (usize, usize) = (320, 3_200);
/// Widths are made multiples of this, so that lines of about a length share a run.
const STEP: usize = 32;
/// A box that is so much higher than wide has text that runs down or up the page.
const UPRIGHT: f32 = 1.5;
/// The least mean likelihood of a line's characters: below, it is no text.
const LEAST: f32 = 0.5;
/// At most so many pixels each way make one of the model's.
const MAX_SAMPLES: u32 = 4;

/// A line cut out of the picture.
#[derive(Debug)]
pub(super) struct Strip {
    /// Where it is.
    pub(super) place: Slanted,
    /// Its width in the model's input, without what fills it up.
    width: usize,
    /// Blue, green and red, each from -1 to 1, in rows of `padded`.
    values: Vec<f32>,
    /// The width of the input.
    pub(super) padded: usize,
}

/// Cuts a line out: set straight, and turned when its text runs along the shorter side.
pub(super) fn strip(picture: &RgbImage, place: Slanted) -> Strip {
    let place = match place.half[1] > UPRIGHT * place.half[0] {
        // From bottom to top, as a label on a spine.
        true => Slanted {
            along: [place.along[1], -place.along[0]],
            half: [place.half[1], place.half[0]],
            ..place
        },
        false => place,
    };
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bounded"
    )]
    let width = ((HEIGHT as f32 * place.half[0] / place.half[1].max(0.5)).ceil() as usize).clamp(8, WIDTH.1);
    let padded = width.max(WIDTH.0).div_ceil(STEP) * STEP;
    let mut values = vec![0.0; 3 * HEIGHT * padded];
    // Several pixels of the picture make one of the model's where it is much larger.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bounded"
    )]
    let samples = ((place.half[1] * 2.0 / HEIGHT as f32).round() as u32).clamp(1, MAX_SAMPLES);
    for y in 0..HEIGHT {
        for x in 0..width {
            let mut sum = [0.0_f32; 3];
            for sample in 0..samples * samples {
                let offset = |at: u32| (f64::from(at) + 0.5) / f64::from(samples);
                let (u, v) = (offset(sample % samples), offset(sample / samples));
                #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "bounded")]
                let (a, b) = (
                    (2.0 * (x as f64 + u) / width as f64 - 1.0) as f32,
                    (2.0 * (y as f64 + v) / HEIGHT as f64 - 1.0) as f32,
                );
                let color = pixel(picture, place.point(a, b));
                (0..3).for_each(|channel| sum[channel] += color[channel]);
            }
            for (channel, sum) in sum.iter().rev().enumerate() {
                #[expect(clippy::cast_precision_loss, reason = "sixteen at the most")]
                let mean = sum / (samples * samples) as f32;
                values[(channel * HEIGHT + y) * padded + x] = mean / 127.5 - 1.0;
            }
        }
    }
    Strip { place, width, values, padded }
}

/// The colour at a point, between four pixels; beyond the edge, that of the edge.
fn pixel(picture: &RgbImage, [x, y]: [f32; 2]) -> [f32; 3] {
    let (x, y) = ((x - 0.5).max(0.0), (y - 0.5).max(0.0));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturating, then bounded")]
    let (left, top) = (x as u32, y as u32);
    let (right_part, lower_part) = (x.fract(), y.fract());
    let at = |x: u32, y: u32| {
        let (x, y) = (x.min(picture.width().saturating_sub(1)), y.min(picture.height().saturating_sub(1)));
        picture.get_pixel_checked(x, y).map_or([0; 3], |pixel| pixel.0)
    };
    let (a, b) = (at(left, top), at(left.saturating_add(1), top));
    let (c, d) = (at(left, top.saturating_add(1)), at(left.saturating_add(1), top.saturating_add(1)));
    std::array::from_fn(|channel| {
        let mix = |one: u8, other: u8, part: f32| f32::from(one) * (1.0 - part) + f32::from(other) * part;
        let upper = mix(a[channel], b[channel], right_part);
        let lower = mix(c[channel], d[channel], right_part);
        upper * (1.0 - lower_part) + lower * lower_part
    })
}

/// The input of strips that have the same padded width.
pub(super) fn input(strips: &[&Strip]) -> Vec<f32> {
    strips.iter().flat_map(|strip| strip.values.iter().copied()).collect()
}

/// The words that a strip says. `likelihoods` are a row of classes for each column of the picture; class 0 is none, and
/// beyond `characters` is the blank.
pub(super) fn words(
    strip: &Strip,
    likelihoods: &[f32],
    classes: usize,
    characters: &[String],
) -> Vec<RawWord> {
    if classes == 0 {
        return Vec::new();
    }
    let columns = likelihoods.len() / classes;
    let mut read: Vec<(&str, f32, f32)> = Vec::new();
    let mut before = 0;
    for (column, row) in likelihoods.chunks_exact(classes).enumerate() {
        let best = row.iter().enumerate().fold((0, f32::MIN), |best, (class, likelihood)| {
            if *likelihood > best.1 { (class, *likelihood) } else { best }
        });
        if best.0 != 0 && best.0 != before {
            let text = characters.get(best.0 - 1).map_or(" ", String::as_str);
            #[expect(clippy::cast_precision_loss, reason = "columns of a strip that is bounded")]
            let at = (column as f32 + 0.5) / columns as f32 * strip.padded as f32 / strip.width as f32;
            read.push((text, at.min(1.0), best.1.clamp(0.0, 1.0)));
        }
        before = best.0;
    }
    let visible: Vec<f32> =
        read.iter().filter(|(text, ..)| !text.trim().is_empty()).map(|(.., sure)| *sure).collect();
    if visible.is_empty() || mean(&visible) < LEAST {
        return Vec::new();
    }
    let half = half_width(&read);
    let mut words = Vec::new();
    for word in read.split(|(text, ..)| text.trim().is_empty()) {
        let (Some(first), Some(last)) = (word.first(), word.last()) else { continue };
        let text: String = word.iter().map(|(text, ..)| *text).collect();
        let along = |at: f32| (2.0 * at - 1.0).clamp(-1.0, 1.0);
        let place = strip.place.around(along(first.1 - half), along(last.1 + half));
        let sure = mean(&word.iter().map(|(.., sure)| *sure).collect::<Vec<_>>());
        for text in words_of(&text) {
            words.push(RawWord { text, place, block: 0, line: 0, confidence: Some(sure), hidden: false });
        }
    }
    words
}

fn mean(values: &[f32]) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "characters of a line")]
    let count = values.len().max(1) as f32;
    values.iter().sum::<f32>() / count
}

/// About half the width of a character, as a part of the line.
fn half_width(read: &[(&str, f32, f32)]) -> f32 {
    let (Some(first), Some(last)) = (read.first(), read.last()) else { return 0.0 };
    #[expect(clippy::cast_precision_loss, reason = "characters of a line")]
    let between = read.len().saturating_sub(1).max(1) as f32;
    match read.len() {
        1 => 0.5,
        _ => (last.1 - first.1) / between / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn level() -> Slanted {
        Slanted { middle: [100.0, 24.0], along: [1.0, 0.0], half: [80.0, 12.0] }
    }

    #[test]
    fn the_likeliest_characters_make_words_at_their_places() {
        let strip = strip(&RgbImage::from_pixel(200, 48, Rgb([255; 3])), level());
        assert_eq!((strip.width, strip.padded), (320, 320));
        let characters = ["a", "b"].map(str::to_owned);
        // None, a, a, none, a, blank, b, none: twice the same is one, unless none is between.
        let path = [0, 1, 1, 0, 1, 3, 2, 0];
        let likelihoods: Vec<f32> = path
            .iter()
            .flat_map(|best| (0..4).map(move |class| if class == *best { 0.9 } else { 0.0 }))
            .collect();
        let words = words(&strip, &likelihoods, 4, &characters);
        let texts: Vec<_> = words.iter().map(|word| (word.text.as_str(), word.confidence)).collect();
        assert_eq!(texts, [("aa", Some(0.9)), ("b", Some(0.9))]);
        let [first, second] = [words[0].place, words[1].place];
        assert!(first[0] > 20.0 && first[2] <= second[0] + 1.0 && second[2] <= 180.0, "{first:?} {second:?}");
        assert!((first[1], first[3]) == (12.0, 36.0), "{first:?}");
    }

    #[test]
    fn what_is_hardly_likely_says_nothing() {
        let strip = strip(&RgbImage::new(200, 48), level());
        let cases: [(&[f32], usize); 4] =
            [(&[], 0), (&[], 4), (&[0.1, 0.4, 0.2, 0.3], 4), (&[f32::NAN; 4], 4)];
        for (likelihoods, classes) in cases {
            assert!(words(&strip, likelihoods, classes, &["a".to_owned()]).is_empty());
        }
    }
}
