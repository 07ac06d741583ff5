//! Settings that are lists.

use serde::Deserialize;

/// A list, or text with commas between the elements, as the environment gives it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum TextOrList {
    /// `a, b`.
    Text(String),
    /// `["a", "b"]`.
    List(Vec<String>),
}

impl TextOrList {
    /// The elements that are not empty, without the spaces around them.
    pub fn elements(&self) -> impl Iterator<Item = &str> {
        let (text, list) = match self {
            TextOrList::Text(text) => (Some(text), None),
            TextOrList::List(list) => (None, Some(list)),
        };
        let parts = text.into_iter().flat_map(|text| text.split(','));
        let elements = parts.chain(list.into_iter().flatten().map(String::as_str));
        elements.map(str::trim).filter(|element| !element.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_the_same_however_they_are_given() {
        for given in ["\"a, b,,c \"", "[\"a\", \" b\", \"\", \"c\"]"] {
            let given: TextOrList = serde_json::from_str(given).unwrap();
            assert_eq!(given.elements().collect::<Vec<_>>(), ["a", "b", "c"]);
        }
    }
}
