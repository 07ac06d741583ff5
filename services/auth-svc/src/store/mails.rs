//! Mails that wait. They belong to an organization, but are sent for all of them together.

use async_trait::async_trait;
use svc_core::clock::Timestamp;
use svc_db::{Dialect, Row, sql};

use super::announcements::Announce;
use super::sql::{SqlStore, SqlWork, read, run};
use super::{StoreError, row};
use crate::domain::{LinkKind, MailId, MemberId, OrganizationId};

/// How many mails wait at the most. One more is not taken.
pub(crate) const MOST_WAITING: i64 = 10_000;

/// A mail that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WaitingMail {
    /// Its id.
    pub(crate) id: MailId,
    /// Whose it is.
    pub(crate) organization_id: OrganizationId,
    /// What it says, sealed.
    pub(crate) content: Vec<u8>,
    /// How often it was tried.
    pub(crate) attempts: i64,
    /// When it was written.
    pub(crate) created_at: Timestamp,
    /// When it is to be tried.
    pub(crate) due_at: Timestamp,
    /// When it is given up.
    pub(crate) ends_at: Timestamp,
}

/// Reads mails.
#[async_trait]
pub(crate) trait Mails: Send + Sync {
    /// Those that are due, the longest due first.
    async fn due_mails(&self, now: Timestamp, limit: i64) -> Result<Vec<WaitingMail>, StoreError>;
}

/// Changes mails.
#[async_trait]
pub(crate) trait MailChanges: Send {
    /// Adds one. `false` when too many wait.
    async fn insert_mail(&mut self, mail: &WaitingMail) -> Result<bool, StoreError>;

    /// Counts an attempt, and puts the next one off. `false` when another replica was faster, or it is gone.
    async fn claim_mail(&mut self, mail: &WaitingMail, next: Timestamp) -> Result<bool, StoreError>;

    /// Whether a link of this kind was made for a member after this moment.
    async fn link_made_since(
        &mut self,
        kind: LinkKind,
        organization: &OrganizationId,
        member: &MemberId,
        since: Timestamp,
    ) -> Result<bool, StoreError>;

    /// It is sent, or given up.
    async fn delete_mail(&mut self, id: &MailId) -> Result<(), StoreError>;
}

#[async_trait]
impl<D: Announce> Mails for SqlStore<D> {
    async fn due_mails(&self, now: Timestamp, limit: i64) -> Result<Vec<WaitingMail>, StoreError> {
        let select = "SELECT * FROM mails WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2";
        let rows = read!(self, "db.mail.list", |c| sql::<D>(select).bind(now).bind(limit).all(c))?;
        rows.iter().map(mail).collect()
    }
}

#[async_trait]
impl<D: Announce> MailChanges for SqlWork<D> {
    async fn insert_mail(&mut self, mail: &WaitingMail) -> Result<bool, StoreError> {
        // Several at once may each find a last place: the bound is as good with a few more.
        let query = sql::<D>("SELECT COUNT(*) AS count FROM mails");
        if row::count(run!(self, "db.mail.count", |c| query.optional(c))?)? >= MOST_WAITING {
            return Ok(false);
        }
        let query = sql::<D>(
            "INSERT INTO mails (id, organization_id, content, attempts, created_at, due_at, ends_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        );
        let query = query.bind(&mail.id).bind(&mail.organization_id).bind(&mail.content);
        let query = query.bind(mail.attempts).bind(mail.created_at).bind(mail.due_at).bind(mail.ends_at);
        run!(self, "db.mail.insert", |c| query.run(c))?;
        Ok(true)
    }

    async fn claim_mail(&mut self, mail: &WaitingMail, next: Timestamp) -> Result<bool, StoreError> {
        let query = sql::<D>(
            "UPDATE mails SET attempts = attempts + 1, due_at = $4 \
             WHERE id = $1 AND attempts = $2 AND due_at = $3",
        );
        let query = query.bind(&mail.id).bind(mail.attempts).bind(mail.due_at).bind(next);
        Ok(run!(self, "db.mail.claim", |c| query.run(c))? > 0)
    }

    async fn link_made_since(
        &mut self,
        kind: LinkKind,
        organization: &OrganizationId,
        member: &MemberId,
        since: Timestamp,
    ) -> Result<bool, StoreError> {
        let query = sql::<D>(
            "SELECT COUNT(*) AS count FROM links \
             WHERE organization_id = $1 AND member_id = $2 AND kind = $3 AND created_at > $4",
        );
        let query = query.bind(organization).bind(member).bind(kind.as_str()).bind(since);
        Ok(row::count(run!(self, "db.link.count", |c| query.optional(c))?)? > 0)
    }

    async fn delete_mail(&mut self, id: &MailId) -> Result<(), StoreError> {
        let query = sql::<D>("DELETE FROM mails WHERE id = $1").bind(id);
        run!(self, "db.mail.delete", |c| query.run(c))?;
        Ok(())
    }
}

fn mail<D: Dialect>(row: &Row<D>) -> Result<WaitingMail, StoreError> {
    Ok(WaitingMail {
        id: MailId::new(row.get::<String>("id")?),
        organization_id: OrganizationId::new(row.get::<String>("organization_id")?),
        content: row.get("content")?,
        attempts: row.get("attempts")?,
        created_at: row.time("created_at")?,
        due_at: row.time("due_at")?,
        ends_at: row.time("ends_at")?,
    })
}
