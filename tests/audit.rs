//! Who did what: the audit log over HTTP and on the command line.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use svc_core::clock::Clock;

use crate::harness::{Answer, Api, Cluster, Engine, Processes, Stack, Topology, assert_json, keyward};

async fn log(api: &Api, query: &str) -> Answer {
    api.send(api.by_member("GET", &format!("/v1/console/audit-log{query}"))).await
}

/// The newest entry.
async fn newest(api: &Api) -> Value {
    log(api, "?limit=1").await.success(200, "Audit log retrieved successfully.")[0].clone()
}

/// The whole log, as it is exported.
async fn export(api: &Api) -> String {
    let request = api.by_member("GET", "/v1/console/audit-log:export");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
    answer.text().await.unwrap()
}

fn entries(export: &str) -> Vec<Value> {
    export.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_entry_says_who_did_what_to_what_from_where() {
    Stack::each(async |stack| {
        let agent = id(stack.create_agent(json!({"name": "Sales"})).await.ok());
        let renamed = stack.update_agent(&agent, json!({"name": "Sales EU"})).await;
        let entry = newest(&stack).await;
        let token = id(&stack.list_tokens().await.ok()[0]);
        assert_json(
            &entry,
            json!({
                "id": "<id>",
                "at": "<time>",
                "actor": {
                    "kind": "TOKEN",
                    "id": token,
                    "name": "Owner token",
                    "member": {"id": stack.made.member_id, "name": "owner"},
                },
                "action": "agent.updated",
                "resource": {"type": "agent", "id": agent, "name": "Sales EU"},
                "description": "Agent \"Sales EU\" was updated: name.",
                "status": "SUCCESS",
                "clientAddress": "127.0.0.1",
                "requestId": renamed.header("x-request-id"),
                "before": {"id": agent, "name": "Sales"},
                "after": {"id": agent, "name": "Sales EU"},
                "organizationId": stack.made.organization_id,
                "sequence": entry["sequence"],
                "previousHash": "<text>",
                "hash": "<text>",
            }),
        );
        // Nothing was changed: nothing is said.
        stack.update_agent(&agent, json!({"name": "Sales EU"})).await.ok();
        assert_eq!(newest(&stack).await, entry);
        // The words that say what was done need no names of fields after them.
        let key = stack.new_key(&["contacts:read"]).await;
        stack.key_verb(&key.id, "disable", json!({})).await.ok();
        let disabled = newest(&stack).await;
        assert_eq!(disabled["description"], "API key \"A key\" was disabled.");
        assert_eq!(disabled["before"]["disabledAt"], Value::Null);
        assert!(disabled["after"]["disabledAt"].is_string(), "{disabled}");
    })
    .await;
}

/// Does everything that can be done, and gives what the log is to say of each, oldest first.
async fn everything(api: &Api) -> Vec<&'static str> {
    let agent = id(api.create_agent(json!({"name": "Sales"})).await.ok());
    api.update_agent(&agent, json!({"name": "Sales EU"})).await.ok();
    let there = api.with_agent(&agent, &api.key);
    let key = there.new_key(&["contacts:read"]).await;
    there.update_key(&key.id, json!({"name": "Renamed"})).await.ok();
    there.key_verb(&key.id, "rotate", json!({"overlapSeconds": 60})).await.ok();
    there.key_verb(&key.id, "endOverlap", json!({})).await.ok();
    there.key_verb(&key.id, "disable", json!({})).await.ok();
    there.key_verb(&key.id, "enable", json!({})).await.ok();
    there.delete_key(&key.id).await.ok();
    api.delete_agent(&agent).await.ok();
    let member = id(api.create_member(json!({"email": "ann@example.com", "role": "USER"})).await.ok());
    api.update_member(&member, json!({"role": "ADMIN"})).await.ok();
    api.delete_member(&member).await.ok();
    let token = id(&api.new_token(json!({"name": "CI"})).await.ok()["token"]);
    api.delete_token(&token).await.ok();
    vec![
        "agent.created",
        "agent.updated",
        "api_key.created",
        "api_key.updated",
        "api_key.rotated",
        "api_key.overlap_ended",
        "api_key.disabled",
        "api_key.enabled",
        "api_key.deleted",
        "agent.deleted",
        "member.created",
        "member.updated",
        "member.deleted",
        // A token is made by a session, and that begins by a password.
        "member.password_link_created",
        "member.password_reset",
        "session.created",
        "token.created",
        "token.deleted",
    ]
}

