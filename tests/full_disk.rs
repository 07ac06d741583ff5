//! A disk that is full, and then is not: a real file system of a few MiB.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::Processes;

/// A file system in memory. Needs root, as in CI.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Disk {
        let directory = tempfile::tempdir().unwrap();
        let mount = ["-t", "tmpfs", "-o", "size=12m", "keyward-test"];
        let mounted = Command::new("mount").args(mount).arg(directory.path()).status().unwrap();
        assert!(mounted.success(), "this test needs root: it mounts a small file system");
        Disk(directory)
    }

    fn filler(&self) -> PathBuf {
        self.0.path().join("filler")
    }

    /// Leaves not one page free.
    fn fill(&self) {
        let mut file = File::create(self.filler()).unwrap();
        for size in [64 * 1024, 4_096] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

/// Requests by what became of them, and how many are in the log.
async fn told(keyward: &Processes, key: &str) -> (i64, usize) {
    let (usage, log) =
        (format!("{}/usage", keyward.key_path(key)), keyward.key_path(key) + "/requests?limit=100");
    let usage = keyward.send(keyward.by_member("GET", &usage)).await;
    let log = keyward.send(keyward.by_member("GET", &log)).await;
    (usage.ok()["totals"]["requests"].as_i64().unwrap(), log.ok().as_array().unwrap().len())
}

#[tokio::test]
async fn usage_and_the_request_log_are_kept_until_there_is_room() {
    const REQUESTS: usize = 30;
    let disk = Disk::new();
    let data = disk.0.path().join("data");
    let mut keyward = Processes::together(&[("KEYWARD_DATA_DIR", data.to_str().unwrap())]).await;
    let key = keyward.new_key(&["contacts:read"]).await;
    let caller = keyward.with_key(&key);
    caller.list_contacts("").await.ok();
    let patience = Instant::now();
    while told(&keyward, &key.id).await != (1, 1) {
        assert!(patience.elapsed() < Duration::from_secs(30), "{:?}", told(&keyward, &key.id).await);
    }

    disk.fill();
    // It is said once that nothing can be written, and requests go on.
    caller.list_contacts("").await.ok();
    keyward.all[0].logged("usage cannot be written: it is kept in memory for now").await;
    keyward.all[0].logged("the request log cannot be sent: it is tried every second").await;
    for _ in 2..REQUESTS {
        caller.list_contacts("").await.ok();
    }
    // Whoever reads is told what was written before.
    assert_eq!(told(&keyward, &key.id).await, (1, 1));

    disk.free();
    keyward.all[0].logged("usage is written again").await;
    let freed = Instant::now();
    while told(&keyward, &key.id).await != (REQUESTS as i64, REQUESTS) {
        assert!(freed.elapsed() < Duration::from_secs(30), "{:?}", told(&keyward, &key.id).await);
    }
    let metrics = keyward.all[0].metrics().await;
    let dropped: Vec<&str> =
        metrics.lines().filter(|line| line.contains("_dropped_total") && !line.starts_with('#')).collect();
    for name in ["auth_usage_requests_dropped_total", "edge_request_log_dropped_total"] {
        assert!(dropped.iter().any(|line| line.starts_with(name)), "{name} is not told");
    }
    assert!(dropped.iter().all(|line| line.ends_with(" 0")), "{dropped:?}");
    keyward.terminate().await;
}

#[tokio::test]
async fn writes_go_on_within_a_second_of_there_being_room() {
    const ROUNDS: usize = 5;
    let disk = Disk::new();
    let data = disk.0.path().join("data");
    let mut keyward = Processes::together(&[("KEYWARD_DATA_DIR", data.to_str().unwrap())]).await;
    let doomed = keyward.new_key(&["contacts:read"]).await;
    keyward.new_contact("crm-1").await;
    let with_doomed = keyward.with_key(&doomed);
    with_doomed.list_contacts("").await.ok();
    let admin = format!("http://{}", keyward.all[0].address("admin"));
    let ready = async || {
        let answer = reqwest::get(format!("{admin}/readyz")).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let deep = keyward.request("GET", "/v1/open/health?deep=true");
    let (status, text) = ready().await;
    assert!(status == 200 && text.starts_with("ready\n"), "{text}");

    let mut in_time = 0;
    for round in 0..ROUNDS {
        disk.fill();
        let key = json!({"name": "Another", "permissions": ["contacts:read"]});
        let contact = json!({"externalReferenceId": "crm-2", "email": "ada@example.com"});
        // As often as it may: each failure leaves all as it was.
        for _ in 0..3 {
            keyward.create_key(key.clone()).await.refusal(503, "unavailable");
            keyward.delete_key(&doomed.id).await.refusal(503, "unavailable");
            keyward.create_contact(contact.clone()).await.refusal(503, "unavailable");
        }
        // What only reads goes on, with keys in memory and others.
        with_doomed.get_contact("crm-1").await.ok();
        keyward.get_contact("crm-1").await.ok();
        keyward.list_keys("").await.ok();
        let (status, why) = ready().await;
        assert!(status == 503 && why.contains("auth/database") && why.contains("contacts/database"), "{why}");
        let health = keyward.send(deep.try_clone().unwrap()).await;
        assert_eq!((health.status, &health.body["data"]["upstreams"]["auth"]), (503, &json!("NOT_SERVING")));
        assert!(
            keyward.all[0]
                .metrics()
                .await
                .contains("health_condition_ok{service=\"auth\",condition=\"database\"} 0")
        );

        disk.free();
        let freed = Instant::now();
        while ready().await.0 != 200 {
            assert!(freed.elapsed() < Duration::from_secs(30), "{:?}", ready().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        keyward.send(deep.try_clone().unwrap()).await.ok();
        keyward.create_key(key).await.ok();
        keyward.new_contact(&format!("crm-new-{round}")).await;
        in_time += usize::from(freed.elapsed() < Duration::from_secs(1));
    }
    // A machine that has much else to do may pause this one meanwhile, but not each time.
    assert!(in_time > ROUNDS / 2, "within a second in {in_time} of {ROUNDS} rounds");

    keyward.delete_key(&doomed.id).await.ok();
    with_doomed.list_contacts("").await.refusal(401, "invalid_credentials");
    // What limits are saved at a stop is saved, and all is there afterwards.
    keyward.terminate().await;
    keyward.start_together().await;
    keyward.with_key(&doomed).list_contacts("").await.refusal(401, "invalid_credentials");
    keyward.get_contact("crm-new-1").await.ok();
    keyward.terminate().await;
}
