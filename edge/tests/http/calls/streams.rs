//! Calls of all four kinds, with a client of tonic, in front of the service of `streams`.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::{StreamExt, stream};
use keyward_proto::auth::v1::Refusal;
use keyward_proto::google::api::HttpBody;
use prost::Message;
use svc_core::error::Reason;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Response, Status, Streaming as Messages};
use tonic_prost::ProstCodec;

use super::{channel, framed, refusal, with_key};
use crate::http2::{self, Http2};
use crate::stack::{AGENT, KEY, SECRET};
use crate::streams::service::{ReadRequest, UploadRequest, UploadResponse, WatchResponse};
use crate::streams::{SERVICE, Streaming, in_time, notified, time_passes};

/// The most bytes that may be on their way to a client which reads none: what all windows and buffers hold.
const MOST_AHEAD: usize = 32 * 1024 * 1024;

/// The payload of RST_STREAM with which a client cancels.
const CANCEL: [u8; 4] = 8_u32.to_be_bytes();

/// A client that is ready to call.
async fn client(streaming: &Streaming) -> Grpc<Channel> {
    let mut client = Grpc::new(channel(streaming.stack.address)).max_decoding_message_size(usize::MAX);
    client.ready().await.unwrap();
    client
}

fn path(method: &str) -> PathAndQuery {
    format!("/{SERVICE}/{method}").parse().unwrap()
}

fn read(name: &str) -> ReadRequest {
    ReadRequest { agent_id: String::new(), name: name.to_owned() }
}

fn piece(name: &str, bytes: usize) -> UploadRequest {
    let file = HttpBody { data: vec![b'x'; bytes], ..HttpBody::default() };
    UploadRequest { name: name.to_owned(), file: Some(file), ..UploadRequest::default() }
}

async fn watch(streaming: &Streaming, name: &str) -> Result<Response<Messages<WatchResponse>>, Status> {
    let mut client = client(streaming).await;
    let codec = ProstCodec::<ReadRequest, WatchResponse>::default();
    in_time(client.server_streaming(with_key(read(name)), path("Watch"), codec)).await
}

async fn upload(
    streaming: &Streaming,
    messages: impl futures::Stream<Item = UploadRequest> + Send + 'static,
) -> Result<UploadResponse, Status> {
    let mut client = client(streaming).await;
    let codec = ProstCodec::<UploadRequest, UploadResponse>::default();
    let answer = in_time(client.client_streaming(with_key(messages), path("Upload"), codec)).await;
    answer.map(Response::into_inner)
}

async fn talk(
    streaming: &Streaming,
) -> (mpsc::Sender<UploadRequest>, Result<Response<Messages<WatchResponse>>, Status>) {
    let (sender, messages) = mpsc::channel(1);
    let mut client = client(streaming).await;
    let codec = ProstCodec::<UploadRequest, WatchResponse>::default();
    let call = client.streaming(with_key(ReceiverStream::new(messages)), path("Talk"), codec);
    (sender, in_time(call).await)
}

/// Begins a call by its frames.
async fn begin(streaming: &Streaming, method: &str) -> Http2 {
    let mut http2 = Http2::connect(streaming.stack.address, &[]).await;
    let mut head = http2::block("POST", path(method).as_str());
    for (name, value) in [("content-type", "application/grpc"), ("x-api-key", KEY), ("x-api-secret", SECRET)]
    {
        head.extend(http2::field(name, value));
    }
    http2.send(&http2::frame(http2::HEADERS, http2::END_HEADERS, 1, &head)).await;
    http2
}

/// A message of it.
fn data(message: &UploadRequest) -> Vec<u8> {
    http2::frame(http2::DATA, 0, 1, &framed(&message.encode_to_vec()))
}

#[tokio::test]
async fn one_message_each_way() {
    for streaming in Streaming::both().await {
        let mut client = client(&streaming).await;
        let codec = ProstCodec::<UploadRequest, UploadResponse>::default();
        let answer = in_time(client.unary(with_key(piece("a", 9)), path("UploadWhole"), codec)).await;
        assert_eq!(answer.unwrap().into_inner().bytes, 9);
    }
}

