//! What a dry run would have created. Nothing of it is in the database, so a later row of the same reference would be
//! taken for new once more.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use crate::domain::bulk::{Outcome, Upsert};

/// So many references are remembered, as hashes, with one of what their rows set: about 40 MB. Behind them, only rows that are decided together are
/// compared.
const REMEMBERED_MAX: usize = 1_000_000;

/// References of contacts that would be there.
#[derive(Default)]
pub(super) struct Rehearsed {
    hasher: RandomState,
    seen: HashMap<u64, u64>,
    /// Those of the last group, which may be made again: where the content stands behind it, and they.
    last: (i64, Vec<(u64, u64)>),
}

impl Rehearsed {
    /// Goes on with a group, the same one again or the next: who would be there by then is updated, or stays as it is.
    pub(super) fn go_on(&mut self, position: i64, upserts: &[Upsert], outcomes: &mut [Outcome]) {
        let (last, references) = std::mem::take(&mut self.last);
        if last != position {
            let room = REMEMBERED_MAX.saturating_sub(self.seen.len());
            self.seen.extend(references.into_iter().take(room));
        }
        let mut written = Vec::new();
        for (upsert, outcome) in upserts.iter().zip(outcomes) {
            let Outcome::Created(id) = outcome else { continue };
            let Some(reference) = &upsert.fields.external_reference_id else { continue };
            let (hash, set) = (self.hasher.hash_one(reference), self.hasher.hash_one(&upsert.fields));
            let before = self.seen.get(&hash);
            if before == Some(&set) {
                *outcome = Outcome::Unchanged(std::mem::take(id));
                continue;
            }
            if before.is_some() {
                *outcome = Outcome::Updated(std::mem::take(id));
            }
            written.push((hash, set));
        }
        self.last = (position, written);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ContactFields;

    #[test]
    fn a_later_row_of_the_same_reference_creates_nothing() {
        let upsert = |reference: Option<&str>, name: &str| Upsert {
            id: None,
            fields: ContactFields {
                external_reference_id: reference.map(str::to_owned),
                name: Some(name.to_owned()),
                ..ContactFields::default()
            },
            violations: Vec::new(),
        };
        let group = [upsert(Some("a"), "A"), upsert(None, "B")];
        let new = || vec![Outcome::Created("1".to_owned()), Outcome::Created("2".to_owned())];
        let (mut rehearsed, mut outcomes) = (Rehearsed::default(), new());
        rehearsed.go_on(10, &group, &mut outcomes);
        assert_eq!(outcomes, new());
        // The same group again.
        rehearsed.go_on(10, &group, &mut outcomes);
        assert_eq!(outcomes, new());
        rehearsed.go_on(20, &group, &mut outcomes);
        assert_eq!(outcomes, [Outcome::Unchanged("1".to_owned()), Outcome::Created("2".to_owned())]);
        let (other, mut outcomes) = ([upsert(Some("a"), "C"), upsert(None, "B")], new());
        rehearsed.go_on(30, &other, &mut outcomes);
        assert_eq!(outcomes, [Outcome::Updated("1".to_owned()), Outcome::Created("2".to_owned())]);
    }
}
