//! The servers of these rows.

use std::path::PathBuf;
use svc_runtime::service::Service;

use anyhow::{Context, anyhow};
use auth_svc::AuthService;
use auth_svc::testing::{self, KeySettings};
use keyward_proto::auth::v1::authorization_service_client::AuthorizationServiceClient;
use prost::Message;

use super::load::{Callee, End, Load, Way};
use super::questions::{ALLOWED_IPS, About, PERMISSIONS, Questions};
use crate::installation::{Installation, NO_LIMIT};
use crate::process::{Process, Variables};
use crate::servers;

/// auth-svc on SQLite with some keys, or an echo: ready.
pub struct Server {
    /// Its process.
    pub process: Process,
    callee: Callee,
}

impl Server {
    /// auth-svc with this many keys in a directory of its own, none of which is in its memory.
    pub async fn auth(dir: PathBuf, keys: u32, listen: &str) -> anyhow::Result<Server> {
        let installation = Installation::new(&dir, None)?;
        insert_keys(&installation, keys).await?;
        let process = installation.serve(Some("auth"), &[("KEYWARD_AUTH__LISTEN", listen)])?;
        let token = format!("Bearer {}", installation.auth_token);
        let about = About { agent_id: installation.made.agent_id, audience: Some(contacts_svc::NAME) };
        Server::new(process, &token, about)
    }

    /// An echo that answers with this many bytes.
    pub fn echo(listen: &str, answer_bytes: usize) -> anyhow::Result<Server> {
        let variables = Variables::from([
            (servers::LISTEN.to_owned(), listen.to_owned()),
            (servers::ANSWER_BYTES.to_owned(), answer_bytes.to_string()),
        ]);
        let process = Process::start(&[servers::COMMAND, servers::TONIC_ECHO], &variables)?;
        Server::new(process, "Bearer none", About { agent_id: String::new(), audience: None })
    }

    /// Asked as by an edge in the same process, which needs no principal tokens.
    pub fn without_tokens(mut self) -> Server {
        self.callee.about.audience = None;
        self
    }

    fn new(process: Process, token: &str, about: About) -> anyhow::Result<Server> {
        let token = token.parse().context("the token of internal calls")?;
        let callee = Callee { address: process.address("grpc")?.parse()?, token, about };
        Ok(Server { process, callee })
    }

    /// A load on it.
    pub fn load(&self, way: Way, questions: Questions, connections: u32, end: End) -> Load {
        Load::new(self.callee.clone(), way, questions, connections, end)
    }

    /// How many bytes a question and its answer have.
    pub async fn message_bytes(&self) -> anyhow::Result<(usize, usize)> {
        let load = self.load(Way::Calls, Questions::Right(1), 1, End::Calls(1));
        let question = load.question(0);
        let mut client = AuthorizationServiceClient::new(load.connect().await?);
        let answer = client.authorize(load.request(question.clone())).await?.into_inner();
        load.check(&answer)?;
        Ok((question.encoded_len(), answer.encoded_len()))
    }

    /// How often argon2 has run in this process.
    pub async fn argon2_runs(&self) -> anyhow::Result<u64> {
        const COUNTER: &str = "auth_argon2_runs_total ";
        let url = format!("http://{}/metrics", self.process.address("admin")?);
        let metrics = reqwest::Client::builder().no_proxy().build()?.get(url).send().await?.text().await?;
        let line = metrics.lines().find_map(|line| line.strip_prefix(COUNTER)).context(COUNTER)?;
        Ok(line.trim().parse()?)
    }
}

/// Keys whose limits no load reaches, as if they had been made by the console.
async fn insert_keys(installation: &Installation, keys: u32) -> anyhow::Result<()> {
    let settings = installation.settings()?;
    let environment = keyward::run::environment(&settings);
    let service = AuthService::open(settings.services.config::<AuthService>()?, &environment).await?;
    let of_keys = KeySettings {
        permissions: PERMISSIONS.map(str::to_owned).into(),
        allowed_ips: ALLOWED_IPS.map(str::to_owned).into(),
        per_minute: Some(NO_LIMIT),
        per_hour: Some(NO_LIMIT),
    };
    let inserted = testing::insert_keys(&service, &installation.made.agent_id, 0..keys, &of_keys).await;
    service.close().await;
    inserted.map_err(|error| anyhow!("{error}"))
}
