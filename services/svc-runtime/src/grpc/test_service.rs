//! A service for tests of callers: the health service, which also answers what the monitors ask. Those
//! questions have an empty name and are not counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::codegen::BoxStream;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::{Address, CallOptions, Upstream};

/// Counts the calls that it has processed. One for `slow` is answered when it is released; for `fail` it
/// says that it cannot serve. A watch has one message and no end.
#[derive(Default)]
pub(super) struct Service {
    pub calls: AtomicUsize,
    pub entered: Notify,
    pub release: Notify,
    /// Told when a watch was dropped.
    pub left: Arc<Notify>,
}

#[tonic::async_trait]
impl Health for Service {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let name = request.into_inner().service;
        if !name.is_empty() {
            self.calls.fetch_add(1, Ordering::SeqCst);
        }
        match name.as_str() {
            "slow" => {
                self.entered.notify_one();
                self.release.notified().await;
            }
            "fail" => return Err(Status::unavailable("the database is away")),
            _ => {}
        }
        Ok(Response::new(HealthCheckResponse { status: ServingStatus::Serving.into() }))
    }

    type WatchStream = BoxStream<HealthCheckResponse>;

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let leaving = Leaving(self.left.clone());
        let first = HealthCheckResponse { status: ServingStatus::Serving.into() };
        let rest = stream::pending().inspect(move |_| {
            let _kept = &leaving;
        });
        Ok(Response::new(Box::pin(stream::iter([Ok(first)]).chain(rest))))
    }
}

/// Kept by a stream as long as it lives.
struct Leaving(Arc<Notify>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

pub(super) fn address(listener: &TcpListener) -> Address {
    Address::Tcp(listener.local_addr().unwrap().to_string())
}

pub(super) async fn bind() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// A service on this listener until it is stopped.
pub(super) fn serve(listener: TcpListener) -> (Arc<Service>, CancellationToken) {
    let (service, stop) = (Arc::new(Service::default()), CancellationToken::new());
    let server = Server::builder().add_service(HealthServer::from_arc(service.clone()));
    let incoming = TcpIncoming::from(listener);
    tokio::spawn(server.serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned()));
    (service, stop)
}

/// A call that may change something.
pub(super) async fn ask(upstream: &Upstream, service: &str) -> Result<(), Status> {
    call(upstream, service, false).await
}

pub(super) async fn call(upstream: &Upstream, service: &str, safe: bool) -> Result<(), Status> {
    let options = CallOptions { ends: Instant::now() + Duration::from_secs(10), safe };
    let asked = upstream.call_with(options, |upstream| {
        let request = HealthCheckRequest { service: service.to_owned() };
        async move { HealthClient::new(upstream).check(request).await }
    });
    asked.await.map(|_| ())
}
