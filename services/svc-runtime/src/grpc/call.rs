//! The one interface by which the edge calls a service: who calls, for which request, until when, and the bytes of
//! the message; the answer is bytes again, with its metadata.
//!
//! Within the process the call goes by the generated dispatch of the service (`keyward_proto::dispatch`), through
//! the stack and without any HTTP; to another process over HTTP/2, to a service of ours with others over one stream
//! ([`super::call_stream`]), which ends in the same dispatch.

use std::sync::Arc;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue};
use tokio::time::Instant;
use tonic::client::Grpc;
use tonic::metadata::MetadataMap;
use tonic::{Extensions, Request, Response, Status};

use super::caller::{CLIENT_ADDRESS, Caller, Origin, REQUEST_ID};
use super::codec::Raw;
use super::stack::StackMethod;
use super::{CallOptions, Upstream, deadline};
use crate::{telemetry, token};
use svc_core::principal::Principal;

/// The largest answer of a service, in bytes: a page of 100 resources fits many times. Of a stream, the largest
/// message.
pub const MAX_ANSWER: usize = 32 * 1024 * 1024;

const ADDRESS: HeaderName = HeaderName::from_static(CLIENT_ADDRESS);
const ID: HeaderName = HeaderName::from_static(REQUEST_ID);
const PRINCIPAL: HeaderName = HeaderName::from_static(token::METADATA);

/// A call in the making, to whichever process.
#[derive(Clone, Debug)]
pub struct Call<M = Bytes> {
    /// Who makes it.
    pub caller: Caller,
    /// For which request of a client.
    pub origin: Option<Origin>,
    /// Its deadline.
    pub ends: Instant,
    /// What is rare, and goes along as it is.
    pub metadata: MetadataMap,
    /// Its message or messages.
    pub message: M,
}

impl<M> Call<M> {
    /// For a handler of this process, which the guard has let in with this principal.
    pub(super) fn into_local(self, principal: Option<Arc<Principal>>) -> Request<M> {
        let mut extensions = Extensions::new();
        if let Some(principal) = principal {
            extensions.insert(principal);
        }
        if let Some(origin) = self.origin {
            extensions.insert(origin);
        }
        Request::from_parts(self.metadata, extensions, self.message)
    }

    /// In the form of HTTP/2, to one replica of `upstream` or to a service of this process.
    pub fn into_http(self, upstream: &Upstream) -> Request<M> {
        let Call { caller, origin, ends, metadata, message } = self;
        let mut request = Request::from_parts(metadata, Extensions::new(), message);
        if !upstream.is_in_process() {
            telemetry::inject(request.metadata_mut().as_mut());
        }
        if let Some(origin) = origin {
            let metadata = request.metadata_mut().as_mut();
            if let Ok(address) = HeaderValue::try_from(origin.client_address.to_string()) {
                metadata.insert(ADDRESS, address);
            }
            metadata.insert(ID, origin.request_id);
        }
        match caller {
            // Who is internal proves it by `InternalCredential`.
            Caller::Anyone | Caller::Internal => {}
            Caller::Principal(principal) => {
                request.extensions_mut().insert(principal);
            }
            Caller::Token(token) => {
                request.metadata_mut().as_mut().insert(PRINCIPAL, token);
            }
        }
        deadline::set(&mut request, ends.saturating_duration_since(Instant::now()));
        request
    }
}

/// An RPC of an upstream, looked up once. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Method {
    upstream: Upstream,
    path: PathAndQuery,
    /// In this process, and of one message in each direction.
    local: Option<StackMethod>,
}

impl Upstream {
    /// The RPC with this path, `/package.Service/Method`.
    pub fn method(&self, path: PathAndQuery) -> Method {
        let local = self.local(path.as_str()).cloned();
        Method { upstream: self.clone(), path, local }
    }
}

impl Method {
    /// Whose it is.
    pub fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// `/package.Service/Method`.
    pub fn path(&self) -> &PathAndQuery {
        &self.path
    }

    /// Calls it, with one message in each direction. One that was surely not processed, or is `safe` since it
    /// changes nothing, is made once more where it helps ([`CallOptions`]).
    pub async fn call(&self, call: Call, safe: bool) -> Result<Response<Bytes>, Status> {
        if let Some(local) = &self.local {
            return local.call(call, None).await;
        }
        let options = CallOptions { ends: call.ends, safe };
        self.upstream.call_with(options, |replica| self.call_once(replica, &call)).await
    }

    /// Calls one replica, or a service of this process in the form of HTTP/2.
    async fn call_once(&self, replica: Upstream, call: &Call) -> Result<Response<Bytes>, Status> {
        if let Some(answer) = replica.call_by_stream(&self.path, call).await {
            return answer;
        }
        let request = call.clone().into_http(&replica);
        let mut client = Grpc::new(replica).max_decoding_message_size(MAX_ANSWER);
        client.ready().await.map_err(Status::from_error)?;
        client.unary(request, self.path.clone(), Raw).await
    }
}
