//! An admin sees how a key is used, and no request is forgotten or seen twice.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use svc_core::clock::Clock;

use crate::harness::{Answer, Api, Cluster, Process, Processes, Stack, Way, assert_json};

/// How long usage may take to be the same on all replicas, on a machine that has other work to do.
const PATIENCE: Duration = Duration::from_secs(30);

async fn usage(api: &Api, id: &str, query: &str) -> Value {
    let answer = api.send(api.by_member("GET", &format!("{}/usage{query}", api.key_path(id)))).await;
    answer.success(200, "API key usage retrieved successfully.").clone()
}

/// All requests, and those that were let through.
async fn totals(api: &Api, id: &str) -> (i64, i64) {
    let totals = &usage(api, id, "").await["totals"];
    (totals["requests"].as_i64().unwrap(), totals["allowed"].as_i64().unwrap())
}

/// Waits until so many requests are seen. More are never.
async fn sees(api: &Api, id: &str, requests: i64) {
    let began = Instant::now();
    loop {
        let answer = api.send(api.by_member("GET", &format!("{}/usage", api.key_path(id)))).await;
        // While the database is away, there is none.
        let seen = answer.body["data"]["totals"]["requests"].as_i64().unwrap_or_default();
        assert!(seen <= requests, "{seen} of {requests}");
        if seen == requests {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{seen} of {requests}: {}", answer.body);
        tokio::task::yield_now().await;
    }
}

/// Moves the clock to where an hour begins, so that none ends before the test does.
fn begin_an_hour(stack: &Stack) {
    const HOUR: i64 = 3_600_000_000;
    let left = HOUR - stack.clock.now().0.rem_euclid(HOUR);
    stack.advance(Duration::from_micros(left.try_into().unwrap()));
}

#[tokio::test]
async fn an_admin_sees_who_used_a_key_for_what_and_what_was_refused() {
    Stack::each(async |stack| {
        begin_an_hour(&stack);
        let settings = json!({
            "name": "Sync",
            "permissions": ["contacts:read", "contacts:update"],
            "rateLimits": {"perMinute": 4, "perHour": 100},
        });
        let key = stack.new_key_with(settings).await;
        let caller = stack.with_key(&key);
        assert_eq!(stack.get_key(&key.id).await.ok()["lastUsedAt"], Value::Null);
        caller.list_contacts("").await.ok();
        caller.list_contacts("").await.ok();
        // What a service says is its own matter: the key was let through.
        caller.get_contact("nobody").await.refusal(404, "not_found");
        let denied = caller.delete_contact("nobody").await;
        denied.refusal(403, "permission_denied");
        let limited = caller.list_contacts("").await;
        limited.refusal(429, "rate_limited");

        let told = usage(&stack, &key.id, "?granularity=day").await;
        let day = json!({"start": "<time>", "requests": 0, "allowed": 0, "denied": 0, "rateLimited": 0});
        let window = |name: &str, limit: u32, remaining: u32| {
            let reset = &told["windows"][name]["resetSeconds"];
            json!({"limit": limit, "remaining": remaining, "resetSeconds": reset})
        };
        let operation = |name: &str, permission: &str, requests: u32| {
            json!({"operation": name, "permission": permission, "requests": requests, "lastUsedAt": "<time>"})
        };
        // Whoever is handed the id of a refused answer finds it here.
        let denial = |refused: &Answer, code: &str, permission: Option<&str>| {
            json!({
                "at": "<time>",
                "requestId": refused.header("x-request-id"),
                "code": code,
                "permission": permission,
                "clientAddress": "127.0.0.1",
            })
        };
        let mut today = day.clone();
        for (name, count) in [("requests", 5), ("allowed", 3), ("denied", 2), ("rateLimited", 1)] {
            today[name] = json!(count);
        }
        assert_json(
            &told,
            json!({
                "granularity": "day",
                "totals": {"requests": 5, "allowed": 3, "denied": 2},
                "buckets": [day, today],
                "operations": [
                    operation("contacts.list", "contacts:read", 3),
                    operation("contacts.delete", "contacts:delete", 1),
                    operation("contacts.get", "contacts:read", 1),
                ],
                "outcomes": [
                    {"code": "ok", "requests": 3},
                    {"code": "permission_denied", "requests": 1},
                    {"code": "rate_limited", "requests": 1},
                ],
                "windows": {"minute": window("minute", 4, 0), "hour": window("hour", 100, 96)},
                "unusedPermissions": ["contacts:update"],
                "recentDenials": [
                    denial(&limited, "rate_limited", None),
                    denial(&denied, "permission_denied", Some("contacts:delete")),
                ],
            }),
        );
        assert!(stack.get_key(&key.id).await.ok()["lastUsedAt"].is_string());
    })
    .await;
}

#[tokio::test]
async fn a_range_has_every_bucket_and_a_bad_one_is_refused() {
    Stack::each(async |stack| {
        begin_an_hour(&stack);
        let key = stack.new_key(&["contacts:read"]).await;
        stack.with_key(&key).list_contacts("").await.ok();
        stack.advance(Duration::from_secs(3 * 3_600));
        stack.with_key(&key).list_contacts("").await.ok();
        let told = usage(&stack, &key.id, "").await;
        assert_eq!(told["granularity"], "hour");
        let hours: Vec<i64> = told["buckets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hour| hour["requests"].as_i64().unwrap())
            .collect();
        assert_eq!((hours.len(), &hours[21..]), (25, &[1, 0, 0, 1][..]));
        assert_eq!(told["totals"], json!({"requests": 2, "allowed": 2, "denied": 0}));
        let minutes = usage(&stack, &key.id, "?granularity=minute").await;
        assert_eq!(minutes["buckets"].as_array().unwrap().len(), 1_441);
        assert_eq!(minutes["totals"], told["totals"]);

        for (query, field, code) in [
            ("?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from", "invalid"),
            ("?from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "from", "invalid"),
            ("?to=2999-01-01T00:00:00Z", "to", "out_of_range"),
            ("?from=2999-01-01T00:00:00Z", "from", "out_of_range"),
            ("?granularity=minute&from=2020-01-01T00:00:00Z&to=2020-01-03T00:00:01Z", "from", "out_of_range"),
            ("?from=2020-01-01T00:00:00Z&to=2020-02-06T00:00:00Z", "from", "out_of_range"),
            ("?granularity=day&from=2020-01-01T00:00:00Z&to=2022-01-01T00:00:00Z", "from", "out_of_range"),
            ("?granularity=week", "granularity", "invalid"),
            ("?granularity=", "granularity", "invalid"),
            ("?from=yesterday", "from", "invalid"),
            ("?since=2026-01-01T00:00:00Z", "since", "unknown_field"),
        ] {
            let path = format!("{}/usage{query}", stack.key_path(&key.id));
            let refused = stack.send(stack.by_member("GET", &path)).await;
            let details = refused.refusal(400, "invalid_argument");
            assert_eq!((&details[0]["field"], &details[0]["code"]), (&json!(field), &json!(code)), "{query}");
        }
        let nobody = stack.key_path("65f0c0ffee65f0c0ffee65f0");
        for call in ["usage", "addresses"] {
            let path = format!("{nobody}/{call}");
            stack.send(stack.by_member("GET", &path)).await.refusal(404, "not_found");
            let path = format!("{}/{call}", stack.key_path(&key.id));
            stack.send(stack.by_key("GET", &path)).await.refusal(401, "not_signed_in");
        }
    })
    .await;
}

#[tokio::test]
async fn a_list_shows_activity_when_asked_and_finds_keys_that_nobody_uses() {
    Stack::each(async |stack| {
        begin_an_hour(&stack);
        let (used, unused) =
            (stack.new_key(&["contacts:read"]).await, stack.new_key(&["contacts:read"]).await);
        stack.advance(Duration::from_secs(3 * 86_400));
        let caller = stack.with_key(&used);
        caller.list_contacts("").await.ok();
        caller.create_contact(json!({"email": "ada@example.com"})).await.refusal(403, "permission_denied");

        let plain = stack.list_keys("").await;
        assert!(plain.ok().as_array().unwrap().iter().all(|key| key.get("activity").is_none()));
        let list = stack.list_keys("?include=activity").await;
        let of = |id: &str| {
            let keys = list.ok().as_array().unwrap();
            keys.iter().find(|key| key["id"] == id).unwrap()["activity"].as_array().unwrap().clone()
        };
        let quiet = json!({"allowed": 0, "denied": 0});
        assert!(of(&unused.id).len() == 24 && of(&unused.id).iter().all(|hour| *hour == quiet));
        let activity = of(&used.id);
        assert_eq!((activity.len(), &activity[23]), (24, &json!({"allowed": 1, "denied": 1})));
        assert!(activity[..23].iter().all(|hour| *hour == quiet));
        let all = stack.send(stack.by_member("GET", "/v1/console/api-keys?include=activity&limit=1")).await;
        assert_eq!(all.ok()[0]["activity"].as_array().unwrap().len(), 24);

        let found = async |query: &str| -> Vec<String> {
            let list = stack.list_keys(query).await;
            list.ok().as_array().unwrap().iter().map(|key| key["id"].as_str().unwrap().to_owned()).collect()
        };
        let idle = found("?unusedDays=2").await;
        assert!(idle.contains(&unused.id) && !idle.contains(&used.id), "{idle:?}");
        assert!(found("?unusedDays=4").await.is_empty(), "they were made since");
        for (query, field) in [
            ("?unusedDays=0", "unusedDays"),
            ("?unusedDays=3651", "unusedDays"),
            ("?include=secrets", "include"),
        ] {
            let refused = stack.list_keys(query).await;
            assert_eq!(refused.refusal(400, "invalid_argument")[0]["field"], field, "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_addresses_of_a_key_are_told() {
    Stack::each(async |stack| {
        let settings = json!({
            "name": "Moved",
            "permissions": ["contacts:read"],
            "allowedIps": ["203.0.113.0/24"],
        });
        let key = stack.new_key_with(settings).await;
        let path = format!("{}/addresses", stack.key_path(&key.id));
        let addresses =
            async |query: &str| stack.send(stack.by_member("GET", &format!("{path}{query}"))).await;
        let message = "API key addresses retrieved successfully.";
        assert_eq!(addresses("").await.success(200, message), &json!([]));
        // Also where it may not be used from: that is what an admin looks for.
        stack.with_key(&key).list_contacts("").await.refusal(403, "ip_not_allowed");
        let expected = json!([{"address": "127.0.0.1", "requests": 1, "lastSeenAt": "<time>"}]);
        assert_json(addresses("").await.success(200, message), expected.clone());
        stack.advance(Duration::from_secs(10 * 86_400));
        assert_eq!(addresses("?days=7").await.ok(), &json!([]));
        assert_json(addresses("?days=30").await.ok(), expected);
        for query in ["?days=0", "?days=31", "?days=99999999999"] {
            let refused = addresses(query).await;
            assert_eq!(refused.refusal(400, "invalid_argument")[0]["code"], "out_of_range", "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_stop_loses_no_request_of_a_key() {
    Stack::each(async |mut stack| {
        let key = stack.new_key(&["contacts:read"]).await;
        let caller = stack.with_key(&key);
        for _ in 0..20 {
            caller.list_contacts("").await.ok();
        }
        stack.restart().await;
        assert_eq!(totals(&stack, &key.id).await, (20, 20));
    })
    .await;
}

/// Waits until so many requests are written since the process has started.
async fn written(process: &Process, requests: u64) {
    let began = Instant::now();
    loop {
        let metrics = process.metrics().await;
        let line = metrics.lines().find_map(|line| line.strip_prefix("auth_usage_requests_written_total "));
        let written = line.unwrap().parse::<u64>().unwrap();
        if written == requests {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{written} of {requests}");
    }
}

#[tokio::test]
async fn kill_9_forgets_at_most_what_is_not_written_yet() {
    let mut keyward = Processes::together(&[]).await;
    let key = keyward.new_key(&["contacts:read"]).await;
    let mut certain = 0;
    for _ in 0..3 {
        let caller = keyward.with_key(&key);
        for _ in 0..5 {
            caller.list_contacts("").await.ok();
        }
        written(&keyward.all[0], 5).await;
        for _ in 0..3 {
            caller.list_contacts("").await.ok();
        }
        keyward.all[0].kill().await;
        keyward.start_together().await;
        let (seen, allowed) = totals(&keyward, &key.id).await;
        assert!((certain + 5..=certain + 8).contains(&seen), "{seen} after {certain}");
        assert_eq!(seen, allowed);
        certain = seen;
    }
    keyward.terminate().await;
}

#[tokio::test]
async fn replicas_add_up() {
    let cluster = Cluster::start(2, 2, 2).await;
    let key = cluster.apis[0].new_key_with(json!({
        "name": "Busy",
        "permissions": ["contacts:read"],
        "rateLimits": {"perMinute": 100_000, "perHour": 100_000},
    }));
    let key = key.await;
    for number in 0..40 {
        cluster.apis[number % 2].with_key(&key).list_contacts("").await.ok();
    }
    for api in &cluster.apis {
        sees(api, &key.id, 40).await;
    }
}

#[tokio::test]
async fn usage_outlives_a_database_that_is_away_and_is_counted_once() {
    let cluster = Cluster::start(1, 1, 1).await;
    let api = &cluster.apis[0];
    let key = api.new_key(&["contacts:read"]).await;
    let mut sent = 0;
    for way in [Way::Cut, Way::NoWordOfCommits, Way::Cut] {
        for _ in 0..5 {
            api.with_key(&key).list_contacts("").await.ok();
            sent += 1;
        }
        cluster.ways[0].set(way);
        // To ask for usage is to have it written, or to try.
        let asked = api.send(api.by_member("GET", &format!("{}/usage", api.key_path(&key.id)))).await;
        assert!(matches!(asked.status, 200 | 503 | 504), "{}", asked.body);
        cluster.ways[0].set(Way::Open);
        sees(api, &key.id, sent).await;
        // The replica answers again.
        let began = Instant::now();
        while api.own_key().await.status != 200 {
            assert!(began.elapsed() < PATIENCE);
        }
    }
}
