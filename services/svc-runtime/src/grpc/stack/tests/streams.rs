//! What the stack promises of a stream of answers, until its last message.

use futures::{Stream, StreamExt, stream};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use keyward_proto::google::rpc;
use tonic::body::Body;
use tower::service_fn;

use super::super::slots::MAX_HEALTH_WATCHES;
use super::*;
use crate::grpc::Upstream;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

/// A stream with an end of its own.
const EXPORT: &str = "/keyward.test.v1.Things/Export";
/// One that its caller, another part of Keyward, may have for as long as it wants.
const ASK: &str = "/keyward.auth.v1.AuthorizationService/AuthorizeStream";
const MESSAGE: Bytes = Bytes::from_static(b"\0\0\0\0\x01x");

type Frames = Box<dyn Stream<Item = Result<Frame<Bytes>, Status>> + Send + Unpin>;

/// One message, then whatever follows.
async fn begin(stack: &StackLayer, request: GrpcRequest, rest: Frames) -> Result<Body, Status> {
    let mut rest = Some(rest);
    let handler = service_fn(move |_| {
        let frames = stream::iter([Ok(Frame::data(MESSAGE))]).chain(rest.take().unwrap());
        let answer = http::Response::new(Body::new(StreamBody::new(frames)));
        async { Ok::<_, Infallible>(answer) }
    });
    let answer = Shared::run(stack.shared.clone(), handler, request).await.unwrap();
    match Status::from_header_map(answer.headers()) {
        Some(refused) => Err(refused),
        None => {
            let mut body = answer.into_body();
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), MESSAGE);
            Ok(body)
        }
    }
}

fn request(path: &str, timeout: Option<&str>) -> GrpcRequest {
    let request = http::Request::post(path).header("authorization", "Bearer between us");
    let request = timeout.iter().fold(request, |request, time| request.header("grpc-timeout", *time));
    request.body(Body::empty()).unwrap()
}

fn never() -> Frames {
    Box::new(stream::pending())
}

async fn status(body: &mut Body) -> Status {
    let trailers = body.frame().await.unwrap().unwrap().into_trailers().unwrap();
    assert!(body.frame().await.is_none() && body.is_end_stream(), "nothing follows trailers");
    Status::from_header_map(&trailers).unwrap()
}

