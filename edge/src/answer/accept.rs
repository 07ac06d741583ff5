//! What `Accept` says of a media type (RFC 9110, 12.5.1), and which form of an error it asks for. An error that is
//! asked for in neither form has ours: it says more than a 406 would.

use http::HeaderMap;
use http::header::ACCEPT;

const OURS: (&str, &str) = ("application", "json");
const PROBLEM: (&str, &str) = ("application", "problem+json");

/// How much a client wants a media type, in thousandths; 0: not at all. A client without the header wants everything.
pub(crate) fn quality(asked: &HeaderMap, media_type: &str) -> u16 {
    match media_type.split_once('/') {
        Some(media_type) if asked.contains_key(ACCEPT) => liking(asked, media_type).weight,
        _ => 1_000,
    }
}

/// Whether an error has the form of RFC 9457: where that is preferred, or liked as well as ours and named.
pub(super) fn prefers_problem(asked: &HeaderMap) -> bool {
    if !asked.contains_key(ACCEPT) {
        return false;
    }
    let (ours, problem) = (liking(asked, OURS), liking(asked, PROBLEM));
    problem.weight > ours.weight || (problem == ours.named() && problem.weight > 0)
}

fn liking(asked: &HeaderMap, media_type: (&str, &str)) -> Liking {
    let lines = asked.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let ranges = lines.flat_map(|line| unquoted(line, ',')).filter_map(MediaRange::read);
    ranges.map(|range| range.liking(media_type)).max().unwrap_or_default()
}

/// How much a media type is liked. The range that fits best decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Liking {
    fit: Fit,
    weight: u16,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    #[default]
    None,
    /// `*/*`
    Any,
    /// `application/*`
    Kind,
    Named,
}

impl Liking {
    /// As much, and named.
    fn named(self) -> Liking {
        Liking { fit: Fit::Named, ..self }
    }
}

/// One of the ranges of the header.
struct MediaRange<'h> {
    kind: &'h str,
    subtype: &'h str,
    /// In thousandths.
    weight: u16,
}

impl MediaRange<'_> {
    /// `None` for what is no range, and says nothing.
    fn read(text: &str) -> Option<MediaRange<'_>> {
        let mut parts = unquoted(text, ';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let mut weight = 1_000;
        for parameter in parts {
            // Others are passed over: neither form has any.
            if let Some((name, value)) = parameter.split_once('=')
                && name.trim().eq_ignore_ascii_case("q")
            {
                weight = thousandths(value.trim())?;
            }
        }
        Some(MediaRange { kind, subtype, weight })
    }

    fn liking(&self, (kind, subtype): (&str, &str)) -> Liking {
        let same_kind = self.kind.eq_ignore_ascii_case(kind);
        let fit = match (self.kind, self.subtype) {
            ("*", "*") => Fit::Any,
            (_, "*") if same_kind => Fit::Kind,
            (_, named) if same_kind && named.eq_ignore_ascii_case(subtype) => Fit::Named,
            _ => return Liking::default(),
        };
        Liking { fit, weight: self.weight }
    }
}

/// `qvalue`: from 0 to 1, with at most three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let part: u16 = format!("{decimals:0<3}").parse().ok()?;
    match (whole, part) {
        ("0", part) => Some(part),
        ("1", 0) => Some(1_000),
        _ => None,
    }
}

/// The parts of a list, of which a quoted text is no end.
fn unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |c| {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => return c == separator && !is_quoted,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_only_where_they_are_preferred() {
        for (accept, problem) in [
            (&[][..], false),
            (&[""], false),
            (&["application/problem+json"], true),
            (&["Application/Problem+JSON"], true),
            (&["application/problem+json; charset=utf-8"], true),
            (&["application/json"], false),
            (&["*/*"], false),
            (&["application/*"], false),
            (&["text/html"], false),
            (&["application/problem+xml"], false),
            (&["text/problem+json"], false),
            // Liked as much as ours, and named.
            (&["application/json, application/problem+json"], true),
            (&["application/json", "application/problem+json"], true),
            (&["application/problem+json, */*"], true),
            (&["*/*;q=0.5, application/problem+json;q=0.5"], true),
            // Liked more, or less.
            (&["application/json, application/problem+json;q=0.9"], false),
            (&["application/json;q=0.9, application/problem+json"], true),
            (&["application/json;q=0.001, application/problem+json;q=0.002"], true),
            (&["text/html, application/problem+json;q=0.1"], true),
            (&["application/problem+json;q=0.1, */*;q=0.5"], false),
            // The range that fits best decides, wherever it stands.
            (&["*/*, application/json;q=0.5, application/problem+json;q=0.6"], true),
            (&["application/*;q=0.2, application/json;q=0.1"], true),
            (&["application/json;q=0, */*;q=0.1"], true),
            (&["application/problem+json;q=0"], false),
            (&["application/problem+json; Q = 0.000"], false),
            (&["application/problem+json;q=0, */*"], false),
            (&["application/json;q=0, application/problem+json;q=0"], false),
            // What cannot be read says nothing.
            (&["application/problem+json;q=2"], false),
            (&["application/problem+json;q=0.1234"], false),
            (&["application/problem+json;q="], false),
            (&["application/problem+json;q=-1"], false),
            (&["problem+json"], false),
            (&[",,;q=1,/,application/problem+json"], true),
            (&["text/a;b=\",application/problem+json,\""], false),
            (&["text/a;b=\"\\\",\", application/problem+json"], true),
            (&["text/a;b=\"open, application/problem+json"], false),
        ] {
            let mut asked = HeaderMap::new();
            for line in accept {
                asked.append(ACCEPT, line.parse().unwrap());
            }
            assert_eq!(prefers_problem(&asked), problem, "{accept:?}");
        }
    }

    #[test]
    fn the_closest_range_decides() {
        for (accept, quality_of_events) in [
            ("text/event-stream", 1_000),
            ("Text/Event-Stream; q=0.5", 500),
            ("text/*", 1_000),
            ("*/*", 1_000),
            ("*/*;q=0.1, text/*;q=0.25, text/event-stream;q=0", 0),
            ("text/event-stream;q=0, */*", 0),
            ("text/html, text/*;q=0.3", 300),
            ("application/json", 0),
            ("text/event-stream;charset=utf-8;q=0.125", 125),
            ("text/event-stream;q=2", 0),
            ("text/event-stream;q=0.1234", 0),
            ("text/event-stream;q=x, */*;q=0.2", 200),
            ("", 0),
            ("*", 0),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(quality(&headers, "text/event-stream"), quality_of_events, "{accept}");
        }
        assert_eq!(quality(&HeaderMap::new(), "text/event-stream"), 1_000);
    }
}
