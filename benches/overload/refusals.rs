//! How long it takes to be refused: with a wrong secret of a key that memory knows, with a key that does not
//! exist, and with one that was deleted. If they differ, the time tells which keys exist.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use auth_svc::testing::credentials;
use reqwest::{Client, StatusCode};
use serde::Serialize;
use serde_json::Value;

use super::cluster::Cluster;
use super::offered::{Offered, Pace};
use crate::process;
use crate::rounds::{Plan, rounded};
use crate::target::Credentials;

/// Refusals of each kind.
const REFUSALS: u32 = 200;
/// Good requests a second beside them, under load.
const LOAD: f64 = 500.0;
/// How long the load may have to last.
const LASTS: Duration = Duration::from_secs(20);

/// The median times, in microseconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusals {
    unloaded: Medians,
    under_load: Medians,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Medians {
    wrong_secret: f64,
    unknown: f64,
    deleted: f64,
    /// How much longer the slowest takes than the fastest, as a part of it.
    apart: f64,
}

impl Refusals {
    /// Measures them in a new directory in `dir`.
    pub async fn measure(dir: &Path, _plan: Plan) -> anyhow::Result<Refusals> {
        println!("Measuring refusals.");
        let cluster = Cluster::start(process::this()?, &dir.join("refusals")).await?;
        let client = Client::builder().no_proxy().build()?;
        let deleted = deleted_key(&cluster, &client).await?;
        let unloaded = Medians::measure(&cluster, &client, &deleted).await?;
        let load = Offered {
            edges: &cluster.edges,
            requests: &cluster.requests,
            pace: Pace::PerSecond(LOAD),
            warm_up: Duration::ZERO,
            time: LASTS,
        };
        let under_load = std::thread::scope(|scope| {
            let load = scope.spawn(move || load.run());
            let handle = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let medians = scope.spawn(|| {
                handle?.block_on(Medians::measure(&cluster, &Client::builder().no_proxy().build()?, &deleted))
            });
            let medians = medians.join().map_err(|_| anyhow::anyhow!("the measurement panicked"))?;
            load.join().map_err(|_| anyhow::anyhow!("the load panicked"))??;
            medians
        })?;
        Ok(Refusals { unloaded, under_load })
    }

    /// Prints them for people.
    pub fn print(&self) {
        println!("\nMedians of {REFUSALS} refusals (401), µs");
        println!("{:14} {:>14} {:>10} {:>10} {:>8}", "", "wrong secret", "unknown", "deleted", "apart");
        for (name, medians) in [("unloaded", &self.unloaded), ("under load", &self.under_load)] {
            let Medians { wrong_secret, unknown, deleted, apart } = medians;
            println!(
                "{name:14} {wrong_secret:>14.0} {unknown:>10.0} {deleted:>10.0} {:>7.1}%",
                apart * 100.0
            );
        }
        println!("aim: at most 10 % apart");
    }
}

impl Medians {
    /// In turn, so that a noisy moment meets each kind.
    async fn measure(cluster: &Cluster, client: &Client, gone: &Credentials) -> anyhow::Result<Medians> {
        let mut times: [Vec<Duration>; 3] = Default::default();
        for number in 0..REFUSALS {
            let (nobodys, secret) = credentials(number);
            let kinds = [
                (cluster.key.api_key.as_str(), secret.as_str()),
                (nobodys.as_str(), secret.as_str()),
                (gone.api_key.as_str(), gone.api_secret.as_str()),
            ];
            // In another order each time: the replicas take turns, too, and each kind must meet each of them.
            for turn in 0..kinds.len() {
                let kind = (turn + number as usize) % kinds.len();
                let (key, secret) = kinds[kind];
                times[kind].push(refused(cluster, client, key, secret).await?);
            }
        }
        let [wrong_secret, unknown, deleted] = times.map(median);
        let all = [wrong_secret, unknown, deleted];
        let slowest = all.into_iter().fold(0.0, f64::max);
        let fastest = all.into_iter().fold(f64::MAX, f64::min);
        Ok(Medians { wrong_secret, unknown, deleted, apart: rounded(slowest / fastest - 1.0) })
    }
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, |time| (time.as_secs_f64() * 1e6).round())
}

/// Asks the first edge and is refused.
async fn refused(cluster: &Cluster, client: &Client, key: &str, secret: &str) -> anyhow::Result<Duration> {
    let edge = cluster.edges.first().context("no edge")?;
    let request = client.get(format!("http://{edge}/v1/open/key"));
    let request = request.header("X-API-Key", key).header("X-API-Secret", secret).build()?;
    let asked = Instant::now();
    let response = client.execute(request).await?;
    let took = asked.elapsed();
    let status = response.status();
    response.bytes().await?;
    ensure!(status == StatusCode::UNAUTHORIZED, "a bad credential got {status}");
    Ok(took)
}

/// A key that was good until now.
async fn deleted_key(cluster: &Cluster, client: &Client) -> anyhow::Result<Credentials> {
    let edge = cluster.edges.first().context("no edge")?;
    let made = &cluster.made;
    let keys = format!("http://{edge}/v1/console/agents/{}/api-keys", made.agent_id);
    let new = serde_json::json!({"name": "Gone", "permissions": ["contacts:read"]});
    let answer: Value =
        client.post(&keys).bearer_auth(&made.owner_token).json(&new).send().await?.json().await?;
    let text = |value: &Value| value.as_str().map(str::to_owned).context("not a key");
    let id = text(&answer["data"]["key"]["id"])?;
    let gone = Credentials {
        agent_id: made.agent_id.clone(),
        api_key: text(&answer["data"]["key"]["apiKey"])?,
        api_secret: text(&answer["data"]["secret"])?,
    };
    let response = client.delete(format!("{keys}/{id}")).bearer_auth(&made.owner_token).send().await?;
    ensure!(response.status() == StatusCode::OK, "DELETE: {}", response.status());
    Ok(gone)
}
