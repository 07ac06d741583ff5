//! What one would write by hand for these contacts alone: the check of a key with an HMAC verifier, its limits,
//! and serde. In one process, or as three with tonic between them (`apart`).

mod answer;
pub(super) mod apart;
mod check;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use bytes::Bytes;

use super::{CHECK_PATH, CONTACT_PATH, FILE_BYTES, FILE_PATH, LIST_PATH, announce, listen};
use crate::contact;
use answer::{Contact, answer, list_answer};
use check::Check;

struct App {
    check: Check,
    contacts: HashMap<String, Contact>,
    file: Bytes,
}

/// Everything in one process.
pub(super) async fn run() -> anyhow::Result<()> {
    let contacts = (0..contact::COUNT)
        .map(|number| Ok((contact::reference(number), Contact::try_from(contact::message(number))?)));
    let app = App {
        check: Check::from_environment()?,
        contacts: contacts.collect::<anyhow::Result<_>>()?,
        file: vec![b'x'; FILE_BYTES].into(),
    };
    let routes = Router::new()
        .route(CONTACT_PATH, get(one))
        .route(LIST_PATH, get(list))
        .route(FILE_PATH, get(file))
        // For nginx and Envoy, which ask before they let a request through.
        .route(CHECK_PATH, any(check))
        .route(&format!("{CHECK_PATH}/{{*path}}"), any(check))
        .with_state(Arc::new(app));
    let listener = listen().await?;
    announce("edge", &listener.local_addr()?);
    axum::serve(listener, routes).await?;
    Ok(())
}

async fn one(
    State(app): State<Arc<App>>,
    Path((reference, agent)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let limits = match app.check.headers(&headers, Some(&agent)) {
        Ok(limits) => limits,
        Err(refusal) => return refusal.into_response(),
    };
    match app.contacts.get(&reference) {
        Some(contact) => answer("Contact retrieved.", contact, limits),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn list(State(app): State<Arc<App>>, Path(agent): Path<String>, headers: HeaderMap) -> Response {
    match app.check.headers(&headers, Some(&agent)) {
        Ok(limits) => list_answer(app.contacts.values().take(100).collect::<Vec<_>>(), limits),
        Err(refusal) => refusal.into_response(),
    }
}

async fn file(
    State(app): State<Arc<App>>,
    Path((_, _, agent)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    match app.check.headers(&headers, Some(&agent)) {
        Ok(limits) => (limits.headers(), app.file.clone()).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn check(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    match app.check.headers(&headers, None) {
        Ok(limits) => (StatusCode::OK, limits.headers()).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}
