//! What parts the cells, where the caller does not say it.

/// What may part cells, the likeliest first.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];
/// A line that spreadsheets write to say what parts the cells.
const SAID: &[u8] = b"sep=";

/// How a text begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opening {
    /// What parts the cells.
    pub(crate) delimiter: u8,
    /// How many bytes come before the names of the columns: a line that says the delimiter.
    pub(crate) before: usize,
}

/// How a text begins, by its first line; `None` while more of it is needed. With `ended` there is no more.
pub(crate) fn opening(text: &[u8], given: Option<u8>, ended: bool) -> Option<Opening> {
    let first = line(text, ended)?;
    if let Some([delimiter]) = first.strip_prefix(SAID)
        && DELIMITERS.contains(delimiter)
    {
        let rest = &text[first.len()..];
        let end = match rest {
            [b'\r', b'\n', ..] => 2,
            // Whether a line feed follows is seen with the next bytes.
            [b'\r'] if !ended => return None,
            [] => 0,
            _ => 1,
        };
        return Some(Opening { delimiter: given.unwrap_or(*delimiter), before: first.len() + end });
    }
    let count = |delimiter: &u8| {
        let mut quoted = false;
        first
            .iter()
            .filter(|byte| {
                quoted ^= **byte == b'"';
                !quoted && *byte == delimiter
            })
            .count()
    };
    // Of those that are equally frequent, the first.
    let most = DELIMITERS.iter().rev().max_by_key(|delimiter| count(delimiter)).copied();
    Some(Opening { delimiter: given.or(most).unwrap_or(b','), before: 0 })
}

/// The first line without its end. A line break in quotes is no end.
fn line(text: &[u8], ended: bool) -> Option<&[u8]> {
    let mut quoted = false;
    let end = text.iter().position(|byte| {
        quoted ^= *byte == b'"';
        !quoted && matches!(byte, b'\r' | b'\n')
    });
    match end {
        Some(end) => Some(&text[..end]),
        None => ended.then_some(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_parts_the_cells() {
        for (text, given, delimiter, before) in [
            ("a,b\n", None, b',', 0),
            ("a;b\n", None, b';', 0),
            ("a\tb\n", None, b'\t', 0),
            ("a,b;c;d\n", None, b';', 0),
            ("a,b;c\n", None, b',', 0),
            ("\"a;b;c\",d\r\n", None, b',', 0),
            ("\"a\n;;;\",b,c\n", None, b',', 0),
            ("a\r1;2;3", None, b',', 0),
            ("a", None, b',', 0),
            ("", None, b',', 0),
            ("a,b,c\n", Some(b';'), b';', 0),
            ("sep=;\na,b,c\n", None, b';', 6),
            ("sep=;\r\na,b,c\n", None, b';', 7),
            ("sep=\t\ra,b,c", None, b'\t', 6),
            ("sep=;\n", Some(b','), b',', 6),
            ("sep=;", None, b';', 5),
            ("sep=|\n", None, b',', 0),
            ("sep=;a\n", None, b';', 0),
        ] {
            assert_eq!(
                opening(text.as_bytes(), given, true),
                Some(Opening { delimiter, before }),
                "{text:?}"
            );
        }
    }

    #[test]
    fn more_is_needed_until_the_line_has_ended() {
        for text in ["", "a,b", "\"a\n", "sep=;", "sep=;\r"] {
            assert_eq!(opening(text.as_bytes(), None, false), None, "{text:?}");
        }
        assert!(opening(b"sep=;\r\n", None, false).is_some());
        assert!(opening(b"a\r", None, false).is_some());
    }
}
