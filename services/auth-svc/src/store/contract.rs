//! What the store must do, whatever the engine: one suite for each kind of thing, run on each engine.

mod agents;
mod audit;
mod identities;
mod keys;
mod links;
mod mails;
mod members;
mod notices;
mod organizations;
mod passwords;
mod requests;
mod secrets;
mod sessions;
mod tokens;
mod usage;

use svc_core::clock::Timestamp;
use svc_db::testing::{START, TestEnvironment, idempotency_contract};

use super::*;
use crate::audit::Unaudited;
use crate::domain::{
    Addresses, Agent, AgentId, AgentMode, AgentName, Key, KeyId, Link, LinkId, LinkKind, Member, MemberId,
    MemberStatus, OrganizationId, RateLimits, Role, SecretId, Session, SessionId, Token, TokenId,
};
use crate::secrets::{StoredSecret, TokenHash};

#[tokio::test]
async fn sqlite() {
    on(TestEnvironment::sqlite()).await;
}

#[tokio::test]
async fn postgres() {
    on(TestEnvironment::postgres().await).await;
}

async fn on(home: TestEnvironment) {
    let (sqlite, postgres) = migrations();
    let db = svc_db::open(&home.environment, crate::NAME, sqlite, postgres).await.unwrap();
    let (store, writer) = over(db.clone());
    let kept = Kept { store, writer };
    organizations::all(&kept).await;
    agents::all(&kept).await;
    audit::all(&kept).await;
    members::all(&kept).await;
    passwords::all(&kept).await;
    sessions::all(&kept).await;
    links::all(&kept).await;
    tokens::all(&kept).await;
    keys::all(&kept).await;
    secrets::all(&kept).await;
    usage::all(&kept, &*usage_over(db.clone())).await;
    requests::all(&kept).await;
    identities::all(&kept).await;
    mails::all(&kept).await;
    notices::all(&kept).await;
    what_is_not_committed_has_not_happened(&kept).await;
    idempotency_contract(crate::NAME, &db, &home).await;
    db.close().await;
}

/// A store and its writer.
struct Kept {
    store: Arc<dyn Store>,
    writer: Writer,
}

impl Kept {
    /// Runs a change to its commit. Gives its value and the `apiKey` of each key that it touched.
    async fn change<T>(
        &self,
        work: impl for<'w> AsyncFnOnce(&'w mut dyn Work) -> Result<(T, Touched), StoreError>,
    ) -> (T, Vec<String>) {
        let mut transaction = self.writer.begin().await.unwrap();
        let (value, touched) = work(transaction.work()).await.unwrap();
        transaction.commit(&touched, Recorded::nothing(Unaudited::Test)).await.unwrap();
        (value, touched.api_keys().unwrap().to_vec())
    }

    /// An organization of this name with an owner and an agent.
    async fn organization(&self, name: &str) -> Organization {
        let organization = Organization::new(name);
        self.change(async |work| {
            work.insert_organization(&organization.id, name, START).await?;
            assert!(work.insert_member(&organization.owner).await?);
            work.insert_agent(&organization.agent).await?;
            Ok(((), Touched::nothing()))
        })
        .await;
        organization
    }
}

/// What stands in one organization. Its ids are its own.
struct Organization {
    name: String,
    id: OrganizationId,
    owner: Member,
    agent: Agent,
}

impl Organization {
    fn new(name: &str) -> Organization {
        let id = OrganizationId::new(id(name, 0));
        let agent = Agent {
            id: AgentId::new(self::id(name, 1)),
            organization_id: id.clone(),
            name: "Support".to_owned(),
            mode: AgentMode::Live,
            created_at: START,
            updated_at: START,
        };
        let owner = Member {
            id: MemberId::new(self::id(name, 2)),
            organization_id: id.clone(),
            email: "Owner@Example.com".to_owned(),
            name: String::new(),
            role: Role::Owner,
            created_at: START,
            updated_at: START,
            status: MemberStatus::Active,
            invited_until: None,
            last_seen_at: None,
        };
        Organization { name: name.to_owned(), id, owner, agent }
    }

