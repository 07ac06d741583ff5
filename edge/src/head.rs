//! Limits and sanity of a request head, before anything else looks at it.
//!
//! hyper refuses what it cannot parse. It lets pass what is checked here: heads over the contract's
//! limits (its own are wider, so that ours answer in our form) and a missing or doubled `Host`. A
//! target in absolute form is taken for its path alone, as RFC 9112 (3.2.2) demands.

use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, Version};
use svc_core::error::{Error, Reason};

/// The longest request target, in bytes.
pub(crate) const MAX_TARGET: usize = 8 * 1024;
/// All fields together with their separators (`: ` and the line's end), in bytes.
pub(crate) const MAX_FIELDS_SIZE: usize = 16 * 1024;
/// How many fields there may be.
pub(crate) const MAX_FIELDS: usize = 100;

const SEPARATORS: usize = 4;

/// Whether the head may go on.
pub(crate) fn check(head: &Parts) -> Result<(), Error> {
    let target = head.uri.path_and_query().map_or(0, |p| p.as_str().len());
    let authority = head.uri.authority().map_or(0, |a| a.as_str().len());
    if target + authority > MAX_TARGET {
        return Err(Error::new(Reason::UriTooLong, format!("The URL is longer than {MAX_TARGET} bytes.")));
    }
    let size: usize = head.headers.iter().map(|(n, v)| n.as_str().len() + v.len() + SEPARATORS).sum();
    if size > MAX_FIELDS_SIZE || head.headers.len() > MAX_FIELDS {
        let message = format!("The headers are over {MAX_FIELDS_SIZE} bytes or {MAX_FIELDS} fields.");
        return Err(Error::new(Reason::HeadersTooLarge, message));
    }
    if !host_fits(head.version, &head.headers) {
        return Err(Error::new(Reason::InvalidArgument, "The request needs exactly one valid Host header."));
    }
    Ok(())
}

/// RFC 9112, 3.2: exactly one in HTTP/1.1. HTTP/2 has `:authority` in its place.
fn host_fits(version: Version, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.as_bytes().iter().all(|&c| is_host_character(c)),
        (None, None) => version != Version::HTTP_11,
        _ => false,
    }
}

/// What `uri-host [":" port]` is made of (RFC 3986, 3.2.2).
fn is_host_character(c: u8) -> bool {
    c.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Request, header::HeaderName};

    fn reason(version: Version, target: &str, fields: &[(&str, &str)]) -> Option<Reason> {
        let mut request = Request::builder().version(version).uri(target).body(()).unwrap();
        for (name, value) in fields {
            request.headers_mut().append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        check(&request.into_parts().0).err().map(|e| e.reason)
    }

    #[test]
    fn heads() {
        let long = |n: usize| format!("/{}", "a".repeat(n - 1));
        let value = |n: usize| "v".repeat(n);
        let h = ("host", "localhost:8080");
        for (what, version, target, fields, expected) in [
            ("plain", Version::HTTP_11, long(1), vec![h], None),
            ("longest target", Version::HTTP_11, long(MAX_TARGET), vec![h], None),
            ("target too long", Version::HTTP_11, long(MAX_TARGET + 1), vec![h], Some(Reason::UriTooLong)),
            ("largest", Version::HTTP_11, long(1), vec![h, ("a", &value(MAX_FIELDS_SIZE - 27))], None),
            (
                "too large",
                Version::HTTP_11,
                long(1),
                vec![h, ("a", &value(MAX_FIELDS_SIZE - 26))],
                Some(Reason::HeadersTooLarge),
            ),
            ("most fields", Version::HTTP_2, long(1), vec![("a", "b"); MAX_FIELDS], None),
            (
                "too many",
                Version::HTTP_2,
                long(1),
                vec![("a", "b"); MAX_FIELDS + 1],
                Some(Reason::HeadersTooLarge),
            ),
            ("no host", Version::HTTP_11, long(1), vec![], Some(Reason::InvalidArgument)),
            ("two hosts", Version::HTTP_11, long(1), vec![h, h], Some(Reason::InvalidArgument)),
            ("no host in HTTP/1.0", Version::HTTP_10, long(1), vec![], None),
            ("no host in HTTP/2", Version::HTTP_2, long(1), vec![], None),
            ("two hosts in HTTP/2", Version::HTTP_2, long(1), vec![h, h], Some(Reason::InvalidArgument)),
            ("bad host", Version::HTTP_11, long(1), vec![("host", "a/b")], Some(Reason::InvalidArgument)),
            ("user info", Version::HTTP_11, long(1), vec![("host", "a@b")], Some(Reason::InvalidArgument)),
            ("IPv6 host", Version::HTTP_11, long(1), vec![("host", "[::1]:80")], None),
        ] {
            assert_eq!(reason(version, &target, &fields), expected, "{what}");
        }
    }
}
