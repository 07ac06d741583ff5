//! The annotations of the protos, read once at start: who may call which RPC.
//!
//! An RPC without a rule is never served: [`Policy::of`] refuses and names it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use keyward_proto::policy::v1 as pb;
use prost::Message;
use prost_reflect::{DescriptorPool, ExtensionDescriptor, MethodDescriptor};

/// Services that need no rule: they serve the platform itself and hold no one's data.
pub const EXEMPT: &[&str] =
    &["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "envoy.service.auth.v3.Authorization"];

/// The word in `allow.agent` for a request that names no agent.
pub const AGENT_OF_PRINCIPAL: &str = "PRINCIPAL";

static BUILT_IN: LazyLock<Result<DescriptorPool, String>> =
    LazyLock::new(|| DescriptorPool::decode(keyward_proto::DESCRIPTOR_SET).map_err(|e| e.to_string()));

/// The descriptors of Keyward's own protos.
pub fn built_in_descriptors() -> Result<DescriptorPool, PolicyError> {
    BUILT_IN.clone().map_err(PolicyError::Descriptors)
}

/// Why annotations cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The descriptor set does not decode.
    #[error("the descriptor set does not decode: {0}")]
    Descriptors(String),
    /// A service is not in the descriptor set.
    #[error("service {0} is not in the descriptor set")]
    UnknownService(String),
    /// An RPC has no rule.
    #[error("{0} has no (keyward.policy.v1.rule): say who may call it")]
    NoRule(String),
    /// A rule is not usable.
    #[error("{rpc}: {problem}")]
    BadRule {
        /// The full name of the RPC.
        rpc: String,
        /// What is wrong.
        problem: String,
    },
}

/// Who may call an RPC.
#[derive(Clone, Debug, PartialEq)]
pub enum Access {
    /// A key with permissions.
    Key {
        /// Needed always, as `scope:action`.
        permissions: Vec<String>,
        /// Needed when a boolean request field is true: the field, then the permissions.
        when: Vec<(String, Vec<String>)>,
        /// The request field that must equal the key's agent. `None`: the request names no agent.
        agent: Option<AgentField>,
    },
    /// Any valid key.
    AnyKey,
    /// A member with at least this role.
    Member(pb::Role),
    /// Anyone.
    Public,
    /// Other parts of Keyward.
    Internal,
}

/// The request field that names the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentField {
    /// Its name in the proto.
    pub name: String,
    /// Its number on the wire.
    pub number: u32,
}

/// One RPC and its annotations.
#[derive(Clone)]
pub struct Rpc {
    /// `/package.Service/Method`.
    pub path: String,
    /// Who may call it.
    pub access: Access,
    /// What HTTP needs beyond `google.api.http`.
    pub http: pb::Http,
    /// Its descriptor.
    pub method: MethodDescriptor,
}

// Written out because a descriptor of a recursive message prints without end.
impl std::fmt::Debug for Rpc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rpc({}, {:?})", self.path, self.access)
    }
}

/// The RPCs of some services, by path.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    rpcs: HashMap<String, Arc<Rpc>>,
}

impl Policy {
    /// Reads the annotations of these services. Fails on the first RPC without a usable rule.
    pub fn of<'a>(
        pool: &DescriptorPool,
        services: impl IntoIterator<Item = &'a str>,
    ) -> Result<Policy, PolicyError> {
        let options = Options::of(pool)?;
        let mut rpcs = HashMap::new();
        for name in services.into_iter().filter(|name| !EXEMPT.contains(name)) {
            let service =
                pool.get_service_by_name(name).ok_or_else(|| PolicyError::UnknownService(name.to_owned()))?;
            for method in service.methods() {
                let rpc = options.read(method)?;
                rpcs.insert(rpc.path.clone(), Arc::new(rpc));
            }
        }
        Ok(Policy { rpcs })
    }

    /// The RPC with this path.
    pub fn rpc(&self, path: &str) -> Option<&Arc<Rpc>> {
        self.rpcs.get(path)
    }

    /// All RPCs, in no order.
    pub fn rpcs(&self) -> impl Iterator<Item = &Arc<Rpc>> {
        self.rpcs.values()
    }
}

/// The scopes that the services of a pool declare, each once.
pub fn scopes(pool: &DescriptorPool) -> Result<Vec<pb::Scope>, PolicyError> {
    let extension = extension(pool, "keyward.policy.v1.scope")?;
    let mut scopes = Vec::new();
    for service in pool.services() {
        let options = service.options();
        let declared = options.get_extension(&extension);
        for value in declared.as_list().unwrap_or_default() {
            let Some(message) = value.as_message() else { continue };
            scopes.push(recode::<pb::Scope>(message, service.full_name())?);
        }
    }
    Ok(scopes)
}

/// Our method options, looked up once.
struct Options {
    rule: ExtensionDescriptor,
    http: ExtensionDescriptor,
}

impl Options {
    fn of(pool: &DescriptorPool) -> Result<Options, PolicyError> {
        Ok(Options {
            rule: extension(pool, "keyward.policy.v1.rule")?,
            http: extension(pool, "keyward.policy.v1.http")?,
        })
    }

