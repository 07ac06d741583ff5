//! Streams through the edge, over real sockets in front of a service of this test: what goes through, and what
//! becomes of it when something goes wrong on the way.

mod downloads;
mod events;
mod forms;
mod gone;
mod memory;
mod reauthorized;
pub mod service;
mod uploads;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use edge::Config;
use edge::routes::Table;
use prost_reflect::DescriptorPool;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver, IncludeFileResolver};
use svc_core::policy::Policy;
use svc_runtime::grpc::{Address, Guard, StackLayer, Upstream};
use svc_runtime::telemetry::Metrics;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tower::Layer;

use crate::client::{Call, Client, call};
use crate::stack::{AGENT, Stack};
use service::{Streams, StreamsServer};

pub const SERVICE: &str = "acme.v1.Streams";

/// How long a test waits for what takes a moment.
const PATIENCE: Duration = Duration::from_secs(20);

/// The service and the edge in front of it.
pub struct Streaming {
    pub stack: Stack,
    pub service: Arc<Streams>,
}

impl Streaming {
    /// With the service behind HTTP/2.
    pub async fn apart() -> Streaming {
        Streaming::apart_with(|_| {}).await
    }

    async fn apart_with(change: impl FnOnce(&mut Config)) -> Streaming {
        let service = Arc::new(Streams::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap().to_string());
        let server = Server::builder().add_service(StreamsServer(service.clone()));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        let upstream = Upstream::connect("streams", &[address], &Metrics::new()).unwrap();
        let stack = Stack::with_service(change, routes(), SERVICE, upstream).await;
        Streaming { stack, service }
    }

    /// With the service in this process, behind its stack.
    pub async fn in_process() -> Streaming {
        Streaming::in_process_with(|_| {}).await
    }

    async fn in_process_with(change: impl FnOnce(&mut Config)) -> Streaming {
        let service = Arc::new(Streams::default());
        let policy = Policy::of(&pool(), [SERVICE]).unwrap();
        let stack = StackLayer::new(Guard::new(policy, None, None), &Metrics::new());
        let upstream = Upstream::in_process("streams", stack.layer(StreamsServer(service.clone())));
        let stack = Stack::with_service(change, routes(), SERVICE, upstream).await;
        Streaming { stack, service }
    }

    /// Both.
    pub async fn both() -> [Streaming; 2] {
        [Streaming::apart().await, Streaming::in_process().await]
    }

    async fn begin(&self, call: &Call) -> Client {
        let mut client = Client::connect(self.stack.address).await;
        client.send(call.bytes()).await;
        client
    }

    fn calls(&self) -> usize {
        self.service.calls.load(Ordering::SeqCst)
    }

    /// A line of the metrics.
    pub fn metric(&self, name: &str) -> Option<String> {
        let metrics = self.stack.metrics.encode().unwrap();
        metrics.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
    }
}

/// The path of a thing.
fn path(name: &str, verb: &str) -> String {
    format!("/v1/{AGENT}/{name}:{verb}")
}

fn get(name: &str, verb: &str) -> Call {
    call("GET", &path(name, verb))
}

/// Lets so much time go by for everything in this process, at once.
pub async fn time_passes(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

pub async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it takes too long")
}

pub async fn notified(what: &Notify) {
    in_time(what.notified()).await;
}

fn routes() -> Table {
    Table::build(&pool(), &[SERVICE]).unwrap()
}

fn pool() -> DescriptorPool {
    struct Source;
    impl FileResolver for Source {
        fn open_file(&self, name: &str) -> Result<File, protox::Error> {
            match name {
                "streams.proto" => File::from_source(name, include_str!("streams.proto")),
                _ => Err(protox::Error::file_not_found(name)),
            }
        }
    }
    let mut resolver = ChainFileResolver::new();
    resolver.add(Source);
    resolver.add(IncludeFileResolver::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../proto").into()));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).open_file("streams.proto").unwrap();
    DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).unwrap()
}

#[tokio::test]
async fn what_has_no_form_in_http_is_not_served() {
    let streaming = Streaming::apart().await;
    for (what, call) in [
        ("both ways", call("POST", &path("a", "talk")).body("x")),
        ("messages that are no bytes", call("POST", &format!("/v1/{AGENT}:note")).body("{}")),
    ] {
        let answer = call.send(streaming.stack.address).await;
        assert_eq!((answer.status, answer.code().as_str()), (501, "unimplemented"), "{what}");
    }
    assert_eq!(streaming.calls(), 0);
}
