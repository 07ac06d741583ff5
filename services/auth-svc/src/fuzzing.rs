//! What the fuzz targets (`fuzz/`) reach. Only there with the feature `fuzzing`.

pub use crate::credential::{is_api_key, is_secret, is_token, last4, new_api_key, new_secret, new_token};
pub use crate::domain::{Addresses, AgentMode};
