//! The settings of extraction-svc.

use serde::{Deserialize, Serialize};
use svc_core::grpc::Address;

/// `[extraction]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Where the service listens when it is a process of its own. Default `127.0.0.1:50053`.
    pub listen: Address,
}

impl Default for Config {
    fn default() -> Config {
        Config { listen: Address::Tcp("127.0.0.1:50053".to_owned()) }
    }
}
