//! Rules of single values. Each check says what is wrong in the words of the contract.

use svc_core::error::Fault;

/// What is wrong with a value, and the sentence about it without its subject.
pub(super) type Verdict = Result<(), (Fault, String)>;

/// The longest `externalReferenceId`, in characters.
const REFERENCE_MAX: usize = 128;
/// The longest email address, in characters (RFC 5321, 4.5.3.1.3 less the angle brackets).
pub(super) const EMAIL_MAX: usize = 254;

/// Words that paths need for themselves.
const RESERVED: [&str; 2] = ["schema", "mantisid"];

/// Which control characters a text may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    /// None.
    One,
    /// Line breaks and tabs.
    Many,
}

/// A text of 1 to `max` characters, trimmed before.
pub(super) fn check_text(text: &str, max: usize, lines: Lines) -> Verdict {
    let may_hold = |c: char| match lines {
        Lines::One => !c.is_control(),
        Lines::Many => !c.is_control() || matches!(c, '\n' | '\r' | '\t'),
    };
    if text.is_empty() {
        return Err((Fault::TooShort, "must not be empty: leave it out instead".to_owned()));
    }
    if text.chars().count() > max {
        return Err((Fault::TooLong, format!("has at most {max} characters")));
    }
    if !text.chars().all(may_hold) {
        return Err((Fault::Invalid, "must not hold control characters".to_owned()));
    }
    Ok(())
}

/// The caller's own id for a contact. It is theirs: never trimmed or folded.
pub(super) fn check_reference(reference: &str) -> Verdict {
    check_text(reference, REFERENCE_MAX, Lines::One)?;
    if reference == "." || reference == ".." {
        return Err((Fault::Invalid, "must not be `.` or `..`, which cannot stand in a path".to_owned()));
    }
    if RESERVED.contains(&reference) {
        return Err((Fault::Invalid, format!("must not be `{reference}`, which is reserved")));
    }
    Ok(())
}

/// An email address: something, one `@`, and a domain. Whether it receives mail only mail can tell.
pub(super) fn check_email(email: &str) -> Verdict {
    let invalid = || (Fault::Invalid, "is not an email address".to_owned());
    let (local, domain) = email.split_once('@').ok_or_else(invalid)?;
    let one_word = !email.chars().any(char::is_whitespace);
    let domain_fits = !domain.contains('@') && domain.split('.').all(|label| !label.is_empty());
    match !local.is_empty() && one_word && domain_fits {
        true => Ok(()),
        false => Err(invalid()),
    }
}

/// A number in E.164 form: `+`, then 7 to 15 digits, the first not 0.
pub(super) fn check_mobile_number(number: &str) -> Verdict {
    let fits = number.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && digits.bytes().all(|c| c.is_ascii_digit())
            && !digits.starts_with('0')
    });
    match fits {
        true => Ok(()),
        false => Err((
            Fault::Invalid,
            "is not in E.164 form: `+`, then 7 to 15 digits, the first not 0".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(verdict: Verdict) -> Option<Fault> {
        verdict.err().map(|(fault, _)| fault)
    }

    #[test]
    fn references() {
        let (longest, too_long) = ("é".repeat(128), "é".repeat(129));
        for (reference, expected) in [
            ("crm-1", None),
            ("a/b c", None),
            (" ", None),
            ("🙂", None),
            ("...", None),
            ("Schema", None),
            ("schemas", None),
            (longest.as_str(), None),
            ("", Some(Fault::TooShort)),
            (too_long.as_str(), Some(Fault::TooLong)),
            (".", Some(Fault::Invalid)),
            ("..", Some(Fault::Invalid)),
            ("schema", Some(Fault::Invalid)),
            ("mantisid", Some(Fault::Invalid)),
            ("a\0b", Some(Fault::Invalid)),
            ("a\nb", Some(Fault::Invalid)),
            ("a\u{7f}", Some(Fault::Invalid)),
            ("a\u{85}", Some(Fault::Invalid)),
        ] {
            assert_eq!(fault(check_reference(reference)), expected, "{reference:?}");
        }
    }

    #[test]
    fn email_addresses() {
        for (email, good) in [
            ("ann@example.com", true),
            ("ann+tag@mail.example.com", true),
            ("jörg@exämple.de", true),
            ("root@localhost", true),
            ("ann", false),
            ("ann@", false),
            ("@example.com", false),
            ("ann@@example.com", false),
            ("a@b@c.com", false),
            ("ann lee@example.com", false),
            ("ann@example .com", false),
            ("ann@example\u{a0}.com", false),
            ("ann@.example.com", false),
            ("ann@example.com.", false),
            ("ann@example..com", false),
        ] {
            assert_eq!(check_email(email).is_ok(), good, "{email:?}");
        }
    }

    #[test]
    fn mobile_numbers() {
        for (number, good) in [
            ("+1234567", true),
            ("+123456789012345", true),
            ("+491701234567", true),
            ("491701234567", false),
            ("+123456", false),
            ("+1234567890123456", false),
            ("+0123456789", false),
            ("+49 170 1234567", false),
            ("+49-170-1234567", false),
            ("++491701234567", false),
            ("+٤٩١٧٠١٢٣٤٥٦٧", false),
            ("+", false),
        ] {
            assert_eq!(check_mobile_number(number).is_ok(), good, "{number:?}");
        }
    }

    #[test]
    fn texts() {
        for (text, lines, expected) in [
            ("abc", Lines::One, None),
            ("äöü", Lines::One, None),
            ("a\tb", Lines::Many, None),
            ("", Lines::One, Some(Fault::TooShort)),
            ("abcd", Lines::One, Some(Fault::TooLong)),
            ("a\tb", Lines::One, Some(Fault::Invalid)),
            ("a\u{0}", Lines::Many, Some(Fault::Invalid)),
        ] {
            assert_eq!(fault(check_text(text, 3, lines)), expected, "{text:?}");
        }
    }
}
