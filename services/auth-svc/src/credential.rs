//! The forms of credentials: a prefix, base62 of random bits, and a checksum that is looked at before
//! any I/O, so that a mistyped or made-up credential costs nothing and secret scanners recognise leaks.
//!
//! base62 is `0-9A-Za-z`, big-endian, zero-padded. The checksum is CRC-32/ISO-HDLC of all the ASCII
//! before it, in 6 characters.

use svc_core::random::Random;
use svc_core::secret::Secret;
use zeroize::Zeroizing;

use crate::domain::{AgentMode, LinkKind};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECKSUM: usize = 6;

/// A kind of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Form {
    prefix: &'static str,
    /// Random bytes.
    bytes: usize,
    /// Their base62 digits.
    digits: usize,
}

const API_KEY_BYTES: usize = 16;
const API_KEY_DIGITS: usize = 22;
/// How long an `apiKey` is, in bytes.
pub(crate) const API_KEY_LENGTH: usize = API_KEY_PREFIX + API_KEY_DIGITS + CHECKSUM;
const API_KEY_PREFIX: usize = "kw_live_".len();
const SECRET_BYTES: usize = 32;
const SECRET_DIGITS: usize = 43;

const fn api_key_form(mode: AgentMode) -> Form {
    let prefix = match mode {
        AgentMode::Live => "kw_live_",
        AgentMode::Test => "kw_test_",
    };
    Form { prefix, bytes: API_KEY_BYTES, digits: API_KEY_DIGITS }
}

const fn secret_form(mode: AgentMode) -> Form {
    let prefix = match mode {
        AgentMode::Live => "kws_live_",
        AgentMode::Test => "kws_test_",
    };
    Form { prefix, bytes: SECRET_BYTES, digits: SECRET_DIGITS }
}

const TOKEN: Form = Form { prefix: "kwp_", bytes: SECRET_BYTES, digits: SECRET_DIGITS };
const SESSION: Form =
    Form { prefix: svc_core::session::TOKEN_PREFIX, bytes: SECRET_BYTES, digits: SECRET_DIGITS };

const fn link_form(kind: LinkKind) -> Form {
    let prefix = match kind {
        LinkKind::Setup => "kwsetup_",
        LinkKind::Invitation => "kwinvite_",
        LinkKind::PasswordReset => "kwreset_",
    };
    Form { prefix, bytes: SECRET_BYTES, digits: SECRET_DIGITS }
}

/// A new `apiKey`.
pub fn new_api_key(mode: AgentMode, random: &dyn Random) -> String {
    api_key_form(mode).generate(random).expose().to_owned()
}

/// A new secret of an API key.
pub fn new_secret(mode: AgentMode, random: &dyn Random) -> Secret {
    secret_form(mode).generate(random)
}

/// A new personal access token.
pub fn new_token(random: &dyn Random) -> Secret {
    TOKEN.generate(random)
}

/// A new token of a session.
pub(crate) fn new_session(random: &dyn Random) -> Secret {
    SESSION.generate(random)
}

/// A new token of a link.
pub(crate) fn new_link(kind: LinkKind, random: &dyn Random) -> Secret {
    link_form(kind).generate(random)
}

/// Whether this has the form of the token of a session, checksum included.
pub(crate) fn is_session(text: &str) -> bool {
    SESSION.fits(text)
}

/// Whether this has the form of the token of such a link, checksum included.
pub(crate) fn is_link(kind: LinkKind, text: &str) -> bool {
    link_form(kind).fits(text)
}

/// Whether this has the form of an `apiKey`, checksum included.
pub fn is_api_key(text: &str) -> bool {
    [AgentMode::Live, AgentMode::Test].into_iter().any(|mode| api_key_form(mode).fits(text))
}

/// Whether this has the form of a secret, checksum included.
pub fn is_secret(text: &str) -> bool {
    [AgentMode::Live, AgentMode::Test].into_iter().any(|mode| secret_form(mode).fits(text))
}

/// Whether this has the form of a personal access token, checksum included.
pub fn is_token(text: &str) -> bool {
    TOKEN.fits(text)
}

/// An `apiKey` that nobody has, at a random place among all, like this one: its mirror image. Its checksum is
/// wrong, so no key was ever made with it.
pub(crate) fn nobodys_key(api_key: &str) -> String {
    let digits = api_key.get(API_KEY_PREFIX..).unwrap_or_default();
    let prefix = api_key.get(..API_KEY_PREFIX).unwrap_or_default();
    prefix.chars().chain(digits.chars().rev()).collect()
}

/// The last 4 characters of a credential, which lists show.
pub fn last4(credential: &str) -> String {
    credential.get(credential.len().saturating_sub(4)..).unwrap_or_default().to_owned()
}

