//! What the stack promises of a call, it promises of a question within the process.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use svc_core::error::{Error, Reason};
use tokio::time::advance;

use super::super::slots::MAX_CALLS;
use super::*;
use crate::authorize::{Answer, Asked, Authorize, Credential, NoDecision, Question};

const TIME: Duration = Duration::from_secs(2);

/// Does what the operation says.
struct Check;

impl Authorize for Check {
    fn ask<'a>(&'a self, question: &Question<'_>, _: Duration) -> Asked<'a> {
        match question.operation {
            "refuse" => Asked::Answered(Ok(refusal())),
            "away" => Asked::Answered(Err(NoDecision::Undecided)),
            "wait" => Asked::Waiting(Box::pin(tokio::task::yield_now().map(|()| Ok(refusal())))),
            "never" => Asked::Waiting(Box::pin(std::future::pending())),
            "panic later" => Asked::Waiting(Box::pin(async { panic!("later") })),
            other => panic!("{other}"),
        }
    }
}

fn refusal() -> Answer {
    let decision = Err(Error::new(Reason::KeyExpired, "Expired."));
    Answer { decision, windows: None, secret_expires_at: None, key: None }
}

fn checker() -> (StackLayer, Arc<dyn Authorize>, Metrics) {
    let (stack, metrics) = stack_of(&["keyward.auth.v1.AuthorizationService"]);
    let check = stack.authorize(Arc::new(Check));
    (stack, check, metrics)
}

fn ask<'a>(check: &'a dyn Authorize, operation: &str) -> Asked<'a> {
    let secret = Secret::default();
    let question = Question {
        credential: Credential::ApiKey { key: "", secret: &secret },
        client: [192, 0, 2, 1].into(),
        operation,
        permissions: &[],
        agent: None,
        audience: None,
        goes_on: false,
        request_id: "",
    };
    check.ask(&question, TIME)
}

/// How many questions were counted, and how many of them with this code of an error.
fn counted(metrics: &Metrics, code: Option<Code>) -> (u64, u64) {
    let text = metrics.encode().unwrap();
    let method = "rpc_method=\"keyward.auth.v1.AuthorizationService/Authorize\"";
    let value = |line: String| {
        let found = text.lines().find_map(|one| one.strip_prefix(&line)).unwrap_or("0");
        found.trim().parse().unwrap()
    };
    let errors = code.map_or(0, |code| {
        value(format!("rpc_server_errors_total{{{method},rpc_grpc_status_code=\"{}\"}}", code as i32))
    });
    (value(format!("rpc_server_duration_seconds_count{{{method}}}")), errors)
}

#[tokio::test(start_paused = true)]
async fn every_question_is_counted_whatever_becomes_of_it() {
    for (operation, code) in [
        ("refuse", None),
        ("wait", None),
        ("away", Some(Code::Unavailable)),
        ("never", Some(Code::DeadlineExceeded)),
        ("panic", Some(Code::Internal)),
        ("panic later", Some(Code::Internal)),
    ] {
        let (_, check, metrics) = checker();
        let answer = AssertUnwindSafe(async { ask(&*check, operation).answer().await }).catch_unwind().await;
        assert_eq!(answer.is_err(), operation.starts_with("panic"));
        assert_eq!(counted(&metrics, code), (1, u64::from(code.is_some())), "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_has_a_slot_and_a_deadline() {
    let (stack, check, metrics) = checker();
    let mut waiting: Vec<_> = (0..MAX_CALLS).map(|_| Box::pin(ask(&*check, "never").answer())).collect();
    assert!(waiting.iter_mut().all(|answer| answer.now_or_never().is_none()));
    assert_eq!(stack.shared.slots.taken(Kind::Unary), MAX_CALLS, "among the calls of the service");
    assert_eq!(ask(&*check, "wait").answer().await.unwrap_err(), NoDecision::TooMany);
    let at_once = ask(&*check, "refuse").answer().now_or_never();
    assert!(at_once.is_some_and(|answer| answer.is_ok()), "memory decides all the same");

    advance(TIME).await;
    for late in waiting {
        assert_eq!(late.await.unwrap_err(), NoDecision::TooLate);
    }
    assert_eq!(stack.shared.slots.taken(Kind::Unary), 0);
    assert_eq!(counted(&metrics, Some(Code::DeadlineExceeded)).1, MAX_CALLS as u64);
}

#[tokio::test]
async fn who_leaves_gives_the_slot_back() {
    let (stack, check, metrics) = checker();
    let mut left = Box::pin(ask(&*check, "never").answer());
    assert!((&mut left).now_or_never().is_none());
    drop(left);
    assert_eq!(stack.shared.slots.taken(Kind::Unary), 0);
    assert_eq!(counted(&metrics, None).0, 0);
}
