//! The way of one request through the edge, top to bottom.

mod call;
mod exchange;
mod idempotency;
mod presented;
mod reflection;
mod stream;
mod targets;
mod unary;
mod upload;

use std::borrow::Cow;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use http::header::{EXPECT, USER_AGENT};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response};
use hyper::body::Body as _;
use svc_core::error::{Error, Reason};
use svc_core::ids::Ids;
use svc_core::policy::Access;
use svc_runtime::authorize::{self, Question};
use svc_runtime::connection::RequestBody;
use svc_runtime::grpc::Upstream;
use tokio::time::Instant;
use tracing::Instrument;

use crate::admission::Admission;
use crate::answer::{self, Body, Refusal, RequestId};
use crate::config::AccessLog;
use crate::connection::{AddressCap, ClientAddresses, Cors, head};
use crate::credential::{Authorizer, Browser, Caller, Reauthorization, Verdict, headers};
use crate::dashboard;
use crate::grpc::{Protocol, Reflection};
use crate::pages::{EdgePage, Pages, method_not_allowed};
use crate::request_log::{LoggedCaller, RequestLog};
use crate::routes::{Match, MatchError, Permissions, Route};
use crate::telemetry::HttpMetrics;
use crate::transcode::body::{self, BodyLimits};
use crate::transcode::preconditions::Conditions;
use crate::transcode::{Encoded, RouteKind, Transcoder};
use crate::upstream::{self, Call, Told};
use exchange::Exchange;
use idempotency::IdempotencyKey;
use presented::Presented;
use targets::Target;

pub(crate) use targets::Targets;

/// Everything that a request meets.
pub(crate) struct Edge {
    pub(crate) addresses: ClientAddresses,
    pub(crate) cap: AddressCap,
    /// `None` unless pages of other origins may call.
    pub(crate) cors: Option<Cors>,
    pub(crate) targets: Targets,
    /// `None` where it is turned off.
    pub(crate) reflection: Option<Arc<Reflection>>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) authorizer: Authorizer,
    /// Every service behind, each once.
    pub(crate) upstreams: Vec<Upstream>,
    pub(crate) limits: BodyLimits,
    pub(crate) pages: Pages,
    pub(crate) transcoder: Arc<Transcoder>,
    pub(crate) ids: Ids,
    pub(crate) metrics: HttpMetrics,
    pub(crate) request_log: Arc<RequestLog>,
    pub(crate) access_log: AccessLog,
    pub(crate) browser: Browser,
    /// Where clients find the API.
    pub(crate) api_url: HeaderValue,
}

/// Which listener a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Front {
    /// `edge.listen`: the API, without cookies.
    Data,
    /// `dashboard.listen`: the dashboard's files and `/v1/console`, with sessions.
    Dashboard,
}

/// A request that may do what it asks for.
#[derive(Clone, Copy)]
struct Authorized<'r> {
    route: &'r Arc<Route>,
    /// The variables of its path.
    params: &'r [Cow<'r, str>],
    target: &'r Target,
    head: &'r Parts,
    id: &'r RequestId,
    client: IpAddr,
    caller: &'r Caller,
    /// What is left of the deadline. It is the service's and the check's.
    left: Duration,
    idempotency_key: Option<IdempotencyKey<'r>>,
    /// On the dashboard's listener.
    browser: Option<&'r Browser>,
    told: Option<Told<'r>>,
}

/// What a request asks for, as far as that is known before its body.
struct Needed<'r> {
    /// The path of the RPC.
    operation: &'r str,
    permissions: Permissions<'r>,
    /// The agent that it names.
    agent: Option<&'r str>,
    target: &'r Target,
}

