//! The audit log: the entries of each organization and the sealed end of their chain.

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use svc_core::clock::Timestamp;
use svc_db::{Dialect, Query, Row, sql};

use super::StoreError;
use super::announcements::Announce;
use super::sql::{SqlStore, SqlWork, read, run};
use crate::audit::{Entry, Hash, Head, Origin, Resource, Unaudited, Who};
use crate::domain::{MemberId, OrganizationId, TokenId, display_name};

/// Which entries a caller asks for. All that is given must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct AuditFilter {
    /// Of this member, whatever they proved themselves with.
    pub(crate) member: Option<MemberId>,
    /// Of this member, token or key.
    pub(crate) actor: Option<String>,
    /// Of this action.
    pub(crate) action: Option<String>,
    /// Of something of this type.
    pub(crate) resource_type: Option<String>,
    /// Of the thing with this id.
    pub(crate) resource_id: Option<String>,
    /// Not before.
    pub(crate) from: Option<Timestamp>,
    /// Before.
    pub(crate) to: Option<Timestamp>,
}

/// The end of a chain as it is stored, with its seal.
#[derive(Clone, Debug)]
pub(crate) struct StoredHead {
    /// The end.
    pub(crate) head: Head,
    /// Its seal.
    pub(crate) seal: Vec<u8>,
}

/// Who acts, by the names that they have now.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActorNames {
    /// How others see the member.
    pub(crate) member: Option<String>,
    /// The name of the token.
    pub(crate) token: Option<String>,
}

