//! Keyward's protos as Rust, and their descriptor set with every annotation. Not generated are
//! [`value::Value`], and in [`dispatch`] what the generated dispatch of each service is made of.

#![allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]

pub mod dispatch;
pub mod value;

/// All files of `proto/`, imports included, encoded as a `google.protobuf.FileDescriptorSet` with
/// custom options intact.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/keyward.binpb"));

/// `google.*`: HTTP annotations and the error model. Their comments link as protos do, not as Rust does.
#[allow(rustdoc::all)]
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
    /// Between processes of Keyward.
    pub mod internal {
        /// Version 1.
        pub mod v1 {
            tonic::include_proto!("keyward.internal.v1");
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

pub use keyward::{auth, contacts, extraction, internal, policy};
