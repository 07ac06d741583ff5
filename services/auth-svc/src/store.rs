//! Where auth-svc keeps things. [`Store`] reads; [`Work`] is a transaction, which every mutation is.

mod keys;
mod members;
mod revocation;
mod rows;
mod sql;

use std::sync::Arc;

use async_trait::async_trait;
use svc_core::clock::Timestamp;
use svc_core::db::{AnyDb, DbError, Migrator};

use crate::domain::{Addresses, Agent, Key, KeyStatus, Member, RateLimits, Role, Token};
use crate::secrets::StoredSecret;

pub use revocation::{Durability, Ledger, Line, Polled, Replica, Revision, Touched};

/// The migrations of SQLite and of PostgreSQL.
pub fn migrations() -> (Migrator, Migrator) {
    (sqlx::migrate!("migrations/sqlite"), sqlx::migrate!("migrations/postgres"))
}

/// What the credential check needs to know about a key.
#[derive(Clone, Debug)]
pub struct KeyRecord {
    /// The id of the key.
    pub id: String,
    /// Its organization.
    pub organization_id: String,
    /// Its agent.
    pub agent_id: String,
    /// What it was given.
    pub permissions: Vec<String>,
    /// Until when it works.
    pub expires_at: Option<Timestamp>,
    /// Where requests may come from.
    pub allowed_ips: Addresses,
    /// How many requests it may make.
    pub rate_limits: RateLimits,
    /// It is disabled.
    pub disabled: bool,
    /// The role of its creator; `None` when they were removed.
    pub creator_role: Option<Role>,
    /// Its secrets.
    pub secrets: Vec<StoredSecret>,
}

/// A token and the role of its member now.
#[derive(Clone, Debug)]
pub struct TokenRecord {
    /// The token.
    pub token: Token,
    /// The role of its member.
    pub member_role: Role,
}

/// A page of a list: newest first, at most `limit` items, only those whose id is below `before`.
#[derive(Clone, Debug)]
pub struct Page {
    /// Where to go on.
    pub before: Option<String>,
    /// How many.
    pub limit: i64,
}

/// Which keys to list.
#[derive(Clone, Debug, Default)]
pub struct KeyFilter {
    /// Of this agent.
    pub agent_id: Option<String>,
    /// Whose name, description or `apiKey` holds this text, without regard to ASCII case.
    pub search: Option<String>,
    /// Of this status at this moment.
    pub status: Option<(KeyStatus, Timestamp)>,
}

/// Reads. Everything but the two look-ups of the credential check is bound to an organization.
#[async_trait]
pub trait Store: Send + Sync {
    /// Starts a transaction.
    async fn begin(&self) -> Result<Box<dyn Work>, DbError>;

    /// Whether the setup is done.
    async fn is_set_up(&self) -> Result<bool, DbError>;

    /// For the credential check.
    async fn key_record(&self, api_key: &str) -> Result<Option<KeyRecord>, DbError>;
    /// For the credential check.
    async fn token_record(&self, hash: &[u8]) -> Result<Option<TokenRecord>, DbError>;

    /// One key of an agent.
    async fn key(&self, organization: &str, agent: &str, id: &str) -> Result<Option<Key>, DbError>;
    /// One key, for the key itself.
    async fn key_by_id(&self, organization: &str, id: &str) -> Result<Option<Key>, DbError>;
    /// A page of keys.
    async fn keys(&self, organization: &str, filter: &KeyFilter, page: &Page) -> Result<Vec<Key>, DbError>;
    /// How many keys.
    async fn count_keys(&self, organization: &str, filter: &KeyFilter) -> Result<i64, DbError>;

    /// One agent.
    async fn agent(&self, organization: &str, id: &str) -> Result<Option<Agent>, DbError>;
    /// A page of agents.
    async fn agents(&self, organization: &str, page: &Page) -> Result<Vec<Agent>, DbError>;
    /// How many agents.
    async fn count_agents(&self, organization: &str) -> Result<i64, DbError>;

    /// One member.
    async fn member(&self, organization: &str, id: &str) -> Result<Option<Member>, DbError>;
    /// The member with this email address.
    async fn member_by_email(&self, organization: &str, email: &str) -> Result<Option<Member>, DbError>;
    /// A page of members.
    async fn members(&self, organization: &str, page: &Page) -> Result<Vec<Member>, DbError>;
    /// How many members.
    async fn count_members(&self, organization: &str) -> Result<i64, DbError>;

