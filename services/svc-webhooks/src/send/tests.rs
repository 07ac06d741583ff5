//! Over real HTTP, with receivers that misbehave and names that lead elsewhere.

use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use svc_core::clock::Timestamp;
use svc_core::random::SystemRandom;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::*;
use crate::signature::{SigningSecret, sign};
use crate::testing::{Answer, Receiver};

/// Lets everything through that is on this machine.
fn local() -> WebhooksConfig {
    WebhooksConfig {
        allowed_ranges: vec!["127.0.0.0/8".parse().unwrap()],
        allowed_ports: Vec::new(),
        allow_http: true,
        ..WebhooksConfig::default()
    }
}

fn message(url: &str) -> Message {
    let body = r#"{"type":"webhook.test"}"#.to_owned();
    let signed = sign(&[SigningSecret::new(&SystemRandom)], "id", Timestamp(0), &body);
    Message { url: url.to_owned(), id: "id".to_owned(), signed, body }
}

#[tokio::test]
async fn a_message_is_a_post_with_its_headers() {
    let receiver = Receiver::start().await;
    let http = Http::new(&local()).unwrap();
    let sent = message(&receiver.url());
    assert_eq!(http.send(sent.clone()).await, Outcome::Answered(204));
    let [received] = receiver.received().try_into().unwrap();
    assert_eq!((received.path.as_str(), received.body.as_str()), ("/keyward", sent.body.as_str()));
    let header = |name: &str| received.headers[name].as_str();
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("webhook-id"), "id");
    assert_eq!(header("webhook-timestamp"), sent.signed.timestamp);
    assert_eq!(header("webhook-signature"), sent.signed.signature);
    assert_eq!(header("user-agent"), "Keyward-Webhooks/1.0");
}

#[tokio::test]
async fn whatever_a_receiver_does_has_an_outcome() {
    let receiver = Receiver::start().await;
    let elsewhere = Receiver::start().await;
    let http = Http::new(&local()).unwrap();
    for (answer, outcome) in [
        (Answer::Status(200), Outcome::Answered(200)),
        (Answer::Status(500), Outcome::Answered(500)),
        (Answer::Status(410), Outcome::Answered(410)),
        (Answer::Redirect(elsewhere.url()), Outcome::Answered(302)),
        (Answer::Endless, Outcome::Answered(200)),
        (Answer::Cut, Outcome::Failed(Failure::NoAnswer)),
        (Answer::Nonsense, Outcome::Failed(Failure::NoAnswer)),
    ] {
        receiver.answer([answer.clone()]);
        assert_eq!(http.send(message(&receiver.url())).await, outcome, "{answer:?}");
    }
    assert!(elsewhere.received().is_empty(), "redirects are not followed");
    // A port that nobody listens on.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let refused = http.send(message(&format!("http://{address}/"))).await;
    assert_eq!(refused, Outcome::Failed(Failure::Unreachable));
    // Plain HTTP where TLS is asked for.
    let no_tls = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", no_tls.local_addr().unwrap());
    let answering = tokio::spawn(async move {
        let (mut stream, _) = no_tls.accept().await.unwrap();
        stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await.unwrap();
        stream
    });
    assert_eq!(http.send(message(&url)).await, Outcome::Failed(Failure::Tls));
    answering.await.unwrap();
}

#[tokio::test]
async fn one_that_says_nothing_is_left_after_15_seconds() {
    let receiver = Receiver::start().await;
    receiver.otherwise(Answer::Silent);
    let http = Http::new(&local()).unwrap();
    // The message has arrived before time is made to run.
    let sent = message(&receiver.url());
    let sending = tokio::spawn(async move { http.send(sent).await });
    receiver.wait_for(1).await;
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    assert_eq!(sending.await.unwrap(), Outcome::Failed(Failure::TimedOut));
    assert!(begun.elapsed() <= ANSWER + Duration::from_secs(1), "{:?}", begun.elapsed());
}

