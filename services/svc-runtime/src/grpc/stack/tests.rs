mod authorize;
mod order;
mod streams;

use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::service::Routes;
use tonic_health::pb::health_server::HealthServer;

use super::*;
use crate::grpc::test_service::Service;
use crate::grpc::{Listener, serve};
use svc_core::policy::{Policy, built_in_descriptors};
use svc_core::secret::Secret;

fn stack_of(services: &[&str]) -> (StackLayer, Metrics) {
    let policy = Policy::of(&built_in_descriptors().unwrap(), services.iter().copied()).unwrap();
    let metrics = Metrics::new();
    (StackLayer::new(Guard::new(policy, None, Some(Secret::new("between us"))), &metrics), metrics)
}

/// A `HealthCheckRequest` for `slow`, which is never answered.
const SLOW: &[u8] = b"\0\0\0\0\x06\x0a\x04slow";

/// Without tonic at the caller, whose timer would hide what the service says.
#[tokio::test]
async fn a_caller_whose_time_is_over_gets_our_word_for_it() {
    let (stack, metrics) = stack_of(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Routes::new(HealthServer::new(Service::default()));
    let stop = CancellationToken::new();
    tokio::spawn(serve(Listener::Tcp(listener), stack, routes, metrics.connections("test"), stop.clone()));
    let _stop = stop.drop_guard();

    let connection = TcpStream::connect(address).await.unwrap();
    let (caller, connection) = h2::client::handshake(connection).await.unwrap();
    tokio::spawn(connection);
    for time in ["1m", "20m", "200m"] {
        let request = http::Request::post(format!("http://{address}/grpc.health.v1.Health/Check"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("grpc-timeout", time)
            .body(())
            .unwrap();
        let mut caller = caller.clone().ready().await.unwrap();
        let (answer, mut message) = caller.send_request(request, false).unwrap();
        message.send_data(Bytes::from_static(SLOW), true).unwrap();
        let status = Status::from_header_map(answer.await.unwrap().headers()).unwrap();
        assert_eq!(status::reason(&status), Reason::DeadlineExceeded, "{time}: {status:?}");
        assert!(time == "1m" || status.code() == Code::DeadlineExceeded, "{time}: {status:?}");
    }
}
