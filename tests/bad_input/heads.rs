//! Heads of requests: too long, too many, contradictory.

use super::request::{Request, get, request};
use super::{Case, Ground, case};
use crate::harness::{Engine, Stack, Topology, raw};

pub(super) fn cases(ground: &Ground) -> Vec<Case> {
    let list = || get(&ground.contacts).by(&ground.key);
    let uri = |length: usize| {
        let target = format!("{}?cursor=", ground.contacts);
        let rest = "a".repeat(length - target.len());
        get(format!("{target}{rest}")).by(&ground.key)
    };
    let crowded = |request: Request| {
        (0..90).fold(request, |request, n| request.header(&format!("X-{n}"), "x".repeat(200)))
    };
    let argument = "invalid_argument";
    let host = |host: &str| list().without("Host").header("Host", host);
    let coded = |coding: &str| {
        let create = request("POST", &ground.contacts).by(&ground.key);
        create.header("Transfer-Encoding", coding).json(r#"{"email": "a@example.com"}"#)
    };
    let contact = |method: &str, name: &str, value: &str| {
        let target = format!("/v1/open/contacts/crm-1/chatbots/{}", ground.agent);
        request(method, target).by(&ground.key).header(name, value)
    };
    let put = |name: &str, value: &str| contact("PUT", name, value).json(r#"{"email": "b@example.com"}"#);
    let unmet = "precondition_failed";
    vec![
        case("the longest URI", uri(8 * 1024), 400, "invalid_cursor"),
        case("a URI that is too long", uri(8 * 1024 + 1), 414, "uri_too_long"),
        case(
            "a header that is too large",
            list().header("X-Large", "x".repeat(17 * 1024)),
            431,
            "headers_too_large",
        ),
        case("many headers that are too large together", crowded(list()), 431, "headers_too_large"),
        case("too large, without credentials", crowded(get(&ground.contacts)), 431, "headers_too_large"),
        case("no host", list().without("Host"), 400, argument),
        case("two hosts", list().header("Host", "elsewhere"), 400, argument),
        case("an empty host", host(""), 400, argument),
        case("a port that is none", host("x:port"), 400, argument),
        case("a port out of range", host("x:99999"), 400, argument),
        case("two ports", host("x:1:2"), 400, argument),
        case("half an address", host("[::1"), 400, argument),
        case("user information in the host", host("user@x"), 400, argument),
        case("a coding that nobody knows", coded("gzip, chunked").chunked(), 501, "unimplemented"),
        case("chunked twice", coded("chunked").chunked(), 400, argument),
        case("an ETag without quotes", put("If-Match", "1"), 400, argument),
        case("an ETag and any", put("If-Match", "\"1\", *"), 400, argument),
        case("an empty If-Match", put("If-Match", ""), 400, argument),
        case("a weak ETag", put("If-Match", "W/\"1\""), 412, unmet),
        case("other ETags", put("If-Match", "\"2\", \"3\", \"01\""), 412, unmet),
        case("an ETag that is ruled out", put("If-None-Match", "\"7\", W/\"1\""), 412, unmet),
        case("create only what is there", put("If-None-Match", "*"), 412, unmet),
        case("no list of If-None-Match", put("If-None-Match", "1"), 400, argument),
        case("another ETag of what is read", contact("GET", "If-Match", "\"2\""), 412, unmet),
        case("a malformed If-None-Match", contact("GET", "If-None-Match", "1"), 400, argument),
        case("If-None-Match of DELETE", contact("DELETE", "If-None-Match", "*"), 400, argument),
        case("If-Match where nothing is changed", list().header("If-Match", "\"1\""), 400, argument),
    ]
}

/// What HTTP/1.1 cannot parse, or is far over the limits, gets a bare status and a closed connection.
#[tokio::test]
async fn heads_beyond_all_bounds() {
    let stack = Stack::start(Engine::Sqlite, Topology::OneProcess).await;
    let list = || get(stack.contacts_path()).by(&stack.key);
    let many = (0..200).fold(list(), |request, n| request.header(&format!("X-{n}"), "x"));
    let huge = list().header("X-Huge", "x".repeat(128 * 1024));
    for (what, bytes, status) in [
        ("over 100 fields", many.bytes(), 431),
        ("over 64 KiB", huge.bytes(), 431),
        ("no HTTP", b"hello\r\n\r\n".to_vec(), 400),
        ("a field without a colon", b"GET / HTTP/1.1\r\nHost: localhost\r\nhello\r\n\r\n".to_vec(), 400),
        ("a space before the colon", b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n".to_vec(), 400),
        (
            "two lengths",
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"
                .to_vec(),
            400,
        ),
    ] {
        let answer = raw(stack.edge(), &bytes).await;
        assert_eq!((answer.status, answer.body.len()), (status, 0), "{what}");
    }
    stack.list_contacts("").await.success(200, "Contacts retrieved.");
}

/// A length and chunks at once are how requests are smuggled past proxies.
#[tokio::test]
async fn a_length_and_chunks_at_once_end_the_connection() {
    let stack = Stack::start(Engine::Sqlite, Topology::OneProcess).await;
    let smuggled = format!(
        "GET /v1/open/health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n\
         0\r\n\r\nGET {} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        stack.contacts_path()
    );
    let answer = raw(stack.edge(), smuggled.as_bytes()).await;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(!text.contains("HTTP/1.1"), "the second request was answered: {text}");
}
