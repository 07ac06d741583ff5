//! `keyward setup`: the first organization, its owner, an agent, a key and a token, all or nothing.

use svc_core::error::{Error, Violation};
use svc_core::secret::Secret;

use crate::audit::{Action, Audit, Facts, Resource};
use crate::change::{Author, Changed};
use crate::domain::{
    Addresses, Agent, AgentId, AgentMode, AgentName, Key, KeyId, LinkKind, Member, MemberDraft, MemberId,
    MemberStatus, OrganizationId, Role, Token, TokenId, check_name,
};
use crate::error::AuthError;
use crate::secrets::token_hash;
use crate::{AuthService, credential};

/// The page of the dashboard that sets up.
pub const SETUP_PAGE: &str = LinkKind::Setup.page();
/// The page of the dashboard where a member chooses a password.
pub const PASSWORD_PAGE: &str = LinkKind::PasswordReset.page();

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
    /// The token of a link by which the owner chooses a password.
    pub password_link: Secret,
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

impl From<AuthError> for SetupError {
    fn from(error: AuthError) -> SetupError {
        match error {
            AuthError::Invalid(violations) => SetupError::Invalid(violations),
            error => SetupError::Failed(error.into()),
        }
    }
}

/// Sets up an empty installation.
pub async fn run(service: &AuthService, request: &SetupRequest) -> Result<SetupResult, SetupError> {
    let names = check(request)?;
    let management = &service.management;
    let environment = &management.environment;
    let now = environment.clock.now();
    let organization_id = OrganizationId::new(environment.ids.next());

    let owner = Member {
        id: MemberId::new(environment.ids.next()),
        organization_id: organization_id.clone(),
        email: names.owner.email,
        name: names.owner.name,
        role: Role::Owner,
        created_at: now,
        updated_at: now,
        status: MemberStatus::Active,
        invited_until: None,
        last_seen_at: None,
    };
    let link = management.new_link(LinkKind::PasswordReset, Some(&owner));
    let agent = Agent {
        id: AgentId::new(environment.ids.next()),
        organization_id: organization_id.clone(),
        name: names.agent,
        mode: AgentMode::Live,
        created_at: now,
        updated_at: now,
    };
    let api_secret = credential::new_secret(agent.mode, &*environment.random);
    let key_id = KeyId::new(environment.ids.next());
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
        id: TokenId::new(environment.ids.next()),
        organization_id: organization_id.clone(),
        member_id: owner.id.clone(),
        name: "Owner token".to_owned(),
        role: Role::Owner,
        last4: credential::last4(owner_token.expose()),
        expires_at: None,
        created_at: now,
    };

    let made = SetupResult {
        organization_id: organization_id.to_string(),
        member_id: owner.id.to_string(),
        agent_id: agent.id.to_string(),
        api_key: key.api_key.clone(),
        api_secret,
        owner_token,
        password_link: link.token.as_ref().clone(),
    };
    let (organization, hash) = (names.organization, token_hash(made.owner_token.expose()));
    let author = Author::Setup(organization_id.clone());
    let set_up = management.changes.make(&author, move |work| {
        Box::pin(async move {
            if !work.claim_setup().await? {
                return Ok(Changed::unchanged(false));
            }
            work.insert_organization(&organization_id, &organization, now).await?;
            work.insert_member(&owner).await?;
            work.insert_agent(&agent).await?;
            let inserted = work.insert_key(&key).await?;
            let with_secret = work.insert_secret(&key, &stored).await?;
            work.insert_token(&token, &hash).await?;
            work.insert_link(&link.link, &link.hash).await?;
            work.withdraw_links(LinkKind::Setup, None).await?;
            let named = Facts::new().with("name", organization.as_str());
            let resource = Resource::new(organization_id.as_str(), &organization);
            let audit = Audit::of(Action::OrganizationCreated, resource, None, Some(named))
                .and(Audit::created(Action::MemberCreated, &owner))
                .and(Audit::created(Action::AgentCreated, &agent))
                .and(Audit::created(Action::KeyCreated, &key))
                .and(Audit::created(Action::TokenCreated, &token));
            Ok(Changed::new(true, inserted.and(with_secret), audit))
        })
    });
    match set_up.await? {
        true => Ok(made),
        false => Err(SetupError::AlreadySetUp),
    }
}

/// The token of a link by which a browser sets up an empty installation; the link before works no more. `None` when
/// there is an organization.
pub async fn link(service: &AuthService) -> Result<Option<Secret>, SetupError> {
    let made = service.management.create_setup_link().await?;
    Ok(made.map(|new| new.token.as_ref().clone()))
}

/// The token of a link by which the member with this email address chooses a password, made by whoever has the
/// database; the link before works no more. `None` when there is no such member, or they have not accepted their
/// invitation.
pub async fn password_link(service: &AuthService, email: &str) -> Result<Option<Secret>, SetupError> {
    Ok(service.management.password_link(email).await?.map(|new| new.token.as_ref().clone()))
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
        Err(AuthError::Invalid(more)) => {
            violations.extend(more);
            Err(SetupError::Invalid(violations))
        }
        Err(error) => Err(error.into()),
    }
}
