//! The secrets of API keys. They are read with their key ([`Keys::key_record`](super::Keys::key_record)).

use async_trait::async_trait;
use svc_core::clock::Timestamp;
use svc_db::{Dialect, Row, sql};

use super::StoreError;
use super::announcements::{Announce, Touched};
use super::sql::{SqlWork, run};
use crate::domain::{Key, SecretId};
use crate::secrets::StoredSecret;

/// Changes secrets.
#[async_trait]
pub(crate) trait SecretChanges: Send {
    /// Adds a secret to a key.
    async fn insert_secret(&mut self, key: &Key, secret: &StoredSecret) -> Result<Touched, StoreError>;

    /// Writes another record and verifier of the same secret, which touches no key: all decide by it as before.
    /// `false` when it is not there any more as it was before.
    async fn renew_secret(&mut self, before: &StoredSecret, after: &StoredSecret)
    -> Result<bool, StoreError>;

    /// Ends the newest secret of a key at this moment and any older one now; `None` ends all now.
    async fn end_secrets(
        &mut self,
        key: &Key,
        newest_ends_at: Option<Timestamp>,
    ) -> Result<Touched, StoreError>;

    /// Ends the secret before the newest.
    async fn end_overlap(&mut self, key: &Key) -> Result<Touched, StoreError>;
}

#[async_trait]
impl<D: Announce> SecretChanges for SqlWork<D> {
    async fn insert_secret(&mut self, key: &Key, secret: &StoredSecret) -> Result<Touched, StoreError> {
        let query = sql::<D>(
            "INSERT INTO api_key_secrets \
             (id, key_id, hash, verifier, verifier_key_id, last4, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        );
        let query = query.bind(&secret.id).bind(&key.id).bind(&secret.hash);
        let query = query.bind(secret.verifier.as_deref()).bind(&secret.verifier_key_id);
        let query = query.bind(&secret.last4).bind(secret.created_at).bind(secret.expires_at);
        run!(self, "db.secret.insert", |c| query.run(c))?;
        Ok(Touched::key(key))
    }

    async fn renew_secret(
        &mut self,
        before: &StoredSecret,
        after: &StoredSecret,
    ) -> Result<bool, StoreError> {
        let query = sql::<D>(
            "UPDATE api_key_secrets SET hash = $2, verifier = $3, verifier_key_id = $4 \
             WHERE id = $1 AND hash = $5 AND COALESCE(verifier_key_id, '') = $6",
        );
        let query = query.bind(&before.id).bind(&after.hash).bind(after.verifier.as_deref());
        let query = query.bind(&after.verifier_key_id).bind(&before.hash);
        let query = query.bind(before.verifier_key_id.as_deref().unwrap_or_default());
        Ok(run!(self, "db.secret.renew", |c| query.run(c))? > 0)
    }

    async fn end_secrets(
        &mut self,
        key: &Key,
        newest_ends_at: Option<Timestamp>,
    ) -> Result<Touched, StoreError> {
        let Some(at) = newest_ends_at else {
            let query = sql::<D>("DELETE FROM api_key_secrets WHERE key_id = $1").bind(&key.id);
            run!(self, "db.secret.end", |c| query.run(c))?;
            return Ok(Touched::key(key));
        };
        let ended = self.end_overlap(key).await?;
        let query = sql::<D>("UPDATE api_key_secrets SET expires_at = $2 WHERE key_id = $1");
        let query = query.bind(&key.id).bind(at);
        run!(self, "db.secret.end", |c| query.run(c))?;
        Ok(ended)
    }

    async fn end_overlap(&mut self, key: &Key) -> Result<Touched, StoreError> {
        let query = sql::<D>("DELETE FROM api_key_secrets WHERE key_id = $1 AND expires_at IS NOT NULL");
        let query = query.bind(&key.id);
        run!(self, "db.secret.end", |c| query.run(c))?;
        Ok(Touched::key(key))
    }
}

/// The secret in a row with all its columns.
pub(super) fn secret<D: Dialect>(row: &Row<D>) -> Result<StoredSecret, StoreError> {
    Ok(StoredSecret {
        id: SecretId::new(row.get::<String>("id")?),
        hash: row.get("hash")?,
        verifier: row.get("verifier")?,
        verifier_key_id: row.get("verifier_key_id")?,
        last4: row.get("last4")?,
        created_at: row.time("created_at")?,
        expires_at: row.optional_time("expires_at")?,
    })
}