#[tokio::test]
async fn everything_that_is_done_is_in_the_export_in_order_and_chained() {
    Stack::each(async |stack| {
        let before = entries(&export(&stack).await);
        let first: Vec<_> = before.iter().take(5).map(|entry| entry["action"].as_str().unwrap()).collect();
        let of_setup =
            ["organization.created", "member.created", "agent.created", "api_key.created", "token.created"];
        assert_eq!(first, of_setup);
        assert_eq!(before[0]["actor"]["kind"], "SYSTEM");

        let expected = everything(&stack).await;
        let exported = export(&stack).await;
        let all = entries(&exported);
        let done: Vec<_> =
            all[before.len()..].iter().map(|entry| entry["action"].as_str().unwrap()).collect();
        assert_eq!(done, expected);
        let mut previous = Value::from("0".repeat(64));
        for (at, entry) in all.iter().enumerate() {
            assert_eq!((&entry["sequence"], &entry["previousHash"]), (&json!(at + 1), &previous));
            previous = entry["hash"].clone();
        }
        // Not a secret, nor a hash of one.
        for needle in ["kws_", "kwp_", "$argon2", &stack.key.secret, &stack.token] {
            assert!(!exported.contains(needle), "{needle}");
        }
        // From somewhere on.
        let request = stack.by_member("GET", "/v1/console/audit-log:export?after=5");
        let rest = request.send().await.unwrap().text().await.unwrap();
        assert_eq!(entries(&rest), all[5..]);
    })
    .await;
}

