//! A flood of keys that do not exist, over HTTP/2 and from many client addresses, beside a good key.

use std::net::Ipv4Addr;

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::Empty;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::harness::{Processes, postgres};

/// The flood: requests of one connection at once, and connections.
const STREAMS: u32 = 120;
const CONNECTIONS: u32 = 16;
/// Requests of the good key.
const GOOD: usize = 100;

/// Asks with an unknown key. Gives the status.
async fn unknown(mut connection: SendRequest<Empty<Bytes>>, uri: String, number: u32) -> u16 {
    let (api_key, secret) = auth_svc::testing::credentials(number);
    let request = Request::get(uri)
        .version(Version::HTTP_2)
        .header("x-api-key", api_key)
        .header("x-api-secret", secret)
        // Each from an address of its own, so that no bound of one address helps.
        .header("x-forwarded-for", Ipv4Addr::from(0x0a00_0000 + number).to_string());
    connection.ready().await.unwrap();
    connection.send_request(request.body(Empty::new()).unwrap()).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_flood_of_unknown_keys_fails_no_request_of_a_good_one() {
    let database = postgres::new_database().await;
    let processes = Processes::apart(&[
        ("KEYWARD_DATABASE__URL", &database),
        ("KEYWARD_EDGE__TRUSTED_PROXIES", "127.0.0.1"),
        // One client's address is that of the proxy itself.
        ("KEYWARD_EDGE__ADDRESS_REQUESTS_PER_SECOND", "0"),
    ])
    .await;
    let limits = json!({"perMinute": 1_000, "perHour": 10_000});
    let key = json!({"name": "Good", "permissions": ["contacts:read"], "rateLimits": limits});
    let good = processes.with_key(&processes.new_key_with(key).await);
    assert_eq!(good.list_contacts("?limit=1").await.status, 200, "memory knows it now");

    // The database has never been so slow: no look for a key ends.
    let mut locked = PgConnection::connect(&database).await.unwrap();
    let lock = sqlx::raw_sql("BEGIN; LOCK TABLE auth.api_keys IN ACCESS EXCLUSIVE MODE");
    lock.execute(&mut locked).await.unwrap();

    let mut flood = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let stream = TcpStream::connect(good.base.trim_start_matches("http://")).await.unwrap();
        let (sender, running) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(running);
        for stream in 0..STREAMS {
            let uri = format!("{}{}?limit=1", good.base, good.contacts_path());
            flood.spawn(unknown(sender.clone(), uri, connection * STREAMS + stream));
        }
    }
    let mut statuses = Vec::new();
    for _ in 0..GOOD {
        statuses.push(good.list_contacts("?limit=1").await.status);
    }
    assert_eq!(statuses, [200; GOOD]);

    drop(locked);
    let flood = flood.join_all().await;
    assert!(flood.iter().all(|status| matches!(status, 401 | 503)), "{flood:?}");
    assert!(flood.contains(&503), "some came over the bounds");
}
