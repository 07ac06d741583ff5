//! The form of refusals: a status whose details have what the error form of HTTP has.

use std::time::Duration;

use http::header::{CONNECTION, HeaderName};
use http::{HeaderMap, HeaderValue, Response};
use svc_core::error::whole_seconds;
use svc_runtime::grpc::status;
use tonic::Status;

use super::metadata::of_service;
use super::{Protocol, frames};
use crate::answer::{Body, Refused};

const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// The whole answer to a call that is refused.
pub(crate) fn failure(refused: &Refused, protocol: Protocol) -> Response<Body> {
    let mut head = HeaderMap::new();
    // Which compression would be taken: none.
    head.insert(ACCEPT_ENCODING, IDENTITY);
    if refused.closes && protocol != Protocol::Grpc {
        head.insert(CONNECTION, CLOSE);
    }
    let status = status_of(refused);
    match protocol {
        // Trailers alone, which then stand in the head.
        Protocol::Grpc => {
            head.extend(status);
            frames::answer(protocol, head, Body::default())
        }
        Protocol::Web | Protocol::WebText => {
            let body = frames::trailers(protocol, status).into_data().unwrap_or_default();
            frames::answer(protocol, head, Body::from(body))
        }
    }
}

/// The trailers of a call that fails: what its service says, word for word, else the status of the error.
pub(crate) fn status_of(refused: &Refused) -> HeaderMap {
    let (said, metadata) = match &refused.said {
        Some(said) => {
            let metadata = of_service(said.metadata().clone().into_headers());
            let (code, message, details) = (said.code(), said.message(), said.details().to_vec());
            (Status::with_details(code, message, details.into()), metadata)
        }
        None => {
            let mut error = refused.error.clone();
            // As `Retry-After` says it over HTTP.
            let must_say_when = matches!(error.reason.http(), 429 | 503);
            error.retry_after = error.retry_after.or(must_say_when.then_some(Duration::ZERO));
            error.retry_after = error.retry_after.map(|wait| Duration::from_secs(whole_seconds(wait)));
            (status::of(error), HeaderMap::new())
        }
    };
    let mut trailers = metadata;
    // Fails only for text that no header can hold, which percent-encoding leaves none of.
    let _ = said.add_header(&mut trailers);
    trailers
}
