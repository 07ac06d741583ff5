//! What was there already.

use std::collections::HashSet;
use std::hash::Hash;

/// Places of fields. Those of most messages fit into one number, whatever size the message has.
#[derive(Debug, Default)]
pub(super) struct Bits {
    first: u64,
    others: HashSet<usize>,
}

impl Bits {
    /// Adds a place. Whether it is new.
    pub(super) fn insert(&mut self, at: usize) -> bool {
        match bit(at) {
            Some(bit) => {
                let is_new = self.first & bit == 0;
                self.first |= bit;
                is_new
            }
            None => self.others.insert(at),
        }
    }

    pub(super) fn has(&self, at: usize) -> bool {
        bit(at).map_or_else(|| self.others.contains(&at), |bit| self.first & bit != 0)
    }
}

fn bit(at: usize) -> Option<u64> {
    1_u64.checked_shl(u32::try_from(at).ok()?)
}

/// Keys of a map or names of any object: few are compared one by one, many are hashed.
#[derive(Debug)]
pub(super) struct Distinct<T> {
    few: Vec<T>,
    many: HashSet<T>,
}

/// As many are compared as quickly as one is hashed.
const FEW: usize = 8;

impl<T> Default for Distinct<T> {
    fn default() -> Distinct<T> {
        Distinct { few: Vec::new(), many: HashSet::new() }
    }
}

impl<T: Eq + Hash> Distinct<T> {
    /// Adds a key. Whether it is new.
    pub(super) fn insert(&mut self, key: T) -> bool {
        if !self.many.is_empty() {
            return self.many.insert(key);
        }
        if self.few.contains(&key) {
            return false;
        }
        self.few.push(key);
        if self.few.len() > FEW {
            self.many.extend(self.few.drain(..));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_new() {
        let (mut bits, mut distinct) = (Bits::default(), Distinct::default());
        for at in [0, 1, 63, 64, 65, 127, 128, 9_999, usize::MAX, 5, 6, 7] {
            assert!(!bits.has(at), "{at}");
            assert!(bits.insert(at) && distinct.insert(at), "{at}");
            assert!(!bits.insert(at) && !distinct.insert(at), "{at}");
            assert!(bits.has(at), "{at}");
        }
        assert!(!bits.insert(0) && !distinct.insert(0));
    }
}
