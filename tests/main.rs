//! The whole stack as its users meet it: over HTTP, over gRPC and on the command line. One file per
//! journey; [`harness`] starts what they run against.
//!
//! Needs a PostgreSQL, named by `KEYWARD_TEST_POSTGRES_URL`, and more that `make test` brings or installs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says on stderr what it was at"
)]

mod harness;

mod admin;
mod agents;
mod api_keys;
mod audit;
mod audit_documents;
mod bad_input;
mod browser;
mod call_streams;
mod calls;
mod changing_contacts;
mod clocks;
mod command_line;
mod contact_fields;
mod contact_imports;
mod contact_lists;
mod contacts;
mod deploy;
mod durability;
mod erasures;
mod explain;
mod extraction;
mod file_stores;
mod files;
mod first_contact;
mod full_disk;
mod graceful_stop;
mod grpc;
mod hostile_bodies;
mod idempotency;
mod import_rules;
mod isolation;
mod language_models;
mod limits;
mod mail;
mod member_contacts;
mod members;
mod migrate;
mod migrations;
mod no_secrets;
mod notices;
mod oidc;
mod openapi;
mod permissions;
mod poolers_and_schemas;
mod principal_tokens;
mod processes;
mod replicas;
mod request_log;
mod revocation;
mod revocation_replicas;
mod rotation;
mod sessions;
mod sign_in;
mod signals;
mod signing_keys;
mod switchover;
mod tokens;
mod toy_service;
mod tracing;
mod unknown_keys;
mod usage;
mod webhooks;
