//! Requests that are no calls, or not quite.

use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use keyward_proto::contacts::v1::GetContactResponse;
use prost::Message;
use svc_core::error::Reason;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Service, ServiceExt};

use super::{channel, framed, get, refusal};
use crate::client::{Call, call};
use crate::stack::{KEY, SECRET, Stack};
use crate::streams::in_time;

const GET: &str = "/keyward.contacts.v1.ContactService/GetContact";
const GRPC: &str = "application/grpc";
/// More than a message may have.
const TOO_LONG: usize = 4 * 1024 * 1024 + 1;

type Fields<'f> = &'f [(&'static str, &'f str)];

/// Sends a request of HTTP/2 as it is.
async fn send(stack: &Stack, path: &str, fields: Fields<'_>, body: Vec<u8>) -> Result<Vec<u8>, Status> {
    let mut request = http::Request::post(path).header("x-api-key", KEY).header("x-api-secret", SECRET);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::new(Full::from(body))).unwrap();
    let answer = in_time(channel(stack.address).ready().await.unwrap().call(request)).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], GRPC);
    let (head, body) = answer.into_parts();
    let body = in_time(body.collect()).await.unwrap();
    let trailers = body.trailers().cloned().unwrap_or(head.headers);
    match Status::from_header_map(&trailers).expect("a status") {
        status if status.code() == Code::Ok => Ok(body.to_bytes().to_vec()),
        status => Err(status),
    }
}

#[tokio::test]
async fn over_http_2() {
    let stack = Stack::start().await;
    let message = get("crm-1").encode_to_vec();
    let good = framed(&message);
    let plain: Fields<'_> = &[("content-type", GRPC), ("te", "trailers")];
    let lying = [&[0, 0, 0, 0, 200], &message[..]].concat();
    let not_protobuf = framed(&[0xff; 40]);
    // The agent's field as a number.
    let wrong_type = framed(&[0x08, 1]);
    for (what, path, fields, body, refused) in [
        ("a call", GET, plain, good.clone(), None),
        ("without te", GET, &[("content-type", GRPC)][..], good.clone(), None),
        (
            "an unknown RPC",
            "/keyward.contacts.v1.ContactService/Nope",
            plain,
            good.clone(),
            Some(Reason::Unimplemented),
        ),
        ("a path of REST", "/v1/open/key", plain, good.clone(), Some(Reason::Unimplemented)),
        ("no path", "/", plain, good.clone(), Some(Reason::Unimplemented)),
        (
            "an internal RPC",
            "/keyward.auth.v1.AuthorizationService/Authorize",
            plain,
            good.clone(),
            Some(Reason::Unimplemented),
        ),
        ("health", "/grpc.health.v1.Health/Check", plain, vec![0; 5], Some(Reason::Unimplemented)),
        ("no message", GET, plain, vec![], Some(Reason::InvalidArgument)),
        ("two messages", GET, plain, [good.clone(), good.clone()].concat(), Some(Reason::InvalidArgument)),
        ("a length that lies", GET, plain, lying, Some(Reason::InvalidArgument)),
        ("JSON", GET, plain, b"{}".to_vec(), Some(Reason::InvalidArgument)),
        ("no protobuf", GET, plain, not_protobuf, Some(Reason::InvalidArgument)),
        ("a field of another type", GET, plain, wrong_type, Some(Reason::InvalidArgument)),
        ("too long", GET, plain, framed(&vec![0; TOO_LONG]), Some(Reason::BodyTooLarge)),
        ("4 GiB announced", GET, plain, vec![0, 0xff, 0xff, 0xff, 0xff], Some(Reason::BodyTooLarge)),
        ("compressed", GET, plain, [&[1], &good[1..]].concat(), Some(Reason::Unimplemented)),
        (
            "compression announced",
            GET,
            &[("content-type", GRPC), ("grpc-encoding", "gzip")],
            good.clone(),
            Some(Reason::Unimplemented),
        ),
        (
            "JSON announced",
            GET,
            &[("content-type", "application/grpc+json")],
            good.clone(),
            Some(Reason::UnsupportedMediaType),
        ),
        (
            "a time that is none",
            GET,
            &[("content-type", GRPC), ("grpc-timeout", "soon")],
            good.clone(),
            Some(Reason::InvalidArgument),
        ),
        (
            "an idempotency key where none is taken",
            GET,
            &[("content-type", GRPC), ("idempotency-key", "k")],
            good.clone(),
            Some(Reason::InvalidArgument),
        ),
    ] {
        let before = stack.contacts.count();
        match (send(&stack, path, fields, body).await, refused) {
            (Ok(answer), None) => {
                assert!(GetContactResponse::decode(&answer[5..]).is_ok(), "{what}");
                assert_eq!(stack.contacts.count(), before + 1, "{what}");
            }
            (outcome, refused) => {
                assert_eq!(Some(refusal(outcome).1), refused, "{what}");
                assert_eq!(stack.contacts.count(), before, "{what}");
            }
        }
    }
    // It would be told which compression is taken.
    let request = http::Request::post(GET).header("content-type", GRPC).header("grpc-encoding", "gzip");
    let request = request.body(Body::empty()).unwrap();
    let answer = in_time(channel(stack.address).ready().await.unwrap().call(request)).await.unwrap();
    assert_eq!(answer.headers()["grpc-accept-encoding"], "identity");
}

