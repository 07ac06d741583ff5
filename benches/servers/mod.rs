//! Servers that only the benchmark has. Each says on stderr where it listens, as `keyward serve` does.

mod axum_hello;
mod axum_sqlite;
mod gateway;
mod memory_contacts;
mod tonic_echo;

use anyhow::{Context, bail};
use serde_json::json;
use tokio::net::TcpListener;

use crate::process::READY;

/// The argument that makes this program one of these servers; the next one says which.
pub const COMMAND: &str = "server";

/// axum that answers always the same bytes, those of [`ANSWER_FILE`].
pub const AXUM_HELLO: &str = "axum-hello";
/// axum with contacts-svc's SQLite file in [`DATA_DIR`], for [`ORGANIZATION_ID`].
pub const AXUM_SQLITE: &str = "axum-sqlite";
/// The edge, auth-svc and contacts in memory. Takes Keyward's settings.
pub const GATEWAY: &str = "gateway";
/// Contacts in memory, as a service that runs apart. Takes Keyward's settings.
pub const CONTACTS: &str = "contacts";

/// tonic that answers always the same [`ANSWER_BYTES`], at [`LISTEN`].
pub const TONIC_ECHO: &str = "tonic-echo";
pub use tonic_echo::PATH as TONIC_ECHO_PATH;

/// A variable.
pub const ANSWER_FILE: &str = "BENCH_ANSWER_FILE";
/// A variable.
pub const ANSWER_BYTES: &str = "BENCH_ANSWER_BYTES";
/// A variable.
pub const LISTEN: &str = "BENCH_LISTEN";
/// A variable.
pub const DATA_DIR: &str = "BENCH_DATA_DIR";
/// A variable.
pub const ORGANIZATION_ID: &str = "BENCH_ORGANIZATION_ID";

/// Where Keyward answers with a contact, and these servers, too.
const CONTACT_PATH: &str = "/v1/open/contacts/{reference}/chatbots/{agent}";

/// Serves until it is killed.
#[tokio::main]
pub async fn run(name: &str) -> anyhow::Result<()> {
    match name {
        AXUM_HELLO => axum_hello::run().await,
        AXUM_SQLITE => axum_sqlite::run().await,
        GATEWAY => gateway::run().await,
        CONTACTS => memory_contacts::run().await,
        TONIC_ECHO => tonic_echo::run().await,
        _ => bail!("there is no server {name}"),
    }
}

fn variable(name: &str) -> anyhow::Result<String> {
    std::env::var(name).context(name.to_owned())
}

async fn listen() -> anyhow::Result<TcpListener> {
    Ok(TcpListener::bind("127.0.0.1:0").await?)
}

/// Says that the server is ready. `kind` is `edge` for HTTP and `grpc` for gRPC.
fn announce(kind: &str, address: &impl ToString) {
    let mut line = json!({"level": "INFO", "message": format!("{READY} it serves")});
    line[kind] = address.to_string().into();
    eprintln!("{line}");
}
