//! A request and its answer, as metrics, log and trace see them once the answer has ended.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;
use http::request::Parts;
use tracing::Span;

use crate::answer::{Body, End, Refusal, Refused, RequestId};
use crate::config::AccessLog;
use crate::credential::RateHeaders;
use crate::request_log::{self, Kind, LoggedCaller, RequestLog};
use crate::telemetry::{InFlight, RouteMetrics, access_log, span};

/// The code of a request that succeeded, in the request log.
const OK: &str = "ok";

/// What is known of a request so far, for its answer, its metrics and its log.
pub(super) struct Exchange<'e> {
    pub(super) id: RequestId,
    pub(super) client: Option<IpAddr>,
    /// What auth-svc says for the headers of the answer, whatever the answer is.
    pub(super) rate_headers: RateHeaders,
    pub(super) metrics: &'e Arc<RouteMetrics>,
    pub(super) span: Span,
    /// What the request log needs to know of whoever presented an API key.
    pub(super) caller: Option<LoggedCaller>,
    log: &'e Arc<RequestLog>,
    started: Instant,
}

impl<'e> Exchange<'e> {
    /// A request that has just come.
    pub(super) fn new(
        id: String,
        head: &Parts,
        unmatched: &'e Arc<RouteMetrics>,
        log: &'e Arc<RequestLog>,
    ) -> Exchange<'e> {
        Exchange {
            id: RequestId::new(id),
            client: None,
            rate_headers: RateHeaders::default(),
            metrics: unmatched,
            span: span::of_request(head),
            caller: None,
            log,
            started: Instant::now(),
        }
    }

    /// The head of its answer is made. It has ended with that, or else ends once the client has read the rest. The
    /// status is that of the head, also when the rest is cut off; where only the end tells what became of it,
    /// `failed` says at that end which status it would have had, and why.
    pub(super) fn answered(
        mut self,
        head: Parts,
        level: AccessLog,
        (status, refusal): (StatusCode, Option<&Refusal>),
        in_flight: InFlight<'_>,
        body: &mut Body,
        failed: impl FnOnce() -> Option<(StatusCode, Refusal)> + Send + 'static,
    ) {
        let answer = match body {
            Body::Whole(_) => {
                let (refused, caller) = (refusal.map(Refusal::refused), self.caller.take());
                return Completed::of(&self, &head, level, status).ended(refused, false, caller);
            }
            Body::Streamed(answer) => answer,
        };
        let Exchange { id, client, span, started, caller, .. } = self;
        let (metrics, log, in_flight) = (self.metrics.clone(), self.log.clone(), in_flight.into_owned());
        answer.on_end(span.clone(), move |end| {
            drop(in_flight);
            let (status, refusal, is_cut_off) = match end {
                End::Complete => match failed() {
                    Some((status, refusal)) => (status, Some(refusal), false),
                    None => (status, None, false),
                },
                End::Failed(refusal) => (status, Some(refusal), true),
                End::Disconnected => (status, None, true),
            };
            let completed = Completed {
                id: &id,
                client,
                head: &head,
                metrics: &metrics,
                log: &log,
                span: &span,
                started,
                level,
                status,
            };
            completed.ended(refusal.as_ref().map(Refusal::refused), is_cut_off, caller);
        });
    }
}

/// A request whose answer has ended.
pub(super) struct Completed<'s> {
    id: &'s RequestId,
    client: Option<IpAddr>,
    head: &'s Parts,
    metrics: &'s RouteMetrics,
    log: &'s RequestLog,
    span: &'s Span,
    started: Instant,
    level: AccessLog,
    status: StatusCode,
}

impl<'s> Completed<'s> {
    pub(super) fn of(
        exchange: &'s Exchange<'_>,
        head: &'s Parts,
        level: AccessLog,
        status: StatusCode,
    ) -> Completed<'s> {
        let Exchange { id, client, metrics, log, span, started, .. } = exchange;
        Completed { id, client: *client, head, metrics, log, span, started: *started, level, status }
    }

    /// Counts and logs it. Who presented an API key is told to the request log.
    pub(super) fn ended(&self, refused: Option<&Refused>, is_cut_off: bool, caller: Option<LoggedCaller>) {
        let took = self.started.elapsed();
        let route = self.metrics.route();
        self.metrics.observe(&self.head.method, self.status.as_u16(), took);
        let entry = access_log::Entry {
            id: self.id,
            head: self.head,
            route,
            client: self.client,
            status: self.status,
            refused,
            is_cut_off,
            took,
        };
        span::record(self.span, &entry);
        access_log::write(self.level, &entry);
        if let Some(caller) = caller {
            let error = entry.error_type();
            self.log.push(Kind::of(&caller, error), || request_log::Entry {
                id: self.id.as_str().to_owned(),
                client_id: entry.client_id().map(str::to_owned),
                method: entry.method(),
                route: route.to_owned(),
                status: self.status.as_u16(),
                code: error.unwrap_or(OK),
                client: self.client,
                took,
                caller,
            });
        }
    }
}
