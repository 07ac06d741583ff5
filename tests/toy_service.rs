//! One more service is its crate, its proto, and a line in the list: `service.rs` stands for the crate, `toy.proto`
//! is the proto, and [`SERVICES`] the list. Settings, routes, the stack, tasks and metrics follow.

mod service;

use auth_svc::AuthService;
use auth_svc::setup::SetupRequest;
use contacts_svc::ContactsService;
use keyward::run::{self, Running};
use keyward::services::{Definition, List};
use keyward::settings::Settings;
use serde_json::Value;
use svc_runtime::service::Service;
use svc_runtime::settings::Sources;
use tokio_util::sync::CancellationToken;

use service::ToyService;

const SERVICES: List =
    &[Definition::of::<AuthService>(), Definition::of::<ContactsService>(), Definition::of::<ToyService>()];

fn settings(data_dir: &std::path::Path) -> Settings {
    let own = [
        ("KEYWARD_DATA_DIR", data_dir.to_str().unwrap()),
        ("KEYWARD_EDGE__LISTEN", "127.0.0.1:0"),
        ("KEYWARD_DASHBOARD__LISTEN", "127.0.0.1:0"),
        ("KEYWARD_ADMIN__LISTEN", "127.0.0.1:0"),
        ("KEYWARD_TOY__WORD", "Good morning"),
    ];
    let environment = own.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Settings::load(SERVICES, &Sources { environment, ..Sources::default() }).unwrap()
}

async fn metrics(running: &Running) -> String {
    reqwest::get(format!("http://{}/metrics", running.admin)).await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn a_service_more_needs_a_crate_a_proto_and_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let environment = run::environment(&settings);
    let request = SetupRequest {
        organization: "Acme".to_owned(),
        email: "owner@example.com".to_owned(),
        agent: "Support".to_owned(),
    };
    let made = keyward::setup::run(&settings, &environment, &request).await.unwrap();

    let shutdown = CancellationToken::new();
    let environment = run::environment(&settings);
    let running = run::all(&settings, &environment, shutdown.clone()).await.unwrap();
    let url = format!("http://{}/v1/open/toys/Ada", running.edge.unwrap());
    let client = reqwest::Client::new();
    let refused = client.get(&url).send().await.unwrap();
    assert_eq!(refused.status(), 401, "its rule holds");
    let greeted = client
        .get(&url)
        .header("X-API-Key", &made.api_key)
        .header("X-API-Secret", made.api_secret.expose())
        .send()
        .await
        .unwrap();
    let greeted: Value = greeted.json().await.unwrap();
    assert_eq!(greeted["data"]["greeting"], "Good morning, Ada.");
    assert_eq!(greeted["message"], "Greeted.");

    let metrics = metrics(&running).await;
    assert!(metrics.contains("task_running{service=\"toy\",task=\"winding\"} 1"), "{metrics}");
    assert!(metrics.contains("rpc_method=\"toy.v1.ToyService/Greet\""), "{metrics}");
    shutdown.cancel();
    running.done.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_worker_runs_the_long_work_and_serves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let shutdown = CancellationToken::new();
    let environment = run::environment(&settings);
    let running = run::worker(ToyService::NAME, &settings, &environment, shutdown.clone()).await.unwrap();
    assert!(running.edge.is_none() && running.grpc.is_none());
    let metrics = metrics(&running).await;
    assert!(metrics.contains("task_running{service=\"toy\",task=\"winding\"} 1"), "{metrics}");
    shutdown.cancel();
    running.done.await.unwrap().unwrap();

    let refusal = run::worker(ContactsService::NAME, &settings, &environment, CancellationToken::new()).await;
    assert!(refusal.unwrap_err().to_string().contains("nothing for a worker to do"));
}
