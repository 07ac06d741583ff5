//! What is measured: one subject a row, each with the processes that belong to it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::installation::Installation;
use crate::process::{Process, Variables};
use crate::servers;
use crate::target::{Credentials, Target, check_same};

/// The PostgreSQL that the benchmark was given.
pub struct Postgres {
    url: String,
    /// Its first process, which has started all others of it.
    pub pid: u32,
}

impl Postgres {
    /// The one that scripts/bench.sh has started.
    pub fn from_environment() -> anyhow::Result<Postgres> {
        let variable = |name| std::env::var(name).with_context(|| format!("{name}: run `make bench`"));
        let pid = variable("KEYWARD_BENCH_POSTGRES_PID")?.trim().parse()?;
        Ok(Postgres { url: variable("KEYWARD_TEST_POSTGRES_URL")?, pid })
    }
}

/// A row's servers, ready.
pub struct Subject {
    /// The name of the row.
    pub name: &'static str,
    /// Where the load goes.
    pub target: Target,
    /// The PostgreSQL that works for it.
    pub postgres: Option<u32>,
    processes: Vec<Process>,
}

impl Subject {
    /// The ids of its server processes, without those of PostgreSQL.
    pub fn pids(&self) -> Vec<u32> {
        self.processes.iter().flat_map(Process::pids).collect()
    }
}

/// Keyward on SQLite with all contacts in it, at rest, and what it answers.
pub struct Sample {
    /// Where the contacts are.
    pub installation: Installation,
    /// A key for them.
    pub credentials: Credentials,
    /// The answer that has the first contact.
    pub answer: Vec<u8>,
    answer_file: PathBuf,
    list_file: PathBuf,
}

impl Sample {
    /// Makes it in an empty directory.
    pub async fn make(dir: &Path) -> anyhow::Result<Sample> {
        let installation = Installation::new(&dir.join("keyward"), None)?;
        let process = installation.serve(None, &[])?;
        let address = process.address("edge")?;
        let credentials = installation.new_key(address).await?;
        let target = Target::new(address, &credentials)?;
        target.create_contacts().await?;
        let answer = target.get_contact().await?;
        let list = target.get(&target.path_of_list()).await?;
        process.stop()?;
        let (answer_file, list_file) = (dir.join("answer.json"), dir.join("list.json"));
        fs::write(&answer_file, &answer)?;
        fs::write(&list_file, &list)?;
        Ok(Sample { installation, credentials, answer, answer_file, list_file })
    }
}

/// Starts the servers of all rows.
pub async fn start_all(dir: &Path, sample: &Sample, postgres: &Postgres) -> anyhow::Result<Vec<Subject>> {
    let (contact_get_postgres, axum_postgres) = on_postgres(dir, postgres).await?;
    let subjects = vec![
        axum_hello(sample)?,
        axum_sqlite(dir, sample)?,
        axum_postgres,
        gateway_one_process(dir).await?,
        gateway_uncounted(dir).await?,
        gateway_processes(dir).await?,
        contact_get_sqlite(sample)?,
        contact_get_postgres,
    ];
    for subject in &subjects {
        let answer = subject.target.get_contact().await.context(subject.name)?;
        check_same(&answer, &sample.answer).context(subject.name)?;
    }
    Ok(subjects)
}

/// axum that answers always the same bytes.
fn axum_hello(sample: &Sample) -> anyhow::Result<Subject> {
    subject("axum-hello", &sample.credentials, vec![axum_hello_process(sample)?])
}

/// Its process.
pub fn axum_hello_process(sample: &Sample) -> anyhow::Result<Process> {
    let files = [(servers::ANSWER_FILE, &sample.answer_file), (servers::LIST_FILE, &sample.list_file)];
    Process::start(&[servers::COMMAND, servers::AXUM_HELLO], &paths(files))
}

/// axum that reads the contact from SQLite, and checks nothing.
fn axum_sqlite(dir: &Path, sample: &Sample) -> anyhow::Result<Subject> {
    // A copy, since a database file belongs to one process.
    let data_dir = dir.join("axum-sqlite");
    fs::create_dir(&data_dir)?;
    let file = "contacts.sqlite";
    fs::copy(sample.installation.data_dir.join(file), data_dir.join(file))?;
    let credentials = &sample.credentials;
    let mut variables = paths([(servers::DATA_DIR, &data_dir)]);
    variables.insert(servers::ORGANIZATION_ID.to_owned(), sample.installation.made.organization_id.clone());
    let process = Process::start(&[servers::COMMAND, servers::AXUM_DATABASE], &variables)?;
    subject("axum-sqlite", credentials, vec![process])
}

/// The edge and auth-svc, with a contact service that has them in memory, in one process.
async fn gateway_one_process(dir: &Path) -> anyhow::Result<Subject> {
    gateway("gateway-one-process", dir, &[]).await
}

/// The same under another name, with more settings.
pub async fn gateway(name: &'static str, dir: &Path, more: &[(&str, &str)]) -> anyhow::Result<Subject> {
    let installation = Installation::new(&dir.join(name), None)?;
    let process = installation.start(&[servers::COMMAND, servers::GATEWAY], more)?;
    keyward(name, &installation, vec![process]).await
}

