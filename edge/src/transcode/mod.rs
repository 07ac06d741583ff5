//! Between JSON over HTTP and protobuf messages, by the contract's rules (API.md, 3).
//!
//! Bodies and answers go from text to wire bytes and back without a tree of messages between: what one
//! costs is linear in its bytes ([`svc_core::json`], [`svc_core::wire`]).
//!
//! - `body`: the body within its limits; `preconditions`: `If-Match` and `If-None-Match`
//! - `schema`: what JSON needs to know of the messages, read from their descriptors once
//! - `kind`: what a route's bodies are made of, decided once; `http_body`, `upload`: bodies
//!   of bytes, and forms
//! - `plan`: what one route needs on top, read from its annotations once
//! - `read`, `query`, `text`: JSON, queries and paths into messages; `encode`, `encoding`: their scalars
//! - `write`: messages into JSON
//! - `described`: a plan in words for OpenAPI and the documentation
//! - `request`, `response`: the message of a request, and what HTTP answers
//! - [`Transcoder`]: both, within their bounds

pub(crate) mod body;
mod canonical;
mod described;
mod encode;
mod encoding;
mod fault;
mod http_body;
mod kind;
mod mask;
mod number;
mod plan;
pub(crate) mod preconditions;
pub(crate) mod query;
mod read;
mod request;
mod response;
mod schema;
#[cfg(test)]
pub(crate) mod tests;
mod text;
mod time;
mod transcoder;
mod upload;
mod write;

pub(crate) use described::{Described, DescribedBody, enum_names};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use fault::Faults;
pub(crate) use http_body::HttpBody;
pub(crate) use kind::{Messages, RouteKind};
pub(crate) use plan::{Binding, Plan};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use read::{Reader, Way};
pub(crate) use request::Encoded;
pub(crate) use response::{Cookie, Rendered};
pub use schema::Dialect;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use schema::MessageId;
pub(crate) use schema::Schema;
pub(crate) use transcoder::Transcoder;
pub(crate) use upload::UploadHead;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use write::Writer;
