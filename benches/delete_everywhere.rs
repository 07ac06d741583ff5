//! How long a DELETE of a key takes that is answered once no replica of auth-svc lets the key through any
//! more: while all replicas are well, and while one is dead and not yet forgotten.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use reqwest::{Client, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use serde_json::{Value, json};
use svc_db::testing::new_postgres_database;
use tokio::task::JoinSet;

use crate::contact;
use crate::installation::Installation;
use crate::process::Process;
use crate::rounds::{Plan, percentile, rounded};
use crate::servers;

const REPLICAS: usize = 3;
/// Keys that are deleted for each second of the plan's load: 120 or 300.
const KEYS_FOR_A_SECOND: u64 = 30;
/// How often a replica dies.
const DEATHS: usize = 3;
/// Keys that are deleted at the same time while it is dead. All must begin before it is forgotten.
const KEYS_FOR_A_DEATH: usize = 8;
/// Keys that are created at the same time.
const CREATIONS: usize = 8;
/// Requests with each key before it is deleted: enough for most replicas to have it in memory.
const USES: usize = 6;
/// How long a call may take before the benchmark gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Deletion of keys on PostgreSQL with three replicas of auth-svc.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteEverywhere {
    replicas: usize,
    /// One key after another.
    all_well: Times,
    /// Several keys at once.
    one_dead: Times,
    /// After how long a change does not wait for replicas any more (`docs/revocation.md`: L).
    bound_ms: u128,
}

/// The time to the answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Times {
    /// How many. Each was let through before, and got 401 right after the answer.
    keys: usize,
    p50_ms: f64,
    p99_ms: f64,
}

impl DeleteEverywhere {
    /// Measures it on a database of its own.
    pub async fn measure(plan: Plan, dir: &Path) -> anyhow::Result<DeleteEverywhere> {
        let cluster = Cluster::start(dir).await?;
        let one_by_one = usize::try_from(plan.load.as_secs() * KEYS_FOR_A_SECOND)?;
        let mut keys = cluster.new_keys(one_by_one + DEATHS * KEYS_FOR_A_DEATH).await?;

        let mut well = Vec::new();
        for key in keys.drain(..one_by_one) {
            well.push(cluster.all.delete(&key).await?);
        }
        let mut dead = Vec::new();
        for keys in keys.chunks(KEYS_FOR_A_DEATH) {
            dead.extend(cluster.delete_while_one_is_dead(keys).await?);
        }
        Ok(DeleteEverywhere {
            replicas: REPLICAS,
            all_well: Times::of(well)?,
            one_dead: Times::of(dead)?,
            bound_ms: auth_svc::benching::LEASE.as_millis(),
        })
    }

    /// Prints it for people.
    pub fn print(&self) {
        println!("\nDELETE of a key on PostgreSQL, {} replicas, ms", self.replicas);
        println!("{:50} {:>6} {:>8} {:>8}", "", "keys", "p50", "p99");
        for (name, times) in [("all well", &self.all_well), ("one dead, not yet forgotten", &self.one_dead)] {
            println!("{name:50} {:>6} {:>8.2} {:>8.2}", times.keys, times.p50_ms, times.p99_ms);
        }
        println!("{:50} {:>6}", "waits for a dead one at the most", self.bound_ms);
    }
}

impl Times {
    fn of(mut times: Vec<Duration>) -> anyhow::Result<Times> {
        times.sort_unstable();
        let within = |percent: usize| {
            let time = percentile(&times, percent).context("no key was deleted")?;
            anyhow::Ok(rounded(time.as_secs_f64() * 1e3))
        };
        Ok(Times { keys: times.len(), p50_ms: within(50)?, p99_ms: within(99)? })
    }
}

/// The processes.
struct Cluster {
    /// The edge that knows all replicas.
    all: Edge,
    /// The edge that does not know the last one.
    without_last: Edge,
    /// auth-svc.
    replicas: Vec<Process>,
    _others: Vec<Process>,
}

impl Cluster {
    async fn start(dir: &Path) -> anyhow::Result<Cluster> {
        let database = new_postgres_database().await;
        let installation = Installation::new(&dir.join("delete-everywhere"), Some(&database))?;
        let settings = [
            // Each deleted key is tried from here, and all of that is one address.
            ("KEYWARD_AUTH__FAILURES_PER_MINUTE", "1000000"),
            // That a replica is dead is no news here.
            ("KEYWARD_TELEMETRY__LOG", "info,auth_svc::revocation=error"),
        ];
        let replicas = (0..REPLICAS).map(|_| installation.serve(Some("auth"), &settings));
        let replicas = replicas.collect::<anyhow::Result<Vec<Process>>>()?;
        let admin = replicas.first().context("no replica")?.address("admin")?;
        let jwks_url = format!("http://{admin}{}", svc_runtime::token::JWKS_PATH);
        let contacts = [servers::COMMAND, servers::CONTACTS];
        let contacts = installation.start(&contacts, &[("KEYWARD_AUTH__JWKS_URL", &jwks_url)])?;

        let edge = |replicas: &[Process]| {
            let addresses = replicas.iter().map(|replica| replica.address("grpc"));
            let addresses = addresses.collect::<anyhow::Result<Vec<&str>>>()?.join(",");
            let upstreams = [
                ("KEYWARD_EDGE__UPSTREAMS__AUTH", addresses.as_str()),
                ("KEYWARD_CONTACTS__LISTEN", contacts.address("grpc")?),
            ];
            installation.serve(Some("edge"), &upstreams)
        };
        let (all, without_last) = (edge(&replicas)?, edge(&replicas[..REPLICAS - 1])?);
        Ok(Cluster {
            all: Edge::at(all.address("edge")?, &installation)?,
            without_last: Edge::at(without_last.address("edge")?, &installation)?,
            replicas,
            _others: vec![all, without_last, contacts],
        })
    }

