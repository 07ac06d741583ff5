//! Requests of HTTP/2 that are malformed (RFC 9113, 8), which no client library would make.

use std::net::SocketAddr;

use crate::client::contact;
use crate::http2::{DATA, END_HEADERS, END_STREAM, HEADERS, Http2, RST_STREAM, frame};
use crate::stack::{AGENT, KEY, SECRET, Stack};

const PROTOCOL_ERROR: u32 = 1;

type Fields<'f> = Vec<(&'f str, &'f str)>;

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Answered(u16, String),
    /// The stream is reset, or the connection closed, with this error (RFC 9113, 5.4 and 8.1.1).
    Refused(u32),
}

/// Literals without indexing, neither compressed (RFC 7541, 6.2.2).
fn block(fields: &Fields<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in fields {
        out.push(0);
        for text in [name, value] {
            assert!(text.len() < 127, "one byte tells the length");
            out.push(u8::try_from(text.len()).unwrap());
            out.extend_from_slice(text.as_bytes());
        }
    }
    out
}

/// One request on a connection of its own: the fields of its head, its body and those of its trailers.
async fn send(address: SocketAddr, head: &Fields<'_>, body: &str, trailers: Option<&Fields<'_>>) -> Outcome {
    let ends = |last: bool| if last { END_HEADERS | END_STREAM } else { END_HEADERS };
    let mut bytes = frame(HEADERS, ends(body.is_empty() && trailers.is_none()), 1, &block(head));
    if !body.is_empty() {
        let last = if trailers.is_none() { END_STREAM } else { 0 };
        bytes.extend(frame(DATA, last, 1, body.as_bytes()));
    }
    if let Some(trailers) = trailers {
        bytes.extend(frame(HEADERS, ends(true), 1, &block(trailers)));
    }
    let mut http2 = Http2::connect(address, &[]).await;
    http2.send(&bytes).await;
    let (mut status, mut content) = (None, Vec::new());
    while let Some(frame) = http2.next().await {
        match frame.kind {
            HEADERS => status = Some(status_of(&frame.payload)),
            DATA => content.extend(frame.payload),
            RST_STREAM => return Outcome::Refused(u32::from_be_bytes(frame.payload.try_into().unwrap())),
            _ => {}
        }
        if frame.stream == 1 && frame.flags & END_STREAM != 0 {
            return Outcome::Answered(status.unwrap(), String::from_utf8(content).unwrap());
        }
        if let Some(code) = http2.read.goaway {
            return Outcome::Refused(code);
        }
    }
    panic!("the connection was closed without a word")
}

/// `:status` is the first field. Those that these tests meet are in the static table (RFC 7541, A).
fn status_of(block: &[u8]) -> u16 {
    match block[0] & 0x7f {
        8 => 200,
        9 => 204,
        12 => 400,
        13 => 404,
        other => panic!("an unknown status: {other}"),
    }
}

fn get<'f>(authority: &[(&'f str, &'f str)], path: &'f str, more: &[(&'f str, &'f str)]) -> Fields<'f> {
    let pseudo = [&[(":method", "GET"), (":scheme", "http")], authority, &[(":path", path)]].concat();
    [&pseudo, more].concat()
}

#[tokio::test]
async fn malformed_heads() {
    let stack = Stack::start().await;
    let (a, health) = ([(":authority", "a")], "/v1/open/health");
    let refused = Err(PROTOCOL_ERROR);
    for (what, fields, expected) in [
        ("plain", get(&a, health, &[]), Ok(200)),
        ("the same host twice", get(&a, health, &[("host", "A:80")]), Ok(200)),
        ("Host alone", get(&[], health, &[("host", "a")]), Ok(200)),
        ("another host", get(&a, health, &[("host", "b")]), Ok(400)),
        ("another port", get(&a, health, &[("host", "a:81")]), Ok(400)),
        ("two hosts", get(&a, health, &[("host", "a"), ("host", "a")]), Ok(400)),
        ("a host that is none", get(&a, health, &[("host", "a:port")]), Ok(400)),
        ("no host at all", get(&[], health, &[]), Ok(400)),
        ("an empty authority", get(&[(":authority", "")], health, &[]), refused),
        ("user information", get(&[(":authority", "u:p@a")], health, &[]), Ok(400)),
        ("a port out of range", get(&[(":authority", "a:99999")], health, &[]), Ok(400)),
        ("half an address", get(&[(":authority", "[::1")], health, &[]), refused),
        ("a blank before a value", get(&a, health, &[("x", " v")]), Ok(400)),
        ("a blank after a value", get(&a, health, &[("x", "v ")]), Ok(400)),
        ("a tab after a value", get(&a, health, &[("x", "v\t")]), Ok(400)),
        ("a blank within a value", get(&a, health, &[("x", "v v")]), Ok(200)),
        ("a connection field", get(&a, health, &[("connection", "close")]), refused),
        ("a transfer coding", get(&a, health, &[("transfer-encoding", "chunked")]), refused),
        ("TE", get(&a, health, &[("te", "gzip")]), refused),
        ("a name in upper case", get(&a, health, &[("X", "v")]), refused),
        ("a pseudo-field after others", get(&a, health, &[("x", "v"), (":path", "/")]), refused),
        ("an unknown pseudo-field", get(&a, health, &[(":x", "v")]), refused),
        ("a status", get(&a, health, &[(":status", "200")]), refused),
        ("two paths", get(&a, health, &[(":path", "/")]), refused),
        ("an empty path", get(&a, "", &[]), refused),
        ("no path", vec![(":method", "GET"), (":scheme", "http"), (":authority", "a")], refused),
    ] {
        match (send(stack.address, &fields, "", None).await, expected) {
            (Outcome::Answered(status, body), Ok(expected)) => {
                assert_eq!(status, expected, "{what}: {body}");
                assert!(status == 200 || body.contains("\"invalid_argument\""), "{what}: {body}");
            }
            (outcome, expected) => {
                let code = expected.err().unwrap_or_else(|| panic!("{what}: {outcome:?}"));
                assert_eq!(outcome, Outcome::Refused(code), "{what}");
            }
        }
    }
}

/// Pseudo-fields have no place in trailers (RFC 9113, 8.1). h2 drops them, so no trailers are taken at all.
#[tokio::test]
async fn trailers() {
    let stack = Stack::start().await;
    let path = format!("/v1/open/contacts/chatbots/{AGENT}");
    let head = |method, path| {
        let pseudo = [(":method", method), (":scheme", "http"), (":authority", "a"), (":path", path)];
        let more = [("x-api-key", KEY), ("x-api-secret", SECRET), ("content-type", "application/json")];
        [&pseudo[..], &more].concat()
    };
    let read = contact("r-1");
    for (what, head, body) in [
        ("with a body", head("POST", &path), r#"{"name": "Ada"}"#),
        ("without one", head("GET", &read), ""),
        ("of a page", head("GET", "/v1/open/health"), ""),
    ] {
        for trailers in [
            vec![(":path", "/v1/open/health")],
            vec![(":status", "200")],
            vec![(":method", "GET"), ("x", "v")],
            vec![("x", "v")],
        ] {
            let outcome = send(stack.address, &head, body, Some(&trailers)).await;
            let Outcome::Answered(400, answer) = &outcome else { panic!("{what}: {outcome:?}") };
            assert!(answer.contains("\"invalid_argument\""), "{what}: {answer}");
        }
    }
    assert_eq!(stack.contacts.count(), 0, "nothing was done");
    let plain = send(stack.address, &head("GET", &read), "", None).await;
    assert!(matches!(plain, Outcome::Answered(200, _)), "{plain:?}");
}
