//! `Range` and `If-Range` (RFC 9110, 13.1.5 and 14).

/// What is asked of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it.
    Whole,
    /// From this byte up to that one, which is none of it.
    Part { from: u64, to: u64 },
    /// Nothing that is there.
    Beyond,
}

impl Asked {
    /// What a request asks of a content with this tag and of this size, which is at least 1. What cannot be read is
    /// passed over, and so are several ranges at once: then the answer is all of it (RFC 9110, 14.2).
    pub(super) fn of(range: Option<&str>, if_range: Option<&str>, etag: &str, size: u64) -> Asked {
        // Compared strongly; a date never fits, since none is given out.
        if if_range.is_some_and(|tag| tag.trim() != etag) {
            return Asked::Whole;
        }
        range.and_then(|range| read(range, size)).unwrap_or(Asked::Whole)
    }
}

fn read(range: &str, size: u64) -> Option<Asked> {
    let (unit, set) = range.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    let (from, to) = match (first, last) {
        ("", length) => (size.saturating_sub(number(length)?), size),
        (first, "") => (number(first)?, size),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            (first, last.saturating_add(1).min(size))
        }
    };
    Some(if from < to { Asked::Part { from, to } } else { Asked::Beyond })
}

/// Digits only. One that is too large for a number is behind the end of everything.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Asked::{Beyond, Whole};

    const ETAG: &str = "\"abc\"";

    fn part(from: u64, to: u64) -> Asked {
        Asked::Part { from, to }
    }

    #[test]
    fn ranges_of_ten_bytes() {
        for (range, asked) in [
            ("bytes=0-0", part(0, 1)),
            ("bytes=0-9", part(0, 10)),
            ("bytes=0-99", part(0, 10)),
            ("bytes=3-5", part(3, 6)),
            ("bytes=9-", part(9, 10)),
            ("bytes=0-", part(0, 10)),
            ("bytes=-1", part(9, 10)),
            ("bytes=-10", part(0, 10)),
            ("bytes=-99", part(0, 10)),
            ("Bytes=1-2", part(1, 3)),
            ("bytes= 1-2 ", part(1, 3)),
            ("bytes=2-99999999999999999999999999", part(2, 10)),
            ("bytes=-99999999999999999999999999", part(0, 10)),
            ("bytes=10-", Beyond),
            ("bytes=10-20", Beyond),
            ("bytes=99999999999999999999999999-", Beyond),
            ("bytes=-0", Beyond),
            // Not in the form of a range, of another unit, or several.
            ("bytes=5-3", Whole),
            ("bytes=-", Whole),
            ("bytes=", Whole),
            ("bytes", Whole),
            ("bytes=a-b", Whole),
            ("bytes=+1-2", Whole),
            ("bytes=1-2-3", Whole),
            ("bytes=--1", Whole),
            ("bytes=0x1-2", Whole),
            ("bytes=１-２", Whole),
            ("bytes=0-1,3-4", Whole),
            ("bytes=0-1,", Whole),
            ("lines=1-2", Whole),
            ("", Whole),
        ] {
            assert_eq!(Asked::of(Some(range), None, ETAG, 10), asked, "{range:?}");
        }
        assert_eq!(Asked::of(None, None, ETAG, 10), Whole);
    }

    #[test]
    fn a_range_counts_while_the_content_is_the_same() {
        for (if_range, asked) in [
            (Some(ETAG), part(1, 3)),
            (Some("\"abd\""), Whole),
            (Some("W/\"abc\""), Whole),
            (Some("abc"), Whole),
            (Some("*"), Whole),
            (Some("Sat, 29 Oct 1994 19:43:31 GMT"), Whole),
            (Some(""), Whole),
            (None, part(1, 3)),
        ] {
            assert_eq!(Asked::of(Some("bytes=1-2"), if_range, ETAG, 10), asked, "{if_range:?}");
        }
        assert_eq!(Asked::of(Some("bytes=99-"), Some("\"other\""), ETAG, 10), Whole);
    }
}
