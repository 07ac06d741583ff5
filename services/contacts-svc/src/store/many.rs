//! Reads and writes of many contacts of a partition: one statement for all of them.
//!
//! What they are about goes in as one text of JSON. Both engines take its elements one by one and look each up by an
//! index, whatever they believe of the size of the table.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use async_trait::async_trait;
use serde::Serialize;
use sqlx::AssertSqlSafe;
use svc_core::ids::hex;
use svc_db::{Dialect, Query, Row, sql};
use tracing::instrument;

use super::StoreError;
use super::row::{custom_fields_text, read, tags_text};
use super::sql::{SqlWork, by_reference, columns, mine};
use crate::domain::{Alike, Contact, Partition, UniqueValue, email_key};

/// A contact, and what it was found by.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) key: Alike,
    pub(crate) contact: Contact,
}

/// What a change may do to many contacts at once.
#[async_trait]
pub(crate) trait ManyWork: Send {
    /// The contacts with these references and these ids, which nobody else changes until this work ends.
    async fn find_many(
        &mut self,
        partition: &Partition,
        references: &BTreeSet<&str>,
        ids: &BTreeSet<&str>,
    ) -> Result<Vec<Contact>, StoreError>;

    /// The contacts with these email addresses, as they are compared, and these mobile numbers; of each at most
    /// [`ALIKE_MAX`]. Nobody else changes them until this work ends.
    async fn find_alike(
        &mut self,
        partition: &Partition,
        keys: &BTreeSet<Alike>,
    ) -> Result<Vec<Found>, StoreError>;

    /// Which contacts have these values.
    async fn holders(
        &mut self,
        partition: &Partition,
        values: &BTreeSet<UniqueValue>,
    ) -> Result<Vec<(UniqueValue, String)>, StoreError>;

    /// Adds contacts. `false`: another one has the reference of one of them, and this work cannot be committed.
    async fn insert_many(&mut self, partition: &Partition, contacts: &[Contact]) -> Result<bool, StoreError>;

    /// Writes all that can change of contacts that were found.
    async fn update_many(&mut self, partition: &Partition, contacts: &[Contact]) -> Result<(), StoreError>;

    /// Contacts have these values no more.
    async fn release_many(
        &mut self,
        partition: &Partition,
        values: &[(UniqueValue, String)],
    ) -> Result<(), StoreError>;

    /// Contacts have these values, and no others may. `false`: another one has one of them, and this work cannot be
    /// committed.
    async fn take_many(
        &mut self,
        partition: &Partition,
        values: &[(UniqueValue, String)],
    ) -> Result<bool, StoreError>;
}

/// How many contacts with the same address or number are looked at: enough to see that there are several.
const ALIKE_MAX: i64 = 2;

/// A SELECT of the contact of the partition that meets a condition, for each `k.q` of the JSON array in `$3`, in its
/// order, so that all lock in the same. LATERAL with LIMIT is a loop.
macro_rules! select_each {
    ($dialect:ident, $sqlite:literal, $($postgres:expr),*) => {
        $dialect::choose(
            concat!(
                "SELECT ",
                columns!(),
                " FROM (SELECT value AS q FROM json_each($3)) AS k CROSS JOIN contacts \
                 WHERE organization_id = $1 AND agent_id = $2 AND ",
                $sqlite
            ),
            concat!(
                "SELECT c.* FROM json_array_elements_text($3::json) AS k (q), LATERAL (SELECT ",
                columns!(),
                " FROM contacts WHERE ",
                $($postgres,)*
                " FOR UPDATE) AS c"
            ),
        )
    };
}

macro_rules! select_by_reference {
    ($dialect:ident) => {
        select_each!(
            $dialect,
            "external_reference_id = k.q",
            "organization_id = $1 AND agent_id = $2 AND ",
            by_reference!("k.q")
        )
    };
}

