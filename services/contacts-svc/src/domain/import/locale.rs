//! How numbers and dates are written where a caller says so.
//!
//! Nothing is guessed: `1.234` is a thousand for one reader and one for another, so a number or a date that does not
//! have the form that was said is refused.

use svc_core::json;

/// How numbers and dates are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Formats {
    numbers: Numbers,
    dates: DateForm,
}

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Numbers {
    /// As JSON has them.
    Json,
    /// With this before the decimals, and one of these between groups of three digits.
    Local { point: char, groups: &'static [char] },
}

/// How dates are written: three numbers, and what stands before, between and behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct DateForm {
    parts: Vec<DatePart>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum DatePart {
    Year,
    /// With whether a single digit will do.
    Month(bool),
    Day(bool),
    Text(String),
}

/// Dots, commas and the like between groups of digits.
const DOT: &[char] = &['.'];
const COMMA: &[char] = &[','];
/// A space, also one that does not break or is narrow.
const SPACE: &[char] = &[' ', '\u{a0}', '\u{202f}'];
const DOT_OR_SPACE: &[char] = &['.', ' ', '\u{a0}', '\u{202f}'];
const APOSTROPHE: &[char] = &['’', '\''];

/// Locales (CLDR 46): language, countries, what stands before decimals, what between groups, and dates in numbers. A
/// language without its country is in no line of its own: nobody knows how that is written.
const LOCALES: &[(&str, &str, char, &[char], &str)] = &[
    ("bg", "BG", ',', SPACE, "D.M.YYYY"),
    ("cs", "CZ", ',', SPACE, "D.M.YYYY"),
    ("da", "DK", ',', DOT, "D.M.YYYY"),
    ("de", "DE LU", ',', DOT, "D.M.YYYY"),
    ("de", "AT", ',', DOT_OR_SPACE, "D.M.YYYY"),
    ("de", "CH LI", '.', APOSTROPHE, "D.M.YYYY"),
    ("el", "GR CY", ',', DOT, "D/M/YYYY"),
    ("en", "US", '.', COMMA, "M/D/YYYY"),
    ("en", "GB IE AU NZ IN SG", '.', COMMA, "D/M/YYYY"),
    ("en", "CA", '.', COMMA, "YYYY-MM-DD"),
    ("es", "ES AR CO EC PE UY", ',', DOT, "D/M/YYYY"),
    ("es", "CL", ',', DOT, "D-M-YYYY"),
    ("es", "MX", '.', COMMA, "D/M/YYYY"),
    ("et", "EE", ',', SPACE, "D.M.YYYY"),
    ("fi", "FI", ',', SPACE, "D.M.YYYY"),
    ("fr", "FR BE LU", ',', SPACE, "D/M/YYYY"),
    ("fr", "CA", ',', SPACE, "YYYY-MM-DD"),
    ("fr", "CH", ',', SPACE, "D.M.YYYY"),
    ("hr", "HR", ',', DOT, "D.M.YYYY."),
    ("hu", "HU", ',', SPACE, "YYYY.M.D."),
    ("id", "ID", ',', DOT, "D/M/YYYY"),
    ("it", "IT", ',', DOT, "D/M/YYYY"),
    ("it", "CH", '.', APOSTROPHE, "D.M.YYYY"),
    ("ja", "JP", '.', COMMA, "YYYY/M/D"),
    ("lt", "LT", ',', SPACE, "YYYY-MM-DD"),
    ("lv", "LV", ',', SPACE, "D.M.YYYY"),
    ("nb", "NO", ',', SPACE, "D.M.YYYY"),
    ("nl", "NL", ',', DOT, "D-M-YYYY"),
    ("nl", "BE", ',', DOT, "D/M/YYYY"),
    ("no", "NO", ',', SPACE, "D.M.YYYY"),
    ("pl", "PL", ',', SPACE, "D.M.YYYY"),
    ("pt", "BR", ',', DOT, "D/M/YYYY"),
    ("pt", "PT", ',', DOT_OR_SPACE, "D/M/YYYY"),
    ("ro", "RO", ',', DOT, "D.M.YYYY"),
    ("ru", "RU", ',', SPACE, "D.M.YYYY"),
    ("sk", "SK", ',', SPACE, "D.M.YYYY"),
    ("sl", "SI", ',', DOT, "D.M.YYYY"),
    ("sv", "SE", ',', SPACE, "YYYY-MM-DD"),
    ("tr", "TR", ',', DOT, "D.M.YYYY"),
    ("uk", "UA", ',', SPACE, "D.M.YYYY"),
    ("vi", "VN", ',', DOT, "D/M/YYYY"),
    ("zh", "CN TW", '.', COMMA, "YYYY/M/D"),
];

/// Dates without a locale.
const ISO: &str = "YYYY-MM-DD";

/// The longest number, in characters.
const MAX_LENGTH: usize = 40;
/// The most digits that count: so many of any number are kept by whoever reads JSON. What has more is an identifier.
const MAX_DIGITS: usize = 15;

/// What is said of the formats is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    Locale,
    DateFormat,
}

