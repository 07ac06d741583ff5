//! The way of one request through the edge, top to bottom.

use std::any::Any;
use std::collections::HashMap;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use http::header::{EXPECT, HeaderName};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use keyward_proto::policy::v1::Role;
use svc_core::error::{Error, Reason};
use svc_core::grpc::Upstream;
use svc_core::ids::Ids;
use svc_core::policy::Access;
use svc_core::telemetry;
use tracing::{Instrument, Span, debug_span, field};

use crate::access_log;
use crate::address_cap::AddressCap;
use crate::answer::{self, Body, Refusal, RequestId};
use crate::authorize::{Authorizer, Caller, Question};
use crate::body::{self, Limits};
use crate::client_address::ClientAddresses;
use crate::config::AccessLog;
use crate::credentials::Credential;
use crate::metrics::{HttpMetrics, RouteMetrics};
use crate::pages::{Page, method_not_allowed};
use crate::rate::Proven;
use crate::routes::{Miss, Route, Table};
use crate::upstream_call::Call;
use crate::{credentials, head, preconditions, upstream_call};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Everything that a request meets.
pub(crate) struct Edge {
    pub(crate) addresses: ClientAddresses,
    pub(crate) cap: AddressCap,
    pub(crate) routes: Routes,
    pub(crate) authorizer: Authorizer,
    /// Every service behind, each once.
    pub(crate) upstreams: Vec<Upstream>,
    pub(crate) limits: Limits,
    pub(crate) ids: Ids,
    pub(crate) metrics: HttpMetrics,
    pub(crate) access_log: AccessLog,
}

/// The routes, with what the pipeline needs of each.
pub(crate) struct Routes {
    table: Table,
    targets: HashMap<usize, Target>,
    pages: [RouteMetrics; Page::ALL.len()],
}

/// Where a route leads.
struct Target {
    upstream: Upstream,
    path: PathAndQuery,
    metrics: RouteMetrics,
}

impl Routes {
    /// Fails with the name of a service that no upstream serves.
    pub(crate) fn new(
        table: Table,
        upstreams: &HashMap<String, Upstream>,
        metrics: &HttpMetrics,
    ) -> Result<Routes, String> {
        let mut targets = HashMap::new();
        for route in table.routes() {
            let no_upstream = || route.service.clone();
            let upstream = upstreams.get(&route.service).ok_or_else(no_upstream)?.clone();
            let path = PathAndQuery::try_from(route.rpc.path.as_str()).map_err(|_| no_upstream())?;
            let metrics = metrics.route(route.method.as_str(), &route.template);
            targets.insert(identity(route), Target { upstream, path, metrics });
        }
        let pages = Page::ALL.map(|page| metrics.route(Method::GET.as_str(), page.path()));
        Ok(Routes { table, targets, pages })
    }
}

/// A route is told apart by where it is: the table keeps each in its place.
fn identity(route: &Arc<Route>) -> usize {
    Arc::as_ptr(route).addr()
}

/// What is known of a request so far, for its answer, its metrics and its log.
struct Exchange<'e> {
    id: RequestId,
    client: Option<IpAddr>,
    /// What auth-svc says for the headers of the answer, whatever the answer is.
    proven: Proven,
    metrics: &'e RouteMetrics,
}

impl Edge {
    /// Answers a request, always.
    pub(crate) async fn handle(&self, peer: IpAddr, request: Request<Incoming>) -> Response<Body> {
        let started = Instant::now();
        let _in_flight = self.metrics.enter();
        let (mut head, mut body) = request.into_parts();
        let metrics = self.metrics.unmatched(&head.method);
        let mut exchange = Exchange {
            id: RequestId::new(self.ids.next()),
            client: None,
            proven: Proven::default(),
            metrics,
        };
        let span = request_span(&head);

        // A panic costs this request only, and its caller still gets an answer in our form.
        let steps = AssertUnwindSafe(self.steps(&mut exchange, peer, &mut head, &mut body)).catch_unwind();
        let outcome = match steps.instrument(span.clone()).await {
            Ok(outcome) => outcome,
            Err(panic) => Err(Refusal::from(Error::internal()).because(panic_text(panic.as_ref()))),
        };
        let (mut response, refusal) = match outcome {
            Ok(response) => (response, None),
            Err(refusal) => (answer::failure(refusal.refused(), &exchange.id, &head.headers), Some(refusal)),
        };
        answer::finish(&mut response, &exchange.id);
        exchange.proven.write(response.headers_mut());

        // A client that waits for `100 Continue` sends nothing, and reading would ask it to.
        if !body.is_end_stream() && !head.headers.contains_key(EXPECT) {
            tokio::spawn(body::drain(body));
        }
        let took = started.elapsed();
        let status = response.status();
        exchange.metrics.observe(status.as_u16(), took);
        record(&span, &head.method, exchange.metrics.route(), status, refusal.as_ref());
        let entry = access_log::Entry {
            id: &exchange.id,
            head: &head,
            route: exchange.metrics.route(),
            client: exchange.client,
            status,
            refused: refusal.as_ref().map(Refusal::refused),
            took,
        };
        access_log::write(self.access_log, &entry);
        response
    }

