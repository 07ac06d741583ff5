//! What values are compared by: two that mean the same have the same key.

use unicode_normalization::UnicodeNormalization;

/// The key of a text: without regard to case and to the form of Unicode.
pub(crate) fn text_key(text: &str) -> String {
    // Lower case can bring a text out of its form.
    text.nfc().flat_map(char::to_lowercase).nfc().collect()
}

/// The key of an email address. Strictly, the part before the `@` is its domain's own affair (RFC 5321, 2.4); in
/// practice case never tells people apart. A domain is the same in its own script and in ASCII.
pub(crate) fn email_key(email: &str) -> String {
    match email.rsplit_once('@') {
        Some((local, domain)) => {
            let ascii = idna::domain_to_ascii(domain).ok().filter(|ascii| !ascii.is_empty());
            [&text_key(local), "@", &ascii.unwrap_or_else(|| text_key(domain))].concat()
        }
        None => text_key(email),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails_that_are_the_same() {
        for (one, other, same) in [
            ("ann@example.com", "Ann@EXAMPLE.com", true),
            ("jo\u{308}rg@example.com", "J\u{d6}RG@example.com", true),
            ("ann@ex\u{e4}mple.de", "ann@xn--exmple-cua.de", true),
            ("ann@exa\u{308}mple.de", "ann@ex\u{e4}mple.de", true),
            ("ann+a@example.com", "ann@example.com", false),
            ("a.nn@example.com", "ann@example.com", false),
            ("ann@example.com", "ann@example.org", false),
            ("jorg@example.com", "j\u{f6}rg@example.com", false),
        ] {
            assert_eq!(email_key(one) == email_key(other), same, "{one} {other}");
        }
    }

    #[test]
    fn a_key_is_its_own_key() {
        for text in ["Ann", "\u{130}stanbul", "\u{1e9e}", "\u{3a3}\u{3a3}", "e\u{301}", "\u{fb01}", "\u{345}"]
        {
            let key = text_key(text);
            assert_eq!(text_key(&key), key, "{text:?}");
        }
    }
}
