//! The annotations of the protos, read once at start: who may call which RPC.
//!
//! An RPC without a rule is never served: [`Policy::of`] refuses and names it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use keyward_proto::policy::v1 as pb;
use prost::Message;
use prost_reflect::{DescriptorPool, ExtensionDescriptor, MethodDescriptor};

/// The longest that a call may take, and so the largest `deadline_ms`. Streams are no exception, but for those
/// that are long-lived.
pub const MAX_DEADLINE: Duration = Duration::from_secs(600);

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
        /// Needed only in some cases.
        when: Vec<Condition>,
        /// The request field that must equal the key's agent. `None`: the request names no agent.
        agent: Option<AgentField>,
        /// The members who may call it, too.
        members: Option<Members>,
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

/// Permissions that are needed when a boolean request field is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The field's name in the proto.
    pub field: String,
    /// The field's number on the wire.
    pub number: u32,
    /// The permissions, as `scope:action`.
    pub permissions: Vec<String>,
}

/// The request field that names the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentField {
    /// Its name in the proto.
    pub name: String,
    /// Its number on the wire.
    pub number: u32,
}

/// Members who may call an RPC for keys, on an agent of their organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members {
    /// The least role.
    pub role: pb::Role,
    /// How the paths begin that are theirs.
    pub under: String,
}

impl Access {
    /// Who may call the RPC by a path with this template.
    pub fn by(&self, template: &str) -> Access {
        match self {
            Access::Key { members: Some(members), .. } if template.starts_with(&members.under) => {
                Access::Member(members.role)
            }
            _ => self.clone(),
        }
    }
}

/// One RPC and its annotations.
#[derive(Clone)]
pub struct Rpc {
    /// `/package.Service/Method`.
    pub path: String,
    /// Who may call it.
    pub access: Access,
    /// The request field that names the agent of a member's call, which has to be one of their organization.
    pub member_agent: Option<AgentField>,
    /// Its stream of answers has no end of its own, and no deadline but the one that its caller sets.
    pub long_lived: bool,
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
        for name in services {
            let service =
                pool.get_service_by_name(name).ok_or_else(|| PolicyError::UnknownService(name.to_owned()))?;
            for method in service.methods() {
                let rpc = options.read(method)?;
                rpcs.insert(rpc.path.clone(), Arc::new(rpc));
            }
        }
        Ok(Policy { rpcs })
    }

    /// With the RPCs of other services.
    #[must_use]
    pub fn and(mut self, others: Policy) -> Policy {
        self.rpcs.extend(others.rpcs);
        self
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
        check_deadline(&name, http.deadline_ms)?;
        let long_lived = long_lived(&method, &rule)?;
        let member_agent = member_agent(&method, &rule)?;
        let access = access(&method, rule)?;
        Ok(Rpc { path, access, member_agent, long_lived, http, method })
    }
}

/// A deadline that nobody keeps would be a promise that is broken.
fn check_deadline(rpc: &str, deadline_ms: i32) -> Result<(), PolicyError> {
    let given = u64::try_from(deadline_ms).map(Duration::from_millis);
    if given.is_ok_and(|deadline| deadline <= MAX_DEADLINE) {
        return Ok(());
    }
    let most = MAX_DEADLINE.as_millis();
    let problem = format!("`deadline_ms` is {deadline_ms}: it must be from 0 (the default) to {most}");
    Err(PolicyError::BadRule { rpc: rpc.to_owned(), problem })
}

fn long_lived(method: &MethodDescriptor, rule: &pb::Rule) -> Result<bool, PolicyError> {
    let long_lived = matches!(&rule.kind, Some(pb::rule::Kind::Internal(internal)) if internal.long_lived);
    if long_lived && !method.is_server_streaming() {
        let problem = "`long_lived` needs a stream of answers".to_owned();
        return Err(PolicyError::BadRule { rpc: method.full_name().to_owned(), problem });
    }
    Ok(long_lived)
}

fn member_agent(method: &MethodDescriptor, rule: &pb::Rule) -> Result<Option<AgentField>, PolicyError> {
    if rule.member_agent.is_empty() {
        return Ok(None);
    }
    let bad = |problem: &str| {
        Err(PolicyError::BadRule { rpc: method.full_name().to_owned(), problem: problem.to_owned() })
    };
    match &rule.kind {
        Some(pb::rule::Kind::Member(_)) => match agent_field(method, &rule.member_agent)? {
            Some(field) => Ok(Some(field)),
            None => bad("`member_agent` needs the field that names the agent"),
        },
        _ => bad("`member_agent` needs `member`"),
    }
}

