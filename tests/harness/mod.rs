//! Starts Keyward for a test, in each arrangement and on each engine, and stops it afterwards.

mod actions;
mod answer;
mod clock;
mod cluster;
pub mod postgres;
mod process;
mod proxy;
mod raw;
mod relay;
mod spans;
mod stack;

pub use actions::{Api, Key, MadeBySetup};
pub use answer::{Answer, assert_json};
pub use cluster::Cluster;
pub use process::{Process, Processes, SET_UP, Variables, keyward};
pub use proxy::{Proxy, Way};
pub use raw::raw;
pub use spans::SpanReceiver;
pub use stack::{Arrangement, Engine, Stack};

/// Text that differs each time: 32 hex characters.
pub fn random_hex() -> String {
    use svc_core::random::{Random, SystemRandom};
    let mut bytes = [0; 16];
    SystemRandom.fill(&mut bytes);
    svc_core::ids::hex(&bytes)
}
