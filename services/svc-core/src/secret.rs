//! Text that must not be seen.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// What stands in the place of a secret wherever it could be printed.
pub const HIDDEN: &str = "[hidden]";

/// Text that is wiped from memory when dropped and never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(Zeroizing::new(text.into()))
    }

    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it equals `other`, in a time that depends on the lengths only.
    pub fn matches(&self, other: &[u8]) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.0.as_bytes(), other).is_ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

/// A setting: the text itself, or `file:PATH` for the contents of a file, as a Kubernetes Secret is
/// mounted.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let Some(path) = text.strip_prefix("file:") else { return Ok(Secret(text)) };
        match std::fs::read_to_string(path).map(Zeroizing::new) {
            // Not the same as no secret, which is said by not naming a file.
            Ok(contents) if contents.trim().is_empty() => {
                Err(serde::de::Error::custom(format!("{path} is empty")))
            }
            Ok(contents) => Ok(Secret::new(contents.trim())),
            Err(error) => Err(serde::de::Error::custom(format!("{path}: {error}"))),
        }
    }
}
