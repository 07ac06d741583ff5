//! `Idempotency-Key`: what was sent twice happens once, over replicas, restarts and crashes.

use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use svc_core::policy::{Policy, built_in_descriptors};
use svc_webhooks::testing::Receiver;
use tokio::task::JoinSet;

use crate::harness::{Answer, Api, Cluster, Engine, Key, Processes, Stack, Topology, Way, postgres};

const HEADER: &str = "Idempotency-Key";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether an answer says that it is that of an earlier request.
fn is_replayed(answer: &Answer) -> bool {
    answer.header("idempotent-replayed") == "true"
}

fn create(api: &Api, key: &str, contact: &Value) -> RequestBuilder {
    api.by_key("POST", &api.contacts_path()).header(HEADER, key).json(contact)
}

fn console(api: &Api, key: &str, path: &str, body: &Value) -> RequestBuilder {
    api.by_member("POST", path).header(HEADER, key).json(body)
}

async fn contacts(api: &Api) -> usize {
    api.list_contacts("?limit=100").await.ok().as_array().unwrap().len()
}

#[track_caller]
fn assert_replays(again: &Answer, first: &Answer) {
    assert!(is_replayed(again) && !is_replayed(first), "{}: {}", again.asked, again.body);
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    for name in ["location", "etag", "content-type", "cache-control"] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
}

#[tokio::test]
async fn a_repeat_is_answered_as_the_first_request_was() {
    Stack::each(async |stack| {
        let contact = json!({"externalReferenceId": "crm-1", "email": "ada@example.com"});
        let first = stack.send(create(&stack, "k", &contact)).await;
        let id = first.success(201, "Contact created.")["id"].as_str().unwrap().to_owned();
        assert_eq!(first.header("location"), stack.contact_path_by_id(&id));
        assert_replays(&stack.send(create(&stack, "k", &contact)).await, &first);
        assert_eq!(contacts(&stack).await, 1);

        // Other content, be it a space.
        let spaced = stack.by_key("POST", &stack.contacts_path()).header(HEADER, "k");
        let spaced = spaced.header("Content-Type", "application/json").body(format!("{contact} "));
        stack.send(spaced).await.refusal(422, "idempotency_key_reused");
        let other = json!({"email": "bob@example.com"});
        stack.send(create(&stack, "k", &other)).await.refusal(422, "idempotency_key_reused");

        // Other keys, other principals and other paths are other requests.
        for (api, key) in [
            (stack.clone(), "K"),
            (stack.with_key(&stack.new_key(&["contacts:create", "contacts:read"]).await), "k"),
            (stack.new_agent("Sales", &["contacts:create", "contacts:read"]).await, "k"),
        ] {
            let made = api.send(create(&api, key, &other)).await;
            made.success(201, "Contact created.");
            assert!(!is_replayed(&made));
        }

        // It is the answer of then, whatever has become of the contact; once it is deleted nothing of it is kept.
        stack.replace_contact("crm-1", other).await.ok();
        assert_replays(&stack.send(create(&stack, "k", &contact)).await, &first);
        stack.delete_contact("crm-1").await.ok();
        let gone = stack.send(create(&stack, "k", &contact)).await;
        gone.refusal(409, "conflict");
        assert_eq!(gone.body["error"]["id"], json!(id));
        stack.get_contact("crm-1").await.refusal(404, "not_found");
        assert_eq!(contacts(&stack).await, 2);
    })
    .await;
}

#[tokio::test]
async fn what_was_refused_is_decided_anew() {
    Stack::each(async |stack| {
        let contact = json!({"externalReferenceId": "crm-1", "email": "ada@example.com"});
        stack.send(create(&stack, "k", &json!({"name": "Ada"}))).await.refusal(400, "invalid_argument");
        stack.new_contact("crm-1").await;
        stack.send(create(&stack, "k", &contact)).await.refusal(409, "already_exists");
        stack.delete_contact("crm-1").await.ok();
        let made = stack.send(create(&stack, "k", &contact)).await;
        made.success(201, "Contact created.");
        assert!(!is_replayed(&made));
    })
    .await;
}

