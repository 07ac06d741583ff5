//! The edge over real sockets, in front of services of this test.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answers;
mod calls;
mod client;
mod connections;
mod cors;
mod credentials;
mod errors;
mod floods;
mod holding;
mod http2;
mod malformed;
mod methods;
mod overload;
mod pages;
mod refusals;
mod replicas;
mod stack;
mod stopping;
mod streams;
mod wire;