/// The same without a count of what keys are used for.
async fn gateway_uncounted(dir: &Path) -> anyhow::Result<Subject> {
    let installation = Installation::new(&dir.join("gateway-uncounted"), None)?;
    let uncounted = [("KEYWARD_AUTH__USAGE__ENABLED", "false")];
    let process = installation.start(&[servers::COMMAND, servers::GATEWAY], &uncounted)?;
    keyward("gateway-uncounted", &installation, vec![process]).await
}

/// The same as three processes.
async fn gateway_processes(dir: &Path) -> anyhow::Result<Subject> {
    let installation = Installation::new(&dir.join("gateway-processes"), None)?;
    let in_memory = [servers::COMMAND, servers::CONTACTS];
    apart("gateway-processes", &installation, &in_memory).await
}

/// `keyward serve` as most people run it.
fn contact_get_sqlite(sample: &Sample) -> anyhow::Result<Subject> {
    let process = sample.installation.serve(None, &[])?;
    subject("contact-get-sqlite", &sample.credentials, vec![process])
}

/// Keyward as three processes, with PostgreSQL behind; and axum that reads the contact from the same tables, and
/// checks nothing.
async fn on_postgres(dir: &Path, postgres: &Postgres) -> anyhow::Result<(Subject, Subject)> {
    let installation = Installation::new(&dir.join("contact-get-postgres"), Some(&postgres.url))?;
    let keyward = apart("contact-get-postgres", &installation, &["serve", "contacts"]).await?;
    keyward.target.create_contacts().await?;
    let mut variables = paths([(servers::DATA_DIR, &dir.join("axum-postgres"))]);
    variables.insert(servers::DATABASE_URL.to_owned(), postgres.url.clone());
    variables.insert(servers::ORGANIZATION_ID.to_owned(), installation.made.organization_id.clone());
    let process = Process::start(&[servers::COMMAND, servers::AXUM_DATABASE], &variables)?;
    let axum = subject("axum-postgres", &keyward.target.credentials, vec![process])?;
    let both = |subject| Subject { postgres: Some(postgres.pid), ..subject };
    Ok((both(keyward), both(axum)))
}

/// For a server to listen on a unix socket in this directory.
pub fn unix_socket(dir: &Path, name: &str) -> String {
    format!("unix:{}", dir.join(name).display())
}

/// Settings of Keyward, and of a server of this program, by which it has one thread for what is asked.
pub fn one_thread() -> Variables {
    let names = ["KEYWARD_RUNTIME__THREADS", "TOKIO_WORKER_THREADS"];
    names.map(|name| (name.to_owned(), "1".to_owned())).into()
}

/// auth-svc, a contact service and the edge, each a process, as docs/operations.md has it for one host: over unix
/// sockets, the edge on all cores, the services on one thread each.
async fn apart(
    name: &'static str,
    installation: &Installation,
    contacts: &[&str],
) -> anyhow::Result<Subject> {
    let socket = |name: &str| unix_socket(&installation.data_dir, name);
    let one_thread = one_thread();
    let service = |arguments: &[&str], more: &[(&str, &str)]| {
        let mut settings: Vec<(&str, &str)> = more.to_vec();
        settings.extend(one_thread.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        installation.start(arguments, &settings)
    };
    let auth = service(&["serve", "auth"], &[("KEYWARD_AUTH__LISTEN", &socket("auth.sock"))])?;
    let jwks_url = format!("http://{}{}", auth.address("admin")?, svc_runtime::token::JWKS_PATH);
    let settings = [
        ("KEYWARD_AUTH__JWKS_URL", jwks_url.as_str()),
        ("KEYWARD_CONTACTS__LISTEN", &socket("contacts.sock")),
    ];
    let contacts = service(contacts, &settings)?;
    let upstreams = [
        ("KEYWARD_AUTH__LISTEN", auth.address("grpc")?),
        ("KEYWARD_CONTACTS__LISTEN", contacts.address("grpc")?),
    ];
    let edge = installation.serve(Some("edge"), &upstreams)?;
    keyward(name, installation, vec![edge, auth, contacts]).await
}

/// Keyward with a new key. The first process has the edge.
async fn keyward(
    name: &'static str,
    installation: &Installation,
    processes: Vec<Process>,
) -> anyhow::Result<Subject> {
    let edge = processes.first().context("no process")?.address("edge")?;
    let credentials = installation.new_key(edge).await?;
    subject(name, &credentials, processes)
}

/// The first process answers HTTP.
pub fn subject(
    name: &'static str,
    credentials: &Credentials,
    processes: Vec<Process>,
) -> anyhow::Result<Subject> {
    let edge = processes.first().context("no process")?.address("edge")?;
    let target = Target::new(edge, credentials)?;
    Ok(Subject { name, target, postgres: None, processes })
}

fn paths<const N: usize>(variables: [(&str, &PathBuf); N]) -> Variables {
    variables.into_iter().map(|(name, path)| (name.to_owned(), path.display().to_string())).collect()
}
