//! The stack inside the test's own process, with a clock that can be moved on.

use std::net::SocketAddr;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use auth_svc::setup::SetupRequest;
use keyward::run::{self, Part, Running};
use keyward::settings::Settings;
use serde_json::json;
use svc_core::grpc::Address;
use svc_core::random::SystemRandom;
use svc_core::secret::Secret;
use svc_core::service::Environment;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::clock::MovableClock;
use super::relay::Relay;
use super::{Api, MadeBySetup, postgres, random_hex};

/// How the parts stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrangement {
    /// Everything in one process, no gRPC sockets.
    Together,
    /// Each part with listeners, a data directory and credentials of its own.
    Apart,
}

/// The database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// Keyward, set up and running.
pub struct Stack {
    pub arrangement: Arrangement,
    pub made: MadeBySetup,
    pub clock: MovableClock,
    api: Api,
    parts: Vec<Started>,
    dir: TempDir,
    database: Option<Secret>,
    edge_token: Secret,
    /// In front of auth-svc's admin listener, where it may be replaced.
    auth_admin: Option<Relay>,
}

/// A part, or everything, that runs.
struct Started {
    part: Option<Part>,
    running: Running,
    shutdown: CancellationToken,
}

impl Deref for Stack {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

impl Drop for Stack {
    /// Lets go of ports and connections before the next stack starts.
    fn drop(&mut self) {
        self.begin_to_stop();
    }
}

impl Stack {
    /// Runs a journey on each engine in each arrangement. The last one named on stderr is at fault.
    pub async fn each(journey: impl AsyncFn(Stack)) {
        for engine in [Engine::Sqlite, Engine::Postgres] {
            for arrangement in [Arrangement::Together, Arrangement::Apart] {
                eprintln!("on {engine:?}, {arrangement:?}");
                journey(Stack::start(engine, arrangement).await).await;
            }
        }
    }

    /// Sets up and starts.
    pub async fn start(engine: Engine, arrangement: Arrangement) -> Stack {
        Stack::begin(engine, arrangement, false).await
    }

    /// Sets up and starts apart on PostgreSQL, for [`Stack::add_auth`].
    pub async fn start_replaceable() -> Stack {
        Stack::begin(Engine::Postgres, Arrangement::Apart, true).await
    }

    async fn begin(engine: Engine, arrangement: Arrangement, replaceable: bool) -> Stack {
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(Secret::new(postgres::new_database().await)),
        };
        let dir = TempDir::new().unwrap();
        let clock = MovableClock::default();
        let settings = settings(&dir.path().join("auth"), &database);
        let request = SetupRequest {
            organization: "Acme".to_owned(),
            email: "owner@example.com".to_owned(),
            agent: "Support".to_owned(),
        };
        let made = keyward::setup::run(&settings, &environment(&settings, &clock), &request).await.unwrap();
        let made = MadeBySetup::from(made);
        let edge_token = Secret::new(random_hex());
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let api = Api::new(nowhere, &made);
        let parts = Vec::new();
        let auth_admin = match replaceable {
            true => Some(Relay::to(nowhere).await),
            false => None,
        };
        let mut stack = Stack { arrangement, made, clock, api, parts, dir, database, edge_token, auth_admin };
        stack.run().await;
        stack.raise_limits().await;
        stack
    }

    /// So that journeys of many requests meet a limit only where they look for it.
    async fn raise_limits(&self) {
        let keys = self.list_keys("").await;
        let id = keys.ok()[0]["id"].as_str().unwrap();
        let most = json!({"rateLimits": {"perMinute": MOST, "perHour": MOST}});
        self.update_key(id, most).await.ok();
    }

    /// Starts on new ports, with the data that is there.
    pub async fn run(&mut self) {
        match self.arrangement {
            Arrangement::Together => {
                let settings = settings(&self.dir.path().join("auth"), &self.database);
                let environment = environment(&settings, &self.clock);
                let shutdown = CancellationToken::new();
                let running = run::all(&settings, &environment, shutdown.clone()).await.unwrap();
                self.parts.push(Started { part: None, running, shutdown });
            }
            Arrangement::Apart => {
                self.run_part(Part::Auth).await;
                if let Some(relay) = &self.auth_admin {
                    relay.point_to(self.admin(Some(Part::Auth)));
                }
                self.run_part(Part::Contacts).await;
                self.run_part(Part::Extraction).await;
                self.run_part(Part::Edge).await;
            }
        }
        self.api.base = format!("http://{}", self.edge());
    }

    async fn run_part(&mut self, part: Part) {
        let mut settings = settings(&self.dir.path().join(part.name()), &self.database);
        settings.edge.auth_token = Some(self.edge_token.clone());
        match part {
            Part::Auth => {}
            Part::Contacts | Part::Extraction => {
                settings.auth.jwks_url = format!("http://{}{}", self.jwks_from(), svc_core::token::JWKS_PATH);
            }
            Part::Edge => {
                settings.auth.listen = self.grpc(Part::Auth);
                settings.contacts.listen = self.grpc(Part::Contacts);
                settings.extraction.listen = self.grpc(Part::Extraction);
            }
        }
        let started = self.start_part(part, &settings).await;
        self.parts.push(started);
    }