impl Edge {
    /// Answers a request, always.
    pub(crate) async fn handle(
        &self,
        front: Front,
        peer: IpAddr,
        request: Request<RequestBody>,
    ) -> Response<Body> {
        let (mut head, mut body) = request.into_parts();
        if let (Front::Data, Some(protocol)) = (front, Protocol::of(&head)) {
            return Box::pin(self.handle_call(protocol, peer, head, body)).await;
        }
        let in_flight = self.metrics.enter();
        let mut exchange = Exchange::new(self.ids.next(), &head, &self.metrics.unmatched, &self.request_log);
        let span = exchange.span.clone();

        // A panic costs this request only, and its caller still gets an answer in our form.
        // In a box, which is used again by the next request of this thread: else what surrounds the steps, hyper
        // above all, moves all of their state several times, and every connection has room for it.
        let steps = Box::pin(self.steps(front, &mut exchange, peer, &mut head, &mut body));
        let steps = AssertUnwindSafe(steps).catch_unwind();
        let outcome = match steps.instrument(span).await {
            Ok(outcome) => outcome,
            Err(panic) => Err(Refusal::of_panic(panic.as_ref())),
        };
        let (mut response, refusal) = match outcome {
            Ok(response) => (response, None),
            Err(refusal) => (answer::failure(refusal.refused(), &exchange.id, &head.headers), Some(refusal)),
        };
        self.finish(front, &exchange, &head, &mut response);
        if head.method == Method::HEAD {
            answer::without_body(&mut response);
        }
        drain_unread(&head, body);
        let outcome = (response.status(), refusal.as_ref());
        exchange.answered(head, self.access_log, outcome, in_flight, response.body_mut(), || None);
        response
    }

    /// What every answer carries, in whichever protocol.
    fn finish(&self, front: Front, exchange: &Exchange<'_>, head: &Parts, response: &mut Response<Body>) {
        answer::finish(response, &exchange.id);
        // Pages of other origins have no business at the dashboard's listener.
        if let (Front::Data, Some(cors)) = (front, &self.cors) {
            cors.write(head, response.headers_mut());
        }
        exchange.rate_headers.write(response.headers_mut());
    }

