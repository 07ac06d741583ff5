//! The least that an answer over HTTP costs.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use bytes::Bytes;

use super::{ANSWER_FILE, CONTACT_PATH, announce, listen, variable};

pub(super) async fn run() -> anyhow::Result<()> {
    let answer = Bytes::from(std::fs::read(variable(ANSWER_FILE)?)?);
    let hello = move || {
        let answer = answer.clone();
        async { ([(CONTENT_TYPE, "application/json")], answer) }
    };
    let listener = listen().await?;
    announce("edge", &listener.local_addr()?);
    axum::serve(listener, Router::new().route(CONTACT_PATH, get(hello))).await?;
    Ok(())
}