macro_rules! select_by_id {
    ($dialect:ident) => {
        select_each!($dialect, "id = k.q", mine!(), " AND id = k.q LIMIT 1")
    };
}

/// A SELECT of some contacts for each element of the JSON array in `$3`, which a column has. The `+` keeps SQLite from
/// going through all contacts of the agent for each.
macro_rules! select_alike {
    ($dialect:ident, $column:literal) => {
        $dialect::choose(
            concat!(
                "SELECT k.q AS found_by, ",
                columns!(),
                " FROM (SELECT value AS q FROM json_each($3)) AS k CROSS JOIN contacts \
                 WHERE +organization_id = $1 AND +agent_id = $2 AND id IN (SELECT id FROM contacts \
                 WHERE organization_id = $1 AND agent_id = $2 AND ",
                $column,
                " = k.q ORDER BY created_at, id LIMIT $4)"
            ),
            concat!(
                "SELECT k.q AS found_by, c.* FROM json_array_elements_text($3::json) AS k (q), \
                 LATERAL (SELECT ",
                columns!(),
                " FROM contacts WHERE organization_id = $1 AND agent_id = $2 AND ",
                $column,
                " = k.q ORDER BY created_at, id LIMIT $4 FOR UPDATE) AS c"
            ),
        )
    };
}

/// The values in `$3`, a JSON array of arrays of a key and a digest in hex digits.
macro_rules! holders {
    ($dialect:ident) => {
        $dialect::choose(
            "SELECT field_key, digest, contact_id FROM (SELECT value ->> 0 AS key, unhex(value ->> 1) AS hash \
             FROM json_each($3)) AS k CROSS JOIN contact_unique_values \
             WHERE organization_id = $1 AND agent_id = $2 AND field_key = k.key AND digest = k.hash",
            "SELECT v.* FROM json_array_elements($3::json) AS k (q), LATERAL (SELECT field_key, digest, contact_id \
             FROM contact_unique_values WHERE organization_id = $1 AND agent_id = $2 \
             AND field_key = k.q ->> 0 AND digest = decode(k.q ->> 1, 'hex') LIMIT 1) AS v",
        )
    };
}

macro_rules! release {
    ($dialect:ident) => {
        $dialect::choose(
            "DELETE FROM contact_unique_values WHERE organization_id = $1 AND agent_id = $2 \
             AND (field_key, digest, contact_id) IN \
             (SELECT value ->> 0, unhex(value ->> 1), value ->> 2 FROM json_each($3))",
            "DELETE FROM contact_unique_values WHERE ctid = ANY (ARRAY( \
             SELECT v.ctid FROM json_array_elements($3::json) AS k (q), LATERAL ( \
             SELECT ctid FROM contact_unique_values WHERE organization_id = $1 AND agent_id = $2 \
             AND field_key = k.q ->> 0 AND digest = decode(k.q ->> 1, 'hex') AND contact_id = k.q ->> 2 \
             LIMIT 1) AS v))",
        )
    };
}

macro_rules! take {
    ($dialect:ident) => {
        $dialect::choose(
            "INSERT INTO contact_unique_values (organization_id, agent_id, field_key, digest, contact_id) \
             SELECT $1, $2, value ->> 0, unhex(value ->> 1), value ->> 2 FROM json_each($3) WHERE true \
             ON CONFLICT (organization_id, agent_id, field_key, digest) DO NOTHING",
            "INSERT INTO contact_unique_values (organization_id, agent_id, field_key, digest, contact_id) \
             SELECT $1, $2, q ->> 0, decode(q ->> 1, 'hex'), q ->> 2 \
             FROM json_array_elements($3::json) AS k (q) \
             ON CONFLICT (organization_id, agent_id, field_key, digest) DO NOTHING",
        )
    };
}

