//! Ids of all resources: 24 lowercase hex characters, 48-bit Unix milliseconds and 48 random bits, so
//! that they sort by creation time.

use std::sync::Arc;

use crate::clock::Clock;
use crate::random::Random;

/// How long an id is.
pub const ID_LENGTH: usize = 24;

/// Makes ids.
#[derive(Clone)]
pub struct Ids {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl std::fmt::Debug for Ids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ids")
    }
}

impl Ids {
    /// Ids from this clock and this randomness.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Ids {
        Ids { clock, random }
    }

    /// A new id.
    pub fn next(&self) -> String {
        let mut bytes = [0; ID_LENGTH / 2];
        let millis = self.clock.now().millis().to_be_bytes();
        bytes[..6].copy_from_slice(&millis[2..]);
        self.random.fill(&mut bytes[6..]);
        hex(&bytes)
    }
}

/// Whether this has the form of an id. What has not is an id that does not exist.
pub fn is_id(text: &str) -> bool {
    text.len() == ID_LENGTH && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
}

/// Lowercase hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 0xf)]);
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.extend([digit(byte >> 4), digit(*byte)]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{ManualClock, Timestamp};
    use crate::random::SystemRandom;

    #[test]
    fn ids_start_with_the_milliseconds() {
        let clock = ManualClock::at(Timestamp(0x0123_4567_89ab * 1_000));
        let ids = Ids::new(Arc::new(clock), Arc::new(SystemRandom));
        let (one, two) = (ids.next(), ids.next());
        assert!(one.starts_with("0123456789ab") && is_id(&one) && one != two);
    }

    #[test]
    fn forms() {
        for (text, good) in [
            ("65f0c0ffee65f0c0ffee65f0", true),
            ("65F0C0FFEE65F0C0FFEE65F0", false),
            ("65f0c0ffee65f0c0ffee65f", false),
            ("65f0c0ffee65f0c0ffee65f00", false),
            ("65f0c0ffee65f0c0ffee65g0", false),
            ("", false),
        ] {
            assert_eq!(is_id(text), good, "{text}");
        }
    }
}