    fn read(&self, method: MethodDescriptor) -> Result<Rpc, PolicyError> {
        let name = method.full_name().to_owned();
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let options = method.options();
        if !options.has_extension(&self.rule) {
            return Err(PolicyError::NoRule(name));
        }
        let rule = match options.get_extension(&self.rule).as_message() {
            Some(message) => recode::<pb::Rule>(message, &name)?,
            None => return Err(PolicyError::NoRule(name)),
        };
        let http = match options.get_extension(&self.http).as_message() {
            Some(message) => recode::<pb::Http>(message, &name)?,
            None => pb::Http::default(),
        };
        let access = access(&method, rule)?;
        Ok(Rpc { path, access, http, method })
    }
}

fn access(method: &MethodDescriptor, rule: pb::Rule) -> Result<Access, PolicyError> {
    let bad = |problem: String| PolicyError::BadRule { rpc: method.full_name().to_owned(), problem };
    let conditional = !rule.when.is_empty();
    let access = match rule.kind {
        None => return Err(PolicyError::NoRule(method.full_name().to_owned())),
        Some(pb::rule::Kind::Public(_)) => Access::Public,
        Some(pb::rule::Kind::AnyKey(_)) => Access::AnyKey,
        Some(pb::rule::Kind::Internal(_)) => Access::Internal,
        Some(pb::rule::Kind::Member(role)) => match pb::Role::try_from(role) {
            Ok(pb::Role::Unspecified) | Err(_) => return Err(bad("`member` needs a role".to_owned())),
            Ok(role) => Access::Member(role),
        },
        Some(pb::rule::Kind::Allow(allow)) => {
            if !is_scope(&allow.scope) {
                return Err(bad(format!("`{}` is not a scope ([a-z][a-z0-9-]{{0,39}})", allow.scope)));
            }
            if allow.actions.is_empty() {
                return Err(bad("`allow` needs at least one action".to_owned()));
            }
            let named = |actions: &[String]| {
                actions.iter().map(|a| format!("{}:{a}", allow.scope)).collect::<Vec<_>>()
            };
            let mut when = Vec::new();
            for condition in &rule.when {
                let field = method.input().get_field_by_name(&condition.query);
                if !field.is_some_and(|f| f.kind() == prost_reflect::Kind::Bool && !f.is_list()) {
                    return Err(bad(format!(
                        "`when` names `{}`, which is not a bool field",
                        condition.query
                    )));
                }
                when.push((condition.query.clone(), named(&condition.actions)));
            }
            Access::Key {
                permissions: named(&allow.actions),
                when,
                agent: agent_field(method, &allow.agent)?,
            }
        }
    };
    if conditional && !matches!(access, Access::Key { .. }) {
        return Err(bad("`when` needs `allow`".to_owned()));
    }
    Ok(access)
}

fn agent_field(method: &MethodDescriptor, name: &str) -> Result<Option<AgentField>, PolicyError> {
    if name == AGENT_OF_PRINCIPAL {
        return Ok(None);
    }
    match method.input().get_field_by_name(name) {
        Some(field) if field.kind() == prost_reflect::Kind::String && !field.is_list() => {
            Ok(Some(AgentField { name: name.to_owned(), number: field.number() }))
        }
        _ => Err(PolicyError::BadRule {
            rpc: method.full_name().to_owned(),
            problem: format!(
                "`agent` names `{name}`, which is neither a string field nor `{AGENT_OF_PRINCIPAL}`"
            ),
        }),
    }
}

/// Whether this is a scope: `[a-z][a-z0-9-]{0,39}`.
pub fn is_scope(name: &str) -> bool {
    let rest = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    match name.as_bytes() {
        [first, others @ ..] => {
            first.is_ascii_lowercase() && others.len() <= 39 && others.iter().all(|&c| rest(c))
        }
        [] => false,
    }
}

/// Looks up one of our options.
pub fn extension(pool: &DescriptorPool, name: &str) -> Result<ExtensionDescriptor, PolicyError> {
    pool.get_extension_by_name(name).ok_or_else(|| PolicyError::Descriptors(format!("{name} is missing")))
}

/// A dynamic option as its Rust type.
pub fn recode<M: Message + Default>(
    option: &prost_reflect::DynamicMessage,
    owner: &str,
) -> Result<M, PolicyError> {
    M::decode(option.encode_to_vec().as_slice())
        .map_err(|e| PolicyError::BadRule { rpc: owner.to_owned(), problem: e.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rpc_of_ours_has_a_rule() {
        let pool = built_in_descriptors().unwrap();
        let names: Vec<String> = pool.services().map(|s| s.full_name().to_owned()).collect();
        let policy = Policy::of(&pool, names.iter().map(String::as_str)).unwrap();
        assert!(policy.rpcs().count() > 20);
    }

    #[test]
    fn scopes_are_declared_by_services() {
        let names: Vec<String> =
            scopes(&built_in_descriptors().unwrap()).unwrap().into_iter().map(|s| s.name).collect();
        assert!(names.contains(&"contacts".to_owned()) && names.contains(&"document-extraction".to_owned()));
    }

    #[test]
    fn scope_names() {
        for (name, good) in
            [("a", true), ("a-1", true), ("", false), ("A", false), ("1a", false), ("a_b", false)]
        {
            assert_eq!(is_scope(name), good, "{name}");
        }
        assert!(is_scope(&"a".repeat(40)) && !is_scope(&"a".repeat(41)));
    }
}
