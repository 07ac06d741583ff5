//! The real binary, as processes of the operating system.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::{Api, Container, Engine, MadeBySetup, postgres, random_hex};

/// How long a process may take to get ready or to end before the test gives up on it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Settings, as environment variables.
pub type Variables = HashMap<String, String>;

/// Runs a command of `keyward` to its end.
pub async fn keyward(arguments: &[&str], variables: &Variables) -> Output {
    let mut command = command(arguments, variables);
    tokio::time::timeout(PATIENCE, command.output()).await.expect("the command does not end").unwrap()
}

/// Nothing of the test's own environment reaches the process.
fn command(arguments: &[&str], variables: &Variables) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
    command.args(arguments).env_clear().envs(variables).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// A `keyward serve` that is ready.
pub struct Process {
    child: Child,
    log: Arc<Mutex<String>>,
    lines: watch::Receiver<usize>,
    ready: Value,
    /// `child` is not the process itself but what has put it into namespaces.
    is_contained: bool,
}

impl Process {
    /// Starts `keyward serve` and waits until it says that it is ready.
    pub async fn serve(part: Option<&str>, variables: &Variables) -> Process {
        let arguments: Vec<&str> = ["serve"].into_iter().chain(part).collect();
        let mut process = Process::start(&arguments, variables);
        process.get_ready().await;
        process
    }

    /// As [`Process::serve`], in a container.
    pub async fn serve_in(container: &Container, part: Option<&str>, variables: &Variables) -> Process {
        let arguments: Vec<&str> = ["serve"].into_iter().chain(part).collect();
        let mut process = Process::spawn(container.command(&arguments, variables), true);
        process.get_ready().await;
        process
    }

    /// Starts it and waits for nothing.
    pub fn start(arguments: &[&str], variables: &Variables) -> Process {
        Process::spawn(command(arguments, variables), false)
    }

    /// Waits until it says that it is ready.
    pub async fn get_ready(&mut self) {
        self.ready = self.logged("ready:").await;
    }

    fn spawn(mut command: Command, is_contained: bool) -> Process {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let (count, lines) = watch::channel(0);
        let written = log.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = stderr.next_line().await {
                written.lock().push_str(&format!("{line}\n"));
                count.send_modify(|n| *n += 1);
            }
        });
        Process { child, log, lines, ready: Value::Null, is_contained }
    }

    /// Waits for a log line whose message starts like this.
    pub async fn logged(&mut self, message: &str) -> Value {
        self.logged_that(message, |_| true).await
    }

    /// Waits for a log line whose message starts like this, with this field.
    pub async fn logged_with(&mut self, field: &str, value: &str, message: &str) -> Value {
        self.logged_that(message, |entry| entry[field] == value).await
    }

    async fn logged_that(&mut self, message: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let says = |entry: &Value| entry["message"].as_str().is_some_and(|m| m.starts_with(message));
        let find = |log: &str| {
            let mut entries = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            entries.find(|entry| says(entry) && fits(entry))
        };
        loop {
            if let Some(entry) = find(&self.log.lock()) {
                return entry;
            }
            let more = tokio::time::timeout(PATIENCE, self.lines.changed()).await;
            if !matches!(more, Ok(Ok(()))) {
                let log = self.log.lock().clone();
                return find(&log).unwrap_or_else(|| panic!("never logged {message:?}:\n{log}"));
            }
        }
    }

    /// An address that it logged when it got ready: `edge`, `admin` or `grpc`.
    pub fn address(&self, name: &str) -> String {
        self.ready[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.ready)).to_owned()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().clone()
    }

    /// Its arguments, as anyone on the machine can read them.
    pub fn arguments(&self) -> Vec<u8> {
        std::fs::read(format!("/proc/{}/cmdline", self.child.id().unwrap())).unwrap()
    }

    /// The most memory that it has held so far, in KiB.
    pub fn peak_memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Its metrics.
    pub async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.address("admin"));
        reqwest::get(url).await.unwrap().text().await.unwrap()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    fn pid(&self) -> Pid {
        let child = self.child.id().unwrap();
        let pid = match self.is_contained {
            false => child.cast_signed(),
            true => {
                let children = std::fs::read_to_string(format!("/proc/{child}/task/{child}/children"));
                children.unwrap().trim().parse().expect("one child")
            }
        };
        Pid::from_raw(pid).unwrap()
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.unwrap_or_else(|_| panic!("it does not end:\n{}", self.log())).unwrap()
    }

    /// SIGTERM, and what it did then.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.ended().await
    }

    /// SIGKILL.
    pub async fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.ended().await;
    }

    /// Everything that it wrote to stdout. Only once it has ended.
    pub async fn stdout(&mut self) -> String {
        let mut text = String::new();
        let mut stdout = self.child.stdout.take().unwrap();
        tokio::io::AsyncReadExt::read_to_string(&mut stdout, &mut text).await.unwrap();
        text
    }
}

/// Keyward as processes of the operating system: one for everything, or one for each part.
pub struct Processes {
    pub all: Vec<Process>,
    pub dir: tempfile::TempDir,
    pub(super) variables: Variables,
    api: Api,
}

