//! A primary and its standby change places behind one address, which leads to the wrong one for a while.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Processes, Relay, Server};

/// How long after the address leads to the primary everything must work.
const WITHIN: Duration = Duration::from_secs(5);
/// How long the address leads to the old primary, which is a standby then.
const WRONG: Duration = Duration::from_secs(3);

#[tokio::test]
async fn requests_succeed_as_soon_as_the_address_leads_to_the_primary() {
    let mut old = Server::start().await;
    old.execute("CREATE DATABASE keyward").await;
    let new = old.start_standby().await;
    let relay = Relay::to(([127, 0, 0, 1], old.port).into()).await;
    let url = format!("postgres://keyward@{}/keyward", relay.address);
    let mut keyward = Processes::together(&[("KEYWARD_DATABASE__URL", &url)]).await;
    keyward.new_contact("crm-1").await;
    // Has requests for as many rounds as there may be.
    let caller = keyward.new_key_with(json!({
        "name": "Caller",
        "permissions": ["contacts:read", "contacts:update"],
        "rateLimits": {"perMinute": 1_000, "perHour": 10_000},
    }));
    let caller = keyward.with_key(&caller.await);
    let key = json!({"name": "Another", "permissions": ["contacts:read"]});
    let doomed = keyward.new_key(&["contacts:read"]).await;

    // A fast stop waits until the standby has everything.
    old.stop();
    new.execute("SELECT pg_promote()").await;
    old.follow(&new);
    old.run().await;
    let began = Instant::now();
    while began.elapsed() < WRONG {
        // Never a 500.
        assert_eq!(keyward.create_key(key.clone()).await.status, 503);
        assert_eq!(keyward.delete_key(&doomed.id).await.status, 503);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Nothing is let through by what only the standby knows.
    assert_eq!(keyward.get_contact("crm-1").await.status, 503);
    let admin = format!("http://{}", keyward.all[0].address("admin"));
    let ready = reqwest::get(format!("{admin}/readyz")).await.unwrap();
    assert_eq!(ready.status(), 503);
    let why = ready.text().await.unwrap();
    assert!(why.contains("it is a standby"), "{why}");

    relay.point_to(([127, 0, 0, 1], new.port).into());
    let contact = json!({"externalReferenceId": "crm-1", "email": "ada@example.com", "name": "Ada"});
    let there = Instant::now();
    let mut good = 0;
    while good < 20 {
        let answers = [
            keyward.create_key(key.clone()).await.status,
            caller.get_contact("crm-1").await.status,
            keyward.list_keys("").await.status,
            caller.replace_contact("crm-1", contact.clone()).await.status,
        ];
        let well = answers.iter().all(|status| matches!(status, 200 | 201));
        assert!(well || there.elapsed() < WITHIN, "{answers:?} after {:?}", there.elapsed());
        good += usize::from(well);
        if !well {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    keyward.delete_key(&doomed.id).await.ok();
    keyward.with_key(&doomed).list_contacts("").await.refusal(401, "invalid_credentials");
    keyward.terminate().await;

    // Both in the URL: no address has to be moved.
    let both = format!(
        "postgres://keyward@127.0.0.1:{},127.0.0.1:{}/keyward?target_session_attrs=read-write",
        old.port, new.port
    );
    keyward.set("KEYWARD_DATABASE__URL", &both);
    keyward.start_together().await;
    keyward.create_key(key).await.ok();
    keyward.get_contact("crm-1").await.ok();
    keyward.terminate().await;
}
