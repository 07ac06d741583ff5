//! Notices of keys that expire and of secrets that end.

use std::time::Duration;

use serde_json::{Value, json};
use svc_core::clock::Clock;

use crate::harness::{Stack, assert_json};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

async fn notices(stack: &Stack) -> Vec<Value> {
    let listed = stack.send(stack.by_member("GET", "/v1/console/notices")).await;
    listed.success(200, "Notices retrieved successfully.").as_array().unwrap().clone()
}

#[tokio::test]
async fn a_key_is_noticed_before_it_expires_and_a_secret_before_it_ends() {
    Stack::each(async |stack| {
        assert_eq!(notices(&stack).await, Vec::<Value>::new());
        let expires_at = stack.clock.now().plus(14 * DAY + HOUR).to_string();
        let settings = json!({"name": "Sync", "permissions": ["contacts:read"], "expiresAt": expires_at});
        let key = stack.new_key_with(settings).await;
        assert_eq!(notices(&stack).await, Vec::<Value>::new(), "it has 14 days and an hour");
        for (passed, days) in [(2 * HOUR, 14), (11 * DAY, 3), (2 * DAY, 1)] {
            stack.advance(passed);
            let found = notices(&stack).await;
            assert_eq!(found.len(), 1, "{found:?}");
            assert_json(
                &found[0],
                json!({
                    "kind": "KEY_EXPIRES",
                    "key": {"id": key.id, "name": "Sync"},
                    "agent": {"id": stack.agent, "name": "Support"},
                    "secretLast4": key.secret[key.secret.len() - 4..],
                    "endsAt": "<time>",
                    "days": days,
                    "lastUsedAt": found[0]["lastUsedAt"],
                }),
            );
            assert_eq!(found[0]["endsAt"], expires_at);
        }
        // A later expiry ends it, and so does one that has come.
        let later = stack.clock.now().plus(30 * DAY).to_string();
        stack.update_key(&key.id, json!({"expiresAt": later})).await.ok();
        assert_eq!(notices(&stack).await, Vec::<Value>::new());

        let rotated = stack.key_verb(&key.id, "rotate", json!({"overlapSeconds": 2 * 24 * 3600})).await;
        rotated.ok();
        assert_eq!(notices(&stack).await, Vec::<Value>::new(), "the overlap has two days");
        stack.advance(DAY + HOUR);
        let found = notices(&stack).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((&found[0]["kind"], &found[0]["days"]), (&json!("SECRET_ENDS"), &json!(1)));
        assert_eq!(found[0]["secretLast4"], key.secret[key.secret.len() - 4..], "of the secret that ends");
        // A key that is disabled does not work now.
        stack.key_verb(&key.id, "disable", json!({})).await.ok();
        assert_eq!(notices(&stack).await, Vec::<Value>::new());
        stack.key_verb(&key.id, "enable", json!({})).await.ok();
        stack.key_verb(&key.id, "endOverlap", json!({})).await.ok();
        assert_eq!(notices(&stack).await, Vec::<Value>::new());
    })
    .await;
}

#[tokio::test]
async fn only_members_see_notices_and_those_that_end_first_come_first() {
    Stack::each(async |stack| {
        let anyone = stack.send(stack.request("GET", "/v1/console/notices")).await;
        anyone.refusal(401, "not_signed_in");
        for days in [9_u32, 2, 5] {
            let expires_at = stack.clock.now().plus(days * DAY).to_string();
            let name = format!("{days} days");
            let permissions = ["contacts:read"];
            stack
                .new_key_with(json!({"name": name, "permissions": permissions, "expiresAt": expires_at}))
                .await;
        }
        let found = notices(&stack).await;
        let names: Vec<_> = found.iter().map(|notice| notice["key"]["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["2 days", "5 days", "9 days"]);

        let other = stack.create_agent(json!({"name": "Sales"})).await;
        let of = async |agent: &str| {
            stack.send(stack.by_member("GET", &format!("/v1/console/notices?agentId={agent}"))).await
        };
        assert_eq!(of(&stack.agent).await.ok(), &json!(found));
        assert_eq!(of(other.ok()["id"].as_str().unwrap()).await.ok(), &json!([]));
        for nobody in ["65f0c0ffee65f0c0ffee65f0", "nobody", ""] {
            of(nobody).await.refusal(404, "not_found");
        }
    })
    .await;
}
