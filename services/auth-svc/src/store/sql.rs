//! The store over either engine.

use async_trait::async_trait;
use svc_core::clock::Timestamp;
use svc_core::db::{Db, DbError, Dialect, Transaction, sql};
use tracing::{Instrument, debug_span};

use super::keys::{self, Column};
use super::revocation::{Announce, Touched};
use super::{KeyFilter, KeyRecord, Page, Store, TokenRecord, Work, members};
use crate::domain::{Agent, Key, Member, Token};
use crate::secrets::StoredSecret;

pub(super) struct SqlStore<D: Dialect> {
    db: Db<D>,
}

impl<D: Dialect> SqlStore<D> {
    pub(super) fn new(db: Db<D>) -> SqlStore<D> {
        SqlStore { db }
    }
}

struct SqlWork<D: Dialect> {
    transaction: Transaction<D>,
}

/// A read on a connection of its own, in a span of its own.
macro_rules! read {
    ($self:ident, $name:literal, |$connection:ident| $query:expr) => {
        async {
            let mut connection = $self.db.read().await?;
            let $connection = &mut *connection;
            let found: Result<_, DbError> = $query.await;
            if found.is_ok() {
                connection.done();
            }
            found
        }
        .instrument(debug_span!($name, otel.kind = "client"))
        .await
    };
}

/// A statement of a transaction, in a span of its own.
macro_rules! write {
    ($self:ident, $name:literal, |$connection:ident| $query:expr) => {{
        let $connection = &mut *$self.transaction;
        $query.instrument(debug_span!($name, otel.kind = "client")).await
    }};
}

#[async_trait]
impl<D: Announce> Store for SqlStore<D> {
    async fn begin(&self) -> Result<Box<dyn Work>, DbError> {
        Ok(Box::new(SqlWork { transaction: self.db.begin().await? }))
    }

    async fn is_set_up(&self) -> Result<bool, DbError> {
        let query = sql::<D>("SELECT once FROM setup");
        read!(self, "db.setup.get", |c| async { Ok(query.optional(c).await?.is_some()) })
    }

    async fn key_record(&self, api_key: &str) -> Result<Option<KeyRecord>, DbError> {
        read!(self, "db.key.check", |c| keys::record::<D>(c, api_key))
    }

    async fn token_record(&self, hash: &[u8]) -> Result<Option<TokenRecord>, DbError> {
        read!(self, "db.token.check", |c| members::token_record::<D>(c, hash))
    }

    async fn key(&self, organization: &str, agent: &str, id: &str) -> Result<Option<Key>, DbError> {
        read!(self, "db.key.get", |c| keys::get::<D>(c, organization, agent, id))
    }

    async fn key_by_id(&self, organization: &str, id: &str) -> Result<Option<Key>, DbError> {
        read!(self, "db.key.get", |c| keys::by_id::<D>(c, organization, id))
    }

    async fn keys(&self, organization: &str, filter: &KeyFilter, page: &Page) -> Result<Vec<Key>, DbError> {
        read!(self, "db.key.list", |c| keys::list::<D>(c, organization, filter, page))
    }

    async fn count_keys(&self, organization: &str, filter: &KeyFilter) -> Result<i64, DbError> {
        read!(self, "db.key.count", |c| keys::count::<D>(c, organization, filter))
    }

    async fn agent(&self, organization: &str, id: &str) -> Result<Option<Agent>, DbError> {
        read!(self, "db.agent.get", |c| members::agent::<D>(c, organization, id, ""))
    }

    async fn agents(&self, organization: &str, page: &Page) -> Result<Vec<Agent>, DbError> {
        read!(self, "db.agent.list", |c| members::agents::<D>(c, organization, page))
    }

    async fn count_agents(&self, organization: &str) -> Result<i64, DbError> {
        let query = sql("SELECT COUNT(*) AS count FROM agents WHERE organization_id = $1").bind(organization);
        read!(self, "db.agent.count", |c| members::count::<D>(c, query))
    }

    async fn member(&self, organization: &str, id: &str) -> Result<Option<Member>, DbError> {
        read!(self, "db.member.get", |c| members::member::<D>(c, organization, id, ""))
    }

    async fn member_by_email(&self, organization: &str, email: &str) -> Result<Option<Member>, DbError> {
        read!(self, "db.member.get", |c| members::member_by_email::<D>(c, organization, email))
    }

    async fn members(&self, organization: &str, page: &Page) -> Result<Vec<Member>, DbError> {
        read!(self, "db.member.list", |c| members::members::<D>(c, organization, page))
    }

    async fn count_members(&self, organization: &str) -> Result<i64, DbError> {
        let count = "SELECT COUNT(*) AS count FROM members WHERE organization_id = $1 AND removed_at IS NULL";
        let query = sql(count).bind(organization);
        read!(self, "db.member.count", |c| members::count::<D>(c, query))
    }

    async fn token(&self, organization: &str, member: &str, id: &str) -> Result<Option<Token>, DbError> {
        read!(self, "db.token.get", |c| members::token::<D>(c, organization, member, id))
    }

    async fn tokens(&self, organization: &str, member: &str, page: &Page) -> Result<Vec<Token>, DbError> {
        read!(self, "db.token.list", |c| members::tokens::<D>(c, organization, member, page))
    }

    async fn count_tokens(&self, organization: &str, member: &str) -> Result<i64, DbError> {
        let count = "SELECT COUNT(*) AS count FROM tokens WHERE organization_id = $1 AND member_id = $2";
        let query = sql(count).bind(organization).bind(member);
        read!(self, "db.token.count", |c| members::count::<D>(c, query))
    }
}

