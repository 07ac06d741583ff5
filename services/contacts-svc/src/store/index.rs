//! The rows that lists find contacts by, written with the contacts themselves: what changes with a contact is worked
//! out of it as it was and as it is.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;
use svc_core::clock::Timestamp;
use svc_db::arrays::{numbers, texts};
use svc_db::{Dialect, Transaction, sql};
use tracing::instrument;

use super::StoreError;
use crate::domain::terms::{search_terms, terms};
use crate::domain::{Contact, ContactChange, Partition};

/// What is run one after the other, each with the organization, the agent and the rows: as JSON, and on PostgreSQL as an
/// array for each column where something is added.
#[derive(Clone, Copy)]
struct Statements {
    sqlite: &'static [&'static str],
    postgres: &'static [&'static str],
}

impl Statements {
    fn of<D: Dialect>(self) -> &'static [&'static str] {
        if is_postgres::<D>() { self.postgres } else { self.sqlite }
    }
}

fn is_postgres<D: Dialect>() -> bool {
    !D::choose("", "postgres").is_empty()
}

/// On PostgreSQL, removes those in the JSON of a placeholder. Each is looked up by itself, whatever the planner believes of
/// how many the agent has.
macro_rules! remove_terms {
    ($rows:literal) => {
        concat!(
            "DELETE FROM contact_terms WHERE ctid = ANY (ARRAY( SELECT t.ctid FROM json_array_elements(",
            $rows,
            "::json) AS k (q), LATERAL (SELECT ctid FROM contact_terms \
             WHERE organization_id = $1 AND agent_id = $2 AND term = (k.q ->> 0)::bigint \
             AND created_at = (k.q ->> 1)::bigint AND contact_id = k.q ->> 2 LIMIT 1) AS t))"
        )
    };
}
pub(super) use remove_terms;

/// On PostgreSQL, adds those in arrays of numbers, times and ids, each a placeholder.
macro_rules! add_terms {
    ($terms:literal, $times:literal, $ids:literal) => {
        concat!(
            "INSERT INTO contact_terms (organization_id, agent_id, term, created_at, contact_id) \
             SELECT $1, $2, k.* FROM unnest(",
            $terms,
            "::text::bigint[], ",
            $times,
            "::text::bigint[], ",
            $ids,
            "::text::text[]) AS k"
        )
    };
}
pub(super) use add_terms;

/// Removes those in arrays of a number, a time and an id.
const REMOVE_TERMS: Statements = Statements {
    sqlite: &["DELETE FROM contact_terms WHERE organization_id = $1 AND agent_id = $2 \
               AND (term, created_at, contact_id) IN \
               (SELECT k.value ->> 0, k.value ->> 1, k.value ->> 2 FROM json_each($3) AS k)"],
    postgres: &[remove_terms!("$3")],
};

#[cfg(test)]
pub(super) fn remove_terms_text() -> String {
    REMOVE_TERMS.postgres.concat()
}

/// Adds the same. What is there already stays.
const ADD_TERMS: Statements = Statements {
    sqlite: &["INSERT INTO contact_terms (organization_id, agent_id, term, created_at, contact_id) \
               SELECT $1, $2, k.value ->> 0, k.value ->> 1, k.value ->> 2 FROM json_each($3) AS k \
               WHERE true ON CONFLICT DO NOTHING"],
    postgres: &[concat!(add_terms!("$3", "$4", "$5"), " ON CONFLICT DO NOTHING")],
};

/// Adds those of contacts that are new. None is there: not to have to look spares PostgreSQL a third of the work.
const ADD_NEW_TERMS: Statements =
    Statements { sqlite: ADD_TERMS.sqlite, postgres: &[add_terms!("$3", "$4", "$5")] };

