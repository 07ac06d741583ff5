//! The caller's side of the stream to one replica.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use http::uri::PathAndQuery;
use keyward_proto::internal::v1 as pb;
use keyward_proto::internal::v1::call_service_client::CallServiceClient;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status, Streaming};

use super::{BATCH, BATCH_BYTES, MAX_PIECE, wire};
use crate::grpc::balancer::UpstreamMetrics;
use crate::grpc::caller::{Caller, InternalCredential};
use crate::grpc::unprocessed::{self, Cause};
use crate::grpc::{Call, MAX_ANSWER, status};
use crate::telemetry;
use svc_core::error::Reason;

/// Calls that wait for their answer, and as many that wait to be sent. It is what a service runs at once: more would
/// be refused there.
const UNDER_WAY: usize = 1_024;
/// Messages that wait for the connection. What is among them counts as sent.
const MESSAGES: usize = 1;
/// How long opening the stream may take.
const OPENING: Duration = Duration::from_secs(1);
/// How long a replica is called by plain gRPC before it is asked for a stream again.
const PLAIN_FOR: Duration = Duration::from_secs(30);
/// How many of the tokens in a message are compared with that of the next call.
const COMPARED_TOKENS: usize = 16;

/// Calls one replica.
#[derive(Debug)]
pub(in crate::grpc) struct CallStream {
    pending: mpsc::Sender<PendingCall>,
    cancelled: mpsc::Sender<u64>,
    next_id: AtomicU64,
    /// Whether the replica has no stream for us, for now.
    plain: Arc<AtomicBool>,
}

/// Why a call by the stream has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::grpc) enum NoAnswer {
    /// The replica has no stream for us: it is to be called by plain gRPC.
    Plain,
    /// Too many calls wait for the replica.
    TooMany,
    /// It was surely not processed.
    Unprocessed(Cause),
    /// The stream broke when it was sent already.
    Lost,
}

type Outcome = Result<pb::Answer, NoAnswer>;

#[derive(Debug)]
struct PendingCall {
    call: pb::Call,
    token: Option<HeaderValue>,
    ends: Instant,
    answer: oneshot::Sender<Outcome>,
}

/// A call that was sent.
struct SentCall {
    /// How many calls of the stream were sent before it.
    place: u64,
    /// What has come of a long answer.
    pieces: BytesMut,
    answer: oneshot::Sender<Outcome>,
}

type Unanswered = HashMap<u64, SentCall>;

impl CallStream {
    /// A stream that opens with its first call, and again after it broke. Within a runtime.
    pub(in crate::grpc) fn new(
        channel: Channel,
        credential: InternalCredential,
        metrics: UpstreamMetrics,
    ) -> CallStream {
        let (pending, queue) = mpsc::channel(UNDER_WAY);
        let (cancelled, gone) = mpsc::channel(UNDER_WAY);
        let plain = Arc::new(AtomicBool::new(false));
        let replica = Replica { channel, credential, metrics, plain: plain.clone() };
        tokio::spawn(replica.run(Queue { calls: queue, gone }));
        CallStream { pending, cancelled, next_id: AtomicU64::new(1), plain }
    }

    /// Whether a call can go by the stream.
    pub(in crate::grpc) fn takes(&self, call: &Call) -> bool {
        !self.plain.load(Ordering::Relaxed)
            && call.message.len() <= MAX_PIECE
            && !matches!(call.caller, Caller::Internal | Caller::Principal(_))
    }

    /// Calls. Dropped before the answer is there, the call is cancelled.
    pub(in crate::grpc) async fn call(
        &self,
        path: &PathAndQuery,
        call: Call,
    ) -> Result<Result<Response<Bytes>, Status>, NoAnswer> {
        let (answer, answered) = oneshot::channel();
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let pending = PendingCall::new(id, path, call, answer);
        self.pending.try_send(pending).map_err(|_| NoAnswer::TooMany)?;
        let mut waiting = Waiting { id, cancelled: Some(&self.cancelled) };
        let outcome = answered.await;
        waiting.cancelled = None;
        outcome.unwrap_or(Err(NoAnswer::Lost)).map(wire::read_answer)
    }
}

/// Somebody who waits for an answer.
struct Waiting<'s> {
    id: u64,
    cancelled: Option<&'s mpsc::Sender<u64>>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(cancelled) = self.cancelled {
            // When there is no room the call runs on until its deadline.
            let _ = cancelled.try_send(self.id);
        }
    }
}

