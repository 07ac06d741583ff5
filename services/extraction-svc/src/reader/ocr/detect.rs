//! Where text is in a picture: from the model's map of how likely each pixel is text to slanted boxes around lines.
//!
//! Differentiable Binarization (Liao et al., AAAI 2020), with the numbers of PP-OCR: a threshold, boxes around what
//! hangs together, boxes made larger by what training had made them smaller.

use image::RgbImage;
use image::imageops::{FilterType, resize};

/// A pixel is text from this likelihood on.
const PIXEL: f32 = 0.3;
/// A box is kept from this mean likelihood on.
const BOX: f32 = 0.5;
/// By how much of its area over its outline a box is made larger.
const UNCLIP: f32 = 1.6;
/// The most boxes of a picture.
const MAX_BOXES: usize = 3_000;
/// The least side of what hangs together, and of a box, in pixels of the map.
const LEAST: (f32, f32) = (3.0, 5.0);
/// The network halves its input five times.
const STEP: u32 = 32;
/// The shorter side is made at least so long, the longer one at most.
const SHORT_SIDE: u32 = 736;
const LONG_SIDE: u32 = 1_600;

/// A slanted box: its middle, the direction in which its text runs, and half its length along and across it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slanted {
    /// In pixels.
    pub(super) middle: [f32; 2],
    /// Of length one; more to the right than down, unless the text runs down the page.
    pub(super) along: [f32; 2],
    /// In pixels: along and across.
    pub(super) half: [f32; 2],
}

impl Slanted {
    /// A point of the box: (-1, -1) is where its text begins above, (1, 1) where it ends below.
    pub(super) fn point(&self, along: f32, across: f32) -> [f32; 2] {
        let [x, y] = self.along;
        let (a, b) = (along * self.half[0], across * self.half[1]);
        [self.middle[0] + a * x - b * y, self.middle[1] + a * y + b * x]
    }

    /// The upright rectangle around the part between two points along it, each -1 to 1.
    pub(super) fn around(&self, from: f32, to: f32) -> [f32; 4] {
        let corners = [(from, -1.0), (to, -1.0), (from, 1.0), (to, 1.0)].map(|(a, b)| self.point(a, b));
        corners.iter().fold([f32::MAX, f32::MAX, f32::MIN, f32::MIN], |[left, top, right, bottom], [x, y]| {
            [left.min(*x), top.min(*y), right.max(*x), bottom.max(*y)]
        })
    }

    fn scaled(&self, x: f32, y: f32) -> Slanted {
        // The map is a few pixels off the picture's proportions at the most.
        let [ax, ay] = [self.along[0] * x, self.along[1] * y];
        let stretch = ax.hypot(ay).max(f32::EPSILON);
        let across = (self.along[1] * x).hypot(self.along[0] * y);
        Slanted {
            middle: [self.middle[0] * x, self.middle[1] * y],
            along: [ax / stretch, ay / stretch],
            half: [self.half[0] * stretch, self.half[1] * across],
        }
    }
}

/// The size at which a picture is given to the network.
pub(super) fn size(width: u32, height: u32) -> (u32, u32) {
    let (short, long) = (f64::from(width.min(height).max(1)), f64::from(width.max(height).max(1)));
    let scale = (f64::from(SHORT_SIDE) / short).max(1.0).min(f64::from(LONG_SIDE) / long);
    let side = |side: u32| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most the longer side"
        )]
        let steps = (f64::from(side) * scale / f64::from(STEP)).round() as u32;
        steps.max(1) * STEP
    };
    (side(width), side(height))
}

/// The picture as the network wants it: blue, green and red, each from -1 to 1.
pub(super) fn input(picture: &RgbImage, (width, height): (u32, u32)) -> Vec<f32> {
    let filter = match picture.width() > width {
        true => FilterType::Triangle,
        false => FilterType::CatmullRom,
    };
    let small = resize(picture, width, height, filter);
    let channel = |channel: usize| small.pixels().map(move |pixel| f32::from(pixel.0[channel]) / 127.5 - 1.0);
    channel(2).chain(channel(1)).chain(channel(0)).collect()
}