    /// The order of refusals is the contract's (API.md, 3).
    async fn steps<'e>(
        &'e self,
        front: Front,
        exchange: &mut Exchange<'e>,
        peer: IpAddr,
        head: &mut Parts,
        body: &mut RequestBody,
    ) -> Result<Response<Body>, Refusal> {
        let client = self.enter(exchange, peer, head)?;

        if front == Front::Dashboard && !is_console(head.uri.path()) {
            return self.beside_console(exchange, head, body).await;
        }

        // The edge's own pages come first, so that no route can take their place.
        if let Some(page) = self.pages.find(head.uri.path()) {
            exchange.metrics = self.targets.page(page);
            page.check_method(&head.method)?;
            headers::discard(&mut head.headers);
            body::none(head, body, self.limits).await?;
            return match head.method {
                Method::OPTIONS => answer::options(EdgePage::ALLOW),
                _ => self.pages.get(page, head, &self.upstreams).await,
            };
        }

        // Before the credentials, which neither an unknown path nor OPTIONS needs.
        let found = match self.targets.find(&head.method, &head.uri) {
            Ok(found) => found,
            Err(MatchError::MethodNotAllowed { allow }) if head.method == Method::OPTIONS => {
                headers::discard(&mut head.headers);
                body::none(head, body, self.limits).await?;
                return answer::options(&allow);
            }
            // A call over gRPC-Web, of which a browser asks first.
            Err(MatchError::NotFound)
                if head.method == Method::OPTIONS && self.targets.rpc(head.uri.path()).is_some() =>
            {
                headers::discard(&mut head.headers);
                body::none(head, body, self.limits).await?;
                return answer::options("OPTIONS, POST");
            }
            Err(error) => return Err(unmatched(error)),
        };
        let Match { route, params } = found;
        let target = self.targets.of(route);
        exchange.metrics = &target.metrics;
        // Before all cookies are taken out of the head.
        let flow = match front {
            Front::Dashboard if !route.rpc.http.redirect.is_empty() => self.browser.flow(&head.headers),
            _ => None,
        };
        let session = match front {
            Front::Dashboard => self.browser.session(&head.method, &mut head.headers, &route.access)?,
            Front::Data if targets::begins_session(&route.rpc) => return Err(route_not_found().into()),
            Front::Data => None,
        };

        // Before the check, which costs more than a refusal. The place is held to the end.
        let presented = Presented::take(&route.access, &self.admission, &mut head.headers, session)?;
        let mut admitted = self.admission.enter(presented.priority, &target.baseline, route.is_slow())?;

        // Before the body, so that nobody unknown makes us read one.
        admitted.resume();
        let needed = Needed {
            operation: &route.rpc.path,
            permissions: route.permissions(head.uri.query()),
            agent: route.agent(&params),
            target,
        };
        let standing =
            route.kind().is_streamed().then(|| presented.standing(&needed, client, &exchange.id)).flatten();
        let caller = self.authorize(exchange, needed, client, presented).await?;
        let left = route.deadline().saturating_sub(admitted.so_far());
        // What the client takes to send its body is not measured, nor the call where that is slow by nature.
        match route.is_slow() {
            true => admitted.answered(),
            false if route.takes_body() => admitted.pause(),
            false => {}
        }

        // The body, the call and the answer. All kinds but the usual one are in a box, or every request would take
        // room for them.
        let (head, id, caller) = (&*head, &exchange.id, &caller);
        let idempotency_key = IdempotencyKey::of(&head.headers, route)?;
        let request = Authorized {
            route,
            params: &params,
            target,
            head,
            id,
            client,
            caller,
            left,
            idempotency_key,
            browser: (front == Front::Dashboard).then_some(&self.browser),
            told: self.told(&route.access, head).map(|told| Told { flow: flow.as_ref(), ..told }),
        };
        let again = standing.map(|standing| Reauthorization::new(&self.authorizer, *standing));
        match route.kind() {
            RouteKind::Unary => self.unary(request, body, admitted).await,
            RouteKind::Upload(messages) => Box::pin(self.upload(request, messages, body, again)).await,
            RouteKind::Download(messages) => {
                Box::pin(self.download(request, messages, body, admitted, again)).await
            }
            RouteKind::Lines => Box::pin(self.lines(request, body, admitted, again)).await,
            RouteKind::NotServed => Err(Error::unimplemented("Streaming").into()),
        }
    }

    /// What auth-svc is told of a request, where it is about members.
    fn told<'r>(&'r self, access: &Access, head: &'r Parts) -> Option<Told<'r>> {
        matches!(access, Access::Member(_) | Access::Public).then(|| Told {
            dashboard_url: self.browser.url(),
            api_url: &self.api_url,
            user_agent: head.headers.get(USER_AGENT),
            flow: None,
        })
    }

    /// What the dashboard's listener has beside the management API: its files, and the documentation.
    async fn beside_console<'e>(
        &'e self,
        exchange: &mut Exchange<'e>,
        head: &mut Parts,
        body: &mut RequestBody,
    ) -> Result<Response<Body>, Refusal> {
        headers::discard(&mut head.headers);
        if let Some(file) = dashboard::answer(head) {
            exchange.metrics = self.targets.dashboard();
            body::none(head, body, self.limits).await?;
            return file;
        }
        let page = self.pages.find(head.uri.path()).filter(|page| *page != EdgePage::Health);
        let Some(page) = page else { return Err(route_not_found().into()) };
        exchange.metrics = self.targets.page(page);
        page.check_method(&head.method)?;
        body::none(head, body, self.limits).await?;
        match head.method {
            Method::OPTIONS => answer::options(EdgePage::ALLOW),
            _ => self.pages.get(page, head, &self.upstreams).await,
        }
    }

    /// What is first of all: the limits of a head, so that nothing works on one that is over them, and the client's
    /// address with its cap, before anything that costs more than a look at a table.
    fn enter(&self, exchange: &mut Exchange<'_>, peer: IpAddr, head: &Parts) -> Result<IpAddr, Refusal> {
        head::check(head)?;
        let client = self.addresses.of(peer, &head.headers);
        exchange.client = Some(client);
        self.cap.check(client)?;
        Ok(client)
    }

    /// Reads a body of JSON, or sees that there is none, and encodes the message of the request. With what the
    /// service is told of a call that takes effect once.
    async fn read<'r, B>(
        &self,
        request: Authorized<'r>,
        body: &mut B,
    ) -> Result<(Encoded, Conditions<'r>, Option<HeaderValue>), Refusal>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        let bytes = match request.route.takes_body() {
            true => body::json(request.head, body, self.limits).await?,
            false => {
                body::none(request.head, body, self.limits).await?;
                Bytes::new()
            }
        };
        let digest = request.digest(&bytes);
        let (encoded, conditions) = self.encode(request, bytes).await?;
        Ok((encoded, conditions, digest))
    }

    /// The message of a request, and the conditions that it is made under.
    async fn encode<'r>(
        &self,
        request: Authorized<'r>,
        body: Bytes,
    ) -> Result<(Encoded, Conditions<'r>), Refusal> {
        let Authorized { route, params, head, .. } = request;
        let conditions = Conditions::of(&head.headers, route.takes(&head.method))?;
        let (query, precondition) = (head.uri.query(), conditions.precondition());
        let encoded = self.transcoder.request(&route.plan, params, query, body, precondition).await?;
        Ok((encoded, conditions))
    }

    async fn authorize(
        &self,
        exchange: &mut Exchange<'_>,
        needed: Needed<'_>,
        client: IpAddr,
        presented: Presented,
    ) -> Result<Caller, Refusal> {
        let Presented { credential, refused, role, fingerprint, .. } = presented;
        let Some(credential) = credential else { return Ok(Caller::Anyone) };
        let Needed { operation, permissions, agent, target } = needed;
        let question = Question {
            credential: credential.with_role(role),
            client,
            operation: operation.trim_start_matches('/'),
            permissions: &permissions,
            agent,
            audience: (!target.method.upstream().is_in_process()).then(|| target.method.upstream().name()),
            goes_on: false,
            request_id: exchange.id.as_str(),
        };
        let of_member = !matches!(question.credential, authorize::Credential::ApiKey { .. });
        let Verdict { decision, rate_headers, key } = self.authorizer.ask(question).await;
        exchange.rate_headers = rate_headers;
        if let Some(fingerprint) = fingerprint {
            self.admission.known.learn(fingerprint, decision.as_ref().err().map(Refusal::reason));
        }
        let decision = match refused {
            None => decision,
            Some(error) => match decision {
                Err(refusal) if refusal.reason() == Reason::AddressThrottled => Err(refusal),
                _ => Err(error.into()),
            },
        };
        if self.request_log.is_on() && !of_member {
            let told = decision.as_ref().err().map(|refusal| refusal.refused().error.message.as_str());
            exchange.caller = LoggedCaller::new(&target.operation, &permissions, key, agent, told);
        }
        decision
    }
}

