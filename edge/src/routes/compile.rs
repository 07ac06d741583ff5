//! From `google.api.http` and our annotations to routes.

use std::borrow::Cow;
use std::str::FromStr;
use std::sync::Arc;

use http::Method;
use keyward_proto::google::api::{HttpRule, http_rule::Pattern};
use prost_reflect::{DescriptorPool, MethodDescriptor};
use svc_core::policy::{self, Access, Condition, Policy, Rpc};

use super::error::RouteError;
use super::route::{Route, Variable};
use super::template::Template;
use crate::transcode::{Binding, Dialect, Messages, Plan, RouteKind, Schema};

/// The methods of a binding to any method (`custom {kind: "*"}`). HEAD is answered where GET is, and OPTIONS
/// by the edge itself.
const ANY_METHOD: [Method; 5] = [Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::PATCH];

/// A route that was made, not yet in its place.
pub(super) struct Compiled {
    pub(super) template: Template,
    pub(super) route: Route,
    /// It stands for any method, so that a route for just its method goes before it.
    pub(super) any_method: bool,
}

/// The RPCs of these services that anyone but Keyward itself may call, by path.
pub(super) fn rpcs(pool: &DescriptorPool, services: &[&str]) -> Result<Vec<Arc<Rpc>>, RouteError> {
    let policy = Policy::of(pool, services.iter().copied())?;
    let mut rpcs: Vec<Arc<Rpc>> =
        policy.rpcs().filter(|rpc| rpc.access != Access::Internal).cloned().collect();
    rpcs.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(rpcs)
}

/// The routes of these RPCs, by RPC and in the order of its bindings.
pub(super) fn routes(
    pool: &DescriptorPool,
    rpcs: &[Arc<Rpc>],
    dialect: Dialect,
) -> Result<Vec<Compiled>, RouteError> {
    let http = policy::extension(pool, "google.api.http")?;
    let types = rpcs.iter().flat_map(|rpc| [rpc.method.input(), rpc.method.output()]);
    let schema = Arc::new(Schema::of(pool, types, dialect)?);
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
            let (methods, path) = methods_and_path(binding).map_err(bad)?;
            for method in methods.iter() {
                let any_method = methods.len() > 1;
                let (template, route) = route(&schema, rpc, binding, method, path).map_err(bad)?;
                routes.push(Compiled { template, route, any_method });
            }
        }
        if rule.additional_bindings.iter().any(|b| !b.additional_bindings.is_empty()) {
            return Err(bad("an additional binding has no additional bindings of its own".to_owned()));
        }
    }
    Ok(routes)
}

fn route(
    schema: &Arc<Schema>,
    rpc: &Arc<Rpc>,
    binding: &HttpRule,
    method: &Method,
    path: &str,
) -> Result<(Template, Route), String> {
    let template = Template::parse(path).map_err(|problem| format!("`{path}`: {problem}"))?;
    let plan = Plan::of(
        schema,
        rpc,
        &Binding {
            method,
            variables: template.variables.iter().map(|v| v.field.as_str()).collect(),
            body: &binding.body,
            response_body: &binding.response_body,
            location: location(rpc, path),
        },
    )?;
    if rpc.http.ranges && plan.kind != RouteKind::Download(Messages::Many) {
        return Err("`ranges` needs a stream of `google.api.HttpBody`".to_owned());
    }
    let variables = template.variables.iter().zip(&plan.variables);
    let variables = variables.map(|(v, field)| Variable { span: v.span, is_opaque: field.is_opaque });
    let agent = match &rpc.access {
        Access::Key { agent, when, .. } => {
            conditions(rpc, &plan, when)?;
            agent.as_ref().and_then(|agent| template.variables.iter().position(|v| v.field == agent.name))
        }
        _ => None,
    };
    let agent = match &rpc.member_agent {
        Some(field) => {
            let named = template.variables.iter().position(|v| v.field == field.name);
            Some(named.ok_or_else(|| format!("`{path}` does not name the agent `{}`", field.name))?)
        }
        None => agent,
    };
    let access = rpc.access.by(path);
    if access != rpc.access && agent.is_none() {
        return Err(format!("`{path}` is for members and names no agent"));
    }
    let service = service(&rpc.method);
    let route = Route {
        rpc: rpc.clone(),
        access,
        service,
        method: method.clone(),
        template: path.to_owned(),
        // Its place is that in the table.
        index: 0,
        variables: variables.collect(),
        plan: Arc::new(plan),
        agent,
    };
    Ok((template, route))
}

/// The `Location` of an answer over this path.
fn location<'r>(rpc: &'r Rpc, path: &str) -> &'r str {
    match rpc.access.by(path) == rpc.access {
        true => &rpc.http.location,
        false => &rpc.http.member_location,
    }
}

/// A permission that depends on a field is decided before the body is read, so the field must be a
/// query parameter.
fn conditions(rpc: &Rpc, plan: &Plan, when: &[Condition]) -> Result<(), String> {
    let by_query = |name: &str| plan.query_field(name).is_some();
    let mut fields = when.iter().map(|condition| &condition.field);
    match fields.find(|name| !by_query(plan.json_name(name).unwrap_or_default())) {
        Some(name) => Err(format!("`when` names `{name}`, which is not a query parameter of {}", rpc.path)),
        None => Ok(()),
    }
}

fn methods_and_path(binding: &HttpRule) -> Result<(Cow<'static, [Method]>, &str), String> {
    let (method, path) = match &binding.pattern {
        Some(Pattern::Get(path)) => (Method::GET, path),
        Some(Pattern::Put(path)) => (Method::PUT, path),
        Some(Pattern::Post(path)) => (Method::POST, path),
        Some(Pattern::Delete(path)) => (Method::DELETE, path),
        Some(Pattern::Patch(path)) => (Method::PATCH, path),
        Some(Pattern::Custom(custom)) if custom.kind == "*" => {
            return Ok((Cow::Borrowed(&ANY_METHOD), &custom.path));
        }
        Some(Pattern::Custom(custom)) => match Method::from_str(&custom.kind) {
            // Those that mean something to a connection or to the edge itself.
            Ok(method) if ![Method::CONNECT, Method::OPTIONS, Method::TRACE].contains(&method) => {
                (method, &custom.path)
            }
            _ => return Err(format!("`{}` is not a method that a route can have", custom.kind)),
        },
        None => return Err("`google.api.http` names no method".to_owned()),
    };
    Ok((Cow::Owned(vec![method]), path))
}

fn service(method: &MethodDescriptor) -> String {
    method.parent_service().full_name().to_owned()
}
