//! Which protocol a request speaks.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use http::request::Parts;
use http::{HeaderValue, Method, Version};
use svc_core::error::{Error, Reason};

const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const IDENTITY: &[u8] = b"identity";

/// A protocol of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// gRPC: `application/grpc`, over HTTP/2.
    Grpc,
    /// gRPC-Web: `application/grpc-web`. Its trailers are a frame of the body, so that any HTTP carries them.
    Web,
    /// gRPC-Web whose body is base64: `application/grpc-web-text`.
    WebText,
}

impl Protocol {
    /// The protocol of a request that is a call, by its method and its media type.
    pub(crate) fn of(head: &Parts) -> Option<Protocol> {
        // First, since most requests have no body whose type could be looked at.
        if head.method != Method::POST {
            return None;
        }
        let (protocol, _) = named(head.headers.get(CONTENT_TYPE)?)?;
        Some(protocol)
    }

    /// Whether the edge can take part in a call with this head.
    pub(crate) fn check(self, head: &Parts) -> Result<(), Error> {
        let unsupported = |message: &str| Err(Error::new(Reason::UnsupportedMediaType, message));
        if self == Protocol::Grpc && head.version != Version::HTTP_2 {
            return unsupported("gRPC needs HTTP/2. Over HTTP/1.1 use gRPC-Web, application/grpc-web+proto.");
        }
        let mut types = head.headers.get_all(CONTENT_TYPE).iter();
        match (types.next().and_then(named), types.next()) {
            (Some((_, b"" | b"+proto")), None) => {}
            _ => {
                return unsupported("The messages of a call are protobuf: name one media type, with +proto.");
            }
        }
        let is_plain = |v: &HeaderValue| v.as_bytes().eq_ignore_ascii_case(IDENTITY);
        if !head.headers.get_all(CONTENT_ENCODING).iter().all(is_plain) {
            return unsupported("The request body must not be compressed.");
        }
        // The permissions that a message needs cannot be seen in one that is compressed.
        if !head.headers.get_all(GRPC_ENCODING).iter().all(is_plain) {
            return Err(Error::new(Reason::Unimplemented, "Messages must not be compressed."));
        }
        Ok(())
    }

    /// The media type of its answers.
    pub(super) const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Protocol::Grpc => "application/grpc",
            Protocol::Web => "application/grpc-web+proto",
            Protocol::WebText => "application/grpc-web-text+proto",
        })
    }
}

/// The protocol that a media type names, and the format of its messages: nothing, or `+` and a name.
fn named(media: &HeaderValue) -> Option<(Protocol, &[u8])> {
    let media = media.as_bytes().split(|c| *c == b';').next().unwrap_or_default().trim_ascii();
    let protocols = [
        (&b"application/grpc-web-text"[..], Protocol::WebText),
        (b"application/grpc-web", Protocol::Web),
        (b"application/grpc", Protocol::Grpc),
    ];
    protocols.into_iter().find_map(|(name, protocol)| {
        let (start, format) = media.split_at_checked(name.len())?;
        let is_named = start.eq_ignore_ascii_case(name) && matches!(format, [] | [b'+', ..]);
        is_named.then_some((protocol, format))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn head(method: Method, version: Version, fields: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).version(version).body(()).unwrap();
        for (name, value) in fields {
            request.headers_mut().append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        request.into_parts().0
    }

    #[test]
    fn media_types() {
        use Protocol::{Grpc, Web, WebText};
        for (media, protocol, is_good) in [
            ("application/grpc", Some(Grpc), true),
            ("Application/gRPC+proto", Some(Grpc), true),
            ("application/grpc; charset=utf-8", Some(Grpc), true),
            ("application/grpc+json", Some(Grpc), false),
            ("application/grpc+", Some(Grpc), false),
            ("application/grpc-web", Some(Web), true),
            ("application/grpc-web+proto", Some(Web), true),
            ("application/grpc-web+thrift", Some(Web), false),
            ("application/grpc-web-text", Some(WebText), true),
            ("application/grpc-web-text+proto;x=y", Some(WebText), true),
            ("application/grpcish", None, false),
            ("application/grpc-websocket", None, false),
            ("application/json", None, false),
            ("", None, false),
        ] {
            let head = head(Method::POST, Version::HTTP_2, &[("content-type", media)]);
            assert_eq!(Protocol::of(&head), protocol, "{media}");
            if let Some(protocol) = protocol {
                assert_eq!(protocol.check(&head).is_ok(), is_good, "{media}");
            }
        }
    }

    #[test]
    fn heads() {
        let (grpc, web) = (("content-type", "application/grpc"), ("content-type", "application/grpc-web"));
        for (what, method, version, fields, is_call, refused) in [
            ("a call", "POST", Version::HTTP_2, vec![grpc], true, None),
            ("a call that expects no trailers", "POST", Version::HTTP_2, vec![grpc, ("te", "x")], true, None),
            ("with GET", "GET", Version::HTTP_2, vec![grpc], false, None),
            ("over HTTP/1.1", "POST", Version::HTTP_11, vec![grpc], true, Some(Reason::UnsupportedMediaType)),
            ("for the web over HTTP/1.1", "POST", Version::HTTP_11, vec![web], true, None),
            ("two types", "POST", Version::HTTP_2, vec![grpc, web], true, Some(Reason::UnsupportedMediaType)),
            (
                "a compressed body",
                "POST",
                Version::HTTP_2,
                vec![web, ("content-encoding", "gzip")],
                true,
                Some(Reason::UnsupportedMediaType),
            ),
            (
                "compressed messages",
                "POST",
                Version::HTTP_2,
                vec![grpc, ("grpc-encoding", "gzip")],
                true,
                Some(Reason::Unimplemented),
            ),
            ("identity", "POST", Version::HTTP_2, vec![grpc, ("grpc-encoding", "identity")], true, None),
        ] {
            let head = head(method.parse().unwrap(), version, &fields);
            let protocol = Protocol::of(&head);
            assert_eq!(protocol.is_some(), is_call, "{what}");
            let error = protocol.and_then(|protocol| protocol.check(&head).err());
            assert_eq!(error.map(|error| error.reason), refused, "{what}");
        }
    }
}