#[async_trait]
impl<D: Announce> Work for SqlWork<D> {
    async fn claim_setup(&mut self) -> Result<bool, DbError> {
        let query = sql::<D>("INSERT INTO setup (once) VALUES (1) ON CONFLICT DO NOTHING");
        write!(self, "db.setup.claim", |c| async { Ok(query.run(c).await? > 0) })
    }

    async fn insert_organization(&mut self, id: &str, name: &str, now: Timestamp) -> Result<(), DbError> {
        let query = sql::<D>("INSERT INTO organizations (id, name, created_at) VALUES ($1, $2, $3)");
        let query = query.bind(id).bind(name).bind(now);
        write!(self, "db.organization.insert", |c| async { query.run(c).await.map(drop) })
    }

    async fn insert_agent(&mut self, agent: &Agent) -> Result<(), DbError> {
        write!(self, "db.agent.insert", |c| members::insert_agent::<D>(c, agent))
    }

    async fn lock_agent(&mut self, organization: &str, id: &str) -> Result<Option<Agent>, DbError> {
        write!(self, "db.agent.lock", |c| members::agent::<D>(c, organization, id, D::FOR_UPDATE))
    }

    async fn update_agent(&mut self, agent: &Agent) -> Result<(), DbError> {
        write!(self, "db.agent.update", |c| members::update_agent::<D>(c, agent))
    }

    async fn delete_agent(&mut self, organization: &str, id: &str) -> Result<Vec<String>, DbError> {
        let keys = write!(self, "db.key.list", |c| keys::names_by::<D>(c, organization, Column::Agent, id))?;
        write!(self, "db.agent.delete", |c| members::delete_agent::<D>(c, organization, id))?;
        Ok(keys)
    }

    async fn insert_member(&mut self, member: &Member) -> Result<(), DbError> {
        write!(self, "db.member.insert", |c| members::insert_member::<D>(c, member))
    }

    async fn lock_member(&mut self, organization: &str, id: &str) -> Result<Option<Member>, DbError> {
        write!(self, "db.member.lock", |c| members::member::<D>(c, organization, id, D::FOR_UPDATE))
    }

    async fn update_member(&mut self, member: &Member) -> Result<(), DbError> {
        write!(self, "db.member.update", |c| members::update_member::<D>(c, member))
    }

    async fn remove_member(&mut self, organization: &str, id: &str, now: Timestamp) -> Result<(), DbError> {
        write!(self, "db.member.remove", |c| members::remove_member::<D>(c, organization, id, now))
    }

    async fn keys_made_by(&mut self, organization: &str, member: &str) -> Result<Vec<String>, DbError> {
        write!(self, "db.key.list", |c| keys::names_by::<D>(c, organization, Column::Creator, member))
    }

    async fn insert_token(&mut self, token: &Token, hash: &[u8]) -> Result<(), DbError> {
        write!(self, "db.token.insert", |c| members::insert_token::<D>(c, token, hash))
    }

    async fn delete_token(&mut self, organization: &str, member: &str, id: &str) -> Result<bool, DbError> {
        write!(self, "db.token.delete", |c| members::delete_token::<D>(c, organization, member, id))
    }

    async fn insert_key(&mut self, key: &Key) -> Result<(), DbError> {
        write!(self, "db.key.insert", |c| keys::insert::<D>(c, key))
    }

    async fn lock_key(&mut self, organization: &str, agent: &str, id: &str) -> Result<Option<Key>, DbError> {
        write!(self, "db.key.lock", |c| keys::lock::<D>(c, organization, agent, id))
    }

    async fn update_key(&mut self, key: &Key) -> Result<(), DbError> {
        write!(self, "db.key.update", |c| keys::update::<D>(c, key))
    }

    async fn delete_key(&mut self, organization: &str, agent: &str, id: &str) -> Result<(), DbError> {
        write!(self, "db.key.delete", |c| keys::delete::<D>(c, organization, agent, id))
    }

    async fn insert_secret(&mut self, key_id: &str, secret: &StoredSecret) -> Result<(), DbError> {
        write!(self, "db.secret.insert", |c| keys::insert_secret::<D>(c, key_id, secret))
    }

    async fn renew_secret(&mut self, before: &StoredSecret, after: &StoredSecret) -> Result<bool, DbError> {
        write!(self, "db.secret.renew", |c| keys::renew_secret::<D>(c, before, after))
    }

    async fn end_secrets(&mut self, key_id: &str, newest_ends_at: Option<Timestamp>) -> Result<(), DbError> {
        write!(self, "db.secret.end", |c| keys::end_secrets::<D>(c, key_id, newest_ends_at))
    }

    async fn end_overlap(&mut self, key_id: &str) -> Result<(), DbError> {
        write!(self, "db.secret.end", |c| keys::end_overlap::<D>(c, key_id))
    }

    async fn commit(self: Box<Self>) -> Result<(), DbError> {
        let commit = async { Ok(self.transaction.commit().await?) };
        commit.instrument(debug_span!("db.commit", otel.kind = "client")).await
    }

    async fn commit_change(mut self: Box<Self>, touched: &Touched) -> Result<(), DbError> {
        if !touched.is_empty() {
            write!(self, "db.change.announce", |c| D::announce(c, touched))?;
        }
        self.commit().await
    }
}
