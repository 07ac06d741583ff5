//! Which styles of a document hide the text that is set in them.

use std::collections::{HashMap, HashSet};

use quick_xml::events::{BytesStart, Event};

use super::super::xml;

/// The most styles that are kept.
const MAX_STYLES: usize = 10_000;
/// How many styles one is based on.
const MAX_BASES: usize = 32;

/// The styles that hide text, by their ids.
#[derive(Debug, Default)]
pub(super) struct Styles(HashSet<String>);

#[derive(Debug, Default)]
struct Style {
    id: String,
    /// Whether it says that text vanishes, if it says something of that.
    vanishes: Option<bool>,
    based_on: Option<String>,
}

impl Styles {
    /// Reads the part `styles.xml`. What is broken hides nothing.
    pub(super) fn read(source: &str) -> Styles {
        let mut reader = xml::reader(source);
        let mut styles: HashMap<String, Style> = HashMap::new();
        let mut style: Option<Style> = None;
        // The properties of text, and not those of a paragraph's mark or of a part of a table.
        let mut open: Vec<String> = Vec::new();
        while let Ok(event) = reader.read_event() {
            match event {
                Event::Start(element) => {
                    begin(&element, &open, &mut style);
                    open.push(element.local_name().as_ref().to_owned());
                }
                Event::Empty(element) => begin(&element, &open, &mut style),
                Event::End(element) => {
                    open.pop();
                    if element.local_name().as_ref() == "style"
                        && let Some(style) = style.take()
                        && styles.len() < MAX_STYLES
                    {
                        styles.insert(style.id.clone(), style);
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let vanishes = |id: &String| {
            let base = |style: &&Style| styles.get(style.based_on.as_ref()?);
            let mut chain = std::iter::successors(styles.get(id), base).take(MAX_BASES);
            chain.find_map(|style| style.vanishes).unwrap_or(false)
        };
        Styles(styles.keys().filter(|id| vanishes(id)).cloned().collect())
    }

    /// Whether text that is set in this style is not seen.
    pub(super) fn hides(&self, id: &str) -> bool {
        self.0.contains(id)
    }
}

fn begin(element: &BytesStart<'_>, open: &[String], style: &mut Option<Style>) {
    let within =
        |names: &[&str]| open.iter().rev().map(String::as_str).take(names.len()).eq(names.iter().copied());
    match (element.local_name().as_ref(), style) {
        ("style", style) => {
            let id = xml::attribute(element, "styleId").unwrap_or_default();
            *style = Some(Style { id, ..Style::default() });
        }
        ("basedOn", Some(style)) => style.based_on = xml::attribute(element, "val"),
        ("vanish", Some(style)) if within(&["rPr", "style"]) => {
            style.vanishes = Some(super::part::is_on(element));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_hide_by_themselves_or_by_what_they_are_based_on() {
        let styles = Styles::read(
            "<w:styles xmlns:w='w'><w:docDefaults><w:rPrDefault><w:rPr/></w:rPrDefault></w:docDefaults>\
             <w:style w:styleId='A'><w:rPr><w:vanish/></w:rPr></w:style>\
             <w:style w:styleId='B'><w:basedOn w:val='A'/></w:style>\
             <w:style w:styleId='C'><w:basedOn w:val='B'/><w:rPr><w:vanish w:val='0'/></w:rPr></w:style>\
             <w:style w:styleId='D'><w:pPr><w:rPr><w:vanish/></w:rPr></w:pPr></w:style>\
             <w:style w:styleId='E'><w:basedOn w:val='E'/></w:style>\
             <w:style w:styleId='F'><w:basedOn w:val='gone'/></w:style></w:styles>",
        );
        let hiding: Vec<&str> =
            ["A", "B", "C", "D", "E", "F"].into_iter().filter(|id| styles.hides(id)).collect();
        assert_eq!(hiding, ["A", "B"]);
        assert!(!Styles::read("<w:style w:styleId='A'><w:rPr>").hides("A"));
    }
}