#[tokio::test]
async fn a_repeat_is_a_request_as_any_other() {
    Stack::each(async |stack| {
        let contact = json!({"email": "ada@example.com"});
        let key = stack.new_key_with(json!({
            "name": "A key", "permissions": ["contacts:create"], "rateLimits": {"perMinute": 2, "perHour": 10}
        }));
        let key = key.await;
        let caller = stack.with_key(&key);
        let first = caller.send(create(&caller, "k", &contact)).await;
        let again = caller.send(create(&caller, "k", &contact)).await;
        assert_replays(&again, &first);
        assert_eq!(
            (first.header("x-ratelimit-remaining"), again.header("x-ratelimit-remaining")),
            ("1", "0")
        );
        caller.send(create(&caller, "k", &contact)).await.refusal(429, "rate_limited");

        // The secret is asked for, and the permission.
        let key = stack.new_key(&["contacts:create"]).await;
        let caller = stack.with_key(&key);
        let first = caller.send(create(&caller, "k", &contact)).await;
        let guess = Key { secret: stack.key.secret.clone(), ..key.clone() };
        let guessing = stack.with_key(&guess);
        guessing.send(create(&guessing, "k", &contact)).await.refusal(401, "invalid_credentials");
        stack.update_key(&key.id, json!({"permissions": ["contacts:read"]})).await.ok();
        caller.send(create(&caller, "k", &contact)).await.refusal(403, "permission_denied");
        stack.update_key(&key.id, json!({"permissions": ["contacts:create"]})).await.ok();
        assert_replays(&caller.send(create(&caller, "k", &contact)).await, &first);
        stack.delete_key(&key.id).await.ok();
        caller.send(create(&caller, "k", &contact)).await.refusal(401, "invalid_credentials");
    })
    .await;
}

#[tokio::test]
async fn an_answer_is_kept_for_a_day() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let stack = Stack::start(engine, Topology::OneProcess).await;
        let contact = json!({"email": "ada@example.com"});
        let first = stack.send(create(&stack, "k", &contact)).await;
        let minute = Duration::from_secs(60);
        stack.advance(DAY - minute);
        assert_replays(&stack.send(create(&stack, "k", &contact)).await, &first);
        stack.advance(minute);
        let new = stack.send(create(&stack, "k", &contact)).await;
        assert!(new.success(201, "Contact created.")["id"] != first.ok()["id"] && !is_replayed(&new));
    }
}

