//! What the edge answers itself.

use serde_json::json;

use crate::client::Call;
use crate::stack::Stack;

#[tokio::test]
async fn health_needs_no_credentials() {
    let stack = Stack::start().await;
    let answer = Call::new("GET", "/v1/open/health").send(stack.address).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["data"], json!({"status": "SERVING"}));
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn deep_health_asks_every_service() {
    let stack = Stack::start().await;
    let answer = Call::new("GET", "/v1/open/health?deep=true").send(stack.address).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    let all = json!({"status": "SERVING", "upstreams": {"auth": "SERVING", "contacts": "SERVING"}});
    assert_eq!(answer.json()["data"], all);
}

#[tokio::test]
async fn deep_health_fails_when_a_service_is_away() {
    let stack = Stack::without_auth().await;
    let answer = Call::new("GET", "/v1/open/health?deep=true").send(stack.address).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "unavailable"));
    assert_eq!(answer.header("retry-after"), "1");
    let some = json!({"status": "NOT_SERVING", "upstreams": {"auth": "NOT_SERVING", "contacts": "SERVING"}});
    assert_eq!(answer.json()["data"], some);
}

#[tokio::test]
async fn pages_have_one_method_and_their_own_parameters() {
    let stack = Stack::start().await;
    for (method, path, status, code) in [
        ("POST", "/v1/open/health", 405, "method_not_allowed"),
        ("GET", "/v1/open/health/", 404, "route_not_found"),
        ("GET", "/v1/open/health?deep=maybe", 400, "invalid_argument"),
        ("GET", "/v1/open/health?shallow=true", 400, "invalid_argument"),
        ("POST", "/openapi.json", 405, "method_not_allowed"),
        ("GET", "/docs/", 404, "route_not_found"),
        ("GET", "/docs/nothing", 404, "route_not_found"),
        ("PUT", "/docs/errors", 405, "method_not_allowed"),
        ("DELETE", "/docs", 405, "method_not_allowed"),
    ] {
        let answer = Call::new(method, path).send(stack.address).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{method} {path}");
    }
}

#[tokio::test]
async fn files_are_told_apart_by_their_etag_and_run_nothing() {
    let stack = Stack::start().await;
    for (path, content_type) in [
        ("/openapi.json", "application/json"),
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/errors", "text/html; charset=utf-8"),
        ("/docs/reference/contacts", "text/html; charset=utf-8"),
    ] {
        let answer = Call::new("GET", path).send(stack.address).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, content_type), "{path}");
        assert_eq!(answer.header("cache-control"), "private, no-cache", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        let policy = answer.header("content-security-policy");
        assert_eq!(
            policy.starts_with("default-src 'none'; style-src 'sha256-"),
            path != "/openapi.json",
            "{policy}"
        );
        let etag = answer.header("etag").to_owned();
        let again = Call::new("GET", path).field("If-None-Match", &etag).send(stack.address).await;
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, etag.as_str()), "{path}");
        let other = Call::new("GET", path).field("If-None-Match", "\"other\"").send(stack.address).await;
        assert_eq!(other.status, 200, "{path}");
        let credentials = Call::new("GET", path).field("X-API-Key", "nonsense").send(stack.address).await;
        assert_eq!(credentials.status, 200, "they need none, and do not mind any: {path}");
    }
}
