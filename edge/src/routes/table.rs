//! All routes in a trie of path segments.
//!
//! The left-most literal wins over a variable, over all methods; where the literal leads nowhere, the
//! variable is tried, and last what takes all that is left (`**`). A verb counts only where a route has it,
//! and wins over a variable there.

use std::borrow::Cow;
use std::sync::Arc;

use http::Method;
use prost_reflect::DescriptorPool;
use smallvec::SmallVec;
use svc_core::policy::Rpc;

use super::compile;
use super::error::RouteError;
use super::path::{self, Segment};
use super::route::{Route, Variable};
use super::template::{self, Template};
use crate::transcode::Dialect;

/// How many segments `**` takes at most, with those before it. No path that people make has more, and a lookup
/// reads all of them.
const MAX_SEGMENTS: usize = 256;

/// The routes of some services.
#[derive(Debug)]
pub struct Table {
    nodes: Vec<Node>,
    routes: Vec<Arc<Route>>,
    /// What is called by its own path over gRPC.
    rpcs: Vec<Arc<Rpc>>,
    /// The segments of the longest path that has a route.
    deepest: usize,
}

/// Why a method and a path have no route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MatchError {
    /// No route has the path.
    NotFound,
    /// The path has routes, none with the method.
    MethodNotAllowed {
        /// The methods it has, sorted: the `Allow` header.
        allow: String,
    },
}

/// The values of a route's variables, decoded, in the order of the template. Most are parts of the path as they are.
pub(crate) type Params<'p> = SmallVec<[Cow<'p, str>; 4]>;

/// The route of a request.
#[derive(Clone, Debug)]
pub struct Match<'t, 'p> {
    /// The route.
    pub route: &'t Arc<Route>,
    /// The values of its variables.
    pub params: Params<'p>,
}

#[derive(Debug, Default)]
struct Node {
    literals: Vec<(String, usize)>,
    any: Option<usize>,
    /// The routes that end here.
    ends: Ends,
    /// The routes that take all that is left.
    rest: Ends,
}

/// The routes that end at one place.
#[derive(Debug, Default)]
struct Ends {
    plain: Vec<Arc<Route>>,
    verbs: Vec<(String, Vec<Arc<Route>>)>,
}

impl Ends {
    fn plain(&self) -> Option<End<'_>> {
        (!self.plain.is_empty()).then_some(End { routes: &self.plain, verb: None })
    }

    fn verb(&self, verb: &str) -> Option<End<'_>> {
        let (verb, routes) = self.verbs.iter().find(|(name, _)| name == verb)?;
        Some(End { routes, verb: Some(verb) })
    }

    fn of(&mut self, verb: Option<&str>) -> &mut Vec<Arc<Route>> {
        let Some(verb) = verb else { return &mut self.plain };
        let at = self.verbs.iter().position(|(name, _)| name == verb).unwrap_or_else(|| {
            self.verbs.push((verb.to_owned(), Vec::new()));
            self.verbs.len() - 1
        });
        &mut self.verbs[at].1
    }
}

impl Node {
    fn literal(&self, text: &str) -> Option<usize> {
        self.literals.iter().find(|(name, _)| name == text).map(|&(_, node)| node)
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
        Table::build_in(Dialect::Contract, pool, services)
    }

    /// The same for services that speak this JSON.
    ///
    /// # Errors
    /// Those of [`Table::build`].
    pub fn build_in(dialect: Dialect, pool: &DescriptorPool, services: &[&str]) -> Result<Table, RouteError> {
        let rpcs = compile::rpcs(pool, services)?;
        let compiled = compile::routes(pool, &rpcs, dialect)?;
        let mut table = Table { nodes: vec![Node::default()], routes: Vec::new(), rpcs, deepest: 0 };
        let (any_method, one_method): (Vec<_>, Vec<_>) =
            compiled.into_iter().partition(|compiled| compiled.any_method);
        for compiled in one_method {
            table.insert(&compiled.template, compiled.route)?;
        }
        // What a route of its own answers is left to that.
        let taken = table.routes.len();
        for compiled in any_method {
            table.insert_unless_taken(&compiled.template, compiled.route, taken)?;
        }
        Ok(table)
    }

