//! A call over gRPC or gRPC-Web, whose messages are handed on as they are. Its steps are those of a request over REST,
//! in the same order (API.md, 3).

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::stream::unfold;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode, Version};
use http_body::Frame;
use svc_core::error::{Error, Reason};
use svc_core::policy::Access;
use svc_runtime::connection::RequestBody;
use svc_runtime::grpc::{MAX_MESSAGE, deadline};
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use super::exchange::Exchange;
use super::idempotency::IdempotencyKey;
use super::presented::Presented;
use super::targets::RpcTarget;
use super::{Edge, Front, Needed, drain_unread, reflection};
use crate::admission::HeldSlot;
use crate::answer::{self, Body, Refusal};
use crate::credential::{Reauthorization, headers};
use crate::grpc::reflection::PATH as PATH_OF_REFLECTION;
use crate::grpc::{self, Fault, GRPC_STATUS, MessageStream, Messages, Protocol};
use crate::routes::{self, Permissions};
use crate::transcode::body;
use crate::upstream::{self, Call, Proxied, Range};

pub(super) const OK: HeaderValue = HeaderValue::from_static("0");
/// What is read of a call of one message, in bytes: that, and enough of what follows to see that it does.
const MAX_BODY: usize = 2 * MAX_MESSAGE;

/// Why a call failed, once it has ended and did.
pub(super) type Outcome = Arc<Mutex<Option<Refusal>>>;

impl Edge {
    /// Answers a call, always.
    pub(super) async fn handle_call(
        &self,
        protocol: Protocol,
        peer: IpAddr,
        mut head: Parts,
        body: RequestBody,
    ) -> Response<Body> {
        let in_flight = self.metrics.enter();
        let mut exchange = Exchange::new(self.ids.next(), &head, &self.metrics.unmatched, &self.request_log);
        let (span, mut body) = (exchange.span.clone(), Some(body));
        let steps = self.call_steps(protocol, &mut exchange, peer, &mut head, &mut body);
        let steps = AssertUnwindSafe(steps).catch_unwind().instrument(span);
        let answered = steps.await.unwrap_or_else(|panic| Err(Refusal::of_panic(panic.as_ref())));
        // It counts and is logged as if it had come over REST, where the status tells what became of it.
        let status = answered.as_ref().err().map_or(StatusCode::OK, status_over_rest);
        let (mut response, outcome, refusal) = match answered {
            Ok((response, outcome)) => (response, outcome, None),
            Err(refusal) => {
                let refused = refusal.refused();
                let response = match head.version {
                    // Whoever speaks this is no client of gRPC.
                    Version::HTTP_10 | Version::HTTP_11 if protocol == Protocol::Grpc => {
                        answer::failure(refused, &exchange.id, &head.headers)
                    }
                    _ => grpc::failure(refused, protocol),
                };
                (response, Outcome::default(), Some(refusal))
            }
        };
        self.finish(Front::Data, &exchange, &head, &mut response);
        if let Some(unread) = body {
            drain_unread(&head, unread);
        }
        let failed = move || {
            let refusal = outcome.lock().ok()?.take()?;
            Some((status_over_rest(&refusal), refusal))
        };
        let ended = (status, refusal.as_ref());
        exchange.answered(head, self.access_log, ended, in_flight, response.body_mut(), failed);
        response
    }

