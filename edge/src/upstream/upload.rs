//! Calls with a stream of messages.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::Stream;
use svc_core::error::Error;
use svc_runtime::grpc::codec::RawOrFailed;
use tokio::sync::mpsc;
use tokio::time::timeout_at;
use tonic::Status;

use super::refused::refused;
use super::{Call, Reply};
use crate::answer::Refusal;

/// Messages that wait for the connection.
const WAITING: usize = 1;

/// Sends the messages of an upload, no faster than the service takes them.
pub(crate) struct UploadSender(mpsc::Sender<Piece>);

/// The messages of an upload, as they are sent.
pub(crate) struct UploadMessages {
    pieces: mpsc::Receiver<Piece>,
    ended: bool,
}

enum Piece {
    Message(Bytes),
    /// That was all. Whoever stops without saying so has failed.
    End,
}

/// Both ends of an upload.
pub(crate) fn upload_channel() -> (UploadSender, UploadMessages) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (UploadSender(sender), UploadMessages { pieces: receiver, ended: false })
}

/// Calls one RPC. It is made once: what was sent cannot be sent again.
pub(crate) async fn upload(call: Call<'_>, messages: UploadMessages) -> Result<Reply, Refusal> {
    let upstream = call.method.upstream();
    let request = call.request(messages, upstream);
    let mut client = super::client(upstream.clone());
    let answer = async {
        client.ready().await.map_err(Status::from_error)?;
        client.client_streaming(request, call.method.path().clone(), RawOrFailed).await
    };
    match timeout_at(call.ends, answer).await {
        Ok(Ok(response)) => Ok(call.reply(response)),
        Ok(Err(status)) => Err(refused(status, call.has_principal())),
        Err(_) => Err(Error::deadline_exceeded().into()),
    }
}

impl UploadSender {
    /// Sends one. Never returns once the service takes no more: then only its answer counts.
    pub(crate) async fn send(&self, message: Bytes) {
        self.hand_over(Piece::Message(message)).await;
    }

    /// That was all.
    pub(crate) async fn end(self) {
        self.hand_over(Piece::End).await;
    }

    async fn hand_over(&self, piece: Piece) {
        if self.0.send(piece).await.is_err() {
            std::future::pending().await
        }
    }
}

impl Stream for UploadMessages {
    type Item = Result<Bytes, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        match ready!(self.pieces.poll_recv(cx)) {
            Some(Piece::Message(message)) => Poll::Ready(Some(Ok(message))),
            Some(Piece::End) => {
                self.ended = true;
                Poll::Ready(None)
            }
            None => {
                self.ended = true;
                Poll::Ready(Some(Err(Status::cancelled("the upload did not arrive whole"))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;

    use super::*;

    #[tokio::test]
    async fn an_upload_ends_well_only_when_it_says_so() {
        for says_so in [true, false] {
            let (sender, messages) = upload_channel();
            let sending = async {
                sender.send(Bytes::from_static(b"a")).await;
                if says_so {
                    sender.end().await;
                }
            };
            let (sent, ()) = tokio::join!(messages.collect::<Vec<_>>(), sending);
            assert_eq!(sent[0].as_ref().unwrap(), "a");
            assert_eq!(sent.get(1).is_some_and(Result::is_err), !says_so, "{sent:?}");
        }
    }
}
