//! Uploads as forms: text parts and then a file.

use std::sync::atomic::Ordering;

use edge::Config;
use serde_json::{Value, json};

use super::service::{AttachPart, Metadata};
use super::{Streaming, in_time, notified, path};
use crate::client::{Answer, Call, call};
use crate::stack::AGENT;

const TYPE: &str = "multipart/form-data; boundary=\"a b\"";

/// A form of these parts: the headers of each beside its disposition, and what it holds.
fn form(parts: &[(&str, &str)]) -> String {
    let part = |(head, data): &(&str, &str)| {
        format!("--a b\r\nContent-Disposition: form-data; name={head}\r\n\r\n{data}\r\n")
    };
    parts.iter().map(part).collect::<String>() + "--a b--\r\n"
}

fn post(verb: &str, body: &str) -> Call {
    call("POST", &path("a", verb)).field("Content-Type", TYPE).body(body)
}

fn refusal(answer: &Answer) -> (u16, String, Vec<(String, String)>) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let details = answer.json()["error"]["details"].as_array().unwrap().clone();
    let details = details.iter().map(|d| (text(&d["field"]), text(&d["code"]))).collect();
    (answer.status, answer.code(), details)
}

/// What a service got of an upload with metadata.
fn attached(streaming: &Streaming) -> (Metadata, Vec<u8>) {
    let messages = std::mem::take(&mut *streaming.service.attached.lock().unwrap());
    let mut messages = messages.into_iter();
    let first = messages.next().unwrap();
    assert_eq!((first.agent_id.as_str(), first.name.as_str()), (AGENT, "a"));
    let Some(AttachPart::Metadata(metadata)) = first.part else { panic!("the first message has metadata") };
    let mut content = Vec::new();
    for message in messages {
        let Some(AttachPart::Chunk(chunk)) = message.part else { panic!("the others have bytes") };
        assert!(!chunk.is_empty() && message.agent_id.is_empty() && !message.dry_run);
        content.extend(chunk);
    }
    (metadata, content)
}

