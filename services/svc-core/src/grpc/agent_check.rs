//! Refuses a message that names another agent than the principal's, before any handler sees it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use tonic::Status;
use tonic::body::Body;

use crate::error::{Error, Reason};

/// The header of a gRPC message: a compression flag and the length, big-endian.
const HEADER: usize = 5;
/// What a handler decodes at the most; a longer message is refused there.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;

/// The agent that the first message of a call must name, or leave empty.
#[derive(Debug)]
pub(super) struct AgentCheck {
    field: u32,
    agent: String,
}

impl AgentCheck {
    pub(super) fn new(field: u32, agent: &str) -> AgentCheck {
        AgentCheck { field, agent: agent.to_owned() }
    }

    /// The body, which fails when its first message names another agent.
    pub(super) fn over(self, body: Body) -> Body {
        Body::new(Checked { inner: body, pending: Some((self, BytesMut::new())) })
    }

    fn check(&self, message: &[u8]) -> Result<(), Status> {
        match last_string(message, self.field) {
            None => Ok(()),
            Some(agent) if agent.is_empty() || agent == self.agent.as_bytes() => Ok(()),
            Some(_) => Err(agent_mismatch().into()),
        }
    }
}

/// The request names another agent than the key's, whether or not it exists.
fn agent_mismatch() -> Error {
    Error::new(Reason::AgentMismatch, "This API key is for another agent.")
}

/// The last occurrence of a length-delimited field. A malformed message has none: decoding refuses it.
fn last_string(mut message: &[u8], field: u32) -> Option<&[u8]> {
    let mut found = None;
    while message.has_remaining() {
        let (number, wire_type) = decode_key(&mut message).ok()?;
        if number != field || wire_type != WireType::LengthDelimited {
            skip_field(wire_type, number, &mut message, DecodeContext::default()).ok()?;
            continue;
        }
        let length = usize::try_from(decode_varint(&mut message).ok()?).ok()?;
        let (value, rest) = message.split_at_checked(length)?;
        found = Some(value);
        message = rest;
    }
    found
}

struct Checked {
    inner: Body,
    /// The check and what came of the first message, until that is whole.
    pending: Option<(AgentCheck, BytesMut)>,
}

impl http_body::Body for Checked {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        loop {
            let frame = ready!(Pin::new(&mut this.inner).poll_frame(cx));
            let Some((check, buffer)) = &mut this.pending else { return Poll::Ready(frame) };
            let data = match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                Some(Err(status)) => return Poll::Ready(Some(Err(status))),
                None if buffer.is_empty() => return Poll::Ready(None),
                // Cut short: the handler refuses it.
                None => {
                    let rest = buffer.split().freeze();
                    this.pending = None;
                    return Poll::Ready(Some(Ok(Frame::data(rest))));
                }
            };
            // The usual case needs no copy: the first message comes in one piece.
            let data = match buffer.is_empty() {
                true => data,
                false => {
                    buffer.extend_from_slice(&data);
                    buffer.split().freeze()
                }
            };
            match first_message(&data) {
                First::Whole(message) => {
                    let verdict = check.check(message);
                    this.pending = None;
                    return Poll::Ready(Some(verdict.map(|()| Frame::data(data))));
                }
                First::Refused => {
                    this.pending = None;
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                First::Partial => buffer.extend_from_slice(&data),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pending.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

enum First<'a> {
    Whole(&'a [u8]),
    Partial,
    /// Compressed or too long: the handler refuses it, since it accepts neither.
    Refused,
}

fn first_message(data: &[u8]) -> First<'_> {
    let Some((header, rest)) = data.split_at_checked(HEADER) else { return First::Partial };
    let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
    if header[0] != 0 || length > MAX_MESSAGE {
        return First::Refused;
    }
    rest.get(..length).map_or(First::Partial, First::Whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, StreamBody};
    use keyward_proto::auth::v1::GetApiKeyRequest;
    use prost::Message;

    fn framed(agent: &str) -> Vec<u8> {
        let message = GetApiKeyRequest { agent_id: agent.to_owned(), id: "x".to_owned() }.encode_to_vec();
        let mut framed = vec![0];
        framed.extend_from_slice(&(message.len() as u32).to_be_bytes());
        framed.extend_from_slice(&message);
        framed
    }

    async fn through(bytes: &[u8], piece: usize) -> Result<Bytes, Status> {
        let pieces: Vec<_> =
            bytes.chunks(piece).map(|c| Ok::<_, Status>(Frame::data(Bytes::copy_from_slice(c)))).collect();
        let body = Body::new(StreamBody::new(futures::stream::iter(pieces)));
        Ok(AgentCheck::new(1, "mine").over(body).collect().await?.to_bytes())
    }

    #[tokio::test]
    async fn another_agent_never_reaches_the_handler_however_it_is_cut() {
        for piece in [1, 2, 5, 6, 1_000] {
            for agent in ["mine", ""] {
                assert_eq!(through(&framed(agent), piece).await.unwrap(), framed(agent));
            }
            let status = through(&framed("theirs"), piece).await.unwrap_err();
            assert_eq!(Error::from(status).reason, Reason::AgentMismatch);
        }
    }

    #[tokio::test]
    async fn a_field_written_twice_counts_by_its_last_value() {
        let mut doubled = GetApiKeyRequest { agent_id: "mine".to_owned(), id: String::new() }.encode_to_vec();
        doubled.extend(GetApiKeyRequest { agent_id: "theirs".to_owned(), id: String::new() }.encode_to_vec());
        assert!(AgentCheck::new(1, "mine").check(&doubled).is_err());
        assert!(AgentCheck::new(1, "theirs").check(&doubled).is_ok());
    }
}