impl PendingCall {
    fn new(id: u64, path: &PathAndQuery, call: Call, answer: oneshot::Sender<Outcome>) -> PendingCall {
        let Call { caller, origin, ends, metadata, message } = call;
        let (request_id, client_address) = origin.as_ref().map(wire::origin).unwrap_or_default();
        let token = match caller {
            Caller::Token(token) => Some(token),
            Caller::Anyone | Caller::Principal(_) | Caller::Internal => None,
        };
        let call = pb::Call {
            id,
            path: path.as_str().to_owned(),
            message,
            request_id,
            client_address,
            traceparent: telemetry::traceparent(),
            metadata: wire::metadata(metadata.as_ref()),
            ..pb::Call::default()
        };
        PendingCall { call, token, ends, answer }
    }
}

/// What callers want.
struct Queue {
    calls: mpsc::Receiver<PendingCall>,
    /// The ids of calls whose callers have gone.
    gone: mpsc::Receiver<u64>,
}

struct Replica {
    channel: Channel,
    credential: InternalCredential,
    metrics: UpstreamMetrics,
    plain: Arc<AtomicBool>,
}

impl Replica {
    /// Opens the stream whenever there is a call. Ends with the [`CallStream`].
    async fn run(self, mut queue: Queue) {
        let mut pending = Vec::with_capacity(BATCH);
        let mut was_plain = false;
        while queue.calls.recv_many(&mut pending, BATCH).await > 0 {
            // Nothing is sent before the stream is open, so what does not open has processed nothing.
            match self.open().await {
                Ok((requests, answers)) => {
                    was_plain = false;
                    self.metrics.stream_opened();
                    converse(&mut pending, &mut queue, requests, answers).await;
                    self.metrics.stream_closed();
                    refuse(&mut pending, NoAnswer::Unprocessed(Cause::Refused));
                }
                Err(NoAnswer::Plain) => {
                    // Said once, and not each time that it is asked.
                    if !std::mem::replace(&mut was_plain, true) {
                        let upstream = self.metrics.upstream();
                        tracing::info!(upstream, "a replica has no stream of calls for us");
                    }
                    self.go_plain(&mut pending, &mut queue).await;
                }
                Err(why) => refuse(&mut pending, why),
            }
        }
    }

    async fn open(&self) -> Result<(mpsc::Sender<pb::CallsRequest>, Streaming<pb::CallsResponse>), NoAnswer> {
        let (requests, outgoing) = mpsc::channel(MESSAGES);
        let mut request = Request::new(ReceiverStream::new(outgoing));
        self.credential.authenticate(&mut request);
        let mut client = CallServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER);
        match timeout(OPENING, client.calls(request)).await {
            Ok(Ok(answers)) => Ok((requests, answers.into_inner())),
            Ok(Err(status)) => Err(not_opened(&status)),
            Err(_) => Err(NoAnswer::Unprocessed(Cause::Unreachable)),
        }
    }

    /// Sends callers to plain gRPC for a while.
    async fn go_plain(&self, pending: &mut Vec<PendingCall>, queue: &mut Queue) {
        self.metrics.stream_refused();
        self.plain.store(true, Ordering::Relaxed);
        refuse(pending, NoAnswer::Plain);
        let until_asked_again = async {
            while queue.calls.recv_many(pending, BATCH).await > 0 {
                refuse(pending, NoAnswer::Plain);
            }
        };
        tokio::select! {
            () = until_asked_again => {}
            () = sleep(PLAIN_FOR) => {}
        }
        self.plain.store(false, Ordering::Relaxed);
    }
}

/// Whoever answers, and not that it cannot serve, has no stream for us: it is older, no service of ours, or does not
/// take our credential.
fn not_opened(status: &Status) -> NoAnswer {
    if let Some(cause) = unprocessed::cause(status) {
        return NoAnswer::Unprocessed(cause);
    }
    match status::reason(status) {
        Reason::Unavailable | Reason::BadGateway | Reason::DeadlineExceeded => {
            NoAnswer::Unprocessed(Cause::Refused)
        }
        _ => NoAnswer::Plain,
    }
}

fn refuse(pending: &mut Vec<PendingCall>, why: NoAnswer) {
    for call in pending.drain(..) {
        // Who gave up does not listen; so everywhere below.
        let _ = call.answer.send(Err(why));
    }
}

