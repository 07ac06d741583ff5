//! auth-svc as other parts of Keyward call it: over its gRPC stack, on both engines.

#![allow(clippy::unwrap_used, clippy::panic)]

mod announcements;
mod check;
mod cold_start;
mod harness;
mod in_process;
mod limits;
mod lookups;
mod management;
mod revocation_model;
mod rotation;
mod secrets;
mod settings;
mod streams;
mod usage;