impl Form {
    fn generate(self, random: &dyn Random) -> Secret {
        let mut bytes = Zeroizing::new(vec![0; self.bytes]);
        random.fill(&mut bytes);
        // All at once, so that no copy is left behind by growing.
        let mut text = String::with_capacity(self.prefix.len() + self.digits + CHECKSUM);
        text.push_str(self.prefix);
        base62(&mut bytes, self.digits, &mut text);
        let sum = crc32fast::hash(text.as_bytes());
        base62(&mut sum.to_be_bytes(), CHECKSUM, &mut text);
        Secret::new(text)
    }

    fn fits(self, text: &str) -> bool {
        let Some(rest) = text.strip_prefix(self.prefix) else { return false };
        if rest.len() != self.digits + CHECKSUM || !rest.bytes().all(|c| c.is_ascii_alphanumeric()) {
            return false;
        }
        let (before, sum) = text.split_at(text.len() - CHECKSUM);
        let mut expected = String::with_capacity(CHECKSUM);
        base62(&mut crc32fast::hash(before.as_bytes()).to_be_bytes(), CHECKSUM, &mut expected);
        sum == expected
    }
}

/// Appends the number in `bytes` (big-endian; used up) in `digits` base62 digits.
fn base62(bytes: &mut [u8], digits: usize, to: &mut String) {
    let mut reversed = Zeroizing::new([0_u8; SECRET_DIGITS]);
    for digit in reversed.iter_mut().take(digits) {
        let mut remainder = 0_u32;
        for byte in bytes.iter_mut() {
            let value = (remainder << 8) | u32::from(*byte);
            // A quotient below 256: the remainder before was below 62.
            *byte = (value / 62) as u8;
            remainder = value % 62;
        }
        *digit = ALPHABET[remainder as usize];
    }
    to.extend(reversed.iter().take(digits).rev().map(|&digit| char::from(digit)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use svc_core::random::SystemRandom;

    struct All(u8);

    impl Random for All {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn the_contract_s_form() {
        // Made by another implementation of the contract's words.
        for (made, expected) in [
            (new_api_key(AgentMode::Live, &All(0)), "kw_live_00000000000000000000000hTq89"),
            (new_api_key(AgentMode::Test, &All(0xff)), "kw_test_7n42DGM5Tflk9n8mt7Fhc73O6uWY"),
            (
                new_secret(AgentMode::Live, &All(0)).expose().to_owned(),
                "kws_live_00000000000000000000000000000000000000000001EqBOT",
            ),
            (
                new_token(&All(0xff)).expose().to_owned(),
                "kwp_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp10YosoA",
            ),
        ] {
            assert_eq!(made, expected);
        }
    }

    #[test]
    fn checksums_tell_typing_errors() {
        for mode in [AgentMode::Live, AgentMode::Test] {
            let (key, secret) = (new_api_key(mode, &SystemRandom), new_secret(mode, &SystemRandom));
            let secret = secret.expose();
            assert!(is_api_key(&key) && is_secret(secret) && !is_api_key(secret) && !is_secret(&key));
            for at in 0..key.len() {
                let mut typo = key.clone().into_bytes();
                typo[at] = if typo[at] == b'x' { b'y' } else { b'x' };
                assert!(!is_api_key(&String::from_utf8(typo).unwrap()), "{key} at {at}");
            }
        }
        for wrong in ["", "kw_live_", "kw_live_é", &"0".repeat(36), &format!("kw_live_{}", "0".repeat(28))] {
            assert!(!is_api_key(wrong), "{wrong}");
        }
    }

    #[test]
    fn each_kind_has_a_form_of_its_own() {
        let kinds = [LinkKind::Setup, LinkKind::Invitation, LinkKind::PasswordReset];
        let links = kinds.map(|kind| new_link(kind, &SystemRandom));
        let (session, token) = (new_session(&SystemRandom), new_token(&SystemRandom));
        let fits = |text: &str| {
            let links = kinds.map(|kind| is_link(kind, text));
            [is_token(text), is_session(text), links[0], links[1], links[2]]
        };
        for (at, made) in [&token, &session, &links[0], &links[1], &links[2]].into_iter().enumerate() {
            let expected: [bool; 5] = std::array::from_fn(|other| other == at);
            assert_eq!(fits(made.expose()), expected, "{at}");
        }
    }

    #[test]
    fn the_checksum_is_iso_hdlc() {
        // The check value of CRC-32/ISO-HDLC.
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn nobodys_key_has_the_length_of_one_and_the_form_of_none() {
        for _ in 0..1_000 {
            let api_key = new_api_key(AgentMode::Test, &SystemRandom);
            let nobodys = nobodys_key(&api_key);
            assert_eq!(nobodys.len(), API_KEY_LENGTH);
            assert!(nobodys.starts_with("kw_test_") && nobodys != api_key && !is_api_key(&nobodys));
        }
        assert_eq!(
            nobodys_key("kw_live_00000000000000000000000hTq89"),
            "kw_live_98qTh00000000000000000000000"
        );
    }
}