    /// Keys that both edges let through.
    async fn new_keys(&self, count: usize) -> anyhow::Result<Vec<Key>> {
        let mut keys = Vec::new();
        let mut tasks = JoinSet::new();
        let mut missing = count;
        while keys.len() < count {
            while missing > 0 && tasks.len() < CREATIONS {
                missing -= 1;
                tasks.spawn(new_key(self.all.clone(), self.without_last.clone()));
            }
            keys.push(tasks.join_next().await.context("no key is being created")???);
        }
        Ok(keys)
    }

    /// Deletes these keys at the same time while the last replica is stopped, and sets it going again.
    async fn delete_while_one_is_dead(&self, keys: &[Key]) -> anyhow::Result<Vec<Duration>> {
        let last = self.replicas.last().context("no replica")?;
        signal(last, Signal::STOP)?;
        let mut tasks = JoinSet::new();
        for key in keys {
            let (edge, key) = (self.without_last.clone(), key.clone());
            tasks.spawn(async move { edge.delete(&key).await });
        }
        let mut times = Vec::new();
        while let Some(task) = tasks.join_next().await {
            times.push(task??);
        }
        signal(last, Signal::CONT)?;
        ensure!(times.iter().all(|time| *time >= auth_svc::benching::LEASE), "not waited for: {times:?}");

        self.all.wait_until_ready(last.address("admin")?).await?;
        // The answer to a change that finds nothing to do waits, too, until that replica has heard of these.
        let key = keys.first().context("no keys")?;
        let status = self.without_last.ask_to_delete(key).await?;
        ensure!(status == StatusCode::NOT_FOUND, "DELETE again: {status}");
        self.all.refuses(key).await?;
        Ok(times)
    }
}

fn signal(process: &Process, signal: Signal) -> anyhow::Result<()> {
    let pid = Pid::from_raw(process.pid().cast_signed()).context("no process id")?;
    Ok(kill_process(pid, signal)?)
}

/// A key.
#[derive(Clone)]
struct Key {
    id: String,
    api_key: String,
    api_secret: String,
}

async fn new_key(through: Edge, also_used_at: Edge) -> anyhow::Result<Key> {
    let key = through.new_key().await?;
    for edge in [&through, &also_used_at] {
        for _ in 0..USES {
            let status = edge.get_contact(&key).await?;
            ensure!(status == StatusCode::OK, "a new key: {status}");
        }
    }
    Ok(key)
}

/// A client of an edge.
#[derive(Clone)]
struct Edge {
    base: String,
    agent_id: String,
    owner_token: String,
    client: Client,
}

impl Edge {
    fn at(address: &str, installation: &Installation) -> anyhow::Result<Edge> {
        let made = &installation.made;
        Ok(Edge {
            base: format!("http://{address}"),
            agent_id: made.agent_id.clone(),
            owner_token: made.owner_token.clone(),
            client: Client::builder().no_proxy().timeout(PATIENCE).build()?,
        })
    }

    fn keys_url(&self) -> String {
        format!("{}/v1/console/agents/{}/api-keys", self.base, self.agent_id)
    }

    async fn new_key(&self) -> anyhow::Result<Key> {
        let key = json!({"name": "Benchmark", "permissions": ["contacts:read"]});
        let request = self.client.post(self.keys_url()).bearer_auth(&self.owner_token).json(&key);
        let answer: Value = request.send().await?.json().await?;
        let text = |value: &Value| value.as_str().map(str::to_owned).with_context(|| format!("{answer}"));
        let (key, secret) = (&answer["data"]["key"], &answer["data"]["secret"]);
        Ok(Key { id: text(&key["id"])?, api_key: text(&key["apiKey"])?, api_secret: text(secret)? })
    }

    /// The time to the answer. Fails when the key is let through after it.
    async fn delete(&self, key: &Key) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let status = self.ask_to_delete(key).await?;
        let took = began.elapsed();
        ensure!(status == StatusCode::OK, "DELETE: {status}");
        self.refuses(key).await?;
        Ok(took)
    }

    async fn ask_to_delete(&self, key: &Key) -> anyhow::Result<StatusCode> {
        let url = format!("{}/{}", self.keys_url(), key.id);
        let response = self.client.delete(url).bearer_auth(&self.owner_token).send().await?;
        let status = response.status();
        response.bytes().await?;
        Ok(status)
    }

    async fn refuses(&self, key: &Key) -> anyhow::Result<()> {
        match self.get_contact(key).await? {
            StatusCode::UNAUTHORIZED => Ok(()),
            status => bail!("the key is deleted, and a request with it got {status}"),
        }
    }

    async fn get_contact(&self, key: &Key) -> anyhow::Result<StatusCode> {
        let path = format!("/v1/open/contacts/{}/chatbots/{}", contact::reference(0), self.agent_id);
        let request = self.client.get(format!("{}{path}", self.base));
        let request = request.header("X-API-Key", &key.api_key).header("X-API-Secret", &key.api_secret);
        let response = request.send().await?;
        let status = response.status();
        response.bytes().await?;
        Ok(status)
    }

    /// Asks the admin listener of a process until it says that it is ready.
    async fn wait_until_ready(&self, admin: &str) -> anyhow::Result<()> {
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            let response = self.client.get(format!("http://{admin}/readyz")).send().await?;
            if response.status() == StatusCode::OK {
                return Ok(());
            }
        }
        bail!("a replica that was stopped does not get ready")
    }
}
