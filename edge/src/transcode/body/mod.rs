//! Request bodies: the right type, within the limit, in time. Whole, in pieces as they come, or part by part.

mod digest;
mod form;
pub(crate) mod multipart;
mod parameters;
mod pieces;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Version};
use http_body::Body;
use http_body_util::BodyExt;
use svc_core::error::{Error, Reason};

pub(crate) use digest::{ContentDigest, Digested};
pub(crate) use form::{FILE, FileHead, Form, TextPart};
pub(crate) use parameters::file_name;
pub(crate) use pieces::BodyPieces;

/// How much of an unread body is read after the answer, so that a client that is still sending gets
/// to see it: closing a socket with unread data resets it.
const DRAIN_BYTES: usize = 4 * 1024 * 1024;
/// How long that may take.
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// What may stand in a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    /// The largest body that is read whole, in bytes.
    pub(crate) bytes: usize,
    /// The largest body, or file of a form, that is handed on in pieces, in bytes.
    pub(crate) upload_bytes: usize,
    /// The time in which it must arrive: all of it, or the next piece of an upload.
    pub(crate) time: Duration,
}

impl BodyLimits {
    /// With the bound of an upload that may be larger than others.
    pub(crate) fn of_upload(self, mebibytes: i32) -> BodyLimits {
        let bytes = usize::try_from(mebibytes).unwrap_or_default().saturating_mul(1024 * 1024);
        self.with_upload(self.upload_bytes.max(bytes))
    }

    /// With another bound for an upload.
    fn with_upload(self, upload_bytes: usize) -> BodyLimits {
        BodyLimits { upload_bytes, ..self }
    }
}

/// Reads a JSON body. One that is absent or empty is empty, whatever its type.
pub(crate) async fn json<B>(head: &Parts, body: &mut B, limits: BodyLimits) -> Result<Bytes, Error>
where
    B: Body<Data = Bytes> + Unpin,
{
    read(head, body, limits, || json_fits(&head.method, &head.headers)).await
}

/// Reads a body of any type.
pub(crate) async fn bytes<B>(head: &Parts, body: &mut B, limits: BodyLimits) -> Result<Bytes, Error>
where
    B: Body<Data = Bytes> + Unpin,
{
    read(head, body, limits, || plain(&head.headers)).await
}

/// The type of a body as its client names it; empty where it names none.
pub(crate) fn content_type(headers: &HeaderMap) -> Result<&str, Error> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    match (types.next().map(HeaderValue::to_str), types.next()) {
        (None, _) => Ok(""),
        (Some(Ok(only)), None) => Ok(only),
        _ => Err(Error::new(Reason::UnsupportedMediaType, "Content-Type must name one media type.")),
    }
}

/// Refuses a body where none belongs.
pub(crate) async fn none<B>(head: &Parts, body: &mut B, limits: BodyLimits) -> Result<(), Error>
where
    B: Body<Data = Bytes> + Unpin,
{
    let refuse = || Err(Error::new(Reason::InvalidArgument, "This operation takes no request body."));
    read(head, body, limits, refuse).await.map(|_empty| ())
}

/// Reads a body. `fits` is asked as soon as it is known not to be empty: by its length before a byte
/// is read, else when the first arrives.
async fn read<B>(
    head: &Parts,
    body: &mut B,
    limits: BodyLimits,
    fits: impl Fn() -> Result<(), Error>,
) -> Result<Bytes, Error>
where
    B: Body<Data = Bytes> + Unpin,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    check_length(body, limits.bytes, &fits)?;
    match tokio::time::timeout(limits.time, collect(head.version, body, limits.bytes, fits)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(too_slow()),
    }
}

/// What the length that the head names says already.
fn check_length<B: Body>(body: &B, limit: usize, fits: impl Fn() -> Result<(), Error>) -> Result<(), Error> {
    let length = body.size_hint().lower();
    if length > 0 {
        fits()?;
    }
    if length > limit as u64 { Err(too_large(limit)) } else { Ok(()) }
}

async fn collect<B>(
    version: Version,
    body: &mut B,
    limit: usize,
    fits: impl Fn() -> Result<(), Error>,
) -> Result<Bytes, Error>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut whole = Bytes::new();
    let mut pieces: Option<BytesMut> = None;
    while let Some(data) = next(version, body).await? {
        let so_far = pieces.as_ref().map_or(whole.len(), BytesMut::len);
        if so_far == 0 {
            fits()?;
        }
        if so_far + data.len() > limit {
            return Err(too_large(limit));
        }
        match &mut pieces {
            Some(pieces) => pieces.extend_from_slice(&data),
            // The usual body is one piece and is never copied.
            None if whole.is_empty() => whole = data,
            None => {
                let mut joined = BytesMut::with_capacity((2 * (whole.len() + data.len())).min(limit));
                joined.extend_from_slice(&whole);
                joined.extend_from_slice(&data);
                pieces = Some(joined);
            }
        }
    }
    Ok(pieces.map_or(whole, BytesMut::freeze))
}

