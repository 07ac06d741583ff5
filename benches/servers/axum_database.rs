//! What the contact costs without Keyward: a handler as one would write it, with the same SELECT on the
//! same pool. It checks nothing.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use sqlx::FromRow;
use svc_core::secret::Secret;
use svc_db::{AnyDb, Migrator};
use svc_runtime::service::{DatabaseConfig, Environment};

use super::{CONTACT_PATH, DATA_DIR, DATABASE_URL, LIST_PATH, ORGANIZATION_ID, announce, listen, variable};

/// Contacts of one agent, and what else must hold of them.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, external_reference_id, name, email, mobile_number, gender, stage, status, source, tags, \
             notes, custom_fields, created_at, updated_at, archived_at, version \
             FROM contacts WHERE organization_id = $1 AND agent_id = $2 AND ",
            $rest
        )
    };
}

const FIND: &str = select!("external_reference_id = $3");
const LIST: &str = select!("status = 'ACTIVE' ORDER BY created_at DESC, id DESC LIMIT 100");

struct App {
    db: AnyDb,
    organization_id: String,
}

pub(super) async fn run() -> anyhow::Result<()> {
    let data_dir = PathBuf::from(variable(DATA_DIR)?);
    // contacts-svc has applied its migrations.
    let none = || {
        let mut none = Migrator::with_migrations(Vec::new());
        none.set_ignore_missing(true);
        none
    };
    let url = std::env::var(DATABASE_URL).ok().map(Secret::new);
    let environment = Environment::system(data_dir, DatabaseConfig { url, ..DatabaseConfig::default() });
    let db = svc_db::open(&environment, contacts_svc::NAME, none(), none()).await?;
    let app = Arc::new(App { db, organization_id: variable(ORGANIZATION_ID)? });

    let listener = listen().await?;
    announce("edge", &listener.local_addr()?);
    let routes = Router::new().route(CONTACT_PATH, get(contact)).route(LIST_PATH, get(list)).with_state(app);
    axum::serve(listener, routes).await?;
    Ok(())
}

async fn contact(State(app): State<Arc<App>>, Path((reference, agent)): Path<(String, String)>) -> Response {
    match app.find(&reference, &agent).await {
        Ok(Some(contact)) => answer("Contact retrieved.", contact),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn list(State(app): State<Arc<App>>, Path(agent): Path<String>) -> Response {
    match app.list(&agent).await {
        Ok(contacts) => answer("Contacts retrieved.", contacts),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn answer<T: Serialize>(message: &'static str, data: T) -> Response {
    match serde_json::to_vec(&Envelope { success: true, message, data }) {
        Ok(body) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The same for either engine: `$query` is what is made of the connection.
macro_rules! read {
    ($app:ident, |$connection:ident| $query:expr) => {
        match &$app.db {
            AnyDb::Sqlite(db) => {
                let mut $connection = db.read().await?;
                let found = $query.await?;
                $connection.done();
                Ok(found)
            }
            AnyDb::Postgres(db) => {
                let mut $connection = db.read().await?;
                let found = $query.await?;
                $connection.done();
                Ok(found)
            }
        }
    };
}

impl App {
    async fn find(&self, reference: &str, agent: &str) -> anyhow::Result<Option<Contact>> {
        read!(self, |connection| {
            let query = sqlx::query_as(FIND).bind(&self.organization_id).bind(agent).bind(reference);
            query.fetch_optional(&mut *connection)
        })
    }

    async fn list(&self, agent: &str) -> anyhow::Result<Vec<Contact>> {
        read!(self, |connection| {
            sqlx::query_as(LIST).bind(&self.organization_id).bind(agent).fetch_all(&mut *connection)
        })
    }
}

#[derive(Serialize)]
struct Envelope<T> {
    success: bool,
    message: &'static str,
    data: T,
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