/// The columns of a contact that are written, `id` first, each with its type on PostgreSQL.
const WRITTEN: &[(&str, &str)] = &[
    ("id", "text"),
    ("external_reference_id", "text"),
    ("name", "text"),
    ("email", "text"),
    ("email_key", "text"),
    ("mobile_number", "text"),
    ("gender", "text"),
    ("stage", "text"),
    ("status", "text"),
    ("source", "text"),
    ("tags", "text"),
    ("notes", "text"),
    ("custom_fields", "text"),
    ("created_at", "bigint"),
    ("updated_at", "bigint"),
    ("archived_at", "bigint"),
    ("version", "bigint"),
];

/// What is written of a contact, each value by the number that its column has in [`WRITTEN`]. Of an object PostgreSQL
/// makes a row in one pass; through an array it would look once for each column.
#[derive(Serialize)]
struct Written<'c> {
    v0: &'c str,
    v1: Option<&'c str>,
    v2: Option<&'c str>,
    v3: Option<&'c str>,
    v4: Option<String>,
    v5: Option<&'c str>,
    v6: Option<&'c str>,
    v7: Option<&'static str>,
    v8: &'static str,
    v9: Option<&'c str>,
    v10: String,
    v11: Option<&'c str>,
    v12: String,
    v13: i64,
    v14: i64,
    v15: Option<i64>,
    v16: i32,
}

fn written(contact: &Contact) -> Result<Written<'_>, StoreError> {
    let fields = &contact.fields;
    Ok(Written {
        v0: &contact.id,
        v1: fields.external_reference_id.as_deref(),
        v2: fields.name.as_deref(),
        v3: fields.email.as_deref(),
        v4: fields.email.as_deref().map(email_key),
        v5: fields.mobile_number.as_deref(),
        v6: fields.gender.as_deref(),
        v7: fields.stage.map(|stage| stage.as_str()),
        v8: contact.status.as_str(),
        v9: fields.source.as_deref(),
        v10: tags_text(&fields.tags)?,
        v11: fields.notes.as_deref(),
        v12: custom_fields_text(&fields.custom_fields)?,
        v13: contact.created_at.0,
        v14: contact.updated_at.0,
        v15: contact.archived_at.map(|time| time.0),
        v16: contact.version,
    })
}

/// The statements that write, made once of [`WRITTEN`].
pub(super) struct Writing {
    pub(super) insert: String,
    update: String,
}

impl Writing {
    pub(super) fn of<D: Dialect>() -> &'static Writing {
        static SQLITE: OnceLock<Writing> = OnceLock::new();
        static POSTGRES: OnceLock<Writing> = OnceLock::new();
        match D::TRY_LOCK {
            None => SQLITE.get_or_init(|| Writing {
                insert: insert(
                    &joined(|number, _| format!("value ->> 'v{number}'")),
                    "json_each($3) WHERE true",
                ),
                // One at a time: only then does it look the contact up by its id without having to be told that the
                // table is large. Nothing travels there.
                update: format!(
                    "UPDATE contacts SET {} WHERE organization_id = $1 AND agent_id = $2 AND id = $3 ->> 'v0'",
                    set(|number| format!("$3 ->> 'v{number}'"))
                ),
            }),
            Some(_) => POSTGRES.get_or_init(|| {
                let columns = joined(|number, of| format!("v{number} {of}"));
                let rows = format!("json_to_recordset($3::json) AS v ({columns})");
                Writing {
                    insert: insert(&joined(|number, _| format!("v.v{number}")), &rows),
                    // They are locked: none has another place meanwhile.
                    update: format!(
                        "UPDATE contacts SET {} FROM (SELECT v.*, c.ctid AS place \
                         FROM {rows}, LATERAL (SELECT ctid FROM contacts \
                         WHERE {} AND id = v.v0 LIMIT 1) AS c OFFSET 0) AS v \
                         WHERE contacts.ctid = v.place",
                        set(|number| format!("v.v{number}")),
                        mine!()
                    ),
                }
            }),
        }
    }
}

#[cfg(test)]
pub(super) fn update_text() -> String {
    Writing::of::<svc_db::Postgres>().update.clone()
}

