//! The settings of contacts-svc.

use serde::{Deserialize, Serialize};
use svc_core::grpc::Address;

/// `[contacts]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Where the service listens when it is a process of its own. Default `127.0.0.1:50052`.
    pub listen: Address,
}

impl Default for Config {
    fn default() -> Config {
        Config { listen: Address::Tcp("127.0.0.1:50052".to_owned()) }
    }
}
