//! What was acknowledged is there afterwards.

use serde_json::json;

use crate::harness::{Processes, Stack};

#[tokio::test]
async fn a_restart_keeps_everything() {
    Stack::each(async |mut stack| {
        let id = stack.new_contact("crm-1").await;
        let key = stack.new_key(&["contacts:read"]).await;
        let gone = stack.new_key(&["contacts:read"]).await;
        stack.delete_key(&gone.id).await.ok();

        stack.restart().await;

        assert_eq!(stack.get_contact("crm-1").await.ok()["id"], json!(id));
        stack.with_key(&key).list_contacts("").await.success(200, "Contacts retrieved.");
        stack.with_key(&gone).list_contacts("").await.refusal(401, "invalid_credentials");
        assert_eq!(stack.list_keys("").await.ok().as_array().unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn kill_9_loses_nothing_that_was_acknowledged() {
    let mut keyward = Processes::together(&[]).await;
    for round in 0..3 {
        let mut acknowledged = Vec::new();
        for n in 0..10 {
            acknowledged
                .push((format!("crm-{round}-{n}"), keyward.new_contact(&format!("crm-{round}-{n}")).await));
        }
        let gone = keyward.new_key(&["contacts:read"]).await;
        keyward.delete_key(&gone.id).await.success(200, "API key deleted successfully.");
        keyward.all[0].kill().await;
        keyward.start_together().await;
        for (reference, id) in &acknowledged {
            assert_eq!(keyward.get_contact(reference).await.ok()["id"], json!(id), "{reference}");
        }
        keyward.with_key(&gone).list_contacts("").await.refusal(401, "invalid_credentials");
    }
    keyward.terminate().await;
}