#[cfg(test)]
pub(super) fn release_text() -> String {
    type D = svc_db::Postgres;
    release!(D).to_owned()
}

fn insert(values: &str, rows: &str) -> String {
    let names: Vec<&str> = WRITTEN.iter().map(|(name, _)| *name).collect();
    format!(
        "INSERT INTO contacts (organization_id, agent_id, {}) SELECT $1, $2, {values} FROM {rows} \
         ON CONFLICT (organization_id, agent_id, external_reference_id) DO NOTHING",
        names.join(", ")
    )
}

fn joined(value: impl Fn(usize, &str) -> String) -> String {
    let values: Vec<String> = WRITTEN.iter().enumerate().map(|(number, (_, of))| value(number, of)).collect();
    values.join(", ")
}

fn set(value: impl Fn(usize) -> String) -> String {
    let columns = WRITTEN.iter().enumerate().skip(1);
    let pairs: Vec<String> =
        columns.map(|(number, (name, _))| format!("{name} = {}", value(number))).collect();
    pairs.join(", ")
}

/// The rows of a statement of [`Writing`].
pub(super) fn rows_of<'c>(contacts: impl IntoIterator<Item = &'c Contact>) -> Result<String, StoreError> {
    json(&contacts.into_iter().map(written).collect::<Result<Vec<_>, _>>()?)
}

pub(super) fn json(value: &impl Serialize) -> Result<String, StoreError> {
    // Texts and numbers always make JSON.
    serde_json::to_string(value).map_err(|_| StoreError::Corrupt { column: "json" })
}

/// Values with what stands beside each, as they are looked up, taken and released.
pub(super) fn pairs<'v>(
    values: impl IntoIterator<Item = (&'v UniqueValue, &'v str)>,
) -> Result<String, StoreError> {
    let rows = values.into_iter().map(|(value, id)| (value.key.as_str(), hex(&value.digest), id));
    json(&rows.collect::<Vec<_>>())
}

impl<D: Dialect> SqlWork<D> {
    async fn rows(
        &mut self,
        partition: &Partition,
        query: &'static str,
        wanted: &str,
        more: impl FnOnce(Query<D>) -> Query<D> + Send,
    ) -> Result<Vec<Row<D>>, StoreError> {
        let query = sql::<D>(query).bind(&partition.organization_id).bind(&partition.agent_id).bind(wanted);
        Ok(self.transaction.all(more(query)).await?)
    }

    async fn write(
        &mut self,
        partition: &Partition,
        query: impl sqlx::SqlSafeStr + Send,
        rows: &str,
    ) -> Result<u64, StoreError> {
        let query = sql::<D>(query).bind(&partition.organization_id).bind(&partition.agent_id).bind(rows);
        Ok(self.transaction.run(query).await?)
    }
}

#[async_trait]
impl<D: Dialect> ManyWork for SqlWork<D> {
    #[instrument(name = "db.contact.lock_many", level = "debug", skip_all)]
    async fn find_many(
        &mut self,
        partition: &Partition,
        references: &BTreeSet<&str>,
        ids: &BTreeSet<&str>,
    ) -> Result<Vec<Contact>, StoreError> {
        let mut contacts: Vec<Contact> = Vec::new();
        let wanted = [(references, select_by_reference!(D)), (ids, select_by_id!(D))];
        for (wanted, query) in wanted {
            if wanted.is_empty() {
                continue;
            }
            for row in self.rows(partition, query, &json(wanted)?, |query| query).await? {
                contacts.push(read(&row)?);
            }
        }
        // Who is wanted both ways is found twice.
        contacts.sort_by(|a, b| a.id.cmp(&b.id));
        contacts.dedup_by(|a, b| a.id == b.id);
        Ok(contacts)
    }

