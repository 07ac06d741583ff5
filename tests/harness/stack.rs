//! The stack inside the test's own process, with a clock that can be moved on.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use auth_svc::AuthService;
use auth_svc::setup::SetupRequest;
use contacts_svc::ContactsService;
use extraction_svc::ExtractionService;
use keyward::run::{self, Part, Running};
use keyward::settings::Settings;
use serde_json::json;
use svc_core::clock::Clock;
use svc_core::principal::{Principal, Subject};
use svc_core::random::SystemRandom;
use svc_core::secret::Secret;
use svc_runtime::grpc::Address;
use svc_runtime::service::{Environment, Service};
use svc_runtime::token::{JwksUrls, TokenSigner};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::clock::MovableClock;
use super::relay::Relay;
use super::{Api, MadeBySetup, postgres, random_hex};

/// The services that run apart.
pub const AUTH: Part = Part::Service(auth_svc::NAME);
pub const CONTACTS: Part = Part::Service(contacts_svc::NAME);
pub const EXTRACTION: Part = Part::Service(extraction_svc::NAME);
/// Nobody listens there.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

/// How the parts stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// Everything in one process, no gRPC sockets.
    OneProcess,
    /// Each part with listeners, a data directory and credentials of its own.
    SeparateServices,
}

/// The database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// Keyward, set up and running.
pub struct Stack {
    pub topology: Topology,
    pub made: MadeBySetup,
    pub clock: MovableClock,
    api: Api,
    parts: Vec<Started>,
    dir: TempDir,
    database: Option<Secret>,
    edge_token: Secret,
    /// What is set otherwise than in other tests.
    adjust: Adjust,
    /// In front of auth-svc's admin listener, where it may be replaced.
    auth_admin: Option<Relay>,
}

/// Sets something of auth-svc otherwise.
type Adjust = Arc<dyn Fn(&mut auth_svc::Config) + Send + Sync>;

/// A part, or everything, that runs.
struct Started {
    part: Option<Part>,
    clock: MovableClock,
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
    /// Runs a journey on each engine in each topology. The last one named on stderr is at fault.
    pub async fn each(journey: impl AsyncFn(Stack)) {
        for engine in [Engine::Sqlite, Engine::Postgres] {
            for topology in [Topology::OneProcess, Topology::SeparateServices] {
                eprintln!("on {engine:?}, {topology:?}");
                journey(Stack::start(engine, topology).await).await;
            }
        }
    }

    /// Sets up and starts.
    pub async fn start(engine: Engine, topology: Topology) -> Stack {
        Stack::begin(engine, topology, false, Arc::new(|_| {})).await
    }

    /// The same with other settings of auth-svc.
    pub async fn start_with(
        engine: Engine,
        topology: Topology,
        adjust: impl Fn(&mut auth_svc::Config) + Send + Sync + 'static,
    ) -> Stack {
        Stack::begin(engine, topology, false, Arc::new(adjust)).await
    }

    /// Sets up and starts apart on PostgreSQL, for [`Stack::add_auth`].
    pub async fn start_replaceable() -> Stack {
        Stack::begin(Engine::Postgres, Topology::SeparateServices, true, Arc::new(|_| {})).await
    }

    async fn begin(engine: Engine, topology: Topology, replaceable: bool, adjust: Adjust) -> Stack {
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
        let mut stack =
            Stack { topology, made, clock, api, parts, dir, database, edge_token, adjust, auth_admin };
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
        match self.topology {
            Topology::OneProcess => {
                let mut settings = settings(&self.dir.path().join("auth"), &self.database);
                (self.adjust)(config::<AuthService>(&mut settings));
                let environment = environment(&settings, &self.clock);
                let shutdown = CancellationToken::new();
                let running = run::all(&settings, &environment, shutdown.clone()).await.unwrap();
                self.parts.push(Started { part: None, clock: self.clock.clone(), running, shutdown });
            }
            Topology::SeparateServices => {
                self.run_part(AUTH).await;
                if let Some(relay) = &self.auth_admin {
                    relay.point_to(self.admin(Some(AUTH)));
                }
                self.run_part(CONTACTS).await;
                self.run_part(EXTRACTION).await;
                self.run_part(Part::Edge).await;
            }
        }
        self.api.base = format!("http://{}", self.edge());
        self.api.dashboard = format!("http://{}", self.dashboard());
    }

