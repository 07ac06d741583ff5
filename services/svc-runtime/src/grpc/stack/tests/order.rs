//! The order of the stack, the same for both ways in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::{BodyExt, Full};
use keyward_proto::contacts::v1::GetContactRequest;
use keyward_proto::dispatch;
use prost::Message;
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response};
use tower::service_fn;

use super::super::slots::MAX_CALLS;
use super::*;
use crate::grpc::Call;
use crate::grpc::caller::Caller;
use svc_core::principal::{Principal, Subject};

const GET: &str = "/keyward.contacts.v1.ContactService/GetContact";

fn principal(permission: &str) -> Arc<Principal> {
    Arc::new(Principal {
        organization_id: "o".to_owned(),
        agent_id: Some("mine".to_owned()),
        subject: Subject::Key("k".to_owned()),
        permissions: vec![permission.to_owned()],
        role: None,
        expires_at: None,
        token_id: None,
        session_id: None,
    })
}

/// A call by either way: who makes it, and the agent that it names.
#[derive(Clone)]
struct Asked {
    principal: Option<Arc<Principal>>,
    agent: &'static str,
}

/// How long each has.
const TIME: Duration = Duration::from_millis(100);

impl Asked {
    fn message(&self) -> Vec<u8> {
        GetContactRequest { agent_id: self.agent.to_owned(), ..Default::default() }.encode_to_vec()
    }

    fn over_http(self) -> GrpcRequest {
        let message = self.message();
        let mut framed = vec![0];
        framed.extend_from_slice(&(message.len() as u32).to_be_bytes());
        framed.extend_from_slice(&message);
        let request = http::Request::post(GET).header("grpc-timeout", "100m");
        let mut request = request.body(Body::new(Full::from(framed))).unwrap();
        if let Some(principal) = self.principal {
            request.extensions_mut().insert(principal);
        }
        request
    }

    fn by_bytes(self) -> Call {
        let message = self.message().into();
        let caller = self.principal.map_or(Caller::Anyone, Caller::Principal);
        let ends = Instant::now() + TIME;
        Call { caller, origin: None, ends, metadata: MetadataMap::new(), message }
    }
}

/// Panics at its first call, and never answers another one.
#[derive(Clone, Default)]
struct Handler {
    reached: Arc<AtomicUsize>,
}

impl Handler {
    async fn handle<T>(self) -> T {
        match self.reached.fetch_add(1, Ordering::SeqCst) {
            0 => panic!("secret text"),
            _ => std::future::pending().await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_earlier_is_said_first_over_http() {
    in_order(|stack, handler, asked| async move {
        let handler = service_fn(move |request: GrpcRequest| {
            let handler = handler.clone();
            async move {
                if let Err(status) = request.into_body().collect().await {
                    return Ok::<_, Infallible>(status.into_http());
                }
                handler.handle().await
            }
        });
        let answer = Shared::run(stack.shared, handler, asked.over_http()).await.unwrap();
        Status::from_header_map(answer.headers()).unwrap()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_earlier_is_said_first_by_bytes() {
    in_order(|stack, handler, asked| async move {
        let method = dispatch::Method::unary(GET, &Arc::new(handler), |handler, _: Request<()>| async move {
            (*handler).clone().handle::<Result<Response<()>, Status>>().await
        });
        stack.method(&method).unwrap().call(asked.by_bytes(), None).await.unwrap_err()
    })
    .await;
}

/// Each call has the fault of its row and of all rows below, and the first is told.
async fn in_order<F>(call: impl Fn(StackLayer, Handler, Asked) -> F)
where
    F: Future<Output = Status>,
{
    let (stack, metrics) = stack_of(&["keyward.contacts.v1.ContactService"]);
    let handler = Handler::default();
    let full: Vec<_> = (0..MAX_CALLS).map(|_| stack.shared.slots.take(Kind::Unary).unwrap()).collect();
    let mut full = Some(full);
    let (good, bad) = (Some(principal("contacts:read")), Some(principal("contacts:delete")));
    for (what, principal, agent, reason, handled) in [
        ("no slot", None, "theirs", Reason::Overloaded, 0),
        ("no principal", None, "theirs", Reason::MissingCredentials, 0),
        ("no permission", bad, "theirs", Reason::PermissionDenied, 0),
        ("another agent", good.clone(), "theirs", Reason::AgentMismatch, 0),
        ("a panic", good.clone(), "mine", Reason::Internal, 1),
        ("too late", good, "mine", Reason::DeadlineExceeded, 2),
    ] {
        let status = call(stack.clone(), handler.clone(), Asked { principal, agent }).await;
        assert_eq!(status::reason(&status), reason, "{what}");
        assert!(!status.message().contains("secret"), "{what}");
        assert_eq!(handler.reached.load(Ordering::SeqCst), handled, "{what}");
        full = None;
        assert_eq!(stack.shared.slots.taken(Kind::Unary), 0, "{what}: its slot is free again");
    }
    assert!(full.is_none());
    // Outermost: whatever refuses a call, it is counted.
    let text = metrics.encode().unwrap();
    let method = GET.trim_start_matches('/');
    let count = format!("rpc_server_duration_seconds_count{{rpc_method=\"{method}\"}} 6");
    assert!(text.contains(&count), "{text}");
    for (code, calls) in [(14, 1), (16, 1), (7, 2), (13, 1), (4, 1)] {
        let line = format!("rpc_method=\"{method}\",rpc_grpc_status_code=\"{code}\"}} {calls}\n");
        assert!(text.contains(&line), "{code}: {text}");
    }
}
