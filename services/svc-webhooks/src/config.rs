//! The settings of webhooks.

use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use svc_core::secret::Secret;

/// `[contacts.webhooks]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct WebhooksConfig {
    /// The key that secrets of webhooks are sealed with: 32 bytes, base64. Made in `data_dir` when not set.
    pub key: Option<Secret>,
    /// The key before, while secrets sealed with it are still in use.
    pub key_previous: Option<Secret>,
    /// Ranges that messages may go to though they are private, loopback, link-local or otherwise not public.
    pub allowed_ranges: Vec<IpNet>,
    /// Ports that messages may go to. Empty: any.
    pub allowed_ports: Vec<u16>,
    /// Whether addresses may be `http`. Only for tests and networks of one's own.
    pub allow_http: bool,
    /// A file with certificates (PEM) that are trusted besides those of the system.
    pub ca_file: Option<PathBuf>,
    /// How many webhooks are sent to at the same time, by each replica.
    pub concurrency: u32,
    /// For how many days messages that have arrived are listed.
    pub keep_delivered_days: u32,
    /// For how many days messages that were given up are.
    pub keep_dead_days: u32,
}

impl Default for WebhooksConfig {
    fn default() -> WebhooksConfig {
        WebhooksConfig {
            key: None,
            key_previous: None,
            allowed_ranges: Vec::new(),
            allowed_ports: vec![443, 8443],
            allow_http: false,
            ca_file: None,
            concurrency: 32,
            keep_delivered_days: 7,
            keep_dead_days: 30,
        }
    }
}
