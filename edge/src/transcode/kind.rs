//! How bodies travel on a route, decided once at start from the descriptors.

use prost_reflect::MessageDescriptor;
use svc_core::policy::Rpc;

/// The message whose bytes are a body of any media type (google/api/httpbody.proto).
const HTTP_BODY: &str = "google.api.HttpBody";

/// What a request and its answer are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RouteKind {
    /// A JSON body or none, and an envelope.
    Unary,
    /// A body of any media type or a form with a file, and an envelope.
    Upload(Messages),
    /// A JSON body or none, and an answer of any media type.
    Download(Messages),
    /// A JSON body or none, and an answer of which each message is a line of JSON.
    Lines,
    /// Streams that have no form in HTTP: both ways, or of messages that hold no bytes.
    NotServed,
}

/// In how many messages the bytes travel behind the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Messages {
    /// In one, so that they are bounded as any message is.
    One,
    /// In a stream, a piece at a time.
    Many,
}

impl RouteKind {
    /// Whether anything is handed on while it comes.
    pub(crate) fn is_streamed(self) -> bool {
        match self {
            RouteKind::Unary | RouteKind::NotServed => false,
            RouteKind::Upload(messages) | RouteKind::Download(messages) => messages == Messages::Many,
            RouteKind::Lines => true,
        }
    }

    /// The kind of an RPC whose body is bytes, or not.
    pub(super) fn of(rpc: &Rpc, takes_bytes: bool) -> RouteKind {
        let gives_bytes = is_http_body(&rpc.method.output());
        let messages = |is_stream: bool| if is_stream { Messages::Many } else { Messages::One };
        let (streams_in, streams_out) = (rpc.method.is_client_streaming(), rpc.method.is_server_streaming());
        match (streams_in, takes_bytes, streams_out, gives_bytes) {
            (false, false, false, false) => RouteKind::Unary,
            (many, true, false, false) => RouteKind::Upload(messages(many)),
            (false, false, many, true) => RouteKind::Download(messages(many)),
            (false, false, true, false) => RouteKind::Lines,
            _ => RouteKind::NotServed,
        }
    }
}

/// Whether a message is the bytes of a body.
pub(super) fn is_http_body(message: &MessageDescriptor) -> bool {
    message.full_name() == HTTP_BODY
}
