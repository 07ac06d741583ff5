//! What a good request gets, and what reaches the services.

use std::time::Duration;

use serde_json::json;

use crate::client::{Call, Client, call, console, contact, contacts};
use crate::stack::{AGENT, CONTACT, Stack, deadline_of};

#[tokio::test]
async fn a_contact_is_read() {
    let stack = Stack::start().await;
    let answer = call("GET", &contact("r-1")).send(stack.address).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("etag"), "\"3\"");
    assert_eq!(answer.header("cache-control"), "private, no-cache");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("x-request-id").len(), 24);
    let json = answer.json();
    assert_eq!(json["success"], true);
    assert_eq!(json["message"], "Contact retrieved.");
    assert_eq!(json["data"]["externalReferenceId"], "r-1");
    assert_eq!(json["data"]["id"], CONTACT);
}

#[tokio::test]
async fn a_contact_is_created() {
    let stack = Stack::start().await;
    let body = json!({"name": "Ada", "email": "ada@example.org"});
    let answer = call("POST", &contacts()).json(&body).send(stack.address).await;
    assert_eq!(answer.status, 201, "{:?}", answer.json());
    assert_eq!(answer.header("location"), format!("/v1/open/contacts/mantisid/{CONTACT}/chatbots/{AGENT}"));
    assert_eq!(answer.json()["data"]["name"], "Ada");
}

#[tokio::test]
async fn a_contact_is_deleted_when_it_is_the_one_meant() {
    let stack = Stack::start().await;
    for (if_match, status, code) in [
        (None, 200, None),
        (Some("\"3\""), 200, None),
        (Some("*"), 200, None),
        (Some("\"2\""), 412, Some("precondition_failed")),
        (Some("\"2\", \"3\""), 200, None),
        (Some("\"2\", \"4\""), 412, Some("precondition_failed")),
        (Some("W/\"3\""), 412, Some("precondition_failed")),
        (Some("\"abc\""), 412, Some("precondition_failed")),
        (Some("3"), 400, Some("invalid_argument")),
        (Some("\"3\", *"), 400, Some("invalid_argument")),
    ] {
        let mut request = call("DELETE", &contact("r-1"));
        if let Some(etag) = if_match {
            request = request.field("If-Match", etag);
        }
        let answer = request.send(stack.address).await;
        assert_eq!(answer.status, status, "{if_match:?}");
        match code {
            Some(code) => assert_eq!(answer.code(), code, "{if_match:?}"),
            None => assert_eq!(answer.json()["data"], json!(null), "{if_match:?}"),
        }
    }
}

#[tokio::test]
async fn a_contact_is_created_or_replaced() {
    let stack = Stack::start().await;
    let place = format!("/v1/open/contacts/mantisid/{CONTACT}/chatbots/{AGENT}");
    for (reference, condition, status) in [
        ("new", None, 201),
        ("old", None, 200),
        ("new", Some(("If-None-Match", "*")), 201),
        ("old", Some(("If-None-Match", "*")), 412),
        ("old", Some(("If-None-Match", "\"2\", W/\"3\"")), 412),
        ("old", Some(("If-None-Match", "\"2\"")), 200),
        ("old", Some(("If-None-Match", "2")), 400),
        ("new", Some(("If-Match", "*")), 412),
        ("old", Some(("If-Match", "*")), 200),
        ("new", Some(("If-Match", "\"3\"")), 412),
        ("old", Some(("If-Match", "\"2\", \"3\"")), 200),
    ] {
        let path = format!("{}?upsert=true", contact(reference));
        let mut put = call("PUT", &path).json(&json!({"email": "a@example.org"}));
        if let Some((name, value)) = condition {
            put = put.field(name, value);
        }
        let answer = put.send(stack.address).await;
        assert_eq!(answer.status, status, "{reference} {condition:?}");
        assert_eq!(answer.header("location"), if status == 201 { &place } else { "" }, "{reference}");
        if status < 300 {
            assert_eq!(answer.header("etag"), "\"3\"");
            assert!(answer.json()["data"].get("created").is_none(), "{:?}", answer.json());
        }
    }
    let deleted = call("DELETE", &contact("old")).field("If-None-Match", "*").send(stack.address).await;
    assert_eq!((deleted.status, deleted.code().as_str()), (400, "invalid_argument"));
}

