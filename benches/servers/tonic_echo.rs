//! The least that a call over gRPC costs: tonic as it comes, with a handler that answers every message with
//! the same bytes.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use anyhow::Context as _;
use bytes::Bytes;
use http::{Request, Response};
use svc_runtime::grpc::{Address, bind};
use tonic::Status;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Server;
use tonic_prost::ProstCodec;
use tower::Service;

use super::{ANSWER_BYTES, LISTEN, announce, serve_tonic, variable};

/// Its one RPC. The messages are a `google.protobuf.BytesValue`.
pub const PATH: &str = "/bench.Echo/Echo";

pub(super) async fn run() -> anyhow::Result<()> {
    let listen: Address = variable(LISTEN)?.parse()?;
    let bytes: usize = variable(ANSWER_BYTES)?.parse().context(ANSWER_BYTES)?;
    let echo = Echo { answer: Bytes::from(vec![b'x'; bytes]) };
    let listener = bind(&listen).await?;
    announce("grpc", &listener.address()?);
    serve_tonic(listener, Server::builder().add_service(echo)).await
}

/// The service and its handler.
#[derive(Clone)]
struct Echo {
    answer: Bytes,
}

impl NamedService for Echo {
    const NAME: &'static str = "bench.Echo";
}

impl UnaryService<Bytes> for Echo {
    type Response = Bytes;
    type Future = Ready<Result<tonic::Response<Bytes>, Status>>;

    fn call(&mut self, _: tonic::Request<Bytes>) -> Self::Future {
        ready(Ok(tonic::Response::new(self.answer.clone())))
    }
}

impl Service<Request<Body>> for Echo {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let echo = self.clone();
        Box::pin(async move { Ok(Grpc::new(ProstCodec::default()).unary(echo, request).await) })
    }
}
