//! Bodies and lists that are made to cost: what they take of the process is bounded, and nobody else waits.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Answer, Api, Processes, Stack};

/// What a process may need of memory beyond what it held before, in KiB. The bodies that were found took
/// 400 MiB each, the list 1,600.
const GROWTH_KIB: u64 = 100 * 1024;
/// The longest that a request of somebody else may take meanwhile, on a busy machine in a debug build.
const PATIENCE: Duration = Duration::from_secs(5);

/// `inner` in as many objects, one in the other.
fn nested(depth: usize, inner: &str) -> String {
    format!("{}{inner}{}", r#"{"":"#.repeat(depth), "}".repeat(depth))
}

fn list(element: &str, count: usize) -> String {
    format!("[{}]", vec![element; count].join(","))
}

fn in_a_custom_field(json: &str) -> String {
    format!(r#"{{"email":"a@example.com","customFields":{{"a":{json}}}}}"#)
}

async fn post(api: &Api, body: String) -> Answer {
    let request = api.by_key("POST", &api.contacts_path()).header("Content-Type", "application/json");
    api.send(request.body(body)).await
}

#[tokio::test]
async fn one_body_stops_nobody() {
    let processes = Processes::together(&[("TOKIO_WORKER_THREADS", "2")]).await;
    let process = &processes.all[0];
    post(&processes, in_a_custom_field("1")).await.ok();
    let mib = |element: &str| 1_000_000 / (element.len() + 1);
    let hostile = [
        // As it was found: more values than a body has.
        in_a_custom_field(&nested(27, &list(r#"{"":0}"#, mib(r#"{"":0}"#)))),
        // As many as it may have, as deep as they may be.
        in_a_custom_field(&nested(27, &list(r#"{"":0}"#, 32_000))),
        in_a_custom_field(&nested(28, &format!("[{}{}]", list("0", 60_000), " ".repeat(800_000)))),
        in_a_custom_field(&list(&list("[]", 100), 600)),
        in_a_custom_field(&format!("\"{}\"", r"\u0041".repeat(160_000))),
        in_a_custom_field(&format!("[{}]", "9".repeat(1_000_000))),
        in_a_custom_field(&format!("[1e{}]", "9".repeat(1_000_000))),
        format!(r#"{{"tags":{}}}"#, list(r#""""#, 65_000)),
        format!("{{{}}}", (0..60_000).map(|n| format!(r#""unknown{n}":0"#)).collect::<Vec<_>>().join(",")),
        format!(
            r#"{{"customFields":{{{}}}}}"#,
            (0..60_000).map(|n| format!(r#""f{n}":{{}}"#)).collect::<Vec<_>>().join(",")
        ),
        format!(r#"{{"customFields":{{"a":{{{}}}}}}}"#, vec![r#""same":0"#; 60_000].join(",")),
    ];
    let before = process.peak_memory_kib();
    for body in hostile {
        assert!(body.len() < 1024 * 1024, "{} bytes", body.len());
        let start = body.chars().take(60).collect::<String>();
        let others = processes.on_its_own_connection();
        let four = async {
            let one = || post(&processes, body.clone());
            for answer in <[Answer; 4]>::from(tokio::join!(one(), one(), one(), one())) {
                answer.refusal(400, "invalid_argument");
            }
        };
        tokio::pin!(four);
        let mut asked = 0;
        loop {
            let asked_at = Instant::now();
            tokio::select! {
                biased;
                health = others.send(others.request("GET", "/v1/open/health")) => {
                    health.ok();
                    asked += 1;
                    assert!(asked_at.elapsed() < PATIENCE, "{start}: health took {:?}", asked_at.elapsed());
                }
                () = &mut four => break,
            }
        }
        let grown = process.peak_memory_kib().saturating_sub(before);
        assert!(grown < GROWTH_KIB, "{start}: {grown} KiB after {asked} looks at health");
    }
    let metrics = process.metrics().await;
    assert!(metrics.contains("http_server_json_values_refused_total 4\n"), "{metrics}");
    assert!(!metrics.contains("http_server_large_bodies_total 0\n"), "{metrics}");
}

/// The largest contacts that may be stored, a hundred of them: a page holds what a page may hold, and all of
/// them together are all of them.
#[tokio::test]
async fn the_largest_contacts_make_shorter_pages() {
    let processes = Processes::together(&[]).await;
    let settings = json!({
        "name": "All of them",
        "permissions": ["contacts:create", "contacts:read"],
        "rateLimits": {"perMinute": 1000},
    });
    let api = processes.with_key(&processes.new_key_with(settings).await);
    let text = "x".repeat(4_000);
    let values = list("{}", 1_300);
    for number in 0..100 {
        let mut fields: serde_json::Map<String, Value> =
            (0..14).map(|n| (format!("text{n}"), json!(text))).collect();
        fields.insert("list".to_owned(), serde_json::from_str(&values).unwrap());
        let contact = json!({
            "externalReferenceId": format!("crm-{number}"),
            "email": "a@example.com",
            "customFields": fields,
        });
        api.create_contact(contact).await.success(201, "Contact created.");
    }
    let process = &processes.all[0];
    let before = process.peak_memory_kib();
    let mut seen = Vec::new();
    let mut query = "?limit=100".to_owned();
    loop {
        let page = api.list_contacts(&query).await;
        let (contacts, pagination) = (page.ok().as_array().unwrap(), &page.body["pagination"]);
        let bytes = page.body.to_string().len();
        assert!(!contacts.is_empty() && bytes < 1_200_000, "{} contacts, {bytes} bytes", contacts.len());
        assert_eq!(pagination["limit"], 100);
        seen.extend(contacts.iter().map(|contact| contact["externalReferenceId"].clone()));
        assert_eq!(pagination["hasMore"], json!(seen.len() < 100));
        match pagination["nextCursor"].as_str() {
            Some(cursor) => query = format!("?limit=100&cursor={cursor}"),
            None => break,
        }
    }
    let expected: Vec<Value> = (0..100).rev().map(|number| json!(format!("crm-{number}"))).collect();
    assert_eq!(seen, expected);
    // Two at once, as they took 3.2 GiB.
    tokio::join!(api.list_contacts("?limit=100"), api.list_contacts("?limit=100"));
    let grown = process.peak_memory_kib().saturating_sub(before);
    assert!(grown < GROWTH_KIB, "{grown} KiB");
}

/// PUT replaces or creates, also when many do it at once.
#[tokio::test]
async fn upserts_at_once_are_all_answered() {
    Stack::each(async |stack| {
        for round in 0..6 {
            let path = format!("{}?upsert=true", stack.contact_path(&format!("crm-{round}")));
            let put = || stack.send(stack.by_key("PUT", &path).json(&json!({"email": "a@example.com"})));
            let answers = <[Answer; 4]>::from(tokio::join!(put(), put(), put(), put()));
            let mut versions: Vec<i64> =
                answers.iter().map(|a| a.ok()["version"].as_i64().unwrap()).collect();
            versions.sort_unstable();
            assert_eq!(versions, [1, 2, 3, 4]);
            assert!(answers.iter().all(|answer| answer.body["data"]["id"] == answers[0].body["data"]["id"]));
        }
    })
    .await;
}
