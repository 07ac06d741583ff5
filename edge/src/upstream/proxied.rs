//! Calls whose messages are handed on as they are, both ways, with what the service says of them.

use bytes::Bytes;
use futures::Stream;
use http::HeaderMap;
use svc_core::error::Error;
use svc_runtime::grpc::codec::{Raw, RawOrFailed};
use svc_runtime::grpc::{CallOptions, idempotency};
use tokio::time::{Instant, timeout_at};
use tonic::{Status, Streaming};

use super::Call;
use super::refused::word_for_word;
use crate::answer::Refusal;

/// The answer to a call. Its messages come as fast as they are asked for, and dropping this cancels the call.
pub(crate) struct Proxied {
    /// What the service says before its first message.
    pub(crate) metadata: HeaderMap,
    /// It is the answer of an earlier call with the same `Idempotency-Key`.
    pub(crate) replayed: bool,
    first: Option<Bytes>,
    /// `None` where there is one message only, and nothing after it.
    others: Option<Streaming<Bytes>>,
    ends: Instant,
    has_principal: bool,
}

/// Calls an RPC with one message. Where it answers with one, that is waited for: until then the call may be made
/// once more where that helps, as any other.
pub(crate) async fn proxy_message(
    call: Call<'_>,
    message: Bytes,
    is_stream: bool,
) -> Result<Proxied, Refusal> {
    let (ends, has_principal, is_once) = (call.ends, call.has_principal(), call.once.is_some());
    let opened = match !is_stream && call.method.upstream().is_in_process() {
        true => one_by_bytes(&call, message).await,
        false => open(&call, message, is_stream).await,
    };
    match opened {
        Ok((metadata, first, others)) => {
            let replayed = is_once && idempotency::is_replayed(&metadata);
            Ok(Proxied { metadata, replayed, first, others, ends, has_principal })
        }
        Err(status) => Err(word_for_word(status, has_principal)),
    }
}

type Opened = (HeaderMap, Option<Bytes>, Option<Streaming<Bytes>>);

/// Within the process a message needs no frame, and what its service says of it comes with it.
async fn one_by_bytes(call: &Call<'_>, message: Bytes) -> Result<Opened, Status> {
    let (metadata, message, _) = call.method.call(call.of(message), call.safe).await?.into_parts();
    Ok((metadata.into_headers(), Some(message), None))
}

async fn open(call: &Call<'_>, message: Bytes, is_stream: bool) -> Result<Opened, Status> {
    let (options, method) = (CallOptions { ends: call.ends, safe: call.safe }, call.method);
    let opened = method.upstream().call_with(options, |upstream| {
        let request = call.request(tokio_stream::once(message.clone()), &upstream);
        let (mut client, path) = (super::client(upstream), method.path().clone());
        async move {
            client.ready().await.map_err(Status::from_error)?;
            let (metadata, mut messages, _) = client.streaming(request, path, Raw).await?.into_parts();
            let first = if is_stream { None } else { messages.message().await? };
            Ok((metadata.into_headers(), first, Some(messages)))
        }
    });
    opened.await
}

/// Calls an RPC with a stream of messages. It is made once: what was sent cannot be sent again.
pub(crate) async fn proxy_stream(
    call: Call<'_>,
    messages: impl Stream<Item = Result<Bytes, Status>> + Send + 'static,
) -> Result<Proxied, Refusal> {
    let (ends, has_principal, is_once) = (call.ends, call.has_principal(), call.once.is_some());
    let upstream = call.method.upstream();
    let request = call.request(messages, upstream);
    let mut client = super::client(upstream.clone());
    let answer = async {
        client.ready().await.map_err(Status::from_error)?;
        client.streaming(request, call.method.path().clone(), RawOrFailed).await
    };
    match timeout_at(ends, answer).await {
        Ok(Ok(response)) => {
            let (metadata, others, _) = response.into_parts();
            let metadata = metadata.into_headers();
            let replayed = is_once && idempotency::is_replayed(&metadata);
            Ok(Proxied { metadata, replayed, first: None, others: Some(others), ends, has_principal })
        }
        Ok(Err(status)) => Err(word_for_word(status, has_principal)),
        Err(_) => Err(Error::deadline_exceeded().into()),
    }
}

impl Proxied {
    /// The next message. `None` at the end.
    ///
    /// # Errors
    /// What the service says of the end, and `deadline_exceeded` when the deadline of the call is over.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let Some(others) = &mut self.others else { return Ok(None) };
        match timeout_at(self.ends, others.message()).await {
            Ok(next) => next.map_err(|status| word_for_word(status, self.has_principal)),
            Err(_) => Err(Error::deadline_exceeded().into()),
        }
    }

    /// What the service says after its last message, once that was read.
    pub(crate) async fn trailers(&mut self) -> Result<HeaderMap, Refusal> {
        let Some(others) = &mut self.others else { return Ok(HeaderMap::new()) };
        let trailers = others.trailers().await;
        let trailers = trailers.map_err(|status| word_for_word(status, self.has_principal))?;
        Ok(trailers.map(|trailers| trailers.into_headers()).unwrap_or_default())
    }
}
