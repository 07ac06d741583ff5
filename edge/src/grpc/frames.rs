//! How answers are written: messages, and the trailers after them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response};
use http_body::Frame;

use super::Protocol;
use crate::answer::Body;

/// The flag of a frame of gRPC-Web that holds trailers.
const TRAILERS: u8 = 0x80;
/// The flag and the length before what a frame holds, a message among them.
pub(super) const PREFIX: usize = 5;

/// The head of an answer, whatever it says.
pub(crate) fn answer(protocol: Protocol, metadata: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.headers_mut() = metadata;
    response.headers_mut().insert(CONTENT_TYPE, protocol.content_type());
    response
}

/// A message as the body has it.
pub(crate) fn message(protocol: Protocol, message: &[u8]) -> Frame<Bytes> {
    Frame::data(framed(protocol, 0, message))
}

/// The trailers as the body has them, at its end.
pub(crate) fn trailers(protocol: Protocol, trailers: HeaderMap) -> Frame<Bytes> {
    if protocol == Protocol::Grpc {
        return Frame::trailers(trailers);
    }
    let mut block = Vec::new();
    for (name, value) in &trailers {
        block.extend_from_slice(name.as_str().as_bytes());
        block.extend_from_slice(b": ");
        block.extend_from_slice(value.as_bytes());
        block.extend_from_slice(b"\r\n");
    }
    Frame::data(framed(protocol, TRAILERS, &block))
}

fn framed(protocol: Protocol, flag: u8, held: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(PREFIX + held.len());
    frame.put_u8(flag);
    // A message is bounded far below 4 GiB, and so are trailers.
    frame.put_u32(u32::try_from(held.len()).unwrap_or(u32::MAX));
    frame.put_slice(held);
    match protocol {
        // Each frame is padded by itself: a client decodes it when it comes.
        Protocol::WebText => STANDARD.encode(&frame).into(),
        Protocol::Grpc | Protocol::Web => frame.freeze(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames() {
        let mut said = HeaderMap::new();
        said.insert("grpc-status", "5".parse().unwrap());
        let block = b"\x80\x00\x00\x00\x10grpc-status: 5\r\n";
        let plain = b"\x00\x00\x00\x00\x03abc";
        for (protocol, of_message, of_trailers) in [
            (Protocol::Grpc, plain.to_vec(), None),
            (Protocol::Web, plain.to_vec(), Some(block.to_vec())),
            (Protocol::WebText, b"AAAAAANhYmM=".to_vec(), Some(STANDARD.encode(block).into_bytes())),
        ] {
            assert_eq!(message(protocol, b"abc").into_data().unwrap(), of_message);
            match (trailers(protocol, said.clone()).into_data(), of_trailers) {
                (Ok(data), Some(expected)) => assert_eq!(data, expected),
                (Err(frame), None) => assert_eq!(frame.into_trailers().unwrap(), said),
                (got, _) => panic!("{protocol:?}: {got:?}"),
            }
        }
    }
}
