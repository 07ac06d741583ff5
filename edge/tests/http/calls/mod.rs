//! Calls over gRPC and gRPC-Web, on the port of REST.

mod hostile;
mod native;
mod refusals;
mod streams;
mod web;

use std::net::SocketAddr;

use keyward_proto::contacts::v1::contact_service_client::ContactServiceClient;
use keyward_proto::contacts::v1::{GetContactRequest, get_contact_request::Reference};
use keyward_proto::google::rpc::{ErrorInfo, RetryInfo, Status as RpcStatus};
use prost::Message;
use svc_core::error::Reason;
use svc_runtime::grpc::status;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use crate::stack::{KEY, SECRET, TOKEN};

/// A connection of gRPC to the edge.
pub fn channel(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy()
}

pub fn contacts(address: SocketAddr) -> ContactServiceClient<Channel> {
    ContactServiceClient::new(channel(address))
}

/// With metadata.
pub fn with<T>(message: T, metadata: &[(&'static str, &str)]) -> Request<T> {
    let mut request = Request::new(message);
    for (name, value) in metadata {
        request.metadata_mut().append(*name, value.parse().unwrap());
    }
    request
}

/// With the good API key.
pub fn with_key<T>(message: T) -> Request<T> {
    with(message, &[("x-api-key", KEY), ("x-api-secret", SECRET)])
}

/// With the good personal access token.
pub fn with_token<T>(message: T) -> Request<T> {
    with(message, &[("authorization", &format!("Bearer {TOKEN}"))])
}

/// Asks for a contact.
pub fn get(reference: &str) -> GetContactRequest {
    GetContactRequest { reference: Some(Reference::Ref(reference.to_owned())), ..Default::default() }
}

/// A message as a body has it.
pub fn framed(message: &[u8]) -> Vec<u8> {
    [&[0], &u32::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
}

/// What a refusal says, after its form was checked: its reason, and how long to wait.
#[track_caller]
pub fn refusal(outcome: Result<impl Sized, Status>) -> (Code, Reason, Option<i64>) {
    let status = outcome.err().expect("let through");
    let details = RpcStatus::decode(status.details()).unwrap();
    assert_eq!((details.code, details.message.as_str()), (status.code() as i32, status.message()));
    let of_kind = |name: &str| {
        let url = format!("type.googleapis.com/google.rpc.{name}");
        details.details.iter().find(|detail| detail.type_url == url).map(|detail| detail.value.as_slice())
    };
    let info = ErrorInfo::decode(of_kind("ErrorInfo").expect("an ErrorInfo")).unwrap();
    assert_eq!(info.domain, "keyward");
    assert_eq!(info.reason, info.reason.to_ascii_uppercase());
    assert!(!status.message().is_empty());
    let reason = Reason::from_code(&info.reason).unwrap();
    assert_eq!(status.code(), status::code(reason));
    let retry = of_kind("RetryInfo").map(|detail| RetryInfo::decode(detail).unwrap().retry_delay.unwrap());
    (status.code(), reason, retry.map(|delay| delay.seconds))
}
