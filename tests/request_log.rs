//! An admin who is handed a `requestId` finds the request, and pages through those of a key.

use serde_json::{Value, json};
use svc_core::clock::Timestamp;

use crate::harness::{Answer, Api, Key, Processes, Server, Stack};

const UNKNOWN: &str = "65f0c0ffee65f0c0ffee65f0";

/// What the log says of the request of this answer, as soon as it does.
pub async fn logged(api: &Api, answer: &Answer) -> Value {
    let id = answer.header("x-request-id");
    loop {
        let found = api.logged_request(id).await;
        // It is not there yet, or the database is not.
        if !matches!(found.status, 404 | 503) {
            return found.success(200, "Request retrieved successfully.").clone();
        }
        tokio::task::yield_now().await;
    }
}

/// The ids of a page.
fn ids(answer: &Answer) -> Vec<&str> {
    let requests = answer.success(200, "Requests retrieved successfully.").as_array().unwrap();
    requests.iter().map(|request| request["requestId"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_request_is_found_by_its_id() {
    Stack::each(async |stack| {
        let key = stack.new_key_with(json!({"name": "CRM", "permissions": ["contacts:read"]})).await;
        let caller = stack.with_key(&key);
        let request = caller.by_key("GET", &format!("{}?limit=5", stack.contacts_path()));
        let answer = stack.send(request.header("X-Request-Id", "sync-2026.1_7")).await;
        answer.success(200, "Contacts retrieved.");
        let found = logged(&stack, &answer).await;
        let shown = json!({
            "requestId": answer.header("x-request-id"),
            "clientRequestId": "sync-2026.1_7",
            "at": found["at"],
            "method": "GET",
            "route": "/v1/open/contacts/chatbots/{agent_id}",
            "operation": "contacts.list",
            "status": 200,
            "code": "ok",
            "permission": "contacts:read",
            "clientAddress": "127.0.0.1",
            "durationMs": found["durationMs"],
            "key": {"id": key.id, "name": "CRM"},
            "secretLast4": &key.secret[key.secret.len() - 4..],
            "agent": {"id": stack.agent, "name": "Support"},
        });
        assert_eq!(found, shown);
        assert!(found["durationMs"].as_f64().unwrap() > 0.0, "{found}");
        // The moment is that of the id.
        let millis = i64::from_str_radix(&answer.header("x-request-id")[..12], 16).unwrap();
        assert_eq!(found["at"], Timestamp(millis * 1_000).to_string());
    })
    .await;
}

#[tokio::test]
async fn every_outcome_says_why() {
    Stack::each(async |stack| {
        let new = async |settings: Value| {
            let mut all = json!({"name": "A key", "permissions": ["contacts:read"]});
            all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
            stack.new_key_with(all).await
        };
        let good = new(json!({})).await;
        let elsewhere = new(json!({"allowedIps": ["192.0.2.0/24"]})).await;
        let disabled = new(json!({})).await;
        stack.key_verb(&disabled.id, "disable", json!({})).await.ok();
        let full = new(json!({"rateLimits": {"perMinute": 1}})).await;
        stack.with_key(&full).list_contacts("").await.ok();
        let wrong = Key { secret: stack.key.secret.clone(), ..good.clone() };
        let upsert = format!("{}?upsert=true", stack.contact_path("crm-1"));

        let list = async |key: &Key| stack.with_key(key).list_contacts("").await;
        let caller = stack.with_key(&good);
        let strayed = caller.with_agent(UNKNOWN, &good);
        let read = Some("contacts:read");
        for (answer, status, code, permission, key) in [
            (list(&good).await, 200, "ok", read, Some(&good)),
            (caller.list_contacts("?limit=0").await, 400, "invalid_argument", read, Some(&good)),
            (caller.get_contact("crm-9").await, 404, "not_found", read, Some(&good)),
            (
                caller.delete_contact("x").await,
                403,
                "permission_denied",
                Some("contacts:delete"),
                Some(&good),
            ),
            (
                stack.send(caller.by_key("PUT", &upsert).json(&json!({}))).await,
                403,
                "permission_denied",
                Some("contacts:update, contacts:create"),
                Some(&good),
            ),
            (strayed.list_contacts("").await, 403, "agent_mismatch", read, Some(&good)),
            (caller.own_key().await, 200, "ok", None, Some(&good)),
            (list(&elsewhere).await, 403, "ip_not_allowed", read, Some(&elsewhere)),
            (list(&disabled).await, 403, "key_disabled", read, Some(&disabled)),
            (list(&full).await, 429, "rate_limited", read, Some(&full)),
            // No key was proven: it belongs to whoever has the agent of the path.
            (list(&wrong).await, 401, "invalid_credentials", read, None),
        ] {
            assert_eq!(answer.status, status, "{}: {}", answer.asked, answer.body);
            let found = logged(&stack, &answer).await;
            let said = [&found["status"], &found["code"], &found["permission"], &found["key"]["id"]];
            let key_id = key.map(|key| key.id.as_str());
            assert_eq!(said, [&json!(status), &json!(code), &json!(permission), &json!(key_id)], "{found}");
            assert_eq!(found["secretLast4"].is_null(), key.is_none(), "{found}");
            assert_eq!(found["agent"]["id"], json!(stack.agent), "{found}");
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_of_the_path_the_query_or_the_body_is_kept() {
    Stack::each(async |stack| {
        let secret_text = "ada.lovelace@example.com";
        for id in ["=cmd|'/c calc'!A1", "a b", "\u{e4}", "x".repeat(65).as_str()] {
            let path = format!("{}?search={secret_text}&tag={secret_text}", stack.contact_path(secret_text));
            let answer = stack.send(stack.by_key("GET", &path).header("X-Request-Id", id)).await;
            let found = logged(&stack, &answer).await;
            assert_eq!(found["clientRequestId"], Value::Null, "{id}");
            assert_eq!(found["route"], "/v1/open/contacts/{ref}/chatbots/{agent_id}");
            assert!(!found.to_string().contains("lovelace"), "{found}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_requests_of_a_key_are_paged_newest_first() {
    Stack::each(async |stack| {
        let key = stack.new_key(&["contacts:read"]).await;
        let other = stack.new_key(&["contacts:read"]).await;
        stack.with_key(&other).list_contacts("").await.ok();
        let mut made = Vec::new();
        for n in 0..5 {
            let answer = match n {
                2 => stack.with_key(&key).delete_contact("x").await,
                _ => stack.with_key(&key).list_contacts("").await,
            };
            logged(&stack, &answer).await;
            made.push(answer.header("x-request-id").to_owned());
            stack.advance(std::time::Duration::from_secs(60));
        }
        made.reverse();

        let all = stack.requests_of(&key.id, "").await;
        assert_eq!(ids(&all), made);
        assert_eq!(all.body["pagination"], json!({"limit": 20, "hasMore": false, "nextCursor": null}));
        let first = stack.requests_of(&key.id, "?limit=3").await;
        assert_eq!(ids(&first), made[..3]);
        let cursor = first.body["pagination"]["nextCursor"].as_str().unwrap();
        let second = stack.requests_of(&key.id, &format!("?limit=3&cursor={cursor}")).await;
        assert_eq!(ids(&second), made[3..]);
        stack.requests_of(&key.id, &format!("?code=ok&cursor={cursor}")).await.refusal(400, "invalid_cursor");
        stack.requests_of(&other.id, &format!("?cursor={cursor}")).await.refusal(400, "invalid_cursor");

        assert_eq!(ids(&stack.requests_of(&key.id, "?code=permission_denied").await), [&*made[2]]);
        assert_eq!(ids(&stack.requests_of(&key.id, "?code=ok").await).len(), 4);
        assert!(ids(&stack.requests_of(&key.id, "?code=rate_limited").await).is_empty());
        let at = |n: usize| all.body["data"][n]["at"].as_str().unwrap();
        let from = stack.requests_of(&key.id, &format!("?from={}", at(1))).await;
        assert_eq!(ids(&from), made[..2]);
        let between = format!("?from={}&to={}", at(3), at(1));
        assert_eq!(ids(&stack.requests_of(&key.id, &between).await), made[2..4]);
        assert!(ids(&stack.requests_of(&key.id, "?from=9999-12-31T00:00:00Z").await).is_empty());
        assert!(ids(&stack.requests_of(&key.id, "?to=0001-01-01T00:00:00Z").await).is_empty());
    })
    .await;
}

#[tokio::test]
async fn filters_that_make_no_sense_are_refused() {
    Stack::each(async |stack| {
        let key = stack.new_key(&["contacts:read"]).await;
        let upside_down = "?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z";
        for (query, field, fault) in [
            ("?code=nonsense", "code", "invalid"),
            ("?code=OK", "code", "invalid"),
            ("?code=", "code", "invalid"),
            ("?code=%3Dcmd%7C%0A", "code", "invalid"),
            (upside_down, "to", "out_of_range"),
            ("?from=yesterday", "from", "invalid"),
            ("?limit=0", "limit", "out_of_range"),
            ("?limit=101", "limit", "out_of_range"),
            ("?search=x", "search", "unknown_field"),
        ] {
            let answer = stack.requests_of(&key.id, query).await;
            let details = answer.refusal(400, "invalid_argument");
            assert_eq!(
                (&details[0]["field"], &details[0]["code"]),
                (&json!(field), &json!(fault)),
                "{query}"
            );
        }
        for id in [UNKNOWN, "x", "65F0C0FFEE65F0C0FFEE65F0"] {
            stack.logged_request(id).await.refusal(404, "not_found");
            stack.requests_of(id, "").await.refusal(404, "not_found");
        }
        assert!(ids(&stack.requests_of(&key.id, "").await).is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_log_is_for_admins() {
    Stack::each(async |stack| {
        let answer = stack.list_contacts("").await;
        logged(&stack, &answer).await;
        let key = stack.list_keys("").await.ok()[0]["id"].as_str().unwrap().to_owned();
        let user = stack.new_token(json!({"name": "Reader", "role": "USER"})).await;
        let user = stack.with_token(user.ok()["secret"].as_str().unwrap());
        user.logged_request(answer.header("x-request-id")).await.refusal(403, "role_required");
        user.requests_of(&key, "").await.refusal(403, "role_required");
        let nobody = stack.with_token("");
        nobody.logged_request(answer.header("x-request-id")).await.refusal(401, "not_signed_in");
        let admin = stack.new_token(json!({"name": "Admin", "role": "ADMIN"})).await;
        let admin = stack.with_token(admin.ok()["secret"].as_str().unwrap());
        admin
            .logged_request(answer.header("x-request-id"))
            .await
            .success(200, "Request retrieved successfully.");
    })
    .await;
}

#[tokio::test]
async fn what_a_deleted_key_did_can_still_be_read() {
    Stack::each(async |stack| {
        let key = stack.new_key(&["contacts:read"]).await;
        let answer = stack.with_key(&key).list_contacts("").await;
        logged(&stack, &answer).await;
        stack.delete_key(&key.id).await.ok();
        let listed = stack.requests_of(&key.id, "").await;
        assert_eq!(ids(&listed), [answer.header("x-request-id")]);
        assert_eq!(listed.body["data"][0]["key"], json!({"id": key.id, "name": null}));
        assert!(ids(&stack.requests_of(&key.id, "?code=rate_limited").await).is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_graceful_stop_loses_no_request() {
    Stack::each(async |mut stack| {
        let mut answers = Vec::new();
        for _ in 0..20 {
            answers.push(stack.list_contacts("").await);
        }
        stack.restart().await;
        for answer in answers {
            let id = answer.header("x-request-id");
            stack.logged_request(id).await.success(200, "Request retrieved successfully.");
        }
    })
    .await;
}

#[tokio::test]
async fn members_requests_and_unknown_agents_are_not_in_it() {
    Stack::each(async |stack| {
        let of_member = stack.list_keys("").await;
        let nobody = Key { secret: String::new(), ..stack.key.clone() };
        let of_unknown = stack.with_agent(UNKNOWN, &nobody).list_contacts("").await;
        of_unknown.refusal(401, "missing_credentials");
        // One that is logged after them says that they have been looked at.
        let last = stack.list_contacts("").await;
        logged(&stack, &last).await;
        for answer in [of_member, of_unknown] {
            stack.logged_request(answer.header("x-request-id")).await.refusal(404, "not_found");
        }
    })
    .await;
}

/// What was refused since nobody could decide is no request of a key, and yet is found by its id.
#[tokio::test]
async fn requests_are_logged_once_the_database_is_back() {
    let mut server = Server::start().await;
    server.execute("CREATE DATABASE keyward").await;
    let keyward = Processes::together(&[("KEYWARD_DATABASE__URL", &server.url("keyward"))]).await;
    let before = keyward.list_contacts("").await;
    before.success(200, "Contacts retrieved.");
    server.stop();
    let refused = keyward.list_contacts("").await;
    refused.refusal(503, "authorization_unavailable");
    server.run().await;
    for (answer, code) in [(&before, "ok"), (&refused, "authorization_unavailable")] {
        assert_eq!(logged(&keyward, answer).await["code"], code);
    }
}

#[tokio::test]
async fn it_can_be_turned_off() {
    let keyward = Processes::together(&[("KEYWARD_EDGE__REQUEST_LOG_PER_SECOND", "0")]).await;
    let answer = keyward.list_contacts("").await;
    answer.success(200, "Contacts retrieved.");
    keyward.logged_request(answer.header("x-request-id")).await.refusal(404, "not_found");
    let metrics = keyward.all[0].metrics().await;
    assert!(metrics.contains("edge_request_log_sent_total 0"), "{metrics}");
}

#[tokio::test]
async fn what_is_too_much_is_dropped_and_counted() {
    let keyward = Processes::together(&[("KEYWARD_EDGE__REQUEST_LOG_PER_SECOND", "3")]).await;
    // None waits for the log: they are all answered before a second has passed four times.
    let answers = futures::future::join_all((0..40).map(|_| keyward.list_contacts(""))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let dropped = |text: &str| -> u64 {
        let name = "edge_request_log_dropped_total{reason=\"too_many\"} ";
        text.lines().find_map(|line| line.strip_prefix(name)).unwrap().parse().unwrap()
    };
    let metrics = keyward.all[0].metrics().await;
    assert!(dropped(&metrics) > 0, "{metrics}");
}
