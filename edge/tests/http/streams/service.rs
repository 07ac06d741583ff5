//! The service of `streams.proto`. What a thing is called decides what becomes of it.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use keyward_proto::google::api::HttpBody;
use svc_core::error::{Error, Reason};
use svc_runtime::grpc::{GrpcRequest, GrpcResponse, status};
use tokio::sync::Notify;
use tonic::server::{Grpc, NamedService};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

#[derive(Clone, PartialEq, prost::Message)]
pub struct UploadRequest {
    #[prost(string, tag = "1")]
    pub agent_id: String,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(int32, tag = "3")]
    pub line: i32,
    #[prost(message, optional, tag = "4")]
    pub file: Option<HttpBody>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct AttachRequest {
    #[prost(string, tag = "1")]
    pub agent_id: String,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(bool, tag = "3")]
    pub dry_run: bool,
    #[prost(oneof = "AttachPart", tags = "4, 5")]
    pub part: Option<AttachPart>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub enum AttachPart {
    #[prost(message, tag = "4")]
    Metadata(Metadata),
    #[prost(bytes, tag = "5")]
    Chunk(Vec<u8>),
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Metadata {
    #[prost(string, optional, tag = "1")]
    pub file_name: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub content_type: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub description: Option<String>,
    #[prost(int32, tag = "4")]
    pub line: i32,
    #[prost(string, repeated, tag = "5")]
    pub tags: Vec<String>,
    #[prost(message, optional, tag = "6")]
    pub schema: Option<prost_types::Struct>,
    #[prost(map = "string, string", tag = "7")]
    pub labels: std::collections::HashMap<String, String>,
    #[prost(string, optional, tag = "8")]
    pub url: Option<String>,
    #[prost(message, optional, tag = "9")]
    pub place: Option<Place>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Place {
    #[prost(int32, tag = "1")]
    pub page: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct StoreRequest {
    #[prost(string, tag = "1")]
    pub agent_id: String,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(string, tag = "3")]
    pub file_name: String,
    #[prost(string, tag = "4")]
    pub content_type: String,
    #[prost(int32, tag = "5")]
    pub line: i32,
    #[prost(bytes = "vec", tag = "6")]
    pub chunk: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct UploadResponse {
    #[prost(int32, tag = "1")]
    pub bytes: i32,
}

/// That of every RPC which streams its answer.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ReadRequest {
    #[prost(string, tag = "1")]
    pub agent_id: String,
    #[prost(string, tag = "2")]
    pub name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct WatchResponse {
    #[prost(int32, tag = "1")]
    pub number: i32,
    #[prost(string, tag = "2")]
    pub text: String,
}

/// The service.
#[derive(Default)]
pub struct Streams {
    /// The messages of uploads so far.
    pub uploaded: Mutex<Vec<UploadRequest>>,
    /// Those of uploads with metadata.
    pub attached: Mutex<Vec<AttachRequest>>,
    /// Those of uploads into a field of bytes.
    pub stored: Mutex<Vec<StoreRequest>>,
    /// How many uploads came to their end.
    pub whole: AtomicUsize,
    /// How many messages were made of answers without an end.
    pub made: AtomicUsize,
    /// Calls so far.
    pub calls: AtomicUsize,
    /// Notified when a call has come that waits.
    pub entered: Notify,
    /// What waits goes on once this is notified.
    pub release: Notify,
    /// Notified when a call that waits, an upload or an answer without an end was dropped.
    pub dropped: Notify,
}

/// Tells when it is dropped.
struct Dropped(Arc<Streams>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.dropped.notify_one();
    }
}

type Answers<M> = BoxStream<'static, Result<M, Status>>;

impl Streams {
    async fn upload(
        self: Arc<Self>,
        request: Request<Streaming<UploadRequest>>,
    ) -> Result<Response<UploadResponse>, Status> {
        let mut messages = request.into_inner();
        let dropped = Dropped(self.clone());
        let mut bytes = 0;
        let mut is_kept = true;
        while let Some(message) = messages.message().await? {
            bytes += message.file.as_ref().map_or(0, |file| file.data.len());
            let name = message.name.clone();
            is_kept &= name != "counted";
            if !is_kept {
                continue;
            }
            self.uploaded.lock().unwrap().push(message);
            match name.as_str() {
                "refused" => return Err(status::of(Error::new(Reason::AlreadyExists, "There is one."))),
                "panics" => panic!("the handler fell over"),
                "waits" => {
                    self.entered.notify_one();
                    self.release.notified().await;
                }
                _ => self.entered.notify_one(),
            }
        }
        self.whole.fetch_add(1, Ordering::SeqCst);
        std::mem::forget(dropped);
        Ok(Response::new(UploadResponse { bytes: i32::try_from(bytes).unwrap() }))
    }

    async fn attach(
        self: Arc<Self>,
        request: Request<Streaming<AttachRequest>>,
    ) -> Result<Response<UploadResponse>, Status> {
        let mut messages = request.into_inner();
        let dropped = Dropped(self.clone());
        let mut bytes = 0;
        while let Some(message) = messages.message().await? {
            if let Some(AttachPart::Chunk(chunk)) = &message.part {
                bytes += chunk.len();
            }
            self.attached.lock().unwrap().push(message);
            self.entered.notify_one();
        }
        self.whole.fetch_add(1, Ordering::SeqCst);
        std::mem::forget(dropped);
        Ok(Response::new(UploadResponse { bytes: i32::try_from(bytes).unwrap() }))
    }

    async fn store(
        self: Arc<Self>,
        request: Request<Streaming<StoreRequest>>,
    ) -> Result<Response<UploadResponse>, Status> {
        let mut messages = request.into_inner();
        let mut bytes = 0;
        while let Some(message) = messages.message().await? {
            bytes += message.chunk.len();
            self.stored.lock().unwrap().push(message);
        }
        Ok(Response::new(UploadResponse { bytes: i32::try_from(bytes).unwrap() }))
    }

    async fn upload_whole(
        self: Arc<Self>,
        request: Request<UploadRequest>,
    ) -> Result<Response<UploadResponse>, Status> {
        let message = request.into_inner();
        let bytes = message.file.as_ref().map_or(0, |file| file.data.len());
        self.uploaded.lock().unwrap().push(message);
        Ok(Response::new(UploadResponse { bytes: i32::try_from(bytes).unwrap() }))
    }

    async fn download_whole(
        self: Arc<Self>,
        _request: Request<ReadRequest>,
    ) -> Result<Response<HttpBody>, Status> {
        Ok(Response::new(piece("text/csv", b"a,b\n".to_vec())))
    }

    /// Answers each message with its number and name. What is called so waits, or fails.
    async fn talk(
        self: Arc<Self>,
        request: Request<Streaming<UploadRequest>>,
    ) -> Result<Response<Answers<WatchResponse>>, Status> {
        let dropped = Dropped(self.clone());
        let answers = stream::try_unfold(
            (request.into_inner(), 0, dropped),
            |(mut messages, number, dropped)| async move {
                let Some(message) = messages.message().await? else { return Ok(None) };
                dropped.0.entered.notify_one();
                match message.name.as_str() {
                    "fails" => return Err(status::of(Error::new(Reason::Conflict, "It does not fit."))),
                    "waits" => dropped.0.release.notified().await,
                    _ => {}
                }
                let answer = WatchResponse { number: number + 1, text: message.name };
                Ok(Some((answer, (messages, number + 1, dropped))))
            },
        );
        let mut response = Response::new(answers.boxed());
        response.metadata_mut().insert("x-note", "before".parse().unwrap());
        response.metadata_mut().insert("x-keyward-note", "ours".parse().unwrap());
        Ok(response)
    }

    /// An answer that is called so, of messages that `make` makes.
    async fn answer<M: Send + 'static>(
        self: Arc<Self>,
        request: Request<ReadRequest>,
        make: fn(usize) -> M,
    ) -> Result<Response<Answers<M>>, Status> {
        let name = request.into_inner().name;
        let two = stream::iter([Ok(make(1)), Ok(make(2))]);
        let answers = match name.as_str() {
            "nothing" => stream::empty().boxed(),
            "fails-first" => return Err(status::of(Error::not_found("Thing"))),
            "panics-first" => panic!("the handler fell over"),
            "never" => {
                let _dropped = Dropped(self.clone());
                self.entered.notify_one();
                std::future::pending().await
            }
            "fails" => two.chain(stream::iter([Err(Status::internal("password=hunter2"))])).boxed(),
            "panics" => {
                let last = async {
                    // Or it would fall over before what was made is sent.
                    tokio::task::yield_now().await;
                    panic!("the stream fell over")
                };
                two.chain(stream::once(last)).boxed()
            }
            "stalls" => {
                let dropped = Dropped(self.clone());
                let last = async move {
                    let _dropped = dropped;
                    self.entered.notify_one();
                    std::future::pending().await
                };
                two.chain(stream::once(last)).boxed()
            }
            "waits" => {
                let last = async move {
                    self.entered.notify_one();
                    self.release.notified().await;
                    Ok(make(3))
                };
                two.chain(stream::once(last)).boxed()
            }
            "late" => {
                let first = async move {
                    self.entered.notify_one();
                    self.release.notified().await;
                    Ok(make(1))
                };
                stream::once(first).boxed()
            }
            // Large pieces, of 64 KiB where they are bytes.
            many if many.starts_with("pieces-") => {
                let pieces: usize = many["pieces-".len()..].parse().unwrap();
                stream::iter((4..4 + pieces).map(move |number| Ok(make(number)))).boxed()
            }
            "endless" => {
                let dropped = Dropped(self);
                let make = move |number| {
                    if dropped.0.made.fetch_add(1, Ordering::SeqCst) == 0 {
                        dropped.0.entered.notify_one();
                    }
                    Ok(make(number))
                };
                stream::iter(4..).map(make).boxed()
            }
            _ => two.chain(stream::iter([Ok(make(3))])).boxed(),
        };
        Ok(Response::new(answers))
    }
}

fn piece(content_type: &str, data: Vec<u8>) -> HttpBody {
    HttpBody { content_type: content_type.to_owned(), data, ..HttpBody::default() }
}

/// A piece of a download. Those of 3 and more are large.
fn download(number: usize) -> HttpBody {
    match number {
        1 => piece("text/csv", b"one\n".to_vec()),
        2 => piece("", b"two\n".to_vec()),
        3 => piece("", b"three\n".to_vec()),
        _ => piece("", vec![b'x'; 64 * 1024]),
    }
}

fn watch(number: usize) -> WatchResponse {
    WatchResponse { number: i32::try_from(number).unwrap_or(i32::MAX), text: "a \"line\"\n".to_owned() }
}

/// The service as a server takes it.
#[derive(Clone)]
pub struct StreamsServer(pub Arc<Streams>);

impl NamedService for StreamsServer {
    const NAME: &'static str = super::SERVICE;
}

impl Service<GrpcRequest> for StreamsServer {
    type Response = GrpcResponse;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<GrpcResponse, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: GrpcRequest) -> Self::Future {
        let this = self.0.clone();
        this.calls.fetch_add(1, Ordering::SeqCst);
        async move {
            let method = request.uri().path().rsplit('/').next().unwrap().to_owned();
            Ok(match method.as_str() {
                "Upload" => {
                    let handler = service_fn(move |request| this.clone().upload(request));
                    Grpc::new(ProstCodec::default()).client_streaming(handler, request).await
                }
                "Attach" | "Extract" => {
                    let handler = service_fn(move |request| this.clone().attach(request));
                    Grpc::new(ProstCodec::default()).client_streaming(handler, request).await
                }
                "Store" => {
                    let handler = service_fn(move |request| this.clone().store(request));
                    Grpc::new(ProstCodec::default()).client_streaming(handler, request).await
                }
                "UploadWhole" => {
                    let handler = service_fn(move |request| this.clone().upload_whole(request));
                    Grpc::new(ProstCodec::default()).unary(handler, request).await
                }
                "DownloadWhole" => {
                    let handler = service_fn(move |request| this.clone().download_whole(request));
                    Grpc::new(ProstCodec::default()).unary(handler, request).await
                }
                "Download" => {
                    let handler = service_fn(move |request| this.clone().answer(request, download));
                    Grpc::new(ProstCodec::default()).server_streaming(handler, request).await
                }
                "Watch" | "Follow" => {
                    let handler = service_fn(move |request| this.clone().answer(request, watch));
                    Grpc::new(ProstCodec::default()).server_streaming(handler, request).await
                }
                "Talk" => {
                    let handler = service_fn(move |request| this.clone().talk(request));
                    Grpc::new(ProstCodec::default()).streaming(handler, request).await
                }
                _ => Status::unimplemented("").into_http(),
            })
        }
        .boxed()
    }
}
