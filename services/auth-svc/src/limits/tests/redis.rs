//! What is promised when Valkey is away, slow, or not what it must be.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{limits, new_key, redis_store, redis_url};
use crate::limits::redis::ConnectError;
use crate::limits::{LimitError, LimitStore, RedisStore};

/// What the server does when it is asked to run the script.
#[derive(Clone, Copy)]
enum Habit {
    Silent,
    Closes,
    Says(&'static str),
}

/// A server of one habit, which counts.
struct Server {
    url: String,
    connections: Arc<AtomicUsize>,
    scripts: Arc<AtomicUsize>,
}

impl Server {
    async fn start(policy: &'static str, habit: Habit) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let (connections, scripts) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let server = Server { url, connections: connections.clone(), scripts: scripts.clone() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(talk(stream, policy, habit, scripts.clone()));
            }
        });
        server
    }

    fn counted(&self) -> (usize, usize) {
        (self.connections.load(Ordering::SeqCst), self.scripts.load(Ordering::SeqCst))
    }
}

async fn talk(stream: TcpStream, policy: &str, habit: Habit, scripts: Arc<AtomicUsize>) {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    // A command is `*<words>`, then for each word its length and itself on a line.
    while let Ok(Some(head)) = lines.next_line().await {
        let mut words = Vec::new();
        for _ in 0..head.trim_start_matches('*').parse::<usize>().unwrap() {
            lines.next_line().await.unwrap();
            words.push(lines.next_line().await.unwrap().unwrap());
        }
        let info = format!("maxmemory_policy:{policy}\r\n");
        let answer = match (words[0].as_str(), habit) {
            ("INFO", _) => format!("${}\r\n{info}\r\n", info.len()),
            ("EVALSHA", habit) => {
                scripts.fetch_add(1, Ordering::SeqCst);
                match habit {
                    Habit::Silent => continue,
                    Habit::Closes => return,
                    Habit::Says(answer) => answer.to_owned(),
                }
            }
            _ => "+OK\r\n".to_owned(),
        };
        if writer.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_server_that_evicts_is_refused() {
    for policy in ["allkeys-lru", "volatile-ttl", "allkeys-random", ""] {
        let server = Server::start(policy, Habit::Silent).await;
        let error = RedisStore::open(&server.url).await.unwrap_err();
        assert!(matches!(&error, ConnectError::Evicts(found) if found == policy), "{error}");
        assert!(error.to_string().contains("noeviction"), "{error}");
    }
}

#[tokio::test]
async fn an_unanswered_script_is_an_error_in_time_and_not_sent_again() {
    let server = Server::start("noeviction", Habit::Silent).await;
    let store = RedisStore::open(&server.url).await.unwrap();
    let began = Instant::now();
    assert!(matches!(store.take("key", limits(1, 1)).await, Err(LimitError::TooSlow)));
    assert!((Duration::from_millis(250)..Duration::from_secs(30)).contains(&began.elapsed()));
    assert_eq!(server.scripts.load(Ordering::SeqCst), 1);
    // The next one is on another connection.
    assert!(store.take("key", limits(1, 1)).await.is_err());
    assert_eq!(server.counted(), (2, 2));
}

#[tokio::test]
async fn a_lost_connection_is_made_again_but_the_script_not_sent_again() {
    let server = Server::start("noeviction", Habit::Closes).await;
    let store = RedisStore::open(&server.url).await.unwrap().patient();
    for n in 1..=3 {
        assert!(matches!(store.take("key", limits(1, 1)).await, Err(LimitError::Redis(_))));
        assert_eq!(server.counted(), (n, n));
    }
}

#[tokio::test]
async fn a_server_that_is_no_longer_the_primary_is_left() {
    for (answer, left) in [
        ("-READONLY You can't write against a read only replica.\r\n", true),
        ("-MASTERDOWN Link with MASTER is down.\r\n", true),
        ("-OOM command not allowed when used memory > 'maxmemory'.\r\n", false),
        ("-MALFORMED it is not a limit of Keyward\r\n", false),
    ] {
        let server = Server::start("noeviction", Habit::Says(answer)).await;
        let store = RedisStore::open(&server.url).await.unwrap().patient();
        for _ in 0..2 {
            assert!(matches!(store.take("key", limits(1, 1)).await, Err(LimitError::Redis(_))), "{answer}");
        }
        assert_eq!(server.counted(), (if left { 2 } else { 1 }, 2), "{answer}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_windows_is_an_error() {
    let server = Server::start("noeviction", Habit::Says("*2\r\n:1\r\n$3\r\nabc\r\n")).await;
    let store = RedisStore::open(&server.url).await.unwrap().patient();
    assert!(matches!(store.take("key", limits(1, 1)).await, Err(LimitError::Malformed)));
}

#[tokio::test]
async fn a_server_that_is_away_does_not_keep_the_service_from_starting() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let store = RedisStore::open(&format!("redis://{address}")).await.unwrap().patient();
    for _ in 0..3 {
        // Known at once, not when the time is over.
        assert!(matches!(store.take("key", limits(1, 1)).await, Err(LimitError::Redis(_))));
    }
}

#[tokio::test]
async fn the_server_may_forget_the_script() {
    let store = redis_store().await;
    let key = new_key();
    let client = redis::Client::open(redis_url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    for remaining in [2, 1, 0] {
        redis::cmd("SCRIPT").arg("FLUSH").exec_async(&mut connection).await.unwrap();
        assert_eq!(store.take(&key, limits(3, 9)).await.unwrap().minute.remaining, remaining);
    }
}

#[tokio::test]
async fn a_key_lives_a_little_longer_than_its_slots() {
    let store = redis_store().await;
    let key = format!("keyward:limits:1:{}", new_key());
    let (_, id) = key.rsplit_once(':').unwrap();
    store.take(id, limits(3, 9)).await.unwrap();
    let client = redis::Client::open(redis_url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let left: u64 = redis::cmd("PTTL").arg(&key).query_async(&mut connection).await.unwrap();
    assert!((3_660_000..=3_720_000).contains(&left), "{left}");
    let size: usize = redis::cmd("STRLEN").arg(&key).query_async(&mut connection).await.unwrap();
    assert_eq!(size, crate::limits::window::BYTES);
}

#[tokio::test]
async fn a_value_that_is_not_ours_is_an_error() {
    let store = redis_store().await;
    let id = new_key();
    let client = redis::Client::open(redis_url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let key = format!("keyward:limits:1:{id}");
    redis::cmd("SET").arg(&key).arg("abc").exec_async(&mut connection).await.unwrap();
    assert!(matches!(store.take(&id, limits(1, 1)).await, Err(LimitError::Redis(_))));
    assert!(matches!(store.peek(&id, limits(1, 1)).await, Err(LimitError::Malformed)));
    store.forget(&id).await.unwrap();
    assert!(store.take(&id, limits(1, 1)).await.unwrap().allowed());
}
