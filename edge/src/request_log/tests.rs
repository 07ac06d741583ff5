//! What auth-svc is told, and what is not told when it cannot listen.

use std::sync::Arc;
use std::sync::Mutex as StdMutex;

use keyward_proto::auth::v1::request_log_service_dispatch::RequestLogServiceDispatch;
use keyward_proto::auth::v1::request_log_service_server::RequestLogService;
use keyward_proto::dispatch::Services;
use svc_core::policy::{Policy, built_in_descriptors};
use svc_runtime::health::Health;
use svc_runtime::service::Handlers;
use tonic::{Code, Response};

use super::*;

const AGENT: &str = "65f0c0ffee65f0c0ffee65f0";

/// auth-svc's end of it: what it was told, and with which code it fails.
#[derive(Default)]
struct Auth {
    told: StdMutex<Vec<String>>,
    batches: StdMutex<Vec<usize>>,
    fails: StdMutex<Option<Code>>,
}

#[tonic::async_trait]
impl RequestLogService for Auth {
    async fn record_requests(
        &self,
        request: Request<pb::RecordRequestsRequest>,
    ) -> Result<Response<pb::RecordRequestsResponse>, Status> {
        if let Some(code) = *self.fails.lock().unwrap() {
            return Err(Status::new(code, "no"));
        }
        let requests = request.into_inner().requests;
        self.batches.lock().unwrap().push(requests.len());
        self.told.lock().unwrap().extend(requests.into_iter().map(|request| request.request_id));
        Ok(Response::new(pb::RecordRequestsResponse {}))
    }
}

fn log(per_second: u32) -> (RequestLog, Arc<Auth>, Metrics) {
    let (auth, metrics) = (Arc::new(Auth::default()), Metrics::new());
    let services = Services::new().add(RequestLogServiceDispatch::from_arc(auth.clone()));
    let handlers =
        Handlers::new(&["keyward.auth.v1.RequestLogService"], services, Health::new(&metrics).of("auth"));
    let upstream = handlers.in_process("auth", &metrics).unwrap();
    let credential = InternalCredential::for_calls_to(&upstream, None).unwrap();
    (RequestLog::new(&upstream, &credential, per_second, &metrics), auth, metrics)
}

fn operation() -> Arc<Operation> {
    let pool = built_in_descriptors().unwrap();
    let policy = Policy::of(&pool, ["keyward.contacts.v1.ContactService"]).unwrap();
    Arc::new(Operation::of(policy.rpc("/keyward.contacts.v1.ContactService/ListContacts").unwrap()))
}

fn entry(number: usize, operation: &Arc<Operation>) -> Entry {
    Entry {
        id: number.to_string(),
        client_id: None,
        method: "GET",
        route: "/v1/x".to_owned(),
        status: 200,
        code: "ok",
        client: Some([192, 0, 2, 1].into()),
        took: Duration::from_micros(1_500),
        caller: LoggedCaller::new(operation, &["contacts:read"], None, Some(AGENT), None).unwrap(),
    }
}

fn push(log: &RequestLog, numbers: std::ops::Range<usize>) {
    let operation = operation();
    for number in numbers {
        log.push(Kind::Succeeded, || entry(number, &operation));
    }
}

fn dropped(metrics: &Metrics, reason: &str) -> u64 {
    let text = metrics.encode().unwrap();
    let name = format!("edge_request_log_dropped_total{{reason=\"{reason}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap()
}

#[test]
fn an_entry_says_what_is_known() {
    let message = entry(7, &operation()).to_message();
    assert_eq!(
        message,
        pb::EndedRequest {
            request_id: "7".to_owned(),
            client_request_id: None,
            method: "GET".to_owned(),
            route: "/v1/x".to_owned(),
            operation: "keyward.contacts.v1.ContactService/ListContacts".to_owned(),
            status: 200,
            code: "ok".to_owned(),
            permission: "contacts:read".to_owned(),
            message: None,
            client_address: "192.0.2.1".to_owned(),
            duration_micros: 1_500,
            key: None,
            agent_id: Some(AGENT.to_owned()),
        }
    );
}

#[test]
fn who_names_no_agent_and_proves_no_key_is_not_logged() {
    let operation = operation();
    for agent in [None, Some(""), Some("%00"), Some("65F0C0FFEE65F0C0FFEE65F0")] {
        assert!(LoggedCaller::new(&operation, &[], None, agent, None).is_none(), "{agent:?}");
    }
}

#[tokio::test]
async fn all_that_waits_is_told_in_batches() {
    let (log, auth, _) = log(10_000);
    push(&log, 0..600);
    log.flush().await;
    assert_eq!(*auth.batches.lock().unwrap(), [256, 256, 88]);
    assert_eq!(*auth.told.lock().unwrap(), (0..600).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_could_not_be_told_is_told_again() {
    let (log, auth, metrics) = log(10_000);
    push(&log, 0..3);
    *auth.fails.lock().unwrap() = Some(Code::Unavailable);
    assert_eq!(log.send().await.unwrap_err().code(), Code::Unavailable);
    push(&log, 3..5);
    *auth.fails.lock().unwrap() = None;
    log.send().await.unwrap();
    assert_eq!(*auth.told.lock().unwrap(), ["0", "1", "2", "3", "4"]);
    assert_eq!(dropped(&metrics, "queue_full"), 0);
}

#[tokio::test]
async fn a_batch_that_is_refused_holds_up_no_other() {
    let (log, auth, metrics) = log(10_000);
    push(&log, 0..3);
    *auth.fails.lock().unwrap() = Some(Code::InvalidArgument);
    log.send().await.unwrap();
    *auth.fails.lock().unwrap() = None;
    push(&log, 3..4);
    log.send().await.unwrap();
    assert_eq!(*auth.told.lock().unwrap(), ["3"]);
    assert_eq!(dropped(&metrics, "refused"), 3);
}

#[tokio::test]
async fn while_nobody_listens_so_many_wait_and_no_more() {
    let (log, auth, metrics) = log(1_000_000);
    *auth.fails.lock().unwrap() = Some(Code::Unavailable);
    push(&log, 0..QUEUE + 10);
    assert_eq!(dropped(&metrics, "queue_full"), 10);
    log.flush().await;
    assert_eq!(dropped(&metrics, "stopped"), QUEUE as u64);
}

#[tokio::test]
async fn more_than_so_many_a_second_are_dropped_and_counted() {
    let (log, auth, metrics) = log(100);
    push(&log, 0..150);
    log.flush().await;
    assert_eq!(auth.told.lock().unwrap().len(), 100);
    assert_eq!(dropped(&metrics, "too_many"), 50);
}

#[tokio::test(start_paused = true)]
async fn many_do_not_wait_for_the_second_to_end() {
    let (log, auth, _) = log(10_000);
    let run = async {
        // The first tick comes at once.
        tokio::task::yield_now().await;
        let began = Instant::now();
        push(&log, 0..EARLY);
        while auth.told.lock().unwrap().len() < EARLY {
            tokio::task::yield_now().await;
        }
        assert!(began.elapsed() < SEND_EVERY);
        // Fewer do.
        push(&log, 0..1);
        tokio::time::sleep(SEND_EVERY / 2).await;
        assert_eq!(auth.told.lock().unwrap().len(), EARLY);
        tokio::time::sleep(SEND_EVERY).await;
        assert_eq!(auth.told.lock().unwrap().len(), EARLY + 1);
    };
    tokio::select! {
        never = log.run() => match never {},
        () = run => {}
    }
}
