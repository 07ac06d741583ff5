//! What `Accept-Encoding` allows (RFC 9110, 12.5.3).

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

/// A form of a file, the shortest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

impl Encoding {
    /// The shortest that the client takes. It always takes the file as it is: a 406 would help nobody.
    pub(super) fn best_for(asked: &HeaderMap) -> Encoding {
        let lines = asked.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
        let taken: Vec<&str> = lines.flat_map(|line| line.split(',')).filter_map(taken).collect();
        let takes = |name: &str| taken.iter().any(|taken| taken.eq_ignore_ascii_case(name));
        match () {
            () if takes("br") => Encoding::Brotli,
            () if takes("gzip") => Encoding::Gzip,
            () => Encoding::Identity,
        }
    }
}

/// The name of an encoding that is not refused.
fn taken(element: &str) -> Option<&str> {
    let (name, weight) = element.split_once(';').unwrap_or((element, ""));
    let weight = weight.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
    weight.is_ok_and(|weight| weight > 0.0).then_some(name.trim())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_shortest_that_is_taken() {
        for (asked, encoding) in [
            ("", Encoding::Identity),
            ("gzip, deflate, br, zstd", Encoding::Brotli),
            ("gzip;q=1.0, br;q=0", Encoding::Gzip),
            ("GZIP", Encoding::Gzip),
            ("br;q=x", Encoding::Identity),
            ("zstd", Encoding::Identity),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(asked))]);
            assert_eq!(Encoding::best_for(&headers), encoding, "{asked}");
        }
        assert_eq!(Encoding::best_for(&HeaderMap::new()), Encoding::Identity);
    }
}
