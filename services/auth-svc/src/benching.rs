//! What the benchmark (`benches/`) reaches. Only there with the feature `benching`.

mod usage;

use std::sync::Arc;

use svc_core::error::Error;
use svc_core::secret::Secret;
use svc_runtime::service::Environment;

use crate::audit::{Action, Audit, Unaudited};
use crate::change::{Author, Changed};
use crate::domain::{Agent, AgentId, OrganizationId};
use crate::error::{AuthError, Thing};
use crate::store::Touched;
use crate::{AuthService, OpenError};

pub use crate::limits::{LimitStore, Limiter, WindowLimits};
pub use crate::revocation::LEASE;
pub use crate::secrets::{Argon2Pool, HashError};
pub use usage::BusyKey;

/// Changes one row, the name of an agent, by the seam that all changes go through, and writes so many entries about it
/// into the audit log.
pub async fn change(
    service: &AuthService,
    organization: &str,
    agent: &str,
    entries: u32,
) -> Result<(), Error> {
    let (organization, id) = (OrganizationId::new(organization), AgentId::new(agent));
    let management = &service.management;
    let author = Author::Keyward(organization.clone());
    let change = management.changes.make(&author, move |work| {
        Box::pin(async move {
            let Some(before) = work.lock_agent(&organization, &id).await? else {
                return Err(AuthError::NotFound(Thing::Agent));
            };
            let name = if before.name == "Support" { "Sales" } else { "Support" };
            let agent = Agent { name: name.to_owned(), ..before.clone() };
            work.update_agent(&agent).await?;
            let audit = (0..entries).fold(Audit::nothing(Unaudited::Renewal), |audit, _| {
                audit.and(Audit::changed(Action::AgentUpdated, &before, &agent))
            });
            Ok(Changed::new((), Touched::nothing(), audit))
        })
    });
    Ok(change.await?)
}

/// The limits of a replica whose `auth.limits.store` is `store`, on a database that has its tables. Nothing
/// tends them: what memory knows is not saved.
pub async fn limiter(store: &Secret, environment: &Environment) -> Result<Arc<Limiter>, OpenError> {
    let (sqlite, postgres) = crate::store::migrations();
    let db = svc_db::open(environment, crate::NAME, sqlite, postgres).await?;
    Ok(crate::open::limiter(Some(store), &db, environment).await?)
}
