//! Files of contacts, over HTTP.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use svc_core::ids::hex;

use crate::harness::{Answer, Api, Stack, assert_json, encode};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";
const PAGE: &[u8] = b"<!doctype html><script>alert(1)</script>";

pub fn files_path(api: &Api, reference: &str) -> String {
    format!("/v1/open/contacts/{}/files/chatbots/{}", encode(reference), api.agent)
}

fn file_path(api: &Api, reference: &str, file: &str) -> String {
    format!("/v1/open/contacts/{}/files/{file}/chatbots/{}", encode(reference), api.agent)
}

fn content_path(api: &Api, reference: &str, file: &str) -> String {
    format!("{}/content", file_path(api, reference, file))
}

/// A form of these texts and a file.
pub fn form(
    request: RequestBuilder,
    boundary: &str,
    texts: &[(&str, &str)],
    name: &str,
    content: &[u8],
) -> RequestBuilder {
    let mut body = Vec::new();
    for (field, text) in texts {
        let part =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{text}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(content);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    request.header("Content-Type", format!("multipart/form-data; boundary={boundary}")).body(body)
}

async fn upload(api: &Api, reference: &str, texts: &[(&str, &str)], name: &str, content: &[u8]) -> Answer {
    api.send(form(api.by_key("POST", &files_path(api, reference)), "xyz", texts, name, content)).await
}

/// What came: the status, the headers and the bytes.
pub async fn fetch(request: RequestBuilder) -> (u16, HeaderMap, Vec<u8>) {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    (status, headers, response.bytes().await.unwrap().to_vec())
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

fn sha256(content: &[u8]) -> String {
    hex(digest(&SHA256, content).as_ref())
}

#[tokio::test]
async fn a_key_stores_reads_and_deletes_them() {
    Stack::each(async |stack| {
        let contact = stack.new_contact("crm/1").await;
        let content = b"hello, file";
        let (size, hash) = (content.len().to_string(), sha256(content));
        let texts = [("description", "The first"), ("sizeBytes", size.as_str()), ("sha256", hash.as_str())];
        let stored = upload(&stack, "crm/1", &texts, "../Rechnung März.txt", content).await;
        let file = stored.success(201, "File uploaded.");
        let expected = json!({
            "id": "<id>", "contactId": contact, "fileName": "Rechnung März.txt", "contentType": "text/plain",
            "description": "The first", "sizeBytes": content.len(), "sha256": hash, "createdAt": "<time>",
        });
        assert_json(file, expected);
        let id = file["id"].as_str().unwrap();
        let by_id = format!("/v1/open/contacts/mantisid/{contact}/files/{id}/chatbots/{}", stack.agent);
        assert_eq!(stored.header("location"), by_id);
        for path in [by_id.clone(), file_path(&stack, "crm/1", id)] {
            assert_eq!(stack.send(stack.by_key("GET", &path)).await.success(200, "File retrieved."), file);
        }
        let listed = stack.send(stack.by_key("GET", &files_path(&stack, "crm/1"))).await;
        assert_eq!(*listed.success(200, "Files retrieved."), json!([file]));
        assert_eq!(listed.body["pagination"], json!({"limit": 20, "hasMore": false, "nextCursor": null}));

        let path = content_path(&stack, "crm/1", id);
        let (status, headers, bytes) = fetch(stack.by_key("GET", &path)).await;
        assert_eq!((status, bytes.as_slice()), (200, &content[..]));
        let etag = format!("\"{hash}\"");
        for (name, value) in [
            ("content-type", "text/plain"),
            ("content-length", size.as_str()),
            ("etag", etag.as_str()),
            ("accept-ranges", "bytes"),
            ("cache-control", "private, no-cache"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
            ("cross-origin-resource-policy", "same-origin"),
            (
                "content-disposition",
                "attachment; filename=\"Rechnung M_rz.txt\"; filename*=UTF-8''Rechnung%20M%C3%A4rz.txt",
            ),
        ] {
            assert_eq!(header(&headers, name), value, "{name}");
        }
        let (status, head, bytes) = fetch(stack.by_key("HEAD", &path)).await;
        assert_eq!((status, bytes.len()), (200, 0));
        for name in ["content-type", "content-length", "etag", "accept-ranges", "content-disposition"] {
            assert_eq!(header(&head, name), header(&headers, name), "{name}");
        }

        let gone = stack.send(stack.by_key("DELETE", &file_path(&stack, "crm/1", id))).await;
        gone.success(200, "File deleted.");
        for (method, path) in [("GET", &path), ("GET", &by_id), ("DELETE", &by_id)] {
            stack.send(stack.by_key(method, path)).await.refusal(404, "not_found");
        }
        let listed = stack.send(stack.by_key("GET", &files_path(&stack, "crm/1"))).await;
        assert_eq!(*listed.ok(), json!([]));
    })
    .await;
}

#[tokio::test]
async fn parts_are_read_as_http_has_them() {
    Stack::each(async |stack| {
        stack.new_contact("crm-1").await;
        let stored = upload(&stack, "crm-1", &[], "a", b"0123456789").await;
        let path = content_path(&stack, "crm-1", stored.ok()["id"].as_str().unwrap());
        let etag = format!("\"{}\"", sha256(b"0123456789"));
        let weak = format!("W/{etag}");
        for (headers, status, range, content) in [
            (&[("Range", "bytes=2-4")][..], 206, "bytes 2-4/10", "234"),
            (&[("Range", "bytes=7-")], 206, "bytes 7-9/10", "789"),
            (&[("Range", "bytes=-2")], 206, "bytes 8-9/10", "89"),
            (&[("Range", "bytes=0-999")], 206, "bytes 0-9/10", "0123456789"),
            (&[("Range", "bytes=2-4"), ("If-Range", etag.as_str())], 206, "bytes 2-4/10", "234"),
            (&[("Range", "bytes=2-4"), ("If-Range", "\"other\"")], 200, "", "0123456789"),
            (&[("Range", "bytes=2-4"), ("If-Range", weak.as_str())], 200, "", "0123456789"),
            (&[("Range", "bytes=2-4"), ("If-Match", etag.as_str())], 206, "bytes 2-4/10", "234"),
            (&[("Range", "bytes=0-1,3-4")], 200, "", "0123456789"),
            (&[("Range", "bytes=0-1"), ("Range", "bytes=3-4")], 200, "", "0123456789"),
            (&[("Range", "nonsense")], 200, "", "0123456789"),
            (&[("If-None-Match", "\"other\"")], 200, "", "0123456789"),
            (&[("If-None-Match", weak.as_str())], 304, "", ""),
            (&[("If-None-Match", etag.as_str()), ("Range", "bytes=2-4")], 304, "", ""),
        ] {
            let request = headers.iter().fold(stack.by_key("GET", &path), |r, (n, v)| r.header(*n, *v));
            let (got, answer, bytes) = fetch(request).await;
            assert_eq!((got, header(&answer, "content-range")), (status, range), "{headers:?}");
            assert_eq!(String::from_utf8(bytes).unwrap(), content, "{headers:?}");
            assert_eq!(header(&answer, "etag"), etag, "{headers:?}");
            if status != 304 {
                assert_eq!(header(&answer, "content-length"), content.len().to_string(), "{headers:?}");
            }
        }
        for range in ["bytes=10-", "bytes=-0"] {
            let beyond = stack.send(stack.by_key("GET", &path).header("Range", range)).await;
            beyond.refusal(416, "range_not_satisfiable");
            assert_eq!(beyond.header("content-range"), "bytes */10");
        }
        let other = stack.by_key("GET", &path).header("If-Match", "\"other\"");
        stack.send(other).await.refusal(412, "precondition_failed");
        // HEAD knows no ranges.
        let (status, head, _) = fetch(stack.by_key("HEAD", &path).header("Range", "bytes=2-4")).await;
        assert_eq!((status, header(&head, "content-length")), (200, "10"));
    })
    .await;
}

#[tokio::test]
async fn a_bare_content_is_a_file_too() {
    Stack::each(async |stack| {
        stack.new_contact("crm-1").await;
        let post = || stack.by_key("POST", &files_path(&stack, "crm-1"));
        let said = format!("sha-256=:{}:", STANDARD.encode(digest(&SHA256, PNG)));
        let bare = post()
            .header("Content-Type", "image/png")
            .header("Content-Disposition", "attachment; filename=\"x.png\"; filename*=UTF-8''f%C3%BCr.png")
            .header("Content-Digest", &said)
            .body(PNG);
        let stored = stack.send(bare).await;
        let file = stored.success(201, "File uploaded.");
        assert_eq!((&file["fileName"], &file["contentType"]), (&json!("für.png"), &json!("image/png")));
        let untyped = stack.send(post().body(PNG)).await;
        assert_eq!(untyped.ok()["fileName"], "file");
        assert_eq!(untyped.ok()["contentType"], "image/png", "found in the content");

        let field = |details: &Value| details[0]["field"].as_str().unwrap_or_default().to_owned();
        for (request, name) in [
            (post().header("Content-Digest", &said).body(PAGE), "Content-Digest"),
            (post().header("Content-Digest", "nonsense").body(PNG), "Content-Digest"),
            (form(post().header("Content-Digest", &said), "b", &[], "a", PNG), "Content-Digest"),
            (post().header("Content-Type", "image/png").body(PAGE), "contentType"),
            (post().header("Content-Type", "text/plain").body(PAGE), "contentType"),
            (post().body(""), "file"),
            (form(post(), "b", &[], "a", b""), "file"),
            (form(post(), "b", &[("sizeBytes", "3")], "a", PNG), "sizeBytes"),
            (form(post(), "b", &[("sizeBytes", "0")], "a", PNG), "sizeBytes"),
            (form(post(), "b", &[("sizeBytes", "x")], "a", PNG), "sizeBytes"),
            (form(post(), "b", &[("sha256", &"0".repeat(64))], "a", PNG), "sha256"),
            (form(post(), "b", &[("fileName", "..")], "a", PNG), "fileName"),
            (form(post(), "b", &[], "a\u{202E}gnp.exe", PNG), "fileName"),
            (form(post(), "b", &[("unheard", "x")], "a", PNG), "unheard"),
        ] {
            assert_eq!(field(stack.send(request).await.refusal(400, "invalid_argument")), name);
        }
        let listed = stack.send(stack.by_key("GET", &files_path(&stack, "crm-1"))).await;
        assert_eq!(listed.ok().as_array().unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn no_browser_runs_what_is_stored() {
    Stack::each(async |stack| {
        stack.new_contact("crm-1").await;
        for (content_type, content) in [
            ("text/html", PAGE),
            ("image/svg+xml", b"<svg onload=alert(1)>"),
            ("text/javascript", b"alert(1)"),
            ("text/css", b"* { background: url(//x) }"),
            (
                "application/xhtml+xml",
                b"<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\"/>",
            ),
        ] {
            let stored = upload(&stack, "crm-1", &[("contentType", content_type)], "x.html", content).await;
            let file = stored.success(201, "File uploaded.");
            assert_eq!(file["contentType"], content_type, "it is what it is");
            let path = content_path(&stack, "crm-1", file["id"].as_str().unwrap());
            let (_, headers, bytes) = fetch(stack.by_key("GET", &path)).await;
            assert_eq!(bytes, content);
            assert_eq!(header(&headers, "content-type"), "application/octet-stream", "{content_type}");
            assert!(header(&headers, "content-disposition").starts_with("attachment;"));
            assert_eq!(header(&headers, "x-content-type-options"), "nosniff");
            assert!(header(&headers, "content-security-policy").contains("sandbox"));
        }
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_is_sent_twice_is_stored_once() {
    Stack::each(async |stack| {
        stack.new_contact("crm-1").await;
        let send = async |key: &str, boundary: &str, texts: &[(&str, &str)], content: &[u8]| {
            let request = stack.by_key("POST", &files_path(&stack, "crm-1")).header("Idempotency-Key", key);
            stack.send(form(request, boundary, texts, "a.txt", content)).await
        };
        let first = send("k", "one", &[("description", "x")], b"hello").await;
        first.success(201, "File uploaded.");
        // Clients choose another boundary each time.
        let again = send("k", "two", &[("description", "x")], b"hello").await;
        assert_eq!((again.status, &again.body), (201, &first.body));
        assert_eq!((again.header("idempotent-replayed"), first.header("idempotent-replayed")), ("true", ""));
        assert_eq!(again.header("location"), first.header("location"));
        for (texts, content) in [
            (&[("description", "x")][..], &b"hellO"[..]),
            (&[("description", "y")], b"hello"),
            (&[], b"hello"),
        ] {
            send("k", "one", texts, content).await.refusal(422, "idempotency_key_reused");
        }
        let id = first.ok()["id"].as_str().unwrap();
        stack.send(stack.by_key("DELETE", &file_path(&stack, "crm-1", id))).await.ok();
        let again = send("k", "three", &[("description", "x")], b"hello").await;
        assert_eq!((again.status, &again.body), (201, &first.body), "as of then");
        let other = send("l", "one", &[("description", "x")], b"hello").await;
        assert_ne!(other.success(201, "File uploaded.")["id"], id);
    })
    .await;
}

#[tokio::test]
async fn members_have_paths_of_their_own() {
    Stack::each(async |stack| {
        let contact = stack.new_contact("crm-1").await;
        let files = format!("/v1/console/agents/{}/contacts/{contact}/files", stack.agent);
        let stored = stack.send(form(stack.by_member("POST", &files), "b", &[], "a.txt", b"hello")).await;
        let file = stored.success(201, "File uploaded.");
        let one = format!("{files}/{}", file["id"].as_str().unwrap());
        assert_eq!(stored.header("location"), one);
        let token = stack.new_token(json!({"name": "looking", "role": "USER"})).await;
        let user = stack.with_token(token.ok()["secret"].as_str().unwrap());
        for who in [&*stack, &user] {
            assert_eq!(who.send(who.by_member("GET", &one)).await.success(200, "File retrieved."), file);
            assert_eq!(*who.send(who.by_member("GET", &files)).await.ok(), json!([file]));
            let (status, _, bytes) = fetch(who.by_member("GET", &format!("{one}/content"))).await;
            assert_eq!((status, bytes.as_slice()), (200, &b"hello"[..]));
        }
        let refused = user.send(form(user.by_member("POST", &files), "b", &[], "b.txt", b"hello")).await;
        refused.refusal(403, "role_required");
        user.send(user.by_member("DELETE", &one)).await.refusal(403, "role_required");
        let elsewhere = one.replace(&stack.agent, "65f0c0ffee65f0c0ffee65f0");
        stack.send(stack.by_member("GET", &elsewhere)).await.refusal(404, "not_found");
        stack.send(stack.by_key("GET", &one)).await.refusal(401, "not_signed_in");
        stack.send(stack.by_member("DELETE", &one)).await.success(200, "File deleted.");
        stack.send(stack.by_member("GET", &one)).await.refusal(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn permissions_and_agents_set_limits() {
    Stack::each(async |stack| {
        stack.new_contact("crm-1").await;
        let stored = upload(&stack, "crm-1", &[], "a.txt", b"hello").await;
        let id = stored.ok()["id"].as_str().unwrap().to_owned();
        let reads = stack.with_key(&stack.new_key(&["contacts:read"]).await);
        upload(&reads, "crm-1", &[], "b.txt", b"x").await.refusal(403, "permission_denied");
        let delete = reads.by_key("DELETE", &file_path(&reads, "crm-1", &id));
        reads.send(delete).await.refusal(403, "permission_denied");
        let creates = stack.with_key(&stack.new_key(&["contacts:create"]).await);
        upload(&creates, "crm-1", &[], "b.txt", b"x").await.success(201, "File uploaded.");
        for path in [files_path(&creates, "crm-1"), content_path(&creates, "crm-1", &id)] {
            creates.send(creates.by_key("GET", &path)).await.refusal(403, "permission_denied");
        }
        let everything = ["contacts:create", "contacts:read", "contacts:update", "contacts:delete"];
        let sales = stack.new_agent("Sales", &everything).await;
        sales.new_contact("crm-1").await;
        for path in [file_path(&sales, "crm-1", &id), content_path(&sales, "crm-1", &id)] {
            sales.send(sales.by_key("GET", &path)).await.refusal(404, "not_found");
        }
        upload(&stack, "crm-2", &[], "a.txt", b"x").await.refusal(404, "not_found");
        // With the contact its files are gone.
        stack.delete_contact("crm-1").await.ok();
        stack.send(stack.by_key("GET", &file_path(&stack, "crm-1", &id))).await.refusal(404, "not_found");
        stack.new_contact("crm-1").await;
        let listed = stack.send(stack.by_key("GET", &files_path(&stack, "crm-1"))).await;
        assert_eq!(*listed.ok(), json!([]));
    })
    .await;
}