    fn agent(&self, number: u32) -> Agent {
        Agent {
            id: AgentId::new(id(&self.name, number)),
            name: format!("Agent {number}"),
            ..self.agent.clone()
        }
    }

    fn member(&self, number: u32) -> Member {
        Member {
            id: MemberId::new(id(&self.name, number)),
            email: format!("member-{number}@example.com"),
            name: format!("Member {number}"),
            role: Role::Admin,
            ..self.owner.clone()
        }
    }

    fn token(&self, number: u32) -> Token {
        Token {
            id: TokenId::new(id(&self.name, number)),
            organization_id: self.id.clone(),
            member_id: self.owner.id.clone(),
            name: format!("Token {number}"),
            role: Role::Admin,
            last4: "abcd".to_owned(),
            expires_at: (number % 2 == 1).then_some(Timestamp(START.0 + 1)),
            created_at: START,
        }
    }

    /// A key of the agent that the owner made, as it comes back: with the secret of the same number.
    fn key(&self, number: u32) -> Key {
        let permissions = vec!["contacts:read".to_owned(), "contacts:create".to_owned()];
        Key {
            id: KeyId::new(id(&self.name, number)),
            organization_id: self.id.clone(),
            agent: AgentName { id: self.agent.id.clone(), name: self.agent.name.clone() },
            api_key: format!("kw_live_{}", id(&self.name, number)),
            secret_last4: secret(&self.name, number).last4,
            name: format!("Key {number}"),
            description: "100 % of_it\n".to_owned(),
            effective_permissions: permissions.clone(),
            permissions,
            rate_limits: RateLimits { per_minute: 7, per_hour: 70 },
            allowed_ips: Addresses::parse_stored(&["192.0.2.1".to_owned(), "10.0.0.0/8".to_owned()]).unwrap(),
            expires_at: Some(Timestamp(START.0 + 1)),
            disabled_at: None,
            previous: None,
            created_by: (self.owner.id.clone(), "Owner".to_owned()),
            created_at: START,
            updated_at: START,
            last_used_at: None,
            version: 1,
        }
    }

    async fn insert_key(&self, kept: &Kept, number: u32) -> Key {
        let key = self.key(number);
        let (_, touched) = kept
            .change(async |work| {
                let inserted = work.insert_key(&key).await?;
                let with_secret = work.insert_secret(&key, &secret(&self.name, number)).await?;
                Ok(((), inserted.and(with_secret)))
            })
            .await;
        assert_eq!(touched, [key.api_key.as_str()]);
        key
    }
}

/// A hash that no other organization has.
fn hash(of: &str, number: u32) -> TokenHash {
    crate::secrets::token_hash(&format!("{of} {number}"))
}

fn secret(of: &str, number: u32) -> StoredSecret {
    StoredSecret {
        id: SecretId::new(id(of, number)),
        hash: format!("$argon2id${number}"),
        verifier: Some(vec![0, 1, 255]),
        verifier_key_id: Some("k".to_owned()),
        last4: format!("{number:04}"),
        created_at: START,
        expires_at: None,
    }
}

/// An id that no other organization has.
fn id(of: &str, number: u32) -> String {
    let sum = of.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    format!("{sum:012x}{number:012x}")
}

/// The items before this one, at most so many.
fn before(id: Option<&str>, limit: i64) -> Slice {
    Slice { before: id.map(str::to_owned), limit }
}

async fn what_is_not_committed_has_not_happened(kept: &Kept) {
    let one = kept.organization("rollback").await;
    let new = one.agent(10);
    let mut transaction = kept.writer.begin().await.unwrap();
    transaction.work().insert_agent(&new).await.unwrap();
    assert_eq!(kept.store.agent(&one.id, &new.id).await.unwrap(), None, "not seen before the commit");
    drop(transaction);
    let (found, _) =
        kept.change(async |work| Ok((work.lock_agent(&one.id, &new.id).await?, Touched::nothing()))).await;
    assert_eq!(found, None);
}