#[tokio::test]
async fn messages_of_a_service_come_as_it_makes_them() {
    for streaming in Streaming::both().await {
        let mut answers = watch(&streaming, "waits").await.unwrap().into_inner();
        for number in [1, 2] {
            assert_eq!(in_time(answers.message()).await.unwrap().unwrap().number, number);
        }
        notified(&streaming.service.entered).await;
        streaming.service.release.notify_one();
        assert_eq!(in_time(answers.message()).await.unwrap().unwrap().number, 3);
        assert!(in_time(answers.message()).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn how_a_stream_ends() {
    for streaming in Streaming::both().await {
        let first = |name: &'static str| watch(&streaming, name);
        assert_eq!(first("nothing").await.unwrap().into_inner().message().await.unwrap(), None);
        assert_eq!(refusal(first("fails-first").await).1, Reason::NotFound);
        // Within its second the service ends it, and its word is in the trailers.
        for (name, reason) in [("fails", Reason::Internal), ("stalls", Reason::DeadlineExceeded)] {
            let mut answers = first(name).await.unwrap().into_inner();
            for _ in [1, 2] {
                in_time(answers.message()).await.unwrap().unwrap();
            }
            let end = in_time(answers.message()).await;
            assert!(!format!("{end:?}").contains("hunter2"));
            assert_eq!(refusal(end).1, reason, "{name}");
        }
    }
    let streaming = Streaming::in_process().await;
    assert_eq!(refusal(watch(&streaming, "panics-first").await).1, Reason::Internal);
    let mut answers = watch(&streaming, "panics").await.unwrap().into_inner();
    let end = loop {
        match in_time(answers.message()).await {
            Ok(message) => assert!(message.is_some()),
            Err(status) => break status,
        }
    };
    assert_eq!(refusal(Err::<(), _>(end)).1, Reason::Internal);
}

#[tokio::test]
async fn messages_of_a_client() {
    for streaming in Streaming::both().await {
        let sent = stream::iter([piece("a", 5), piece("", 100_000), piece("", 0)]);
        assert_eq!(upload(&streaming, sent).await.unwrap().bytes, 100_005);
        assert_eq!(streaming.service.whole.load(Ordering::SeqCst), 1);
        // The service may answer before it has read everything.
        let endless = stream::once(async { piece("refused", 1) }).chain(stream::pending());
        assert_eq!(refusal(upload(&streaming, endless).await).1, Reason::AlreadyExists);
    }
}

#[tokio::test]
async fn messages_both_ways() {
    for streaming in Streaming::both().await {
        let (sender, answers) = talk(&streaming).await;
        let answers = answers.unwrap();
        assert_eq!(answers.metadata().get("x-note").unwrap(), "before");
        assert!(answers.metadata().get("x-keyward-note").is_none(), "it is between the parts of Keyward");
        let mut answers = answers.into_inner();
        // Each answer comes while the client has more to say.
        for number in 1..=3 {
            sender.send(piece("hello", 1)).await.unwrap();
            let answer = in_time(answers.message()).await.unwrap().unwrap();
            assert_eq!((answer.number, answer.text.as_str()), (number, "hello"));
        }
        drop(sender);
        assert!(in_time(answers.message()).await.unwrap().is_none());

        let (sender, answers) = talk(&streaming).await;
        sender.send(piece("fails", 1)).await.unwrap();
        let end = in_time(answers.unwrap().into_inner().message()).await;
        assert_eq!(refusal(end).1, Reason::Conflict);
    }
}

/// What clients of gRPC do: they measure the way with each message that comes.
#[tokio::test]
async fn a_client_that_answers_each_message_with_a_ping_is_no_flood() {
    const MESSAGES: usize = 2_500;
    let streaming = Streaming::in_process().await;
    let mut http2 = begin(&streaming, "Talk").await;
    let message = data(&piece("a", 0));
    for _ in 0..MESSAGES {
        http2.send(&message).await;
        let answer = in_time(http2.next_of(http2::DATA)).await.expect("a message");
        assert!(answer.payload.len() > 5);
        http2.send(&http2::frame(http2::PING, 0, 0, &[0; 8])).await;
    }
    assert_eq!(http2.read.goaway, None);
}

#[tokio::test]
async fn every_message_of_a_stream_is_for_the_agent_of_the_key() {
    let streaming = Streaming::in_process().await;
    let theirs = || UploadRequest { agent_id: "65f0c0ffee65f0c0ffee65ff".to_owned(), ..piece("a", 1) };
    let mine = || UploadRequest { agent_id: AGENT.to_owned(), ..piece("a", 1) };
    for messages in [vec![theirs()], vec![mine(), theirs()]] {
        let refused = refusal(upload(&streaming, stream::iter(messages)).await);
        assert_eq!((refused.0, refused.1), (Code::PermissionDenied, Reason::AgentMismatch));
    }
    assert_eq!(streaming.service.whole.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_stream_is_authorised_again_and_ends_when_it_is_refused() {
    let streaming = Streaming::in_process().await;
    let mut client = client(&streaming).await;
    let codec = ProstCodec::<ReadRequest, HttpBody>::default();
    let call = client.server_streaming(with_key(read("stalls")), path("Download"), codec);
    let mut answers = in_time(call).await.unwrap().into_inner();
    for _ in 0..2 {
        in_time(answers.message()).await.unwrap().unwrap();
    }
    notified(&streaming.service.entered).await;
    let refusal_of_auth =
        Refusal { code: "key_expired".to_owned(), message: "No more.".to_owned(), ..Refusal::default() };
    *streaming.stack.auth.refusal.lock().unwrap() = Some(refusal_of_auth);
    time_passes(Duration::from_secs(26)).await;
    assert_eq!(refusal(in_time(answers.message()).await).1, Reason::KeyExpired);
    assert!(streaming.stack.auth.last().goes_on);
    notified(&streaming.service.dropped).await;
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_call() {
    for streaming in Streaming::both().await {
        let mut answers = watch(&streaming, "endless").await.unwrap().into_inner();
        in_time(answers.message()).await.unwrap().unwrap();
        drop(answers);
        notified(&streaming.service.dropped).await;

        let (sender, answers) = talk(&streaming).await;
        sender.send(piece("waits", 1)).await.unwrap();
        notified(&streaming.service.entered).await;
        drop((sender, answers));
        notified(&streaming.service.dropped).await;
        in_time(async {
            while streaming.metric("http_server_active_requests").as_deref() != Some("0") {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn what_came_of_a_stream_that_is_cut_is_never_all_of_it() {
    for streaming in Streaming::both().await {
        let mut http2 = begin(&streaming, "Upload").await;
        http2.send(&data(&piece("a", 1))).await;
        notified(&streaming.service.entered).await;
        http2.send(&http2::frame(http2::RST_STREAM, 0, 1, &CANCEL)).await;
        notified(&streaming.service.dropped).await;
        assert_eq!(streaming.service.whole.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_its_service() {
    for streaming in Streaming::both().await {
        let mut client = client(&streaming).await;
        let codec = ProstCodec::<ReadRequest, HttpBody>::default();
        let call = client.server_streaming(with_key(read("endless")), path("Download"), codec);
        let mut answers = in_time(call).await.unwrap().into_inner();
        in_time(answers.message()).await.unwrap().unwrap();
        // Until no more is made for a while.
        let mut made = 0;
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            let now = streaming.service.made.load(Ordering::SeqCst);
            if now == made {
                break;
            }
            made = now;
            assert!(made * 64 * 1024 <= MOST_AHEAD, "{made} messages were made");
        }
        in_time(answers.message()).await.unwrap().unwrap();
    }
}