    #[instrument(name = "db.contact.lock_alike", level = "debug", skip_all)]
    async fn find_alike(
        &mut self,
        partition: &Partition,
        keys: &BTreeSet<Alike>,
    ) -> Result<Vec<Found>, StoreError> {
        let mut found = Vec::new();
        let emails: Vec<&str> = keys.iter().filter_map(Alike::email).collect();
        let numbers: Vec<&str> = keys.iter().filter_map(Alike::mobile_number).collect();
        let wanted: [(Vec<&str>, &'static str, fn(String) -> Alike); 2] = [
            (emails, select_alike!(D, "email_key"), Alike::Email),
            (numbers, select_alike!(D, "mobile_number"), Alike::MobileNumber),
        ];
        for (wanted, query, key) in wanted {
            if wanted.is_empty() {
                continue;
            }
            for row in self.rows(partition, query, &json(&wanted)?, |query| query.bind(ALIKE_MAX)).await? {
                found.push(Found { key: key(row.get("found_by")?), contact: read(&row)? });
            }
        }
        Ok(found)
    }

    #[instrument(name = "db.contact_unique_value.find_many", level = "debug", skip_all)]
    async fn holders(
        &mut self,
        partition: &Partition,
        values: &BTreeSet<UniqueValue>,
    ) -> Result<Vec<(UniqueValue, String)>, StoreError> {
        let wanted = pairs(values.iter().map(|value| (value, "")))?;
        let rows = self.rows(partition, holders!(D), &wanted, |query| query).await?;
        let holder = |row: &Row<D>| {
            let value = UniqueValue { key: row.get("field_key")?, digest: row.get("digest")? };
            Ok((value, row.get("contact_id")?))
        };
        rows.iter().map(holder).collect()
    }

    #[instrument(name = "db.contact.insert_many", level = "debug", skip_all)]
    async fn insert_many(&mut self, partition: &Partition, contacts: &[Contact]) -> Result<bool, StoreError> {
        let query = AssertSqlSafe(Writing::of::<D>().insert.as_str());
        let inserted = self.write(partition, query, &rows_of(contacts)?).await?;
        Ok(inserted == contacts.len() as u64)
    }

    #[instrument(name = "db.contact.update_many", level = "debug", skip_all)]
    async fn update_many(&mut self, partition: &Partition, contacts: &[Contact]) -> Result<(), StoreError> {
        let query = Writing::of::<D>().update.as_str();
        if D::TRY_LOCK.is_some() {
            self.write(partition, AssertSqlSafe(query), &rows_of(contacts)?).await?;
            return Ok(());
        }
        for contact in contacts {
            self.write(partition, AssertSqlSafe(query), &json(&written(contact)?)?).await?;
        }
        Ok(())
    }

    #[instrument(name = "db.contact_unique_value.release_many", level = "debug", skip_all)]
    async fn release_many(
        &mut self,
        partition: &Partition,
        values: &[(UniqueValue, String)],
    ) -> Result<(), StoreError> {
        let rows = pairs(values.iter().map(|(value, id)| (value, id.as_str())))?;
        self.write(partition, release!(D), &rows).await?;
        Ok(())
    }

    #[instrument(name = "db.contact_unique_value.take_many", level = "debug", skip_all)]
    async fn take_many(
        &mut self,
        partition: &Partition,
        values: &[(UniqueValue, String)],
    ) -> Result<bool, StoreError> {
        let rows = pairs(values.iter().map(|(value, id)| (value, id.as_str())))?;
        let taken = self.write(partition, take!(D), &rows).await?;
        Ok(taken == values.len() as u64)
    }
}

/// The statements of batches that look contacts up, each with a name.
#[cfg(test)]
pub(super) fn texts<D: Dialect>() -> [(&'static str, &'static str); 4] {
    [
        ("by reference", select_by_reference!(D)),
        ("by id", select_by_id!(D)),
        ("by email", select_alike!(D, "email_key")),
        ("by number", select_alike!(D, "mobile_number")),
    ]
}
