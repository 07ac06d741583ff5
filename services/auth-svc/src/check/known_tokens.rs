//! Which personal access tokens were good when they were last presented.
//!
//! Nothing is decided by it: every use of a token is read from the database, so that one that is deleted, or
//! whose member is removed or demoted, ends at once. It only tells who is not the one that guesses, when
//! failures come from an address that people share.

use std::collections::HashSet;

use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use svc_runtime::telemetry::Metrics;

use crate::secrets::TokenHash;

/// How many tokens are remembered: 4 MiB. When there are more, it starts over: they are all as good as
/// before, but for those behind an address that fails too often just then.
const CAPACITY: usize = 65_536;

/// The hashes of such tokens.
pub(crate) struct KnownTokens {
    hashes: Mutex<HashSet<TokenHash>>,
    started_over: Counter,
}

impl KnownTokens {
    /// Empty.
    pub(crate) fn new(metrics: &Metrics) -> KnownTokens {
        let started_over = Counter::default();
        metrics.register(|registry| {
            let help = "Times that all personal access tokens that are known to be good were forgotten, there being too many";
            registry.register("auth_known_tokens_started_over", help, started_over.clone());
        });
        KnownTokens { hashes: Mutex::default(), started_over }
    }

    /// Whether it was good.
    pub(crate) fn contain(&self, hash: &TokenHash) -> bool {
        self.hashes.lock().contains(hash)
    }

    /// It is good.
    pub(crate) fn add(&self, hash: TokenHash) {
        let mut hashes = self.hashes.lock();
        if hashes.len() >= CAPACITY && !hashes.contains(&hash) {
            hashes.clear();
            self.started_over.inc();
        }
        hashes.insert(hash);
    }

    /// It is not good any more.
    pub(crate) fn remove(&self, hash: &TokenHash) {
        self.hashes.lock().remove(hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded() {
        let known = KnownTokens::new(&Metrics::new());
        let hash = |number: usize| {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&number.to_le_bytes());
            hash
        };
        for number in 0..CAPACITY {
            known.add(hash(number));
        }
        known.add(hash(0));
        assert!(known.contain(&hash(0)) && known.contain(&hash(CAPACITY - 1)));
        assert_eq!(known.started_over.get(), 0);
        known.add(hash(CAPACITY));
        assert!(known.contain(&hash(CAPACITY)) && !known.contain(&hash(0)));
        assert_eq!((known.hashes.lock().len(), known.started_over.get()), (1, 1));
        known.remove(&hash(CAPACITY));
        assert!(!known.contain(&hash(CAPACITY)));
    }
}
