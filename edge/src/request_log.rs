//! What the edge tells auth-svc of requests whose answer has ended, for the request log: about once a second, in
//! batches, off the way of every request. A request only puts an entry into a queue; where that is full, or where
//! there have been as many in this second as may be, the entry is dropped and counted. What could not be sent is
//! sent again: auth-svc takes no request in twice.

mod budget;
mod entry;
mod metrics;

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use keyward_proto::auth::v1 as pb;
use parking_lot::Mutex;
use prost::Message;
use svc_runtime::grpc::caller::{self, InternalCredential};
use svc_runtime::grpc::{self, Method, Upstream};
use svc_runtime::telemetry::Metrics;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Status};

pub(crate) use budget::Kind;
use budget::{Budget, PARTS};
pub(crate) use entry::{Entry, LoggedCaller, Operation};
use metrics::{Dropped, LogMetrics};

const RECORD: &str = "/keyward.auth.v1.RequestLogService/RecordRequests";

/// How often entries are sent.
const SEND_EVERY: Duration = Duration::from_secs(1);
/// The most entries in a batch, also when many have waited: whoever takes it in does nothing else meanwhile.
const BATCH: usize = 256;
/// So many are sent without waiting for the second to end.
const EARLY: usize = 100;
/// The most entries that wait, about 5 MiB: while auth-svc or its database is away, more are dropped.
const QUEUE: usize = 16_384;
/// How long one batch may take.
const SEND_TIME: Duration = Duration::from_secs(5);
/// How long what is left may take at a stop, all together.
const FLUSH_TIME: Duration = Duration::from_secs(3);

/// Collects what is told, and sends it.
pub(crate) struct RequestLog {
    waiting: Mutex<Vec<Entry>>,
    /// Those under way. They stay until they are taken in, also when their sender is dropped.
    sending: tokio::sync::Mutex<Vec<Entry>>,
    enough: Notify,
    budget: Budget,
    record: Method,
    /// Proves that the edge calls.
    metadata: MetadataMap,
    metrics: LogMetrics,
}

impl RequestLog {
    /// For so many entries a second that succeeded, and so many others. 0: none.
    pub(crate) fn new(
        auth: &Upstream,
        credential: &InternalCredential,
        per_second: u32,
        metrics: &Metrics,
    ) -> RequestLog {
        let mut authenticated = Request::new(());
        credential.authenticate(&mut authenticated);
        RequestLog {
            waiting: Mutex::default(),
            sending: tokio::sync::Mutex::default(),
            enough: Notify::new(),
            budget: Budget::new(per_second),
            record: auth.method(PathAndQuery::from_static(RECORD)),
            metadata: authenticated.metadata().clone(),
            metrics: LogMetrics::new(metrics),
        }
    }

    /// Whether requests are logged at all.
    pub(crate) fn is_on(&self) -> bool {
        self.budget.is_any()
    }

    /// Takes an entry, unless there are too many. `entry` is not made for one that is dropped.
    pub(crate) fn push(&self, kind: Kind, entry: impl FnOnce() -> Entry) {
        if !self.budget.take(kind) {
            return self.metrics.dropped(Dropped::TooMany, 1);
        }
        let entry = entry();
        let mut waiting = self.waiting.lock();
        if waiting.len() >= QUEUE {
            drop(waiting);
            return self.metrics.dropped(Dropped::QueueFull, 1);
        }
        waiting.push(entry);
        let is_enough = waiting.len() == EARLY;
        drop(waiting);
        if is_enough {
            self.enough.notify_one();
        }
    }

    /// Sends what waits, as long as it is polled.
    pub(crate) async fn run(&self) -> Infallible {
        let mut tick = interval(SEND_EVERY / PARTS);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut part = 0;
        loop {
            tokio::select! {
                _ = tick.tick() => {
                    self.budget.refill(part);
                    part = (part + 1) % PARTS;
                    if part > 0 {
                        continue;
                    }
                    self.metrics.tell();
                }
                () = self.enough.notified() => {}
            }
            if let Err(status) = self.send().await {
                // It is tried again at the next tick.
                self.metrics.failed(&status);
            }
        }
    }

    /// Sends what is left at a stop, within its time. What remains then is dropped.
    pub(crate) async fn flush(&self) {
        let sent = timeout(FLUSH_TIME, self.send()).await;
        if let Ok(Err(status)) = &sent {
            self.metrics.failed(status);
        }
        if !matches!(sent, Ok(Ok(()))) {
            let rest = self.sending.lock().await.len() + self.waiting.lock().len();
            self.metrics.dropped(Dropped::Stopped, rest as u64);
        }
        self.metrics.tell();
    }

    /// Sends all that waits, batch by batch.
    async fn send(&self) -> Result<(), Status> {
        let mut sending = self.sending.lock().await;
        loop {
            if sending.is_empty() {
                let mut waiting = self.waiting.lock();
                match waiting.len() <= BATCH {
                    // Both keep the room that they have grown to.
                    true => std::mem::swap(&mut *waiting, &mut *sending),
                    false => sending.extend(waiting.drain(..BATCH)),
                }
            }
            if sending.is_empty() {
                return Ok(());
            }
            let requests = sending.iter().map(Entry::to_message).collect();
            let message = pb::RecordRequestsRequest { requests }.encode_to_vec();
            let call = grpc::Call {
                caller: caller::Caller::Internal,
                origin: None,
                ends: Instant::now() + SEND_TIME,
                metadata: self.metadata.clone(),
                message: Bytes::from(message),
            };
            // Safe to make twice: what is in the log stays as it is.
            match self.record.call(call, true).await {
                Ok(_) => self.metrics.sent(sending.len() as u64),
                Err(status) if is_worth_a_retry(&status) => return Err(status),
                // It would be no better the next time, and would hold up all others.
                Err(status) => {
                    tracing::error!(code = ?status.code(), "auth-svc refuses a batch of the request log");
                    self.metrics.dropped(Dropped::Refused, sending.len() as u64);
                }
            }
            sending.clear();
        }
    }
}

/// Whether auth-svc may take the same batch another time: it is away, or of another version.
fn is_worth_a_retry(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Cancelled
            | Code::Unauthenticated
            | Code::Unimplemented
    )
}

#[cfg(test)]
mod tests;