/// The boxes of a map of this width, in pixels of a picture.
pub(super) fn boxes(map: &[f32], width: usize, (picture_width, picture_height): (u32, u32)) -> Vec<Slanted> {
    if width == 0 || map.len() < width {
        return Vec::new();
    }
    let height = map.len() / width;
    let is_text = dilated(map, width, height);
    let mut seen = vec![false; width * height];
    let mut found = Vec::new();
    #[expect(clippy::cast_precision_loss, reason = "pixels of a picture that is bounded")]
    let (x, y) = (picture_width as f32 / width as f32, picture_height as f32 / height as f32);
    for start in 0..width * height {
        if seen[start] || !is_text[start] {
            continue;
        }
        let outline = outline(start, &is_text, &mut seen, width, height);
        let Some(box_) = smallest(&hull(outline)) else { continue };
        if box_.half[0].min(box_.half[1]) * 2.0 < LEAST.0 || likelihood(map, width, height, &box_) < BOX {
            continue;
        }
        let [a, b] = box_.half;
        let more = 4.0 * a * b * UNCLIP / (4.0 * (a + b)).max(f32::EPSILON);
        let larger = Slanted { half: [a + more, b + more], ..box_ };
        if larger.half[0].min(larger.half[1]) * 2.0 >= LEAST.1 {
            found.push(larger.scaled(x, y));
        }
        if found.len() == MAX_BOXES {
            break;
        }
    }
    found
}

/// The pixels that are text, or right or below of one.
fn dilated(map: &[f32], width: usize, height: usize) -> Vec<bool> {
    let mut is_text = vec![false; width * height];
    for y in 0..height {
        for x in 0..width {
            let at = |x: usize, y: usize| map.get(y * width + x).is_some_and(|likely| *likely > PIXEL);
            let (left, above) = (x.saturating_sub(1), y.saturating_sub(1));
            is_text[y * width + x] = at(x, y) || at(left, y) || at(x, above) || at(left, above);
        }
    }
    is_text
}

/// What hangs together with a pixel: the first and last of it in each row, which is all that a hull needs.
fn outline(start: usize, is_text: &[bool], seen: &mut [bool], width: usize, height: usize) -> Vec<[f32; 2]> {
    let mut rows: Vec<(usize, usize, usize)> = Vec::new();
    let mut by_row = std::collections::HashMap::new();
    let mut open = vec![start];
    seen[start] = true;
    while let Some(at) = open.pop() {
        let (x, y) = (at % width, at / width);
        let index = *by_row.entry(y).or_insert_with(|| {
            rows.push((y, x, x));
            rows.len() - 1
        });
        let row = &mut rows[index];
        (row.1, row.2) = (row.1.min(x), row.2.max(x));
        for ny in y.saturating_sub(1)..=(y + 1).min(height - 1) {
            for nx in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                let next = ny * width + nx;
                if is_text[next] && !seen[next] {
                    seen[next] = true;
                    open.push(next);
                }
            }
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "pixels of a map that is bounded")]
    let points =
        rows.iter().flat_map(|(y, left, right)| [[*left as f32, *y as f32], [*right as f32, *y as f32]]);
    points.collect()
}