#[tokio::test]
async fn every_call_that_the_protos_say_takes_a_key() {
    Stack::each(async |stack| {
        let agents = "/v1/console/agents";
        let keys = stack.keys_path();
        let key = stack.new_key(&["contacts:read"]).await;
        let verb = |verb: &str| format!("{}:{verb}", stack.key_path(&key.id));
        let new_key = json!({"name": "Sync", "permissions": ["contacts:read"]});
        let none = json!({});
        let browser = stack.signed_in().await;
        let receiver = Receiver::start().await;
        let webhooks = format!("/v1/console/agents/{}/webhooks", stack.agent);
        let new_webhook = json!({"url": receiver.url(), "events": ["contact.created"]});
        let webhook = stack.send(stack.by_member("POST", &webhooks).json(&new_webhook)).await;
        let webhook = format!("{webhooks}/{}", webhook.ok()["webhook"]["id"].as_str().unwrap());
        stack.new_contact("crm-told").await;
        let delivery = receiver.wait_for(1).await[0].id().to_owned();
        // The RPC, its path and body, and where its answer has the id of what it was about if it holds a secret.
        let schema = json!({"type": "object", "properties": {"date": {"type": "string"}}});
        let calls = [
            (
                "ContactService/CreateContact",
                stack.contacts_path(),
                json!({"email": "ada@example.com"}),
                None,
            ),
            ("AgentService/CreateAgent", agents.to_owned(), json!({"name": "Sales"}), None),
            (
                "MemberService/CreateMember",
                "/v1/console/members".to_owned(),
                json!({"email": "bob@example.com", "role": "USER"}),
                Some("member"),
            ),
            (
                "TokenService/CreateToken",
                "/v1/console/tokens".to_owned(),
                json!({"name": "CI"}),
                Some("token"),
            ),
            ("ApiKeyService/CreateApiKey", keys, new_key, Some("key")),
            ("ApiKeyService/RotateApiKey", verb("rotate"), json!({"overlapSeconds": 60}), Some("key")),
            ("ApiKeyService/EndOverlap", verb("endOverlap"), none.clone(), None),
            ("ApiKeyService/DisableApiKey", verb("disable"), none.clone(), None),
            ("ApiKeyService/EnableApiKey", verb("enable"), none.clone(), None),
            (
                "ContactFieldService/CreateContactField",
                format!("/v1/console/agents/{}/contact-fields", stack.agent),
                json!({"key": "plan", "title": "Plan", "type": "TEXT"}),
                None,
            ),
            (
                "TemplateService/CreateTemplate",
                "/v1/console/extraction-templates".to_owned(),
                json!({"name": "note", "title": "Note", "schema": schema}),
                None,
            ),
            (
                "TemplateService/CreateTemplateVersion",
                "/v1/console/extraction-templates/note/versions".to_owned(),
                json!({"title": "Note", "schema": schema}),
                None,
            ),
            ("WebhookService/CreateWebhook", webhooks.clone(), new_webhook, Some("webhook")),
            (
                "WebhookService/RotateWebhookSecret",
                format!("{webhook}:rotateSecret"),
                none.clone(),
                Some("webhook"),
            ),
            (
                "WebhookService/ReplayWebhookDelivery",
                format!("{webhook}/deliveries/{delivery}:replay"),
                none,
                None,
            ),
        ];
        for (rpc, path, body, secret_of) in &calls {
            let send = async || match path.as_str() {
                path if path.starts_with("/v1/open") => {
                    stack.send(stack.by_key("POST", path).header(HEADER, "k").json(body)).await
                }
                // A token makes no other tokens.
                "/v1/console/tokens" => {
                    browser.send(browser.request("POST", path).header(HEADER, "k").json(body)).await
                }
                path => stack.send(console(&stack, "k", path, body)).await,
            };
            let first = send().await;
            first.ok();
            let again = send().await;
            match secret_of {
                None => assert_replays(&again, &first),
                Some(what) => {
                    again.refusal(409, "conflict");
                    let made = first.ok();
                    // A member is the answer itself.
                    let id = made.get(*what).map_or(&made["id"], |made| &made["id"]);
                    assert_eq!(&again.body["error"]["id"], id, "{rpc}");
                    assert!(again.body["message"].as_str().unwrap().contains(id.as_str().unwrap()), "{rpc}");
                    let secret = made["secret"].as_str().or(made["inviteUrl"].as_str()).unwrap();
                    assert!(!again.body.to_string().contains(secret), "{rpc}");
                }
            }
        }
        // A repeat of what did nothing does nothing, either.
        stack.key_verb(&key.id, "disable", json!({})).await.ok();
        assert!(is_replayed(&stack.send(console(&stack, "k", &verb("enable"), &json!({}))).await));
        assert_eq!(stack.get_key(&key.id).await.ok()["status"], "DISABLED");
        assert_eq!(stack.list_keys("").await.ok().as_array().unwrap().len(), 3);

        // All others that take one are not built.
        let pool = built_in_descriptors().unwrap();
        let services: Vec<String> = pool.services().map(|service| service.full_name().to_owned()).collect();
        let services = services.iter().map(String::as_str).filter(|name| name.starts_with("keyward."));
        let policy = Policy::of(&pool, services).unwrap();
        let mut others: Vec<&str> = policy
            .rpcs()
            .filter(|rpc| rpc.http.idempotent && !calls.iter().any(|(name, ..)| rpc.path.ends_with(name)))
            .map(|rpc| rpc.path.rsplit_once('.').unwrap().1)
            .collect();
        others.sort_unstable();
        let not_built = [
            "ContactService/BulkUpsertContacts",
            "ContactService/ImportContacts",
            "ExtractionService/CreateJob",
            "FileService/UploadFile",
        ];
        assert_eq!(others, not_built);
    })
    .await;
}

#[tokio::test]
async fn a_key_of_the_management_api_is_of_its_member() {
    Stack::each(async |stack| {
        let (path, body) = ("/v1/console/agents", json!({"name": "Sales"}));
        let first = stack.send(console(&stack, "k", path, &body)).await;
        // Another token of the same member.
        let token = stack.new_token(json!({"name": "CI"})).await.ok()["secret"].as_str().unwrap().to_owned();
        let same = stack.with_token(&token);
        assert_replays(&same.send(console(&same, "k", path, &body)).await, &first);
        let other = json!({"name": "Marketing"});
        same.send(console(&same, "k", path, &other)).await.refusal(422, "idempotency_key_reused");
        // A role that no longer suffices is asked for first.
        let user = stack.new_token(json!({"name": "Reader", "role": "USER"})).await;
        let user = stack.with_token(user.ok()["secret"].as_str().unwrap());
        user.send(console(&user, "k", path, &body)).await.refusal(403, "role_required");
    })
    .await;
}