#[tokio::test]
async fn conditions_of_what_is_read() {
    let stack = Stack::start().await;
    for (name, value, status) in [
        ("If-None-Match", "*", 304),
        ("If-None-Match", "\"2\", W/\"3\"", 304),
        ("If-None-Match", "\"2\"", 200),
        ("If-None-Match", "3", 400),
        ("If-Match", "\"3\"", 200),
        ("If-Match", "W/\"3\"", 412),
        ("If-Match", "\"2\"", 412),
        ("If-Match", "*", 200),
    ] {
        let answer = call("GET", &contact("r-1")).field(name, value).send(stack.address).await;
        assert_eq!(answer.status, status, "{name}: {value}");
    }
}

#[tokio::test]
async fn what_the_caller_has_already_is_not_sent_again() {
    let stack = Stack::start().await;
    let answer = call("GET", &contact("r-1")).field("If-None-Match", "\"3\"").send(stack.address).await;
    assert_eq!((answer.status, answer.body.len()), (304, 0));
    assert_eq!(answer.header("etag"), "\"3\"");
    assert_eq!(answer.header("cache-control"), "private, no-cache");
    assert_eq!(answer.header("x-request-id").len(), 24);
    let answer = call("GET", &contact("r-1")).field("If-None-Match", "\"2\"").send(stack.address).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn services_refuse_and_the_answer_says_why() {
    let stack = Stack::start().await;
    let taken = call("POST", &contacts()).json(&json!({"name": "taken"})).send(stack.address).await;
    assert_eq!((taken.status, taken.code().as_str()), (409, "already_exists"));
    assert_eq!(taken.json()["error"]["id"], CONTACT);

    let bad = call("POST", &contacts()).json(&json!({"name": "bad"})).send(stack.address).await;
    assert_eq!((bad.status, bad.code().as_str()), (400, "invalid_argument"));
    let details =
        json!([{"field": "email", "code": "required", "message": "Needs an email or a mobile number."}]);
    assert_eq!(bad.json()["error"]["details"], details);

    for (reference, status, code) in [
        ("missing", 404, "not_found"),
        ("panic", 500, "internal"),
        ("foreign", 500, "internal"),
        ("unauthenticated", 502, "bad_gateway"),
    ] {
        let answer = call("GET", &contact(reference)).send(stack.address).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{reference}");
        assert!(!answer.json().to_string().contains("hunter2"));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn errors_come_as_problems_where_that_is_asked_for() {
    let stack = Stack::start().await;
    let request = call("GET", &contact("missing")).field("Accept", "application/problem+json");
    let answer = request.send(stack.address).await;
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let json = answer.json();
    assert_eq!(json["type"], "/docs/errors#not_found");
    assert_eq!((json["status"].as_u64(), json["code"].as_str()), (Some(404), Some("not_found")));
    assert_eq!(json["requestId"], answer.header("x-request-id"));
}

#[tokio::test]
async fn no_header_of_the_client_reaches_a_service() {
    let stack = Stack::start().await;
    let request = call("GET", &contact("r-1"))
        .field("X-Keyward-Principal", "forged")
        .field("X-Keyward-Organization-Id", "forged")
        .field("X-Request-Id", "mine")
        .field("grpc-timeout", "1H")
        .field("User-Agent", "curl")
        .field("Cookie", "a=b");
    let answer = request.send(stack.address).await;
    assert_eq!(answer.status, 200);
    assert_ne!(answer.header("x-request-id"), "mine");
    let calls = stack.contacts.calls.lock().unwrap();
    let [seen] = calls.as_slice() else { panic!("one call") };
    assert_eq!(seen.request_id.as_deref(), Some(answer.header("x-request-id")));
    assert!(seen.metadata.is_empty(), "{:?}", seen.metadata);
}

#[tokio::test]
async fn a_service_apart_gets_a_token_for_itself_and_nothing_of_the_client() {
    let (stack, bare) = Stack::apart().await;
    let request = call("GET", &contact("r-1")).field("X-Keyward-Principal", "forged").field("Cookie", "a=b");
    let answer = request.send(stack.address).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    assert_eq!(stack.auth.last().audience.as_deref(), Some("contacts"));
    let calls = bare.calls.lock().unwrap();
    let [seen] = calls.as_slice() else { panic!("one call") };
    let principals: Vec<_> = seen.get_all("x-keyward-principal").iter().collect();
    assert_eq!(principals, ["token-for-contacts"]);
    assert_eq!(seen["x-request-id"], answer.header("x-request-id"));
    let deadline = deadline_of(seen);
    assert!(deadline <= Duration::from_secs(10) && deadline > Duration::from_secs(5), "{deadline:?}");
    assert!(!seen.contains_key("x-api-secret") && !seen.contains_key("cookie"));
}

#[tokio::test]
async fn members_use_the_console() {
    let stack = Stack::start().await;
    let answer = console("GET", &format!("/v1/console/agents/{AGENT}")).send(stack.address).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    assert_eq!(answer.json()["data"]["name"], "Support");
}

#[tokio::test]
async fn an_answer_with_a_secret_is_kept_nowhere() {
    let stack = Stack::start().await;
    let path = format!("/v1/console/agents/{AGENT}/api-keys");
    let body = json!({"name": "Sync", "permissions": ["contacts:read"]});
    let answer = console("POST", &path).json(&body).send(stack.address).await;
    assert_eq!(answer.status, 201, "{:?}", answer.json());
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.json()["data"]["secret"], "kws_live_new");
}

#[tokio::test]
async fn what_is_asked_of_auth_svc() {
    let stack = Stack::start().await;
    call("GET", &contact("r-1")).send(stack.address).await;
    let asked = stack.auth.last();
    assert_eq!(asked.operation, "keyward.contacts.v1.ContactService/GetContact");
    assert_eq!(asked.permissions, ["contacts:read"]);
    assert_eq!(asked.agent_id.as_deref(), Some(AGENT));
    assert_eq!(asked.client_address, "127.0.0.1");
    assert_eq!(asked.audience, None);

    let put =
        call("PUT", &format!("{}?upsert=true", contact("r-1"))).json(&json!({"email": "a@example.org"}));
    assert_eq!(put.send(stack.address).await.status, 200);
    assert_eq!(stack.auth.last().permissions, ["contacts:update", "contacts:create"]);

    console("GET", &format!("/v1/console/agents/{AGENT}")).send(stack.address).await;
    let asked = stack.auth.last();
    assert_eq!((asked.role, asked.agent_id), (1, None));
}

#[tokio::test]
async fn the_client_address_comes_from_a_trusted_proxy_only() {
    let direct = Stack::start().await;
    let request = call("GET", &contact("r-1")).field("X-Forwarded-For", "203.0.113.9");
    request.send(direct.address).await;
    assert_eq!(direct.auth.last().client_address, "127.0.0.1");

    let trust = json!(["127.0.0.1"]);
    let proxied = Stack::with(|config| config.trusted_proxies = serde_json::from_value(trust).unwrap()).await;
    request.send(proxied.address).await;
    assert_eq!(proxied.auth.last().client_address, "203.0.113.9");
}

#[tokio::test]
async fn requests_are_counted_by_route() {
    let stack = Stack::start().await;
    call("GET", &contact("r-1")).send(stack.address).await;
    Call::new("GET", "/nowhere").send(stack.address).await;
    Call::new("POST", "/v1/open/health").send(stack.address).await;
    Call::new("BREW", "/v1/open/health").send(stack.address).await;
    Call::new("OPTIONS", "/v1/open/health").send(stack.address).await;
    let mut client = Client::connect(stack.address).await;
    for path in ["/v1/open/health", &contact("r-1")] {
        client.send(call("HEAD", path).bytes()).await;
        assert_eq!(client.answer_to_head().await.unwrap().status, 200);
    }
    let text = stack.metrics.encode().unwrap();
    let route = "/v1/open/contacts/{ref}/chatbots/{agent_id}";
    for labels in [
        format!("method=\"GET\",route=\"{route}\",status=\"200\""),
        format!("method=\"HEAD\",route=\"{route}\",status=\"200\""),
        "method=\"GET\",route=\"\",status=\"404\"".to_owned(),
        "method=\"POST\",route=\"/v1/open/health\",status=\"405\"".to_owned(),
        "method=\"_OTHER\",route=\"/v1/open/health\",status=\"405\"".to_owned(),
        "method=\"OPTIONS\",route=\"/v1/open/health\",status=\"204\"".to_owned(),
        "method=\"HEAD\",route=\"/v1/open/health\",status=\"200\"".to_owned(),
    ] {
        let line = format!("http_server_request_duration_seconds_count{{{labels}}} 1");
        assert!(text.contains(&line), "{line} is not in\n{text}");
    }
}
