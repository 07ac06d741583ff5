//! What the API offers, in the words of those who call it: made once at start from the routes, their descriptors and
//! the comments of these. OpenAPI and the documentation are two ways to write it down.
//!
//! - `comments`: the comments of the protos
//! - [`Operation`]: a route with its parameters, body, answer, `access` and `codes`
//! - [`Types`]: messages as JSON Schema (`object`), by `rules` and with an `example`

mod access;
mod codes;
mod comments;
mod example;
mod object;
mod operation;
mod rules;
mod types;

use std::collections::BTreeMap;

use prost_reflect::{DescriptorPool, ServiceDescriptor};
use svc_core::policy::{self, PolicyError};

use crate::routes::{Route, Table};
use operation::Id;
use types::capitalized;

pub(crate) use access::who_may;
pub(crate) use object::{Object, Type, View};
pub(crate) use operation::{Answer, AnswerKind, Body, Operation, Parameter, Place};
pub(crate) use types::{Types, reference};

/// What the API offers.
pub(crate) struct Reference {
    pub(crate) chapters: Vec<Chapter>,
    pub(crate) types: Types,
}

/// The operations of a gRPC service.
pub(crate) struct Chapter {
    pub(crate) title: String,
    /// Its place in addresses: lower-case letters, digits and hyphens.
    pub(crate) slug: String,
    pub(crate) about: String,
    pub(crate) operations: Vec<Operation>,
}

impl Reference {
    /// That of these routes.
    ///
    /// # Errors
    /// When an annotation cannot be used.
    pub(crate) fn of(table: &Table) -> Result<Reference, PolicyError> {
        let pool = table.routes().next().map(|route| route.rpc.method.parent_pool().clone());
        let pool = match pool {
            Some(pool) => pool,
            None => policy::built_in_descriptors()?,
        };
        let mut types = Types::of(&pool, comments::Comments::of(&pool))?;
        let mut ids = Ids::default();
        let mut paths = Paths::default();
        let mut chapters: Vec<Chapter> = Vec::new();
        let mut routes: Vec<&Route> = table.routes().map(|route| &**route).collect();
        // Ours first, so that no other service takes a name of theirs; then as the protos have them.
        routes.sort_by_key(|route| order(&pool, route));
        for route in routes {
            let service = route.rpc.method.parent_service();
            let id = ids.of(route);
            let Some(mut operation) = Operation::of(&mut types, route, &id)? else { continue };
            paths.unify(&mut operation);
            let title = title(&pool, service)?;
            let chapter = match chapters.iter_mut().find(|chapter| chapter.title == title) {
                Some(chapter) => chapter,
                None => {
                    let about = types.comments().service(service);
                    chapters.push(Chapter { slug: slug(&title), title, about, operations: Vec::new() });
                    let last = chapters.len() - 1;
                    &mut chapters[last]
                }
            };
            chapter.operations.push(operation);
        }
        Ok(Reference { chapters, types })
    }

    /// All operations.
    #[cfg(test)]
    pub(crate) fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.chapters.iter().flat_map(|chapter| &chapter.operations)
    }
}

/// Ours first, then by service, then in the order of the proto file.
fn order(pool: &DescriptorPool, route: &Route) -> (bool, usize, usize, usize) {
    let place = pool.services().position(|service| service.full_name() == route.service);
    let own = route.service.starts_with("keyward.");
    (!own, place.unwrap_or(usize::MAX), route.rpc.method.index(), route.index)
}

fn title(pool: &DescriptorPool, service: &ServiceDescriptor) -> Result<String, PolicyError> {
    let extension = policy::extension(pool, "keyward.policy.v1.title")?;
    let options = service.options();
    let title = options.get_extension(&extension).as_str().unwrap_or_default().to_owned();
    Ok(match title.as_str() {
        "" => words(service.name().strip_suffix("Service").unwrap_or(service.name())),
        _ => title,
    })
}

/// `OrderLine` as `Order line`.
fn words(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        match letter.is_uppercase() && !out.is_empty() {
            true => {
                out.push(' ');
                out.extend(letter.to_lowercase());
            }
            false => out.push(letter),
        }
    }
    out
}

fn slug(title: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    title.chars().map(plain).collect()
}

/// The ids of operations, each once: the RPC's name, then for a further binding what sets it apart, and the service's
/// name before all where another service has the RPC's name already.
#[derive(Default)]
struct Ids {
    /// The variables of the first binding, by RPC.
    first: BTreeMap<String, Vec<String>>,
    taken: BTreeMap<String, String>,
}

impl Ids {
    fn of(&mut self, route: &Route) -> Id {
        let described = route.plan.described();
        let variables: Vec<String> = described.variables.iter().map(|v| v.json_name().to_owned()).collect();
        let mut suffix = String::new();
        let mut id = lower_camel(route.rpc.method.name());
        if route.is_of_member() {
            id += "AsMember";
            suffix = " (as a member)".to_owned();
        }
        match self.first.get(&route.rpc.path) {
            None => {
                self.first.insert(route.rpc.path.clone(), variables);
            }
            Some(_) if route.is_of_member() => {}
            Some(first) => {
                let new: Vec<&String> = variables.iter().filter(|v| !first.contains(v)).collect();
                let gone: Vec<&String> = first.iter().filter(|v| !variables.contains(v)).collect();
                for (word, names) in [("by", new), ("without", gone)] {
                    if !names.is_empty() {
                        id += &capitalized(word);
                        id.extend(names.iter().map(|name| capitalized(name)));
                        let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
                        suffix = format!(" ({word} {})", names.join(" and "));
                        break;
                    }
                }
            }
        }
        if self.taken.get(&id).is_some_and(|service| *service != route.service) {
            let service = route.rpc.method.parent_service();
            id = format!("{}_{id}", service.name());
        }
        let mut unique = id.clone();
        for number in 2.. {
            if !self.taken.contains_key(&unique) {
                break;
            }
            unique = format!("{id}{number}");
        }
        self.taken.insert(unique.clone(), route.service.clone());
        Id { text: unique, suffix }
    }
}

/// OpenAPI takes paths that differ in nothing but names for one: so these have the same names.
#[derive(Default)]
struct Paths(BTreeMap<String, String>);

impl Paths {
    fn unify(&mut self, operation: &mut Operation) {
        let names = |path: &str| -> Vec<String> {
            path.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned())).collect()
        };
        let own = names(&operation.path);
        let shape =
            own.iter().fold(operation.path.clone(), |path, name| path.replace(&format!("{{{name}}}"), "{}"));
        let path = self.0.entry(shape).or_insert_with(|| operation.path.clone());
        if *path == operation.path {
            return;
        }
        operation.path.clone_from(path);
        for (old, new) in own.iter().zip(names(path)) {
            let named = |p: &&mut Parameter| p.place == Place::Path && p.name == *old;
            if let Some(parameter) = operation.parameters.iter_mut().find(named) {
                parameter.name = new;
            }
        }
    }
}

fn lower_camel(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests;
