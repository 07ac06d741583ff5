//! The other services that a service calls. Whoever runs the process knows where they are, and fills this in.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::grpc::Upstream;
use crate::grpc::caller::InternalCredential;

/// The other services that a service calls, by name. Cheap to clone, and all clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Peers(Arc<RwLock<HashMap<&'static str, Peer>>>);

/// A service that another one calls.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Where it is.
    pub upstream: Upstream,
    /// Proves that another part of Keyward calls.
    pub credential: InternalCredential,
}

impl Peers {
    /// From now on the service can be called.
    pub fn add(&self, name: &'static str, peer: Peer) {
        self.0.write().insert(name, peer);
    }

    /// The service with this name. `None`: it cannot be called from here.
    pub fn named(&self, name: &str) -> Option<Peer> {
        self.0.read().get(name).cloned()
    }
}
