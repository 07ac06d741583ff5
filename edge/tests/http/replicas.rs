//! Several replicas of a service: when one cannot answer, one other is asked where that does no harm.

use std::sync::Arc;
use std::time::{Duration, Instant};

use edge::Config;
use keyward_proto::auth::v1::authorization_service_server::AuthorizationServiceServer;
use keyward_proto::contacts::v1 as contacts;
use keyward_proto::contacts::v1::contact_service_server::{ContactService, ContactServiceServer};
use svc_core::error::Error;
use svc_runtime::grpc::{Address, status};
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::client::{Call, call, contact};
use crate::stack::{Auth, Bare, Stack};

/// What the first replica has in these tests: more than one that lives takes on a busy machine.
const TRY: Duration = Duration::from_secs(1);
/// What a service has that answers nothing before another replica is asked.
const SILENCE: Duration = Duration::from_millis(300);
const REQUESTS: usize = 20;
/// The most of them that may wait for a replica that answers nothing. With every second one it would be ten.
const WAIT: usize = 7;

/// A replica that serves.
async fn replica() -> (Address, Arc<Auth>) {
    let auth = Arc::new(Auth::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap().to_string());
    let server = Server::builder().add_service(AuthorizationServiceServer::from_arc(auth.clone()));
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    (address, auth)
}

/// One that says that it cannot decide.
async fn unavailable() -> (Address, Arc<Auth>) {
    let (address, auth) = replica().await;
    *auth.failure.lock().unwrap() = Some(tonic::Status::unavailable("the lease is past"));
    (address, auth)
}

/// One that is stopped: the system takes connections for it, and nobody answers.
fn stopped() -> (Address, std::net::TcpListener) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    (Address::Tcp(listener.local_addr().unwrap().to_string()), listener)
}

/// Where nobody listens.
fn dead() -> Address {
    stopped().0
}

/// contacts-svc without its database.
struct CutOff;

#[tonic::async_trait]
impl ContactService for CutOff {
    async fn get_contact(
        &self,
        _: tonic::Request<contacts::GetContactRequest>,
    ) -> Result<tonic::Response<contacts::GetContactResponse>, tonic::Status> {
        Err(status::of(Error::unavailable()))
    }

    async fn delete_contact(
        &self,
        _: tonic::Request<contacts::DeleteContactRequest>,
    ) -> Result<tonic::Response<contacts::DeleteContactResponse>, tonic::Status> {
        Err(status::of(Error::unavailable()))
    }
}

async fn contacts_svc(service: impl ContactService) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap().to_string());
    let server = Server::builder().add_service(ContactServiceServer::new(service));
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    address
}

async fn stack(replicas: &[Address]) -> Stack {
    let millis = u64::try_from(TRY.as_millis()).unwrap();
    let change = |config: &mut Config| {
        config.authorize_try_ms = millis;
        config.authorize_timeout_ms = 10 * millis;
    };
    Stack::with_replicas(replicas, change).await
}

async fn status(stack: &Stack) -> u16 {
    call("GET", &contact("r")).send(stack.address).await.status
}

#[tokio::test]
async fn one_that_cannot_answer_is_no_answer() {
    let (asleep, _listener) = stopped();
    for (what, bad) in [("dead", dead()), ("unavailable", unavailable().await.0), ("stopped", asleep)] {
        let (good, auth) = replica().await;
        let stack = stack(&[bad, good]).await;
        let mut waited = 0;
        for n in 1..=REQUESTS {
            let began = Instant::now();
            assert_eq!(status(&stack).await, 200, "{what}");
            assert_eq!(auth.count(), n, "{what}");
            waited += usize::from(began.elapsed() >= TRY);
        }
        // It is tried now and then, and not at every second request.
        assert!(waited <= WAIT, "{what}: {waited}");
    }
}

#[tokio::test]
async fn only_what_changes_nothing_is_asked_of_another_service() {
    for (method, expected) in [("GET", 200), ("DELETE", 503)] {
        let replicas = [contacts_svc(CutOff).await, contacts_svc(Bare::default()).await];
        let stack = Stack::with_contacts(&replicas).await;
        assert_eq!(call(method, &contact("r")).send(stack.address).await.status, expected, "{method}");
    }
}

#[tokio::test]
async fn a_paused_service_is_left_alone() {
    let (asleep, _listener) = stopped();
    let stack = Stack::with_contacts(&[asleep, contacts_svc(Bare::default()).await]).await;
    let mut waited = 0;
    for _ in 0..REQUESTS {
        let began = Instant::now();
        assert_eq!(status(&stack).await, 200);
        waited += usize::from(began.elapsed() >= SILENCE);
    }
    assert!(waited <= WAIT, "{waited}");
}

#[tokio::test]
async fn a_refusal_is_an_answer() {
    let ((one, first), (two, second)) = (replica().await, replica().await);
    let stack = stack(&[one, two]).await;
    for _ in 0..4 {
        let unknown = Call::new("GET", &contact("r")).field("x-api-key", "kw_live_bad");
        let answer = unknown.field("x-api-secret", "kws_live_bad").send(stack.address).await;
        assert_eq!(answer.status, 401);
    }
    assert_eq!((first.count(), second.count()), (2, 2));
}

#[tokio::test]
async fn only_one_other_is_asked() {
    let ((one, first), (two, second), (three, third)) =
        (unavailable().await, unavailable().await, unavailable().await);
    let stack = stack(&[one, two, three]).await;
    assert_eq!(status(&stack).await, 503);
    let mut counts = [first.count(), second.count(), third.count()];
    counts.sort_unstable();
    assert_eq!(counts, [0, 1, 1]);
}

#[tokio::test]
async fn where_there_is_one_it_is_asked_once() {
    let (address, auth) = unavailable().await;
    let stack = stack(&[address]).await;
    assert_eq!(status(&stack).await, 503);
    assert_eq!(auth.count(), 1);
}
