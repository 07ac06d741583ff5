//! The edge over real sockets, in front of services of this test.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answers;
mod client;
mod connections;
mod credentials;
mod pages;
mod refusals;
mod replicas;
mod stack;
mod stopping;
mod wire;