fn access(method: &MethodDescriptor, rule: pb::Rule) -> Result<Access, PolicyError> {
    let bad = |problem: String| PolicyError::BadRule { rpc: method.full_name().to_owned(), problem };
    let conditional = !rule.when.is_empty();
    let members = rule.members.map(members).transpose().map_err(bad)?;
    let has_members = members.is_some();
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
                let field = field.filter(|f| f.kind() == prost_reflect::Kind::Bool && !f.is_list());
                let number = field.map(|field| field.number()).ok_or_else(|| {
                    bad(format!("`when` names `{}`, which is not a bool field", condition.query))
                })?;
                let (field, permissions) = (condition.query.clone(), named(&condition.actions));
                when.push(Condition { field, number, permissions });
            }
            Access::Key {
                permissions: named(&allow.actions),
                when,
                agent: agent_field(method, &allow.agent)?,
                members,
            }
        }
    };
    if has_members && !matches!(access, Access::Key { agent: Some(_), .. }) {
        return Err(bad("`members` needs an `allow` that names the field of the agent".to_owned()));
    }
    if conditional && !matches!(access, Access::Key { .. }) {
        return Err(bad("`when` needs `allow`".to_owned()));
    }
    Ok(access)
}

fn members(members: pb::Members) -> Result<Members, String> {
    if members.role() == pb::Role::Unspecified {
        return Err("`members` needs a role".to_owned());
    }
    match members.under.strip_prefix('/') {
        Some(_) => Ok(Members { role: members.role(), under: members.under }),
        None => Err("`members` needs the beginning of their paths, as in `/v1/console/`".to_owned()),
    }
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
    fn only_deadlines_that_can_be_given() {
        for (deadline_ms, good) in
            [(0, true), (1, true), (600_000, true), (600_001, false), (-1, false), (i32::MAX, false)]
        {
            assert_eq!(check_deadline("a.v1.Things/Do", deadline_ms).is_ok(), good, "{deadline_ms}");
        }
    }

    #[test]
    fn long_lived_streams_are_few_and_internal() {
        let pool = built_in_descriptors().unwrap();
        let names: Vec<String> = pool.services().map(|s| s.full_name().to_owned()).collect();
        let policy = Policy::of(&pool, names.iter().map(String::as_str)).unwrap();
        let mut long_lived: Vec<_> =
            policy.rpcs().filter(|rpc| rpc.long_lived).map(|rpc| &rpc.path).collect();
        long_lived.sort();
        let expected = [
            "/keyward.auth.v1.AuthorizationService/AuthorizeStream",
            "/keyward.internal.v1.CallService/Calls",
        ];
        assert_eq!(long_lived, expected);
        let unary = &policy.rpc("/keyward.auth.v1.AuthorizationService/Authorize").unwrap().method;
        let kind = Some(pb::rule::Kind::Internal(pb::Internal { long_lived: true }));
        let rule = pb::Rule { kind, ..pb::Rule::default() };
        assert!(super::long_lived(unary, &rule).is_err(), "an answer that is one message has an end");
    }

    #[test]
    fn members_have_ways_of_their_own() {
        let policy = Policy::of(&built_in_descriptors().unwrap(), ["keyward.contacts.v1.ContactService"]);
        let policy = policy.unwrap();
        let of = |rpc: &str| policy.rpc(&format!("/keyward.contacts.v1.ContactService/{rpc}")).unwrap();
        for (rpc, role) in [("ListContacts", pb::Role::User), ("DeleteContact", pb::Role::Admin)] {
            let access = &of(rpc).access;
            assert_eq!(access.by("/v1/console/agents/{agent_id}/contacts"), Access::Member(role));
            assert_eq!(access.by("/v1/open/contacts/chatbots/{agent_id}"), *access);
        }
        let bad = |role: pb::Role, under: &str| {
            members(pb::Members { role: role.into(), under: under.to_owned() }).is_err()
        };
        assert!(bad(pb::Role::Unspecified, "/v1/console/") && bad(pb::Role::User, "v1"));
        assert!(bad(pb::Role::User, "") && !bad(pb::Role::User, "/v1/console/"));
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