#[tokio::test]
async fn of_two_requests_at_two_replicas_one_is_carried_out() {
    const ROUNDS: usize = 100;
    let cluster = Cluster::start_with(2, 2, 2, 2).await;
    let most = json!({"perMinute": 100_000, "perHour": 100_000});
    let permissions = ["contacts:create", "contacts:read"];
    let key = json!({"name": "Busy", "permissions": permissions, "rateLimits": most});
    let key = cluster.apis[0].new_key_with(key).await;
    let (one, two) = (&cluster.apis[0].with_key(&key), &cluster.apis[1].with_key(&key));
    let mut replayed = 0;
    for round in 0..ROUNDS {
        let (key, contact) = (format!("k-{round}"), json!({"email": "ada@example.com"}));
        let agent = json!({"name": format!("Agent {round}")});
        let path = "/v1/console/agents";
        let (a, b, c, d) = tokio::join!(
            one.send(create(one, &key, &contact)),
            two.send(create(two, &key, &contact)),
            one.send(console(one, &key, path, &agent)),
            two.send(console(two, &key, path, &agent)),
        );
        for (one, two) in [(a, b), (c, d)] {
            let answers = [&one, &two];
            let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
            for refused in answers.iter().filter(|answer| answer.status != 201) {
                refused.refusal(409, "request_in_progress");
            }
            let first = made.iter().filter(|answer| !is_replayed(answer)).count();
            assert_eq!(first, 1, "{round}: {answers:?}");
            assert!(made.iter().all(|answer| answer.ok()["id"] == made[0].ok()["id"]));
            replayed += made.len() - 1;
        }
        let again = two.send(create(two, &key, &contact)).await;
        assert!(is_replayed(&again), "{}", again.body);
    }
    eprintln!("{replayed} of {} were replayed at once", 2 * ROUNDS);
    let total = one.list_contacts("?limit=100").await;
    assert_eq!(
        (total.ok().as_array().unwrap().len(), &total.body["pagination"]["hasMore"]),
        (100, &json!(false))
    );
    let agents = one.list_agents("?includeTotal=true").await;
    assert_eq!(agents.body["pagination"]["total"], ROUNDS + 1);
}

#[tokio::test]
async fn a_crash_between_commit_and_answer_is_made_good_by_a_repeat() {
    let mut cluster = Cluster::start_with(1, 1, 1, 1).await;
    let api = cluster.apis[0].clone();
    let contact = json!({"email": "ada@example.com"});
    cluster.contacts_ways[0].set(Way::NoWordOfCommits);
    let sent = {
        let (api, request) = (api.clone(), create(&api, "k", &contact));
        tokio::spawn(async move { api.send(request).await })
    };
    // Committed, of which contacts-svc has not heard.
    let mut database = postgres::connect(cluster.database()).await;
    let kept = "SELECT COUNT(*) FROM contacts.idempotency_records";
    while sqlx::query_scalar::<_, i64>(kept).fetch_one(&mut database).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    cluster.contacts[0].as_mut().unwrap().kill().await;
    assert!(sent.await.unwrap().status >= 500);
    cluster.contacts_ways[0].set(Way::Open);
    cluster.start_contacts(0).await;

    let again = api.send(create(&api, "k", &contact)).await;
    again.success(201, "Contact created.");
    assert!(is_replayed(&again));
    let listed = api.list_contacts("").await;
    assert_eq!(listed.ok().as_array().unwrap().as_slice(), std::slice::from_ref(again.ok()));
}

#[tokio::test]
async fn after_kill_9_each_request_can_be_sent_again() {
    const ROUNDS: usize = 3;
    const AT_ONCE: usize = 20;
    let mut keyward = Processes::together(&[]).await;
    for round in 0..ROUNDS {
        let key = |n: usize| format!("k-{round}-{n}");
        let contact = json!({"email": "ada@example.com"});
        let mut sent = JoinSet::new();
        for n in 0..AT_ONCE {
            sent.spawn(create(&keyward, &key(n), &contact).send());
        }
        // At a moment when some are answered and some are not.
        for _ in 0..=round * 4 {
            sent.join_next().await.unwrap().unwrap().unwrap();
        }
        keyward.all[0].kill().await;
        sent.shutdown().await;
        keyward.start_together().await;
        for n in 0..AT_ONCE {
            keyward.send(create(&keyward, &key(n), &contact)).await.success(201, "Contact created.");
        }
        assert_eq!(contacts(&keyward).await, (round + 1) * AT_ONCE);
    }
    keyward.terminate().await;
}
