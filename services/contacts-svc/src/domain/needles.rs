//! Which parts of a text an index is asked for.
//!
//! What an index of texts takes grows with how many contacts have the parts that it is asked for: those of `customer-77`
//! are all but two in every contact whose reference begins with `customer-`. So a search first sees how frequent they
//! are in contacts that it reads anyway, and asks for the rarest, if these are not frequent, too.

use super::terms::{search_needles, searched};
use super::{Contact, Partition};

/// So many contacts tell how frequent parts are, and fewer than the least of it tell nothing.
const LOOKED_AT: usize = 200;
const LOOKED_AT_MIN: usize = 50;
/// The most parts that are asked for.
const ASKED_FOR: usize = 4;
/// Of so many contacts one at the most has a part that is not common.
const COMMON: usize = 50;

/// The parts of a text, and in how many of some contacts they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Needles {
    /// Each with its number.
    parts: Vec<(String, i32)>,
    counts: Vec<usize>,
    looked_at: usize,
}

impl Needles {
    /// Those of a folded text.
    pub(super) fn of(partition: &Partition, text: &str) -> Needles {
        let parts = search_needles(partition, text);
        Needles { counts: vec![0; parts.len()], parts, looked_at: 0 }
    }

    /// The text is too short to have some, or there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Sees which parts a contact has.
    pub(super) fn look_at(&mut self, contact: &Contact) {
        if self.is_empty() || self.looked_at == LOOKED_AT {
            return;
        }
        self.looked_at += 1;
        let texts = searched(contact);
        for ((part, _), count) in self.parts.iter().zip(&mut self.counts) {
            *count += usize::from(texts.iter().any(|text| text.contains(part.as_str())));
        }
    }

    /// Whether all parts are in many contacts.
    pub(super) fn are_common(&self) -> bool {
        self.looked_at >= LOOKED_AT_MIN && self.fewest() * COMMON > self.looked_at
    }

    /// How many of so many contacts have the rarest part, if they are as those that were looked at.
    pub(super) fn expected(&self, contacts: i64) -> i64 {
        let share = |of: usize| i64::try_from(of).unwrap_or(i64::MAX);
        contacts.saturating_mul(share(self.fewest())) / share(self.looked_at).max(1)
    }

    /// The numbers of the rarest parts. Of those that are as rare as each other, some from all over the text.
    pub(super) fn rarest(&self) -> Vec<i32> {
        if self.looked_at < LOOKED_AT_MIN {
            return self.parts.iter().map(|(_, number)| *number).collect();
        }
        let fewest = self.fewest();
        let rarest = self.parts.iter().zip(&self.counts).filter(|(_, count)| **count == fewest);
        let rarest: Vec<i32> = rarest.map(|((_, number), _)| *number).collect();
        let step = rarest.len().div_ceil(ASKED_FOR).max(1);
        rarest.into_iter().step_by(step).collect()
    }

    fn fewest(&self) -> usize {
        self.counts.iter().copied().min().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use svc_core::clock::Timestamp;

    use super::*;
    use crate::domain::ContactFields;

    fn contact(reference: String) -> Contact {
        let fields = ContactFields { external_reference_id: Some(reference), ..ContactFields::default() };
        Contact::new("1".to_owned(), fields, Timestamp(0))
    }

    #[test]
    fn the_rarest_parts_are_asked_for() {
        let partition = Partition { organization_id: "o".into(), agent_id: "a".into() };
        let number = |part: &str| search_needles(&partition, part)[0].1;
        let mut needles = Needles::of(&partition, "customer-77");
        let all = needles.rarest();
        assert_eq!(all.len(), 9, "nothing is known yet");
        for number in 0..2 * LOOKED_AT {
            needles.look_at(&contact(format!("customer-{}", 100_000 + number)));
        }
        assert!(!needles.are_common());
        assert_eq!(needles.rarest(), [number("r-7"), number("-77")]);

        let mut common = Needles::of(&partition, "customer-1");
        for number in 0..LOOKED_AT {
            common.look_at(&contact(format!("customer-{}", 100_000 + number)));
        }
        assert!(common.are_common());
        assert_eq!((common.expected(1_000), common.rarest().len()), (1_000, 4));
    }

    #[test]
    fn short_texts_have_none() {
        let partition = Partition { organization_id: "o".into(), agent_id: "a".into() };
        let mut needles = Needles::of(&partition, "ab");
        needles.look_at(&contact("abc".to_owned()));
        assert!(needles.is_empty() && !needles.are_common());
        assert_eq!((needles.rarest(), needles.expected(5)), (vec![], 0));
    }
}
