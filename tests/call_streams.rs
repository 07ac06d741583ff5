//! Calls in batches between processes: which service takes them, and that a replica which stops loses none. What a
//! crash cuts off is in `replicas.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::{Cluster, Processes};

/// What the metrics of an edge say of contacts-svc.
fn count(metrics: &str, name: &str) -> u64 {
    let line = metrics.lines().find(|line| line.starts_with(&format!("{name}{{upstream=\"contacts\"}}")));
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn a_service_with_the_token_is_called_in_batches_and_another_by_plain_grpc() {
    let with = Processes::apart(&[("KEYWARD_RUNTIME__THREADS", "1")]).await;
    let without = Processes::apart_but_for_contacts("KEYWARD_EDGE__AUTH_TOKEN", "").await;
    for (keyward, streams, refused) in [(with, 1, 0), (without, 0, 1)] {
        keyward.new_contact("crm-1").await;
        keyward.get_contact("crm-1").await.success(200, "Contact retrieved.");
        keyward.get_contact("crm-2").await.refusal(404, "not_found");
        let metrics = keyward.all[0].metrics().await;
        assert_eq!(count(&metrics, "upstream_call_streams"), streams);
        assert_eq!(count(&metrics, "upstream_call_streams_refused_total"), refused);
    }
}

#[tokio::test]
async fn each_thread_of_an_edge_has_streams_of_its_own() {
    for (per_thread, streams) in [("true", 2), ("false", 1)] {
        let settings = [("KEYWARD_RUNTIME__THREADS", "2"), ("KEYWARD_EDGE__RUNTIME_PER_THREAD", per_thread)];
        let mut keyward = Processes::apart(&settings).await;
        keyward.new_contact("crm-1").await;
        // They come one after the other, and both are kept.
        let clients = [keyward.on_its_own_connection(), keyward.on_its_own_connection()];
        for client in clients.iter().chain(&clients) {
            client.get_contact("crm-1").await.success(200, "Contact retrieved.");
        }
        let metrics = keyward.all[0].metrics().await;
        assert_eq!(count(&metrics, "upstream_call_streams"), streams, "runtime_per_thread = {per_thread}");
        keyward.terminate().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_lost_while_one_replica_after_the_other_is_replaced() {
    let mut cluster = Cluster::start_with(1, 1, 2, 1).await;
    let api = cluster.apis[0].clone();
    let key = json!({
        "name": "Load",
        "permissions": ["contacts:create", "contacts:read"],
        "rateLimits": {"perMinute": 1_000_000, "perHour": 1_000_000},
    });
    let api = api.with_key(&api.new_key_with(key).await);
    api.new_contact("crm-1").await;
    let (done, mut callers) = (Arc::new(AtomicBool::new(false)), JoinSet::new());
    for caller in 0..16 {
        let (api, done) = (api.on_its_own_connection(), done.clone());
        callers.spawn(async move {
            let mut calls = 0;
            while !done.load(Ordering::SeqCst) {
                match caller % 2 {
                    0 => api.get_contact("crm-1").await.success(200, "Contact retrieved."),
                    _ => api
                        .create_contact(json!({"email": "ada@example.com"}))
                        .await
                        .success(201, "Contact created."),
                };
                calls += 1;
            }
            calls
        });
    }
    for replica in [0, 1, 0] {
        let status = cluster.contacts[replica].take().unwrap().terminate().await;
        assert!(status.success());
        cluster.start_contacts(replica).await;
    }
    done.store(true, Ordering::SeqCst);
    let calls: Vec<usize> = callers.join_all().await;
    assert!(calls.iter().all(|calls| *calls > 0), "{calls:?}");
    let metrics = cluster.edge_metrics(0).await;
    assert_eq!(count(&metrics, "upstream_call_streams_refused_total"), 0);
}
