//! Phone numbers: the E.164 form of what people write.

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region};
use svc_core::error::Fault;

use super::text::is_invisible;

/// The most characters of a number as people write it. The longest has 15 digits.
pub(crate) const WRITTEN_MAX: usize = 64;

const FORM: &str = "is not a phone number in international form: `+` or `00`, the country code, then the number, \
     7 to 15 digits in all";

/// How phone numbers are read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Phones {
    region: Option<Region>,
}

impl Phones {
    /// With the region, as in `DE`, whose national form is understood, too. `None` when there is no such region.
    pub(crate) fn of(region: Option<&str>) -> Option<Phones> {
        let Some(code) = region else { return Some(Phones::default()) };
        let region = Region::from_code(code).ok().filter(|_| code.len() == 2)?;
        PHONE_NUMBER_UTIL.get_country_code_for_region(region).map(|_| Phones { region: Some(region) })
    }

    /// The number in E.164 form: `+`, then 7 to 15 digits, the first not 0.
    ///
    /// Whatever is in that form already is one, whether or not anybody has it. Of everything else, what cannot be
    /// dialled is refused: a wrong number is worse than none.
    pub(crate) fn e164(self, written: &str) -> Result<String, (Fault, String)> {
        let Some(digits) = digits(written) else { return Err((Fault::Invalid, self.form())) };
        let international = digits.starts_with('+');
        let number = PhoneNumber::parse(&digits, self.region).ok();
        let possible =
            number.filter(|number| number.is_possible_with_reason() == Ok(NumberLengthType::IsPossible));
        // Digits that belong to no region are only taken for a number where the region itself knows it.
        let known = possible.filter(|number| international || number.is_valid());
        let number = known.map(|number| number.format_as(PhoneNumberFormat::E164).into_owned());
        match number {
            Some(number) if is_e164(&number) => Ok(number),
            _ if is_e164(written) => Ok(written.to_owned()),
            _ => Err((Fault::Invalid, self.form())),
        }
    }

    fn form(self) -> String {
        match self.region {
            Some(region) => format!("{FORM}; or in the form of {region}"),
            None => FORM.to_owned(),
        }
    }
}

/// `+`, then 7 to 15 digits, the first not 0.
fn is_e164(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && digits.bytes().all(|c| c.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

/// Only the digits, after `+` where the number is in international form. `None` where there is anything that may
/// mean more than to set digits apart, as letters, an extension or a second number.
fn digits(written: &str) -> Option<String> {
    let mut digits = String::with_capacity(written.len());
    let mut before = None;
    let mut slashes = 0;
    // Phones and web pages put marks of direction around numbers that are copied.
    let mut characters = written.chars().filter(|c| !is_invisible(*c)).peekable();
    while let Some(c) = characters.next() {
        match c {
            '0'..='9' => digits.push(c),
            '+' if digits.is_empty() => digits.push(c),
            // `0170/1234567` is one number, `123456 / 789` may be two.
            '/' => {
                let is_between = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
                slashes += 1;
                if slashes > 1 || !is_between(before) || !is_between(characters.peek().copied()) {
                    return None;
                }
            }
            ' ' | '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}' | '-' | '.' | '(' | ')' => {}
            // Hyphens and dashes, the non-breaking hyphen and the minus sign.
            '\u{2010}'..='\u{2013}' | '\u{2212}' => {}
            _ => return None,
        }
        before = Some(c);
    }
    match digits.strip_prefix("00") {
        Some(rest) => Some(format!("+{rest}")),
        None => Some(digits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(region: &str, written: &str) -> Option<String> {
        Phones::of(Some(region)).unwrap().e164(written).ok()
    }

    #[test]
    fn e164_stays_as_it_is() {
        for number in ["+1234567", "+123456789012345", "+491701234567", "+447700900123", "+9991234567"] {
            assert_eq!(Phones::default().e164(number).as_deref(), Ok(number));
        }
    }

    #[test]
    fn what_people_write() {
        for (written, number) in [
            ("+49 170 1234567", Some("+491701234567")),
            ("+49-170-1234567", Some("+491701234567")),
            ("0049 170 1234567", Some("+491701234567")),
            ("00491701234567", Some("+491701234567")),
            ("+49 (0)170 1234567", Some("+491701234567")),
            ("+49 (0) 170/1234567", Some("+491701234567")),
            ("+490170 1234567", Some("+491701234567")),
            // In Italy the zero is a part of the number.
            ("+39 06 698 12345", Some("+390669812345")),
            ("+44 7700 900123", Some("+447700900123")),
            ("\u{202a}+49 170 1234567\u{202c}", Some("+491701234567")),
            ("+49\u{a0}170\u{2011}1234567", Some("+491701234567")),
            ("(+49) 170 1234567", Some("+491701234567")),
            ("491701234567", None),
            ("0170 1234567", None),
            ("+123456", None),
            ("+1234567890123456", None),
            ("+0123456789", None),
            ("++491701234567", None),
            ("+49+1701234567", None),
            ("+٤٩١٧٠١٢٣٤٥٦٧", None),
            ("+49 170 1234567 ext. 5", None),
            ("+49 170 1234567;ext=5", None),
            ("+1 800 FLOWERS", None),
            ("+49 170 1234567 / 89", None),
            ("+49 170/123/4567", None),
            ("+49 170 1234567, +49 171 1234567", None),
            ("tel:+491701234567", None),
            ("=+491701234567", None),
            ("+49 17", None),
            ("+", None),
            ("", None),
            ("00", None),
            ("+999 1234567", None),
        ] {
            assert_eq!(Phones::default().e164(written).ok().as_deref(), number, "{written:?}");
        }
    }

    #[test]
    fn the_form_of_a_region() {
        for (region, written, number) in [
            ("DE", "0170 1234567", Some("+491701234567")),
            ("DE", "030/901820", Some("+4930901820")),
            ("DE", "+44 20 7946 0018", Some("+442079460018")),
            ("DE", "0044 20 7946 0018", Some("+442079460018")),
            ("US", "(201) 555-0123", Some("+12015550123")),
            ("US", "1-201-555-0123", Some("+12015550123")),
            ("US", "00 49 170 1234567", Some("+491701234567")),
            ("GB", "07400 123456", Some("+447400123456")),
            // Nobody can have these.
            ("DE", "170 12", None),
            ("US", "555-0123", None),
            ("US", "(123) 456-7890", None),
        ] {
            assert_eq!(of(region, written).as_deref(), number, "{region} {written:?}");
        }
    }

    #[test]
    fn regions_are_known() {
        assert!(Phones::of(Some("DE")).is_some() && Phones::of(None).is_some());
        for code in ["", "D", "DEU", "XX", "49", "de "] {
            assert!(Phones::of(Some(code)).is_none(), "{code:?}");
        }
    }
}
