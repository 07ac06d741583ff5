//! Many keys at once, for tests and benchmarks: argon2 would take nine hours for a million. Behind the
//! feature `testing`; never part of a build that is shipped.

mod requests;

use std::ops::Range;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;
use sqlx::{AssertSqlSafe, Executor};
use svc_core::clock::Timestamp;
use svc_core::error::Error;
use svc_core::ids::hex;
use svc_core::random::Random;
use svc_core::secret::Secret;
use svc_db::{AnyDb, Db, DbError, Dialect, Transaction, sql};

use crate::domain::{AgentMode, KeyDraft, KeyId, RequestedLimits, Role};
use crate::{AuthService, credential};

pub use requests::insert_requests;

/// Keys of one transaction: large, since SQLite writes every page of an index once in each.
const TRANSACTION: u32 = 250_000;
/// Keys of one statement: PostgreSQL ends one that takes longer than 10 s.
const STATEMENT: u32 = 10_000;
/// SQLite's page cache while it inserts, in KiB (negative), and what it is otherwise. The `apiKey`s are
/// random, so that each goes to another page of their index.
const CACHE: [&str; 2] = ["PRAGMA cache_size = -524288", "PRAGMA cache_size = -2000"];

/// The settings of keys to insert, as a console call would have them.
#[derive(Clone, Debug, Default)]
pub struct KeySettings {
    /// What the keys may do. At least one permission.
    pub permissions: Vec<String>,
    /// Where requests may come from. Empty means any address.
    pub allowed_ips: Vec<String>,
    /// Requests in a minute; `None` for the default.
    pub per_minute: Option<i32>,
    /// Requests in an hour; `None` for the default.
    pub per_hour: Option<i32>,
}

/// The `apiKey` and the secret of key `number`: the same on every call and in every process, well formed,
/// and made in microseconds. Anyone can make them, so they belong to tests only.
pub fn credentials(number: u32) -> (String, String) {
    let api_key = credential::new_api_key(AgentMode::Live, &Numbered("key", number));
    let secret = credential::new_secret(AgentMode::Live, &Numbered("secret", number));
    (api_key, secret.expose().to_owned())
}

/// Bytes that look random, and follow from a name and a number.
struct Numbered(&'static str, u32);

impl Random for Numbered {
    fn fill(&self, bytes: &mut [u8]) {
        for (at, chunk) in bytes.chunks_mut(32).enumerate() {
            let seed = format!("keyward/testing/{}/{}/{at}", self.0, self.1);
            chunk.copy_from_slice(&digest(&SHA256, seed.as_bytes()).as_ref()[..chunk.len()]);
        }
    }
}

/// Writes the keys with these [`credentials`] into the database, active and as if the owner of the
/// organization had made them by the console. Their agent must be in live mode.
///
/// Their verifiers are right, under this service's K. Their argon2 record is one for all, of a secret that
/// nobody has: it matches none of them, so that a request that is let through proves that no argon2 ran.
/// Making it counts as one run of `auth_argon2_runs`. Other replicas are not told: none can know the keys.
///
/// Fails as the console does on settings that break a rule, and with `internal` when one of the keys is
/// there already.
pub async fn insert_keys(
    service: &AuthService,
    agent_id: &str,
    numbers: Range<u32>,
    settings: &KeySettings,
) -> Result<(), Error> {
    match &service.db {
        AnyDb::Sqlite(db) => {
            let insert = Insert::new(service, db, agent_id, settings).await?;
            db.begin().await?.execute(CACHE[0]).await.map_err(DbError::from)?;
            let inserted = insert.all(db, numbers).await;
            db.begin().await?.execute(CACHE[1]).await.map_err(DbError::from)?;
            inserted
        }
        AnyDb::Postgres(db) => {
            let insert = Insert::new(service, db, agent_id, settings).await?;
            insert.all(db, numbers).await?;
            // As autovacuum does in a while: an empty table's plan is no good for a million rows.
            let mut connection = db.read().await?;
            let analyze = connection.execute("ANALYZE api_keys, api_key_secrets").await;
            analyze.map(drop).map_err(|error| DbError::from(error).into())
        }
    }
}

/// The rows of a JSON array `$1` of arrays, and bytes from hex: where the engines differ.
trait Rows: Dialect {
    const ROWS: &str;
    const UNHEX: &str;
}

impl Rows for sqlx::Sqlite {
    const ROWS: &str = "json_each($1) AS e";
    const UNHEX: &str = "unhex(e.value ->> 3)";
}

impl Rows for sqlx::Postgres {
    const ROWS: &str = "json_array_elements($1::json) AS e(value)";
    const UNHEX: &str = "decode(e.value ->> 3, 'hex')";
}

/// What all the keys have in common.
struct Insert<'a> {
    service: &'a AuthService,
    agent: &'a str,
    organization: String,
    owner: String,
    permissions: String,
    allowed_ips: String,
    per_minute: i32,
    per_hour: i32,
    /// argon2id of a secret that nobody has.
    hash: String,
    now: Timestamp,
}

