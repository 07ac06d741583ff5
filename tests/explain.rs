//! Why does the check decide as it does? The rows of the contract, each passed, failed or not reached.

use serde_json::{Value, json};

use crate::harness::{Answer, Api, Key, Stack};
use crate::request_log::logged;

const ROWS: [&str; 7] = [
    "invalid_credentials",
    "key_expired",
    "key_disabled",
    "ip_not_allowed",
    "rate_limited",
    "agent_mismatch",
    "permission_denied",
];
const UNKNOWN: &str = "65f0c0ffee65f0c0ffee65f0";

async fn explain(api: &Api, key: &Key, asked: Value) -> Answer {
    api.key_verb(&key.id, "explain", asked).await
}

/// The code of the row that failed and its reason. All before it passed, none after it was reached.
#[track_caller]
fn failed(explained: &Value) -> Option<(&str, &str)> {
    let rows = explained["rows"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["code"].as_str().unwrap()).collect::<Vec<_>>(), ROWS);
    let at = rows.iter().position(|row| row["result"] == "failed");
    for (place, row) in rows.iter().enumerate() {
        let result = match at {
            Some(at) if place == at => "failed",
            Some(at) if place > at => "not_reached",
            _ => "passed",
        };
        assert_eq!(row["result"], result, "{explained}");
        assert_eq!(row["reason"].is_null(), result != "failed", "{explained}");
    }
    assert_eq!(explained["allowed"], json!(at.is_none()), "{explained}");
    let row = &rows[at?];
    assert_eq!(explained["code"], row["code"]);
    Some((row["code"].as_str().unwrap(), row["reason"].as_str().unwrap()))
}

#[tokio::test]
async fn the_first_row_that_fails_refuses() {
    Stack::each(async |stack| {
        let asked = |change: Value| {
            let mut asked =
                json!({"address": "127.0.0.1", "agent": stack.agent, "permission": "contacts:read"});
            asked.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            asked
        };
        let new = async |settings: Value| {
            let mut all = json!({"name": "A key", "permissions": ["contacts:read"]});
            all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
            stack.new_key_with(all).await
        };
        let good = new(json!({})).await;
        let ends = new(json!({"expiresAt": "2099-01-01T00:00:00Z", "allowedIps": ["192.0.2.0/24"]})).await;
        let disabled = new(json!({"allowedIps": ["192.0.2.0/24"]})).await;
        stack.key_verb(&disabled.id, "disable", json!({})).await.ok();
        let full = new(json!({"rateLimits": {"perMinute": 1}})).await;
        stack.with_key(&full).list_contacts("").await.ok();
        let late = json!({"at": "2099-01-01T00:00:00Z"});
        for (key, change, code, reason, told) in [
            (&good, json!({}), None, "", ""),
            (
                &ends,
                late.clone(),
                Some("key_expired"),
                "The key expired at 2099-01-01T00:00:00.000Z.",
                "The API key has expired.",
            ),
            (&good, late, None, "", ""),
            (&disabled, json!({}), Some("key_disabled"), "The key is disabled.", "The API key is disabled."),
            (
                &ends,
                json!({"address": "198.51.100.7"}),
                Some("ip_not_allowed"),
                "198.51.100.7 is not in the allowed list: 192.0.2.0/24.",
                "The API key may not be used from the address 198.51.100.7.",
            ),
            (&ends, json!({"address": "::ffff:192.0.2.7"}), None, "", ""),
            (&full, json!({"agent": UNKNOWN}), Some("rate_limited"), "Over the limit", "Over the limit"),
            (
                &good,
                json!({"agent": UNKNOWN, "permission": "contacts:delete"}),
                Some("agent_mismatch"),
                "and the request names 65f0c0ffee65f0c0ffee65f0.",
                "This API key is for another agent.",
            ),
            (
                &good,
                json!({"permission": "contacts:delete"}),
                Some("permission_denied"),
                "The key lacks contacts:delete. It has contacts:read.",
                "The API key lacks contacts:delete.",
            ),
        ] {
            let answer = explain(&stack, key, asked(change.clone())).await;
            let explained = answer.success(200, "Decision explained.");
            let found = failed(explained);
            assert_eq!(found.map(|(code, _)| code), code, "{change}");
            assert!(found.is_none_or(|(_, why)| why.contains(reason)), "{explained}");
            let message = explained["message"].as_str().unwrap();
            assert!(message.starts_with(told) && message.is_empty() == code.is_none(), "{explained}");
            assert_eq!(explained["rule"] == "", code.is_none(), "{explained}");
            assert_eq!(explained["requestId"], Value::Null);
        }
    })
    .await;
}

#[tokio::test]
async fn it_says_what_the_check_itself_decides_and_takes_no_slot() {
    Stack::each(async |stack| {
        let key = stack
            .new_key_with(json!({
                "name": "A key", "permissions": ["contacts:read"], "rateLimits": {"perMinute": 2}
            }))
            .await;
        let asked = json!({"address": "127.0.0.1", "agent": stack.agent, "permission": "contacts:read"});
        for _ in 0..5 {
            let answer = explain(&stack, &key, asked.clone()).await;
            assert_eq!(failed(answer.ok()), None);
        }
        let caller = stack.with_key(&key);
        caller.list_contacts("").await.ok();
        caller.list_contacts("").await.ok();
        let told = explain(&stack, &key, asked).await;
        assert_eq!(failed(told.ok()).unwrap().0, "rate_limited");
        let refused = caller.list_contacts("").await;
        refused.refusal(429, "rate_limited");
        let window = |text: &Value| text.as_str().unwrap().split('.').next().unwrap().to_owned();
        assert_eq!(window(&told.body["data"]["message"]), window(&refused.body["message"]));
    })
    .await;
}

