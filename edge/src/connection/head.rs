//! Limits and sanity of a request head, before anything else looks at it.
//!
//! hyper refuses what it cannot parse. It lets pass what is checked here: heads over the contract's
//! limits (its own are wider, so that ours answer in our form), hosts that are none (RFC 9112, 3.2),
//! transfer codings that we do not know (RFC 9112, 6.1), and what makes a request of HTTP/2 malformed
//! (RFC 9113, 8). A target in absolute form is taken for its path alone, as RFC 9112 (3.2.2) demands.
//!
//! A fragment in the target is cut off by the `http` crate while it parses, and pseudo-fields of a trailer
//! section by `h2`: neither is ever seen here.

use std::net::Ipv6Addr;

use http::header::{HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Version};
use svc_core::error::{Error, Reason};

use crate::answer::Refusal;

/// The longest request target, in bytes.
pub(crate) const MAX_TARGET: usize = 8 * 1024;
/// All fields together with their separators (`: ` and the line's end), in bytes.
pub(crate) const MAX_FIELDS_SIZE: usize = 16 * 1024;
/// How many fields there may be.
pub(crate) const MAX_FIELDS: usize = 100;

const SEPARATORS: usize = 4;

/// Whether the head may go on.
pub(crate) fn check(head: &Parts) -> Result<(), Refusal> {
    let target = head.uri.path_and_query().map_or(0, |p| p.as_str().len());
    let authority = head.uri.authority().map_or(0, |a| a.as_str().len());
    if target + authority > MAX_TARGET {
        let message = format!("The URL is longer than {MAX_TARGET} bytes.");
        return Err(Error::new(Reason::UriTooLong, message).into());
    }
    let size: usize = head.headers.iter().map(|(n, v)| n.as_str().len() + v.len() + SEPARATORS).sum();
    if size > MAX_FIELDS_SIZE || head.headers.len() > MAX_FIELDS {
        let message = format!("The headers are over {MAX_FIELDS_SIZE} bytes or {MAX_FIELDS} fields.");
        return Err(Error::new(Reason::HeadersTooLarge, message).into());
    }
    check_host(head)?;
    match head.version {
        Version::HTTP_2 => check_values(&head.headers),
        _ => check_transfer_coding(&head.headers),
    }
}

fn malformed(message: &str) -> Refusal {
    Error::new(Reason::InvalidArgument, message).into()
}

/// HTTP/1.1 has exactly one `Host`; HTTP/2 has `:authority` or `Host`, and if both, the same.
fn check_host(head: &Parts) -> Result<(), Refusal> {
    let in_target = match head.uri.authority() {
        Some(authority) => match Host::parse(authority.as_str().as_bytes()) {
            Some(host) => Some(host),
            None => return Err(malformed("The target of the request names no valid host.")),
        },
        None => None,
    };
    let mut hosts = head.headers.get_all(HOST).iter().map(HeaderValue::as_bytes);
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => match (Host::parse(host), in_target) {
            (None, _) => Err(malformed("The Host header names no valid host.")),
            // In HTTP/1.1 the target counts, whatever the header says (RFC 9112, 3.2.2).
            (Some(host), Some(target)) if head.version == Version::HTTP_2 => {
                match host.is(&target, default_port(head.uri.scheme_str())) {
                    true => Ok(()),
                    false => Err(malformed("Host and :authority name different hosts.")),
                }
            }
            _ => Ok(()),
        },
        (Some(_), Some(_)) => Err(malformed("The request has more than one Host header.")),
        (None, _) => match head.version {
            Version::HTTP_11 => Err(malformed("The request has no Host header.")),
            Version::HTTP_2 if in_target.is_none() => {
                Err(malformed("The request has neither :authority nor Host."))
            }
            _ => Ok(()),
        },
    }
}

/// `uri-host [ ":" port ]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Host<'h> {
    name: &'h [u8],
    port: Option<u16>,
}

