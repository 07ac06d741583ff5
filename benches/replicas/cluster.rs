//! Two replicas of each service on PostgreSQL behind one edge, and a client of that.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use svc_db::testing::new_postgres_database;

use super::gate::Gate;
use crate::contact;
use crate::installation::Installation;
use crate::process::Process;
use crate::target::{Credentials, Target};

/// How long a request may take before the client gives up on it.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take until all is well again.
const RECOVERY: Duration = Duration::from_secs(60);
/// So many requests in a row that are answered say that all is well.
const WELL: u32 = 100;

/// The processes.
pub struct Cluster {
    /// A client of the edge.
    pub client: Client,
    /// Between the first contacts-svc and its database.
    pub gate: Gate,
    installation: Installation,
    database: String,
    jwks_url: String,
    sockets: [String; 2],
    auth: Vec<Process>,
    contacts: Vec<Process>,
    _edge: Process,
}

impl Cluster {
    /// Starts them, of this program, in a new directory.
    pub async fn start(program: PathBuf, dir: &Path) -> anyhow::Result<Cluster> {
        let database = new_postgres_database().await;
        let installation = Installation::of(program, dir, Some(&database))?;
        let auth = [installation.serve(Some("auth"), &[])?, installation.serve(Some("auth"), &[])?];
        let jwks_url = format!("http://{}{}", auth[0].address("admin")?, svc_runtime::token::JWKS_PATH);
        let (server, name) = database.rsplit_once('/').context("no database in the URL")?;
        let (user, server) = server.rsplit_once('@').context("no user in the URL")?;
        let gate = Gate::to(server)?;
        let through_the_gate = format!("{user}@{}/{name}", gate.address);
        let sockets = [0, 1].map(|n| format!("unix:{}", dir.join(format!("contacts-{n}")).display()));
        let contacts = [
            contacts(&installation, &through_the_gate, &jwks_url, &sockets[0])?,
            contacts(&installation, &database, &jwks_url, &sockets[1])?,
        ];
        let auth_addresses = format!("{},{}", auth[0].address("grpc")?, auth[1].address("grpc")?);
        let upstreams = [
            ("KEYWARD_EDGE__UPSTREAMS__AUTH", auth_addresses.as_str()),
            ("KEYWARD_EDGE__UPSTREAMS__CONTACTS", &sockets.join(",")),
        ];
        let edge = installation.serve(Some("edge"), &upstreams)?;
        let address = edge.address("edge")?;
        let credentials = installation.new_key(address).await?;
        let target = Target::new(address, &credentials)?;
        target.create_contacts().await?;
        let client = Client::new(target.base, credentials, installation.made.owner_token.clone())?;
        client.wait_until_well().await?;
        Ok(Cluster {
            client,
            gate,
            installation,
            database,
            jwks_url,
            sockets,
            auth: auth.into(),
            contacts: contacts.into(),
            _edge: edge,
        })
    }

    /// Pauses the first contacts-svc, or lets it go on.
    pub fn pause_contacts(&self, pause: bool) -> anyhow::Result<()> {
        signal(self.contacts.first().context("no contacts-svc")?, pause)
    }

    /// Pauses the second auth-svc, or lets it go on. The first gives the public keys.
    pub fn pause_auth(&self, pause: bool) -> anyhow::Result<()> {
        signal(self.auth.last().context("no auth-svc")?, pause)
    }

    /// Restarts the second contacts-svc while the auth-svc that has the public keys is away.
    pub fn restart_contacts_without_keys(&mut self) -> anyhow::Result<()> {
        self.contacts.pop().context("no contacts-svc")?.stop()?;
        self.auth.remove(0).stop()?;
        let Cluster { installation, database, jwks_url, sockets, .. } = self;
        self.contacts.push(contacts(installation, database, jwks_url, &sockets[1])?);
        Ok(())
    }
}

fn contacts(
    installation: &Installation,
    database: &str,
    jwks_url: &str,
    socket: &str,
) -> anyhow::Result<Process> {
    let settings = [
        ("KEYWARD_DATABASE__URL", database),
        ("KEYWARD_AUTH__JWKS_URL", jwks_url),
        ("KEYWARD_CONTACTS__LISTEN", socket),
    ];
    installation.serve(Some("contacts"), &settings)
}

fn signal(process: &Process, pause: bool) -> anyhow::Result<()> {
    let pid = Pid::from_raw(process.pid().cast_signed()).context("no process id")?;
    Ok(kill_process(pid, if pause { Signal::STOP } else { Signal::CONT })?)
}

/// Who makes requests.
#[derive(Clone)]
pub struct Client {
    base: String,
    credentials: Credentials,
    owner_token: String,
    client: reqwest::Client,
}

impl Client {
    fn new(base: String, credentials: Credentials, owner_token: String) -> anyhow::Result<Client> {
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        Ok(Client { base, credentials, owner_token, client })
    }

    /// The `n`th request, and its answer: the status and the code. Of ten, six read a contact, three create
    /// one and one is of the console.
    pub async fn request(&self, number: u32) -> String {
        let Credentials { agent_id, api_key, api_secret } = &self.credentials;
        let by_key = |method, path: String| {
            let request = self.client.request(method, format!("{}{path}", self.base));
            request.header("X-API-Key", api_key).header("X-API-Secret", api_secret)
        };
        let request = match number % 10 {
            0..=5 => {
                let reference = contact::reference(number % contact::COUNT);
                by_key(Method::GET, format!("/v1/open/contacts/{reference}/chatbots/{agent_id}"))
            }
            6..=8 => by_key(Method::POST, format!("/v1/open/contacts/chatbots/{agent_id}"))
                .json(&serde_json::json!({"email": "ada@example.com"})),
            _ => {
                let url = format!("{}/v1/console/agents/{agent_id}/api-keys", self.base);
                self.client.get(url).bearer_auth(&self.owner_token)
            }
        };
        let Ok(response) = request.send().await else { return "none".to_owned() };
        let status = response.status().as_u16();
        let body: serde_json::Value = response.json().await.unwrap_or_default();
        match body["error"]["code"].as_str() {
            Some(code) => format!("{status} {code}"),
            None => status.to_string(),
        }
    }

    /// Makes requests until many in a row are answered.
    pub async fn wait_until_well(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut in_a_row = 0;
        for number in 0.. {
            in_a_row = if self.request(number).await.starts_with('2') { in_a_row + 1 } else { 0 };
            if in_a_row == WELL {
                return Ok(());
            }
            if began.elapsed() > RECOVERY {
                bail!("requests still fail a while after the fault");
            }
        }
        Ok(())
    }
}
