//! What the edge answers itself, without a service behind and without credentials.

mod file;

use std::collections::HashMap;
use std::time::Duration;

use futures::future::join_all;
use http::header::CONTENT_SECURITY_POLICY;
use http::request::Parts;
use http::{HeaderValue, Method, Response};
use serde_json::{Map, Value, json};
use svc_core::error::{Error, Fault, Reason, Violation};
use svc_runtime::grpc::Upstream;
use svc_runtime::grpc::deadline;
use tonic::Request;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use self::file::File;
use crate::answer::{self, Body, Refusal};
use crate::reference::Reference;
use crate::{docs, openapi};

/// How long an upstream may take to say how it is.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);

const SERVING: &str = "SERVING";
const NOT_SERVING: &str = "NOT_SERVING";

/// A page of the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EdgePage {
    /// Whether the edge, and with `?deep=true` everything behind it, is up.
    Health,
    /// The OpenAPI document.
    OpenApi,
    /// The documentation: each of its pages.
    Docs,
}

/// What the pages show.
pub(crate) struct Pages {
    openapi: File,
    docs: HashMap<String, File>,
}

impl EdgePage {
    pub(crate) const ALL: [EdgePage; 3] = [EdgePage::Health, EdgePage::OpenApi, EdgePage::Docs];

    /// The methods of each, as in `Allow`.
    pub(crate) const ALLOW: &str = "GET, HEAD, OPTIONS";

    /// Where it is, or where it begins.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            EdgePage::Health => "/v1/open/health",
            EdgePage::OpenApi => "/openapi.json",
            EdgePage::Docs => docs::ROOT,
        }
    }

    /// Whether it has this method.
    pub(crate) fn check_method(self, method: &Method) -> Result<(), Refusal> {
        match matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            true => Ok(()),
            false => Err(method_not_allowed(EdgePage::ALLOW)),
        }
    }
}

impl Pages {
    /// Those about this API, which clients find at this origin.
    pub(crate) fn of(api: &Reference, origin: &HeaderValue) -> Pages {
        let json = HeaderValue::from_static("application/json");
        let docs = docs::pages(api, origin.to_str().unwrap_or_default()).into_iter().map(|page| {
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            let file = File::new(page.html.into_bytes(), html);
            (page.path, file.with(CONTENT_SECURITY_POLICY, page.content_security_policy))
        });
        Pages { openapi: File::new(openapi::document(api), json), docs: docs.collect() }
    }

    /// The page with this path.
    pub(crate) fn find(&self, path: &str) -> Option<EdgePage> {
        match EdgePage::ALL.into_iter().find(|page| page.path() == path) {
            None if path.starts_with(docs::ROOT) && self.docs.contains_key(path) => Some(EdgePage::Docs),
            found => found,
        }
    }

    /// The page.
    pub(crate) async fn get(
        &self,
        page: EdgePage,
        head: &Parts,
        upstreams: &[Upstream],
    ) -> Result<Response<Body>, Refusal> {
        match page {
            EdgePage::Health => health(head.uri.query(), upstreams).await,
            EdgePage::OpenApi => self.openapi.answer(&head.headers),
            EdgePage::Docs => match self.docs.get(head.uri.path()) {
                Some(file) => file.answer(&head.headers),
                None => Err(Error::new(Reason::RouteNotFound, "There is no such page.").into()),
            },
        }
    }
}

/// The path has other methods.
pub(crate) fn method_not_allowed(allow: impl Into<String>) -> Refusal {
    let allow = allow.into();
    let message = format!("This path has no such method. It has {allow}.");
    Refusal::from(Error::new(Reason::MethodNotAllowed, message)).allowing(allow)
}

async fn health(query: Option<&str>, upstreams: &[Upstream]) -> Result<Response<Body>, Refusal> {
    if !is_deep(query)? {
        return Ok(answer::own("Serving.", &json!({"status": SERVING})));
    }
    let states =
        join_all(upstreams.iter().map(|upstream| async move { (upstream.name(), state(upstream).await) }));
    let states = states.await;
    let all_serve = states.iter().all(|(_, state)| *state == SERVING);
    let states: Map<String, Value> =
        states.into_iter().map(|(name, state)| (name.to_owned(), state.into())).collect();
    let status = if all_serve { SERVING } else { NOT_SERVING };
    let data = json!({"status": status, "upstreams": states});
    match all_serve {
        true => Ok(answer::own("Serving.", &data)),
        false => {
            let error = Error::new(Reason::Unavailable, "Not every service is up.");
            Err(Refusal::from(error).because(&data).with_data(data))
        }
    }
}

/// `deep` is the one parameter, true or false.
fn is_deep(query: Option<&str>) -> Result<bool, Error> {
    let mut deep = None;
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let violation = match (name, value) {
            ("deep", _) if deep.is_some() => Violation::new("deep", Fault::Duplicate, "deep is given twice."),
            ("deep", "true" | "false") => {
                deep = Some(value == "true");
                continue;
            }
            ("deep", _) => Violation::new("deep", Fault::Invalid, "deep must be true or false."),
            _ => Violation::new(name, Fault::UnknownField, "There is no such parameter."),
        };
        return Err(Error::invalid(vec![violation]));
    }
    Ok(deep.unwrap_or(false))
}

/// What a service says of itself (grpc.health.v1). No answer is no.
async fn state(upstream: &Upstream) -> &'static str {
    let mut request = Request::new(HealthCheckRequest::default());
    deadline::set(&mut request, HEALTH_TIMEOUT);
    let mut client = HealthClient::new(upstream.clone());
    let answer = tokio::time::timeout(HEALTH_TIMEOUT, client.check(request)).await;
    match answer.map(|answer| answer.map(|response| response.into_inner().status())) {
        Ok(Ok(ServingStatus::Serving)) => SERVING,
        _ => NOT_SERVING,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_of_health() {
        for (query, outcome) in [
            (None, Ok(false)),
            (Some(""), Ok(false)),
            (Some("deep=false"), Ok(false)),
            (Some("deep=true"), Ok(true)),
            (Some("deep=1"), Err(Fault::Invalid)),
            (Some("deep"), Err(Fault::Invalid)),
            (Some("deep=true&deep=true"), Err(Fault::Duplicate)),
            (Some("x=1"), Err(Fault::UnknownField)),
        ] {
            assert_eq!(is_deep(query).map_err(|e| e.violations[0].fault), outcome, "{query:?}");
        }
    }
}
