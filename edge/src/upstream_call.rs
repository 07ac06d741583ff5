//! The call to the service behind: protobuf bytes in, protobuf bytes out, nothing encoded twice. A call
//! that was surely not processed is made once more.
//!
//! Its metadata is made here from nothing; no header of the client is among it.

use std::net::IpAddr;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue};
use svc_core::error::{Error, Reason};
use svc_core::grpc::caller::CLIENT_ADDRESS;
use svc_core::grpc::{Upstream, deadline};
use svc_core::telemetry;
use svc_core::token;
use tokio::time::Instant;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Request, Status};

use crate::answer::{Refusal, RequestId, X_REQUEST_ID};
use crate::authorize::Caller;

/// The largest answer of a service, in bytes: a page of 100 resources fits many times.
const MAX_ANSWER: usize = 32 * 1024 * 1024;
/// The first buffer of a message, in bytes. tonic's 8 KiB would be allocated for each.
const BUFFER: usize = 1024;
/// When a body is handed on, in bytes. tonic's own value.
const YIELD_AT: usize = 32 * 1024;

const CLIENT: HeaderName = HeaderName::from_static(CLIENT_ADDRESS);
const PRINCIPAL: HeaderName = HeaderName::from_static(token::METADATA);

/// Who calls, and in which request.
pub(crate) struct Call<'c> {
    pub(crate) caller: Caller,
    pub(crate) client: IpAddr,
    pub(crate) id: &'c RequestId,
}

/// Calls one RPC. `time` is what is left of its deadline.
pub(crate) async fn call(
    upstream: &Upstream,
    path: PathAndQuery,
    message: Bytes,
    Call { caller, client, id }: Call<'_>,
    time: Duration,
) -> Result<Bytes, Refusal> {
    let with_principal = !matches!(caller, Caller::Anyone);
    let ends = Instant::now() + time;
    let unary = upstream.try_twice(|upstream| {
        let mut request = Request::new(message.clone());
        let metadata = request.metadata_mut().as_mut();
        metadata.insert(X_REQUEST_ID, id.header());
        if let Ok(client) = HeaderValue::try_from(client.to_string()) {
            metadata.insert(CLIENT, client);
        }
        if !upstream.is_in_process() {
            telemetry::inject(metadata);
        }
        match caller.clone() {
            Caller::Anyone => {}
            Caller::Here(principal) => {
                request.extensions_mut().insert(principal);
            }
            Caller::Apart(token) => {
                request.metadata_mut().as_mut().insert(PRINCIPAL, token);
            }
        }
        deadline::set(&mut request, ends.saturating_duration_since(Instant::now()));
        let mut client = tonic::client::Grpc::new(upstream).max_decoding_message_size(MAX_ANSWER);
        let path = path.clone();
        async move {
            client.ready().await.map_err(Status::from_error)?;
            client.unary(request, path, Raw).await
        }
    });
    // The service keeps its deadline, too; this is for one that does not answer at all.
    match tokio::time::timeout_at(ends, unary).await {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) => Err(refused(status, with_principal)),
        Err(_) => Err(Error::new(Reason::DeadlineExceeded, "The call did not end in time.").into()),
    }
}

fn refused(status: Status, with_principal: bool) -> Refusal {
    let cause = format!("{:?}: {}", status.code(), status.message());
    let mut error = Error::from(status);
    if error.message.is_empty() {
        error.message = match error.reason {
            Reason::Unimplemented => "This operation is not implemented yet.".to_owned(),
            reason => format!("The service answered {}.", reason.code()),
        };
    }
    match error.reason {
        // The caller's credentials were good: what the service refuses is our principal.
        Reason::MissingCredentials | Reason::InvalidCredentials if with_principal => {
            let message = "The service behind did not accept the call.";
            Refusal::from(Error::new(Reason::BadGateway, message)).because(cause)
        }
        _ => Refusal::from(error).because(cause),
    }
}

/// A codec that leaves messages as they are.
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(message.len());
        buffer.put(message);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(BUFFER, YIELD_AT)
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(BUFFER, YIELD_AT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejected_principal_is_not_the_callers_fault() {
        for status in [
            Status::unauthenticated("no principal"),
            Error::new(Reason::MissingCredentials, "no principal").into(),
            Error::new(Reason::InvalidCredentials, "not for this audience").into(),
        ] {
            assert_eq!(refused(status, true).reason(), Reason::BadGateway);
        }
    }

    #[test]
    fn refusals_of_services_are_passed_on() {
        for (status, reason) in [
            (Error::not_found("Contact").into(), Reason::NotFound),
            (Error::new(Reason::InvalidCursor, "no").into(), Reason::InvalidCursor),
            (Status::unimplemented(""), Reason::Unimplemented),
            (Status::unavailable("tcp connect error"), Reason::Unavailable),
            (Status::internal("secret detail"), Reason::Internal),
        ] {
            let refusal = refused(status, true);
            assert_eq!(refusal.reason(), reason);
            assert!(!refusal.refused().error.message.is_empty());
            assert!(!refusal.refused().error.message.contains("secret"));
        }
    }
}
