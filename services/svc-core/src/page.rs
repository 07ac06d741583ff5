//! Pages of lists.

use crate::error::Violation;

/// How many items a page of a list holds at the most: 1 to 100, by default 20.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize(u32);

impl Default for PageSize {
    fn default() -> PageSize {
        PageSize::DEFAULT
    }
}

impl PageSize {
    const DEFAULT: PageSize = PageSize(20);
    const MAX: i32 = 100;
    /// The most.
    pub const LARGEST: PageSize = PageSize(PageSize::MAX.unsigned_abs());

    /// From what the caller asked for. Out of range is refused, never clamped.
    pub fn new(limit: Option<i32>) -> Result<PageSize, Violation> {
        let Some(limit) = limit else { return Ok(PageSize::DEFAULT) };
        match limit {
            1..=PageSize::MAX => Ok(PageSize(limit.unsigned_abs())),
            _ => Err(Violation::out_of_range("limit", 1..=PageSize::MAX)),
        }
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (limit, size) in [
            (None, Some(20)),
            (Some(1), Some(1)),
            (Some(100), Some(100)),
            (Some(0), None),
            (Some(-1), None),
            (Some(101), None),
            (Some(i32::MIN), None),
        ] {
            assert_eq!(PageSize::new(limit).ok().map(PageSize::get), size, "{limit:?}");
        }
    }
}
