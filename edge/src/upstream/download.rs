//! Calls that are answered by a stream of messages.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_RANGE;
use svc_core::error::Error;
use svc_runtime::grpc::CallOptions;
use svc_runtime::grpc::codec::Raw;
use tokio::time::{Instant, timeout, timeout_at};
use tonic::{Status, Streaming};

use super::Call;
use super::refused::refused;
use crate::answer::Refusal;

/// How long the first message is waited for once the service has answered the call. An answer that begins later
/// has its head by then, so that a client knows that it is heard.
const FIRST_MESSAGE: Duration = Duration::from_secs(1);

/// The messages that answer a call. They come as fast as they are asked for, and dropping this cancels the call.
pub(crate) struct MessageStream {
    /// What the service says before its first message.
    pub(crate) metadata: HeaderMap,
    first: Option<Bytes>,
    others: Streaming<Bytes>,
    ends: Instant,
    has_principal: bool,
}

/// Calls one RPC, and waits for its first message for a moment: until then it can fail as any other call.
pub(crate) async fn download(call: Call<'_>, message: Bytes) -> Result<MessageStream, Refusal> {
    let has_principal = call.has_principal();
    let opened =
        call.method.upstream().call_with(CallOptions { ends: call.ends, safe: call.safe }, |upstream| {
            let request = call.request(message.clone(), &upstream);
            let (mut client, path) = (super::client(upstream), call.method.path().clone());
            async move {
                client.ready().await.map_err(Status::from_error)?;
                let response = client.server_streaming(request, path, Raw).await?;
                let (metadata, mut messages, _) = response.into_parts();
                let first = timeout(FIRST_MESSAGE, messages.message()).await;
                Ok((metadata.into_headers(), first.unwrap_or(Ok(None))?, messages))
            }
        });
    match opened.await {
        Ok((metadata, first, others)) => {
            Ok(MessageStream { metadata, first, others, ends: call.ends, has_principal })
        }
        Err(status) => {
            let range = status.metadata().as_ref().get(CONTENT_RANGE).cloned();
            Err(refused(status, has_principal).with_range(range))
        }
    }
}

impl MessageStream {
    /// The next message. `None` at the end.
    ///
    /// # Errors
    /// What the service says of the end, and `deadline_exceeded` when the deadline of the call is over.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        match timeout_at(self.ends, self.others.message()).await {
            Ok(next) => next.map_err(|status| refused(status, self.has_principal)),
            Err(_) => Err(Error::deadline_exceeded().into()),
        }
    }
}