/// The next bytes of a body, never none at all. `None` at its end.
async fn next<B>(version: Version, body: &mut B) -> Result<Option<Bytes>, Error>
where
    B: Body<Data = Bytes> + Unpin,
{
    while let Some(frame) = body.frame().await {
        let cut_short = || Error::new(Reason::InvalidArgument, "The request body did not arrive whole.");
        match frame.map_err(|_| cut_short())?.into_data() {
            Ok(data) if data.is_empty() => {}
            Ok(data) => return Ok(Some(data)),
            // A section with pseudo-fields is malformed (RFC 9113, 8.1), and h2 has dropped them by now.
            Err(_trailers) if version == Version::HTTP_2 => {
                let message = "No operation takes trailers in HTTP/2.";
                return Err(Error::new(Reason::InvalidArgument, message));
            }
            // They say nothing to us.
            Err(_trailers) => {}
        }
    }
    Ok(None)
}

/// Reads on for a while after an answer that was given before the body was read.
pub(crate) async fn drain<B>(mut body: B)
where
    B: Body<Data = Bytes> + Unpin,
{
    let reading = async {
        let mut left = DRAIN_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let size = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(size) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    let _whoever_ends_first = tokio::time::timeout(DRAIN_TIME, reading).await;
}

fn too_large(limit: usize) -> Error {
    Error::new(Reason::BodyTooLarge, format!("The request body is over {limit} bytes."))
}

/// A body that does not come within its time.
pub(crate) fn too_slow() -> Error {
    Error::new(Reason::RequestTimeout, "The request body did not arrive in time.")
}

/// Whether a body is not compressed.
fn plain(headers: &HeaderMap) -> Result<(), Error> {
    let is_plain = |v: &HeaderValue| v.as_bytes().eq_ignore_ascii_case(b"identity");
    match headers.get_all(CONTENT_ENCODING).iter().all(is_plain) {
        true => Ok(()),
        false => {
            let message = "The request body must not be compressed.";
            Err(Error::new(Reason::UnsupportedMediaType, message))
        }
    }
}

fn json_fits(method: &Method, headers: &HeaderMap) -> Result<(), Error> {
    plain(headers)?;
    let unsupported = |message: &str| Err(Error::new(Reason::UnsupportedMediaType, message));
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let only = match (types.next(), types.next()) {
        (Some(only), None) => only.to_str().unwrap_or_default(),
        _ => "",
    };
    match is_json(only, method == Method::PATCH) {
        true => Ok(()),
        false if method == Method::PATCH => {
            unsupported("Content-Type must be application/json or application/merge-patch+json, in UTF-8.")
        }
        false => unsupported("Content-Type must be application/json, in UTF-8."),
    }
}

fn is_json(content_type: &str, patch: bool) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    let json = media.eq_ignore_ascii_case("application/json")
        || (patch && media.eq_ignore_ascii_case("application/merge-patch+json"));
    let utf8 = |parameter: &str| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            let value = value.trim().trim_matches('"');
            value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("utf8")
        }
        _ => true,
    };
    json && parts.all(utf8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};

    pub(super) const LIMITS: BodyLimits =
        BodyLimits { bytes: 10, upload_bytes: 20, time: Duration::from_secs(5) };

    pub(super) fn head(method: Method, fields: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).body(()).unwrap();
        for (name, value) in fields {
            request.headers_mut().append(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
        }
        request.into_parts().0
    }

    pub(super) fn chunked(pieces: &[&str]) -> impl Body<Data = Bytes, Error = &'static str> + Unpin {
        let pieces: Vec<_> = pieces
            .iter()
            .map(|p| match *p {
                "!" => Err("cut"),
                p => Ok(Frame::data(Bytes::copy_from_slice(p.as_bytes()))),
            })
            .collect();
        StreamBody::new(futures::stream::iter(pieces))
    }

    #[tokio::test]
    async fn bodies() {
        let ok = ("content-type", "application/json");
        for (what, fields, pieces, outcome) in [
            ("one piece", vec![ok], vec!["{}"], Ok("{}")),
            ("many pieces", vec![ok], vec!["{", "", "\"a\":1", "}"], Ok("{\"a\":1}")),
            ("exactly the limit", vec![ok], vec!["01234", "56789"], Ok("0123456789")),
            ("over the limit", vec![ok], vec!["01234", "56789", "0"], Err(Reason::BodyTooLarge)),
            ("over in one piece", vec![ok], vec!["01234567890"], Err(Reason::BodyTooLarge)),
            ("cut short", vec![ok], vec!["{", "!"], Err(Reason::InvalidArgument)),
            ("empty, no type", vec![], vec![], Ok("")),
            ("empty, other type", vec![("content-type", "text/plain")], vec!["", ""], Ok("")),
            ("no type", vec![], vec!["{}"], Err(Reason::UnsupportedMediaType)),
            ("two types", vec![ok, ok], vec!["{}"], Err(Reason::UnsupportedMediaType)),
            (
                "compressed",
                vec![ok, ("content-encoding", "gzip")],
                vec!["{}"],
                Err(Reason::UnsupportedMediaType),
            ),
            ("identity", vec![ok, ("content-encoding", "identity")], vec!["{}"], Ok("{}")),
        ] {
            let read = json(&head(Method::POST, &fields), &mut chunked(&pieces), LIMITS).await;
            assert_eq!(
                read.map_err(|e| e.reason),
                outcome.map(|s| Bytes::from_static(s.as_bytes())),
                "{what}"
            );
        }
    }

    #[tokio::test]
    async fn a_known_length_is_refused_unread_and_after_its_type() {
        let too_long = || Full::new(Bytes::from_static(b"01234567890"));
        let typed = head(Method::POST, &[("content-type", "application/json")]);
        let untyped = head(Method::POST, &[]);
        for (head, reason) in [(typed, Reason::BodyTooLarge), (untyped, Reason::UnsupportedMediaType)] {
            let mut body = too_long();
            assert_eq!(json(&head, &mut body, LIMITS).await.unwrap_err().reason, reason);
            assert!(!body.is_end_stream(), "nothing was read");
        }
    }

    #[tokio::test]
    async fn where_no_body_belongs_there_is_none() {
        let get = head(Method::GET, &[]);
        assert!(none(&get, &mut chunked(&[]), LIMITS).await.is_ok());
        assert!(none(&get, &mut chunked(&[""]), LIMITS).await.is_ok());
        assert_eq!(
            none(&get, &mut chunked(&["{}"]), LIMITS).await.unwrap_err().reason,
            Reason::InvalidArgument
        );
    }

    #[tokio::test]
    async fn trailers() {
        let frames = || {
            let data = Frame::data(Bytes::from_static(b"{}"));
            let frames = [data, Frame::trailers(HeaderMap::new())].map(Ok::<_, &'static str>);
            StreamBody::new(futures::stream::iter(frames))
        };
        for (version, outcome) in [(Version::HTTP_11, Ok(2)), (Version::HTTP_2, Err(Reason::InvalidArgument))]
        {
            let mut head = head(Method::POST, &[("content-type", "application/json")]);
            head.version = version;
            let read = json(&head, &mut frames(), LIMITS).await;
            assert_eq!(read.map(|body| body.len()).map_err(|e| e.reason), outcome, "{version:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stalls_is_given_up() {
        let stalled = futures::stream::pending::<Result<Frame<Bytes>, &'static str>>();
        let mut body = StreamBody::new(stalled);
        let head = head(Method::POST, &[("content-type", "application/json")]);
        assert_eq!(json(&head, &mut body, LIMITS).await.unwrap_err().reason, Reason::RequestTimeout);
        drain(body).await;
    }

    #[test]
    fn the_media_type_of_an_upload() {
        for (types, named) in
            [(&[][..], Some("")), (&["image/png"], Some("image/png")), (&["a/b", "c/d"], None)]
        {
            let fields: Vec<_> = types.iter().map(|value| ("content-type", *value)).collect();
            assert_eq!(content_type(&head(Method::POST, &fields).headers).ok(), named);
        }
    }

    #[test]
    fn content_types() {
        for (content_type, patch, fits) in [
            ("application/json", false, true),
            ("Application/JSON", false, true),
            ("application/json; charset=utf-8", false, true),
            ("application/json;charset=\"UTF-8\"", false, true),
            ("application/json; charset=latin1", false, false),
            ("application/json; profile=x", false, true),
            ("application/merge-patch+json", true, true),
            ("application/merge-patch+json", false, false),
            ("application/json-patch+json", true, false),
            ("text/json", false, false),
            ("application/x-www-form-urlencoded", false, false),
            ("", false, false),
        ] {
            assert_eq!(is_json(content_type, patch), fits, "{content_type} {patch}");
        }
    }
}
