//! A key that was deleted, or what it stood on, is refused from the next request on, although it was
//! cached a moment ago.

use serde_json::json;

use crate::harness::Stack;

#[tokio::test]
async fn a_deleted_key_is_refused_at_once() {
    Stack::each(async |stack| {
        for _ in 0..10 {
            let key = stack.new_key(&["contacts:read"]).await;
            let caller = stack.with_key(&key);
            caller.list_contacts("").await.success(200, "Contacts retrieved.");
            stack.delete_key(&key.id).await.success(200, "API key deleted successfully.");
            caller.list_contacts("").await.refusal(401, "invalid_credentials");
        }
    })
    .await;
}

#[tokio::test]
async fn no_request_that_starts_after_the_answer_is_let_through() {
    Stack::each(async |stack| {
        let settings = json!({
            "name": "Busy",
            "permissions": ["contacts:read"],
            "rateLimits": {"perMinute": 100_000, "perHour": 100_000},
        });
        let key = stack.new_key_with(settings).await;
        let caller = stack.with_key(&key);
        // Busy callers keep the key in the cache up to the end.
        let deleted = std::sync::atomic::AtomicBool::new(false);
        let call = async || {
            let mut calls = 0;
            loop {
                let starts_after = deleted.load(std::sync::atomic::Ordering::SeqCst);
                let answer = caller.list_contacts("").await;
                calls += 1;
                assert!(!(starts_after && answer.status == 200), "let through after the deletion");
                if starts_after {
                    answer.refusal(401, "invalid_credentials");
                    return calls;
                }
            }
        };
        let delete = async {
            for _ in 0..5 {
                caller.list_contacts("").await.ok();
            }
            stack.delete_key(&key.id).await.success(200, "API key deleted successfully.");
            deleted.store(true, std::sync::atomic::Ordering::SeqCst);
        };
        let (a, b, c, ()) = tokio::join!(call(), call(), call(), delete);
        assert!(a > 1 && b > 1 && c > 1);
    })
    .await;
}

#[tokio::test]
async fn unknown_secrets_do_not_evict_the_right_one() {
    Stack::each(async |stack| {
        let other = stack.new_key(&["contacts:read"]).await;
        let mut wrong = stack.key.clone();
        wrong.secret = other.secret;
        stack.with_key(&wrong).list_contacts("").await.refusal(401, "invalid_credentials");
        stack.list_contacts("").await.success(200, "Contacts retrieved.");
        stack.with_key(&wrong).list_contacts("").await.refusal(401, "invalid_credentials");
        let contact = json!({"email": "ada@example.com"});
        stack.create_contact(contact).await.success(201, "Contact created.");
    })
    .await;
}
