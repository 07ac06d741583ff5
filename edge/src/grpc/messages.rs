//! The messages of a request, as they come.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use futures::Stream;
use http_body::Body;
use svc_core::error::{Error, Reason};
use svc_runtime::grpc::MAX_MESSAGE;
use tonic::Status;

use super::Protocol;
use super::frames::PREFIX;
use super::text::TextDecoder;

/// The flag of a message that is compressed.
const COMPRESSED: u8 = 1;

/// Reads the messages of a body.
pub(crate) struct Messages<B> {
    body: B,
    text: Option<TextDecoder>,
    /// What came and is not yet a message: at most one that is not whole, and what came with it.
    buffer: BytesMut,
    /// How many bytes are still read.
    left: usize,
}

impl<B> Messages<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    /// The messages of a body, of which `most` bytes are read.
    pub(crate) fn of(protocol: Protocol, body: B, most: usize) -> Messages<B> {
        let text = (protocol == Protocol::WebText).then(TextDecoder::default);
        Messages { body, text, buffer: BytesMut::new(), left: most }
    }

    /// The first message of a stream. `None` where there is none.
    pub(crate) async fn first(&mut self) -> Result<Option<Bytes>, Error> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// The one message of an RPC that takes no stream.
    pub(crate) async fn only(mut self) -> Result<Bytes, Error> {
        let first = self.first().await?.ok_or_else(|| malformed("The call has no message."))?;
        match poll_fn(|cx| self.poll(cx)).await? {
            None => Ok(first),
            Some(_) => Err(malformed("This RPC takes one message.")),
        }
    }

    /// The next message. `None` at the end.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        loop {
            if let Some(message) = self.whole()? {
                return Poll::Ready(Ok(Some(message)));
            }
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else {
                let is_whole = self.buffer.is_empty() && self.text.as_ref().is_none_or(TextDecoder::is_whole);
                return Poll::Ready(if is_whole { Ok(None) } else { Err(cut_short()) });
            };
            // Trailers of a request say nothing to us.
            let Ok(data) = frame.map_err(|_| cut_short())?.into_data() else { continue };
            let before = self.buffer.len();
            match &mut self.text {
                None => self.buffer.extend_from_slice(&data),
                Some(text) => {
                    let decoded = text.decode(&data, &mut self.buffer);
                    decoded.map_err(|_| malformed("The request body is not base64."))?;
                }
            }
            let came = self.buffer.len() - before;
            self.left = self.left.checked_sub(came).ok_or_else(too_large)?;
        }
    }

    /// Takes a message out of what came, if there is a whole one.
    fn whole(&mut self) -> Result<Option<Bytes>, Error> {
        let Some(&[flag, a, b, c, d]) = self.buffer.first_chunk::<PREFIX>() else { return Ok(None) };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        match flag {
            0 => {}
            COMPRESSED => {
                return Err(Error::new(Reason::Unimplemented, "Messages must not be compressed."));
            }
            _ => return Err(malformed("The request body is not framed as messages.")),
        }
        // Before there is memory for it.
        if length > MAX_MESSAGE {
            return Err(Error::new(Reason::BodyTooLarge, format!("A message is over {MAX_MESSAGE} bytes.")));
        }
        if self.buffer.len() < PREFIX + length {
            return Ok(None);
        }
        self.buffer.advance(PREFIX);
        Ok(Some(self.buffer.split_to(length).freeze()))
    }
}

fn malformed(message: &str) -> Error {
    Error::new(Reason::InvalidArgument, message)
}

fn cut_short() -> Error {
    malformed("The request body did not arrive whole.")
}

fn too_large() -> Error {
    Error::new(Reason::BodyTooLarge, "The messages of the call are too large together.")
}

/// Why the messages of a call did not come to their end, if they did not.
pub(crate) type Fault = Arc<OnceLock<Error>>;

/// The messages of a call as a stream. One that fails fails the call behind, so that no service takes what came for
/// all of it, and is told in the fault.
pub(crate) struct MessageStream<B> {
    /// The first one, where it was looked at before the others.
    first: Option<Bytes>,
    messages: Option<Messages<B>>,
    fault: Fault,
}

impl<B> MessageStream<B> {
    /// Of these messages, and before them the one that was taken out of them.
    pub(crate) fn new(messages: Messages<B>, first: Option<Bytes>) -> MessageStream<B> {
        MessageStream { first, messages: Some(messages), fault: Fault::default() }
    }

