//! `keyward setup`: the first organization, its owner, an agent, a key and a token, all or nothing.

use svc_core::error::{Error, Violation};
use svc_core::secret::Secret;

use crate::domain::{
    Addresses, Agent, AgentMode, AgentName, Key, Member, MemberDraft, Role, Token, check_name,
};
use crate::secrets::token_hash;
use crate::{AuthService, credential};

/// What the setup is told.
#[derive(Clone, Debug)]
pub struct SetupRequest {
    /// The name of the organization.
    pub organization: String,
    /// The email address of its owner.
    pub email: String,
    /// The name of the agent.
    pub agent: String,
}

/// What the setup made. Its secrets are nowhere else.
#[derive(Clone, Debug)]
pub struct SetupResult {
    /// The organization.
    pub organization_id: String,
    /// Its owner.
    pub member_id: String,
    /// The agent.
    pub agent_id: String,
    /// The `apiKey` of a key with every built-in permission.
    pub api_key: String,
    /// Its secret.
    pub api_secret: Secret,
    /// A personal access token of the owner.
    pub owner_token: Secret,
}

/// Why there was no setup.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// There was one before.
    #[error("an organization exists already")]
    AlreadySetUp,
    /// A name or the email address breaks its rule.
    #[error("{}", .0.iter().map(|v| v.message.as_str()).collect::<Vec<_>>().join(" "))]
    Invalid(Vec<Violation>),
    /// Anything else.
    #[error("{0}")]
    Failed(Error),
}

impl From<Error> for SetupError {
    fn from(error: Error) -> SetupError {
        SetupError::Failed(error)
    }
}

/// Sets up an empty installation.
pub async fn run(service: &AuthService, request: &SetupRequest) -> Result<SetupResult, SetupError> {
    let names = check(request)?;
    let management = &service.management;
    let environment = &management.environment;
    let now = environment.clock.now();
    let organization_id = environment.ids.next();

    let owner = Member {
        id: environment.ids.next(),
        organization_id: organization_id.clone(),
        email: names.owner.email,
        name: names.owner.name,
        role: Role::Owner,
        created_at: now,
        updated_at: now,
    };
    let agent = Agent {
        id: environment.ids.next(),
        organization_id: organization_id.clone(),
        name: names.agent,
        mode: AgentMode::Live,
        created_at: now,
        updated_at: now,
    };
    let api_secret = credential::new_secret(agent.mode, &*environment.random);
    let key_id = environment.ids.next();
    let stored = management.record_secret(&key_id, &api_secret).await?;
    let permissions = management.permissions.all().to_vec();
    let key = Key {
        id: key_id,
        organization_id: organization_id.clone(),
        agent: AgentName { id: agent.id.clone(), name: agent.name.clone() },
        api_key: credential::new_api_key(agent.mode, &*environment.random),
        secret_last4: stored.last4.clone(),
        name: "First key".to_owned(),
        description: "Made by keyward setup.".to_owned(),
        effective_permissions: permissions.clone(),
        permissions,
        rate_limits: management.max_limits.defaults(),
        allowed_ips: Addresses::default(),
        expires_at: None,
        disabled_at: None,
        previous: None,
        created_by: (owner.id.clone(), String::new()),
        created_at: now,
        updated_at: now,
        last_used_at: None,
        version: 1,
    };
    let owner_token = credential::new_token(&*environment.random);
    let token = Token {
        id: environment.ids.next(),
        organization_id: organization_id.clone(),
        member_id: owner.id.clone(),
        name: "Owner token".to_owned(),
        role: Role::Owner,
        last4: credential::last4(owner_token.expose()),
        expires_at: None,
        created_at: now,
    };

    let mut work = management.store.begin().await.map_err(Error::from)?;
    if !work.claim_setup().await.map_err(Error::from)? {
        return Err(SetupError::AlreadySetUp);
    }
    let write = async {
        work.insert_organization(&organization_id, &names.organization, now).await?;
        work.insert_member(&owner).await?;
        work.insert_agent(&agent).await?;
        work.insert_key(&key).await?;
        work.insert_secret(&key.id, &stored).await?;
        work.insert_token(&token, &token_hash(owner_token.expose())).await?;
        work.commit().await
    };
    write.await.map_err(Error::from)?;
    Ok(SetupResult {
        organization_id,
        member_id: owner.id,
        agent_id: agent.id,
        api_key: key.api_key,
        api_secret,
        owner_token,
    })
}

struct Names {
    organization: String,
    owner: MemberDraft,
    agent: String,
}

fn check(request: &SetupRequest) -> Result<Names, SetupError> {
    let mut violations = Vec::new();
    let organization = check_name("organization", Some(&request.organization), &mut violations);
    let agent = check_name("agent", Some(&request.agent), &mut violations);
    let owner = MemberDraft::check(Some(&request.email), "", Some(Role::Owner));
    match owner {
        Ok(owner) if violations.is_empty() => Ok(Names { organization, owner, agent }),
        Ok(_) => Err(SetupError::Invalid(violations)),
        Err(error) => {
            violations.extend(error.violations);
            Err(SetupError::Invalid(violations))
        }
    }
}
