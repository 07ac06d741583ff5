//! What the edge answers itself, without a service behind and without credentials.

use std::time::Duration;

use futures::future::join_all;
use http::{Method, Response};
use serde_json::{Map, Value, json};
use svc_core::error::{Error, Fault, Reason, Violation};
use svc_core::grpc::Upstream;
use svc_core::grpc::deadline;
use tonic::Request;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::answer::{self, Body, Refusal};

/// How long an upstream may take to say how it is.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);

const SERVING: &str = "SERVING";
const NOT_SERVING: &str = "NOT_SERVING";

/// A page of the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// Whether the edge, and with `?deep=true` everything behind it, is up.
    Health,
    /// The OpenAPI document.
    OpenApi,
    /// The documentation.
    Docs,
}

impl Page {
    pub(crate) const ALL: [Page; 3] = [Page::Health, Page::OpenApi, Page::Docs];

    /// Where it is.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Page::Health => "/v1/open/health",
            Page::OpenApi => "/openapi.json",
            Page::Docs => "/docs",
        }
    }

    /// The page with this path.
    pub(crate) fn find(path: &str) -> Option<Page> {
        Page::ALL.into_iter().find(|page| page.path() == path)
    }

    /// Whether it has this method.
    pub(crate) fn check_method(self, method: &Method) -> Result<(), Refusal> {
        match *method == Method::GET {
            true => Ok(()),
            false => Err(method_not_allowed("GET")),
        }
    }

    /// The page.
    pub(crate) async fn get(
        self,
        query: Option<&str>,
        upstreams: &[Upstream],
    ) -> Result<Response<Body>, Refusal> {
        match self {
            Page::Health => health(query, upstreams).await,
            Page::OpenApi => Err(Error::unimplemented("The OpenAPI document").into()),
            Page::Docs => Err(Error::unimplemented("The documentation").into()),
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