/// As JSON has them, and as ISO 8601 does.
impl Default for Formats {
    fn default() -> Formats {
        use DatePart::{Day, Month, Text, Year};
        let dash = || Text("-".to_owned());
        let dates = DateForm { parts: vec![Year, dash(), Month(false), dash(), Day(false)] };
        Formats { numbers: Numbers::Json, dates }
    }
}

impl Formats {
    /// As a caller says it.
    pub(crate) fn of(locale: Option<&str>, date_format: Option<&str>) -> Result<Formats, Unknown> {
        let (numbers, dates) = match locale {
            None => (Numbers::Json, ISO),
            Some(locale) => {
                let (language, country) = locale.split_once(['-', '_']).ok_or(Unknown::Locale)?;
                let found = LOCALES.iter().find(|(of, countries, ..)| {
                    of.eq_ignore_ascii_case(language)
                        && countries.split(' ').any(|one| one.eq_ignore_ascii_case(country))
                });
                let (_, _, point, groups, dates) = found.ok_or(Unknown::Locale)?;
                (Numbers::Local { point: *point, groups }, *dates)
            }
        };
        let dates = DateForm::of(date_format.unwrap_or(dates)).ok_or(Unknown::DateFormat)?;
        Ok(Formats { numbers, dates })
    }

    /// The number as JSON has it; `None` when the text is none, or one of which digits would be lost.
    pub(crate) fn number(&self, text: &str) -> Option<String> {
        let number = match self.numbers {
            Numbers::Json => json::is_number(text).then(|| text.to_owned()),
            Numbers::Local { point, groups } => local_number(text, point, groups),
        };
        number.filter(|number| number.len() <= MAX_LENGTH && digits_that_count(number) <= MAX_DIGITS)
    }

    /// The date as `2026-12-31`; `None` when the text is none, or one that no calendar has.
    pub(crate) fn date(&self, text: &str) -> Option<String> {
        self.dates.read(text)
    }
}

/// With groups that have three digits each, or with none.
fn local_number(text: &str, point: char, groups: &[char]) -> Option<String> {
    let (sign, unsigned) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(unsigned) => ("-", unsigned),
        None => ("", text),
    };
    let (whole, decimals) = match unsigned.split_once(point) {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (unsigned, None),
    };
    let parts: Vec<&str> = whole.split(groups).collect();
    // One kind of mark between all of them: who writes two has not meant groups.
    let mut marks = whole.matches(groups);
    let first = marks.next();
    if !marks.all(|mark| Some(mark) == first) {
        return None;
    }
    let grouped = |part: &&str| part.len() == 3;
    let fits = match parts.as_slice() {
        [only] => is_digits(only),
        [first, rest @ ..] => (1..=3).contains(&first.len()) && rest.iter().all(grouped),
        [] => false,
    };
    if !fits || !parts.iter().all(|part| is_digits(part)) || !decimals.is_none_or(is_digits) {
        return None;
    }
    let whole = parts.concat();
    // `007` is an identifier that someone has taken for a number.
    if whole.len() > 1 && whole.starts_with('0') {
        return None;
    }
    Some(match decimals {
        Some(decimals) => format!("{sign}{whole}.{decimals}"),
        None => format!("{sign}{whole}"),
    })
}

