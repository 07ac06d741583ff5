//! An organization's own templates.

use svc_db::{Db, Dialect, Row, sql};

use super::StoreError;
use super::row::counted;
use super::sql::SqlWork;
use crate::domain::Template;

/// The columns of a template without its schema.
macro_rules! columns {
    () => {
        "name, version, title, description, lesson, created_at"
    };
}
/// The latest version of each template of an organization, or of one.
macro_rules! latest {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            ", schema FROM templates WHERE organization_id = $1 AND version = (SELECT max(version) FROM templates AS all_versions \
             WHERE all_versions.organization_id = templates.organization_id AND all_versions.name = templates.name)"
        )
    };
}
const LIST: &str = concat!(latest!(), " ORDER BY name");
const LATEST: &str = concat!(latest!(), " AND name = $2");
const ONE: &str = concat!(
    "SELECT ",
    columns!(),
    ", schema FROM templates WHERE organization_id = $1 AND name = $2 AND version = $3"
);
const VERSIONS: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM templates WHERE organization_id = $1 AND name = $2 ORDER BY version DESC"
);
const COUNT: &str = "SELECT count(DISTINCT name) AS count FROM templates WHERE organization_id = $1";
const ADD: &str = "INSERT INTO templates (organization_id, name, version, title, description, schema, lesson, created_at, \
     created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const DELETE: &str = "DELETE FROM templates WHERE organization_id = $1 AND name = $2";

fn without_schema<D: Dialect>(row: &Row<D>) -> Result<Template, StoreError> {
    Ok(Template {
        name: row.get("name")?,
        version: row.get("version")?,
        title: row.get("title")?,
        description: row.get("description")?,
        schema: String::new(),
        lesson: row.get("lesson")?,
        created_at: Some(row.time("created_at")?),
    })
}

fn whole<D: Dialect>(row: &Row<D>) -> Result<Template, StoreError> {
    Ok(Template { schema: row.get("schema")?, ..without_schema(row)? })
}

/// Each in its latest version, by name.
pub(super) async fn list<D: Dialect>(db: &Db<D>, organization_id: &str) -> Result<Vec<Template>, StoreError> {
    let rows = svc_db::read!(db, |connection| { sql::<D>(LIST).bind(organization_id).all(connection) })?;
    rows.iter().map(whole).collect()
}

/// One, in its latest version or another one.
pub(super) async fn find<D: Dialect>(
    db: &Db<D>,
    organization_id: &str,
    name: &str,
    version: Option<i64>,
) -> Result<Option<Template>, StoreError> {
    let row = match version {
        Some(version) => svc_db::read!(db, |connection| {
            sql::<D>(ONE).bind(organization_id).bind(name).bind(version).optional(connection)
        }),
        None => svc_db::read!(db, |connection| {
            sql::<D>(LATEST).bind(organization_id).bind(name).optional(connection)
        }),
    }?;
    row.as_ref().map(whole).transpose()
}

/// All versions of one, the latest first, without their schemas.
pub(super) async fn versions<D: Dialect>(
    db: &Db<D>,
    organization_id: &str,
    name: &str,
) -> Result<Vec<Template>, StoreError> {
    let rows = svc_db::read!(db, |connection| {
        sql::<D>(VERSIONS).bind(organization_id).bind(name).all(connection)
    })?;
    rows.iter().map(without_schema).collect()
}

/// The latest version of one, within a change.
pub(super) async fn latest<D: Dialect>(
    work: &mut SqlWork<D>,
    organization_id: &str,
    name: &str,
) -> Result<Option<Template>, StoreError> {
    let query = sql::<D>(LATEST).bind(organization_id).bind(name);
    work.transaction.optional(query).await?.as_ref().map(whole).transpose()
}

/// How many there are.
pub(super) async fn count<D: Dialect>(
    work: &mut SqlWork<D>,
    organization_id: &str,
) -> Result<i64, StoreError> {
    Ok(counted(work.transaction.optional(sql::<D>(COUNT).bind(organization_id)).await?)?)
}

/// Adds a version.
pub(super) async fn add<D: Dialect>(
    work: &mut SqlWork<D>,
    organization_id: &str,
    member_id: &str,
    template: &Template,
) -> Result<(), StoreError> {
    let query = sql::<D>(ADD)
        .bind(organization_id)
        .bind(&template.name)
        .bind(template.version)
        .bind(&template.title)
        .bind(&template.description)
        .bind(&template.schema)
        .bind(&template.lesson)
        .bind(template.created_at.unwrap_or_default())
        .bind(member_id);
    work.transaction.run(query).await?;
    Ok(())
}

/// Removes all versions of one, and says how many these were.
pub(super) async fn delete<D: Dialect>(
    work: &mut SqlWork<D>,
    organization_id: &str,
    name: &str,
) -> Result<u64, StoreError> {
    Ok(work.transaction.run(sql::<D>(DELETE).bind(organization_id).bind(name)).await?)
}
