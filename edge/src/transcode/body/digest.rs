//! `Content-Digest` (RFC 9530): what a client says of its body is compared with what came.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use aws_lc_rs::digest::{self, SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use svc_core::error::{Error, Fault, Violation};

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
const FIELD: &str = "Content-Digest";
/// The one algorithm that is compared. What else is said is passed over, as RFC 9530 wants it.
const ALGORITHM: &str = "sha-256";

/// The SHA-256 that a body is to have. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ContentDigest {
    said: Vec<u8>,
    so_far: Arc<Mutex<digest::Context>>,
}

impl ContentDigest {
    /// What the head says of its body, if it says it by an algorithm that we know.
    ///
    /// # Errors
    /// `invalid_argument` when it is not in its form: passing it over could take what the client wants refused.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Option<ContentDigest>, Error> {
        let mut said = None;
        for line in headers.get_all(CONTENT_DIGEST) {
            let line = line.to_str().map_err(|_| malformed())?;
            for member in line.split(',').map(str::trim) {
                let (algorithm, value) = member.split_once('=').ok_or_else(malformed)?;
                if !algorithm.eq_ignore_ascii_case(ALGORITHM) {
                    continue;
                }
                let value =
                    value.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')).ok_or_else(malformed)?;
                let value = STANDARD.decode(value).map_err(|_| malformed())?;
                // The last of several counts (RFC 8941, 3.2).
                said = Some(value).filter(|value| value.len() == SHA256.output_len());
                if said.is_none() {
                    return Err(malformed());
                }
            }
        }
        let so_far = || Arc::new(Mutex::new(digest::Context::new(&SHA256)));
        Ok(said.map(|said| ContentDigest { said, so_far: so_far() }))
    }

    /// Once the body was read.
    ///
    /// # Errors
    /// `invalid_argument` when it is another one.
    pub(crate) fn check(self) -> Result<(), Error> {
        let found = self.so_far.lock().clone().finish();
        match found.as_ref() == self.said {
            true => Ok(()),
            false => {
                let message = "The body is not the one of which `Content-Digest` is.";
                Err(Error::invalid(vec![Violation::new(FIELD, Fault::Invalid, message)]))
            }
        }
    }
}

fn malformed() -> Error {
    let message = "`Content-Digest` must be as in `sha-256=:` base64 `:` (RFC 9530).";
    Error::invalid(vec![Violation::new(FIELD, Fault::Invalid, message)])
}

/// A body whose digest is taken while it is read, where it is to be known.
pub(crate) struct Digested<B> {
    inner: B,
    digest: Option<ContentDigest>,
}

impl<B> Digested<B> {
    pub(crate) fn new(inner: B, digest: Option<&ContentDigest>) -> Digested<B> {
        Digested { inner, digest: digest.cloned() }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Digested<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        if let (Poll::Ready(Some(Ok(frame))), Some(digest)) = (&polled, &self.digest)
            && let Some(data) = frame.data_ref()
        {
            digest.so_far.lock().update(data);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http_body_util::BodyExt;
    use svc_core::error::Reason;

    use super::super::tests::chunked;
    use super::*;

    /// Of `abc`.
    const ABC: &str = "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:";
    const OTHER: &str = "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:";

    #[tokio::test]
    async fn a_body_is_the_one_that_its_head_names() {
        let both = format!("sha-512=:AA==:, {ABC}");
        for (lines, outcome) in [
            (vec![], Ok(())),
            (vec![ABC], Ok(())),
            (vec![both.as_str()], Ok(())),
            (vec!["sha-512=:AA==:"], Ok(())),
            (vec![OTHER, ABC], Ok(())),
            (vec![OTHER], Err(Reason::InvalidArgument)),
            (vec![ABC, OTHER], Err(Reason::InvalidArgument)),
            (vec![""], Err(Reason::InvalidArgument)),
            (vec!["sha-256"], Err(Reason::InvalidArgument)),
            (vec!["sha-256=ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="], Err(Reason::InvalidArgument)),
            (vec!["sha-256=:!:"], Err(Reason::InvalidArgument)),
            (vec!["sha-256=:AA==:"], Err(Reason::InvalidArgument)),
            (vec!["sha-256=:é:"], Err(Reason::InvalidArgument)),
        ] {
            let mut headers = HeaderMap::new();
            for line in &lines {
                headers.append(CONTENT_DIGEST, HeaderValue::from_bytes(line.as_bytes()).unwrap());
            }
            let checked = async {
                let digest = ContentDigest::of(&headers)?;
                let mut body = Digested::new(chunked(&["a", "", "bc"]), digest.as_ref());
                while let Some(frame) = body.frame().await {
                    frame.unwrap();
                }
                digest.map_or(Ok(()), ContentDigest::check)
            };
            let checked = checked.await.map_err(|error: Error| error.reason);
            assert_eq!(checked, outcome, "{lines:?}");
        }
    }
}
