//! `Idempotency-Key`: a call that takes effect once, however often it is sent. The service behind makes it so, in
//! the transaction of its change; here the header is read, and what it stands for is told to the service.

use bytes::Bytes;
use http::header::HeaderName;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use svc_core::error::{Error, Reason};
use svc_core::idempotency::RequestDigest;
use svc_core::policy::Rpc;
use svc_runtime::grpc::idempotency::digest_value;

use crate::routes::Route;
use crate::transcode::{RouteKind, Transcoder};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The longest key, in characters.
const MAX_LENGTH: usize = 255;

/// The key of a request whose operation takes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IdempotencyKey<'h>(&'h str);

impl IdempotencyKey<'_> {
    /// Reads the header. One that cannot be kept is refused: passing it over could make a change twice.
    pub(super) fn of<'h>(headers: &'h HeaderMap, route: &Route) -> Result<Option<IdempotencyKey<'h>>, Error> {
        let has_one_answer = matches!(route.kind(), RouteKind::Unary | RouteKind::Upload(_));
        taken(read(headers)?, &route.rpc, has_one_answer)
    }

    /// Reads the metadata of a call over gRPC, which has the header's name.
    pub(super) fn of_call<'h>(
        headers: &'h HeaderMap,
        rpc: &Rpc,
    ) -> Result<Option<IdempotencyKey<'h>>, Error> {
        taken(read(headers)?, rpc, !rpc.method.is_server_streaming())
    }

    /// What the service is told of this request, with the body as it was sent. Of one that is handed on as it comes, with
    /// what came before its bytes: the service adds those.
    pub(super) fn digest(self, head: &Parts, body: &[u8]) -> Option<HeaderValue> {
        let uri = &head.uri;
        digest_value(&RequestDigest::of(self.0, head.method.as_str(), uri.path(), uri.query(), body))
    }

    /// The same of a call over gRPC, whose path is the name of its RPC: by its message, or its first one where others
    /// follow. A client may write the same message in other bytes each time, so it is digested in one form.
    pub(super) async fn digest_of_call(
        self,
        head: &Parts,
        rpc: &Rpc,
        message: &Bytes,
        transcoder: &Transcoder,
    ) -> Result<Option<HeaderValue>, Error> {
        let canonical = transcoder.canonical(&rpc.method.input(), message.clone()).await?;
        Ok(self.digest(head, &canonical))
    }
}

/// The key that is there, where the operation takes one.
fn taken<'h>(
    key: Option<IdempotencyKey<'h>>,
    rpc: &Rpc,
    has_one_answer: bool,
) -> Result<Option<IdempotencyKey<'h>>, Error> {
    match (key, has_one_answer) {
        (None, _) => Ok(None),
        (Some(_), _) if !rpc.http.idempotent => Err(refused("This operation takes no Idempotency-Key.")),
        (Some(_), false) => Err(Error::unimplemented("The header Idempotency-Key on a stream")),
        (key, true) => Ok(key),
    }
}

fn read(headers: &HeaderMap) -> Result<Option<IdempotencyKey<'_>>, Error> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(refused("There is more than one Idempotency-Key."));
    }
    match value.to_str() {
        Ok(key) if (1..=MAX_LENGTH).contains(&key.len()) && !key.contains('\t') => {
            Ok(Some(IdempotencyKey(key)))
        }
        _ => Err(refused("Idempotency-Key must be 1 to 255 printable ASCII characters.")),
    }
}

fn refused(message: &str) -> Error {
    Error::new(Reason::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_key() {
        let longest = "k".repeat(MAX_LENGTH);
        let too_long = "k".repeat(MAX_LENGTH + 1);
        for (values, expected) in [
            (&[][..], Ok(None)),
            (&["k"], Ok(Some("k"))),
            (&["8e03978e-40d5-43dd-bc93-6894a57f9324"], Ok(Some("8e03978e-40d5-43dd-bc93-6894a57f9324"))),
            (&["\"quoted\""], Ok(Some("\"quoted\""))),
            (&["a b~!"], Ok(Some("a b~!"))),
            (&[longest.as_str()], Ok(Some(longest.as_str()))),
            (&[""], Err(())),
            (&[too_long.as_str()], Err(())),
            (&["a\tb"], Err(())),
            (&["é"], Err(())),
            (&["k", "k"], Err(())),
            (&["k", ""], Err(())),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(IDEMPOTENCY_KEY, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            let key = read(&headers).map(|key| key.map(|key| key.0));
            assert_eq!(key.map_err(|error| assert_eq!(error.reason, Reason::InvalidArgument)), expected);
        }
    }
}
