//! What is seen of requests: counted, logged and traced.

pub(crate) mod access_log;
mod metrics;
pub(crate) mod span;

pub(crate) use metrics::{HttpMetrics, InFlight, RouteMetrics};