impl<'r> Authorized<'r> {
    /// What the service is told of a call that takes effect once.
    fn digest(&self, body: &[u8]) -> Option<HeaderValue> {
        self.idempotency_key?.digest(self.head, body)
    }

    /// The call to the service, which begins now.
    fn call(&self) -> Result<Call<'r>, Error> {
        if self.left.is_zero() {
            return Err(Error::deadline_exceeded());
        }
        Ok(Call {
            method: &self.target.method,
            caller: self.caller,
            client: self.client,
            id: self.id,
            ends: Instant::now() + self.left,
            safe: self.route.method == Method::GET,
            once: None,
            told: self.told,
            range: upstream::Range::default(),
            accept: None,
        })
    }
}

/// Reads on where an answer was given before the body was read.
fn drain_unread(head: &Parts, body: RequestBody) {
    // A client that waits for `100 Continue` sends nothing, and reading would ask it to.
    if !body.is_end_stream() && !head.headers.contains_key(EXPECT) {
        tokio::spawn(body::drain(body.answered()));
    }
}

fn unmatched(error: MatchError) -> Refusal {
    match error {
        MatchError::NotFound => route_not_found().into(),
        MatchError::MethodNotAllowed { allow } => method_not_allowed(allow),
    }
}

/// Whether a path is one of the management API, which the dashboard's listener has beside its files.
fn is_console(path: &str) -> bool {
    path.strip_prefix("/v1/console").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn route_not_found() -> Error {
    Error::new(Reason::RouteNotFound, "There is no such path.")
}
