//! The plain types that every part of Keyward speaks of: errors, ids, time, randomness, secrets, principals,
//! policy, preconditions, cursors, and JSON and protobuf bytes without trees. Nothing here waits, listens or
//! calls: how a service runs is `svc-runtime`, its database `svc-db`.

#![warn(unreachable_pub)]

pub mod actor;
pub mod address;
pub mod address_buckets;
pub mod clock;
pub mod cursor;
pub mod deed;
pub mod email;
pub mod erasure;
pub mod error;
pub mod idempotency;
pub mod ids;
pub mod json;
pub mod mask;
pub mod page;
pub mod parcel;
pub mod policy;
pub mod precondition;
pub mod principal;
pub mod random;
pub mod seal;
pub mod secret;
pub mod session;
pub mod wire;
