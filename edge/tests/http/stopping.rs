//! Services that stop while they are called: what one has not processed, another replica does, and
//! nothing is done twice.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures::future::pending;
use keyward_proto::contacts::v1 as contacts;
use keyward_proto::contacts::v1::contact_service_server::{ContactService, ContactServiceServer};
use serde_json::json;
use svc_runtime::grpc::Address;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::client::{self, call};
use crate::stack::Stack;

/// Clients that call at the same time.
const CLIENTS: usize = 4;

/// contacts-svc. Counts the contacts that it was to create.
#[derive(Default)]
struct Replica {
    created: AtomicUsize,
    /// When set, a create ends the connection that it came on.
    cut: Option<CancellationToken>,
}

#[tonic::async_trait]
impl ContactService for Replica {
    async fn create_contact(
        &self,
        request: Request<contacts::CreateContactRequest>,
    ) -> Result<Response<contacts::CreateContactResponse>, Status> {
        self.created.fetch_add(1, Ordering::SeqCst);
        if let Some(cut) = &self.cut {
            cut.cancel();
            return pending().await;
        }
        let contact = request.into_inner().contact;
        Ok(Response::new(contacts::CreateContactResponse { contact, created: true }))
    }
}

impl Replica {
    fn created(&self) -> usize {
        self.created.load(Ordering::SeqCst)
    }
}

/// A replica on this listener until it is stopped. It stops as contacts-svc does.
fn serve(listener: TcpListener, replica: Replica) -> (Arc<Replica>, CancellationToken) {
    let (replica, stop) = (Arc::new(replica), CancellationToken::new());
    let server = Server::builder().add_service(ContactServiceServer::from_arc(replica.clone()));
    let incoming = TcpIncoming::from(listener);
    tokio::spawn(server.serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned()));
    (replica, stop)
}

async fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn tcp(address: SocketAddr) -> Address {
    Address::Tcp(address.to_string())
}

async fn create(stack: SocketAddr) -> client::Answer {
    call("POST", &client::contacts()).json(&json!({"name": "Ada"})).send(stack).await
}

#[tokio::test]
async fn replicas_that_restart_in_turn_fail_no_call_and_repeat_none() {
    let mut replicas = Vec::new();
    for _ in 0..2 {
        let (listener, address) = bind().await;
        replicas.push((address, serve(listener, Replica::default())));
    }
    let stack = Stack::with_contacts(&[tcp(replicas[0].0), tcp(replicas[1].0)]).await;
    let done = Arc::new(AtomicBool::new(false));
    let clients = [(); CLIENTS].map(|()| {
        let (address, done) = (stack.address, done.clone());
        tokio::spawn(async move {
            let mut answered = 0;
            while !done.load(Ordering::SeqCst) {
                let answer = create(address).await;
                assert_eq!(answer.status, 201, "{:?}", answer.json());
                answered += 1;
            }
            answered
        })
    });
    let mut stopped = Vec::new();
    for round in 0..6 {
        let (address, (replica, stop)) = &mut replicas[round % 2];
        stop.cancel();
        let listener = loop {
            match TcpListener::bind(*address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        stopped.push(replica.clone());
        (*replica, *stop) = serve(listener, Replica::default());
        // The other one lives until the edge has come back to this one.
        while replica.created() == 0 {
            assert!(clients.iter().all(|client| !client.is_finished()), "round {round}");
            tokio::task::yield_now().await;
        }
    }
    done.store(true, Ordering::SeqCst);
    let mut answered = 0;
    for client in clients {
        answered += client.await.unwrap();
    }
    let all = stopped.iter().chain(replicas.iter().map(|(_, (replica, _))| replica));
    assert_eq!(all.map(|replica| replica.created()).sum::<usize>(), answered);
}

#[tokio::test]
async fn what_was_processed_and_then_cut_is_not_repeated() {
    let (behind, hidden) = bind().await;
    let (relay, shown) = bind().await;
    let (listener, address) = bind().await;
    let cut = CancellationToken::new();
    let (first, _stop_first) = serve(behind, Replica { cut: Some(cut.clone()), ..Replica::default() });
    let (other, _stop_other) = serve(listener, Replica::default());
    tokio::spawn(async move {
        let (mut inbound, _) = relay.accept().await.unwrap();
        let mut outbound = TcpStream::connect(hidden).await.unwrap();
        let copied = tokio::io::copy_bidirectional(&mut inbound, &mut outbound);
        let _ = cut.run_until_cancelled(copied).await;
    });
    let stack = Stack::with_contacts(&[tcp(shown), tcp(address)]).await;
    let answer = create(stack.address).await;
    assert!(answer.status >= 500, "{:?}", answer.json());
    assert_eq!((first.created(), other.created()), (1, 0));
}
