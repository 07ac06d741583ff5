//! The chain: each entry is bound to the one before by an HMAC whose key is not in the database, and the end of the
//! chain is sealed with the same key.
//!
//! Whoever writes to the database without the key can neither change an entry nor add one, and an entry that is gone
//! leaves a gap. The newest entries can be cut off only together with the seal of the end, of which an older one
//! must have been kept: a database that was set back as a whole.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use svc_core::clock::Timestamp;
use svc_core::ids::hex;
use svc_core::random::Random;
use svc_core::secret::Secret;
use zeroize::Zeroizing;

use super::Entry;
use crate::domain::OrganizationId;

const ENTRY: &[u8] = b"keyward/audit/entry/v1";
const END: &[u8] = b"keyward/audit/head/v1";
const KEY_BYTES: usize = 32;
/// Of HMAC-SHA-256.
const HASH_BYTES: usize = 32;

/// What an entry hashes to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hash([u8; HASH_BYTES]);

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl Hash {
    /// What stands before the first entry.
    pub(crate) const ZERO: Hash = Hash([0; HASH_BYTES]);

    /// From how it is stored. `None`: it is none.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Hash> {
        Some(Hash(bytes.try_into().ok()?))
    }

    /// From how it is exported.
    pub(crate) fn from_hex(text: &str) -> Option<Hash> {
        let mut bytes = [0; HASH_BYTES];
        if text.len() != 2 * HASH_BYTES || !text.is_ascii() {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Hash(bytes))
    }

    /// As it is exported.
    pub(crate) fn to_hex(self) -> String {
        hex(&self.0)
    }

    /// As it is stored.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The end of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The place of the newest entry.
    pub(crate) sequence: i64,
    /// When it was written.
    pub(crate) at: Timestamp,
    /// Its hash.
    pub(crate) hash: Hash,
}

impl Head {
    /// Of a chain that has no entry.
    pub(crate) const NONE: Head = Head { sequence: 0, at: Timestamp(0), hash: Hash::ZERO };
}

/// The key is not 32 bytes in base64.
#[derive(Debug, thiserror::Error)]
#[error("auth.audit_key must be 32 bytes in base64")]
pub struct BadAuditKey;

/// The key of all chains.
#[derive(Clone)]
pub(crate) struct ChainKey(hmac::Key);

impl std::fmt::Debug for ChainKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChainKey")
    }
}

impl ChainKey {
    /// A new key.
    pub(crate) fn generate(random: &dyn Random) -> Secret {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        random.fill(key.as_mut_slice());
        Secret::new(STANDARD.encode(key.as_slice()))
    }

    /// From its setting.
    pub(crate) fn new(key: &Secret) -> Result<ChainKey, BadAuditKey> {
        let bytes = Zeroizing::new(STANDARD.decode(key.expose().trim()).map_err(|_| BadAuditKey)?);
        match bytes.len() == KEY_BYTES {
            true => Ok(ChainKey(hmac::Key::new(hmac::HMAC_SHA256, &bytes))),
            false => Err(BadAuditKey),
        }
    }

    /// What an entry hashes to: an HMAC over the hash before it and everything that it says.
    pub(crate) fn hash(&self, entry: &Entry) -> Hash {
        let mut fields = Fields::new(&self.0, ENTRY);
        fields.add(Some(entry.previous_hash.as_bytes()));
        fields.text(Some(entry.organization_id.as_str()));
        fields.number(entry.sequence);
        fields.text(Some(&entry.id));
        fields.number(entry.at.0);
        fields.text(Some(&entry.who.kind));
        fields.text(entry.who.id.as_deref());
        fields.text(Some(&entry.who.name));
        fields.text(entry.who.member_id.as_deref());
        fields.text(entry.who.member_name.as_deref());
        fields.text(Some(&entry.action));
        fields.text(Some(&entry.resource_type));
        fields.text(entry.resource.id.as_deref());
        fields.text(entry.resource.name.as_deref());
        fields.text(Some(&entry.description));
        fields.text(Some(&entry.status));
        fields.text(entry.origin.client_address.as_deref());
        fields.text(entry.origin.request_id.as_deref());
        fields.text(entry.before.as_deref());
        fields.text(entry.after.as_deref());
        fields.end()
    }

    /// Puts an entry at the end of a chain, and gives the new end.
    pub(crate) fn link(&self, entry: &mut Entry, head: &Head, now: Timestamp) -> Head {
        // A clock that was set back changes no order.
        let now = Timestamp(now.millis().saturating_mul(1_000));
        entry.sequence = head.sequence.saturating_add(1);
        entry.at = now.max(head.at);
        entry.previous_hash = head.hash;
        entry.hash = self.hash(entry);
        Head { sequence: entry.sequence, at: entry.at, hash: entry.hash }
    }

    /// The seal of an end.
    pub(crate) fn seal(&self, organization: &OrganizationId, head: &Head) -> Hash {
        let mut fields = Fields::new(&self.0, END);
        fields.text(Some(organization.as_str()));
        fields.number(head.sequence);
        fields.number(head.at.0);
        fields.add(Some(head.hash.as_bytes()));
        fields.end()
    }

    /// Whether an end bears its seal.
    pub(crate) fn is_sealed(&self, organization: &OrganizationId, head: &Head, seal: &[u8]) -> bool {
        verify_slices_are_equal(self.seal(organization, head).as_bytes(), seal).is_ok()
    }
}

/// Fields of which none can be taken for a part of another: each stands with its length, and what is absent is not
/// what is empty.
struct Fields(hmac::Context);

impl Fields {
    fn new(key: &hmac::Key, what: &[u8]) -> Fields {
        let mut context = hmac::Context::with_key(key);
        context.update(what);
        Fields(context)
    }

    fn add(&mut self, field: Option<&[u8]>) {
        match field {
            Some(bytes) => {
                self.0.update(&[1]);
                self.0.update(&(bytes.len() as u64).to_be_bytes());
                self.0.update(bytes);
            }
            None => self.0.update(&[0]),
        }
    }

    fn text(&mut self, text: Option<&str>) {
        self.add(text.map(str::as_bytes));
    }

    fn number(&mut self, number: i64) {
        self.add(Some(&number.to_be_bytes()));
    }

    fn end(self) -> Hash {
        let mut hash = [0; HASH_BYTES];
        hash.copy_from_slice(self.0.sign().as_ref());
        Hash(hash)
    }
}
