//! What the contact costs without Keyward: a handler as one would write it, with the same SELECT on the
//! same pool. It checks nothing.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use sqlx::{FromRow, Sqlite};
use svc_core::db::{self, AnyDb, Db, Migrator};

use super::{CONTACT_PATH, DATA_DIR, ORGANIZATION_ID, announce, listen, variable};

const SELECT: &str = "SELECT id, external_reference_id, name, email, mobile_number, gender, stage, status, \
     source, tags, notes, custom_fields, created_at, updated_at, archived_at, version \
     FROM contacts WHERE organization_id = $1 AND agent_id = $2 AND external_reference_id = $3";

struct App {
    db: Db<Sqlite>,
    organization_id: String,
}

pub(super) async fn run() -> anyhow::Result<()> {
    let data_dir = PathBuf::from(variable(DATA_DIR)?);
    // contacts-svc has applied its migrations.
    let mut none = Migrator::with_migrations(Vec::new());
    none.set_ignore_missing(true);
    let db = db::open(&db::Config::default(), &data_dir, contacts_svc::NAME, none, Migrator::DEFAULT).await?;
    let AnyDb::Sqlite(db) = db else { bail!("this is about SQLite") };
    let app = Arc::new(App { db, organization_id: variable(ORGANIZATION_ID)? });

    let listener = listen().await?;
    announce("edge", &listener.local_addr()?);
    axum::serve(listener, Router::new().route(CONTACT_PATH, get(contact)).with_state(app)).await?;
    Ok(())
}

async fn contact(State(app): State<Arc<App>>, Path((reference, agent)): Path<(String, String)>) -> Response {
    match app.find(&reference, &agent).await {
        Ok(Some(contact)) => {
            let envelope = Envelope { success: true, message: "Contact retrieved.", data: contact };
            match serde_json::to_vec(&envelope) {
                Ok(body) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
                Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            }
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

impl App {
    async fn find(&self, reference: &str, agent: &str) -> anyhow::Result<Option<Contact>> {
        let mut connection = self.db.read().await?;
        let query = sqlx::query_as(SELECT).bind(&self.organization_id).bind(agent).bind(reference);
        let contact = query.fetch_optional(&mut *connection).await?;
        connection.done();
        Ok(contact)
    }
}

#[derive(Serialize)]
struct Envelope {
    success: bool,
    message: &'static str,
    data: Contact,
}

#[derive(FromRow, Serialize)]
#[serde(rename_all = "camelCase")]
struct Contact {
    id: String,
    external_reference_id: Option<String>,
    name: Option<String>,
    email: Option<String>,
    mobile_number: Option<String>,
    gender: Option<String>,
    stage: Option<String>,
    status: String,
    source: Option<String>,
    #[sqlx(try_from = "String")]
    tags: Parsed<Vec<String>>,
    notes: Option<String>,
    #[sqlx(try_from = "String")]
    custom_fields: Parsed<Map<String, Value>>,
    created_at: Micros,
    updated_at: Micros,
    archived_at: Option<Micros>,
    version: i64,
}

/// A column that holds JSON.
#[derive(Serialize)]
#[serde(transparent)]
struct Parsed<T>(T);

impl<T: DeserializeOwned> TryFrom<String> for Parsed<T> {
    type Error = serde_json::Error;

    fn try_from(text: String) -> Result<Parsed<T>, serde_json::Error> {
        serde_json::from_str(&text).map(Parsed)
    }
}

/// A time in microseconds, which is written as in RFC 3339.
#[derive(sqlx::Type)]
#[sqlx(transparent)]
struct Micros(i64);

impl Serialize for Micros {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = jiff::Timestamp::from_microsecond(self.0).map_err(serde::ser::Error::custom)?;
        serializer.collect_str(&format_args!("{time:.3}"))
    }
}