#[tokio::test]
async fn the_log_is_found_by_who_what_and_when() {
    Stack::each(async |stack| {
        let agent = id(stack.create_agent(json!({"name": "Sales"})).await.ok());
        let key = stack.new_key(&["contacts:read"]).await;
        stack.key_verb(&key.id, "disable", json!({})).await.ok();
        let token = id(&stack.list_tokens().await.ok()[0]);
        let owner = stack.made.member_id.clone();
        let all = log(&stack, "?limit=100").await.ok().as_array().unwrap().clone();
        for (query, is_found) in [
            (
                format!("resourceId={}", key.id),
                &(|e: &Value| e["resource"]["id"] == *key.id) as &dyn Fn(&Value) -> bool,
            ),
            (format!("resourceType=agent&resourceId={agent}"), &|e| e["resource"]["id"] == *agent),
            ("action=api_key.disabled".to_owned(), &|e| e["action"] == "api_key.disabled"),
            ("resourceType=api_key".to_owned(), &|e| e["resource"]["type"] == "api_key"),
            (format!("actor={owner}"), &|e| e["actor"]["member"]["id"] == *owner),
            (format!("actor={token}"), &|e| e["actor"]["id"] == *token),
            (format!("actor={token}&action=agent.created"), &|e| e["resource"]["id"] == *agent),
            ("actor=65f0c0ffee65f0c0ffee65f0".to_owned(), &|_| false),
            ("actor=%3D1%2B1".to_owned(), &|_| false),
            ("action=no.such".to_owned(), &|_| false),
            ("from=2020-01-01T00:00:00Z".to_owned(), &|_| true),
            ("to=2020-01-01T00:00:00Z".to_owned(), &|_| false),
            ("from=2020-01-01T00:00:00Z&to=2999-01-01T00:00:00Z".to_owned(), &|_| true),
        ] {
            let found = log(&stack, &format!("?limit=100&{query}")).await;
            let expected: Vec<_> = all.iter().filter(|entry| is_found(entry)).cloned().collect();
            assert_eq!(found.ok().as_array().unwrap(), &expected, "{query}");
        }

        // Page by page, while entries come in.
        let mut paged = Vec::new();
        let mut query = "?limit=2".to_owned();
        loop {
            let page = log(&stack, &query).await;
            paged.extend(page.ok().as_array().unwrap().clone());
            stack.create_agent(json!({"name": "meanwhile"})).await.ok();
            let Some(cursor) = page.body["pagination"]["nextCursor"].as_str() else { break };
            query = format!("?limit=2&cursor={cursor}");
        }
        assert_eq!(paged, all);

        let page = log(&stack, "?limit=1").await;
        let cursor = page.body["pagination"]["nextCursor"].as_str().unwrap();
        log(&stack, &format!("?action=agent.created&cursor={cursor}")).await.refusal(400, "invalid_cursor");
        for (query, field, fault) in [
            ("?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "to", "out_of_range"),
            ("?from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "to", "out_of_range"),
            ("?from=2999-01-01T00:00:00Z", "from", "out_of_range"),
            ("?from=yesterday", "from", "invalid"),
            ("?action=api_key", "action", "invalid"),
            ("?resourceType=%3D1%2B1", "resourceType", "invalid"),
            ("?limit=0", "limit", "out_of_range"),
            ("?limit=101", "limit", "out_of_range"),
        ] {
            let refused = log(&stack, query).await;
            let details = refused.refusal(400, "invalid_argument");
            assert_eq!(
                (&details[0]["field"], &details[0]["code"]),
                (&json!(field), &json!(fault)),
                "{query}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_member_was_refused_is_in_the_log() {
    Stack::each(async |stack| {
        // An admin by token: who may not make admins, nor touch the owner, nor make a token above.
        let made = stack.new_token(json!({"name": "Admin", "role": "ADMIN"})).await;
        let admin = stack.with_token(made.ok()["secret"].as_str().unwrap());
        let (owner, key) = (stack.made.member_id.clone(), stack.new_key(&["contacts:read"]).await);

        let last = newest(&stack).await["sequence"].as_i64().unwrap();
        let minute = || stack.clock.uptime().0 / 60_000_000;
        let began = minute();
        admin
            .create_member(json!({"email": "eve@example.com", "role": "ADMIN"}))
            .await
            .refusal(403, "role_required");
        admin.delete_member(&owner).await.refusal(403, "role_required");
        admin.create_token(json!({"name": "Up", "role": "OWNER"})).await.refusal(403, "role_required");
        admin
            .create_member(json!({"email": "OWNER@example.com", "role": "USER"}))
            .await
            .refusal(409, "already_exists");
        let stale = admin.by_member("PATCH", &admin.key_path(&key.id)).header("if-match", "\"99\"");
        admin.send(stale.json(&json!({"name": "x"}))).await.refusal(412, "precondition_failed");
        // These are no refusals of something that could be.
        admin
            .create_member(json!({"email": "nobody", "role": "USER"}))
            .await
            .refusal(400, "invalid_argument");
        admin.delete_key("65f0c0ffee65f0c0ffee65f0").await.refusal(404, "not_found");

        let mut written = log(&stack, "?limit=100").await.ok().as_array().unwrap().clone();
        written.retain(|entry| entry["sequence"].as_i64().unwrap() > last);
        written.reverse();
        let said: Vec<_> = written
            .iter()
            .map(|entry| {
                assert_eq!(
                    (&entry["status"], &entry["before"], &entry["after"]),
                    (&json!("FAILURE"), &Value::Null, &Value::Null)
                );
                assert_eq!(entry["actor"]["name"], "Admin");
                (entry["action"].as_str().unwrap(), entry["description"].as_str().unwrap())
            })
            .collect();
        let gone = format!("Member {owner} was not removed: nobody manages an owner.");
        let stale =
            format!("API key {} was not updated: it does not have the version that was asked for.", key.id);
        assert_eq!(said.len(), 5, "{said:?}");
        assert_eq!(said[0], ("member.created", "Member \"eve\" was not added: this needs the role OWNER."));
        assert_eq!(said[1], ("member.deleted", &*gone));
        assert_eq!(
            said[2],
            ("token.created", "Token \"Up\" was not created: a token cannot have a higher role than ADMIN.")
        );
        assert_eq!(
            said[3],
            ("member.created", "Member \"OWNER\" was not added: another member has this email address.")
        );
        assert_eq!(said[4], ("api_key.updated", &*stale));

        // At most thirty a minute of one member.
        for _ in 0..40 {
            admin.delete_member(&owner).await.refusal(403, "role_required");
        }
        let failed = entries(&export(&stack).await);
        let failed = failed.iter().filter(|entry| entry["status"] == "FAILURE").count();
        assert!(failed == 30 || minute() != began, "{failed}");
    })
    .await;
}

#[tokio::test]
async fn a_user_sees_their_own_entries_and_exports_none() {
    Stack::each(async |stack| {
        let made = stack.new_token(json!({"name": "Reader", "role": "USER"})).await;
        let reader = stack.with_token(made.ok()["secret"].as_str().unwrap());
        let seen = log(&reader, "?limit=100").await;
        let seen = seen.success(200, "Audit log retrieved successfully.").as_array().unwrap().clone();
        assert!(seen.iter().all(|entry| entry["actor"]["member"]["id"] == *stack.made.member_id));
        // What the setup did is not theirs.
        assert!(seen.iter().all(|entry| entry["actor"]["kind"] != "SYSTEM") && !seen.is_empty());
        let request = reader.by_member("GET", "/v1/console/audit-log:export");
        reader.send(request).await.refusal(403, "role_required");
        // What the credential check refuses them is written after the answer, with its id.
        let refused = reader.create_agent(json!({"name": "Mine"})).await;
        refused.refusal(403, "role_required");
        let began = Instant::now();
        let entry = loop {
            let entry = newest(&reader).await;
            if entry["action"] == "agent.created" {
                break entry;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{entry}");
        };
        let said = (&entry["status"], &entry["requestId"], &entry["clientAddress"]);
        assert_eq!(said, (&json!("FAILURE"), &json!(refused.header("x-request-id")), &json!("127.0.0.1")));
        stack.send(stack.by_key("GET", "/v1/console/audit-log")).await.refusal(401, "not_signed_in");
    })
    .await;
}

#[tokio::test]
async fn texts_are_kept_as_they_came() {
    Stack::each(async |stack| {
        for name in ["=HYPERLINK(\"http://evil\")", "\u{202e}gpj.exe", "<b>&amp;'\"\\", "日本語 😀"] {
            stack.create_agent(json!({"name": name})).await.ok();
            let entry = newest(&stack).await;
            assert_eq!((&entry["resource"]["name"], &entry["after"]["name"]), (&json!(name), &json!(name)));
            assert_eq!(entry["description"], format!("Agent \"{name}\" was created."));
        }
        let description = "line\nbreak\ttab ".repeat(33);
        let key = stack.new_key_with(json!({
            "name": "x".repeat(100), "description": description, "permissions": ["contacts:read"],
            "allowedIps": (0..100).map(|n| format!("10.0.0.{n}")).collect::<Vec<_>>(),
        }));
        key.await;
        let entry = newest(&stack).await;
        assert_eq!(entry["after"]["description"], json!(description));
        assert_eq!(entry["after"]["allowedIps"].as_array().unwrap().len(), 100);
        assert_eq!(entry["after"]["rateLimits"], json!({"perMinute": 60, "perHour": 1000}));
    })
    .await;
}

/// What `keyward audit verify` says, and how it ends.
async fn verify(processes: &Processes, arguments: &[&str]) -> (Option<i32>, Value) {
    let arguments = [&["audit", "verify", "--output", "json"][..], arguments].concat();
    let output = keyward(&arguments, processes.variables()).await;
    let said = serde_json::from_slice(&output.stdout);
    (output.status.code(), said.unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&output.stderr))))
}

#[tokio::test]
async fn the_command_line_checks_the_log_beside_the_server_and_an_export_anywhere() {
    let mut keyward = Processes::together(&[]).await;
    everything(&keyward).await;
    let exported = export(&keyward).await;
    let count = exported.lines().count();
    let last: Value = serde_json::from_str(exported.lines().last().unwrap()).unwrap();

    let (code, said) = verify(&keyward, &[]).await;
    let log = &said["organizations"][0];
    assert_eq!((code, &log["entries"], &log["broken"]), (Some(0), &json!(count), &Value::Null), "{said}");
    assert_eq!(log["head"], json!({"sequence": count, "hash": last["hash"]}));
    let organization = log["organizationId"].as_str().unwrap().to_owned();
    assert_eq!(verify(&keyward, &["--organization", &organization]).await.1, said);
    let (code, unknown) = verify(&keyward, &["--organization", "65f0c0ffee65f0c0ffee65f0"]).await;
    assert!(code == Some(1) && unknown.as_str().unwrap().contains("no organization"), "{unknown}");

    let file = keyward.dir.path().join("export.ndjson");
    let path = file.to_str().unwrap();
    std::fs::write(&file, &exported).unwrap();
    assert_eq!(verify(&keyward, &["--file", path]).await, (Some(0), said));
    let changed = exported.replacen("Sales EU", "Sales US", 1);
    std::fs::write(&file, changed).unwrap();
    let (code, said) = verify(&keyward, &["--file", path, "--offline"]).await;
    let broken = &said["organizations"][0]["broken"];
    assert_eq!((code, &broken["reason"]), (Some(5), &json!("changed")), "{said}");
    assert!(broken["sequence"].is_i64() && broken["entryId"].is_string(), "{said}");
    keyward.terminate().await;
}

#[tokio::test]
async fn kill_9_leaves_a_change_and_its_entry_or_neither() {
    let mut keyward = Processes::together(&[]).await;
    for round in 0..3 {
        let mut creating = JoinSet::new();
        for n in 0..20 {
            let api = keyward.on_its_own_connection();
            creating.spawn(async move {
                let request = api.by_member("POST", "/v1/console/agents");
                request.json(&json!({"name": format!("{round}-{n}")})).send().await.is_ok()
            });
        }
        // Some are answered, and others are under way.
        creating.join_next().await;
        keyward.all[0].kill().await;
        creating.join_all().await;
        keyward.start_together().await;

        let agents = keyward.list_agents("?limit=100").await;
        let there: BTreeSet<_> = agents.ok().as_array().unwrap().iter().map(id).collect();
        let written = entries(&export(&keyward).await);
        let created = written.iter().filter(|entry| entry["action"] == "agent.created");
        let written: BTreeSet<_> = created.map(|entry| id(&entry["resource"])).collect();
        assert_eq!(there, written);
        assert_eq!(verify(&keyward, &[]).await.0, Some(0));
    }
    keyward.terminate().await;
}

#[tokio::test]
async fn replicas_write_one_chain() {
    let cluster = Cluster::start(2, 2, 2).await;
    let mut creating = JoinSet::new();
    for n in 0..40 {
        let api = cluster.apis[n % 2].on_its_own_connection();
        creating
            .spawn(async move { api.create_agent(json!({"name": format!("Agent {n}")})).await.ok().clone() });
    }
    let made: BTreeSet<_> = creating.join_all().await.iter().map(id).collect();
    assert_eq!(made.len(), 40);
    let exported = entries(&export(&cluster.apis[0]).await);
    for (at, pair) in exported.windows(2).enumerate() {
        assert_eq!(pair[0]["hash"], pair[1]["previousHash"], "after entry {}", at + 1);
        assert_eq!(pair[1]["sequence"], json!(at + 2));
    }
    let created = exported.iter().filter(|entry| entry["action"] == "agent.created");
    assert!(created.map(|entry| id(&entry["resource"])).collect::<BTreeSet<_>>().is_superset(&made));
    let interrupted = exported.iter().any(|entry| entry["action"] == "audit_log.interrupted");
    assert!(!interrupted, "the replicas share their key");
}

#[tokio::test]
async fn a_clock_that_goes_back_changes_no_order() {
    let stack = Stack::start(Engine::Sqlite, Topology::OneProcess).await;
    stack.create_agent(json!({"name": "before"})).await.ok();
    let before = newest(&stack).await;
    stack.clock.set_ahead(-3_600);
    stack.create_agent(json!({"name": "after"})).await.ok();
    let after = newest(&stack).await;
    assert_eq!(after["sequence"].as_i64().unwrap(), before["sequence"].as_i64().unwrap() + 1);
    assert_eq!(after["at"], before["at"]);
}

/// The entries of things of contacts-svc, oldest first, once there are so many: they are handed over.
async fn told(api: &Api, count: usize) -> Vec<Value> {
    let of_others = ["contact_field", "contact", "webhook"];
    let begun = Instant::now();
    loop {
        let mut all = entries(&export(api).await);
        all.retain(|entry| of_others.contains(&entry["resource"]["type"].as_str().unwrap()));
        if all.len() >= count {
            return all;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{all:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn what_members_do_in_contacts_is_in_the_log() {
    Stack::each(async |stack| {
        let agent = format!("/v1/console/agents/{}", stack.agent);
        let act = async |method: &str, path: &str, body: Value| {
            let request = stack.by_member(method, &format!("{agent}{path}"));
            stack.send(if body.is_null() { request } else { request.json(&body) }).await
        };
        let field = json!({"key": "tier", "title": "Tier", "type": "SELECT", "options": ["a", "b"]});
        act("POST", "/contact-fields", field).await.ok();
        let changed = act("PATCH", "/contact-fields/tier", json!({"title": "Level"})).await;
        act("DELETE", "/contact-fields/tier", Value::Null).await.ok();
        let url = "http://127.0.0.1:9/hook?token=s3cr3t";
        let made = act("POST", "/webhooks", json!({"url": url, "events": ["contact.created"]})).await;
        let (webhook, secret) = (id(&made.ok()["webhook"]), made.ok()["secret"].as_str().unwrap().to_owned());
        act("POST", &format!("/webhooks/{webhook}:rotateSecret"), json!({})).await.ok();
        act("POST", &format!("/webhooks/{webhook}:test"), json!({})).await.ok();
        act("PATCH", &format!("/webhooks/{webhook}"), json!({"status": "DISABLED"})).await.ok();
        act("DELETE", &format!("/webhooks/{webhook}"), Value::Null).await.ok();
        let (contact, other) = (stack.new_contact("crm-1").await, stack.new_contact("crm-2").await);
        act("GET", &format!("/contacts/{contact}:export"), Value::Null).await.ok();
        act("DELETE", &format!("/contacts/{contact}"), Value::Null).await.ok();
        // A key's requests are in the request log.
        stack.delete_contact_by_id(&other).await.ok();
        // Nor is what was not done, but for a role that does not suffice.
        act("PATCH", "/contact-fields/tier", json!({"title": "x"})).await.refusal(404, "not_found");
        let looking = stack.new_token(json!({"name": "looking", "role": "USER"})).await;
        let user = stack.with_token(looking.ok()["secret"].as_str().unwrap());
        let request = user.by_member("DELETE", &format!("{agent}/webhooks/{webhook}"));
        user.send(request).await.refusal(403, "role_required");

        let all = told(&stack, 11).await;
        let (refused, done): (Vec<_>, Vec<_>) =
            all.iter().partition(|entry| entry["status"] == json!("FAILURE"));
        let actions: Vec<_> = done.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
        let expected = [
            "contact_field.created",
            "contact_field.updated",
            "contact_field.deleted",
            "webhook.created",
            "webhook.secret_rotated",
            "webhook.tested",
            "webhook.updated",
            "webhook.deleted",
            "contact.exported",
            "contact.deleted",
        ];
        assert_eq!(actions, expected);
        assert_eq!(refused.len(), 1);
        assert_eq!(
            (&refused[0]["action"], &refused[0]["actor"]["name"]),
            (&json!("webhook.deleted"), &json!("looking"))
        );
        let tokens = stack.list_tokens().await.ok().as_array().unwrap().clone();
        let token = id(tokens.iter().find(|token| token["name"] == "Owner token").unwrap());
        assert_json(
            done[1],
            json!({
                "id": "<id>", "at": "<time>",
                "actor": {
                    "kind": "TOKEN", "id": token, "name": "Owner token",
                    "member": {"id": stack.made.member_id, "name": "owner"},
                },
                "action": "contact_field.updated",
                "resource": {"type": "contact_field", "id": null, "name": "tier"},
                "description": "Contact field \"tier\" was updated: title.",
                "status": "SUCCESS",
                "clientAddress": "127.0.0.1",
                "requestId": changed.header("x-request-id"),
                "before": {"agentId": stack.agent, "name": "tier", "title": "Tier"},
                "after": {"agentId": stack.agent, "name": "tier", "title": "Level"},
                "organizationId": stack.made.organization_id,
                "sequence": done[1]["sequence"], "previousHash": "<text>", "hash": "<text>",
            }),
        );
        assert_eq!(done[3]["after"]["url"], "http://127.0.0.1:9/…");
        assert_eq!(done[9]["resource"], json!({"type": "contact", "id": contact, "name": null}));
        let text = format!("{all:?}");
        for needle in ["s3cr3t", "whsec_", &secret, "crm-1"] {
            assert!(!text.contains(needle), "{needle}");
        }
    })
    .await;
}

#[tokio::test]
async fn kill_9_loses_no_entry_of_another_service_and_doubles_none() {
    let mut keyward = Processes::together(&[]).await;
    let mut made = Vec::new();
    for round in 0..3 {
        for n in 0..5 {
            let field = json!({"key": format!("f{round}_{n}"), "title": "F", "type": "TEXT"});
            let fields = format!("/v1/console/agents/{}/contact-fields", keyward.agent);
            let answer = keyward.send(keyward.by_member("POST", &fields).json(&field)).await;
            answer.success(201, "Contact field created.");
            made.push(field["key"].clone());
        }
        // They may be handed over, taken and not forgotten, or wait: each time another of these.
        tokio::time::sleep(Duration::from_millis(700 * round)).await;
        keyward.all[0].kill().await;
        keyward.start_together().await;
    }
    let all = told(&keyward, made.len()).await;
    // Whatever was taken twice would have come by now.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(told(&keyward, made.len()).await, all);
    let names: Vec<_> = all.iter().map(|entry| entry["resource"]["name"].clone()).collect();
    assert_eq!(names, made);
    assert_eq!(verify(&keyward, &[]).await.0, Some(0));
    keyward.terminate().await;
}
