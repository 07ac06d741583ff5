//! Pages whose text is not level: scans that lie on a side or stand on their head, photographs that were taken at a slant.

use std::borrow::Cow;

use super::{Bounds, Page};

impl Page {
    /// The page set straight, as a person turns it to read: itself where its text is level.
    pub(crate) fn straight(&self) -> Cow<'_, Page> {
        if self.turned == 0.0 {
            return Cow::Borrowed(self);
        }
        let size = (self.width, self.height);
        let (width, height) = straight_size(size, self.turned);
        let set = |bounds: &mut Bounds| {
            let (right, bottom) = (bounds.right() * size.0, bounds.bottom() * size.1);
            let corners = [bounds.left * size.0, bounds.top * size.1, right, bottom];
            let straight = Bounds::on_page(straight(corners, size, self.turned), width, height);
            *bounds = straight.unwrap_or_default();
        };
        let mut page = Page { width, height, turned: 0.0, ..self.clone() };
        page.words.iter_mut().for_each(|word| set(&mut word.bounds));
        page.lines.iter_mut().for_each(|line| set(&mut line.bounds));
        page.tables.iter_mut().flat_map(|table| &mut table.cells).for_each(|cell| set(&mut cell.bounds));
        Cow::Owned(page)
    }
}

/// The size of a page once it is turned clockwise by so many degrees, slants left aside.
pub(crate) fn straight_size((width, height): (f32, f32), turned: f32) -> (f32, f32) {
    match quarters(turned) % 2 {
        0 => (width, height),
        _ => (height, width),
    }
}

/// Where a rectangle of a page of this size stands once the page is turned clockwise by so many degrees: first by quarters,
/// then around its middle.
pub(crate) fn straight(corners: [f32; 4], (width, height): (f32, f32), turned: f32) -> [f32; 4] {
    let [left, top, right, bottom] = corners;
    let [left, top, right, bottom] = match quarters(turned) {
        1 => [height - bottom, left, height - top, right],
        2 => [width - right, height - bottom, width - left, height - top],
        3 => [top, width - right, bottom, width - left],
        _ => corners,
    };
    let slant = (turned - 90.0 * (turned / 90.0).round()).to_radians();
    if slant == 0.0 {
        return [left, top, right, bottom];
    }
    let (width, height) = straight_size((width, height), turned);
    let (sine, cosine) = slant.sin_cos();
    let (x, y) = ((left + right - width) / 2.0, (top + bottom - height) / 2.0);
    let (x, y) = (width / 2.0 + x * cosine - y * sine, height / 2.0 + x * sine + y * cosine);
    // The rectangle around a slanted word is higher than the word.
    let (width, height) = (right - left, bottom - top);
    let height = (height - width * sine.abs()).max(height / 3.0);
    [x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0]
}

fn quarters(turned: f32) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "saturating")]
    let quarters = (turned / 90.0).round() as i32;
    quarters.rem_euclid(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_in_a_corner_is_in_the_corner_that_its_page_turns_it_to() {
        let corners = [500.0, 10.0, 590.0, 30.0];
        for (turned, expected, size) in [
            (0.0, corners, (600.0, 800.0)),
            (90.0, [770.0, 500.0, 790.0, 590.0], (800.0, 600.0)),
            (180.0, [10.0, 770.0, 100.0, 790.0], (600.0, 800.0)),
            (270.0, [10.0, 10.0, 30.0, 100.0], (800.0, 600.0)),
        ] {
            assert_eq!(straight(corners, (600.0, 800.0), turned), expected, "{turned}");
            assert_eq!(straight_size((600.0, 800.0), turned), size, "{turned}");
        }
    }

    #[test]
    fn words_of_a_slanted_line_are_level() {
        // Five degrees down to the right, around the middle of the page.
        let word = |along: f32| {
            let (sine, cosine) = 5.0_f32.to_radians().sin_cos();
            let (x, y) = (300.0 + along * cosine, 400.0 + along * sine);
            let (width, height) = (40.0 * cosine, 12.0 + 40.0 * sine);
            [x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0]
        };
        for turned in [-5.0, 355.0] {
            for along in [-250.0, 0.0, 250.0] {
                let [left, top, right, bottom] = straight(word(along), (600.0, 800.0), turned);
                assert!(((top + bottom) / 2.0 - 400.0).abs() < 0.1, "{along}: {top} {bottom}");
                assert!(((left + right) / 2.0 - 300.0 - along).abs() < 0.1, "{along}: {left} {right}");
                assert!((bottom - top - 12.0).abs() < 0.1, "{along}: {top} {bottom}");
            }
        }
    }
}
