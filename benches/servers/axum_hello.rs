//! The least that an answer over HTTP costs: one contact, a list, a file.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use bytes::Bytes;

use super::{
    ANSWER_FILE, CONTACT_PATH, FILE_BYTES, FILE_PATH, LIST_FILE, LIST_PATH, announce, listen, variable,
};

pub(super) async fn run() -> anyhow::Result<()> {
    let json = |of: &str| -> anyhow::Result<_> {
        let answer = Bytes::from(std::fs::read(variable(of)?)?);
        Ok(get(move || {
            let answer = answer.clone();
            async { ([(CONTENT_TYPE, "application/json")], answer) }
        }))
    };
    let file = Bytes::from(vec![b'x'; FILE_BYTES]);
    let routes = Router::new()
        .route(CONTACT_PATH, json(ANSWER_FILE)?)
        .route(LIST_PATH, json(LIST_FILE)?)
        .route(FILE_PATH, get(move || std::future::ready(file.clone())));
    let listener = listen().await?;
    announce("edge", &listener.local_addr()?);
    axum::serve(listener, routes).await?;
    Ok(())
}
