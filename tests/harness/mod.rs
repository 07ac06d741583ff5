//! Starts Keyward for a test, in each topology and on each engine, and stops it afterwards.

mod actions;
mod answer;
mod browser;
mod clock;
mod cluster;
mod companion;
mod container;
mod language_model;
mod manifests;
pub mod postgres;
mod process;
mod program;
mod proxy;
mod raw;
mod relay;
mod s3;
mod server;
mod spans;
mod stack;
mod tab;

pub use actions::{Api, Key, MadeBySetup, encode};
pub use answer::{Answer, assert_json};
pub use browser::{Browser, PASSWORD, token_of};
pub use cluster::Cluster;
pub use companion::Companion;
pub use container::Container;
pub use language_model::LanguageModel;
pub use manifests::{Manifests, deployed, text_of};
pub use process::{Process, Processes, SET_UP, Variables, keyward};
pub use program::{output_for, python};
pub use proxy::{Proxy, Way};
pub use raw::raw;
pub use relay::Relay;
pub use s3::S3;
pub use server::{Bouncer, Server, free_port};
pub use spans::SpanReceiver;
pub use stack::{AUTH, CONTACTS, EXTRACTION, Engine, Stack, Topology};
pub use tab::Tab;

/// The root of the repository.
pub fn repository() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Text that differs each time: 32 hex characters.
pub fn random_hex() -> String {
    use svc_core::random::{Random, SystemRandom};
    let mut bytes = [0; 16];
    SystemRandom.fill(&mut bytes);
    svc_core::ids::hex(&bytes)
}