fn counted(metrics: &Metrics, path: &str, code: i32) -> bool {
    let method = path.trim_start_matches('/');
    let line = format!("rpc_method=\"{method}\",rpc_grpc_status_code=\"{code}\"}} 1\n");
    metrics.encode().unwrap().contains(&line)
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_a_stream_in_its_trailers() {
    let (stack, _) = stack_of(&[]);
    for (timeout, seconds) in [(Some("5S"), 5), (None, 600), (Some("1H"), 600)] {
        let begun = Instant::now();
        let mut body = begin(&stack, request(EXPORT, timeout), never()).await.unwrap();
        assert_eq!(stack.shared.slots.taken(Kind::Stream), 1);
        let status = status(&mut body).await;
        assert_eq!(status::reason(&status), Reason::DeadlineExceeded, "{status:?}");
        assert_eq!(begun.elapsed().as_millis().next_multiple_of(1_000), seconds * 1_000);
        assert_eq!(stack.shared.slots.taken(Kind::Stream), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_nothing_keeps_no_slot_beyond_the_deadline() {
    let (stack, _) = stack_of(&[]);
    let mut body = begin(&stack, request(EXPORT, Some("5S")), never()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(stack.shared.slots.taken(Kind::Stream), 0);
    assert_eq!(status(&mut body).await.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_panic_in_a_stream_is_internal_in_its_trailers() {
    let (stack, _) = stack_of(&[]);
    let panics = stream::once(Box::pin(async { panic!("secret text") }));
    let mut body = begin(&stack, request(EXPORT, None), Box::new(panics)).await.unwrap();
    let status = status(&mut body).await;
    assert_eq!(status::reason(&status), Reason::Internal);
    assert!(!format!("{status:?}").contains("secret"), "{status:?}");
    assert_eq!(stack.shared.slots.taken(Kind::Stream), 0);
}

#[tokio::test]
async fn a_stream_holds_its_slot_until_its_reader_is_gone() {
    let (stack, metrics) = stack_of(&["keyward.auth.v1.AuthorizationService"]);
    for (path, kind) in [(EXPORT, Kind::Stream), (ASK, Kind::LongLived)] {
        let body = begin(&stack, request(path, None), never()).await.unwrap();
        assert_eq!(stack.shared.slots.taken(kind), 1, "{path}");
        assert!(!counted(&metrics, path, 1), "it has not ended");
        drop(body);
        assert_eq!(stack.shared.slots.taken(kind), 0, "{path}");
    }
    assert!(counted(&metrics, ASK, 1), "{}", metrics.encode().unwrap());
}

#[tokio::test]
async fn a_stream_ends_with_what_its_handler_says() {
    let (stack, metrics) = stack_of(&["keyward.auth.v1.AuthorizationService"]);
    let mut trailers = HeaderMap::new();
    trailers.insert(GRPC_STATUS, (rpc::Code::NotFound as i32).into());
    let rest = Box::new(stream::iter([Ok(Frame::trailers(trailers))]));
    let mut body = begin(&stack, request(ASK, None), rest).await.unwrap();
    assert_eq!(status(&mut body).await.code(), Code::NotFound);
    assert_eq!(stack.shared.slots.taken(Kind::LongLived), 0);
    assert!(counted(&metrics, ASK, 5), "{}", metrics.encode().unwrap());
}

#[tokio::test(start_paused = true)]
async fn only_long_lived_streams_have_no_deadline_but_their_callers() {
    let (stack, _) = stack_of(&["keyward.auth.v1.AuthorizationService"]);
    for path in [ASK, HEALTH_WATCH] {
        let mut body = begin(&stack, request(path, None), never()).await.unwrap();
        let day = Duration::from_secs(24 * 3_600);
        assert!(tokio::time::timeout(day, body.frame()).await.is_err(), "{path}");
        let mut body = begin(&stack, request(path, Some("1H")), never()).await.unwrap();
        assert_eq!(status(&mut body).await.code(), Code::DeadlineExceeded, "{path}");
    }
}

#[tokio::test]
async fn watches_of_the_health_take_the_slots_of_nobody_else() {
    let (stack, _) = stack_of(&["keyward.auth.v1.AuthorizationService"]);
    let mut watches = Vec::new();
    for _ in 0..MAX_HEALTH_WATCHES {
        watches.push(begin(&stack, request(HEALTH_WATCH, None), never()).await.unwrap());
    }
    let refused = begin(&stack, request(HEALTH_WATCH, None), never()).await.unwrap_err();
    assert_eq!(status::reason(&refused), Reason::Overloaded);
    for path in [EXPORT, ASK] {
        begin(&stack, request(path, None), never()).await.unwrap();
    }
}

/// Over HTTP/2, where the reader says that it leaves.
#[tokio::test]
async fn a_reader_that_leaves_ends_the_work_of_the_handler() {
    let (stack, metrics) = stack_of(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = crate::grpc::test_service::address(&listener);
    let service = Arc::new(Service::default());
    let routes = Routes::new(HealthServer::from_arc(service.clone()));
    let stop = CancellationToken::new();
    let connections = metrics.connections("test");
    let listener = Listener::Tcp(listener);
    tokio::spawn(serve(listener, stack.clone(), routes, connections, stop.clone()));
    let _stop = stop.drop_guard();

    let upstream = Upstream::connect("test", &[address], &metrics).unwrap();
    let watch = HealthCheckRequest::default();
    let mut answers = HealthClient::new(upstream).watch(watch).await.unwrap().into_inner();
    answers.message().await.unwrap().unwrap();
    assert_eq!(stack.shared.slots.taken(Kind::HealthWatch), 1);
    drop(answers);
    service.left.notified().await;
    while stack.shared.slots.taken(Kind::HealthWatch) > 0 {
        tokio::task::yield_now().await;
    }
}