/// Forgets what is searched of the contacts with these ids.
const REMOVE_SEARCH: Statements = Statements {
    sqlite: &[
        "DELETE FROM contact_search WHERE rowid IN (SELECT number FROM contact_search_rows \
         WHERE organization_id = $1 AND agent_id = $2 AND contact_id IN (SELECT value FROM json_each($3)))",
        "DELETE FROM contact_search_rows WHERE organization_id = $1 AND agent_id = $2 \
         AND contact_id IN (SELECT value FROM json_each($3))",
    ],
    postgres: &["DELETE FROM contact_search WHERE organization_id = $1 AND agent_id = $2 \
                 AND contact_id IN (SELECT q.id FROM json_array_elements_text($3::json) AS q (id))"],
};

/// Adds what is searched, of arrays of an id and a text.
const ADD_SEARCH: Statements = Statements {
    sqlite: &[
        "INSERT INTO contact_search_rows (organization_id, agent_id, contact_id) \
         SELECT $1, $2, k.value ->> 0 FROM json_each($3) AS k",
        "INSERT INTO contact_search (rowid, terms) SELECT r.number, k.value ->> 1 \
         FROM json_each($3) AS k CROSS JOIN contact_search_rows AS r \
         WHERE r.organization_id = $1 AND r.agent_id = $2 AND r.contact_id = k.value ->> 0",
    ],
    postgres: &["INSERT INTO contact_search (organization_id, agent_id, contact_id, terms) \
                 SELECT $1, $2, k.id, k.terms::int[] \
                 FROM unnest($3::text::text[], $4::text::text[]) AS k (id, terms)"],
};

/// A number as the index of SQLite has it, as a word.
pub(super) fn token(term: i32) -> String {
    format!("{:x}", term.cast_unsigned())
}

/// What is to be written and removed.
#[derive(Default)]
pub(super) struct Rows<'a> {
    pub(super) removed_terms: Vec<(i64, i64, &'a str)>,
    pub(super) added_terms: Vec<(i64, i64, &'a str)>,
    removed_search: Vec<&'a str>,
    pub(super) added_search: Vec<(&'a str, String)>,
}

impl<'a> Rows<'a> {
    pub(super) fn of<D: Dialect>(
        partition: &Partition,
        changes: impl IntoIterator<Item = &'a ContactChange>,
    ) -> Rows<'a> {
        let mut rows = Rows::default();
        for change in changes {
            rows.add::<D>(partition, change.before(), change.after());
        }
        rows
    }

    /// Contacts of which nothing is searched any more.
    pub(super) fn gone_from_search(&self) -> impl Iterator<Item = &'a str> {
        let stays = |id: &str| self.added_search.iter().any(|(added, _)| *added == id);
        self.removed_search.iter().copied().filter(move |id| !stays(id))
    }

    fn add<D: Dialect>(
        &mut self,
        partition: &Partition,
        before: Option<&'a Contact>,
        after: Option<&'a Contact>,
    ) {
        let Some(contact) = after.or(before) else { return };
        // Both are of one contact, whose time of creation stays.
        let (id, Timestamp(created_at)) = (contact.id.as_str(), contact.created_at);
        let (old, new) = (before.map(terms).unwrap_or_default(), after.map(terms).unwrap_or_default());
        self.removed_terms.extend(old.difference(&new).map(|term| (*term, created_at, id)));
        self.added_terms.extend(new.difference(&old).map(|term| (*term, created_at, id)));
        let searched = |contact: &Contact| search_terms(partition, contact);
        let (old, new) = (before.map(searched), after.map(searched));
        if old == new {
            return;
        }
        if old.is_some() {
            self.removed_search.push(id);
        }
        if let Some(new) = new {
            self.added_search.push((id, text::<D>(&new)));
        }
    }
}