    /// A table of one GET with this template, which is otherwise some route of this one. An error says what is
    /// wrong with the template.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn of_template(&self, text: &str) -> Result<Table, String> {
        let template = Template::parse(text)?;
        let some = self.routes.first().ok_or("it has no routes")?;
        let route = Route {
            rpc: some.rpc.clone(),
            access: some.access.clone(),
            service: some.service.clone(),
            method: Method::GET,
            template: text.to_owned(),
            index: 0,
            variables: template
                .variables
                .iter()
                .map(|v| Variable { span: v.span, is_opaque: true })
                .collect(),
            plan: some.plan.clone(),
            agent: None,
        };
        let mut table =
            Table { nodes: vec![Node::default()], routes: Vec::new(), rpcs: Vec::new(), deepest: 0 };
        table.insert(&template, route).map_err(|e| e.to_string())?;
        Ok(table)
    }

    /// All routes, by RPC, each at its index.
    pub fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.routes.iter()
    }

    /// All RPCs of its services, those without a route included, but for internal ones.
    pub(crate) fn rpcs(&self) -> impl Iterator<Item = &Arc<Rpc>> {
        self.rpcs.iter()
    }

    /// All methods that any path has, as in `Allow`.
    pub fn methods(&self) -> String {
        allow(self.routes.iter().map(|route| route.method.as_str()).collect())
    }

    /// The route for a method (in its exact case) and a path as it was sent, still percent-encoded. HEAD
    /// has that of GET, unless it has one of its own.
    pub fn find<'t, 'p>(&'t self, method: &Method, path: &'p str) -> Result<Match<'t, 'p>, MatchError> {
        let segments = path::split(path, self.deepest).ok_or(MatchError::NotFound)?;
        let end = self.search(0, &segments).ok_or(MatchError::NotFound)?;
        let of = |route: &'t Arc<Route>| Some(Match { route, params: params(route, &segments, end.verb)? });
        let with = |method: &Method| end.routes.iter().find(|route| route.method == *method).and_then(of);
        let found = match *method {
            Method::HEAD => with(method).or_else(|| with(&Method::GET)),
            _ => with(method),
        };
        found.ok_or_else(|| {
            let others = end.routes.iter().filter_map(of).map(|other| other.route.method.as_str());
            let others: Vec<&str> = others.collect();
            match others.is_empty() {
                true => MatchError::NotFound,
                false => MatchError::MethodNotAllowed { allow: allow(others) },
            }
        })
    }

    /// Every node is reached at most once, so a lookup costs at most the size of the trie.
    fn search<'t>(&'t self, node: usize, segments: &[Segment<'_>]) -> Option<End<'t>> {
        let node = &self.nodes[node];
        let found = match segments {
            [] => node.ends.plain(),
            [last] => self.last(node, last),
            [head, tail @ ..] => node
                .literal(&head.literal)
                .and_then(|child| self.search(child, tail))
                .or_else(|| node.any.and_then(|child| self.search(child, tail))),
        };
        found.or_else(|| {
            let verb = segments.last().and_then(verb).and_then(|(_, verb)| node.rest.verb(verb));
            verb.or_else(|| node.rest.plain())
        })
    }

    fn last<'t>(&'t self, node: &'t Node, segment: &Segment<'_>) -> Option<End<'t>> {
        let with_verb = verb(segment);
        let ends_with_verb = |child: usize| {
            let (_, verb) = with_verb?;
            let child = &self.nodes[child];
            child.ends.verb(verb).or_else(|| child.rest.verb(verb))
        };
        (with_verb.and_then(|(bare, _)| node.literal(bare)).and_then(ends_with_verb))
            .or_else(|| node.literal(&segment.literal).and_then(|child| self.search(child, &[])))
            .or_else(|| node.any.and_then(ends_with_verb))
            .or_else(|| node.any.and_then(|child| self.search(child, &[])))
    }

    /// One of the routes of a binding to any method, unless the path has one of its own: one of the first routes.
    fn insert_unless_taken(
        &mut self,
        template: &Template,
        route: Route,
        own: usize,
    ) -> Result<(), RouteError> {
        let taken = self.ends(template).iter().any(|other| other.method == route.method && other.index < own);
        if taken { Ok(()) } else { self.insert(template, route) }
    }

    fn insert(&mut self, template: &Template, mut route: Route) -> Result<(), RouteError> {
        let index = self.routes.len();
        let taken = self.ends(template);
        if let Some(other) = taken.iter().find(|other| other.method == route.method) {
            return Err(RouteError::Collision {
                rpc: route.rpc.method.full_name().to_owned(),
                method: route.method.clone(),
                template: route.template.clone(),
                other: other.rpc.method.full_name().to_owned(),
            });
        }
        route.index = index;
        let route = Arc::new(route);
        taken.push(route.clone());
        let longest = if template.is_open() { MAX_SEGMENTS } else { template.segments.len() };
        self.deepest = self.deepest.max(longest);
        self.routes.push(route);
        Ok(())
    }

    /// The routes with this template.
    fn ends(&mut self, template: &Template) -> &mut Vec<Arc<Route>> {
        let mut at = 0;
        for segment in &template.segments {
            let known = match segment {
                template::Segment::Literal(text) => self.nodes[at].literal(text),
                template::Segment::Any => self.nodes[at].any,
                // It is the last one.
                template::Segment::Rest => return self.nodes[at].rest.of(template.verb.as_deref()),
            };
            at = match known {
                Some(child) => child,
                None => {
                    let child = self.nodes.len();
                    self.nodes.push(Node::default());
                    match segment {
                        template::Segment::Literal(text) => {
                            self.nodes[at].literals.push((text.clone(), child));
                        }
                        _ => self.nodes[at].any = Some(child),
                    }
                    child
                }
            };
        }
        self.nodes[at].ends.of(template.verb.as_deref())
    }
}

