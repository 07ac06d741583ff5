//! Looking up names and numbers. Most inputs have their fields in the order of the proto, so that what follows
//! the last one is tried first.

/// Names with their places. No hash is made: a few comparisons find a name among thousands, whoever chose them.
#[derive(Debug, Default)]
pub(super) struct Names<T>(Vec<(Box<str>, T)>);

impl<T: Copy + Ord> Names<T> {
    /// Of names, each of which is there once.
    pub(super) fn of(names: impl IntoIterator<Item = (String, T)>) -> Names<T> {
        let mut all: Vec<_> = names.into_iter().map(|(name, place)| (name.into_boxed_str(), place)).collect();
        all.sort_unstable_by(|(a, _), (b, _)| order(a, b));
        Names(all)
    }

    pub(super) fn find(&self, name: &str) -> Option<T> {
        let at = self.0.binary_search_by(|(known, _)| order(known, name)).ok()?;
        Some(self.0[at].1)
    }
}

/// Lengths differ more often than the first bytes do, and are compared at once.
fn order(a: &str, b: &str) -> std::cmp::Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Numbers of fields with their places.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// The places of small numbers, each at its number: [`NONE`] where there is no field.
    small: Vec<u32>,
    /// All others, sorted.
    large: Vec<(u32, u32)>,
}

const NONE: u32 = u32::MAX;

/// How many places there are for each field, so that a message with a field 536,870,911 takes no more than others.
const PLACES_FOR_EACH: usize = 4;

impl Numbers {
    pub(super) fn of(numbers: impl ExactSizeIterator<Item = u32>) -> Numbers {
        let room = numbers.len() * PLACES_FOR_EACH;
        let mut all = Numbers::default();
        for (place, number) in numbers.enumerate() {
            let (place, at) = (place as u32, number as usize);
            if at >= room {
                all.large.push((number, place));
                continue;
            }
            if all.small.len() <= at {
                all.small.resize(at + 1, NONE);
            }
            all.small[at] = place;
        }
        all.large.sort_unstable();
        all
    }

    pub(super) fn find(&self, number: u32) -> Option<u32> {
        match self.small.get(number as usize) {
            Some(&NONE) => None,
            Some(&place) => Some(place),
            None => {
                let at = self.large.binary_search_by_key(&number, |(number, _)| *number).ok()?;
                Some(self.large[at].1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_no_other() {
        let names = ["", "a", "b", "aa", "ab", "ba", "ü", "text", "Text", "textOrNot"];
        let found = Names::of(names.iter().enumerate().map(|(i, name)| ((*name).to_owned(), i)));
        for (i, name) in names.iter().enumerate() {
            assert_eq!(found.find(name), Some(i), "{name}");
        }
        for name in ["c", "bb", "TEXT", "textOrNo", "textOrNot "] {
            assert_eq!(found.find(name), None, "{name}");
        }
    }

    #[test]
    fn every_number_is_found_and_takes_no_room() {
        let numbers = [1, 2, 536_870_911, 7, 3, 19, 20, 40_000];
        let found = Numbers::of(numbers.into_iter());
        assert!(found.small.len() <= numbers.len() * PLACES_FOR_EACH);
        for (place, number) in numbers.into_iter().enumerate() {
            assert_eq!(found.find(number), Some(place as u32), "{number}");
        }
        for number in [0, 4, 21, 32, 33, 39_999, 536_870_910, u32::MAX] {
            assert_eq!(found.find(number), None, "{number}");
        }
    }
}
