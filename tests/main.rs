//! The whole stack as its users meet it: over HTTP, over gRPC and on the command line. One file per
//! journey; [`harness`] starts what they run against.
//!
//! Needs a PostgreSQL, named by `KEYWARD_TEST_POSTGRES_URL`: `make test` brings its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says on stderr what it was at"
)]

mod harness;

mod admin;
mod agents;
mod api_keys;
mod bad_input;
mod command_line;
mod contacts;
mod durability;
mod first_contact;
mod graceful_stop;
mod grpc;
mod import_rules;
mod isolation;
mod limits;
mod members;
mod no_secrets;
mod permissions;
mod principal_tokens;
mod processes;
mod revocation;
mod revocation_replicas;
mod rotation;
mod signing_keys;
mod tokens;
mod tracing;