#[tokio::test]
async fn text_parts_are_metadata_and_the_file_follows() {
    let big = "0123456789".repeat(20_000);
    for streaming in Streaming::both().await {
        let body = form(&[
            ("description", "A \u{fc}mlaut"),
            ("line; filename=\"blob\"\r\nContent-Type: application/json", "7"),
            ("tags", "one"),
            ("tags", "two"),
            ("labels", "{\"a\": \"b\"}"),
            ("schema", "{\"type\": \"object\"}"),
            ("place", "{\"page\": 3}"),
            ("file; filename=\"x y.pdf\"\r\nContent-Type: application/pdf", &big),
        ]);
        let call = call("POST", &format!("{}?dryRun=true", path("a", "attach")));
        let answer =
            in_time(call.field("Content-Type", TYPE).body(&body).send(streaming.stack.address)).await;
        let expected = json!({"success": true, "message": "Attached.", "data": {"bytes": big.len()}});
        assert_eq!((answer.status, answer.json()), (201, expected));
        assert!(streaming.service.attached.lock().unwrap()[0].dry_run);
        let (metadata, content) = attached(&streaming);
        assert_eq!(content, big.as_bytes());
        assert_eq!(metadata.description.as_deref(), Some("A \u{fc}mlaut"));
        assert_eq!((metadata.line, metadata.place.unwrap().page), (7, 3));
        assert_eq!(metadata.tags, ["one", "two"]);
        assert_eq!(metadata.labels["a"], "b");
        assert!(metadata.schema.unwrap().fields.contains_key("type"));
        let of_the_file = (metadata.file_name.as_deref(), metadata.content_type.as_deref());
        assert_eq!(of_the_file, (Some("x y.pdf"), Some("application/pdf")));
        assert_eq!(streaming.service.whole.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn what_a_file_says_of_itself_yields_to_the_parts() {
    let streaming = Streaming::in_process().await;
    let file = ("file; filename=\"x.pdf\"\r\nContent-Type: application/pdf", "%PDF");
    for (what, verb, content_type, disposition, body, name, media_type) in [
        (
            "parts",
            "attach",
            TYPE,
            None,
            form(&[("fileName", "mine"), ("contentType", "a/b"), file]),
            Some("mine"),
            Some("a/b"),
        ),
        ("the file", "attach", TYPE, None, form(&[file]), Some("x.pdf"), Some("application/pdf")),
        ("nothing", "attach", TYPE, None, form(&[("file", "%PDF")]), None, None),
        (
            "the head",
            "attach",
            "image/png",
            Some("attachment; filename=\"y.png\""),
            "%PDF".to_owned(),
            Some("y.png"),
            Some("image/png"),
        ),
        (
            "JSON as a file",
            "attach",
            "application/json",
            None,
            "%PDF".to_owned(),
            None,
            Some("application/json"),
        ),
        (
            "a form where JSON may be",
            "extract",
            TYPE,
            None,
            form(&[file]),
            Some("x.pdf"),
            Some("application/pdf"),
        ),
    ] {
        let mut call = call("POST", &path("a", verb)).field("Content-Type", content_type);
        if let Some(disposition) = disposition {
            call = call.field("Content-Disposition", disposition);
        }
        let answer = in_time(call.body(&body).send(streaming.stack.address)).await;
        assert!(answer.status < 300, "{what}: {:?}", answer.json());
        let (metadata, content) = attached(&streaming);
        assert_eq!(
            (metadata.file_name.as_deref(), metadata.content_type.as_deref()),
            (name, media_type),
            "{what}"
        );
        assert_eq!(content, b"%PDF", "{what}");
    }
}

#[tokio::test]
async fn json_may_name_the_content() {
    let streaming = Streaming::in_process().await;
    let address = streaming.stack.address;
    let json = json!({"url": "https://example.com/a", "line": 7});
    let answer = call("POST", &path("a", "extract")).json(&json).send(address).await;
    assert_eq!((answer.status, answer.json()["data"]["bytes"].as_i64()), (202, Some(0)));
    let (metadata, content) = attached(&streaming);
    assert_eq!(
        (metadata.url.as_deref(), metadata.line, content.len()),
        (Some("https://example.com/a"), 7, 0)
    );

    let answer = call("POST", &path("a", "extract")).field("Content-Length", "0").send(address).await;
    assert_eq!((answer.status, attached(&streaming).0), (202, Metadata::default()));
    for (content_type, status) in [("image/png", 415), ("application/json; charset=latin1", 415)] {
        let call = call("POST", &path("a", "extract")).field("Content-Type", content_type).body("{}");
        assert_eq!(call.send(address).await.status, status, "{content_type}");
    }
    assert_eq!(streaming.calls(), 2);
}

#[tokio::test]
async fn other_messages_with_bytes_take_forms_too() {
    for streaming in Streaming::both().await {
        let body = form(&[("line", "7"), ("file; filename=\"x\"\r\nContent-Type: image/png", "0123")]);
        let answer = in_time(post("upload", &body).send(streaming.stack.address)).await;
        assert_eq!((answer.status, answer.json()["data"]["bytes"].as_i64()), (201, Some(4)));
        let message = streaming.service.uploaded.lock().unwrap()[0].clone();
        let file = message.file.unwrap();
        assert_eq!(
            (message.line, file.content_type.as_str(), file.data.as_slice()),
            (7, "image/png", &b"0123"[..])
        );

        let answer = in_time(post("store", &body).send(streaming.stack.address)).await;
        assert_eq!((answer.status, answer.json()["data"]["bytes"].as_i64()), (200, Some(4)));
        let message = streaming.service.stored.lock().unwrap()[0].clone();
        assert_eq!(
            (message.line, message.file_name.as_str(), message.content_type.as_str()),
            (7, "x", "image/png")
        );
        assert_eq!((message.name.as_str(), message.chunk.as_slice()), ("a", &b"0123"[..]));
        let query = format!("{}?line=8", path("a", "store"));
        let twice = call("POST", &query).field("Content-Type", TYPE).body(&body);
        let answer = in_time(twice.send(streaming.stack.address)).await;
        assert_eq!(
            refusal(&answer),
            (400, "invalid_argument".to_owned(), vec![("line".to_owned(), "duplicate".to_owned())])
        );
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_form_is_told_before_the_service_is_called() {
    let streaming = Streaming::apart_with(|config| {
        config.max_json_body_bytes = 100;
        config.max_upload_bytes = 200;
    })
    .await;
    let file = ("file; filename=\"x\"", "0123");
    let long = "x".repeat(101);
    for (what, parts, status, code, details) in [
        ("no file", vec![("line", "7")], 400, "invalid_argument", vec![("file", "required")]),
        (
            "everything at once",
            vec![("line", "x"), ("nonsense", "1"), ("id", "1")],
            400,
            "invalid_argument",
            vec![
                ("line", "invalid"),
                ("nonsense", "unknown_field"),
                ("id", "immutable"),
                ("file", "required"),
            ],
        ),
        (
            "a doubled part",
            vec![("line", "7"), ("line", "7"), file],
            400,
            "invalid_argument",
            vec![("line", "duplicate")],
        ),
        (
            "two of a kind",
            vec![("url", "x"), ("place", "{}"), file],
            400,
            "invalid_argument",
            vec![("place", "invalid")],
        ),
        ("no JSON", vec![("schema", "{"), file], 400, "invalid_argument", vec![("schema", "invalid")]),
        (
            "unknown in JSON",
            vec![("place", "{\"x\":1}"), file],
            400,
            "invalid_argument",
            vec![("place.x", "unknown_field")],
        ),
        (
            "what the path says",
            vec![("agentId", "1"), file],
            400,
            "invalid_argument",
            vec![("agentId", "unknown_field")],
        ),
        ("too long a text", vec![("description", &long), file], 413, "body_too_large", vec![]),
        (
            "a file that says it is too long",
            vec![("file\r\nContent-Length: 201", "")],
            413,
            "body_too_large",
            vec![],
        ),
        (
            "a multipart in it",
            vec![("file\r\nContent-Type: multipart/mixed; boundary=b", "")],
            415,
            "unsupported_media_type",
            vec![],
        ),
        ("no name", vec![("\"", "")], 400, "invalid_argument", vec![]),
    ] {
        let answer = in_time(post("attach", &form(&parts)).send(streaming.stack.address)).await;
        let details =
            details.iter().map(|(field, code): &(&str, &str)| ((*field).to_owned(), (*code).to_owned()));
        assert_eq!(refusal(&answer), (status, code.to_owned(), details.collect()), "{what}");
    }
    for (what, content_type, body, status, code) in [
        ("no boundary", "multipart/form-data", "x", 400, "invalid_argument"),
        ("no form", TYPE, "x", 400, "invalid_argument"),
        ("nothing", TYPE, "", 400, "invalid_argument"),
        ("two types", "a/b, multipart/form-data; boundary=a", "x", 201, ""),
    ] {
        let call = call("POST", &path("a", "attach")).field("Content-Type", content_type).body(body);
        let answer = in_time(call.send(streaming.stack.address)).await;
        assert_eq!(answer.status, status, "{what}");
        if !code.is_empty() {
            assert_eq!(answer.code(), code, "{what}");
        }
    }
    assert_eq!(streaming.calls(), 1, "that of the type with a comma, which is the file's");
}

#[tokio::test]
async fn a_form_that_goes_wrong_after_its_file_began_never_ends_well() {
    let file = ("file; filename=\"x\"", "0123");
    let long = "x".repeat(201);
    let cut = form(&[file]).replace("--a b--", "--a b");
    let cases = [
        (
            "a text behind the file",
            form(&[file, ("line", "7")]),
            400,
            "invalid_argument",
            vec![("line", "invalid")],
        ),
        ("a second file", form(&[file, file]), 400, "invalid_argument", vec![("file", "duplicate")]),
        ("too long a file", form(&[("file", &long)]), 413, "body_too_large", vec![]),
        ("no end", cut, 400, "invalid_argument", vec![]),
        (
            "a length that lies",
            form(&[("file\r\nContent-Length: 5", "0123")]),
            400,
            "invalid_argument",
            vec![],
        ),
        ("too much behind it", form(&[file]) + &"x".repeat(9_000), 400, "invalid_argument", vec![]),
    ];
    let bounded = |config: &mut Config| config.max_upload_bytes = 200;
    for streaming in [Streaming::apart_with(bounded).await, Streaming::in_process_with(bounded).await] {
        for (what, body, status, code, details) in &cases {
            let answer = in_time(post("attach", body).send(streaming.stack.address)).await;
            let details =
                details.iter().map(|(field, code): &(&str, &str)| ((*field).to_owned(), (*code).to_owned()));
            assert_eq!(refusal(&answer), (*status, (*code).to_owned(), details.collect()), "{what}");
        }
        assert_eq!(streaming.service.whole.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn a_form_is_handed_on_as_it_comes() {
    for streaming in Streaming::both().await {
        let head = call("POST", &path("a", "attach"))
            .field("Content-Type", TYPE)
            .field("Transfer-Encoding", "chunked");
        let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
        let mut client = streaming.begin(&head).await;
        let begin = "--a b\r\nContent-Disposition: form-data; name=file\r\n\r\none";
        client.send(chunk(begin)).await;
        notified(&streaming.service.entered).await;
        client.send(chunk("two")).await;
        notified(&streaming.service.entered).await;
        drop(client);
        notified(&streaming.service.dropped).await;
        assert_eq!(streaming.service.whole.load(Ordering::SeqCst), 0);
    }
}
