//! HEAD and OPTIONS, which every path has that has GET, and every path.

use http::HeaderMap;
use serde_json::json;

use crate::client::{Call, Client, call, console, contact, contacts};
use crate::stack::{AGENT, Stack};

/// The headers that are the same for the same answer.
fn lasting(mut headers: HeaderMap) -> HeaderMap {
    for name in ["date", "x-request-id"] {
        assert!(headers.remove(name).is_some(), "{name}");
    }
    headers
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let stack = Stack::start().await;
    let (health, agent) = ("/v1/open/health", format!("/v1/console/agents/{AGENT}"));
    let list = contacts();
    let path = contact("r-1");
    let conditional = |method: &str| call(method, &path).field("If-None-Match", "\"3\"");
    // With keys refused: what the two get must not depend on which of them came first.
    type OfMethod<'c> = Box<dyn Fn(&str) -> Call + 'c>;
    let cases: [(&str, OfMethod<'_>, u16); 10] = [
        ("health", Box::new(|m| Call::new(m, health)), 200),
        ("deep health", Box::new(|m| Call::new(m, "/v1/open/health?deep=true")), 200),
        ("a file", Box::new(|m| Call::new(m, "/openapi.json")), 200),
        ("a contact", Box::new(|m| call(m, &path)), 200),
        ("a contact that is known", Box::new(conditional), 304),
        ("a contact that is not there", Box::new(|m| call(m, &contact("missing"))), 404),
        ("no credentials", Box::new(|m| Call::new(m, &path)), 401),
        ("a bad parameter", Box::new(|m| call(m, &format!("{list}?nope=1"))), 400),
        ("the console", Box::new(|m| console(m, &agent)), 200),
        ("no such path", Box::new(|m| Call::new(m, "/nowhere")), 404),
    ];
    let mut client = Client::connect(stack.address).await;
    for (what, call, status) in cases {
        client.send(call("GET").bytes()).await;
        let got = client.answer().await.unwrap();
        client.send(call("HEAD").bytes()).await;
        let head = client.answer_to_head().await.unwrap();
        assert_eq!((got.status, head.status), (status, status), "{what}");
        let length = if status == 304 { String::new() } else { got.body.len().to_string() };
        assert_eq!(head.header("content-length"), length, "{what}");
        assert_eq!(lasting(head.headers), lasting(got.headers), "{what}");
    }
    assert!(stack.contacts.count() >= 4, "HEAD asks the service as GET does");
}

#[tokio::test]
async fn options_tells_the_methods_without_credentials() {
    let stack = Stack::start().await;
    let verb = format!("{}:bulk", contacts());
    let mut client = Client::connect(stack.address).await;
    for (target, allow) in [
        ("/v1/open/health", "GET, HEAD, OPTIONS"),
        ("/openapi.json", "GET, HEAD, OPTIONS"),
        ("/docs", "GET, HEAD, OPTIONS"),
        (contacts().as_str(), "GET, HEAD, OPTIONS, POST"),
        (contact("r-1").as_str(), "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        (verb.as_str(), "OPTIONS, POST"),
        ("/v1/console/api-keys", "GET, HEAD, OPTIONS"),
        // The server as a whole.
        ("*", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
    ] {
        client.send(Call::new("OPTIONS", target).bytes()).await;
        let answer = client.answer().await.unwrap();
        assert_eq!((answer.status, answer.header("allow")), (204, allow), "{target}");
        assert!(!answer.headers.contains_key("content-length"), "{target}");
        assert!(!answer.headers.contains_key("content-type"), "{target}");
        assert_eq!(answer.header("cache-control"), "no-store", "{target}");
        assert_eq!(answer.header("x-request-id").len(), 24, "{target}");
        // What is not allowed is told the same way.
        let other = Call::new("BREW", target).send(stack.address).await;
        match target {
            "*" => assert_eq!((other.status, other.code().as_str()), (404, "route_not_found")),
            _ => assert_eq!((other.status, other.header("allow")), (405, allow), "{target}"),
        }
    }
    for (what, call, status, code) in [
        ("an unknown path", Call::new("OPTIONS", "/nowhere"), 404, "route_not_found"),
        ("no path", Call::new("OPTIONS", "/*"), 404, "route_not_found"),
        ("a body", Call::new("OPTIONS", &contacts()).json(&json!({})), 400, "invalid_argument"),
        ("GET of the server", Call::new("GET", "*"), 404, "route_not_found"),
    ] {
        let answer = call.send(stack.address).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{what}");
    }
    assert_eq!(stack.auth.count(), 0, "nobody was asked who calls");
}
