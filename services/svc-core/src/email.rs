//! Email addresses, by one rule for members and contacts.

/// The longest, in characters (RFC 5321, 4.5.3.1.3 less the angle brackets).
pub const MAX_LENGTH: usize = 254;

/// Whether this is an email address that the internet can deliver to, of at most [`MAX_LENGTH`] characters: a local
/// part, one `@`, and a domain with a dot inside; no spaces and no control characters. Whether mail arrives only mail
/// can tell.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let plain = |c: char| !c.is_control() && !c.is_whitespace() && !matches!(c, '<' | '>' | ',' | ';');
    let label_fits = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
    text.chars().count() <= MAX_LENGTH
        && text.chars().all(plain)
        && !local.is_empty()
        && !domain.contains('@')
        && domain.contains('.')
        && domain.split('.').all(label_fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, good) in [
            ("ann@example.com", true),
            ("ann+tag@mail.example.com", true),
            ("a.b+c@mail.example.co.uk", true),
            ("jörg@exämple.de", true),
            (&format!("{}@example.com", "ä".repeat(242)), true),
            (&format!("{}@example.com", "ä".repeat(243)), false),
            ("", false),
            ("ann", false),
            ("@example.com", false),
            ("ann@", false),
            ("ann@localhost", false),
            ("ann@@example.com", false),
            ("a@b@c.com", false),
            ("ann lee@example.com", false),
            ("ann@example .com", false),
            ("ann@example\u{a0}.com", false),
            ("ann@.example.com", false),
            ("ann@example.com.", false),
            ("ann@example..com", false),
            ("ann@-example.com", false),
            ("ann@example-.com", false),
            ("Ann <ann@example.com>", false),
            ("ann@example.com,bob@example.com", false),
        ] {
            assert_eq!(is_email(text), good, "{text}");
        }
    }
}