/// The convex hull (Andrew's monotone chain).
fn hull(mut points: Vec<[f32; 2]>) -> Vec<[f32; 2]> {
    points.sort_by(|one, other| one[0].total_cmp(&other[0]).then(one[1].total_cmp(&other[1])));
    points.dedup();
    if points.len() < 3 {
        return points;
    }
    let turns =
        |a: [f32; 2], b: [f32; 2], c: [f32; 2]| (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
    let chain = |points: &mut dyn Iterator<Item = [f32; 2]>| {
        let mut chain: Vec<[f32; 2]> = Vec::new();
        for point in points {
            while let [.., a, b] = chain.as_slice()
                && turns(*a, *b, point) <= 0.0
            {
                chain.pop();
            }
            chain.push(point);
        }
        chain.pop();
        chain
    };
    let mut hull = chain(&mut points.iter().copied());
    hull.append(&mut chain(&mut points.iter().rev().copied()));
    hull
}

/// The smallest box around a hull: one of its sides lies on a side of the hull (Freeman and Shapira, 1975).
fn smallest(hull: &[[f32; 2]]) -> Option<Slanted> {
    let mut best: Option<(f32, Slanted)> = None;
    let next = hull.iter().cycle().skip(1);
    for (from, to) in hull.iter().zip(next) {
        let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
        let length = dx.hypot(dy);
        if length < 0.5 {
            continue;
        }
        // The direction that points to the right: text runs along it, or the box is upright and it runs down.
        let mut along = [dx / length, dy / length];
        if along[0].abs() < along[1].abs() {
            along = [along[1], -along[0]];
        }
        if along[0] < 0.0 {
            along = [-along[0], -along[1]];
        }
        let mut span = [f32::MAX, f32::MIN, f32::MAX, f32::MIN];
        for [x, y] in hull {
            let (a, b) = (x * along[0] + y * along[1], y * along[0] - x * along[1]);
            span = [span[0].min(a), span[1].max(a), span[2].min(b), span[3].max(b)];
        }
        let half = [(span[1] - span[0]) / 2.0, (span[3] - span[2]) / 2.0];
        let (a, b) = ((span[0] + span[1]) / 2.0, (span[2] + span[3]) / 2.0);
        let middle = [a * along[0] - b * along[1], a * along[1] + b * along[0]];
        let area = half[0] * half[1];
        if best.is_none_or(|(least, _)| area < least) {
            best = Some((area, Slanted { middle, along, half }));
        }
    }
    best.map(|(_, found)| found)
}

/// The mean likelihood of the pixels in a box.
fn likelihood(map: &[f32], width: usize, height: usize, box_: &Slanted) -> f32 {
    let [left, top, right, bottom] = box_.around(-1.0, 1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturating, then bounded")]
    let index = |value: f32, most: usize| (value.max(0.0) as usize).min(most - 1);
    let (mut sum, mut count) = (0.0_f32, 0_u32);
    for y in index(top, height)..=index(bottom.ceil(), height) {
        for x in index(left, width)..=index(right.ceil(), width) {
            #[expect(clippy::cast_precision_loss, reason = "pixels of a map that is bounded")]
            let [dx, dy] = [x as f32 - box_.middle[0], y as f32 - box_.middle[1]];
            let (a, b) = (dx * box_.along[0] + dy * box_.along[1], dy * box_.along[0] - dx * box_.along[1]);
            if a.abs() <= box_.half[0] + 0.5 && b.abs() <= box_.half[1] + 0.5 {
                sum += map.get(y * width + x).copied().unwrap_or(0.0);
                count += 1;
            }
        }
    }
    match count {
        0 => 0.0,
        #[expect(clippy::cast_precision_loss, reason = "pixels of a map that is bounded")]
        count => sum / count as f32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_neither_too_small_nor_too_large_for_the_network() {
        let cases = [
            ((1_654, 2_339), (1_120, 1_600)),
            ((400, 300), (992, 736)),
            ((10_000, 20), (1_600, 32)),
            ((1, 1), (736, 736)),
        ];
        for ((width, height), expected) in cases {
            assert_eq!(size(width, height), expected);
        }
    }

    #[test]
    fn boxes_are_around_what_is_likely_text_and_as_slanted() {
        let (width, height) = (200_usize, 100_usize);
        let mut map = vec![0.0_f32; width * height];
        let along = [0.98_f32, 0.198_997_5];
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            let [dx, dy] = [x as f32 - 100.0, y as f32 - 50.0];
            let (a, b) = (dx * along[0] + dy * along[1], dy * along[0] - dx * along[1]);
            if a.abs() < 60.0 && b.abs() < 5.0 {
                map[y * width + x] = 0.9;
            }
        }
        // A speck, and what is hardly likely.
        map[3] = 1.0;
        map[90 * width..90 * width + 50].fill(0.2);
        let found = boxes(&map, width, (400, 200));
        let [one] = found.as_slice() else { panic!("{found:?}") };
        assert!((one.middle[0] - 201.0).abs() < 4.0 && (one.middle[1] - 101.0).abs() < 4.0, "{one:?}");
        assert!((one.along[1] - along[1]).abs() < 0.03, "{one:?}");
        assert!((130.0..150.0).contains(&one.half[0]) && (20.0..30.0).contains(&one.half[1]), "{one:?}");
    }

    #[test]
    fn nothing_is_found_in_nothing() {
        for (map, width) in [(vec![], 0), (vec![0.0; 100], 10), (vec![f32::NAN; 100], 10), (vec![1.0; 5], 10)]
        {
            assert_eq!(boxes(&map, width, (10, 10)), []);
        }
    }
}
