//! auth-svc as other parts of Keyward call it: over its gRPC stack, on both engines.

#![allow(clippy::unwrap_used, clippy::panic)]

mod check;
mod cold_start;
mod harness;
mod limits;
mod management;
mod revocation_model;
mod rotation;
mod secrets;
mod settings;
