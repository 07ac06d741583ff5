//! Limits of a key as its integration meets them, and where it may be used from.

use futures::future::join_all;
use serde_json::json;

use crate::harness::{Answer, Stack, assert_json};

fn number(answer: &Answer, name: &str) -> u64 {
    answer.header(name).parse().unwrap_or_else(|_| panic!("{name}: {:?}", answer.headers))
}

#[tokio::test]
async fn a_key_is_let_through_as_often_as_it_may_and_told_what_remains() {
    Stack::each(async |stack| {
        let settings = json!({
            "name": "Two a minute",
            "permissions": ["contacts:read"],
            "rateLimits": {"perMinute": 2, "perHour": 100},
        });
        let caller = stack.with_key(&stack.new_key_with(settings).await);
        for remaining in [1, 0] {
            let answer = caller.list_contacts("").await;
            answer.ok();
            let policy = "\"minute\";q=2;w=60, \"hour\";q=100;w=3600";
            assert_eq!(answer.header("ratelimit-policy"), policy);
            let state = format!("\"minute\";r={remaining};t=");
            assert!(answer.header("ratelimit").starts_with(&state), "{}", answer.header("ratelimit"));
            assert!(answer.header("ratelimit").contains(&format!("\"hour\";r={};t=", 98 + remaining)));
            assert_eq!(
                (number(&answer, "x-ratelimit-limit"), number(&answer, "x-ratelimit-remaining")),
                (2, remaining)
            );
            assert!((1..=61).contains(&number(&answer, "x-ratelimit-reset")));
        }
        let refused = caller.list_contacts("").await;
        refused.refusal(429, "rate_limited");
        assert!(refused.body["message"].as_str().unwrap().contains("minute"));
        assert!((1..=61).contains(&number(&refused, "retry-after")));
        assert_eq!(number(&refused, "x-ratelimit-remaining"), 0);

        // The limit is the key's own: others go on, and without a proven secret nothing is said of limits.
        stack.list_contacts("").await.ok();
        let stranger =
            stack.with_key(&crate::harness::Key { secret: stack.key.secret.clone(), ..caller.key.clone() });
        let unknown = stranger.list_contacts("").await;
        unknown.refusal(401, "invalid_credentials");
        assert!(!unknown.headers.contains_key("ratelimit"));
    })
    .await;
}

#[tokio::test]
async fn parallel_requests_get_exactly_what_is_allowed() {
    Stack::each(async |stack| {
        let settings = json!({
            "name": "Ten a minute",
            "permissions": ["contacts:read"],
            "rateLimits": {"perMinute": 10},
        });
        let caller = stack.with_key(&stack.new_key_with(settings).await);
        let answers = join_all((0..50).map(|_| caller.list_contacts(""))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 10);
        assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 429)));
    })
    .await;
}

#[tokio::test]
async fn a_key_works_from_its_addresses_only() {
    Stack::each(async |stack| {
        let settings = json!({
            "name": "Elsewhere",
            "permissions": ["contacts:read"],
            "allowedIps": ["203.0.113.0/24, 2001:db8::/32"],
        });
        let key = stack.new_key_with(settings).await;
        let caller = stack.with_key(&key);
        let refused = caller.list_contacts("").await;
        refused.refusal(403, "ip_not_allowed");
        let message = refused.body["message"].as_str().unwrap();
        assert!(message.contains("127.0.0.1") && !message.contains("203.0.113"), "{message}");
        stack.update_key(&key.id, json!({"allowedIps": ["203.0.113.0/24", "127.0.0.0/8"]})).await.ok();
        caller.list_contacts("").await.ok();
        stack.update_key(&key.id, json!({"allowedIps": ["203.0.113.0/24"]})).await.ok();
        caller.list_contacts("").await.refusal(403, "ip_not_allowed");
    })
    .await;
}

#[tokio::test]
async fn a_key_can_ask_who_it_is() {
    Stack::each(async |stack| {
        let settings = json!({
            "name": "Curious",
            "permissions": ["document-extraction:read"],
            "rateLimits": {"perMinute": 5, "perHour": 50},
        });
        let key = stack.new_key_with(settings).await;
        let answer = stack.with_key(&key).own_key().await;
        assert_json(
            answer.success(200, "API key retrieved successfully."),
            json!({
                "apiKey": key.api_key,
                "name": "Curious",
                "agent": {"id": stack.agent, "name": "Support"},
                "permissions": ["document-extraction:read"],
                "rateLimits": {"perMinute": 5, "perHour": 50},
                "windows": {
                    "minute": {"limit": 5, "remaining": 4, "resetSeconds": answer.body["data"]["windows"]["minute"]["resetSeconds"]},
                    "hour": {"limit": 50, "remaining": 49, "resetSeconds": answer.body["data"]["windows"]["hour"]["resetSeconds"]},
                },
                "expiresAt": null,
                "clientAddress": "127.0.0.1",
            }),
        );
    })
    .await;
}
