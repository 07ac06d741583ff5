//! What a key may do is what its permissions say.

use serde_json::json;

use crate::harness::{Answer, Api, Stack};

/// One request for each permission, which succeeds for a key that holds it.
async fn attempt(api: &Api, permission: &str) -> Answer {
    let body = json!({"email": "ada@example.com"});
    match permission {
        "contacts:create" => api.create_contact(body).await,
        "contacts:read" => api.get_contact("crm-1").await,
        "contacts:update" => api.replace_contact("crm-1", body).await,
        "contacts:delete" => api.delete_contact("crm-1").await,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn each_permission_allows_its_own_operations_only() {
    const ALL: [&str; 4] = ["contacts:create", "contacts:read", "contacts:update", "contacts:delete"];
    Stack::each(async |stack| {
        for granted in ALL {
            stack.new_contact("crm-1").await;
            let caller = stack.with_key(&stack.new_key(&[granted]).await);
            for needed in ALL.iter().filter(|needed| **needed != granted) {
                let refused = attempt(&caller, needed).await;
                refused.refusal(403, "permission_denied");
                let message = refused.body["message"].as_str().unwrap();
                assert!(message.contains(needed) && !message.contains(granted), "{message}");
            }
            attempt(&caller, granted).await.ok();
            let left = stack.delete_contact("crm-1").await;
            assert_eq!(left.status, if granted == "contacts:delete" { 404 } else { 200 });
        }
    })
    .await;
}

#[tokio::test]
async fn narrowing_and_widening_hold_at_once() {
    Stack::each(async |stack| {
        let key = stack.new_key(&["contacts:read", "contacts:create"]).await;
        let caller = stack.with_key(&key);
        caller.create_contact(json!({"email": "ada@example.com"})).await.ok();
        stack.update_key(&key.id, json!({"permissions": ["contacts:read"]})).await.ok();
        let refused = caller.create_contact(json!({"email": "ada@example.com"})).await;
        refused.refusal(403, "permission_denied");
        stack.update_key(&key.id, json!({"permissions": ["contacts:create"]})).await.ok();
        caller.create_contact(json!({"email": "ada@example.com"})).await.ok();
        caller.list_contacts("").await.refusal(403, "permission_denied");
    })
    .await;
}

#[tokio::test]
async fn keys_do_not_manage_and_tokens_do_not_call() {
    Stack::each(async |stack| {
        let by_key = stack.by_key("GET", &stack.keys_path());
        stack.send(by_key).await.refusal(401, "not_signed_in");
        let by_member = stack.by_member("GET", &stack.contacts_path());
        stack.send(by_member).await.refusal(401, "missing_credentials");
    })
    .await;
}

#[tokio::test]
async fn a_client_that_sends_one_header_only_uses_basic() {
    Stack::each(async |stack| {
        let request = stack.request("GET", &stack.contacts_path());
        let request = request.basic_auth(&stack.key.api_key, Some(&stack.key.secret));
        stack.send(request).await.success(200, "Contacts retrieved.");
    })
    .await;
}
