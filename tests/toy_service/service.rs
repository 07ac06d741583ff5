//! What would be a crate.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::path::Path;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use prost_reflect::DescriptorPool;
use protox::file::{ChainFileResolver, GoogleFileResolver, IncludeFileResolver};
use serde::{Deserialize, Serialize};
use svc_core::policy::PolicyError;
use svc_runtime::grpc::{Address, GrpcRequest, GrpcResponse};
use svc_runtime::health::ServiceHealth;
use svc_runtime::service::{Environment, Handlers, Service};
use svc_runtime::tasks::Tasks;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use crate::harness::repository;

#[derive(Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    listen: Address,
    word: String,
}

impl Default for Config {
    fn default() -> Config {
        Config { listen: Address::Tcp("127.0.0.1:50059".to_owned()), word: "Hello".to_owned() }
    }
}

pub struct ToyService {
    word: String,
    health: ServiceHealth,
    tasks: Tasks,
}

impl Service for ToyService {
    const NAME: &'static str = "toy";
    const ABOUT: &'static str = "Toys, which greet";
    const RPC_SERVICES: &'static [&'static str] = &[Api::NAME];
    const HAS_LONG_WORK: bool = true;
    type Config = Config;
    type OpenError = Infallible;

    fn listen(config: &Config) -> &Address {
        &config.listen
    }

    fn descriptors() -> Result<DescriptorPool, PolicyError> {
        Ok(descriptors())
    }

    async fn open(config: &Config, environment: &Environment) -> Result<ToyService, Infallible> {
        let (health, tasks) = (environment.health.of(Self::NAME), environment.supervisor.of(Self::NAME));
        Ok(ToyService { word: config.word.clone(), health, tasks })
    }

    fn handlers(&self) -> Handlers {
        let routes = Routes::new(Api { word: self.word.clone() });
        Handlers::new(Self::RPC_SERVICES, routes, self.health.clone()).described_by(descriptors())
    }

    fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    fn start_long_work(&self) {
        self.tasks.spawn("winding", |stop| async move { stop.cancelled().await });
    }

    async fn close(&self) {}
}

fn descriptors() -> DescriptorPool {
    let mut resolver = ChainFileResolver::new();
    for folder in ["tests/toy_service", "proto"] {
        resolver.add(IncludeFileResolver::new(repository().join(Path::new(folder))));
    }
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).open_file("toy.proto").unwrap();
    DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).unwrap()
}

/// What tonic would generate. Both messages are one string in field 1, which is what prost makes of a `String`.
#[derive(Clone)]
struct Api {
    word: String,
}

impl NamedService for Api {
    const NAME: &'static str = "toy.v1.ToyService";
}

impl tower::Service<GrpcRequest> for Api {
    type Response = GrpcResponse;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<GrpcResponse, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: GrpcRequest) -> Self::Future {
        let greet = Greet(self.word.clone());
        Box::pin(async { Ok(Grpc::new(ProstCodec::<String, String>::default()).unary(greet, request).await) })
    }
}

struct Greet(String);

impl UnaryService<String> for Greet {
    type Response = String;
    type Future = Ready<Result<Response<String>, Status>>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        ready(Ok(Response::new(format!("{}, {}.", self.0, request.into_inner()))))
    }
}
