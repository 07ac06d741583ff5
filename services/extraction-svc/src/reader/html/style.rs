//! As much of CSS as tells whether a person sees a text, and whether things stand beside or below each other.
//!
//! Inline styles and simple rules (`td`, `.note`, `p.note`, `#total`) of style sheets in the page. What this does not
//! understand leaves a text visible.

use std::collections::HashMap;

use super::dom::{Dom, Id};

/// The most rules that are kept.
const MAX_RULES: usize = 20_000;
/// A page is white until something says otherwise.
const WHITE: Color = Color(255, 255, 255);
/// By how much a text must differ from what it stands on to be seen, summed over red, green and blue.
const CONTRAST: u16 = 24;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Color(u8, u8, u8);

/// How something is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Display {
    /// Within a line.
    Inline,
    /// Below what is before it.
    Block,
    /// Beside what is before it.
    Beside,
    /// Its children are beside each other.
    Row,
    /// Not at all.
    None,
}

/// What holds for an element and, of most, for what is in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    color: Color,
    background: Color,
    /// Something is drawn behind that is not known: text in any colour may be seen.
    is_pictured: bool,
    invisible: bool,
    tiny: bool,
    gone: bool,
    /// What the element is set as, where a style says so.
    pub(super) display: Option<Display>,
}

impl Style {
    /// Of the page.
    pub(super) const PAGE: Style = Style {
        color: Color(0, 0, 0),
        background: WHITE,
        is_pictured: false,
        invisible: false,
        tiny: false,
        gone: false,
        display: None,
    };

    /// The same, for what is set by its place and not by a style.
    pub(super) fn placed(self) -> Style {
        Style { display: None, ..self }
    }

    /// Whether a person does not see text that is set so.
    pub(super) fn is_hidden(&self) -> bool {
        let apart = |a: u8, b: u8| u16::from(a.abs_diff(b));
        let (ink, paper) = (self.color, self.background);
        let contrast = apart(ink.0, paper.0) + apart(ink.1, paper.1) + apart(ink.2, paper.2);
        self.gone || self.invisible || self.tiny || (contrast < CONTRAST && !self.is_pictured)
    }

    fn apply(&mut self, declarations: &str) {
        let (mut clipped, mut is_flat, mut absolute, mut away) = (false, false, false, false);
        for declaration in declarations.split(';') {
            let Some((property, value)) = declaration.split_once(':') else { continue };
            let property = property.trim().to_ascii_lowercase();
            let value = value.trim().trim_end_matches("!important").trim().to_ascii_lowercase();
            match property.as_str() {
                "display" => {
                    self.gone |= value == "none";
                    self.display = display(&value);
                }
                "flex-direction" if value.starts_with("column") => self.display = Some(Display::Block),
                "visibility" => self.invisible = matches!(value.as_str(), "hidden" | "collapse"),
                "opacity" => {
                    self.gone |= value.trim_end_matches('%').parse::<f32>().is_ok_and(|it| it < 0.05)
                }
                "font-size" => self.tiny = length(&value).is_some_and(|points| points < 1.0),
                "color" => match color(&value) {
                    Some(color) => self.color = color,
                    None => self.invisible |= value == "transparent",
                },
                "background" | "background-color" => {
                    self.is_pictured |= value.contains("url(") || value.contains("gradient");
                    let parts = value.split_whitespace();
                    if let Some(color) = color(&value).or_else(|| parts.filter_map(color).next()) {
                        self.background = color;
                    }
                }
                "background-image" => self.is_pictured |= value != "none",
                "overflow" => clipped = value == "hidden",
                "width" | "height" | "max-height" | "max-width" => {
                    is_flat |= length(&value).is_some_and(|points| points < 1.0);
                }
                "position" => absolute = matches!(value.as_str(), "absolute" | "fixed"),
                "left" | "top" | "right" | "bottom" => {
                    away |= length(&value).is_some_and(|points| points < -300.0);
                }
                "text-indent" => self.gone |= length(&value).is_some_and(|points| points < -300.0),
                "clip" => self.gone |= value.replace(' ', "").starts_with("rect(0,0,0,0"),
                _ => {}
            }
        }
        self.gone |= (clipped && is_flat) || (absolute && away);
    }
}

fn display(value: &str) -> Option<Display> {
    Some(match value {
        "none" => Display::None,
        "inline" | "contents" => Display::Inline,
        "flex" | "inline-flex" | "table-row" => Display::Row,
        "inline-block" | "table-cell" => Display::Beside,
        "block" | "list-item" | "flow-root" | "table" | "grid" | "inline-grid" => Display::Block,
        _ => return None,
    })
}

/// A length in points, about; of a percentage or what is not known, none.
fn length(value: &str) -> Option<f32> {
    let digits = value.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+')).unwrap_or(value.len());
    let (number, unit) = value.split_at(digits);
    let number: f32 = number.parse().ok()?;
    let points = match unit.trim() {
        "" | "px" => 0.75,
        "pt" => 1.0,
        "em" | "rem" | "ch" => 12.0,
        "mm" => 2.83,
        "cm" => 28.3,
        "in" => 72.0,
        "%" if number == 0.0 => 1.0,
        _ => return None,
    };
    Some(number * points)
}