    async fn call_steps<'e>(
        &'e self,
        protocol: Protocol,
        exchange: &mut Exchange<'e>,
        peer: IpAddr,
        head: &mut Parts,
        body: &mut Option<RequestBody>,
    ) -> Result<(Response<Body>, Outcome), Refusal> {
        let began = Instant::now();
        let client = self.enter(exchange, peer, head)?;

        if let Some(reflection) = self.reflection.as_ref().filter(|_| head.uri.path() == PATH_OF_REFLECTION) {
            exchange.metrics = self.targets.reflection();
            headers::discard(&mut head.headers);
            let Some(body) = body.take() else { return Err(Error::internal().into()) };
            return reflection::answer(protocol, head, body, reflection.clone());
        }

        let target = self.targets.rpc(head.uri.path()).ok_or_else(no_such_rpc)?;
        let RpcTarget { rpc, target, is_safe, is_slow } = target;
        exchange.metrics = &target.metrics;

        let presented = Presented::take(&rpc.access, &self.admission, &mut head.headers, None)?;
        let mut admitted = self.admission.enter(presented.priority, &target.baseline, *is_slow)?;
        admitted.resume();
        // The agent and what hangs on a field stand in the messages: the service's guard looks at them.
        let permissions = match &rpc.access {
            Access::Key { permissions, .. } => permissions.iter().map(String::as_str).collect(),
            _ => Permissions::new(),
        };
        let needed = Needed { operation: &rpc.path, permissions, agent: None, target };
        let is_streamed = rpc.method.is_client_streaming() || rpc.method.is_server_streaming();
        let standing = is_streamed.then(|| presented.standing(&needed, client, &exchange.id)).flatten();
        let caller = self.authorize(exchange, needed, client, presented).await?;
        let mut again = standing.map(|standing| Reauthorization::new(&self.authorizer, *standing));
        let mut left = routes::deadline(rpc).saturating_sub(admitted.so_far());
        match is_slow {
            true => admitted.answered(),
            false => admitted.pause(),
        }

        protocol.check(head)?;
        let key = IdempotencyKey::of_call(&head.headers, rpc)?;
        if let Some(asked) = deadline::asked(&head.headers).map_err(bad_timeout)? {
            left = left.min(asked.saturating_sub(began.elapsed()));
        }

        let Some(body) = body.take() else { return Err(Error::internal().into()) };
        let call = |left: Duration, once: Option<HeaderValue>| match left.is_zero() {
            true => Err(Error::deadline_exceeded()),
            false => Ok(Call {
                method: &target.method,
                caller: &caller,
                client,
                id: &exchange.id,
                ends: Instant::now() + left,
                safe: *is_safe,
                once,
                told: self.told(&rpc.access, head),
                range: if rpc.http.ranges { Range::of(&head.headers) } else { Range::default() },
                accept: None,
            }),
        };
        let is_stream = rpc.method.is_server_streaming();
        let (proxied, fault) = match rpc.method.is_client_streaming() {
            true => {
                // As a form over REST: a file, and what goes with it.
                let upload_bytes = self.limits.of_upload(rpc.http.max_upload_mebibytes).upload_bytes;
                let most = upload_bytes.saturating_add(self.limits.bytes);
                let mut messages = Messages::of(protocol, body, most);
                // What tells one upload from another before its bytes, which the service adds.
                let first = match key {
                    Some(_) => self.in_time(messages.first()).await?,
                    None => None,
                };
                let once = match (key, &first) {
                    (Some(key), Some(first)) => {
                        key.digest_of_call(head, rpc, first, &self.transcoder).await?
                    }
                    _ => None,
                };
                let messages = MessageStream::new(messages, first);
                let fault = messages.fault();
                let proxied = upstream::proxy_stream(call(left, once)?, messages);
                let proxied = Reauthorization::during(&mut again, proxied).await;
                (proxied.map_err(|refusal| of_caller(&fault).unwrap_or(refusal))?, fault)
            }
            false => {
                let messages = Messages::of(protocol, body, MAX_BODY);
                let message = self.in_time(messages.only()).await?;
                if !is_slow {
                    admitted.resume();
                }
                let once = match key {
                    Some(key) => key.digest_of_call(head, rpc, &message, &self.transcoder).await?,
                    None => None,
                };
                let proxied = upstream::proxy_message(call(left, once)?, message, is_stream);
                (Reauthorization::during(&mut again, proxied).await?, Fault::default())
            }
        };
        if !is_slow {
            admitted.answered();
        }
        let place = admitted.hold(&self.admission);
        Ok(answer_of(protocol, proxied, fault, place, again))
    }

    /// What is read of a body, within the time that a body has.
    async fn in_time<T>(&self, read: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        timeout(self.limits.time, read).await.map_err(|_| body::too_slow())?
    }
}

/// The answer, made while its client reads it.
fn answer_of(
    protocol: Protocol,
    mut proxied: Proxied,
    fault: Fault,
    place: HeldSlot,
    again: Option<Reauthorization>,
) -> (Response<Body>, Outcome) {
    let mut metadata = grpc::of_service(std::mem::take(&mut proxied.metadata));
    if proxied.replayed {
        answer::say_replayed(&mut metadata);
    }
    let outcome = Outcome::default();
    let answering = Answering {
        protocol,
        proxied,
        again,
        fault,
        outcome: outcome.clone(),
        has_ended: false,
        _place: place,
    };
    let frames = unfold(answering, |mut answering| async move {
        let frame = answering.next().await?;
        Some((Ok(frame), answering))
    });
    (grpc::answer(protocol, metadata, Body::with_trailers(frames)), outcome)
}

/// An answer in the making.
struct Answering {
    protocol: Protocol,
    proxied: Proxied,
    /// Whether its caller may still have it.
    again: Option<Reauthorization>,
    /// What was wrong with the messages of the caller, when that ends the call.
    fault: Fault,
    outcome: Outcome,
    has_ended: bool,
    _place: HeldSlot,
}

impl Answering {
    /// The next message, or the trailers at the end.
    async fn next(&mut self) -> Option<Frame<Bytes>> {
        if self.has_ended {
            return None;
        }
        let next = Reauthorization::during(&mut self.again, self.proxied.next());
        let ended = match next.await {
            Ok(Some(message)) => return Some(grpc::message(self.protocol, &message)),
            Ok(None) => self.proxied.trailers().await,
            Err(refusal) => Err(refusal),
        };
        self.has_ended = true;
        let trailers = match ended {
            Ok(said) => {
                let mut trailers = grpc::of_service(said);
                trailers.insert(GRPC_STATUS, OK);
                trailers
            }
            Err(refusal) => {
                let refusal = of_caller(&self.fault).unwrap_or(refusal);
                let trailers = grpc::status_of(refusal.refused());
                if let Ok(mut failed) = self.outcome.lock() {
                    *failed = Some(refusal);
                }
                trailers
            }
        };
        Some(grpc::trailers(self.protocol, trailers))
    }
}

/// What the caller itself did that ended its call.
fn of_caller(fault: &Fault) -> Option<Refusal> {
    fault.get().cloned().map(Refusal::from)
}

/// The status that the same refusal has over REST.
fn status_over_rest(refusal: &Refusal) -> StatusCode {
    StatusCode::from_u16(refusal.reason().http()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn no_such_rpc() -> Error {
    Error::new(Reason::Unimplemented, "There is no such RPC.")
}

fn bad_timeout(error: deadline::BadTimeout) -> Error {
    Error::new(Reason::InvalidArgument, format!("{error}."))
}
