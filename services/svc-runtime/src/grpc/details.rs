//! The details of a status as another service sends them. tonic panics on a `grpc-status-details-bin` that is not
//! base64, so what it could not read is taken away before: the code and the message are an answer all the same.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tonic::Status;

use super::GrpcResponse;

/// As tonic reads it.
const TONICS: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An answer whose details can be read, wherever they stand, or are not there.
pub(super) fn readable(response: GrpcResponse) -> GrpcResponse {
    let (mut head, body) = response.into_parts();
    take_away_unreadable(&mut head.headers);
    let body = match body.is_end_stream() {
        true => body,
        false => tonic::body::Body::new(Readable(body)),
    };
    GrpcResponse::from_parts(head, body)
}

fn take_away_unreadable(headers: &mut HeaderMap) {
    let Some(details) = headers.get(Status::GRPC_STATUS_DETAILS) else { return };
    if TONICS.decode(details.as_bytes()).is_err() {
        tracing::warn!("a service sent details of a status that are not base64");
        headers.remove(Status::GRPC_STATUS_DETAILS);
    }
}

/// A body whose trailers can be read.
struct Readable(tonic::body::Body);

impl Body for Readable {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let mut frame = ready!(Pin::new(&mut self.0).poll_frame(cx));
        if let Some(Ok(frame)) = &mut frame
            && let Some(trailers) = frame.trailers_mut()
        {
            take_away_unreadable(trailers);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http_body_util::{BodyExt, StreamBody};
    use svc_core::error::{Error, Reason};

    use super::*;
    use crate::grpc::status;

    /// The details of a status of ours, as they travel.
    fn good() -> String {
        TONICS.encode(status::of(Error::new(Reason::Conflict, "no")).details())
    }

    fn headers(details: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", HeaderValue::from_static("10"));
        headers.insert("grpc-message", HeaderValue::from_static("no"));
        headers.insert(Status::GRPC_STATUS_DETAILS, HeaderValue::try_from(details).unwrap());
        headers
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_taken_away() {
        for (details, kept) in [
            (good(), true),
            (good().trim_end_matches('=').to_owned(), true),
            (String::new(), true),
            ("AAAA".to_owned(), true),
            ("%%%".to_owned(), false),
            ("A".to_owned(), false),
            ("AAAA, AAAA".to_owned(), false),
            ("AAA_".to_owned(), false),
        ] {
            // In the head of an answer without messages, and in trailers.
            let mut head = headers(&details);
            take_away_unreadable(&mut head);
            let trailers = Frame::<Bytes>::trailers(headers(&details));
            let body = StreamBody::new(futures::stream::iter([Ok::<_, Status>(trailers)]));
            let response = readable(http::Response::new(tonic::body::Body::new(body)));
            let trailers = response.into_body().collect().await.unwrap().trailers().cloned().unwrap();
            for headers in [head, trailers] {
                assert_eq!(headers.contains_key(Status::GRPC_STATUS_DETAILS), kept, "{details}");
                let status = Status::from_header_map(&headers).unwrap();
                assert_eq!(status::reason(&status), Reason::Conflict, "{details}");
                assert_eq!(status.message(), "no");
            }
        }
    }
}
