//! As much of CSS as tells whether a person sees a text, and whether things stand beside or below each other.
//!
//! Declarations, whether they stand with an element or in a sheet. What this does not understand leaves a text visible.

/// A page is white until something says otherwise.
const WHITE: Color = Color(255, 255, 255);
/// By how much a text must differ from what it stands on to be seen, summed over red, green and blue.
const CONTRAST: u16 = 24;

/// What clips, shrinks or fades something away.
const NOTHING_LEFT: &[&str] = &[
    "rect(0,0,0,0",
    "rect(0px,0px,0px,0px",
    "rect(1px,1px,1px,1px",
    "inset(100%",
    "inset(50%)",
    "circle(0",
    "scale(0)",
    "scale(0,",
    "scalex(0)",
    "scaley(0)",
    "opacity(0)",
    "opacity(0%)",
];

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
    /// The text is of no colour.
    clear: bool,
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
        clear: false,
        tiny: false,
        gone: false,
        display: None,
    };

    /// The same, for what is in it.
    pub(super) fn placed(self) -> Style {
        Style { display: None, gone: self.gone || self.display == Some(Display::None), ..self }
    }

    /// Whether a person does not see text that is set so.
    pub(super) fn is_hidden(&self) -> bool {
        let apart = |a: u8, b: u8| u16::from(a.abs_diff(b));
        let (ink, paper) = (self.color, self.background);
        let contrast = apart(ink.0, paper.0) + apart(ink.1, paper.1) + apart(ink.2, paper.2);
        let is_gone = self.gone || self.display == Some(Display::None);
        is_gone || self.invisible || self.clear || self.tiny || (contrast < CONTRAST && !self.is_pictured)
    }

    /// Adds what declarations say.
    pub(super) fn apply(&mut self, declarations: &str) {
        let (mut clipped, mut is_flat, mut absolute, mut away) = (false, false, false, false);
        for declaration in declarations.split(';') {
            let Some((property, value)) = declaration.split_once(':') else { continue };
            let property = property.trim().to_ascii_lowercase();
            let value = value.trim().trim_end_matches("!important").trim().to_ascii_lowercase();
            match property.as_str() {
                "display" => self.display = display(&value),
                "flex-direction" if value.starts_with("column") => self.display = Some(Display::Block),
                "visibility" => self.invisible = matches!(value.as_str(), "hidden" | "collapse"),
                "opacity" => {
                    self.gone |= value.trim_end_matches('%').parse::<f32>().is_ok_and(|it| it < 0.05)
                }
                "font-size" => self.tiny = length(&value).is_some_and(|points| points < 1.0),
                "color" => match color(&value) {
                    Some(color) => (self.color, self.clear) = (color, false),
                    None => self.clear |= value == "transparent" || is_clear(&value),
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
                "text-indent" | "margin-left" | "margin-top" => {
                    self.gone |= length(&value).is_some_and(|points| points < -300.0);
                }
                "clip" | "clip-path" | "transform" | "filter" => {
                    let value = value.replace(' ', "");
                    self.gone |= NOTHING_LEFT.iter().any(|nothing| value.contains(nothing));
                }
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

/// Whether a colour says that nothing of it is seen.
fn is_clear(value: &str) -> bool {
    if let Some(digits) = value.strip_prefix('#') {
        return match digits.len() {
            4 => digits.ends_with('0'),
            8 => digits.ends_with("00"),
            _ => false,
        };
    }
    let alpha = parts(value).and_then(|(_, parts)| parts.get(3).copied());
    alpha.is_some_and(|alpha| alpha.trim_end_matches('%').parse::<f32>().is_ok_and(|alpha| alpha < 0.05))
}

/// A function of CSS: its name and what is given to it.
fn parts(value: &str) -> Option<(&str, Vec<&str>)> {
    let (name, numbers) = value.trim().trim_end_matches(')').split_once('(')?;
    Some((name, numbers.split([',', ' ', '/']).filter(|part| !part.is_empty()).collect()))
}

/// A colour that is seen.
fn color(value: &str) -> Option<Color> {
    let value = value.trim();
    if is_clear(value) {
        return None;
    }
    if let Some(digits) = value.strip_prefix('#') {
        let nibble = |at: usize| digits.get(at..=at).and_then(|digit| u8::from_str_radix(digit, 16).ok());
        let byte = |at: usize| digits.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        return match digits.len() {
            3 | 4 => Some(Color(nibble(0)? * 17, nibble(1)? * 17, nibble(2)? * 17)),
            6 | 8 => Some(Color(byte(0)?, byte(2)?, byte(4)?)),
            _ => None,
        };
    }
    match parts(value) {
        Some(("rgb" | "rgba", parts)) => {
            let mut channels = parts.iter().map(|part| match part.strip_suffix('%') {
                Some(percent) => percent.parse::<f32>().ok().map(|percent| percent * 2.55),
                None => part.parse::<f32>().ok(),
            });
            let mut next = || channels.next().flatten().map(channel);
            return Some(Color(next()?, next()?, next()?));
        }
        Some(("hsl" | "hsla", parts)) => return hsl(&parts),
        _ => {}
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

fn channel(value: f32) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded")]
    let channel = value.round().clamp(0.0, 255.0) as u8;
    channel
}

/// Of a hue in degrees, a saturation and a lightness (CSS Color 4, 7).
fn hsl(parts: &[&str]) -> Option<Color> {
    let number = |at: usize, unit: &str| parts.get(at)?.trim_end_matches(unit).parse::<f32>().ok();
    let (hue, saturation, lightness) = (number(0, "deg")?, number(1, "%")? / 100.0, number(2, "%")? / 100.0);
    let reach = saturation * lightness.min(1.0 - lightness);
    let at = |n: f32| {
        let k = (n + hue / 30.0).rem_euclid(12.0);
        channel(255.0 * (lightness - reach * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0)))
    };
    Some(Color(at(0.0), at(8.0), at(4.0)))
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
            ("margin-left:-9999px", true),
            ("margin-left:-10px", false),
            ("color:rgba(0,0,0,0)", true),
            ("color:rgb(0 0 0 / 0%)", true),
            ("color:rgba(0,0,0,0.6)", false),
            ("color:#0000", true),
            ("color:#00000000", true),
            ("color:#0008", false),
            ("color:transparent;color:#000", false),
            ("color:hsl(0,0%,100%)", true),
            ("color:hsl(210deg 100% 20%)", false),
            ("color:rgb(100%,100%,100%)", true),
            ("clip-path:inset(100%)", true),
            ("clip-path:inset(10%)", false),
            ("transform:scale(0)", true),
            ("transform:scale(0.9)", false),
            ("filter:opacity(0)", true),
        ];
        for (declarations, hidden) in cases {
            let mut style = Style::PAGE;
            style.apply(declarations);
            assert_eq!(style.is_hidden(), hidden, "{declarations}");
        }
    }
}
