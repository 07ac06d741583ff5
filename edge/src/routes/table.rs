//! All routes in a trie of path segments.
//!
//! The left-most literal wins over a variable, over all methods; where the literal leads nowhere, the
//! variable is tried. A verb counts only where a route has it, and wins over a variable there.

use std::sync::Arc;

use http::Method;
use prost_reflect::DescriptorPool;

use super::path::{self, Segment};
use super::template::{self, Template};
use super::{Route, RouteError, compile};

/// The routes of some services.
#[derive(Debug)]
pub struct Table {
    nodes: Vec<Node>,
    routes: Vec<Arc<Route>>,
    /// The segments of the longest template.
    deepest: usize,
}

/// Why a method and a path have no route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Miss {
    /// No route has the path.
    NotFound,
    /// The path has routes, none with the method.
    MethodNotAllowed {
        /// The methods it has, sorted: the `Allow` header.
        allow: String,
    },
}

/// The route of a request.
#[derive(Clone, Debug)]
pub struct Match<'t> {
    /// The route.
    pub route: &'t Arc<Route>,
    /// The values of its variables, decoded, in the order of the template.
    pub params: Vec<String>,
}

#[derive(Debug, Default)]
struct Node {
    literals: Vec<(String, usize)>,
    any: Option<usize>,
    /// The routes that end here.
    ends: Vec<Arc<Route>>,
    /// The routes that end here with a verb.
    verbs: Vec<(String, Vec<Arc<Route>>)>,
}

impl Node {
    fn literal(&self, text: &str) -> Option<usize> {
        self.literals.iter().find(|(name, _)| name == text).map(|&(_, node)| node)
    }

    fn verb(&self, verb: &str) -> Option<&[Arc<Route>]> {
        self.verbs.iter().find(|(name, _)| name == verb).map(|(_, routes)| routes.as_slice())
    }
}

impl Table {
    /// Makes the routes of these services; RPCs that are `internal` or have no `google.api.http` get
    /// none, neither do the services that need no rule.
    ///
    /// # Errors
    /// Refuses an RPC without a usable rule, colliding routes, and annotations that name fields which
    /// are not there or do not fit.
    pub fn build(pool: &DescriptorPool, services: &[&str]) -> Result<Table, RouteError> {
        let mut table = Table { nodes: vec![Node::default()], routes: Vec::new(), deepest: 0 };
        for (template, route) in compile::routes(pool, services)? {
            table.insert(&template, Arc::new(route))?;
        }
        Ok(table)
    }

    /// All routes, by RPC.
    pub fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.routes.iter()
    }

    /// The route for a method (in its exact case) and a path as it was sent, still percent-encoded.
    pub fn find<'t>(&'t self, method: &Method, path: &str) -> Result<Match<'t>, Miss> {
        let segments = path::split(path, self.deepest).ok_or(Miss::NotFound)?;
        let end = self.search(0, &segments).ok_or(Miss::NotFound)?;
        let mut allow: Vec<&str> = Vec::new();
        for route in end.routes {
            let Some(params) = params(route, &segments, end.verb) else { continue };
            if route.method == *method {
                return Ok(Match { route, params });
            }
            allow.push(route.method.as_str());
        }
        if allow.is_empty() {
            return Err(Miss::NotFound);
        }
        allow.sort_unstable();
        Err(Miss::MethodNotAllowed { allow: allow.join(", ") })
    }

    /// Every node is reached at most once, so a lookup costs at most the size of the trie.
    fn search<'t>(&'t self, node: usize, segments: &[Segment<'_>]) -> Option<End<'t>> {
        let node = &self.nodes[node];
        let [head, tail @ ..] = segments else { return None };
        if tail.is_empty() {
            return self.last(node, head);
        }
        node.literal(&head.literal)
            .and_then(|child| self.search(child, tail))
            .or_else(|| node.any.and_then(|child| self.search(child, tail)))
    }

    fn last<'t>(&'t self, node: &'t Node, segment: &Segment<'_>) -> Option<End<'t>> {
        let with_verb = segment.literal.rsplit_once(':').filter(|(bare, _)| !bare.is_empty());
        let verb_of = |child: usize| {
            let (_, verb) = with_verb?;
            let (verb, routes) = self.nodes[child].verbs.iter().find(|(name, _)| name == verb)?;
            Some(End { routes, verb: Some(verb) })
        };
        let plain = |child: usize| {
            let routes = self.nodes[child].ends.as_slice();
            (!routes.is_empty()).then_some(End { routes, verb: None })
        };
        (with_verb.and_then(|(bare, _)| node.literal(bare)).and_then(verb_of))
            .or_else(|| node.literal(&segment.literal).and_then(plain))
            .or_else(|| node.any.and_then(verb_of))
            .or_else(|| node.any.and_then(plain))
    }

    fn insert(&mut self, template: &Template, route: Arc<Route>) -> Result<(), RouteError> {
        let mut at = 0;
        for segment in &template.segments {
            let known = match segment {
                template::Segment::Literal(text) => self.nodes[at].literal(text),
                template::Segment::Any => self.nodes[at].any,
            };
            at = match known {
                Some(child) => child,
                None => {
                    let child = self.nodes.len();
                    self.nodes.push(Node::default());
                    match segment {
                        template::Segment::Literal(text) => {
                            self.nodes[at].literals.push((text.clone(), child))
                        }
                        template::Segment::Any => self.nodes[at].any = Some(child),
                    }
                    child
                }
            };
        }
        let node = &mut self.nodes[at];
        let taken = match &template.verb {
            None => node.ends.as_slice(),
            Some(verb) => node.verb(verb).unwrap_or_default(),
        };
        if let Some(other) = taken.iter().find(|other| other.method == route.method) {
            return Err(RouteError::Collision {
                rpc: route.rpc.method.full_name().to_owned(),
                method: route.method.clone(),
                template: route.template.clone(),
                other: other.rpc.method.full_name().to_owned(),
            });
        }
        match &template.verb {
            None => node.ends.push(route.clone()),
            Some(verb) => match node.verbs.iter_mut().find(|(name, _)| name == verb) {
                Some((_, routes)) => routes.push(route.clone()),
                None => node.verbs.push((verb.clone(), vec![route.clone()])),
            },
        }
        self.deepest = self.deepest.max(template.segments.len());
        self.routes.push(route);
        Ok(())
    }
}

/// Where a path ends in the trie.
struct End<'t> {
    routes: &'t [Arc<Route>],
    verb: Option<&'t str>,
}

/// The values of a route's variables; `None` where one cannot hold what the path has: `%2F` in a
/// field that is not the caller's own text, or nothing but the verb.
fn params(route: &Route, segments: &[Segment<'_>], verb: Option<&str>) -> Option<Vec<String>> {
    let mut params = Vec::with_capacity(route.plan.variables.len());
    for variable in &route.plan.variables {
        let mut value = String::new();
        for (i, segment) in
            segments.iter().enumerate().take(variable.segments.end).skip(variable.segments.start)
        {
            if segment.slash && !variable.opaque {
                return None;
            }
            if i > variable.segments.start {
                value.push('/');
            }
            value.push_str(&segment.value);
        }
        if let Some(verb) = verb
            && variable.segments.end == segments.len()
        {
            value.truncate(value.len().checked_sub(verb.len() + 1)?);
        }
        if !path::is_name(&value) {
            return None;
        }
        params.push(value);
    }
    Some(params)
}