/// Resolves a name to what it is told, another answer each time, and counts how often.
#[derive(Clone)]
struct Rebinding {
    answers: Arc<Mutex<Vec<Vec<IpAddr>>>>,
    asked: Arc<AtomicUsize>,
}

impl Rebinding {
    fn new(answers: &[&[&str]]) -> Rebinding {
        let parsed =
            answers.iter().rev().map(|answer| answer.iter().map(|text| text.parse().unwrap()).collect());
        Rebinding { answers: Arc::new(Mutex::new(parsed.collect())), asked: Arc::default() }
    }
}

impl LookUp for Rebinding {
    async fn look_up(&self, _: String) -> io::Result<Vec<SocketAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let next = self.answers.lock().unwrap().pop().unwrap_or_default();
        Ok(next.into_iter().map(|address| SocketAddr::new(address, 0)).collect())
    }
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_not_connected_to() {
    let receiver = Receiver::start().await;
    let url = format!("http://rebinding.example:{}/", receiver.address().port());
    // By default nothing on this machine may be sent to.
    let strict = WebhooksConfig { allowed_ranges: Vec::new(), ..local() };
    for answer in [
        &["127.0.0.1"][..],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["0.0.0.0"],
        &["10.0.0.1", "169.254.169.254", "127.0.0.1"],
        &[],
    ] {
        let http = Http::with(&strict, Rebinding::new(&[answer])).unwrap();
        let outcome = http.send(message(&url)).await;
        assert_eq!(outcome, Outcome::Failed(Failure::Unreachable), "{answer:?}");
    }
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn what_is_looked_at_is_what_is_connected_to() {
    let receiver = Receiver::start().await;
    let url = format!("http://rebinding.example:{}/", receiver.address().port());
    // 127.0.0.1 alone may be sent to: of several addresses the others are left out, …
    let one = WebhooksConfig { allowed_ranges: vec!["127.0.0.1/32".parse().unwrap()], ..local() };
    let name = Rebinding::new(&[&["127.0.0.2", "10.0.0.1", "127.0.0.1"], &["127.0.0.2"]]);
    let http = Http::with(&one, name.clone()).unwrap();
    // … the name is asked for once, not once to look and once to connect, …
    assert_eq!(http.send(message(&url)).await, Outcome::Answered(204));
    assert_eq!(name.asked.load(Ordering::SeqCst), 1);
    // … and a connection that is there was looked at when it was made.
    receiver.answer([Answer::Cut]);
    assert_eq!(http.send(message(&url)).await, Outcome::Failed(Failure::NoAnswer));
    // A new one is asked for anew, and now leads elsewhere.
    assert_eq!(http.send(message(&url)).await, Outcome::Failed(Failure::Unreachable));
    assert_eq!(name.asked.load(Ordering::SeqCst), 2);
    assert_eq!(receiver.received().len(), 2);
}

#[tokio::test]
async fn an_address_is_looked_at_when_it_is_sent_to() {
    let receiver = Receiver::start().await;
    // As if the settings had allowed it when the webhook was made.
    let strict = WebhooksConfig { allowed_ranges: Vec::new(), ..local() };
    let http = Http::new(&strict).unwrap();
    assert_eq!(http.send(message(&receiver.url())).await, Outcome::Failed(Failure::Unreachable));
    let no_http = WebhooksConfig { allow_http: false, ..local() };
    let http = Http::new(&no_http).unwrap();
    assert_eq!(http.send(message(&receiver.url())).await, Outcome::Failed(Failure::Unreachable));
    assert!(receiver.received().is_empty());
}

#[test]
fn certificates_that_cannot_be_read_are_told_of() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ca.pem");
    let config = WebhooksConfig { ca_file: Some(path.clone()), ..local() };
    let error = Http::new(&config).unwrap_err().to_string();
    assert!(error.starts_with("setting `contacts.webhooks.ca_file`:"), "{error}");
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&path, key.cert.pem()).unwrap();
    assert!(Http::new(&config).is_ok());
}
