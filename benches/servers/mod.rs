//! Servers that only the benchmark has. Each says on stderr where it listens, as `keyward serve` does.

mod axum_database;
mod axum_hello;
mod files;
mod gateway;
mod hand_written;
mod memory_contacts;
mod tonic_echo;

use anyhow::{Context, bail};
use serde_json::json;
use svc_runtime::grpc::Listener;
use tokio::net::TcpListener;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::server::{Router, TcpIncoming};

use crate::process::READY;

/// The argument that makes this program one of these servers; the next one says which.
pub const COMMAND: &str = "server";

/// axum that answers always the same bytes, those of [`ANSWER_FILE`].
pub const AXUM_HELLO: &str = "axum-hello";
/// axum with contacts-svc's database, for [`ORGANIZATION_ID`]: its SQLite file in [`DATA_DIR`], unless
/// [`DATABASE_URL`] names a PostgreSQL.
pub const AXUM_DATABASE: &str = "axum-database";
/// The edge, auth-svc and contacts in memory. Takes Keyward's settings.
pub const GATEWAY: &str = "gateway";
/// What one would write by hand, in one process, with the key of [`API_KEY`], [`API_SECRET`] and [`AGENT`].
pub const HAND_WRITTEN: &str = "hand-written";
/// The check of the same apart, over gRPC.
pub const HAND_WRITTEN_AUTH: &str = "hand-written-auth";
/// Its contacts apart, over gRPC. Both listen at [`LISTEN`].
pub const HAND_WRITTEN_CONTACTS: &str = "hand-written-contacts";
/// Its HTTP apart, in front of [`AUTH_ADDRESS`] and [`CONTACTS_ADDRESS`].
pub const HAND_WRITTEN_EDGE: &str = "hand-written-edge";
/// Contacts in memory, as a service that runs apart. Takes Keyward's settings.
pub const CONTACTS: &str = "contacts";
/// Files that are counted and made, as a service that runs apart. Takes Keyward's settings.
pub const FILES: &str = "files";

/// tonic that answers always the same [`ANSWER_BYTES`], at [`LISTEN`].
pub const TONIC_ECHO: &str = "tonic-echo";
pub use gateway::serve as gateway;
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
pub const DATABASE_URL: &str = "BENCH_DATABASE_URL";
/// A variable.
pub const LIST_FILE: &str = "BENCH_LIST_FILE";
/// A variable.
pub const AGENT: &str = "BENCH_AGENT";
/// A variable.
pub const API_KEY: &str = "BENCH_API_KEY";
/// A variable.
pub const API_SECRET: &str = "BENCH_API_SECRET";
/// A variable.
pub const AUTH_ADDRESS: &str = "BENCH_AUTH_ADDRESS";
/// A variable.
pub const CONTACTS_ADDRESS: &str = "BENCH_CONTACTS_ADDRESS";
/// A variable.
pub const ORGANIZATION_ID: &str = "BENCH_ORGANIZATION_ID";

/// Where Keyward answers with a contact, and these servers, too.
const CONTACT_PATH: &str = "/v1/open/contacts/{reference}/chatbots/{agent}";
/// And with a hundred.
const LIST_PATH: &str = "/v1/open/contacts/chatbots/{agent}";
/// And with a file of [`FILE_BYTES`].
const FILE_PATH: &str = "/v1/open/contacts/{reference}/files/{file}/chatbots/{agent}/content";
/// The bytes of a file.
pub const FILE_BYTES: usize = 1_000_000;
/// Where the hand-written check answers those that ask over HTTP. What follows is the path that it is for.
pub const CHECK_PATH: &str = "/check";

/// Serves until it is killed.
#[tokio::main]
pub async fn run(name: &str) -> anyhow::Result<()> {
    match name {
        AXUM_HELLO => axum_hello::run().await,
        AXUM_DATABASE => axum_database::run().await,
        GATEWAY => gateway::run().await,
        HAND_WRITTEN => hand_written::run().await,
        HAND_WRITTEN_AUTH => hand_written::apart::auth().await,
        HAND_WRITTEN_CONTACTS => hand_written::apart::contacts().await,
        HAND_WRITTEN_EDGE => hand_written::apart::edge().await,
        CONTACTS => memory_contacts::run().await,
        FILES => files::run().await,
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

/// Serves it as tonic comes.
async fn serve_tonic(listener: Listener, router: Router) -> anyhow::Result<()> {
    match listener {
        Listener::Tcp(listener) => {
            router.serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true))).await?;
        }
        Listener::Unix(listener) => router.serve_with_incoming(UnixListenerStream::new(listener)).await?,
    }
    Ok(())
}

/// Says that the server is ready. `kind` is `edge` for HTTP and `grpc` for gRPC.
fn announce(kind: &str, address: &impl ToString) {
    let mut line = json!({"level": "INFO", "message": format!("{READY} it serves")});
    line[kind] = address.to_string().into();
    eprintln!("{line}");
}