    async fn run_part(&mut self, part: Part) {
        let mut settings = settings(&self.dir.path().join(part.name()), &self.database);
        settings.edge.auth_token = Some(self.edge_token.clone());
        match part {
            AUTH => (self.adjust)(config::<AuthService>(&mut settings)),
            CONTACTS | EXTRACTION => {
                config::<AuthService>(&mut settings).jwks_url = jwks_url(&[self.jwks_from()]);
            }
            _ => {
                config::<AuthService>(&mut settings).listen = self.grpc(AUTH);
                config::<ContactsService>(&mut settings).listen = self.grpc(CONTACTS);
                config::<ExtractionService>(&mut settings).listen = self.grpc(EXTRACTION);
            }
        }
        let started = self.start_part(part, &settings).await;
        self.parts.push(started);
    }

    /// The signing key that auth-svc made for itself.
    pub fn signing_key(&self) -> Secret {
        let file = self.dir.path().join(AUTH.name()).join("signing.key");
        Secret::new(std::fs::read_to_string(file).unwrap().trim())
    }

    /// Starts another auth-svc with these signing keys and an edge before it, beside those that run. The
    /// public keys are asked of it from now on. Gives a client of the new edge.
    pub async fn add_auth(&mut self, signing_key: &Secret, previous: Option<&Secret>) -> Api {
        let mut settings = settings(&self.dir.path().join(AUTH.name()), &self.database);
        settings.edge.auth_token = Some(self.edge_token.clone());
        config::<AuthService>(&mut settings).signing_key = Some(signing_key.clone());
        config::<AuthService>(&mut settings).signing_key_previous = previous.cloned();
        config::<ContactsService>(&mut settings).listen = self.grpc(CONTACTS);
        config::<ExtractionService>(&mut settings).listen = self.grpc(EXTRACTION);
        let auth = self.start_part(AUTH, &settings).await;
        self.auth_admin.as_ref().unwrap().point_to(auth.running.admin);
        config::<AuthService>(&mut settings).listen = auth.running.grpc.clone().unwrap();
        let edge = self.start_part(Part::Edge, &settings).await;
        let mut api = self.api.clone();
        api.base = format!("http://{}", edge.running.edge.unwrap());
        self.parts.extend([auth, edge]);
        api
    }

    /// Stops the oldest edge, and the auth-svc behind it.
    pub async fn retire_auth(&mut self) {
        for part in [Part::Edge, AUTH] {
            let oldest = self.parts.iter().position(|started| started.part == Some(part)).unwrap();
            let started = self.parts.remove(oldest);
            started.shutdown.cancel();
            started.running.done.await.unwrap().unwrap();
        }
    }

    async fn start_part(&self, part: Part, settings: &Settings) -> Started {
        let shutdown = CancellationToken::new();
        let clock = self.clock.another();
        let environment = environment(settings, &clock);
        let running = run::one(part, settings, &environment, shutdown.clone()).await.unwrap();
        Started { part: Some(part), clock, running, shutdown }
    }

    /// Starts one more of a part, which others do not know. It knows another auth-svc, too, that is away.
    pub async fn add(&mut self, part: Part) -> (SocketAddr, Address) {
        let mut settings = settings(&self.dir.path().join("added"), &self.database);
        config::<AuthService>(&mut settings).jwks_url = jwks_url(&[NOWHERE, self.jwks_from()]);
        let started = self.start_part(part, &settings).await;
        let (admin, grpc) = (started.running.admin, started.running.grpc.clone().unwrap());
        self.parts.push(started);
        (admin, grpc)
    }

