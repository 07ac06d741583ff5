//! Tests of transcoding, through whole routes of `acme.proto`, which has every type.

mod conformance;
mod hostile;
mod json;
mod merge;
mod patch;
mod property;
mod query;
mod random;
mod read;
mod write;

use std::sync::LazyLock;

use http::Method;
use prost_reflect::{DescriptorPool, DynamicMessage};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver, IncludeFileResolver};
use svc_core::error::Error;

use super::Encoded;
use crate::routes::{Match, Table};

const ACME: &str = include_str!("acme.proto");
const SERVICE: &str = "acme.v1.Things";

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::build(&pool(ACME), &[SERVICE]).unwrap());

/// The descriptors of one file that may import ours.
pub(crate) fn pool(source: &str) -> DescriptorPool {
    struct Source(String);
    impl FileResolver for Source {
        fn open_file(&self, name: &str) -> Result<File, protox::Error> {
            match name {
                "acme.proto" => File::from_source(name, &self.0),
                _ => Err(protox::Error::file_not_found(name)),
            }
        }
    }
    let mut resolver = ChainFileResolver::new();
    resolver.add(Source(source.to_owned()));
    resolver.add(IncludeFileResolver::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../proto").into()));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).include_source_info(true).open_file("acme.proto").unwrap();
    DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).unwrap()
}

fn find(method: Method, path: &str) -> Match<'static, '_> {
    TABLE.find(&method, path).unwrap()
}

fn send(method: Method, path: &str, query: &str, body: &str) -> Result<Encoded, Error> {
    let found = find(method, path);
    found.route.plan.request(&found.params, Some(query), body.as_bytes(), None)
}

/// The request message as prost-reflect writes it.
fn sent(method: Method, path: &str, query: &str, body: &str) -> String {
    let found = find(method, path);
    let request = found.route.plan.request(&found.params, Some(query), body.as_bytes(), None).unwrap();
    let message = DynamicMessage::decode(found.route.rpc.method.input(), request.wire).unwrap();
    serde_json::to_string(&message).unwrap()
}

/// The violations as `field code`.
fn violations(outcome: Result<Encoded, Error>) -> Vec<String> {
    let error = outcome.unwrap_err();
    assert_eq!(error.reason.code(), "invalid_argument", "{error:?}");
    error.violations.iter().map(|v| format!("{} {}", v.field, v.fault.code())).collect()
}

/// What the reader makes of a thing, as prost-reflect writes it.
fn echoed(body: &str) -> String {
    let sent = sent(Method::POST, "/echo", "", body);
    sent.strip_prefix(r#"{"thing":"#).and_then(|s| s.strip_suffix('}')).unwrap().to_owned()
}

fn echo(body: &str) -> Result<Encoded, Error> {
    send(Method::POST, "/echo", "", body)
}