impl<'a> Insert<'a> {
    async fn new<D: Rows>(
        service: &'a AuthService,
        db: &Db<D>,
        agent: &'a str,
        settings: &KeySettings,
    ) -> Result<Insert<'a>, Error> {
        let management = &service.management;
        let now = management.environment.clock.now();
        let draft = KeyDraft {
            name: Some("Key".to_owned()),
            permissions: settings.permissions.clone(),
            rate_limits: RequestedLimits {
                per_minute: settings.per_minute.map(Some),
                per_hour: settings.per_hour.map(Some),
            },
            allowed_ips: settings.allowed_ips.clone(),
            ..KeyDraft::default()
        };
        let settings = draft.check(&management.permissions, management.max_limits, now)?;
        let query = sql::<D>(
            "SELECT a.organization_id, m.id AS owner FROM agents a \
             JOIN members m ON m.organization_id = a.organization_id AND m.removed_at IS NULL AND m.role = $2 \
             WHERE a.id = $1 AND a.mode = $3",
        );
        let query = query.bind(agent).bind(Role::Owner.as_str()).bind(AgentMode::Live.as_str());
        let row = query.optional(&mut *db.read().await?).await?;
        let row = row.ok_or_else(|| Error::not_found("Agent in live mode"))?;
        let nobodys = credential::new_secret(AgentMode::Live, &*management.environment.random);
        Ok(Insert {
            service,
            agent,
            organization: row.get("organization_id")?,
            owner: row.get("owner")?,
            permissions: json!(settings.permissions).to_string(),
            allowed_ips: json!(settings.allowed_ips.to_strings()).to_string(),
            per_minute: settings.rate_limits.per_minute,
            per_hour: settings.rate_limits.per_hour,
            hash: management.record_secret(&KeyId::new(""), &nobodys).await?.hash,
            now,
        })
    }

    async fn all<D: Rows>(&self, db: &Db<D>, numbers: Range<u32>) -> Result<(), Error> {
        for first in numbers.clone().step_by(TRANSACTION as usize) {
            let mut work = db.begin().await?;
            let end = first.saturating_add(TRANSACTION).min(numbers.end);
            for first in (first..end).step_by(STATEMENT as usize) {
                let numbers = first..first.saturating_add(STATEMENT).min(end);
                self.some(&mut work, numbers).await?;
            }
            work.commit().await.map_err(DbError::from)?;
        }
        Ok(())
    }

    async fn some<D: Rows>(&self, work: &mut Transaction<D>, numbers: Range<u32>) -> Result<(), DbError> {
        let verifiers = self.service.management.checker.verifiers();
        let mut verifier_key_id = String::new();
        let rows: Vec<serde_json::Value> = numbers
            .map(|number| {
                let (api_key, secret) = credentials(number);
                let id = self.id(number);
                let (verifier, key_id) = verifiers.make(&id, &Secret::new(&*secret));
                verifier_key_id = key_id;
                json!([id, api_key, credential::last4(&secret), hex(&verifier)])
            })
            .collect();
        let rows = serde_json::Value::from(rows).to_string();
        let from = D::ROWS;
        let keys = sql::<D>(AssertSqlSafe(format!(
            "INSERT INTO api_keys (id, organization_id, agent_id, api_key, name, description, permissions, \
             per_minute, per_hour, allowed_ips, created_by, created_at, updated_at, version) \
             SELECT e.value ->> 0, $2, $3, e.value ->> 1, 'Key', '', $4, $5, $6, $7, $8, $9, $9, 1 FROM {from}"
        )));
        let keys = keys.bind(&rows).bind(&self.organization).bind(self.agent).bind(&self.permissions);
        let keys = keys.bind(self.per_minute).bind(self.per_hour).bind(&self.allowed_ips);
        keys.bind(&self.owner).bind(self.now).run(work).await?;
        let secrets = sql::<D>(AssertSqlSafe(format!(
            "INSERT INTO api_key_secrets (id, key_id, hash, verifier, verifier_key_id, last4, created_at) \
             SELECT e.value ->> 0, e.value ->> 0, $2, {}, $3, e.value ->> 2, $4 FROM {from}",
            D::UNHEX
        )));
        let secrets = secrets.bind(&rows).bind(&self.hash).bind(&verifier_key_id).bind(self.now);
        secrets.run(work).await.map(drop)
    }

    /// The id of a key, and of its secret in another table. In place of 48 random bits it ends in the
    /// number: ids that grow fill the pages of an index one after the other.
    fn id(&self, number: u32) -> String {
        format!("{:012x}{number:012x}", self.now.millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_well_formed_and_stay_the_same() {
        let all: std::collections::HashSet<String> = (0..1_000)
            .flat_map(|number| {
                let (api_key, secret) = credentials(number);
                assert!(credential::is_api_key(&api_key) && credential::is_secret(&secret));
                [api_key, secret]
            })
            .collect();
        assert_eq!(all.len(), 2_000);
        assert_eq!(credentials(7), credentials(7));
    }
}