#[tokio::test]
async fn a_request_of_the_log_is_explained_as_it_was_decided() {
    Stack::each(async |stack| {
        let key = stack.new_key(&["contacts:read"]).await;
        let caller = stack.with_key(&key);
        let allowed = caller.list_contacts("").await;
        let not_found = caller.get_contact("crm-1").await;
        let denied = caller.delete_contact("crm-1").await;
        denied.refusal(403, "permission_denied");
        for answer in [&allowed, &not_found, &denied] {
            logged(&stack, answer).await;
        }
        // What became of the key since does not count.
        stack.key_verb(&key.id, "disable", json!({})).await.ok();
        let by_id = |answer: &Answer| json!({"requestId": answer.header("x-request-id")});
        for passed in [&allowed, &not_found] {
            let answer = explain(&stack, &key, by_id(passed)).await;
            assert_eq!(failed(answer.success(200, "Decision explained.")), None);
        }
        let answer = explain(&stack, &key, by_id(&denied)).await;
        let explained = answer.success(200, "Decision explained.");
        assert_eq!(failed(explained).unwrap().0, "permission_denied");
        // What the caller was told is what it was told.
        assert_eq!(explained["message"], denied.body["message"]);
        assert_eq!(explained["requestId"], denied.header("x-request-id"));
        let found = stack.logged_request(denied.header("x-request-id")).await;
        assert_eq!(explained["at"], found.ok()["at"]);

        let other = stack.new_key(&["contacts:read"]).await;
        explain(&stack, &other, by_id(&denied)).await.refusal(404, "not_found");
        for unknown in [UNKNOWN, "", "=cmd"] {
            explain(&stack, &key, json!({"requestId": unknown})).await.refusal(404, "not_found");
        }
    })
    .await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_field_by_field() {
    Stack::each(async |stack| {
        let key = stack.new_key(&["contacts:read"]).await;
        let good = json!({"address": "192.0.2.1", "agent": stack.agent, "permission": "contacts:read"});
        let with = |name: &str, value: Value| {
            let mut asked = good.clone();
            asked[name] = value;
            asked
        };
        for (asked, faults) in [
            (json!({}), vec![("address", "required"), ("agent", "required"), ("permission", "required")]),
            (with("address", json!("192.0.2.256")), vec![("address", "invalid")]),
            (with("address", json!("192.0.2.0/24")), vec![("address", "invalid")]),
            (with("address", json!("[::1]")), vec![("address", "invalid")]),
            (with("address", json!("")), vec![("address", "invalid")]),
            (with("agent", json!("x")), vec![("agent", "invalid")]),
            (with("permission", json!("contacts:*")), vec![("permission", "invalid")]),
            (with("permission", json!("x".repeat(10_000))), vec![("permission", "invalid")]),
            (with("permission", json!("contacts:read\u{0}")), vec![("permission", "invalid")]),
            (with("at", json!("tomorrow")), vec![("at", "invalid")]),
            (with("secret", json!("x")), vec![("secret", "unknown_field")]),
            (
                with("requestId", json!(UNKNOWN)),
                vec![("address", "invalid"), ("agent", "invalid"), ("permission", "invalid")],
            ),
        ] {
            let answer = explain(&stack, &key, asked.clone()).await;
            let details = answer.refusal(400, "invalid_argument").as_array().unwrap();
            let said: Vec<_> = details
                .iter()
                .map(|detail| (detail["field"].as_str().unwrap(), detail["code"].as_str().unwrap()))
                .collect();
            assert_eq!(said, faults, "{asked}");
        }
        let unknown = Key { id: UNKNOWN.to_owned(), ..key };
        explain(&stack, &unknown, good).await.refusal(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn it_is_for_admins_and_a_denied_caller_sees_the_words_of_the_contract_only() {
    Stack::each(async |stack| {
        let settings =
            json!({"name": "A key", "permissions": ["contacts:read"], "allowedIps": ["203.0.113.0/24"]});
        let key = stack.new_key_with(settings).await;
        let refused = stack.with_key(&key).list_contacts("").await;
        refused.refusal(403, "ip_not_allowed");
        assert_eq!(refused.body["message"], "The API key may not be used from the address 127.0.0.1.");
        assert!(!refused.body.to_string().contains("203.0.113"), "{}", refused.body);
        let asked = json!({"address": "127.0.0.1", "agent": stack.agent, "permission": "contacts:read"});
        let user = stack.new_token(json!({"name": "Reader", "role": "USER"})).await;
        let user = stack.with_token(user.ok()["secret"].as_str().unwrap());
        explain(&user, &key, asked.clone()).await.refusal(403, "role_required");
        explain(&stack.with_token(""), &key, asked).await.refusal(401, "not_signed_in");
    })
    .await;
}
