//! One page out of a document that is JSON, without the others in memory.

use std::borrow::Cow;
use std::fmt::{Formatter, Result as Written};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Result;

use super::Page;

/// A page and its neighbours.
#[derive(Clone, Debug, PartialEq)]
pub struct OnePage {
    /// The page.
    pub page: Page,
    /// The number of the page before that was read.
    pub previous: Option<u32>,
    /// The number of the page after that was read.
    pub next: Option<u32>,
}

/// The page with this number. `None` when it was not read.
///
/// # Errors
/// When it is no document.
pub fn one_page(document: &[u8], number: u32) -> Result<Option<OnePage>> {
    #[derive(Deserialize)]
    struct Numbered {
        number: u32,
    }
    #[derive(Deserialize)]
    struct Numbers {
        pages: Vec<Numbered>,
    }
    let Numbers { pages } = serde_json::from_slice(document)?;
    let Some(at) = pages.iter().position(|page| page.number == number) else { return Ok(None) };
    let page = InDocument(at).deserialize(&mut serde_json::Deserializer::from_slice(document))?;
    let number_at = |at: Option<usize>| at.and_then(|at| pages.get(at)).map(|page| page.number);
    let (previous, next) = (number_at(at.checked_sub(1)), number_at(at.checked_add(1)));
    Ok(page.map(|page| OnePage { page, previous, next }))
}

/// The page at this place of a document.
struct InDocument(usize);

impl<'de> DeserializeSeed<'de> for InDocument {
    type Value = Option<Page>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Option<Page>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for InDocument {
    type Value = Option<Page>;

    fn expecting(&self, f: &mut Formatter<'_>) -> Written {
        f.write_str("a document")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> std::result::Result<Option<Page>, A::Error> {
        let mut page = None;
        while let Some(name) = members.next_key::<Cow<'de, str>>()? {
            match &*name {
                "pages" => page = members.next_value_seed(InPages(self.0))?,
                _ => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(page)
    }
}

/// The page at this place of a list of them.
struct InPages(usize);

impl<'de> DeserializeSeed<'de> for InPages {
    type Value = Option<Page>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Option<Page>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for InPages {
    type Value = Option<Page>;

    fn expecting(&self, f: &mut Formatter<'_>) -> Written {
        f.write_str("pages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pages: A) -> std::result::Result<Option<Page>, A::Error> {
        for _ in 0..self.0 {
            pages.next_element::<IgnoredAny>()?;
        }
        let page = pages.next_element()?;
        while pages.next_element::<IgnoredAny>()?.is_some() {}
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Document, Kind, Method};
    use super::*;

    fn page(number: u32) -> Page {
        Page {
            number,
            name: Some(format!("Sheet {number}")),
            width: 100.0,
            height: 50.0,
            synthetic: true,
            turned: 0.0,
            method: Method::Text,
            reader: "built-in".to_owned(),
            words: Vec::new(),
            lines: Vec::new(),
            tables: Vec::new(),
        }
    }

    #[test]
    fn a_page_is_found_by_its_number_with_its_neighbours() {
        let document = Document {
            kind: Kind::Xlsx,
            page_count: 9,
            pages: [2, 3, 7].map(page).to_vec(),
            attachments: Vec::new(),
            notices: Vec::new(),
            languages: Vec::new(),
        };
        let json = serde_json::to_vec(&document).unwrap();
        for (number, previous, next) in [(2, None, Some(3)), (3, Some(2), Some(7)), (7, Some(3), None)] {
            let expected = OnePage { page: page(number), previous, next };
            assert_eq!(one_page(&json, number).unwrap(), Some(expected), "{number}");
        }
        for missing in [0, 1, 4, 8, u32::MAX] {
            assert_eq!(one_page(&json, missing).unwrap(), None, "{missing}");
        }
        assert!(one_page(b"words", 1).is_err());
    }
}
