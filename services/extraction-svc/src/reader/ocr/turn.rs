//! Pictures that lie on a side or stand on their head.

use image::RgbImage;
use image::imageops::{rotate90, rotate180, rotate270};

use crate::document::{straight, straight_size};

/// By how much a picture was turned clockwise to stand upright.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Not at all.
    None,
    /// By a quarter.
    Quarter,
    /// By half.
    Half,
    /// By three quarters.
    ThreeQuarters,
}

impl Turn {
    /// The picture, turned.
    pub(super) fn apply(self, picture: &RgbImage) -> RgbImage {
        match self {
            Turn::None => picture.clone(),
            Turn::Quarter => rotate90(picture),
            Turn::Half => rotate180(picture),
            Turn::ThreeQuarters => rotate270(picture),
        }
    }

    /// The same in degrees.
    pub(super) fn degrees(self) -> f32 {
        match self {
            Turn::None => 0.0,
            Turn::Quarter => 90.0,
            Turn::Half => 180.0,
            Turn::ThreeQuarters => 270.0,
        }
    }

    /// A place on the turned picture on the picture as it was, whose size is given.
    pub(super) fn undo(self, place: [f32; 4], size: (f32, f32)) -> [f32; 4] {
        straight(place, straight_size(size, self.degrees()), 360.0 - self.degrees())
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn places_go_back_to_where_the_ink_is() {
        let mut picture = RgbImage::from_pixel(40, 20, Rgb([255; 3]));
        for (x, y) in (5..9).flat_map(|x| (2..4).map(move |y| (x, y))) {
            picture.put_pixel(x, y, Rgb([0; 3]));
        }
        for turn in [Turn::None, Turn::Quarter, Turn::Half, Turn::ThreeQuarters] {
            let turned = turn.apply(&picture);
            let ink = turned.enumerate_pixels().filter(|(_, _, pixel)| pixel.0 == [0; 3]);
            let place = ink.fold([f32::MAX, f32::MAX, 0.0, 0.0], |[left, top, right, bottom], (x, y, _)| {
                let (x, y) = (f32::from(u16::try_from(x).unwrap()), f32::from(u16::try_from(y).unwrap()));
                [left.min(x), top.min(y), right.max(x + 1.0), bottom.max(y + 1.0)]
            });
            assert_eq!(turn.undo(place, (40.0, 20.0)), [5.0, 2.0, 9.0, 4.0], "{turn:?}");
            assert_eq!(straight([5.0, 2.0, 9.0, 4.0], (40.0, 20.0), turn.degrees()), place, "{turn:?}");
        }
    }
}