/// What precedes the last `:` of a segment, and what follows it.
fn verb<'s>(segment: &'s Segment<'_>) -> Option<(&'s str, &'s str)> {
    segment.literal.rsplit_once(':').filter(|(bare, _)| !bare.is_empty())
}

/// The methods of a path, with those that every path has.
fn allow(mut methods: Vec<&str>) -> String {
    methods.push(Method::OPTIONS.as_str());
    if methods.contains(&Method::GET.as_str()) {
        methods.push(Method::HEAD.as_str());
    }
    methods.sort_unstable();
    methods.dedup();
    methods.join(", ")
}

/// Where a path ends in the trie.
struct End<'t> {
    routes: &'t [Arc<Route>],
    verb: Option<&'t str>,
}

/// The values of a route's variables; `None` where one cannot hold what the path has: `%2F` in one segment
/// that is not the caller's own text, or nothing but the verb.
fn params<'p>(route: &Route, segments: &[Segment<'p>], verb: Option<&str>) -> Option<Params<'p>> {
    let mut params = Params::new();
    for Variable { span, is_opaque } in &route.variables {
        let end = span.end.unwrap_or(segments.len()).max(span.start);
        let mut value = match segments.get(span.start..end)? {
            [one] if span.is_one() && one.slash && !is_opaque => return None,
            [one] if span.is_one() => one.value.clone(),
            several => {
                let mut value = String::new();
                for (i, segment) in several.iter().enumerate() {
                    if i > 0 {
                        value.push('/');
                    }
                    value.push_str(&segment.value_among_others());
                }
                Cow::Owned(value)
            }
        };
        if let Some(verb) = verb
            && end == segments.len()
            && end > span.start
        {
            let length = value.len().checked_sub(verb.len() + 1)?;
            match &mut value {
                Cow::Borrowed(text) => *text = text.get(..length)?,
                Cow::Owned(text) => text.truncate(length),
            }
            // `**` can be nothing, and a segment cannot.
            let last = value.rsplit('/').next().unwrap_or_default();
            if !path::is_name(last) {
                return None;
            }
        }
        params.push(value);
    }
    Some(params)
}
