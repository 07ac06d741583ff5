//! Where the bytes of files are: on a disk and in S3, over crashes, faults and what is large.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::files::{fetch, files_path, form};
use crate::harness::{Answer, Api, Processes, Proxy, S3, Way, postgres};

/// How large the large file is without `KEYWARD_TEST_STREAM_MIB`, in MiB.
const MIB: usize = 128;
/// How much more memory a process may take for it, in KiB: two parts of S3, with what sockets hold.
const MOST_KIB: u64 = 48 * 1024;
const PIECE: usize = 256 * 1024;

async fn processes(settings: &[(&'static str, String)]) -> Processes {
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Processes::together(&settings).await
}

async fn upload(api: &Api, content: &[u8]) -> Answer {
    api.send(form(api.by_key("POST", &files_path(api, "crm-1")), "b", &[], "a.bin", content)).await
}

async fn listed(api: &Api) -> Vec<Value> {
    let answer = api.send(api.by_key("GET", &format!("{}?limit=100", files_path(api, "crm-1")))).await;
    answer.ok().as_array().unwrap().clone()
}

fn content_path(api: &Api, file: &Value) -> String {
    let id = file["id"].as_str().unwrap();
    format!("/v1/open/contacts/crm-1/files/{id}/chatbots/{}/content", api.agent)
}

async fn download(api: &Api, file: &Value) -> (u16, Vec<u8>) {
    let (status, _, bytes) = fetch(api.by_key("GET", &content_path(api, file))).await;
    (status, bytes)
}

/// Of a number, never the same.
fn content(number: usize, length: usize) -> Vec<u8> {
    (0..length).map(|at| ((at ^ number).wrapping_mul(31) % 251) as u8).collect()
}

#[tokio::test]
async fn kill_9_loses_no_file_that_was_acknowledged_and_leaves_no_half_one() {
    let s3 = S3::start().await;
    let postgres = vec![("KEYWARD_DATABASE__URL", postgres::new_database().await)];
    for settings in [vec![], s3.settings(&s3.address), postgres] {
        let mut keyward = processes(&settings).await;
        keyward.new_contact("crm-1").await;
        let key = keyward.new_key_with(json!({
            "name": "Uploads",
            "permissions": ["contacts:create", "contacts:read", "contacts:delete"],
            "rateLimits": {"perMinute": 1_000, "perHour": 10_000},
        }));
        let key = key.await;
        let mut acknowledged: Vec<(Value, usize)> = Vec::new();
        for round in 0..4 {
            let api = keyward.with_key(&key).on_its_own_connection();
            let (told, mut tells) = tokio::sync::mpsc::unbounded_channel();
            // It dies at another moment each time: before, within and after an upload.
            let uploading = tokio::spawn(async move {
                let mut made = Vec::new();
                for number in 0..100 {
                    let number = round * 100 + number;
                    let content = content(number, 700_000 * (1 + number % 10));
                    let request =
                        form(api.by_key("POST", &files_path(&api, "crm-1")), "b", &[], "a.bin", &content);
                    let Ok(response) = request.send().await else { break };
                    let Ok(answer) = response.json::<Value>().await else { break };
                    assert_eq!(answer["success"], true, "{answer}");
                    made.push((answer["data"].clone(), number));
                    told.send(()).unwrap();
                }
                made
            });
            // The last time not before one is acknowledged, however busy the machine is.
            if round == 3 {
                tells.recv().await;
            }
            tokio::time::sleep(Duration::from_millis(300 + 170 * round as u64)).await;
            keyward.all[0].kill().await;
            acknowledged.extend(uploading.await.unwrap());
            keyward.start_together().await;
            let api = keyward.with_key(&key);
            let files = listed(&api).await;
            for (file, number) in &acknowledged {
                assert!(files.contains(file), "{file} is gone");
                let expected = content(*number, 700_000 * (1 + number % 10));
                assert!(download(&api, file).await == (200, expected), "{file}");
            }
            // What nobody was told of is whole.
            let is_acknowledged = |file: &&Value| acknowledged.iter().any(|(kept, _)| kept == *file);
            for file in files.iter().filter(|file| !is_acknowledged(file)) {
                let (status, bytes) = download(&api, file).await;
                assert_eq!((status, bytes.len()), (200, file["sizeBytes"].as_u64().unwrap() as usize));
            }
            for file in files.iter().skip(20) {
                let path = content_path(&api, file);
                let path = path.strip_suffix("/content").unwrap();
                api.send(api.by_key("DELETE", path)).await.ok();
                acknowledged.retain(|(kept, _)| kept != file);
            }
        }
        assert!(!acknowledged.is_empty());
        keyward.terminate().await;
    }
}

#[tokio::test]
async fn faults_of_s3_are_told_in_time_and_leave_nothing() {
    let s3 = S3::start().await;
    let way = Proxy::to(&s3.address).await;
    let mut settings = s3.settings(&way.address.to_string());
    settings.push(("KEYWARD_CONTACTS__FILES__TIMEOUT_SECONDS", "2".to_owned()));
    let mut keyward = processes(&settings).await;
    keyward.new_contact("crm-1").await;
    let kept = content(1, 12_000_000);
    let file = upload(&keyward, &kept).await.success(201, "File uploaded.").clone();
    for fault in [Way::Cut, Way::Stalled] {
        way.set(fault);
        let began = Instant::now();
        for length in [100, 12_000_000] {
            upload(&keyward, &content(2, length)).await.refusal(503, "unavailable");
        }
        // Not on the connection of an upload whose rest nobody read: that one is closed.
        let api = keyward.on_its_own_connection();
        api.send(api.by_key("GET", &content_path(&api, &file))).await.refusal(503, "unavailable");
        assert!(began.elapsed() < Duration::from_secs(20), "{fault:?}: {:?}", began.elapsed());
        // What is in the database goes on.
        assert_eq!(listed(&keyward).await, std::slice::from_ref(&file));
    }
    way.set(Way::Open);
    assert!(download(&keyward, &file).await == (200, kept));
    upload(&keyward, &content(3, 12_000_000)).await.success(201, "File uploaded.");
    assert_eq!(listed(&keyward).await.len(), 2);
    assert!(!keyward.logs().contains(s3.secret()), "a secret is in the log");
    keyward.terminate().await;
}

#[tokio::test]
async fn a_large_file_goes_through_bounded_memory() {
    let mib = std::env::var("KEYWARD_TEST_STREAM_MIB").map_or(MIB, |mib| mib.parse().unwrap());
    let s3 = S3::start().await;
    for settings in [vec![], s3.settings(&s3.address)] {
        let limits = ["KEYWARD_CONTACTS__FILES__MAX_BYTES", "KEYWARD_EDGE__MAX_UPLOAD_BYTES"];
        let limits = limits.map(|name| (name, (mib << 20).to_string()));
        let keyward = processes(&[settings, limits.to_vec()].concat()).await;
        keyward.new_contact("crm-1").await;
        upload(&keyward, b"hello").await.success(201, "File uploaded.");
        let before = keyward.all[0].peak_memory_kib();

        let mut connection = connect(&keyward).await;
        let length = mib << 20;
        let head =
            head(&keyward, "POST", &files_path(&keyward, "crm-1"), &format!("Content-Length: {length}\r\n"));
        connection.write_all(head.as_bytes()).await.unwrap();
        let piece = content(7, PIECE);
        for _ in 0..length / PIECE {
            connection.write_all(&piece).await.unwrap();
        }
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        let file = &body["data"];
        assert_eq!(file["sizeBytes"], length);

        let mut connection = connect(&keyward).await;
        let head = self::head(&keyward, "GET", &content_path(&keyward, file), "");
        connection.write_all(head.as_bytes()).await.unwrap();
        let (mut read, mut buffer) = (0, vec![0; PIECE]);
        loop {
            match connection.read(&mut buffer).await.unwrap() {
                0 => break,
                more => read += more,
            }
        }
        assert!((length..length + 4_096).contains(&read), "{read}");
        // The kernel counts in batches: where nothing was needed, it may even be less.
        let grown = keyward.all[0].peak_memory_kib().saturating_sub(before);
        eprintln!("{grown} KiB for {mib} MiB each way");
        assert!(grown < MOST_KIB, "{grown} KiB for {mib} MiB");
    }
}

async fn connect(api: &Api) -> TcpStream {
    TcpStream::connect(api.base.strip_prefix("http://").unwrap()).await.unwrap()
}

fn head(api: &Api, method: &str, path: &str, more: &str) -> String {
    let key = &api.key;
    format!(
        "{method} {path} HTTP/1.1\r\nHost: keyward\r\nConnection: close\r\nX-API-Key: {}\r\nX-API-Secret: {}\r\n{more}\r\n",
        key.api_key, key.secret
    )
}
