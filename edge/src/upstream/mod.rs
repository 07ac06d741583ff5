//! Calls to the services behind: protobuf bytes in, protobuf bytes out.
//!
//! Their metadata is made here from nothing; no header of the client is among it.

mod download;
mod proxied;
mod refused;
mod unary;
mod upload;

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{ACCEPT, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderName, HeaderValue};
use svc_runtime::grpc::caller::{self, Origin};
use svc_runtime::grpc::{self, MAX_ANSWER, Method, Upstream, idempotency};
use tokio::time::Instant;
use tonic::client::Grpc;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response};

use crate::answer::RequestId;
use crate::credential::Caller;

pub(crate) use download::download;
pub(crate) use proxied::{Proxied, proxy_message, proxy_stream};
pub(crate) use unary::unary;
pub(crate) use upload::{UploadSender, upload, upload_channel};

const IDEMPOTENCY: HeaderName = HeaderName::from_static(idempotency::DIGEST);
const DASHBOARD_URL: HeaderName = HeaderName::from_static(caller::DASHBOARD_URL);
const API_URL: HeaderName = HeaderName::from_static(caller::API_URL);
const USER_AGENT: HeaderName = HeaderName::from_static(caller::USER_AGENT);
const FLOW: HeaderName = HeaderName::from_static(caller::FLOW);

/// A call in the making: what is called, by whom, in which request.
pub(crate) struct Call<'c> {
    pub(crate) method: &'c Method,
    pub(crate) caller: &'c Caller,
    pub(crate) client: IpAddr,
    pub(crate) id: &'c RequestId,
    /// Its deadline.
    pub(crate) ends: Instant,
    /// Whether it changes nothing.
    pub(crate) safe: bool,
    /// What the service is told of a call that takes effect once.
    pub(crate) once: Option<HeaderValue>,
    /// What it is told of the request of a member, or of one who signs in.
    pub(crate) told: Option<Told<'c>>,
    /// Which part of its bytes is asked for, of one that gives parts.
    pub(crate) range: Range<'c>,
    /// Which media types are liked, of one that gives bytes.
    pub(crate) accept: Option<HeaderValue>,
}

/// What a client likes (RFC 9110, 12.5.1), as one line.
pub(crate) fn accept(headers: &HeaderMap) -> Option<HeaderValue> {
    let lines: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok()).collect();
    match lines.is_empty() {
        true => None,
        false => HeaderValue::try_from(lines.join(", ")).ok(),
    }
}

/// Which part of a content is asked for, and while which one it is (RFC 9110, 13.1.5 and 14.2).
#[derive(Clone, Copy, Default)]
pub(crate) struct Range<'c> {
    range: Option<&'c HeaderValue>,
    if_range: Option<&'c HeaderValue>,
}

impl Range<'_> {
    /// That of a request with these headers. What is there twice is passed over: the answer is then the whole.
    pub(crate) fn of(headers: &HeaderMap) -> Range<'_> {
        let only = |name: &HeaderName| {
            let mut values = headers.get_all(name).iter();
            values.next().filter(|_| values.next().is_none())
        };
        match (only(&RANGE), only(&IF_RANGE)) {
            (Some(range), if_range) if if_range.is_some() || !headers.contains_key(IF_RANGE) => {
                Range { range: Some(range), if_range }
            }
            _ => Range::default(),
        }
    }
}

/// What auth-svc is told of the request of a member, or of one who signs in.
#[derive(Clone, Copy)]
pub(crate) struct Told<'t> {
    /// Where browsers find the dashboard.
    pub(crate) dashboard_url: &'t HeaderValue,
    /// Where clients find the API.
    pub(crate) api_url: &'t HeaderValue,
    /// The client's own words.
    pub(crate) user_agent: Option<&'t HeaderValue>,
    /// What this browser was given when it began what it goes on with.
    pub(crate) flow: Option<&'t HeaderValue>,
}

/// What a service answers with one message.
pub(crate) struct Reply {
    pub(crate) wire: Bytes,
    /// It is the answer of an earlier call with the same `Idempotency-Key`.
    pub(crate) replayed: bool,
}

impl Call<'_> {
    /// With its message or messages, for whichever process.
    fn of<M>(&self, message: M) -> grpc::Call<M> {
        let mut metadata = MetadataMap::new();
        if let Some(digest) = &self.once {
            metadata.as_mut().insert(IDEMPOTENCY, digest.clone());
        }
        if let Some(Told { dashboard_url, api_url, user_agent, flow }) = self.told {
            metadata.as_mut().insert(DASHBOARD_URL, dashboard_url.clone());
            metadata.as_mut().insert(API_URL, api_url.clone());
            if let Some(user_agent) = user_agent {
                metadata.as_mut().insert(USER_AGENT, user_agent.clone());
            }
            if let Some(flow) = flow {
                metadata.as_mut().insert(FLOW, flow.clone());
            }
        }
        if let Some(accept) = &self.accept {
            metadata.as_mut().insert(ACCEPT, accept.clone());
        }
        let Range { range, if_range } = self.range;
        for (name, value) in [(RANGE, range), (IF_RANGE, if_range)] {
            if let Some(value) = value {
                metadata.as_mut().insert(name, value.clone());
            }
        }
        grpc::Call {
            caller: match self.caller.clone() {
                Caller::Anyone => caller::Caller::Anyone,
                Caller::InProcess(principal) => caller::Caller::Principal(principal),
                Caller::Remote(token) => caller::Caller::Token(token),
            },
            origin: Some(Origin { request_id: self.id.header(), client_address: self.client }),
            ends: self.ends,
            metadata,
            message,
        }
    }

    /// What its service answers.
    fn reply(&self, response: Response<Bytes>) -> Reply {
        let replayed = self.once.is_some() && idempotency::is_replayed(response.metadata().as_ref());
        Reply { wire: response.into_inner(), replayed }
    }

    /// In the form of HTTP/2, to the service or to one replica of it.
    fn request<M>(&self, message: M, upstream: &Upstream) -> Request<M> {
        self.of(message).into_http(upstream)
    }

    fn has_principal(&self) -> bool {
        !matches!(self.caller, Caller::Anyone)
    }
}

fn client(upstream: Upstream) -> Grpc<Upstream> {
    Grpc::new(upstream).max_decoding_message_size(MAX_ANSWER)
}
