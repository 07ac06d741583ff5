//! Rules of single values. Each check says what is wrong in the words of the contract.

use svc_core::email;
use svc_core::error::Fault;

/// What is wrong with a value, and the sentence about it without its subject.
pub(super) type Verdict = Result<(), (Fault, String)>;

/// The longest `externalReferenceId`, in characters.
pub(super) const REFERENCE_MAX: usize = 128;

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

/// An email address, by the one rule of the platform, and without what cannot be seen: two that look the same are.
pub(super) fn check_email(text: &str) -> Verdict {
    match email::is_email(text) && !text.chars().any(is_invisible) {
        true => Ok(()),
        false => Err((Fault::Invalid, "is not an email address".to_owned())),
    }
}

/// Marks of direction, joiners and spaces of no width.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}')
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
    fn emails_show_all_that_they_are() {
        for (email, good) in [
            ("ann@example.com", true),
            ("ann\u{200e}@example.com", false),
            ("ann@exam\u{200b}ple.com", false),
            ("\u{202e}ann@example.com", false),
            ("\u{feff}ann@example.com", false),
            ("a\u{ad}nn@example.com", false),
            ("\u{5d0}\u{5d1}@\u{5d3}\u{5d5}\u{5d2}.\u{5d9}\u{5e9}", true),
        ] {
            assert_eq!(check_email(email).is_ok(), good, "{email:?}");
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
