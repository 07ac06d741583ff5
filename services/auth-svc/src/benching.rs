//! What the benchmark (`benches/`) reaches. Only there with the feature `benching`.

use std::sync::Arc;

use svc_core::db;
use svc_core::secret::Secret;
use svc_core::service::Environment;

use crate::OpenError;

pub use crate::limits::{LimitStore, Limiter, Limits};
pub use crate::revocation::LEASE;
pub use crate::secrets::{Argon2Pool, HashError};

/// The limits of a replica whose `auth.limits.store` is `store`, on a database that has its tables. Nothing
/// tends them: what memory knows is not saved.
pub async fn limiter(store: &Secret, environment: &Environment) -> Result<Arc<Limiter>, OpenError> {
    let (sqlite, postgres) = crate::store::migrations();
    let db = db::open(&environment.database, &environment.data_dir, crate::NAME, sqlite, postgres).await?;
    Ok(crate::limiter(Some(store), &db, environment).await?)
}
