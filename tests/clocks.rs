//! Machines whose clocks differ.

use crate::harness::{CONTACTS, Engine, Stack, Topology};

const GAUGE: &str = "principal_clock_skew_seconds ";

/// How far contacts-svc says that its clock is ahead of that of auth-svc.
async fn shown(stack: &Stack) -> i64 {
    let url = format!("http://{}/metrics", stack.admin(Some(CONTACTS)));
    let metrics = reqwest::get(url).await.unwrap().text().await.unwrap();
    metrics.lines().find_map(|line| line.strip_prefix(GAUGE)).unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_clocks_that_differ_do_is_told() {
    let stack = Stack::start(Engine::Sqlite, Topology::SeparateServices).await;
    let clock = stack.clock_of(CONTACTS);
    assert_eq!(shown(&stack).await, 0);
    for (ahead, good) in [(-3, true), (3, true), (-8, false), (-7_200, false), (75, false), (0, true)] {
        clock.set_ahead(ahead);
        // Another one each time: a token that was found good stays so.
        let key = stack.new_key(&["contacts:read"]).await;
        let answer = stack.with_key(&key).list_contacts("").await;
        if good {
            answer.success(200, "Contacts retrieved.");
            continue;
        }
        answer.refusal(502, "bad_gateway");
        // To a second, which may pass meanwhile. One that has ended tells how long ago, and not how old it is.
        let shown = shown(&stack).await;
        let expected = if ahead < 0 { ahead - 1..=ahead + 1 } else { 15..=ahead + 1 };
        assert!(expected.contains(&shown), "{ahead} s: {shown}");
    }
}
