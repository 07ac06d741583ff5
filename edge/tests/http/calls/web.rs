//! gRPC-Web, byte by byte: how answers are framed, over HTTP/1.1 and HTTP/2, binary and as text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Full};
use keyward_proto::contacts::v1::GetContactResponse;
use prost::Message;
use svc_core::error::Reason;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Service, ServiceExt};

use super::{channel, framed, get, refusal};
use crate::client::{Call, Client};
use crate::stack::{KEY, SECRET, Stack};
use crate::streams::service::{ReadRequest, WatchResponse};
use crate::streams::{SERVICE, Streaming, in_time};

const GET: &str = "/keyward.contacts.v1.ContactService/GetContact";
const FORMS: [&str; 4] = [
    "application/grpc-web",
    "application/grpc-web+proto",
    "application/grpc-web-text",
    "application/grpc-web-text+proto",
];

/// An answer, taken apart.
struct Web {
    headers: http::HeaderMap,
    messages: Vec<Vec<u8>>,
    trailers: http::HeaderMap,
}

impl Web {
    /// Checks the form as well: frames, the last of which holds trailers.
    fn read(headers: http::HeaderMap, body: &[u8]) -> Web {
        let (mut messages, mut trailers) = (Vec::new(), None);
        let mut rest = body;
        while let [flag, a, b, c, d, after @ ..] = rest {
            assert!(trailers.is_none(), "something follows the trailers");
            let (held, others) = after.split_at(u32::from_be_bytes([*a, *b, *c, *d]) as usize);
            match flag {
                0 => messages.push(held.to_vec()),
                0x80 => trailers = Some(fields(std::str::from_utf8(held).unwrap())),
                other => panic!("the flag {other}"),
            }
            rest = others;
        }
        assert!(rest.is_empty());
        Web { headers, messages, trailers: trailers.expect("trailers") }
    }

    /// What it says of the call.
    fn outcome(&self) -> Result<(), Status> {
        assert!(!self.headers.contains_key("grpc-status"), "it stands in the body");
        let status = Status::from_header_map(&self.trailers).unwrap();
        if status.code() == Code::Ok { Ok(()) } else { Err(status) }
    }
}

fn fields(text: &str) -> http::HeaderMap {
    let mut fields = http::HeaderMap::new();
    for line in text.strip_suffix("\r\n").unwrap().split("\r\n") {
        let (name, value) = line.split_once(": ").unwrap();
        fields.append(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
    }
    fields
}

/// Text that is base64, in pieces that are each padded.
fn decoded(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut piece = Vec::new();
    for group in text.chunks(4) {
        piece.extend_from_slice(group);
        if group.ends_with(b"=") {
            bytes.extend(STANDARD.decode(std::mem::take(&mut piece)).unwrap());
        }
    }
    bytes.extend(STANDARD.decode(piece).unwrap());
    bytes
}

/// Makes a call over HTTP/1.1.
async fn call(stack: &Stack, path: &str, form: &str, secret: &str, message: &impl Message) -> Web {
    let is_text = form.contains("text");
    let body = framed(&message.encode_to_vec());
    let body = if is_text { STANDARD.encode(body).into_bytes() } else { body };
    let head = Call::new("POST", path)
        .field("Content-Type", form)
        .field("X-API-Key", KEY)
        .field("X-API-Secret", secret)
        .field("Content-Length", &body.len().to_string());
    let mut client = Client::connect(stack.address).await;
    client.send([head.bytes().as_bytes(), &body].concat()).await;
    let answer = in_time(client.whole_answer()).await;
    assert_eq!(answer.status, 200);
    let media = if is_text { "application/grpc-web-text+proto" } else { "application/grpc-web+proto" };
    assert_eq!(answer.headers["content-type"], media);
    let body = if is_text { decoded(&answer.body) } else { answer.body };
    Web::read(answer.headers, &body)
}

#[tokio::test]
async fn calls_and_refusals_in_every_form() {
    let stack = Stack::start().await;
    for form in FORMS {
        let answer = call(&stack, GET, form, SECRET, &get("crm-1")).await;
        assert_eq!(answer.outcome().ok(), Some(()), "{form}");
        let [message] = answer.messages.as_slice() else { panic!("{:?}", answer.messages) };
        let contact = GetContactResponse::decode(message.as_slice()).unwrap().contact.unwrap();
        assert_eq!(contact.external_reference_id.as_deref(), Some("crm-1"));
        assert_eq!(answer.headers["x-request-id"].len(), 24);

        for (path, secret, reference, reason) in [
            (GET, SECRET, "missing", Reason::NotFound),
            (GET, "kws_live_bad", "crm-1", Reason::InvalidCredentials),
            ("/acme.v1.Nothing/Get", SECRET, "crm-1", Reason::Unimplemented),
        ] {
            let answer = call(&stack, path, form, secret, &get(reference)).await;
            assert!(answer.messages.is_empty());
            assert_eq!(refusal(answer.outcome()).1, reason, "{form}, {path}, {reference}");
        }
    }
}

#[tokio::test]
async fn streams_in_every_form() {
    let streaming = Streaming::apart().await;
    let path = format!("/{SERVICE}/Watch");
    for form in FORMS {
        for (name, numbers, reason) in
            [("any", vec![1, 2, 3], None), ("fails", vec![1, 2], Some(Reason::Internal))]
        {
            let asked = ReadRequest { name: name.to_owned(), ..ReadRequest::default() };
            let answer = call(&streaming.stack, &path, form, SECRET, &asked).await;
            let got: Vec<i32> = answer
                .messages
                .iter()
                .map(|message| WatchResponse::decode(message.as_slice()).unwrap().number)
                .collect();
            assert_eq!(got, numbers, "{form}");
            match reason {
                None => assert!(answer.outcome().is_ok()),
                Some(reason) => assert_eq!(refusal(answer.outcome()).1, reason),
            }
        }
    }
}

#[tokio::test]
async fn over_http_2() {
    let stack = Stack::start().await;
    for (secret, refused) in [(SECRET, None), ("kws_live_bad", Some(Reason::InvalidCredentials))] {
        let request = http::Request::post(GET)
            .header("content-type", "application/grpc-web+proto")
            .header("x-api-key", KEY)
            .header("x-api-secret", secret)
            .body(Body::new(Full::from(framed(&get("crm-1").encode_to_vec()))))
            .unwrap();
        let answer = in_time(channel(stack.address).ready().await.unwrap().call(request)).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = in_time(body.collect()).await.unwrap();
        assert!(body.trailers().is_none(), "they are in the body");
        let answer = Web::read(head.headers, &body.to_bytes());
        assert_eq!(answer.outcome().err().map(|status| refusal(Err::<(), _>(status)).1), refused);
    }
}
