//! `keyward audit verify`: whether the audit log is as it was written, entry by entry, and which one is not.

mod export;
#[cfg(test)]
mod tests;
mod walk;

use std::path::Path;

use svc_core::error::Error;
use svc_core::ids::is_id;
use svc_db::AnyDb;
use svc_runtime::keyfile::{self, KeyFileError};
use svc_runtime::service::Environment;

use crate::audit::{BadAuditKey, ChainKey, Head};
use crate::domain::OrganizationId;
use crate::store::{self, Store, StoreError};
use crate::{Config, NAME};

pub use export::BadLine;
pub use walk::{Broken, Fault};

use walk::Walk;

/// Entries that are read at once.
const AT_ONCE: i64 = 1_000;

/// Why the audit log cannot be checked.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The file with the key.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// There is no key.
    #[error("there is no audit key: set auth.audit_key, or give the data_dir that has audit.key")]
    NoKey,
    /// `auth.audit_key`.
    #[error(transparent)]
    Key(#[from] BadAuditKey),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] svc_db::OpenError),
    /// The database cannot be read.
    #[error("the database cannot be read")]
    Store(#[from] StoreError),
    /// A line of an export.
    #[error(transparent)]
    Line(#[from] BadLine),
    /// The organization has no log.
    #[error("there is no organization {0}")]
    NoOrganization(String),
    /// An export holds the log of another organization.
    #[error("the export is of organization {0}")]
    OtherOrganization(String),
    /// An export has no entry.
    #[error("the export has no entry")]
    Empty,
}

/// What a look at the log of an organization has found.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The organization.
    pub organization_id: String,
    /// How many entries were as they were written, up to the first that was not.
    pub entries: u64,
    /// The place of the last of them. 0: there was none.
    pub sequence: i64,
    /// Its hash, 64 lowercase hex characters.
    pub hash: String,
    /// The first that was not.
    pub broken: Option<Broken>,
}

/// Checks audit logs, with the key that they are chained with.
pub struct Verifier {
    key: ChainKey,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verifier")
    }
}

impl Verifier {
    /// With the key of the settings or of the data directory. It makes none: what a new key finds is never right.
    pub fn new(config: &Config, data_dir: &Path) -> Result<Verifier, VerifyError> {
        if let Some(key) = &config.audit_key {
            return Ok(Verifier { key: ChainKey::new(key)? });
        }
        let path = data_dir.join("audit.key");
        let key = keyfile::load_or_create(&path, || None).map_err(|error| match error {
            KeyFileError::Generate => VerifyError::NoKey,
            error => error.into(),
        })?;
        let bad = |why: BadAuditKey| KeyFileError::Bad { path, why: why.to_string() };
        Ok(Verifier { key: ChainKey::new(&key).map_err(bad)? })
    }

    /// Checks the log of one organization in the database, or of all.
    pub async fn database(
        &self,
        log: &Database,
        organization: Option<&str>,
    ) -> Result<Vec<Verified>, VerifyError> {
        let all = log.store.audited_organizations().await?;
        let asked: Vec<_> =
            all.into_iter().filter(|one| organization.is_none_or(|asked| asked == one.as_str())).collect();
        if let (Some(organization), true) = (organization, asked.is_empty()) {
            let shown = if is_id(organization) { organization } else { "of this id" };
            return Err(VerifyError::NoOrganization(shown.to_owned()));
        }
        let mut verified = Vec::new();
        for organization in asked {
            verified.push(self.chain(&*log.store, organization).await?);
        }
        Ok(verified)
    }

    async fn chain(&self, store: &dyn Store, organization: OrganizationId) -> Result<Verified, VerifyError> {
        // First, so that entries which are written meanwhile are not taken for ones without a seal.
        let stored = store.audit_head(&organization).await?;
        let end = stored.as_ref().map_or(i64::MAX, |stored| stored.head.sequence);
        let mut walk = Walk::new(&self.key, organization.clone(), Head::NONE);
        while walk.sequence() < end {
            let entries = store.audit_chain(&organization, walk.sequence(), AT_ONCE).await?;
            if entries.is_empty() {
                break;
            }
            for entry in entries.iter().take_while(|entry| entry.sequence <= end) {
                if let Err(broken) = walk.step(entry) {
                    return Ok(walk.broken(broken));
                }
            }
            if entries.last().is_some_and(|last| last.sequence > end) {
                break;
            }
        }
        if let Err(broken) = walk.end(stored.as_ref()) {
            return Ok(walk.broken(broken));
        }
        // At one moment: what stands there beyond the end was not written by Keyward.
        let (end, newest) = store.audit_ends(&organization).await?;
        let beyond = end.filter(|end| newest > *end);
        Ok(match beyond {
            Some(end) => walk.broken(Broken::at(end.saturating_add(1), Fault::Unsealed)),
            None => walk.whole(),
        })
    }

    /// Checks an export, line by line.
    pub fn export(&self, lines: impl std::io::BufRead) -> Result<Verified, VerifyError> {
        export::verify(&self.key, lines)
    }

    /// Whether the database still has what an export ends with. `None`: it has.
    pub async fn holds(&self, log: &Database, exported: &Verified) -> Result<Option<Broken>, VerifyError> {
        let organization = OrganizationId::new(&*exported.organization_id);
        let before = exported.sequence.saturating_sub(1);
        let found = log.store.audit_chain(&organization, before, 1).await?;
        let same = |entry: &crate::audit::Entry| {
            entry.sequence == exported.sequence && entry.hash.to_hex() == exported.hash
        };
        Ok(match found.first() {
            Some(entry) if same(entry) => None,
            Some(entry) if entry.sequence == exported.sequence => {
                Some(Broken::at(exported.sequence, Fault::OtherThanExported))
            }
            _ => Some(Broken::at(exported.sequence, Fault::Missing)),
        })
    }
}

/// The audit log in the database, opened to be read: also beside the process that it belongs to.
pub struct Database {
    store: std::sync::Arc<dyn Store>,
    db: AnyDb,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Database")
    }
}

impl Database {
    /// Opens it.
    pub async fn open(environment: &Environment) -> Result<Database, VerifyError> {
        let (sqlite, postgres) = store::migrations();
        let db = svc_db::open_to_read(environment, NAME, sqlite, postgres).await?;
        let (store, _) = store::over(db.clone());
        Ok(Database { store, db })
    }

    /// Closes it.
    pub async fn close(self) {
        self.db.close().await;
    }
}

impl From<VerifyError> for Error {
    fn from(error: VerifyError) -> Error {
        tracing::error!(error = %error, "the audit log cannot be checked");
        Error::internal()
    }
}
