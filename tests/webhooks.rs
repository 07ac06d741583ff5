//! Webhooks, from the member who makes one to the receiver that verifies what it gets.

use std::process::Output;

use base64::Engine as _;
use serde_json::{Value, json};
use svc_core::clock::Clock;
use svc_webhooks::testing::{Answer as Answered, Authority, Received, Receiver};
use tokio::process::Command;

use crate::harness::{Answer, Api, Engine, Processes, Stack, Topology, assert_json, output_for, python};

const EVERY_EVENT: [&str; 9] = [
    "contact.created",
    "contact.updated",
    "contact.archived",
    "contact.unarchived",
    "contact.deleted",
    "document_extraction.finished",
    "api_key.expiring",
    "api_key.rotated",
    "api_key.deleted",
];

fn webhooks(api: &Api) -> String {
    format!("/v1/console/agents/{}/webhooks", api.agent)
}

async fn get(api: &Api, path: &str) -> Answer {
    api.send(api.by_member("GET", path)).await
}

async fn post(api: &Api, path: &str, body: Value) -> Answer {
    api.send(api.by_member("POST", path).json(&body)).await
}

/// A webhook of these events: its id and its secret.
async fn new_webhook(api: &Api, url: &str, events: &[&str]) -> (String, String) {
    let made = post(api, &webhooks(api), json!({"url": url, "events": events})).await;
    let data = made.success(201, "Webhook created successfully.");
    let id = data["webhook"]["id"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), format!("{}/{id}", webhooks(api)));
    (id, data["secret"].as_str().unwrap().to_owned())
}

/// What the library of the scheme says of a message.
async fn verify(secret: &str, message: &Received) -> Output {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/python/verify_webhook.py");
    let input = json!({"secret": secret, "headers": message.headers, "body": message.body});
    output_for(Command::new(python()).arg(script), input.to_string().as_bytes()).await
}