    /// The order of refusals is the contract's (API.md, 3).
    async fn steps<'e>(
        &'e self,
        exchange: &mut Exchange<'e>,
        peer: IpAddr,
        head: &mut Parts,
        body: &mut Incoming,
    ) -> Result<Response<Body>, Refusal> {
        // First of all, so that nothing below works on a head that is over its limits.
        head::check(head)?;

        // Before anything that costs more than a look at a table.
        let client = self.addresses.of(peer, &head.headers);
        exchange.client = Some(client);
        self.cap.check(client)?;

        // The edge's own pages come first, so that no route can take their place.
        if let Some(page) = Page::find(head.uri.path()) {
            exchange.metrics = &self.routes.pages[page as usize];
            page.check_method(&head.method)?;
            credentials::discard(&mut head.headers);
            body::none(body, self.limits).await?;
            return page.get(head.uri.query(), &self.upstreams).await;
        }

        // Before the credentials, which an unknown path does not need.
        let found = self.routes.table.find(&head.method, head.uri.path()).map_err(missed)?;
        let (route, params) = (found.route, found.params);
        let target = self.routes.targets.get(&identity(route)).ok_or_else(Error::internal)?;
        exchange.metrics = &target.metrics;

        // Before the body, so that nobody unknown makes us read one.
        let deadline = route.deadline();
        let check_started = Instant::now();
        let caller = self.authorize(exchange, route, &params, target, client, head).await?;
        let spent = check_started.elapsed();

        // What the contract promises and is not built must not look as if it were.
        if route.streams_in() || route.streams_out() {
            return Err(Error::unimplemented("Streaming").into());
        }
        if head.headers.contains_key(IDEMPOTENCY_KEY) {
            return Err(Error::unimplemented("The header Idempotency-Key").into());
        }

        let bytes = match route.takes_body() {
            true => body::json(head, body, self.limits).await?,
            false => {
                body::none(body, self.limits).await?;
                Default::default()
            }
        };
        let if_match = preconditions::expected_version(&head.headers, !route.rpc.http.if_match.is_empty())?;
        preconditions::check_none_match(&head.method, &head.headers)?;
        let request = route.request(&params, head.uri.query(), &bytes, if_match)?;

        // The deadline is the service's and the check's; how long the client took to send its body
        // has a limit of its own.
        let left = deadline.checked_sub(spent).filter(|left| *left > Duration::ZERO).ok_or_else(too_late)?;
        let message = request.wire.clone();
        let call = Call { caller, client, id: &exchange.id };
        let wire = upstream_call::call(&target.upstream, target.path.clone(), message, call, left).await?;

        let rendered = route.response(&request, &wire)?;
        match &rendered.etag {
            Some(etag) if preconditions::has_already(&head.headers, etag) => answer::not_modified(etag),
            _ => answer::success(rendered, route.rpc.http.secret),
        }
    }

    async fn authorize(
        &self,
        exchange: &mut Exchange<'_>,
        route: &Route,
        params: &[String],
        target: &Target,
        client: IpAddr,
        head: &mut Parts,
    ) -> Result<Caller, Refusal> {
        let (credential, role) = match &route.rpc.access {
            Access::Key { .. } | Access::AnyKey => {
                (credentials::api_key(&mut head.headers), Role::Unspecified)
            }
            Access::Member(role) => (credentials::member(&mut head.headers), *role),
            Access::Public => {
                credentials::discard(&mut head.headers);
                return Ok(Caller::Anyone);
            }
            // The table has no such route.
            Access::Internal => return Err(route_not_found().into()),
        };
        // What the head itself refuses is asked all the same: auth-svc counts failures by address.
        let (credential, refused) = match credential {
            Ok(credential) => (credential, None),
            Err(error) => (Credential::unusable(role), Some(error)),
        };
        let question = Question {
            credential,
            client,
            operation: route.rpc.path.trim_start_matches('/'),
            permissions: route.permissions(head.uri.query()),
            agent: route.agent(params),
            role,
            audience: (!target.upstream.is_in_process()).then(|| target.upstream.name()),
        };
        let (decision, proven) = self.authorizer.ask(question, &exchange.id).await;
        exchange.proven = proven;
        match refused {
            None => decision,
            Some(error) => match decision {
                Err(refusal) if refusal.reason() == Reason::AddressThrottled => Err(refusal),
                _ => Err(error.into()),
            },
        }
    }
}

fn missed(miss: Miss) -> Refusal {
    match miss {
        Miss::NotFound => route_not_found().into(),
        Miss::MethodNotAllowed { allow } => method_not_allowed(allow),
    }
}

fn route_not_found() -> Error {
    Error::new(Reason::RouteNotFound, "There is no such path.")
}

fn too_late() -> Error {
    Error::new(Reason::DeadlineExceeded, "The call did not end in time.")
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("not text"))
}

/// The server span of a request. Like the log, it names the route and not the path.
fn request_span(head: &Parts) -> Span {
    let span = debug_span!(
        "http",
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = head.method.as_str(),
        http.route = field::Empty,
        http.response.status_code = field::Empty,
        error.r#type = field::Empty,
    );
    telemetry::continue_trace(&span, &head.headers);
    span
}

fn record(span: &Span, method: &Method, route: &str, status: StatusCode, refusal: Option<&Refusal>) {
    if span.is_disabled() {
        return;
    }
    if !route.is_empty() {
        telemetry::rename(span, &format!("{method} {route}"));
    }
    span.record("http.route", route);
    span.record("http.response.status_code", status.as_u16());
    if let Some(refusal) = refusal {
        span.record("error.type", refusal.reason().code());
    }
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}
