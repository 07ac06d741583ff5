//! The processes, with only such settings as earlier releases know.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use bytes::Bytes;
use svc_db::testing::new_postgres_database;

use crate::contact;
use crate::installation::{Installation, Made};
use crate::process::Process;
use crate::target::{Credentials, Target};

const EDGES: usize = 2;
const AUTH: usize = 3;
const CONTACTS: usize = 2;
/// Keys in use: each has a row of its own for its limits.
const KEYS: usize = 64;

/// That requests are refused is no news here.
const LOG: &str = "info,edge=off,auth_svc=off";

/// Keyward as separate processes, ready, with contacts in it.
pub struct Cluster {
    /// Where the edges listen.
    pub edges: Vec<SocketAddr>,
    /// Requests for a contact each, with one key after another.
    pub requests: Vec<Bytes>,
    /// A key.
    pub key: Credentials,
    /// Who it belongs to.
    pub made: Made,
    _processes: Vec<Process>,
}

impl Cluster {
    /// Starts it in a new directory and on a new database.
    pub async fn start(program: PathBuf, dir: &Path) -> anyhow::Result<Cluster> {
        let database = new_postgres_database().await;
        let installation = Installation::of(program, dir, Some(&database))?;
        let settings = [
            // Wrong credentials are asked for on purpose, all from one address.
            ("KEYWARD_AUTH__FAILURES_PER_MINUTE", "1000000"),
            ("KEYWARD_TELEMETRY__LOG", LOG),
        ];
        let auth = several(AUTH, || installation.serve(Some("auth"), &settings))?;
        let admin = auth.first().context("no auth-svc")?.address("admin")?;
        let jwks_url = format!("http://{admin}{}", svc_runtime::token::JWKS_PATH);
        let settings = [("KEYWARD_AUTH__JWKS_URL", jwks_url.as_str()), settings[1]];
        let contacts = several(CONTACTS, || installation.serve(Some("contacts"), &settings))?;
        let (auth_at, contacts_at) = (addresses(&auth)?, addresses(&contacts)?);
        let settings = [
            ("KEYWARD_EDGE__UPSTREAMS__AUTH", auth_at.as_str()),
            ("KEYWARD_EDGE__UPSTREAMS__CONTACTS", &contacts_at),
            ("KEYWARD_TELEMETRY__LOG", LOG),
        ];
        let edges = several(EDGES, || installation.serve(Some("edge"), &settings))?;
        let first = edges.first().context("no edge")?.address("edge")?;
        let mut keys = Vec::new();
        for _ in 0..KEYS {
            keys.push(installation.new_key(first).await?);
        }
        let key = keys.first().context("no key")?.clone();
        Target::new(first, &key)?.create_contacts().await?;
        let addresses = edges.iter().map(|edge| Ok(edge.address("edge")?.parse()?));
        let addresses = addresses.collect::<anyhow::Result<_>>()?;
        let requests = keys.iter().enumerate().map(|(number, key)| request(number, key));
        let requests = requests.collect();
        let processes = edges.into_iter().chain(contacts).chain(auth).collect();
        Ok(Cluster { edges: addresses, requests, key, made: installation.made, _processes: processes })
    }
}

fn several(count: usize, start: impl Fn() -> anyhow::Result<Process>) -> anyhow::Result<Vec<Process>> {
    (0..count).map(|_| start()).collect()
}

fn addresses(processes: &[Process]) -> anyhow::Result<String> {
    let addresses = processes.iter().map(|process| process.address("grpc"));
    Ok(addresses.collect::<anyhow::Result<Vec<&str>>>()?.join(","))
}

/// A request for a contact, byte by byte.
fn request(number: usize, key: &Credentials) -> Bytes {
    let reference = contact::reference(number as u32 % contact::COUNT);
    format!(
        "GET /v1/open/contacts/{reference}/chatbots/{} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {}\r\n\
         X-API-Secret: {}\r\n\r\n",
        key.agent_id, key.api_key, key.api_secret
    )
    .into()
}