async fn verified(secret: &str, message: &Received) -> Value {
    let output = verify(secret, message).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The deliveries of a webhook once none waits.
async fn ended(api: &Api, id: &str) -> Vec<Value> {
    loop {
        let listed = get(api, &format!("{}/{id}/deliveries?limit=100", webhooks(api))).await;
        let listed = listed.success(200, "Webhook deliveries retrieved successfully.");
        let listed = listed.as_array().unwrap();
        if listed.iter().all(|delivery| delivery["status"] != "PENDING") {
            return listed.clone();
        }
        // Each look is a call, during which the message is noted.
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_happens_to_a_contact_is_told_and_verified() {
    Stack::each(async |stack| {
        let receiver = Receiver::start().await;
        let (id, secret) = new_webhook(&stack, &receiver.url(), &EVERY_EVENT).await;
        let contact = json!({
            "externalReferenceId": "crm-1", "name": "Ada \"Countess\" Lovelace\u{1F9EE}", "email": "ada@example.com",
            "mobileNumber": "+447700900123", "tags": ["a", "b\\"], "notes": "one\ntwo",
        });
        stack.create_contact(contact.clone()).await.success(201, "Contact created.");
        let [created] = receiver.wait_for(1).await.try_into().unwrap();
        let told = verified(&secret, &created).await;
        // The contact is what the API shows of it.
        let shown = stack.get_contact("crm-1").await.ok().clone();
        let at = shown["createdAt"].clone();
        assert_json(&told, json!({"type": "contact.created", "timestamp": "<time>", "data": shown}));
        assert_eq!(told["data"]["createdAt"], at);

        stack.replace_contact("crm-1", json!({"name": "Ada", "email": "ada@example.com"})).await.ok();
        let updated = receiver.wait_for(2).await.remove(1);
        let told = verified(&secret, &updated).await;
        assert_eq!((&told["type"], &told["data"]["name"]), (&json!("contact.updated"), &json!("Ada")));
        assert_eq!(told["data"], *stack.get_contact("crm-1").await.ok());

        // Of one that is gone nothing is told but its id.
        stack.delete_contact("crm-1").await.ok();
        let deleted = receiver.wait_for(3).await.remove(2);
        let told = verified(&secret, &deleted).await;
        let gone = json!({"type": "contact.deleted", "timestamp": "<time>", "data": {"id": shown["id"]}});
        assert_json(&told, gone);

        let other = verify("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", &deleted).await;
        assert!(!other.status.success(), "another secret does not verify");
        let deliveries = ended(&stack, &id).await;
        let events: Vec<&str> =
            deliveries.iter().map(|delivery| delivery["event"].as_str().unwrap()).collect();
        let expected = ["contact.deleted", "contact.updated", "contact.created"];
        assert_eq!(events, expected);
        assert_json(
            &deliveries[0],
            json!({
                "id": deleted.id(), "event": "contact.deleted", "status": "DELIVERED", "attempts": 1,
                "lastStatus": 204, "lastFailure": null, "nextAttemptAt": null, "createdAt": "<time>",
            }),
        );
    })
    .await;
}

#[tokio::test]
async fn what_happens_to_a_key_is_told_wherever_auth_svc_runs() {
    Stack::each(async |stack| {
        let receiver = Receiver::start().await;
        let (_, secret) = new_webhook(&stack, &receiver.url(), &EVERY_EVENT).await;
        let key = stack.new_key(&["contacts:read"]).await;
        stack.key_verb(&key.id, "rotate", json!({"overlapSeconds": 3600})).await.ok();
        let rotated = receiver.wait_for(1).await.remove(0);
        let told = verified(&secret, &rotated).await;
        assert_eq!((&told["type"], &told["data"]["id"]), (&json!("api_key.rotated"), &json!(key.id)));
        assert!(!rotated.body.contains("kws_"), "{}", rotated.body);
        stack.delete_key(&key.id).await.ok();
        let deleted = receiver.wait_for(2).await.remove(1);
        let told = verified(&secret, &deleted).await;
        assert_eq!((&told["type"], &told["data"]["id"]), (&json!("api_key.deleted"), &json!(key.id)));
    })
    .await;
}

#[tokio::test]
async fn a_key_that_ends_soon_is_told_once() {
    for (engine, topology) in
        [(Engine::Sqlite, Topology::OneProcess), (Engine::Postgres, Topology::SeparateServices)]
    {
        let stack = Stack::start_with(engine, topology, |config| config.notices.every_seconds = 1).await;
        let receiver = Receiver::start().await;
        let (_, secret) = new_webhook(&stack, &receiver.url(), &["api_key.expiring"]).await;
        let day = std::time::Duration::from_secs(24 * 3600);
        let ends_at = stack.clock.now().plus(day / 2).to_string();
        let settings = json!({"name": "Sync", "permissions": ["contacts:read"], "expiresAt": ends_at});
        let key = stack.new_key_with(settings).await;
        let message = receiver.wait_for(1).await.remove(0);
        let told = verified(&secret, &message).await;
        let expected = json!({
            "id": key.id, "name": "Sync", "agent": {"id": stack.agent, "name": "Support"}, "kind": "KEY_EXPIRES",
            "secretLast4": key.secret[key.secret.len() - 4..], "endsAt": ends_at, "days": 1,
        });
        assert_eq!((&told["type"], &told["data"]), (&json!("api_key.expiring"), &expected), "{engine:?}");
        // Of several looks each finds it, and one tells it.
        let other =
            stack.new_key_with(json!({"name": "B", "permissions": ["contacts:read"], "expiresAt": ends_at}));
        let other = other.await;
        let messages = receiver.wait_for(2).await;
        assert_eq!(messages[1].json()["data"]["id"], json!(other.id), "{engine:?}");
        assert_eq!(receiver.received().len(), 2, "{engine:?}");
    }
}

#[tokio::test]
async fn messages_go_over_tls_to_a_receiver_that_is_known_and_to_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let (known, unknown) = (Authority::new("Known"), Authority::new("Unknown"));
    let ca_file = dir.path().join("ca.pem");
    std::fs::write(&ca_file, known.pem()).unwrap();
    let (certificate, key) = known.issue("localhost");
    let receiver = Receiver::start_tls(&certificate, &key).await;
    let (certificate, key) = unknown.issue("localhost");
    let impostor = Receiver::start_tls(&certificate, &key).await;
    let (certificate, key) = known.issue("elsewhere.example");
    let misnamed = Receiver::start_tls(&certificate, &key).await;
    let ports = [&receiver, &impostor, &misnamed].map(|one| one.address().port().to_string()).join(", ");
    let mut keyward = Processes::together(&[
        ("KEYWARD_CONTACTS__WEBHOOKS__ALLOWED_RANGES", "127.0.0.0/8"),
        ("KEYWARD_CONTACTS__WEBHOOKS__ALLOWED_PORTS", &ports),
        ("KEYWARD_CONTACTS__WEBHOOKS__CA_FILE", ca_file.to_str().unwrap()),
    ])
    .await;
    let url = |receiver: &Receiver| format!("https://localhost:{}/keyward", receiver.address().port());
    let (id, secret) = new_webhook(&keyward, &url(&receiver), &["contact.created"]).await;
    keyward.new_contact("crm-1").await;
    let message = receiver.wait_for(1).await.remove(0);
    assert_eq!(verified(&secret, &message).await["data"]["externalReferenceId"], "crm-1");
    assert_eq!(ended(&keyward, &id).await[0]["status"], "DELIVERED");
    for refused in [&impostor, &misnamed] {
        let (id, _) = new_webhook(&keyward, &url(refused), &["contact.created"]).await;
        let tested = post(&keyward, &format!("{}/{id}:test", webhooks(&keyward)), json!({})).await;
        let result = json!({"delivered": false, "status": null, "failure": "TLS"});
        assert_eq!(*tested.success(200, "Webhook tested."), result);
        assert!(refused.received().is_empty(), "nothing was said to it");
    }
    keyward.terminate().await;
}

#[tokio::test]
async fn documents_that_are_done_are_told_wherever_extraction_svc_runs() {
    for apart in [false, true] {
        let receiver = Receiver::start().await;
        let port = receiver.address().port().to_string();
        let settings = [
            ("KEYWARD_CONTACTS__WEBHOOKS__ALLOWED_RANGES", "127.0.0.0/8"),
            ("KEYWARD_CONTACTS__WEBHOOKS__ALLOWED_PORTS", &*port),
            ("KEYWARD_CONTACTS__WEBHOOKS__ALLOW_HTTP", "true"),
        ];
        let mut keyward = match apart {
            false => Processes::together(&settings).await,
            true => Processes::apart(&settings).await,
        };
        let (_, secret) = new_webhook(&keyward, &receiver.url(), &["document_extraction.finished"]).await;
        let path = format!("/v1/open/document-extraction/chatbots/{}", keyward.agent);
        let cases = [
            ("receipt.txt", "Total due: 12.50 EUR", "SUCCEEDED", json!(null)),
            ("cut.pdf", "%PDF-1.4\nno more", "FAILED", json!("unreadable_document")),
        ];
        for (n, (name, text, status, code)) in cases.into_iter().enumerate() {
            let document = base64::engine::general_purpose::STANDARD.encode(text);
            let document = json!({"contentBase64": document});
            let body = json!({"document": document, "fileName": name, "template": "receipt"});
            let queued = keyward.send(keyward.by_key("POST", &path).json(&body)).await;
            let job = queued.success(202, "Document extraction queued.")["id"].clone();
            let message = receiver.wait_for(n + 1).await.remove(n);
            let told = verified(&secret, &message).await;
            assert_eq!(told["type"], "document_extraction.finished");
            let data = &told["data"];
            assert_eq!((&data["id"], &data["status"]), (&job, &json!(status)), "{data}");
            assert_eq!((&data["template"], &data["error"]["code"]), (&json!("receipt"), &code), "{data}");
            assert!(!message.body.contains("12.50"), "nothing of the document is told");
        }
        keyward.terminate().await;
    }
}

#[tokio::test]
async fn a_secret_is_rotated_and_both_verify_meanwhile() {
    Stack::each(async |stack| {
        let receiver = Receiver::start().await;
        let (id, old) = new_webhook(&stack, &receiver.url(), &["contact.created"]).await;
        let one = format!("{}/{id}", webhooks(&stack));
        let rotated = post(&stack, &format!("{one}:rotateSecret"), json!({"overlapSeconds": 3600})).await;
        let data = rotated.success(200, "Webhook secret rotated successfully.");
        let new = data["secret"].as_str().unwrap();
        assert!(data["webhook"]["overlapEndsAt"].is_string(), "{data}");
        let tested = post(&stack, &format!("{one}:test"), json!({})).await;
        let result = json!({"delivered": true, "status": 204, "failure": null});
        assert_eq!(*tested.success(200, "Webhook tested."), result);
        let [message] = receiver.received().try_into().unwrap();
        for secret in [old.as_str(), new] {
            assert_eq!(verified(secret, &message).await["type"], "webhook.test");
        }
        let refused = post(&stack, &format!("{one}:rotateSecret"), json!({"overlapSeconds": 604_801})).await;
        refused.refusal(400, "invalid_argument");
    })
    .await;
}

#[tokio::test]
async fn members_manage_webhooks_and_keys_do_not() {
    Stack::each(async |stack| {
        let (list, url) = (webhooks(&stack), "http://127.0.0.1:1/hook");
        let (id, secret) = new_webhook(&stack, url, &["contact.created"]).await;
        assert!(secret.starts_with("whsec_"));
        let one = format!("{list}/{id}");
        let found = get(&stack, &one).await;
        let expected = json!({
            "id": id, "url": url, "events": ["contact.created"], "description": "", "status": "ACTIVE",
            "disabledReason": null, "failingSince": null, "overlapEndsAt": null, "createdAt": "<time>",
            "updatedAt": "<time>", "version": 1,
        });
        assert_json(found.success(200, "Webhook retrieved successfully."), expected);
        assert!(!found.body.to_string().contains(&secret), "it is shown once");
        assert_eq!(get(&stack, &list).await.ok()[0]["id"], json!(id));

        let change = json!({"events": ["contact.deleted"], "description": "The CRM", "status": "DISABLED"});
        let stale = stack.by_member("PATCH", &one).header("If-Match", "\"9\"").json(&change);
        stack.send(stale).await.refusal(412, "precondition_failed");
        let changed = stack.send(stack.by_member("PATCH", &one).json(&change)).await;
        let data = changed.success(200, "Webhook updated successfully.");
        assert_eq!((&data["events"], &data["version"]), (&json!(["contact.deleted"]), &json!(2)));
        assert_eq!((&data["status"], &data["disabledReason"]), (&json!("DISABLED"), &json!("BY_MEMBER")));
        assert_eq!(data["url"], url, "what is not named stays");

        for (body, field, code) in [
            (json!({"url": url}), "events", "required"),
            (json!({"events": ["contact.created"]}), "url", "required"),
            (json!({"url": url, "events": []}), "events", "required"),
            (json!({"url": url, "events": ["contact.read"]}), "events[0]", "invalid"),
            (json!({"url": url, "events": ["contact.created", "contact.created"]}), "events[1]", "duplicate"),
            (json!({"url": "http://10.0.0.1/", "events": ["contact.created"]}), "url", "invalid"),
            (json!({"url": "http://169.254.169.254/", "events": ["contact.created"]}), "url", "invalid"),
            (json!({"url": "http://u:p@127.0.0.1/", "events": ["contact.created"]}), "url", "invalid"),
            (json!({"url": "ftp://127.0.0.1/", "events": ["contact.created"]}), "url", "invalid"),
            (json!({"url": url, "events": ["contact.created"], "version": 3}), "version", "immutable"),
            (json!({"url": url, "events": ["contact.created"], "secret": "x"}), "secret", "unknown_field"),
        ] {
            let refused = post(&stack, &list, body.clone()).await;
            refused.refusal(400, "invalid_argument");
            let details = refused.body["error"]["details"].as_array().unwrap();
            let found = details.iter().any(|detail| detail["field"] == field && detail["code"] == code);
            assert!(found, "{body}: {details:?}");
        }

        // Another agent's, an agent that is not there, a member who only looks, and a key.
        let other = stack.new_agent("Sales", &["contacts:read"]).await;
        get(&other, &format!("{}/{id}", webhooks(&other))).await.refusal(404, "not_found");
        for agent in ["65f0c0ffee65f0c0ffee65f0", "x"] {
            let nowhere = format!("/v1/console/agents/{agent}/webhooks");
            get(&stack, &nowhere).await.refusal(404, "not_found");
            let body = json!({"url": url, "events": ["contact.created"]});
            post(&stack, &nowhere, body).await.refusal(404, "not_found");
        }
        let token = stack.new_token(json!({"name": "looking", "role": "USER"})).await;
        let user = stack.with_token(token.ok()["secret"].as_str().unwrap());
        get(&user, &one).await.ok();
        post(&user, &format!("{one}:test"), json!({})).await.refusal(403, "role_required");
        stack.send(stack.by_key("GET", &list)).await.refusal(401, "not_signed_in");

        stack.send(stack.by_member("DELETE", &one)).await.success(200, "Webhook deleted successfully.");
        stack.send(stack.by_member("DELETE", &one)).await.refusal(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn a_message_that_failed_is_sent_again_and_may_be_replayed() {
    Stack::each(async |stack| {
        let receiver = Receiver::start().await;
        let (id, _) = new_webhook(&stack, &receiver.url(), &["contact.created"]).await;
        receiver.answer([Answered::Status(503)]);
        stack.new_contact("crm-1").await;
        let first = receiver.wait_for(1).await.remove(0);
        // Time is made to pass rather than waited for.
        stack.advance(std::time::Duration::from_secs(60));
        let second = receiver.wait_for(2).await.remove(1);
        assert_eq!(first.id(), second.id());
        let [delivery] = ended(&stack, &id).await.try_into().unwrap();
        assert_eq!((&delivery["attempts"], &delivery["lastStatus"]), (&json!(2), &json!(204)));
        let replay = format!("{}/{id}/deliveries/{}:replay", webhooks(&stack), first.id());
        let replayed = post(&stack, &replay, json!({})).await;
        assert_eq!(replayed.success(200, "Webhook delivery is sent again.")["status"], "PENDING");
        let third = receiver.wait_for(3).await.remove(2);
        assert_eq!(third.id(), first.id());
        let dead = format!("{}/{id}/deliveries?status=DEAD", webhooks(&stack));
        assert_eq!(*get(&stack, &dead).await.ok(), json!([]));
    })
    .await;
}

#[tokio::test]
async fn kill_9_loses_no_message() {
    let receiver = Receiver::start().await;
    let mut keyward = Processes::together(&[
        ("KEYWARD_CONTACTS__WEBHOOKS__ALLOWED_RANGES", "127.0.0.0/8"),
        ("KEYWARD_CONTACTS__WEBHOOKS__ALLOWED_PORTS", &receiver.address().port().to_string()),
        ("KEYWARD_CONTACTS__WEBHOOKS__ALLOW_HTTP", "true"),
    ])
    .await;
    let (_, secret) = new_webhook(&keyward, &receiver.url(), &["contact.created"]).await;
    for round in 0..2 {
        let before = receiver.received().len();
        for n in 0..20 {
            keyward.new_contact(&format!("crm-{round}-{n}")).await;
        }
        // Somewhere among them.
        receiver.wait_for(before + 1).await;
        keyward.all[0].kill().await;
        keyward.start_together().await;
    }
    // A lease of the dead one holds for a minute at most.
    let all: Vec<String> =
        (0..2).flat_map(|round| (0..20).map(move |n| format!("crm-{round}-{n}"))).collect();
    let told = receiver.wait_until(|received| {
        let told: Vec<String> = received.iter().map(reference).collect();
        all.iter().all(|contact| told.contains(contact))
    });
    for message in told.await {
        verified(&secret, &message).await;
    }
    keyward.terminate().await;
}

fn reference(message: &Received) -> String {
    message.json()["data"]["externalReferenceId"].as_str().unwrap_or_default().to_owned()
}