fn color(value: &str) -> Option<Color> {
    let value = value.trim();
    if let Some(digits) = value.strip_prefix('#') {
        let nibble = |at: usize| digits.get(at..=at).and_then(|digit| u8::from_str_radix(digit, 16).ok());
        let byte = |at: usize| digits.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        return match digits.len() {
            3 | 4 => Some(Color(nibble(0)? * 17, nibble(1)? * 17, nibble(2)? * 17)),
            6 | 8 => Some(Color(byte(0)?, byte(2)?, byte(4)?)),
            _ => None,
        };
    }
    if let Some(numbers) = value.strip_prefix("rgb").map(|rest| rest.trim_start_matches('a')) {
        let numbers = numbers.trim().strip_prefix('(')?.trim_end_matches(')');
        let mut parts = numbers.split([',', ' ', '/']).filter(|part| !part.is_empty());
        let mut next = || parts.next()?.parse::<u8>().ok();
        return Some(Color(next()?, next()?, next()?));
    }
    Some(match value {
        "white" => WHITE,
        "snow" | "ivory" | "ghostwhite" | "floralwhite" => Color(253, 253, 250),
        "whitesmoke" => Color(245, 245, 245),
        "black" => Color(0, 0, 0),
        "gray" | "grey" => Color(128, 128, 128),
        "red" => Color(255, 0, 0),
        "green" => Color(0, 128, 0),
        "blue" => Color(0, 0, 255),
        "navy" => Color(0, 0, 128),
        "yellow" => Color(255, 255, 0),
        _ => return None,
    })
}

/// The rules of the page's style sheets.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    /// By tag, `.class`, `#id` or `tag.class`.
    rules: HashMap<String, String>,
}

impl Sheet {
    /// Adds the rules of a style sheet that can be told from the element alone.
    pub(super) fn add(&mut self, css: &str) {
        let css = without_comments(css);
        let mut rest = css.as_str();
        while let Some((selectors, after)) = rest.split_once('{') {
            if selectors.trim_start().starts_with('@') {
                // For print, for small screens, fonts: skipped with all that is in them.
                rest = after_block(after);
                continue;
            }
            let (declarations, next) = after.split_once('}').unwrap_or((after, ""));
            for selector in selectors.split(',').map(|selector| selector.trim().to_ascii_lowercase()) {
                let is_simple = !selector.is_empty()
                    && selector.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '#' | '-' | '_'));
                if is_simple && self.rules.len() < MAX_RULES {
                    let rule = self.rules.entry(selector).or_default();
                    rule.push_str(declarations);
                    rule.push(';');
                }
            }
            rest = next;
        }
    }

    /// The style of an element within one that has the style `outer`.
    pub(super) fn of(&self, dom: &Dom, id: Id, outer: Style) -> Style {
        let mut style = Style { display: None, ..outer };
        let name = dom.name(id);
        let mut apply = |selector: &str| {
            if let Some(declarations) = self.rules.get(selector) {
                style.apply(declarations);
            }
        };
        if !self.rules.is_empty() {
            apply(name);
            for class in dom.attribute(id, "class").unwrap_or_default().split_whitespace().take(32) {
                let class = class.to_ascii_lowercase();
                apply(&format!(".{class}"));
                apply(&format!("{name}.{class}"));
            }
            if let Some(own) = dom.attribute(id, "id") {
                apply(&format!("#{}", own.trim().to_ascii_lowercase()));
            }
        }
        for (attribute, property) in [("bgcolor", "background"), ("color", "color")] {
            if let Some(value) = dom.attribute(id, attribute) {
                style.apply(&format!("{property}:{value}"));
            }
        }
        if let Some(declarations) = dom.attribute(id, "style") {
            style.apply(declarations);
        }
        style.gone |= dom.attribute(id, "hidden").is_some();
        style
    }
}

fn without_comments(css: &str) -> String {
    let (mut kept, mut rest) = (String::with_capacity(css.len()), css);
    while let Some((before, after)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept.replace("<!--", "").replace("-->", "")
}

/// What comes after the block that has just been opened.
fn after_block(css: &str) -> &str {
    let mut depth = 1_usize;
    for (at, byte) in css.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return css.get(at + 1..).unwrap_or_default();
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_does_not_see() {
        let cases = [
            ("", false),
            ("display:none", true),
            ("DISPLAY : None !important", true),
            ("visibility:hidden", true),
            ("font-size:0", true),
            ("font-size:0.5pt", true),
            ("font-size:10px", false),
            ("color:#fff", true),
            ("color:rgb(255, 255, 255)", true),
            ("color:#fefefe", true),
            ("color:white;background:#003366", false),
            ("color:white;background:url(x.png)", false),
            ("color:#777", false),
            ("opacity:0", true),
            ("position:absolute;left:-9999px", true),
            ("left:-9999px", false),
            ("width:0;height:0;overflow:hidden", true),
            ("text-indent:-9999px", true),
        ];
        for (declarations, hidden) in cases {
            let mut style = Style::PAGE;
            style.apply(declarations);
            assert_eq!(style.is_hidden(), hidden, "{declarations}");
        }
    }

    #[test]
    fn rules_of_a_sheet_hold_for_what_they_name_and_no_more() {
        let css = "/* a */ .h, p.n { display: none } @media print { .seen { display: none } } .menu .x {display:none}
            #gone{visibility:hidden}";
        let mut sheet = Sheet::default();
        sheet.add(css);
        let page = "<p class=h>1<p class='n'>2<b class=n>3</b><p class=seen>4<p id=gone>5<p class=x>6";
        let dom = Dom::parse(page);
        let (mut seen, mut open) = (Vec::new(), vec![(Dom::ROOT, Style::PAGE)]);
        while let Some((id, outer)) = open.pop() {
            let style = sheet.of(&dom, id, outer);
            if dom.name(id) == "p" {
                seen.push((dom.text(id), style.is_hidden()));
            }
            open.extend(dom.children(id).iter().rev().map(|child| (*child, style)));
        }
        let seen: Vec<(&str, bool)> = seen.iter().map(|(text, hidden)| (text.as_str(), *hidden)).collect();
        assert_eq!(seen, [("1", true), ("23", true), ("4", false), ("5", true), ("6", false)]);
    }
}