    /// The signing key that auth-svc made for itself.
    pub fn signing_key(&self) -> Secret {
        let file = self.dir.path().join(Part::Auth.name()).join("signing.key");
        Secret::new(std::fs::read_to_string(file).unwrap().trim())
    }

    /// Starts another auth-svc with these signing keys and an edge before it, beside those that run. The
    /// public keys are asked of it from now on. Gives a client of the new edge.
    pub async fn add_auth(&mut self, signing_key: &Secret, previous: Option<&Secret>) -> Api {
        let mut settings = settings(&self.dir.path().join(Part::Auth.name()), &self.database);
        settings.edge.auth_token = Some(self.edge_token.clone());
        settings.auth.signing_key = Some(signing_key.clone());
        settings.auth.signing_key_previous = previous.cloned();
        settings.contacts.listen = self.grpc(Part::Contacts);
        settings.extraction.listen = self.grpc(Part::Extraction);
        let auth = self.start_part(Part::Auth, &settings).await;
        self.auth_admin.as_ref().unwrap().point_to(auth.running.admin);
        settings.auth.listen = auth.running.grpc.clone().unwrap();
        let edge = self.start_part(Part::Edge, &settings).await;
        let mut api = self.api.clone();
        api.base = format!("http://{}", edge.running.edge.unwrap());
        self.parts.extend([auth, edge]);
        api
    }

    /// Stops the oldest edge, and the auth-svc behind it.
    pub async fn retire_auth(&mut self) {
        for part in [Part::Edge, Part::Auth] {
            let oldest = self.parts.iter().position(|started| started.part == Some(part)).unwrap();
            let started = self.parts.remove(oldest);
            started.shutdown.cancel();
            started.running.done.await.unwrap().unwrap();
        }
    }

    async fn start_part(&self, part: Part, settings: &Settings) -> Started {
        let shutdown = CancellationToken::new();
        let environment = environment(settings, &self.clock);
        let running = run::one(part, settings, &environment, shutdown.clone()).await.unwrap();
        Started { part: Some(part), running, shutdown }
    }

    /// Where others find the admin listener of auth-svc.
    pub fn jwks_from(&self) -> SocketAddr {
        match &self.auth_admin {
            Some(relay) => relay.address,
            None => self.admin(Some(Part::Auth)),
        }
    }

    /// Stops everything, the edge first, and waits for it.
    pub async fn stop(&mut self) {
        for started in self.parts.drain(..).rev() {
            started.shutdown.cancel();
            started.running.done.await.unwrap().unwrap();
        }
    }

    /// Stops, and starts again with the same data.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.run().await;
    }

    /// Tells everything to stop, and does not wait.
    pub fn begin_to_stop(&self) {
        for started in &self.parts {
            started.shutdown.cancel();
        }
    }

    /// Where the edge listens.
    pub fn edge(&self) -> SocketAddr {
        self.parts.iter().find_map(|started| started.running.edge).unwrap()
    }

    /// Where a part serves `/metrics`; `None` for everything in one process.
    pub fn admin(&self, part: Option<Part>) -> SocketAddr {
        self.parts.iter().find(|started| started.part == part).unwrap().running.admin
    }

    /// The admin listeners of all processes.
    pub fn admins(&self) -> Vec<SocketAddr> {
        self.parts.iter().map(|started| started.running.admin).collect()
    }

    /// Where a service that runs apart listens.
    pub fn grpc(&self, part: Part) -> Address {
        self.parts.iter().find(|started| started.part == Some(part)).unwrap().running.grpc.clone().unwrap()
    }

    /// What the edge and auth-svc share when apart.
    pub fn edge_token(&self) -> &str {
        self.edge_token.expose()
    }

    /// Moves the clock of every part on.
    pub fn advance(&self, time: Duration) {
        self.clock.advance(time);
    }
}

/// Settings for tests: free ports, and nothing that throttles the test itself.
/// The most requests that a key may be given here.
const MOST: i32 = 1_000_000;

fn settings(data_dir: &Path, database: &Option<Secret>) -> Settings {
    let mut settings = Settings { data_dir: data_dir.to_owned(), ..Settings::default() };
    let any_port = "127.0.0.1:0";
    settings.database.url = database.clone();
    settings.database.max_connections = 4;
    settings.edge.listen = any_port.to_owned();
    settings.edge.address_requests_per_second = 0;
    settings.admin.listen = any_port.to_owned();
    settings.auth.listen = any_port.parse().unwrap();
    settings.auth.failures_per_minute = 1_000_000;
    settings.auth.limits.max_per_minute = MOST;
    settings.auth.limits.max_per_hour = MOST;
    settings.contacts.listen = any_port.parse().unwrap();
    settings.extraction.listen = any_port.parse().unwrap();
    settings
}

fn environment(settings: &Settings, clock: &MovableClock) -> Environment {
    svc_core::keyfile::make_data_dir(&settings.data_dir).unwrap();
    let (clock, random) = (Arc::new(clock.clone()), Arc::new(SystemRandom));
    Environment::with(clock, random, settings.data_dir.clone(), settings.database.clone())
}
