//! How a Keyward service runs: configuration, telemetry, the gRPC stack, health, the database, the
//! clock, ids, errors and the principal check. It knows no service.

pub mod address;
pub mod admin;
pub mod clock;
pub mod cursor;
pub mod db;
pub mod error;
pub mod grpc;
pub mod ids;
pub mod keyfile;
pub mod policy;
pub mod principal;
pub mod random;
pub mod secret;
pub mod service;
pub mod settings;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod token;
