//! An installation of Keyward: its settings, its data and its keys.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use keyward::services::SERVICES;
use keyward::settings::Settings;
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use svc_core::random::{Random, SystemRandom};
use svc_runtime::settings::Sources;

use crate::process::{self, Process, Variables};
use crate::target::Credentials;

/// An address with a port that is free.
pub const ANY_PORT: &str = "127.0.0.1:0";
/// More requests than any load makes in a minute, or in an hour.
pub const NO_LIMIT: i32 = 1_000_000_000;

/// What `keyward setup` printed, without its key, whose limits are the usual ones.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    /// The organization.
    pub organization_id: String,
    /// The agent.
    pub agent_id: String,
    /// The personal access token of its owner.
    pub owner_token: String,
}

/// An installation that is set up.
pub struct Installation {
    /// Where its files are.
    pub data_dir: PathBuf,
    /// What serves it.
    program: PathBuf,
    variables: Variables,
    /// What internal calls are authenticated with.
    pub auth_token: String,
    /// Who it belongs to.
    pub made: Made,
}

impl Installation {
    /// Sets up in an empty directory, with SQLite unless a PostgreSQL is named.
    pub fn new(data_dir: &Path, postgres: Option<&str>) -> anyhow::Result<Installation> {
        Installation::of(process::this()?, data_dir, postgres)
    }

    /// The same of another program, which may be of an earlier release.
    pub fn of(program: PathBuf, data_dir: &Path, postgres: Option<&str>) -> anyhow::Result<Installation> {
        let auth_token = random_hex();
        let mut variables = Variables::from([
            variable("KEYWARD_DATA_DIR", &data_dir.display().to_string()),
            variable("KEYWARD_EDGE__LISTEN", ANY_PORT),
            variable("KEYWARD_DASHBOARD__LISTEN", ANY_PORT),
            variable("KEYWARD_EDGE__AUTH_TOKEN", &auth_token),
            // The whole load comes from one address.
            variable("KEYWARD_EDGE__ADDRESS_REQUESTS_PER_SECOND", "0"),
            variable("KEYWARD_AUTH__LIMITS__MAX_PER_MINUTE", &NO_LIMIT.to_string()),
            variable("KEYWARD_AUTH__LIMITS__MAX_PER_HOUR", &NO_LIMIT.to_string()),
            variable("KEYWARD_AUTH__LISTEN", ANY_PORT),
            variable("KEYWARD_CONTACTS__LISTEN", ANY_PORT),
            variable("KEYWARD_ADMIN__LISTEN", ANY_PORT),
        ]);
        variables.extend(postgres.map(|url| variable("KEYWARD_DATABASE__URL", url)));
        let names = ["--organization", "Acme", "--email", "owner@example.com", "--agent", "Support"];
        let made =
            process::run(&program, &[&["setup", "--output", "json"], &names[..]].concat(), &variables)?;
        let made = serde_json::from_slice(&made)?;
        Ok(Installation { data_dir: data_dir.to_owned(), program, variables, auth_token, made })
    }

    /// What Keyward reads them as.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        let environment = self.variables.clone().into_iter().collect();
        Ok(Settings::load(SERVICES, &Sources { environment, ..Sources::default() })?)
    }

    /// `keyward serve`, with more settings.
    pub fn serve(&self, part: Option<&str>, more: &[(&str, &str)]) -> anyhow::Result<Process> {
        let arguments: Vec<&str> = ["serve"].into_iter().chain(part).collect();
        self.start(&arguments, more)
    }

    /// A server with the settings of this installation, and more.
    pub fn start(&self, arguments: &[&str], more: &[(&str, &str)]) -> anyhow::Result<Process> {
        let mut variables = self.variables.clone();
        variables.extend(more.iter().map(|(name, value)| variable(name, value)));
        Process::of(&self.program, arguments, &variables)
    }

    /// Creates a key whose limits no load reaches, at the edge that runs at `address`.
    pub async fn new_key(&self, address: &str) -> anyhow::Result<Credentials> {
        self.new_key_for(address, &["contacts:create", "contacts:read"]).await
    }

    /// The same with these permissions.
    pub async fn new_key_for(&self, address: &str, permissions: &[&str]) -> anyhow::Result<Credentials> {
        let Made { agent_id, owner_token, .. } = &self.made;
        let url = format!("http://{address}/v1/console/agents/{agent_id}/api-keys");
        let key = json!({
            "name": "Benchmark",
            "permissions": permissions,
            "rateLimits": {"perMinute": NO_LIMIT, "perHour": NO_LIMIT},
        });
        let request = Client::builder().no_proxy().build()?.post(url).bearer_auth(owner_token).json(&key);
        let response = request.send().await?;
        let status = response.status();
        let answer: Value = response.json().await?;
        ensure!(status == 201, "{status}: {answer}");
        let text = |value: &Value| value.as_str().map(str::to_owned).context("not a key");
        Ok(Credentials {
            agent_id: agent_id.clone(),
            api_key: text(&answer["data"]["key"]["apiKey"])?,
            api_secret: text(&answer["data"]["secret"])?,
        })
    }
}

fn variable(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn random_hex() -> String {
    let mut bytes = [0; 16];
    SystemRandom.fill(&mut bytes);
    svc_core::ids::hex(&bytes)
}
