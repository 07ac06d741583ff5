//! Contacts that are created together, each for a caller of its own: those whose reference another one has are left out,
//! and the others are written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use svc_db::{Dialect, sql};
use tracing::instrument;

use super::StoreError;
use super::many::{Writing, json, rows_of};
use super::sql::{SqlWork, by_reference};
use crate::domain::{Contact, Partition};

/// What creates contacts of several callers.
#[async_trait]
pub(crate) trait CreationWork: Send {
    /// Adds contacts in this order, and gives the ids of those that were added: the others have a reference that another
    /// one has. A work that adds the same at this moment is waited for.
    async fn insert_free(
        &mut self,
        partition: &Partition,
        contacts: &[&Contact],
    ) -> Result<BTreeSet<String>, StoreError>;

    /// The ids of the contacts that have these references. Locks nothing: whoever has added contacts may not wait for
    /// those who look for them.
    async fn ids_of(
        &mut self,
        partition: &Partition,
        references: &BTreeSet<&str>,
    ) -> Result<BTreeMap<String, String>, StoreError>;
}

/// A SELECT of the contact with each reference in the JSON array `$3`, by the index of references.
macro_rules! ids_of {
    ($dialect:ident) => {
        $dialect::choose(
            "SELECT external_reference_id, id FROM (SELECT value AS q FROM json_each($3)) AS k \
             CROSS JOIN contacts WHERE organization_id = $1 AND agent_id = $2 AND external_reference_id = k.q",
            concat!(
                "SELECT c.* FROM json_array_elements_text($3::json) AS k (q), LATERAL ( \
                 SELECT external_reference_id, id FROM contacts WHERE organization_id = $1 AND agent_id = $2 AND ",
                by_reference!("k.q"),
                ") AS c"
            ),
        )
    };
}

/// The INSERT of many, which says what it has added.
fn insert_free<D: Dialect>() -> &'static str {
    static SQLITE: OnceLock<String> = OnceLock::new();
    static POSTGRES: OnceLock<String> = OnceLock::new();
    let text = if D::choose("", "postgres").is_empty() { &SQLITE } else { &POSTGRES };
    text.get_or_init(|| format!("{} RETURNING id", Writing::of::<D>().insert))
}

#[async_trait]
impl<D: Dialect> CreationWork for SqlWork<D> {
    #[instrument(name = "db.contact.insert_free", level = "debug", skip_all)]
    async fn insert_free(
        &mut self,
        partition: &Partition,
        contacts: &[&Contact],
    ) -> Result<BTreeSet<String>, StoreError> {
        // Made of constants.
        let query = sql::<D>(AssertSqlSafe(insert_free::<D>()))
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .bind(&rows_of(contacts.iter().copied())?);
        let rows = self.transaction.all(query).await?;
        rows.iter().map(|row| Ok(row.get("id")?)).collect()
    }

    #[instrument(name = "db.contact.ids_of", level = "debug", skip_all)]
    async fn ids_of(
        &mut self,
        partition: &Partition,
        references: &BTreeSet<&str>,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        let query = sql::<D>(ids_of!(D))
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .bind(&json(references)?);
        let rows = self.transaction.all(query).await?;
        rows.iter().map(|row| Ok((row.get("external_reference_id")?, row.get("id")?))).collect()
    }
}
