//! `Content-Disposition` of a download (RFC 6266, with names as RFC 8187 writes them).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All that is no `attr-char` of RFC 8187, 3.2.1.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// A file that is stored under this name and never shown where it is. Clients that do not know the second form take the
/// first, in which whatever could be read in two ways is a `_`.
pub(super) fn attachment(name: &str) -> String {
    let is_plain = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '%' | '/');
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let mut value = format!("attachment; filename=\"{plain}\"");
    if plain != name {
        value.push_str("; filename*=UTF-8''");
        value.extend(utf8_percent_encode(name, ENCODED));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_so_that_they_read_in_one_way() {
        for (name, expected) in [
            ("invoice.pdf", "attachment; filename=\"invoice.pdf\""),
            ("a b;c=d.pdf", "attachment; filename=\"a b;c=d.pdf\""),
            ("März.pdf", "attachment; filename=\"M_rz.pdf\"; filename*=UTF-8''M%C3%A4rz.pdf"),
            ("a\"b.pdf", "attachment; filename=\"a_b.pdf\"; filename*=UTF-8''a%22b.pdf"),
            ("a%41.pdf", "attachment; filename=\"a_41.pdf\"; filename*=UTF-8''a%2541.pdf"),
            ("a'(1)*.pdf", "attachment; filename=\"a'(1)*.pdf\""),
            ("é'(*).pdf", "attachment; filename=\"_'(*).pdf\"; filename*=UTF-8''%C3%A9%27%28%2A%29.pdf"),
            ("请", "attachment; filename=\"_\"; filename*=UTF-8''%E8%AF%B7"),
            // Such names are not stored. They would not break the line all the same.
            ("a\r\nb\\c/d", "attachment; filename=\"a__b_c_d\"; filename*=UTF-8''a%0D%0Ab%5Cc%2Fd"),
        ] {
            let value = attachment(name);
            assert_eq!(value, expected);
            assert!(value.bytes().all(|c| (b' '..=b'~').contains(&c)));
        }
    }
}
