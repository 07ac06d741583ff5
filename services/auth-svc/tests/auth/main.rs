//! auth-svc as other parts of Keyward call it: over its gRPC stack, on both engines.

mod check;
mod harness;
mod management;
