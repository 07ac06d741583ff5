//! Keyward's protos as Rust, and their descriptor set with every annotation. Nothing else is here.

#![allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]

/// All files of `proto/`, imports included, encoded as a `google.protobuf.FileDescriptorSet` with
/// custom options intact.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/keyward.binpb"));

/// `google.*`: HTTP annotations and the error model.
pub mod google {
    /// `google.api`.
    pub mod api {
        tonic::include_proto!("google.api");
    }
    /// `google.rpc`.
    pub mod rpc {
        tonic::include_proto!("google.rpc");
    }
}

/// `keyward.*`.
pub mod keyward {
    /// Annotations.
    pub mod policy {
        /// Version 1.
        pub mod v1 {
            tonic::include_proto!("keyward.policy.v1");
        }
    }
    /// Keys, agents, members, tokens and the credential check.
    pub mod auth {
        /// Version 1.
        pub mod v1 {
            tonic::include_proto!("keyward.auth.v1");
        }
    }
    /// Contacts and their files.
    pub mod contacts {
        /// Version 1.
        pub mod v1 {
            tonic::include_proto!("keyward.contacts.v1");
        }
    }
    /// Document extraction.
    pub mod extraction {
        /// Version 1.
        pub mod v1 {
            tonic::include_proto!("keyward.extraction.v1");
        }
    }
}

pub use keyward::{auth, contacts, extraction, policy};
