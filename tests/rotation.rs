//! New secrets without a gap, and keys that rest.

use serde_json::json;

use crate::harness::{Key, Stack};

#[tokio::test]
async fn a_secret_is_rotated_with_an_overlap() {
    Stack::each(async |stack| {
        let key = stack.new_key(&["contacts:read"]).await;
        let old = stack.with_key(&key);
        old.list_contacts("").await.ok();

        let rotated = stack.key_verb(&key.id, "rotate", json!({"overlapSeconds": 3600})).await;
        let data = rotated.success(200, "API key rotated successfully.");
        assert_eq!(data["key"]["apiKey"], key.api_key);
        assert_eq!(data["key"]["rotation"]["previousSecretLast4"], key.secret[key.secret.len() - 4..]);
        let secret = data["secret"].as_str().unwrap().to_owned();
        let new = stack.with_key(&Key { secret, ..key.clone() });

        let answer = old.list_contacts("").await;
        answer.ok();
        assert_eq!(
            answer.header("x-api-secret-expires"),
            data["key"]["rotation"]["overlapEndsAt"].as_str().unwrap()
        );
        let answer = new.list_contacts("").await;
        answer.ok();
        assert!(!answer.headers.contains_key("x-api-secret-expires"));

        let ended = stack.key_verb(&key.id, "endOverlap", json!({})).await;
        assert!(ended.success(200, "Overlap ended successfully.")["rotation"].is_null());
        old.list_contacts("").await.refusal(401, "invalid_credentials");
        new.list_contacts("").await.ok();
    })
    .await;
}

#[tokio::test]
async fn a_key_is_disabled_and_enabled() {
    Stack::each(async |stack| {
        let key = stack.new_key(&["contacts:read"]).await;
        let caller = stack.with_key(&key);
        caller.list_contacts("").await.ok();
        for _ in 0..2 {
            let disabled = stack.key_verb(&key.id, "disable", json!({})).await;
            assert_eq!(disabled.success(200, "API key disabled successfully.")["status"], "DISABLED");
            caller.list_contacts("").await.refusal(403, "key_disabled");
        }
        let enabled = stack.key_verb(&key.id, "enable", json!({})).await;
        assert_eq!(enabled.success(200, "API key enabled successfully.")["status"], "ACTIVE");
        caller.list_contacts("").await.ok();
    })
    .await;
}