    /// One token of a member.
    async fn token(&self, organization: &str, member: &str, id: &str) -> Result<Option<Token>, DbError>;
    /// A page of a member's tokens.
    async fn tokens(&self, organization: &str, member: &str, page: &Page) -> Result<Vec<Token>, DbError>;
    /// How many tokens a member has.
    async fn count_tokens(&self, organization: &str, member: &str) -> Result<i64, DbError>;
}

/// A transaction. Nothing of it is seen until it is committed; dropping it undoes it.
#[async_trait]
pub trait Work: Send {
    /// Says that the setup is done. `false` when it was before.
    async fn claim_setup(&mut self) -> Result<bool, DbError>;
    /// Adds an organization.
    async fn insert_organization(&mut self, id: &str, name: &str, now: Timestamp) -> Result<(), DbError>;

    /// Adds an agent.
    async fn insert_agent(&mut self, agent: &Agent) -> Result<(), DbError>;
    /// Reads an agent and keeps others from changing it.
    async fn lock_agent(&mut self, organization: &str, id: &str) -> Result<Option<Agent>, DbError>;
    /// Writes an agent's name.
    async fn update_agent(&mut self, agent: &Agent) -> Result<(), DbError>;
    /// Deletes an agent and its keys. Returns the `apiKey` of each.
    async fn delete_agent(&mut self, organization: &str, id: &str) -> Result<Vec<String>, DbError>;

    /// Adds a member. [`DbError::Duplicate`] for an email that a member has.
    async fn insert_member(&mut self, member: &Member) -> Result<(), DbError>;
    /// Reads a member and keeps others from changing it.
    async fn lock_member(&mut self, organization: &str, id: &str) -> Result<Option<Member>, DbError>;
    /// Writes a member's role.
    async fn update_member(&mut self, member: &Member) -> Result<(), DbError>;
    /// Removes a member and their tokens.
    async fn remove_member(&mut self, organization: &str, id: &str, now: Timestamp) -> Result<(), DbError>;
    /// The `apiKey` of each key that a member made.
    async fn keys_made_by(&mut self, organization: &str, member: &str) -> Result<Vec<String>, DbError>;

    /// Adds a token.
    async fn insert_token(&mut self, token: &Token, hash: &[u8]) -> Result<(), DbError>;
    /// Deletes a token of a member. `false` when there is none.
    async fn delete_token(&mut self, organization: &str, member: &str, id: &str) -> Result<bool, DbError>;

    /// Adds a key.
    async fn insert_key(&mut self, key: &Key) -> Result<(), DbError>;
    /// Reads a key and keeps others from changing it.
    async fn lock_key(&mut self, organization: &str, agent: &str, id: &str) -> Result<Option<Key>, DbError>;
    /// Writes a key's settings and version.
    async fn update_key(&mut self, key: &Key) -> Result<(), DbError>;
    /// Deletes a key and its secrets.
    async fn delete_key(&mut self, organization: &str, agent: &str, id: &str) -> Result<(), DbError>;
    /// Adds a secret to a key.
    async fn insert_secret(&mut self, key_id: &str, secret: &StoredSecret) -> Result<(), DbError>;

    /// Writes another record and verifier of the same secret. `false` when it is not there any more as it
    /// was before.
    async fn renew_secret(&mut self, before: &StoredSecret, after: &StoredSecret) -> Result<bool, DbError>;
    /// Ends the newest secret of a key at this moment and any older one now; `None` ends all now.
    async fn end_secrets(&mut self, key_id: &str, newest_ends_at: Option<Timestamp>) -> Result<(), DbError>;
    /// Ends the secret before the newest.
    async fn end_overlap(&mut self, key_id: &str) -> Result<(), DbError>;

    /// Makes it all seen, when it touches no key.
    async fn commit(self: Box<Self>) -> Result<(), DbError>;
    /// Makes it all seen, and lets every replica know which keys it touches.
    async fn commit_change(self: Box<Self>, touched: &Touched) -> Result<(), DbError>;
}

/// The store over an open database.
pub fn over(db: AnyDb) -> Arc<dyn Store> {
    match db {
        AnyDb::Sqlite(db) => Arc::new(sql::SqlStore::new(db)),
        AnyDb::Postgres(db) => Arc::new(sql::SqlStore::new(db)),
    }
}