/// The numbers of a contact as each engine takes them. There are about seventy: one text has room for all.
fn text<D: Dialect>(terms: &BTreeSet<i32>) -> String {
    const LONGEST: usize = "-2147483648,".len();
    let mut text = String::with_capacity(terms.len() * LONGEST + 2);
    for term in terms {
        // Writing into a text does not fail.
        let _ = match is_postgres::<D>() {
            false => write!(text, " {}", token(*term)),
            true => write!(text, ",{term}"),
        };
    }
    match is_postgres::<D>() {
        false => text,
        true => format!("{{{}}}", text.strip_prefix(',').unwrap_or_default()),
    }
}

/// Writes what follows for lists from what was done to contacts, each of which is in one of the changes at the most.
#[instrument(name = "db.contact_index.write", level = "debug", skip_all)]
pub(super) async fn write<D: Dialect>(
    transaction: &mut Transaction<D>,
    partition: &Partition,
    changes: &[ContactChange],
) -> Result<(), StoreError> {
    let (new, others): (Vec<&ContactChange>, Vec<&ContactChange>) =
        changes.iter().partition(|change| change.before().is_none());
    Rows::of::<D>(partition, new).write(transaction, partition, ADD_NEW_TERMS).await?;
    Rows::of::<D>(partition, others).write(transaction, partition, ADD_TERMS).await
}

/// Writes all rows of contacts, whether there are some or not.
#[instrument(name = "db.contact_index.rewrite", level = "debug", skip_all)]
pub(super) async fn rewrite<D: Dialect>(
    transaction: &mut Transaction<D>,
    partition: &Partition,
    contacts: &[Contact],
) -> Result<(), StoreError> {
    let mut rows = Rows::default();
    for contact in contacts {
        rows.add::<D>(partition, None, Some(contact));
        rows.removed_search.push(&contact.id);
    }
    // Some may be there.
    rows.write(transaction, partition, ADD_TERMS).await
}

impl Rows<'_> {
    async fn write<D: Dialect>(
        mut self,
        transaction: &mut Transaction<D>,
        partition: &Partition,
        add_terms: Statements,
    ) -> Result<(), StoreError> {
        // Those of a value lie side by side in the table. In this order each finds the place of the one before it.
        self.removed_terms.sort_unstable();
        self.added_terms.sort_unstable();
        let (terms, search) = (&self.added_terms, &self.added_search);
        let added_terms = rows::<D, _>(terms, || {
            vec![
                numbers(terms.iter().map(|(term, ..)| *term)),
                numbers(terms.iter().map(|(_, created_at, _)| *created_at)),
                texts(terms.iter().map(|(.., id)| *id)),
            ]
        })?;
        let added_search = rows::<D, _>(search, || {
            vec![
                texts(search.iter().map(|(id, _)| *id)),
                texts(search.iter().map(|(_, terms)| terms.as_str())),
            ]
        })?;
        for (statements, rows) in [
            (REMOVE_TERMS, json(&self.removed_terms)?),
            (add_terms, added_terms),
            (REMOVE_SEARCH, json(&self.removed_search)?),
            (ADD_SEARCH, added_search),
        ] {
            if rows.is_empty() {
                continue;
            }
            for text in statements.of::<D>() {
                let query = sql::<D>(*text).bind(&partition.organization_id).bind(&partition.agent_id);
                transaction.run(rows.iter().fold(query, |query, rows| query.bind(rows))).await?;
            }
        }
        Ok(())
    }
}

/// What a statement that adds is given: JSON, and on PostgreSQL these arrays, which it takes apart in one pass. None:
/// there is nothing to do.
fn rows<D: Dialect, T: Serialize>(
    rows: &[T],
    arrays: impl FnOnce() -> Vec<String>,
) -> Result<Vec<String>, StoreError> {
    match is_postgres::<D>() && !rows.is_empty() {
        true => Ok(arrays()),
        false => json(rows),
    }
}

/// What other statements are given, the same on both engines.
fn json<T: Serialize>(rows: &[T]) -> Result<Vec<String>, StoreError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let text = serde_json::to_string(rows).map_err(|_| StoreError::Corrupt { column: "contact_terms" })?;
    Ok(vec![text])
}
