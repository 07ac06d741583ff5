//! Where something stands on a page.

use serde::{Deserialize, Serialize};

/// A rectangle in fractions of its page, from the page's left and top: 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// From the left edge of the page.
    pub left: f32,
    /// From the top edge of the page.
    pub top: f32,
    /// From `left` to the right.
    pub width: f32,
    /// From `top` downwards.
    pub height: f32,
}

impl Bounds {
    /// The rectangle between two corners in any unit, on a page of this size, cut where the page ends. `None` when
    /// nothing of it is on the page, or a number is none.
    pub fn on_page(corners: [f32; 4], width: f32, height: f32) -> Option<Bounds> {
        let [left, top, right, bottom] = corners;
        let all = [left, top, right, bottom, width, height];
        if all.iter().any(|number| !number.is_finite()) || width <= 0.0 || height <= 0.0 {
            return None;
        }
        if right < 0.0 || bottom < 0.0 || left > width || top > height || right < left || bottom < top {
            return None;
        }
        let fraction = |value: f32, whole: f32| (value / whole).clamp(0.0, 1.0);
        let (left, top) = (fraction(left, width), fraction(top, height));
        Some(Bounds {
            left,
            top,
            width: fraction(right, width) - left,
            height: fraction(bottom, height) - top,
        })
    }

    /// The right edge.
    pub fn right(&self) -> f32 {
        self.left + self.width
    }

    /// The bottom edge.
    pub fn bottom(&self) -> f32 {
        self.top + self.height
    }

    /// The smallest rectangle around both.
    #[must_use]
    pub fn union(&self, other: &Bounds) -> Bounds {
        let (left, top) = (self.left.min(other.left), self.top.min(other.top));
        Bounds {
            left,
            top,
            width: self.right().max(other.right()) - left,
            height: self.bottom().max(other.bottom()) - top,
        }
    }

    /// Whether it is within a page. A hair over the edge is the rounding of a sum.
    pub fn is_valid(&self) -> bool {
        const HAIR: f32 = 1e-4;
        let numbers = [self.left, self.top, self.width, self.height];
        numbers.iter().all(|number| number.is_finite() && *number >= 0.0)
            && self.right() <= 1.0 + HAIR
            && self.bottom() <= 1.0 + HAIR
    }
}