/// Reads the audit log.
#[async_trait]
pub(crate) trait AuditLog: Send + Sync {
    /// Entries, newest first: at most `limit`, only those before the one at `before`.
    async fn audit_entries(
        &self,
        organization: &OrganizationId,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Entry>, StoreError>;

    /// Entries in the order of the chain: at most `limit` of those after the one at `after`.
    async fn audit_chain(
        &self,
        organization: &OrganizationId,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Entry>, StoreError>;

    /// The end of the chain.
    async fn audit_head(&self, organization: &OrganizationId) -> Result<Option<StoredHead>, StoreError>;

    /// The place of the end of the chain, and that of the newest entry that there is, at one moment.
    async fn audit_ends(&self, organization: &OrganizationId) -> Result<(Option<i64>, i64), StoreError>;

    /// The organizations whose log has no end: those that are older than it.
    async fn unaudited_organizations(&self) -> Result<Vec<OrganizationId>, StoreError>;

    /// Every organization that there is or that has a log.
    async fn audited_organizations(&self) -> Result<Vec<OrganizationId>, StoreError>;
}

/// Proves that it is settled what a change writes into the audit log. A transaction does not commit without one.
#[must_use]
#[derive(Debug)]
pub(crate) struct Recorded(());

impl Recorded {
    /// It writes nothing.
    pub(crate) fn nothing(_: Unaudited) -> Recorded {
        Recorded(())
    }
}

/// Writes the audit log. Not for works: the seam does it.
#[async_trait]
pub(crate) trait AuditChanges: Send {
    /// The names of who acts, and the end of the chain, which nobody else changes until the transaction ends. Among
    /// the last things that a transaction locks, and always before the announcement.
    async fn lock_audit_head(
        &mut self,
        organization: &OrganizationId,
        member: Option<&MemberId>,
        token: Option<&TokenId>,
    ) -> Result<(Option<StoredHead>, ActorNames), StoreError>;

    /// The newest entry that there is, as the end of the chain.
    async fn newest_audit_entry(&mut self, organization: &OrganizationId)
    -> Result<Option<Head>, StoreError>;

    /// Whether the log has an entry with this id.
    async fn has_audit_entry(&mut self, organization: &OrganizationId, id: &str) -> Result<bool, StoreError>;

    /// Adds an entry.
    async fn insert_audit_entry(&mut self, entry: &Entry) -> Result<(), StoreError>;

    /// Writes the end of the chain, once its entries are there.
    async fn write_audit_head(
        &mut self,
        organization: &OrganizationId,
        head: &Head,
        seal: &Hash,
    ) -> Result<Recorded, StoreError>;
}

/// `$2` the member, `$3` the token; empty for none.
const LOCK: &str = "SELECT h.sequence, h.at, h.hash, h.seal, \
     (SELECT m.name FROM members m WHERE m.organization_id = $1 AND m.id = $2) AS member_name, \
     (SELECT m.email FROM members m WHERE m.organization_id = $1 AND m.id = $2) AS member_email, \
     (SELECT t.name FROM tokens t WHERE t.organization_id = $1 AND t.id = $3) AS token_name \
     FROM audit_heads h WHERE h.organization_id = $1";

const INSERT: &str = "INSERT INTO audit_entries (organization_id, sequence, id, at, actor_kind, actor_id, \
     actor_name, member_id, member_name, action, resource_type, resource_id, resource_name, description, status, \
     client_address, request_id, before_json, after_json, previous_hash, hash) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)";

/// The place of the first entry that is not before a time, which never goes back along the chain.
const FIRST_AT: &str = "COALESCE((SELECT sequence FROM audit_entries WHERE organization_id = $1 AND at >= $? \
     ORDER BY at, sequence LIMIT 1), 9223372036854775807)";

#[async_trait]
impl<D: Announce> AuditLog for SqlStore<D> {
    async fn audit_entries(
        &self,
        organization: &OrganizationId,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Entry>, StoreError> {
        // Ids of members are none of tokens or keys. By one column an index has the order, too.
        let by_member = match &filter.actor {
            Some(actor) => self.is_audited_member(organization, actor).await?,
            None => false,
        };
        let actor = filter.actor.as_deref();
        let mut text = "SELECT * FROM audit_entries WHERE organization_id = $1".to_owned();
        let mut bound = Bound::default();
        let member = filter.member.as_ref().map(MemberId::as_str);
        bound.text(&mut text, "member_id =", member);
        bound.text(&mut text, if by_member { "member_id =" } else { "actor_id =" }, actor);
        bound.text(&mut text, "action =", filter.action.as_deref());
        bound.text(&mut text, "resource_type =", filter.resource_type.as_deref());
        bound.text(&mut text, "resource_id =", filter.resource_id.as_deref());
        bound.number(&mut text, &format!("sequence >= {FIRST_AT}"), filter.from.map(|time| time.0));
        bound.number(&mut text, &format!("sequence < {FIRST_AT}"), filter.to.map(|time| time.0));
        bound.number(&mut text, "sequence < $?", before);
        text.push_str(&format!(" ORDER BY sequence DESC LIMIT ${}", bound.next()));
        let rows = read!(self, "db.audit.list", |c| bound
            .bind(sql::<D>(AssertSqlSafe(text.clone())).bind(organization))
            .bind(limit)
            .all(c))?;
        rows.iter().map(entry).collect()
    }

    async fn audit_chain(
        &self,
        organization: &OrganizationId,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Entry>, StoreError> {
        let select = "SELECT * FROM audit_entries WHERE organization_id = $1 AND sequence > $2 \
             ORDER BY sequence LIMIT $3";
        let rows = read!(self, "db.audit.chain", |c| sql::<D>(select)
            .bind(organization)
            .bind(after)
            .bind(limit)
            .all(c))?;
        rows.iter().map(entry).collect()
    }

    async fn audit_head(&self, organization: &OrganizationId) -> Result<Option<StoredHead>, StoreError> {
        let select = "SELECT sequence, at, hash, seal FROM audit_heads WHERE organization_id = $1";
        let row = read!(self, "db.audit.head", |c| sql::<D>(select).bind(organization).optional(c))?;
        row.as_ref().map(stored_head).transpose()
    }

    async fn audit_ends(&self, organization: &OrganizationId) -> Result<(Option<i64>, i64), StoreError> {
        let select = "SELECT (SELECT sequence FROM audit_heads WHERE organization_id = $1) AS head, \
             COALESCE((SELECT MAX(sequence) FROM audit_entries WHERE organization_id = $1), 0) AS newest";
        let row = read!(self, "db.audit.ends", |c| sql::<D>(select).bind(organization).optional(c))?;
        let Some(row) = row else { return Ok((None, 0)) };
        Ok((row.get("head")?, row.get("newest")?))
    }

    async fn unaudited_organizations(&self) -> Result<Vec<OrganizationId>, StoreError> {
        let select = "SELECT id FROM organizations o WHERE NOT EXISTS \
             (SELECT 1 FROM audit_heads h WHERE h.organization_id = o.id) ORDER BY id";
        let rows = read!(self, "db.audit.organizations", |c| sql::<D>(select).all(c))?;
        rows.iter().map(|row| Ok(OrganizationId::new(row.get::<String>("id")?))).collect()
    }

    async fn audited_organizations(&self) -> Result<Vec<OrganizationId>, StoreError> {
        // Looked up in each table by itself: an organization that is gone may still have a log.
        let select = "SELECT id FROM organizations UNION SELECT organization_id FROM audit_heads \
             UNION SELECT organization_id FROM audit_entries ORDER BY 1";
        let rows = read!(self, "db.audit.organizations", |c| sql::<D>(select).all(c))?;
        rows.iter().map(|row| Ok(OrganizationId::new(row.get::<String>("id")?))).collect()
    }
}

impl<D: Announce> SqlStore<D> {
    async fn is_audited_member(&self, organization: &OrganizationId, id: &str) -> Result<bool, StoreError> {
        let select =
            "SELECT sequence FROM audit_entries WHERE organization_id = $1 AND member_id = $2 LIMIT 1";
        let row =
            read!(self, "db.audit.member", |c| sql::<D>(select).bind(organization).bind(id).optional(c))?;
        Ok(row.is_some())
    }
}

/// The conditions of a query that are given, with their values from `$2` on.
#[derive(Default)]
struct Bound<'a> {
    values: Vec<svc_db::Param<'a>>,
}

impl<'a> Bound<'a> {
    fn next(&self) -> usize {
        self.values.len() + 2
    }

    fn text(&mut self, query: &mut String, condition: &str, value: Option<&'a str>) {
        let Some(value) = value else { return };
        query.push_str(&format!(" AND {condition} ${}", self.next()));
        self.values.push(value.into());
    }

    fn number(&mut self, query: &mut String, condition: &str, value: Option<i64>) {
        let Some(value) = value else { return };
        query.push_str(&format!(" AND {}", condition.replace("$?", &format!("${}", self.next()))));
        self.values.push(value.into());
    }

    fn bind<D: Dialect>(&self, query: Query<D>) -> Query<D> {
        self.values.iter().fold(query, |query, value| query.bind(*value))
    }
}

#[async_trait]
impl<D: Announce> AuditChanges for SqlWork<D> {
    async fn lock_audit_head(
        &mut self,
        organization: &OrganizationId,
        member: Option<&MemberId>,
        token: Option<&TokenId>,
    ) -> Result<(Option<StoredHead>, ActorNames), StoreError> {
        let (member, token) = (member.map_or("", MemberId::as_str), token.map_or("", TokenId::as_str));
        let lock = || {
            let query = sql::<D>(AssertSqlSafe(format!("{LOCK}{}", D::FOR_UPDATE)));
            query.bind(organization).bind(member).bind(token)
        };
        if let Some(row) = run!(self, "db.audit.lock", |c| lock().optional(c))? {
            return Ok((Some(stored_head(&row)?), names(&row)?));
        }
        // The first of an organization: a row that others wait for, and that nobody sees before it is written.
        let query = sql::<D>(
            "INSERT INTO audit_heads (organization_id, sequence, at, hash, seal) VALUES ($1, 0, 0, $2, $2) \
             ON CONFLICT DO NOTHING",
        );
        let none: &[u8] = &[];
        let query = query.bind(organization).bind(none);
        let is_new = run!(self, "db.audit.begin", |c| query.run(c))? > 0;
        let row = run!(self, "db.audit.lock", |c| lock().optional(c))?;
        let Some(row) = row else { return Err(StoreError::Corrupt { column: "organization_id" }) };
        let head = if is_new { None } else { Some(stored_head(&row)?) };
        Ok((head, names(&row)?))
    }

    async fn newest_audit_entry(
        &mut self,
        organization: &OrganizationId,
    ) -> Result<Option<Head>, StoreError> {
        let query = sql::<D>(
            "SELECT sequence, at, hash FROM audit_entries WHERE organization_id = $1 \
             ORDER BY sequence DESC LIMIT 1",
        );
        let query = query.bind(organization);
        let row = run!(self, "db.audit.newest", |c| query.optional(c))?;
        row.as_ref().map(head).transpose()
    }

    async fn has_audit_entry(&mut self, organization: &OrganizationId, id: &str) -> Result<bool, StoreError> {
        let query = sql::<D>("SELECT id FROM audit_entries WHERE organization_id = $1 AND id = $2 LIMIT 1");
        let query = query.bind(organization).bind(id);
        Ok(run!(self, "db.audit.find", |c| query.optional(c))?.is_some())
    }

    async fn insert_audit_entry(&mut self, entry: &Entry) -> Result<(), StoreError> {
        let Entry { who, resource, origin, .. } = entry;
        let query = sql::<D>(INSERT).bind(&entry.organization_id).bind(entry.sequence).bind(&entry.id);
        let query = query.bind(entry.at).bind(&who.kind).bind(&who.id).bind(&who.name).bind(&who.member_id);
        let query = query.bind(&who.member_name).bind(&entry.action).bind(&entry.resource_type);
        let query = query.bind(&resource.id).bind(&resource.name).bind(&entry.description);
        let query = query.bind(&entry.status).bind(&origin.client_address).bind(&origin.request_id);
        let query = query.bind(&entry.before).bind(&entry.after);
        let query = query.bind(entry.previous_hash.as_bytes()).bind(entry.hash.as_bytes());
        run!(self, "db.audit.insert", |c| query.run(c))?;
        Ok(())
    }

    async fn write_audit_head(
        &mut self,
        organization: &OrganizationId,
        head: &Head,
        seal: &Hash,
    ) -> Result<Recorded, StoreError> {
        let query = sql::<D>(
            "UPDATE audit_heads SET sequence = $2, at = $3, hash = $4, seal = $5 WHERE organization_id = $1",
        );
        let query = query.bind(organization).bind(head.sequence).bind(head.at);
        let query = query.bind(head.hash.as_bytes()).bind(seal.as_bytes());
        match run!(self, "db.audit.seal", |c| query.run(c))? {
            1 => Ok(Recorded(())),
            _ => Err(StoreError::Corrupt { column: "organization_id" }),
        }
    }
}

fn names<D: Dialect>(row: &Row<D>) -> Result<ActorNames, StoreError> {
    let (name, email): (Option<String>, Option<String>) = (row.get("member_name")?, row.get("member_email")?);
    let member = name.map(|name| display_name(&name, &email.unwrap_or_default()).to_owned());
    Ok(ActorNames { member, token: row.get("token_name")? })
}

/// A hash that is none, since somebody wrote something else there, is no reason not to go on: it matches nothing.
fn hash<D: Dialect>(row: &Row<D>, column: &'static str) -> Result<Hash, StoreError> {
    Ok(Hash::from_bytes(&row.get::<Vec<u8>>(column)?).unwrap_or(Hash::ZERO))
}

fn head<D: Dialect>(row: &Row<D>) -> Result<Head, StoreError> {
    Ok(Head { sequence: row.get("sequence")?, at: row.time("at")?, hash: hash(row, "hash")? })
}

fn stored_head<D: Dialect>(row: &Row<D>) -> Result<StoredHead, StoreError> {
    Ok(StoredHead { head: head(row)?, seal: row.get("seal")? })
}

fn entry<D: Dialect>(row: &Row<D>) -> Result<Entry, StoreError> {
    Ok(Entry {
        organization_id: OrganizationId::new(row.get::<String>("organization_id")?),
        sequence: row.get("sequence")?,
        id: row.get("id")?,
        at: row.time("at")?,
        who: Who {
            kind: row.get("actor_kind")?,
            id: row.get("actor_id")?,
            name: row.get("actor_name")?,
            member_id: row.get("member_id")?,
            member_name: row.get("member_name")?,
        },
        action: row.get("action")?,
        resource_type: row.get("resource_type")?,
        resource: Resource { id: row.get("resource_id")?, name: row.get("resource_name")? },
        description: row.get("description")?,
        status: row.get("status")?,
        origin: Origin { client_address: row.get("client_address")?, request_id: row.get("request_id")? },
        before: row.get("before_json")?,
        after: row.get("after_json")?,
        previous_hash: hash(row, "previous_hash")?,
        hash: hash(row, "hash")?,
    })
}