impl Deref for Processes {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

impl Processes {
    /// Sets up with `keyward setup` and starts one process. `variables` are more settings.
    pub async fn together(variables: &[(&str, &str)]) -> Processes {
        let mut processes = Processes::set_up(variables).await;
        processes.start_together().await;
        processes
    }

    /// As [`Processes::together`], with settings that only a file has, as TOML.
    pub async fn with_file(settings: &str) -> Processes {
        let mut processes = Processes::set_up(&[]).await;
        let file = processes.dir.path().join("keyward.toml");
        std::fs::write(&file, settings).unwrap();
        let mut process = Process::start(&["serve", "--config", &path(&file)], &processes.variables);
        process.get_ready().await;
        processes.began(process);
        processes
    }

    /// One process on this engine.
    pub async fn on(engine: Engine) -> Processes {
        match engine {
            Engine::Sqlite => Processes::together(&[]).await,
            Engine::Postgres => {
                let database = postgres::new_database().await;
                Processes::together(&[("KEYWARD_DATABASE__URL", &database)]).await
            }
        }
    }

    /// Sets up with `keyward setup` and starts four processes, the services on unix sockets.
    pub async fn apart(variables: &[(&str, &str)]) -> Processes {
        let mut processes = Processes::set_up(variables).await;
        processes.start_apart().await;
        processes
    }

    /// Another setting from the next start on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Sets up and starts nothing.
    pub(super) async fn set_up(variables: &[(&str, &str)]) -> Processes {
        let dir = tempfile::TempDir::new().unwrap();
        let own = [
            ("KEYWARD_DATA_DIR", path(&dir.path().join("data"))),
            ("KEYWARD_EDGE__LISTEN", "127.0.0.1:0".to_owned()),
            ("KEYWARD_DASHBOARD__LISTEN", "127.0.0.1:0".to_owned()),
            ("KEYWARD_EDGE__AUTH_TOKEN", random_hex()),
            ("KEYWARD_ADMIN__LISTEN", "127.0.0.1:0".to_owned()),
        ];
        let mut all: Variables = own.map(|(name, value)| (name.to_owned(), value)).into();
        all.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let output = keyward(&SET_UP, &all).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let made = MadeBySetup::from(serde_json::from_slice::<Value>(&output.stdout).unwrap());
        let api = Api::new(SocketAddr::from(([127, 0, 0, 1], 0)), &made);
        Processes { all: Vec::new(), dir, variables: all, api }
    }

    /// Starts one process, with the data that is there.
    pub async fn start_together(&mut self) {
        let process = Process::serve(None, &self.variables).await;
        self.began(process);
    }

    fn began(&mut self, process: Process) {
        self.api.base = format!("http://{}", process.address("edge"));
        self.api.dashboard = format!("http://{}", process.address("dashboard"));
        self.all = vec![process];
    }

    /// The same, but that one setting of contacts-svc is another one.
    pub async fn apart_but_for_contacts(name: &str, value: &str) -> Processes {
        let mut processes = Processes::set_up(&[]).await;
        processes.start_apart_with(&[(name, value)]).await;
        processes
    }

    async fn start_apart(&mut self) {
        self.start_apart_with(&[]).await;
    }

    async fn start_apart_with(&mut self, of_contacts: &[(&str, &str)]) {
        let mut variables = self.variables.clone();
        for service in ["auth", "contacts", "extraction"] {
            let name = format!("KEYWARD_{}__LISTEN", service.to_ascii_uppercase());
            variables.insert(name, format!("unix:{}", path(&self.dir.path().join(service))));
        }
        let auth = Process::serve(Some("auth"), &variables).await;
        let jwks_url = format!("http://{}/.well-known/jwks.json", auth.address("admin"));
        variables.insert("KEYWARD_AUTH__JWKS_URL".to_owned(), jwks_url);
        let mut contacts = variables.clone();
        contacts.extend(of_contacts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let contacts = Process::serve(Some("contacts"), &contacts).await;
        let extraction = Process::serve(Some("extraction"), &variables).await;
        let edge = Process::serve(Some("edge"), &variables).await;
        self.api.base = format!("http://{}", edge.address("edge"));
        self.api.dashboard = format!("http://{}", edge.address("dashboard"));
        // In the order in which they are stopped.
        self.all = vec![edge, extraction, contacts, auth];
    }

    /// SIGTERM to all; each must end well.
    pub async fn terminate(&mut self) {
        for process in &mut self.all {
            let status = process.terminate().await;
            assert!(status.success(), "{status}:\n{}", process.log());
        }
    }

    /// What all of them have logged.
    pub fn logs(&self) -> String {
        self.all.iter().map(Process::log).collect()
    }

    /// The settings that its processes have, for commands beside them.
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }
}

/// The arguments of `keyward setup`.
pub const SET_UP: [&str; 9] = [
    "setup",
    "--organization",
    "Acme",
    "--email",
    "owner@example.com",
    "--agent",
    "Support",
    "--output",
    "json",
];

pub(super) fn path(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