    /// Nobody finds the admin listener of auth-svc any more, or again.
    pub fn hide_auth_admin(&self, hidden: bool) {
        let to = if hidden { NOWHERE } else { self.admin(Some(AUTH)) };
        self.auth_admin.as_ref().unwrap().point_to(to);
    }

    /// Where others find the admin listener of auth-svc.
    pub fn jwks_from(&self) -> SocketAddr {
        match &self.auth_admin {
            Some(relay) => relay.address,
            None => self.admin(Some(AUTH)),
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

    /// Where the dashboard is.
    pub fn dashboard(&self) -> SocketAddr {
        self.parts.iter().find_map(|started| started.running.dashboard).unwrap()
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

    /// A principal token for a service, signed with a key that nobody has ever seen.
    pub fn forged_token(&self, audience: &str) -> String {
        let principal = Principal {
            organization_id: self.made.organization_id.clone(),
            agent_id: Some(self.agent.clone()),
            subject: Subject::Key("65f0c0ffee65f0c0ffee65f0".to_owned()),
            permissions: vec!["contacts:read".to_owned()],
            role: None,
            expires_at: None,
            token_id: None,
            session_id: None,
        };
        let forger = TokenSigner::new(&TokenSigner::generate().unwrap()).unwrap();
        forger.sign(&principal, audience, self.clock.now()).unwrap()
    }

    /// The clock of a part that runs apart, which is that of a machine of its own.
    pub fn clock_of(&self, part: Part) -> &MovableClock {
        &self.parts.iter().find(|started| started.part == Some(part)).unwrap().clock
    }

    /// Moves the clock of every part on.
    pub fn advance(&self, time: Duration) {
        self.clock.advance(time);
    }
}

fn jwks_url(admins: &[SocketAddr]) -> JwksUrls {
    let urls = admins.iter().map(|admin| format!("http://{admin}{}", svc_runtime::token::JWKS_PATH));
    JwksUrls::parse(&urls.collect::<Vec<_>>().join(",")).unwrap()
}

/// The most requests that a key may be given here.
const MOST: i32 = 1_000_000;

/// Settings for tests: free ports, and nothing that throttles the test itself.
fn settings(data_dir: &Path, database: &Option<Secret>) -> Settings {
    let mut settings = Settings { data_dir: data_dir.to_owned(), ..Settings::default() };
    let any_port = "127.0.0.1:0";
    settings.database.url = database.clone();
    settings.database.max_connections = 4;
    settings.edge.listen = any_port.to_owned();
    settings.edge.address_requests_per_second = 0;
    // A busy machine may pause a test for longer than the check may take.
    settings.edge.authorize_timeout_ms = 30_000;
    settings.dashboard.listen = any_port.to_owned();
    settings.admin.listen = any_port.to_owned();
    config::<AuthService>(&mut settings).listen = any_port.parse().unwrap();
    config::<AuthService>(&mut settings).failures_per_minute = 1_000_000;
    config::<AuthService>(&mut settings).sessions.failures_per_minute = 1_000_000;
    config::<AuthService>(&mut settings).limits.max_per_minute = MOST;
    config::<AuthService>(&mut settings).limits.max_per_hour = MOST;
    config::<ContactsService>(&mut settings).listen = any_port.parse().unwrap();
    // Receivers of tests are on this machine.
    let webhooks = &mut config::<ContactsService>(&mut settings).webhooks;
    webhooks.allowed_ranges = vec!["127.0.0.0/8".parse().unwrap()];
    webhooks.allowed_ports = Vec::new();
    webhooks.allow_http = true;
    config::<ExtractionService>(&mut settings).listen = any_port.parse().unwrap();
    settings
}

fn config<S: Service>(settings: &mut Settings) -> &mut S::Config {
    settings.services.config_mut::<S>().unwrap()
}

fn environment(settings: &Settings, clock: &MovableClock) -> Environment {
    let (clock, random) = (Arc::new(clock.clone()), Arc::new(SystemRandom));
    Environment::with(clock, random, settings.data_dir.clone(), settings.database.clone())
}
