//! From `google.api.http` and our annotations to routes.

use std::str::FromStr;
use std::sync::Arc;

use http::Method;
use keyward_proto::google::api::{HttpRule, http_rule::Pattern};
use prost_reflect::{DescriptorPool, MethodDescriptor};
use svc_core::policy::{self, Access, Policy, Rpc};

use super::template::Template;
use super::{Body, Route, RouteError};
use crate::transcode::{Plan, Schema};

/// The routes of these services, by RPC and in the order of its bindings.
pub(super) fn routes(pool: &DescriptorPool, services: &[&str]) -> Result<Vec<(Template, Route)>, RouteError> {
    let http = policy::extension(pool, "google.api.http")?;
    let policy = Policy::of(pool, services.iter().copied())?;
    let mut rpcs: Vec<&Arc<Rpc>> = policy.rpcs().filter(|rpc| rpc.access != Access::Internal).collect();
    rpcs.sort_by(|a, b| a.path.cmp(&b.path));

    let types = rpcs.iter().flat_map(|rpc| [rpc.method.input(), rpc.method.output()]);
    let schema = Arc::new(Schema::of(pool, types)?);
    let mut routes = Vec::new();
    for rpc in rpcs {
        let options = rpc.method.options();
        if !options.has_extension(&http) {
            continue;
        }
        let value = options.get_extension(&http);
        let Some(message) = value.as_message() else { continue };
        let rule: HttpRule = policy::recode(message, rpc.method.full_name())?;
        let bad = |problem: String| RouteError::Bad { rpc: rpc.method.full_name().to_owned(), problem };
        for binding in std::iter::once(&rule).chain(&rule.additional_bindings) {
            routes.push(route(&schema, rpc, binding).map_err(bad)?);
        }
        if rule.additional_bindings.iter().any(|b| !b.additional_bindings.is_empty()) {
            return Err(bad("an additional binding has no additional bindings of its own".to_owned()));
        }
    }
    Ok(routes)
}

fn route(schema: &Arc<Schema>, rpc: &Arc<Rpc>, binding: &HttpRule) -> Result<(Template, Route), String> {
    let (method, path) = method_and_path(binding)?;
    let template = Template::parse(path).map_err(|problem| format!("`{path}`: {problem}"))?;
    let body = match binding.body.as_str() {
        "" => Body::None,
        "*" => Body::Whole,
        field => Body::Field(field.to_owned()),
    };
    let plan = Plan::of(schema, rpc, &method, &template, &body, &binding.response_body)?;
    let agent = match &rpc.access {
        Access::Key { agent, when, .. } => {
            conditions(rpc, &plan, when)?;
            agent.as_ref().and_then(|agent| template.variables.iter().position(|v| v.field == agent.name))
        }
        _ => None,
    };
    let service = service(&rpc.method);
    Ok((template, Route { rpc: rpc.clone(), service, method, template: path.to_owned(), body, plan, agent }))
}

/// A permission that depends on a field is decided before the body is read, so the field must be a
/// query parameter.
fn conditions(rpc: &Rpc, plan: &Plan, when: &[(String, Vec<String>)]) -> Result<(), String> {
    let by_query = |name: &str| plan.query_field(name).is_some();
    match when.iter().find(|(name, _)| !by_query(plan.json_name(name).unwrap_or_default())) {
        Some((name, _)) => {
            Err(format!("`when` names `{name}`, which is not a query parameter of {}", rpc.path))
        }
        None => Ok(()),
    }
}

fn method_and_path(binding: &HttpRule) -> Result<(Method, &str), String> {
    match &binding.pattern {
        Some(Pattern::Get(path)) => Ok((Method::GET, path)),
        Some(Pattern::Put(path)) => Ok((Method::PUT, path)),
        Some(Pattern::Post(path)) => Ok((Method::POST, path)),
        Some(Pattern::Delete(path)) => Ok((Method::DELETE, path)),
        Some(Pattern::Patch(path)) => Ok((Method::PATCH, path)),
        Some(Pattern::Custom(custom)) => match Method::from_str(&custom.kind) {
            Ok(method) if custom.kind != "*" => Ok((method, &custom.path)),
            _ => Err(format!("`{}` is not a method", custom.kind)),
        },
        None => Err("`google.api.http` names no method".to_owned()),
    }
}

fn service(method: &MethodDescriptor) -> String {
    method.parent_service().full_name().to_owned()
}