impl<'h> Host<'h> {
    /// `None` for what is none, has user information in it, or is empty: `http` and `https` have no
    /// empty hosts (RFC 9110, 4.2).
    fn parse(text: &'h [u8]) -> Option<Host<'h>> {
        let end = match text.first()? {
            b'[' => text.iter().position(|c| *c == b']')? + 1,
            _ => text.iter().position(|c| *c == b':').unwrap_or(text.len()),
        };
        let (name, rest) = text.split_at(end);
        let good = match name {
            // The other literals of RFC 3986 are of versions of IP that nobody has.
            [b'[', address @ .., b']'] => {
                std::str::from_utf8(address).is_ok_and(|address| address.parse::<Ipv6Addr>().is_ok())
            }
            name => is_registered_name(name),
        };
        let port = match rest {
            [] | [b':'] => None,
            [b':', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => {
                Some(std::str::from_utf8(digits).ok()?.parse().ok()?)
            }
            _ => return None,
        };
        good.then_some(Host { name, port })
    }

    fn is(&self, other: &Host<'_>, default_port: u16) -> bool {
        self.name.eq_ignore_ascii_case(other.name)
            && self.port.unwrap_or(default_port) == other.port.unwrap_or(default_port)
    }
}

fn default_port(scheme: Option<&str>) -> u16 {
    if scheme == Some("https") { 443 } else { 80 }
}

/// RFC 3986, 3.2.2, but not empty. Addresses of IPv4 are such names as well.
fn is_registered_name(name: &[u8]) -> bool {
    let mut rest = name;
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (b'%', [a, b, after @ ..]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => after,
            (c, _) if c.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(c) => after,
            _ => return false,
        };
    }
    !name.is_empty()
}

/// Nothing but `chunked`, once. hyper looks at the last coding alone, would pass the others on as the
/// body, and ignores a `Content-Length` beside it, after which it closes the connection.
fn check_transfer_coding(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut chunked = false;
    for value in headers.get_all(TRANSFER_ENCODING) {
        for coding in value.as_bytes().split(|c| *c == b',').map(<[u8]>::trim_ascii) {
            match coding {
                [] => {}
                _ if !coding.eq_ignore_ascii_case(b"chunked") => {
                    let message = "The only transfer coding that is understood is chunked.";
                    let error = Error::new(Reason::Unimplemented, message);
                    return Err(Refusal::from(error).closing());
                }
                _ if chunked => return Err(malformed("The body is chunked twice.").closing()),
                _ => chunked = true,
            }
        }
    }
    Ok(())
}

/// RFC 9113, 8.2.1: no blanks around a value. In HTTP/1.1 they are no part of it.
fn check_values(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_blank = |c: Option<&u8>| matches!(c, Some(b' ' | b'\t'));
    let padded = |v: &HeaderValue| is_blank(v.as_bytes().first()) || is_blank(v.as_bytes().last());
    match headers.values().any(padded) {
        true => Err(malformed("The value of a header starts or ends with a blank.")),
        false => Ok(()),
    }
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
        check(&request.into_parts().0).err().map(|refusal| refusal.reason())
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
            ("most fields", Version::HTTP_10, long(1), vec![("a", "b"); MAX_FIELDS], None),
            (
                "too many",
                Version::HTTP_10,
                long(1),
                vec![("a", "b"); MAX_FIELDS + 1],
                Some(Reason::HeadersTooLarge),
            ),
            ("no host", Version::HTTP_11, long(1), vec![], Some(Reason::InvalidArgument)),
            ("two hosts", Version::HTTP_11, long(1), vec![h, h], Some(Reason::InvalidArgument)),
            ("no host in HTTP/1.0", Version::HTTP_10, long(1), vec![], None),
            ("two hosts in HTTP/2", Version::HTTP_2, long(1), vec![h, h], Some(Reason::InvalidArgument)),
        ] {
            assert_eq!(reason(version, &target, &fields), expected, "{what}");
        }
    }

    #[test]
    fn hosts() {
        for host in [
            "a",
            "localhost:8080",
            "example.org",
            "EXAMPLE.org.",
            "xn--bcher-kva.example",
            "192.0.2.1:80",
            "[::1]",
            "[2001:DB8::1]:65535",
            "[::ffff:192.0.2.1]:0",
            "a:",
            "a%20b",
            "a_b",
        ] {
            assert!(Host::parse(host.as_bytes()).is_some(), "{host}");
        }
        for host in [
            "",
            ":80",
            "x:port",
            "x:99999",
            "x:65536",
            "x:-1",
            "x:+1",
            "x:1:2",
            "x::1",
            "x: 1",
            "[::1",
            "::1",
            "[::1]80",
            "[::1]:80:80",
            "[::1%25eth0]",
            "[1.2.3.4]",
            "[v1.a]",
            "[]",
            "]",
            "a]",
            "a/b",
            "a b",
            "a,b@c",
            "user@host",
            "user:secret@host",
            "a?b",
            "a#b",
            "a%2",
            "a%zz",
            "a\\b",
            "é",
        ] {
            assert_eq!(Host::parse(host.as_bytes()), None, "{host}");
        }
    }

    #[test]
    fn hosts_in_two_places() {
        let (one, two) = (Version::HTTP_11, Version::HTTP_2);
        let refused = Some(Reason::InvalidArgument);
        for (version, target, host, expected) in [
            (two, "http://a/", None, None),
            (two, "/", Some("a"), None),
            (two, "/", None, refused),
            (two, "http://a/", Some("a"), None),
            (two, "http://a/", Some("A:80"), None),
            (two, "https://a:443/", Some("a"), None),
            (two, "https://a/", Some("a:80"), refused),
            (two, "http://a/", Some("b"), refused),
            (two, "http://a:81/", Some("a"), refused),
            (two, "http://u@a/", None, refused),
            (two, "http://u@a/", Some("a"), refused),
            (two, "http://a:99999/", None, refused),
            (one, "http://a/", Some("b"), None),
            (one, "http://a/", None, refused),
            (one, "http://u@a/", Some("a"), refused),
            (one, "a:99999", Some("a"), refused),
        ] {
            let fields: Vec<_> = host.iter().map(|host| ("host", *host)).collect();
            assert_eq!(reason(version, target, &fields), expected, "{version:?} {target} {host:?}");
        }
    }

    #[test]
    fn transfer_codings() {
        let (malformed, unknown) = (Some(Reason::InvalidArgument), Some(Reason::Unimplemented));
        for (values, expected) in [
            (&["chunked"][..], None),
            (&["Chunked"], None),
            (&[" chunked , "], None),
            (&["chunked, chunked"], malformed),
            (&["chunked", "chunked"], malformed),
            (&["gzip, chunked"], unknown),
            (&["gzip", "chunked"], unknown),
            (&["identity, chunked"], unknown),
            (&["chunked;q=1, chunked"], unknown),
            (&["\"chunked\", chunked"], unknown),
        ] {
            let fields = values.iter().map(|value| ("transfer-encoding", *value));
            let fields: Vec<_> = [("host", "a")].into_iter().chain(fields).collect();
            assert_eq!(reason(Version::HTTP_11, "/", &fields), expected, "{values:?}");
        }
    }

    #[test]
    fn blanks_around_values() {
        for (value, expected) in [
            ("", None),
            ("a b", None),
            (" a", Some(Reason::InvalidArgument)),
            ("a ", Some(Reason::InvalidArgument)),
            ("\ta", Some(Reason::InvalidArgument)),
            ("a\t", Some(Reason::InvalidArgument)),
            (" ", Some(Reason::InvalidArgument)),
        ] {
            assert_eq!(reason(Version::HTTP_2, "http://a/", &[("x", value)]), expected, "{value:?}");
        }
    }
}