/// Sends and receives until the stream breaks, the service stops, or nobody calls any more. What is pending then was
/// not sent.
async fn converse(
    pending: &mut Vec<PendingCall>,
    queue: &mut Queue,
    requests: mpsc::Sender<pb::CallsRequest>,
    mut answers: Streaming<pb::CallsResponse>,
) {
    let (mut unanswered, mut cancelled, mut sent) = (Unanswered::new(), Vec::new(), 0);
    loop {
        let may_call = pending.len() < BATCH && unanswered.len() < UNDER_WAY;
        let room = BATCH - pending.len().min(BATCH);
        let has_to_send = !pending.is_empty() || !cancelled.is_empty();
        // Never waits for one direction alone: the replica may wait for the other one.
        tokio::select! {
            received = answers.message() => {
                let Ok(Some(batch)) = received else { break };
                take(batch.answers, &mut unanswered, &mut cancelled);
                if let Some(taken) = batch.taken {
                    // These were not processed; the others end where they are, while new ones go elsewhere.
                    for (_, call) in unanswered.extract_if(|_, call| call.place >= taken) {
                        let _ = call.answer.send(Err(NoAnswer::Unprocessed(Cause::Refused)));
                    }
                    tokio::spawn(collect(answers, requests.clone(), unanswered));
                    return;
                }
            }
            permit = requests.reserve(), if has_to_send => {
                let Ok(permit) = permit else { break };
                let calls = message(pending, &mut unanswered, &mut sent);
                let request = pb::CallsRequest { cancelled: std::mem::take(&mut cancelled), ..calls };
                if !request.calls.is_empty() || !request.cancelled.is_empty() {
                    permit.send(request);
                }
            }
            count = queue.calls.recv_many(pending, room), if may_call => {
                if count == 0 {
                    return;
                }
            }
            Some(id) = queue.gone.recv(), if cancelled.len() < BATCH => {
                // Not among them: it has not been sent, and will not be.
                if unanswered.remove(&id).is_some() {
                    cancelled.push(id);
                }
            }
        }
    }
    lose(unanswered);
}

/// Waits for the last answers of a service that stops.
async fn collect(
    mut answers: Streaming<pb::CallsResponse>,
    requests: mpsc::Sender<pb::CallsRequest>,
    mut unanswered: Unanswered,
) {
    while !unanswered.is_empty() {
        let Ok(Some(batch)) = answers.message().await else { break };
        take(batch.answers, &mut unanswered, &mut Vec::new());
    }
    // Open until here, or the service would take us for gone.
    drop(requests);
    lose(unanswered);
}

fn lose(unanswered: Unanswered) {
    for call in unanswered.into_values() {
        let _ = call.answer.send(Err(NoAnswer::Lost));
    }
}

/// A message with as many calls as fit, but for those of callers who gave up: a replica that was away has no time
/// for them.
fn message(pending: &mut Vec<PendingCall>, unanswered: &mut Unanswered, sent: &mut u64) -> pb::CallsRequest {
    let now = Instant::now();
    let mut request = pb::CallsRequest::default();
    let mut bytes = 0;
    let fitting = pending.iter().take_while(|call| {
        let fits = bytes < BATCH_BYTES;
        bytes += call.call.message.len() + call.token.as_ref().map_or(0, HeaderValue::len);
        fits
    });
    let fitting = fitting.count();
    for PendingCall { mut call, token, ends, answer } in pending.drain(..fitting) {
        if answer.is_closed() {
            continue;
        }
        let time = ends.saturating_duration_since(now).as_micros();
        call.time_micros = u64::try_from(time).unwrap_or(u64::MAX);
        call.principal = token.map_or(0, |token| position(&mut request.principals, &token));
        unanswered.insert(call.id, SentCall { place: *sent, pieces: BytesMut::new(), answer });
        *sent += 1;
        request.calls.push(call);
    }
    request
}

/// Where a token stands in a message, counted from 1. Added when it is not among the last ones.
fn position(tokens: &mut Vec<String>, token: &HeaderValue) -> u32 {
    let known = tokens.iter().rev().take(COMPARED_TOKENS).position(|known| *token == **known);
    let position = match known {
        Some(from_the_end) => tokens.len() - from_the_end,
        None => {
            tokens.push(token.to_str().unwrap_or_default().to_owned());
            tokens.len()
        }
    };
    u32::try_from(position).unwrap_or(0)
}

/// Hands out answers, each when its last piece is there.
fn take(answers: Vec<pb::Answer>, unanswered: &mut Unanswered, cancelled: &mut Vec<u64>) {
    for mut answer in answers {
        let Some(sent) = unanswered.get_mut(&answer.id) else { continue };
        if sent.pieces.len() + answer.message.len() > MAX_ANSWER {
            answer.code = Code::OutOfRange as u32;
            answer.text = format!("Error, decoded message length too large: the limit is {MAX_ANSWER} bytes");
            cancelled.extend(answer.more.then_some(answer.id));
        } else if answer.more || !sent.pieces.is_empty() {
            sent.pieces.extend_from_slice(&answer.message);
            if answer.more {
                continue;
            }
            answer.message = std::mem::take(&mut sent.pieces).freeze();
        }
        if let Some(sent) = unanswered.remove(&answer.id) {
            let _ = sent.answer.send(Ok(answer));
        }
    }
}

#[cfg(test)]
mod tests;