#[tokio::test]
async fn what_is_no_call_at_all_gets_an_answer_of_rest() {
    let stack = Stack::start().await;
    for (what, call, status, code) in [
        (
            "gRPC over HTTP/1.1",
            call("POST", GET).field("Content-Type", GRPC).body("x"),
            415,
            "unsupported_media_type",
        ),
        ("GET", call("GET", GET).field("Content-Type", GRPC), 404, "route_not_found"),
        (
            "another type",
            call("POST", GET).field("Content-Type", "application/grpcish"),
            404,
            "route_not_found",
        ),
        (
            "REST on the path of an RPC",
            call("POST", GET).field("Content-Type", "application/json"),
            404,
            "route_not_found",
        ),
    ] {
        let answer = in_time(call.send(stack.address)).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{what}");
    }
}

#[tokio::test]
async fn heads_over_their_limits_are_refused_in_the_form_of_the_call() {
    let stack = Stack::start().await;
    let long = "v".repeat(17 * 1024);
    let fields = [("content-type", GRPC), ("x-long", long.as_str())];
    let refused = refusal(send(&stack, GET, &fields, Vec::new()).await);
    assert_eq!((refused.0, refused.1), (Code::InvalidArgument, Reason::HeadersTooLarge));
    let path = format!("/{}", "a".repeat(9 * 1024));
    assert_eq!(
        refusal(send(&stack, &path, &[("content-type", GRPC)], Vec::new()).await).1,
        Reason::UriTooLong
    );
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_told_in_the_form_of_the_call() {
    let stack = Stack::with(|config| config.address_requests_per_second = 1).await;
    let ask = async || send(&stack, GET, &[("content-type", GRPC)], framed(&get("a").encode_to_vec())).await;
    for _ in [1, 2] {
        ask().await.unwrap();
    }
    let (code, reason, retry) = refusal(ask().await);
    assert_eq!((code, reason, retry), (Code::ResourceExhausted, Reason::AddressThrottled, Some(1)));
    // REST has the same bucket.
    assert_eq!(Call::new("GET", "/v1/open/key").send(stack.address).await.code(), "address_throttled");
}

#[tokio::test]
async fn a_message_that_does_not_come_is_waited_for_no_longer_than_any_body() {
    let stack = Stack::with(|config| config.body_timeout_seconds = 1).await;
    let body = StreamBody::new(futures::stream::pending::<Result<Frame<Bytes>, Status>>());
    let request = http::Request::post(GET).header("content-type", GRPC);
    let request =
        request.header("x-api-key", KEY).header("x-api-secret", SECRET).body(Body::new(body)).unwrap();
    let answer = in_time(channel(stack.address).ready().await.unwrap().call(request)).await.unwrap();
    let status = Status::from_header_map(answer.headers()).unwrap();
    assert_eq!(refusal(Err::<(), _>(status)).1, Reason::RequestTimeout);
}

#[tokio::test]
async fn too_much_at_once_is_told_in_the_form_of_the_call() {
    let stack = std::sync::Arc::new(Stack::with(|config| config.max_in_flight = 1).await);
    let waiting = tokio::spawn({
        let stack = stack.clone();
        async move { super::contacts(stack.address).get_contact(super::with_key(get("slow"))).await }
    });
    in_time(stack.contacts.entered.notified()).await;
    let outcome = super::contacts(stack.address).get_contact(super::with_key(get("a"))).await;
    let (code, reason, retry) = refusal(outcome);
    assert_eq!((code, reason, retry), (Code::Unavailable, Reason::Overloaded, Some(1)));
    stack.contacts.release.notify_one();
    assert!(in_time(waiting).await.unwrap().is_ok());
}