    pub(crate) fn fault(&self) -> Fault {
        self.fault.clone()
    }
}

impl<B> Stream for MessageStream<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    type Item = Result<Bytes, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Status>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let Some(messages) = &mut self.messages else { return Poll::Ready(None) };
        let next = ready!(messages.poll(cx));
        if !matches!(next, Ok(Some(_))) {
            self.messages = None;
        }
        Poll::Ready(next.transpose().map(|message| {
            message.map_err(|error| {
                let status = Status::cancelled(error.message.clone());
                // Set once: nothing follows it.
                let _ = self.fault.set(error);
                status
            })
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use futures::StreamExt;
    use http_body::Frame;
    use http_body_util::StreamBody;

    fn body(bytes: &[u8], piece: usize) -> impl Body<Data = Bytes, Error = &'static str> + Unpin + use<> {
        let pieces: Vec<_> =
            bytes.chunks(piece).map(|p| Ok(Frame::data(Bytes::copy_from_slice(p)))).collect();
        StreamBody::new(futures::stream::iter(pieces))
    }

    fn framed(message: &[u8]) -> Vec<u8> {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[0], &length[..], message].concat()
    }

    #[tokio::test]
    async fn messages_however_they_are_cut() {
        let long = vec![7; 40_000];
        let sent = [framed(b"one"), framed(b""), framed(&long)].concat();
        let text = [STANDARD.encode(&sent[..5]), STANDARD.encode(&sent[5..])].concat();
        for (protocol, bytes) in [(Protocol::Grpc, sent.clone()), (Protocol::WebText, text.into_bytes())] {
            for piece in [1, 4, 5, 7, 1_000, 1_000_000] {
                for looks_at_first in [false, true] {
                    let mut messages = Messages::of(protocol, body(&bytes, piece), usize::MAX);
                    let first = if looks_at_first { messages.first().await.unwrap() } else { None };
                    let stream = MessageStream::new(messages, first);
                    let fault = stream.fault();
                    let got: Vec<_> = stream.map(Result::unwrap).collect().await;
                    assert_eq!(got, [&b"one"[..], b"", &long], "{protocol:?} by {piece}");
                    assert!(fault.get().is_none());
                }
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_call_is_refused() {
        use Reason::{BodyTooLarge as TooLarge, InvalidArgument as Invalid, Unimplemented};
        let one = framed(b"one");
        for (what, protocol, bytes, refused) in [
            ("one message", Protocol::Grpc, one.clone(), None),
            ("none", Protocol::Grpc, vec![], Some(Invalid)),
            ("two", Protocol::Grpc, [one.clone(), one.clone()].concat(), Some(Invalid)),
            ("half a prefix", Protocol::Grpc, one[..3].to_vec(), Some(Invalid)),
            ("half a message", Protocol::Grpc, one[..7].to_vec(), Some(Invalid)),
            ("a length that lies", Protocol::Grpc, [&[0, 0, 0, 0, 9], &one[5..]].concat(), Some(Invalid)),
            ("more than any may have", Protocol::Grpc, vec![0, 0x7f, 0, 0, 0], Some(TooLarge)),
            ("compressed", Protocol::Grpc, [&[1], &one[1..]].concat(), Some(Unimplemented)),
            ("trailers", Protocol::Web, [&[0x80], &one[1..]].concat(), Some(Invalid)),
            ("JSON", Protocol::Web, b"{\"agentId\": \"x\"}".to_vec(), Some(Invalid)),
            ("text", Protocol::WebText, STANDARD.encode(&one).into_bytes(), None),
            ("text that is cut short", Protocol::WebText, b"AAAAA".to_vec(), Some(Invalid)),
            ("no text", Protocol::WebText, one.clone(), Some(Invalid)),
            ("more than is read", Protocol::Grpc, framed(&[0; 100]), Some(TooLarge)),
        ] {
            let read = Messages::of(protocol, body(&bytes, 6), 50).only().await;
            assert_eq!(read.err().map(|error| error.reason), refused, "{what}");
        }
    }

    #[tokio::test]
    async fn a_stream_that_fails_says_why_and_ends() {
        let mut stream = MessageStream::new(Messages::of(Protocol::Grpc, body(&[0, 0, 0], 9), 50), None);
        let fault = stream.fault();
        assert!(stream.next().await.unwrap().is_err());
        assert_eq!(fault.get().unwrap().reason, Reason::InvalidArgument);
        assert!(stream.next().await.is_none());
    }
}
