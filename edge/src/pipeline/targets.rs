//! The routes, with what the pipeline needs of each.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{Method, Uri};
use prost_reflect::MethodDescriptor;
use svc_core::policy::{Access, Rpc};
use svc_runtime::grpc::{Method as UpstreamMethod, Upstream};

use crate::admission::Baseline;
use crate::grpc::reflection;
use crate::pages::EdgePage;
use crate::request_log::Operation;
use crate::routes::{self, Match, MatchError, Route, Table};
use crate::telemetry::{HttpMetrics, RouteMetrics};

/// What the dashboard's files are called in metrics, whatever their names.
const DASHBOARD: &str = "/";

/// Whether an RPC begins a session or leads a browser to where one begins, which only the dashboard's listener has.
pub(super) fn begins_session(rpc: &Rpc) -> bool {
    rpc.access == Access::Public && !(rpc.http.cookie.is_empty() && rpc.http.redirect.is_empty())
}

/// All routes and pages.
pub(crate) struct Targets {
    table: Table,
    /// Of each route at its index.
    targets: Vec<Target>,
    /// What is called by its own path over gRPC.
    rpcs: HashMap<String, RpcTarget>,
    pages: [Arc<RouteMetrics>; EdgePage::ALL.len()],
    /// Of the dashboard's files, all together.
    dashboard: Arc<RouteMetrics>,
    reflection: Arc<RouteMetrics>,
    /// All methods that any path has.
    methods: String,
}

/// Where a route leads.
pub(super) struct Target {
    pub(super) method: UpstreamMethod,
    pub(super) metrics: Arc<RouteMetrics>,
    /// What the request log says of it.
    pub(super) operation: Arc<Operation>,
    /// What the check and the call take while hardly anything is in flight.
    pub(super) baseline: Baseline,
}

/// Where a call over gRPC leads.
pub(super) struct RpcTarget {
    pub(super) rpc: Arc<Rpc>,
    pub(super) target: Target,
    /// Whether it changes nothing, as its binding to GET says.
    pub(super) is_safe: bool,
    /// Whether it may take long by its nature.
    pub(super) is_slow: bool,
}

impl Targets {
    /// Fails with the name of a service that no upstream serves.
    pub(crate) fn new(
        table: Table,
        upstreams: &HashMap<String, Upstream>,
        metrics: &HttpMetrics,
    ) -> Result<Targets, String> {
        let target = |rpc: &Rpc, metrics: Arc<RouteMetrics>| {
            let service = rpc.method.parent_service().full_name().to_owned();
            let Some(upstream) = upstreams.get(&service) else { return Err(service) };
            let path = PathAndQuery::try_from(rpc.path.as_str()).map_err(|_| service)?;
            let operation = Arc::new(Operation::of(rpc));
            Ok(Target { method: upstream.method(path), metrics, operation, baseline: Baseline::default() })
        };
        let of_route = |route: &Arc<Route>| target(&route.rpc, metrics.route(&route.template));
        let targets = table.routes().map(of_route).collect::<Result<Vec<Target>, String>>()?;
        let safe = |route: &&Arc<Route>| route.method == Method::GET;
        let safe: HashSet<&str> = table.routes().filter(safe).map(|route| route.rpc.path.as_str()).collect();
        let of_rpc = |rpc: &Arc<Rpc>| {
            let target = target(rpc, metrics.route(&rpc.path))?;
            let (is_safe, is_slow) = (safe.contains(rpc.path.as_str()), routes::is_slow(rpc));
            Ok((rpc.path.clone(), RpcTarget { rpc: rpc.clone(), target, is_safe, is_slow }))
        };
        // A session is a cookie, which gRPC has not.
        let rpcs =
            table.rpcs().filter(|rpc| !begins_session(rpc)).map(of_rpc).collect::<Result<_, String>>()?;
        let pages = EdgePage::ALL.map(|page| metrics.route(page.path()));
        let dashboard = metrics.route(DASHBOARD);
        let reflection = metrics.route(reflection::PATH);
        let methods = table.methods();
        Ok(Targets { table, targets, rpcs, pages, dashboard, reflection, methods })
    }

    /// The route of a request.
    pub(super) fn find<'p>(&self, method: &Method, uri: &'p Uri) -> Result<Match<'_, 'p>, MatchError> {
        match uri.path() {
            // The server as a whole (RFC 9110, 9.3.7), which has nothing but OPTIONS.
            "*" if *method == Method::OPTIONS => {
                Err(MatchError::MethodNotAllowed { allow: self.methods.clone() })
            }
            path => self.table.find(method, path),
        }
    }

    /// Where a call with this path leads.
    pub(super) fn rpc(&self, path: &str) -> Option<&RpcTarget> {
        self.rpcs.get(path)
    }

    /// Where a route of this table leads.
    pub(super) fn of(&self, route: &Route) -> &Target {
        &self.targets[route.index]
    }

    /// The metrics of the dashboard's files.
    pub(super) fn dashboard(&self) -> &Arc<RouteMetrics> {
        &self.dashboard
    }

    /// The metrics of questions about what can be called.
    pub(super) fn reflection(&self) -> &Arc<RouteMetrics> {
        &self.reflection
    }

    /// What can be called over gRPC.
    pub(crate) fn methods(&self) -> Vec<MethodDescriptor> {
        self.rpcs.values().map(|of| of.rpc.method.clone()).collect()
    }

    /// The metrics of a page.
    pub(super) fn page(&self, page: EdgePage) -> &Arc<RouteMetrics> {
        &self.pages[page as usize]
    }
}
