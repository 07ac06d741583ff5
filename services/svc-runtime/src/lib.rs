//! How a Keyward service runs: settings, telemetry, the connections of its listeners, the gRPC stack, the interface
//! of the credential check, principal tokens, health and `admin.listen`. It knows no service and no database.

#![warn(unreachable_pub)]

pub mod admin;
pub mod authorize;
pub mod connection;
pub mod cores;
pub mod grpc;
pub mod health;
pub mod keyfile;
pub mod peers;
pub mod service;
pub mod settings;
pub mod tasks;
pub mod telemetry;
pub mod token;
