//! Names and descriptions.

use svc_core::error::{Fault, Violation};

const MAX_NAME: usize = 100;
const MAX_DESCRIPTION: usize = 500;

/// A name: 1 to 100 characters after trimming, none of them a control character. Returns it trimmed.
pub(crate) fn check_name(field: &str, name: Option<&str>, violations: &mut Vec<Violation>) -> String {
    let name = name.map(str::trim);
    let wrong = match name {
        None => Some((Fault::Required, "is required")),
        Some("") => Some((Fault::Required, "must not be empty")),
        Some(name) if name.chars().count() > MAX_NAME => Some((Fault::TooLong, "has at most 100 characters")),
        Some(name) if name.chars().any(char::is_control) => {
            Some((Fault::Invalid, "holds a control character"))
        }
        Some(_) => None,
    };
    if let Some((fault, what)) = wrong {
        violations.push(Violation::new(field, fault, format!("`{field}` {what}.")));
    }
    name.unwrap_or_default().to_owned()
}

/// A description: 0 to 500 characters; line breaks and tabs are fine, other control characters not.
pub(crate) fn check_description(text: &str, violations: &mut Vec<Violation>) -> String {
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.chars().count() > MAX_DESCRIPTION {
        let message = "`description` has at most 500 characters.";
        violations.push(Violation::new("description", Fault::TooLong, message));
    } else if text.chars().any(odd) {
        let message = "`description` holds a control character.";
        violations.push(Violation::new("description", Fault::Invalid, message));
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let (hundred, over) = ("é".repeat(100), "é".repeat(101));
        for (name, fault) in [
            (Some("Production sync"), None),
            (Some("  padded  "), None),
            (Some(hundred.as_str()), None),
            (Some(over.as_str()), Some(Fault::TooLong)),
            (Some(""), Some(Fault::Required)),
            (Some(" \t "), Some(Fault::Required)),
            (Some("a\u{0}b"), Some(Fault::Invalid)),
            (Some("a\nb"), Some(Fault::Invalid)),
            (None, Some(Fault::Required)),
        ] {
            let mut violations = Vec::new();
            let trimmed = check_name("name", name, &mut violations);
            assert_eq!(violations.first().map(|v| v.fault), fault, "{name:?}");
            assert_eq!(trimmed, name.unwrap_or_default().trim());
        }
    }

    #[test]
    fn descriptions() {
        for (text, fault) in [
            (String::new(), None),
            ("two\nlines".to_owned(), None),
            ("x".repeat(500), None),
            ("x".repeat(501), Some(Fault::TooLong)),
            ("a\u{7}".to_owned(), Some(Fault::Invalid)),
        ] {
            let mut violations = Vec::new();
            check_description(&text, &mut violations);
            assert_eq!(violations.first().map(|v| v.fault), fault);
        }
    }
}