/// From the first digit that is not 0 to the last one.
fn digits_that_count(number: &str) -> usize {
    let before_exponent = number.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = before_exponent.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').len()
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl DateForm {
    /// A form as in `DD.MM.YYYY`: each of the three once, with something between them.
    fn of(form: &str) -> Option<DateForm> {
        let mut parts: Vec<DatePart> = Vec::new();
        let mut rest = form;
        while let Some(first) = rest.chars().next() {
            let named = [
                ("YYYY", DatePart::Year),
                ("MM", DatePart::Month(false)),
                ("M", DatePart::Month(true)),
                ("DD", DatePart::Day(false)),
                ("D", DatePart::Day(true)),
            ];
            let found = named.into_iter().find_map(|(name, part)| Some((rest.strip_prefix(name)?, part)));
            match (found, parts.last_mut()) {
                (Some((behind, part)), before) => {
                    if before.is_some_and(|before| !matches!(before, DatePart::Text(_))) {
                        return None;
                    }
                    parts.push(part);
                    rest = behind;
                }
                (None, _) if first.is_alphanumeric() => return None,
                (None, before) => {
                    match before {
                        Some(DatePart::Text(text)) => text.push(first),
                        _ => parts.push(DatePart::Text(first.to_string())),
                    }
                    rest = &rest[first.len_utf8()..];
                }
            }
        }
        let count = |is: fn(&DatePart) -> bool| parts.iter().filter(|part| is(part)).count();
        let once = count(|part| matches!(part, DatePart::Year)) == 1
            && count(|part| matches!(part, DatePart::Month(_))) == 1
            && count(|part| matches!(part, DatePart::Day(_))) == 1;
        once.then_some(DateForm { parts })
    }

    fn read(&self, text: &str) -> Option<String> {
        let (mut year, mut month, mut day) = ("", "", "");
        let mut rest = text;
        for part in &self.parts {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (place, least, most) = match part {
                DatePart::Text(text) => {
                    rest = rest.strip_prefix(text.as_str())?;
                    continue;
                }
                DatePart::Year => (&mut year, 4, 4),
                DatePart::Month(short) => (&mut month, if *short { 1 } else { 2 }, 2),
                DatePart::Day(short) => (&mut day, if *short { 1 } else { 2 }, 2),
            };
            if !(least..=most).contains(&digits) {
                return None;
            }
            (*place, rest) = rest.split_at(digits);
        }
        if !rest.is_empty() {
            return None;
        }
        let (of_year, of_month, of_day) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
        is_day(of_year, of_month, of_day).then(|| format!("{year}-{of_month:02}-{of_day:02}"))
    }
}

/// Whether the calendar has this day.
fn is_day(year: u32, month: u32, day: u32) -> bool {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return false,
    };
    year > 0 && (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formats(locale: Option<&str>, date_format: Option<&str>) -> Formats {
        Formats::of(locale, date_format).unwrap()
    }

    #[test]
    fn nothing_said() {
        assert_eq!(formats(None, None), Formats::default());
    }

    #[test]
    fn numbers() {
        for (locale, text, number) in [
            (None, "1234.5", Some("1234.5")),
            (None, "-0", Some("-0")),
            (None, "1e3", Some("1e3")),
            (None, "1.5E-7", Some("1.5E-7")),
            (None, "1,5", None),
            (None, "1,234", None),
            (None, "+1", None),
            (None, "007", None),
            (None, "1.", None),
            (None, ".5", None),
            (None, "", None),
            (None, "NaN", None),
            (None, "0x10", None),
            (None, "1 ", None),
            (None, "٣", None),
            (Some("de-DE"), "1.234,56", Some("1234.56")),
            (Some("de-DE"), "1.234.567", Some("1234567")),
            (Some("de-DE"), "-1234,5", Some("-1234.5")),
            (Some("de-DE"), "0,5", Some("0.5")),
            (Some("de-DE"), "1.5", None),
            (Some("de-DE"), "1.2345", None),
            (Some("de-DE"), "12.34,5", None),
            (Some("de-DE"), "1.234.56", None),
            (Some("de-DE"), "1234.567", None),
            (Some("de-DE"), "1,234.56", None),
            (Some("de-DE"), "1,2,3", None),
            (Some("de-DE"), ",5", None),
            (Some("de-DE"), "5,", None),
            (Some("de-DE"), "0012", None),
            (Some("de-DE"), "1e3", None),
            (Some("de-DE"), "12 €", None),
            (Some("de_ch"), "1'234.50", Some("1234.50")),
            (Some("de-CH"), "1’234’567", Some("1234567")),
            (Some("de-CH"), "1’234'567", None),
            (Some("de-CH"), "1.234,5", None),
            (Some("de-AT"), "1 234,5", Some("1234.5")),
            (Some("de-AT"), "1.234 567", None),
            (Some("en-US"), "1,234.5", Some("1234.5")),
            (Some("en-US"), "1.234,5", None),
            (Some("en-US"), "1,23", None),
            (Some("fr-FR"), "1\u{202f}234,5", Some("1234.5")),
            (Some("fr-FR"), "1\u{a0}234\u{a0}567", Some("1234567")),
            (Some("sv-SE"), "\u{2212}5", Some("-5")),
        ] {
            assert_eq!(formats(locale, None).number(text).as_deref(), number, "{locale:?} {text:?}");
        }
        for locale in [None, Some("de-DE")] {
            let number = |text: &str| formats(locale, None).number(text).is_some();
            assert!(number(&"9".repeat(MAX_DIGITS)) && !number(&"9".repeat(MAX_DIGITS + 1)));
            assert!(number("1000000000000000000") && !number(&format!("1{}", "0".repeat(MAX_LENGTH))));
        }
        assert!(formats(None, None).number("0.0000001234567").is_some());
    }

    #[test]
    fn dates() {
        for (locale, format, text, date) in [
            (None, None, "2026-02-28", Some("2026-02-28")),
            (None, None, "2024-02-29", Some("2024-02-29")),
            (None, None, "2026-02-29", None),
            (None, None, "1900-02-29", None),
            (None, None, "2000-02-29", Some("2000-02-29")),
            (None, None, "0000-01-01", None),
            (None, None, "2026-13-01", None),
            (None, None, "2026-1-1", None),
            (None, None, "31.12.2026", None),
            (None, None, "2026-12-31T00:00:00Z", None),
            (None, None, "", None),
            (Some("de-DE"), None, "31.12.2026", Some("2026-12-31")),
            (Some("de-DE"), None, "1.2.2026", Some("2026-02-01")),
            (Some("de-DE"), None, "31.12.26", None),
            (Some("de-DE"), None, "12/31/2026", None),
            (Some("de-DE"), None, "2026-12-31", None),
            (Some("en-US"), None, "12/31/2026", Some("2026-12-31")),
            (Some("en-US"), None, "31/12/2026", None),
            (Some("en-GB"), None, "31/12/2026", Some("2026-12-31")),
            (Some("nl-NL"), None, "1-2-2026", Some("2026-02-01")),
            (Some("ja-JP"), None, "2026/1/2", Some("2026-01-02")),
            (Some("de-DE"), Some("YYYY-MM-DD"), "2026-12-31", Some("2026-12-31")),
            (None, Some("DD.MM.YYYY"), "01.02.2026", Some("2026-02-01")),
            (None, Some("DD.MM.YYYY"), "1.2.2026", None),
            (None, Some("D. M. YYYY"), "1. 2. 2026", Some("2026-02-01")),
        ] {
            let read = formats(locale, format).date(text);
            assert_eq!(read.as_deref(), date, "{locale:?} {format:?} {text:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_before_anything_is_read() {
        for locale in ["de", "xx-XX", "de-XX", "", "-", "de-DE-x", "ar-EG", "th-TH"] {
            assert_eq!(Formats::of(Some(locale), None), Err(Unknown::Locale), "{locale:?}");
        }
        for format in [
            "",
            "YYYY",
            "DD.MM",
            "DD.MM.YY",
            "YYYYMMDD",
            "DD.MM.YYYY DD",
            "DDMM.YYYY",
            "hh:MM DD YYYY",
            "YYYY年M月D日",
        ] {
            assert_eq!(Formats::of(None, Some(format)), Err(Unknown::DateFormat), "{format:?}");
        }
        for (language, countries, _, _, dates) in LOCALES {
            for country in countries.split(' ') {
                assert!(
                    Formats::of(Some(&format!("{language}-{country}")), None).is_ok(),
                    "{language} {dates}"
                );
            }
        }
    }
}
