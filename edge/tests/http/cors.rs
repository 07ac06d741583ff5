//! Pages of other origins, as a browser asks for them.

use serde_json::json;

use crate::client::{Answer, Call, Client, call, contact};
use crate::stack::Stack;
use crate::streams::in_time;

const PAGE: &str = "https://app.example.com";
const GET_CONTACT: &str = "/keyward.contacts.v1.ContactService/GetContact";

async fn stack(origins: &str) -> Stack {
    let origins = serde_json::from_value(json!(origins)).unwrap();
    Stack::with(|config| config.cors_origins = origins).await
}

async fn from(stack: &Stack, origin: &str, call: Call) -> Answer {
    let mut client = Client::connect(stack.address).await;
    client.send(call.field("Origin", origin).bytes()).await;
    in_time(client.whole_answer()).await
}

fn preflight(path: &str) -> Call {
    Call::new("OPTIONS", path)
        .field("Access-Control-Request-Method", "PUT")
        .field("Access-Control-Request-Headers", "content-type,x-api-key,x-grpc-web")
}

fn names(answer: &Answer) -> Vec<&str> {
    answer
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .filter(|name| name.starts_with("access-control"))
        .collect()
}

#[tokio::test]
async fn nobody_may_unless_it_is_set() {
    let stack = Stack::start().await;
    for call in [call("GET", &contact("a")), preflight(&contact("a")), preflight(GET_CONTACT)] {
        let answer = from(&stack, PAGE, call).await;
        assert!(names(&answer).is_empty() && answer.header("vary").is_empty(), "{answer:?}");
    }
}

#[tokio::test]
async fn which_pages_may_have_an_answer() {
    for (origins, origin, allowed) in [
        (PAGE, PAGE, true),
        ("https://a.example, https://app.example.com", PAGE, true),
        (PAGE, "https://app.example.com:8443", false),
        (PAGE, "http://app.example.com", false),
        (PAGE, "https://app.example.com.evil.example", false),
        (PAGE, "null", false),
        ("*", "https://anywhere.example", true),
    ] {
        let stack = stack(origins).await;
        let rpc = Call::new("POST", GET_CONTACT).field("Content-Type", "application/grpc-web").body("");
        // Refusals too, or the page could not tell why.
        for (call, status) in [
            (call("GET", &contact("a")), 200),
            (Call::new("GET", &contact("a")), 401),
            (call("GET", "/v1/open/nope"), 404),
            (rpc, 200),
        ] {
            let answer = from(&stack, origin, call).await;
            assert_eq!(answer.status, status);
            assert_eq!(answer.header("access-control-allow-origin"), if allowed { origin } else { "" });
            assert_eq!(answer.header("access-control-expose-headers").contains("grpc-status"), allowed);
            assert!(answer.header("access-control-allow-credentials").is_empty());
            assert_eq!(answer.header("vary"), "origin");
        }
    }
}

#[tokio::test]
async fn what_a_page_may_send() {
    let stack = stack(PAGE).await;
    for (path, methods) in
        [(contact("a"), "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"), (GET_CONTACT.to_owned(), "OPTIONS, POST")]
    {
        let answer = from(&stack, PAGE, preflight(&path)).await;
        assert_eq!((answer.status, answer.header("allow")), (204, methods));
        for (name, value) in [
            ("access-control-allow-origin", PAGE),
            ("access-control-allow-methods", methods),
            ("access-control-allow-headers", "content-type,x-api-key,x-grpc-web"),
            ("access-control-max-age", "7200"),
        ] {
            assert_eq!(answer.header(name), value);
        }
        assert!(names(&from(&stack, "https://evil.example", preflight(&path)).await).is_empty());
    }
    assert_eq!(stack.auth.count(), 0);
}
