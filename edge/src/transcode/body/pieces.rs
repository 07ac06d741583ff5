//! Bodies that are handed on in pieces, as they come.

use bytes::Bytes;
use http::request::Parts;
use http_body::Body;
use svc_core::error::Error;

use super::{BodyLimits, check_length, next, plain, too_large, too_slow};

/// The largest piece of an upload that is handed on at once. What a client sends faster than its service reads
/// waits on the client's side.
pub(super) const PIECE: usize = 64 * 1024;

/// A body of any type that is read piece by piece.
pub(crate) struct BodyPieces<'b, B> {
    head: &'b Parts,
    body: &'b mut B,
    limits: BodyLimits,
    /// What was read and not handed on.
    rest: Bytes,
    read: usize,
}

impl<'b, B> BodyPieces<'b, B>
where
    B: Body<Data = Bytes> + Unpin,
{
    /// The pieces of a body, once it is known from its head that it may come.
    pub(crate) fn of(
        head: &'b Parts,
        body: &'b mut B,
        limits: BodyLimits,
    ) -> Result<BodyPieces<'b, B>, Error> {
        check_length(body, limits.upload_bytes, || plain(&head.headers))?;
        Ok(BodyPieces { head, body, limits, rest: Bytes::new(), read: 0 })
    }

    /// The next piece, at most [`PIECE`] bytes. `None` at the end of the body.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if self.rest.is_empty() {
            let arrives = tokio::time::timeout(self.limits.time, next(self.head.version, self.body));
            let Some(data) = arrives.await.map_err(|_| too_slow())?? else { return Ok(None) };
            if self.read == 0 {
                plain(&self.head.headers)?;
            }
            self.read += data.len();
            if self.read > self.limits.upload_bytes {
                return Err(too_large(self.limits.upload_bytes));
            }
            self.rest = data;
        }
        Ok(Some(self.rest.split_to(self.rest.len().min(PIECE))))
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};
    use svc_core::error::Reason;

    use super::super::tests::{LIMITS, chunked, head};
    use super::*;

    #[tokio::test]
    async fn uploads_come_in_bounded_pieces() {
        let sent = [vec![1; 3], vec![2; 2 * PIECE + 1], vec![3; PIECE]];
        let frames = sent.clone().map(|data| Ok::<_, &'static str>(Frame::data(Bytes::from(data))));
        let mut body = StreamBody::new(futures::stream::iter(frames));
        let limits = LIMITS.with_upload(sent.iter().map(Vec::len).sum());
        let head = head(Method::POST, &[]);
        let mut pieces = BodyPieces::of(&head, &mut body, limits).unwrap();
        let mut got = Vec::new();
        while let Some(piece) = pieces.next().await.unwrap() {
            assert!((1..=PIECE).contains(&piece.len()));
            got.extend_from_slice(&piece);
        }
        assert_eq!(got, sent.concat());
    }

    #[tokio::test]
    async fn uploads_are_refused_as_other_bodies_are() {
        let gzip = ("content-encoding", "gzip");
        for (what, fields, pieces, outcome) in [
            ("any type", vec![("content-type", "image/png")], vec!["01", "23"], Ok(4)),
            ("exactly the limit", vec![], vec!["0123456789", "abcdefghij"], Ok(20)),
            ("over the limit", vec![], vec!["0123456789", "abcdefghij", "k"], Err(Reason::BodyTooLarge)),
            ("cut short", vec![], vec!["0", "!"], Err(Reason::InvalidArgument)),
            ("nothing", vec![gzip], vec![""], Ok(0)),
            ("compressed", vec![gzip], vec!["0"], Err(Reason::UnsupportedMediaType)),
        ] {
            let mut body = chunked(&pieces);
            let head = head(Method::POST, &fields);
            let mut pieces = BodyPieces::of(&head, &mut body, LIMITS).unwrap();
            let mut read = Ok(0);
            while let Ok(so_far) = read {
                match pieces.next().await {
                    Ok(Some(piece)) => read = Ok(so_far + piece.len()),
                    Ok(None) => break,
                    Err(error) => read = Err(error.reason),
                }
            }
            assert_eq!(read, outcome, "{what}");
        }
        for (fields, reason) in [(&[][..], Reason::BodyTooLarge), (&[gzip], Reason::UnsupportedMediaType)] {
            let mut known = Full::new(Bytes::from_static(b"0123456789abcdefghijk"));
            let refused = BodyPieces::of(&head(Method::POST, fields), &mut known, LIMITS).map(|_| ());
            assert_eq!(refused.unwrap_err().reason, reason);
        }
    }
}
