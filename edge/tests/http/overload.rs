//! More requests than may be in flight.

use tokio::task::JoinSet;

use crate::client::{Answer, Call, Client, call, console, contact};
use crate::stack::{AGENT, Stack, UNDECIDED_TOKEN};

const CLIENTS: usize = 20;

/// An edge that lets in one request of data at a time, and requests for it that stay until they are released.
async fn overloaded() -> (Stack, JoinSet<Answer>) {
    let stack = Stack::with(|config| config.max_in_flight = 1).await;
    let mut calls = JoinSet::new();
    for _ in 0..CLIENTS {
        let address = stack.address;
        calls.spawn(async move { call("GET", &contact("slow")).send(address).await });
    }
    stack.contacts.entered.notified().await;
    (stack, calls)
}

/// Answers all that are in.
async fn release(stack: &Stack, mut calls: JoinSet<Answer>) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !calls.is_empty() {
        stack.contacts.release.notify_waiters();
        match calls.try_join_next() {
            Some(answer) => answers.push(answer.unwrap()),
            None => tokio::task::yield_now().await,
        }
    }
    answers
}

#[tokio::test]
async fn what_is_over_the_bound_is_told_to_come_back_and_only_data_is() {
    let (stack, mut calls) = overloaded().await;
    let refused = calls.join_next().await.unwrap().unwrap();
    assert_eq!((refused.status, refused.code().as_str()), (503, "overloaded"));
    assert_eq!(refused.header("retry-after"), "1");

    for _ in 0..CLIENTS {
        let management = console("GET", &format!("/v1/console/agents/{AGENT}")).send(stack.address).await;
        assert_eq!(management.status, 200);
        let health = call("GET", "/v1/open/health").send(stack.address).await;
        assert_eq!(health.status, 200);
    }

    let answers = release(&stack, calls).await;
    assert!(answers.iter().any(|answer| answer.status == 200), "the one that was in is answered");
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 503)));
    let shed = 1 + answers.iter().filter(|answer| answer.status == 503).count();
    let metrics = stack.metrics.encode().unwrap();
    let counted = metrics.lines().filter_map(|line| line.strip_prefix("edge_requests_shed_total{"));
    let counted: usize = counted.map(|line| line.split(' ').nth(1).unwrap().parse::<usize>().unwrap()).sum();
    assert_eq!(counted, shed);
}

#[tokio::test]
async fn a_refused_request_costs_no_check() {
    let (stack, calls) = overloaded().await;
    let answers = release(&stack, calls).await;
    let let_in = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(stack.auth.count(), let_in);
}

#[tokio::test]
async fn a_request_that_hangs_keeps_others_out_for_a_moment_only() {
    let stack = Stack::with(|config| config.max_in_flight = 1).await;
    let address = stack.address;
    let hangs = tokio::spawn(async move { call("GET", &contact("slow")).send(address).await });
    stack.contacts.entered.notified().await;
    loop {
        let answer = call("GET", &contact("r")).send(address).await;
        if answer.status == 200 {
            break;
        }
        assert_eq!((answer.status, answer.code().as_str()), (503, "overloaded"));
    }
    assert!(!hangs.is_finished());
    stack.contacts.release.notify_one();
    assert_eq!(hangs.await.unwrap().status, 200);
}

#[tokio::test]
async fn made_up_tokens_shed_no_member() {
    const FLOOD: usize = 200;
    let stack = Stack::start().await;
    let path = format!("/v1/console/agents/{AGENT}");
    assert_eq!(console("GET", &path).send(stack.address).await.status, 200, "let through lately");

    let mut clients = Vec::new();
    for _ in 0..FLOOD {
        clients.push(Client::connect(stack.address).await);
    }
    let mut flood = JoinSet::new();
    for (at, mut client) in clients.into_iter().enumerate() {
        let request =
            Call::new("GET", &path).field("Authorization", &format!("Bearer {UNDECIDED_TOKEN}{at}"));
        client.send(request.bytes()).await;
        flood.spawn(async move { client.answer().await.unwrap() });
    }
    // The first ones have no answer: what comes too late has one.
    let refused = flood.join_next().await.unwrap().unwrap();
    assert_eq!((refused.status, refused.code().as_str()), (503, "overloaded"));
    let member = console("GET", &path).send(stack.address).await;
    assert_eq!(member.status, 200);
}
