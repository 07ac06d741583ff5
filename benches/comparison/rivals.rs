//! What stands beside Keyward.

use std::net::SocketAddr;
use std::path::Path;

use super::proxies::{self, Program};
use crate::installation::ANY_PORT;
use crate::process::{Process, Variables};
use crate::servers;
use crate::subject::{Sample, Subject, axum_hello_process, one_thread, subject, unix_socket};

/// Starts all whose programs are there, and says which are left out.
pub(super) async fn start(dir: &Path, sample: &Sample) -> anyhow::Result<Vec<Subject>> {
    let mut subjects = vec![
        subject("hand-written-one-process", &sample.credentials, vec![hand_written(sample)?])?,
        apart(dir, sample)?,
    ];
    for (program, started) in
        [(Program::Nginx, nginx(dir, sample).await), (Program::Envoy, envoy(dir, sample).await)]
    {
        match started? {
            Some(subject) => subjects.push(subject),
            None => println!("Left out: {}. {} names no program.", program.name(), program.variable()),
        }
    }
    Ok(subjects)
}

fn hand_written(sample: &Sample) -> anyhow::Result<Process> {
    Process::start(&[servers::COMMAND, servers::HAND_WRITTEN], &key(sample))
}

/// What the hand-written check knows.
fn key(sample: &Sample) -> Variables {
    let credentials = &sample.credentials;
    let variables = [
        (servers::AGENT, &credentials.agent_id),
        (servers::API_KEY, &credentials.api_key),
        (servers::API_SECRET, &credentials.api_secret),
    ];
    variables.into_iter().map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

/// The same as three processes, with as many threads and over the same sockets as Keyward's.
fn apart(dir: &Path, sample: &Sample) -> anyhow::Result<Subject> {
    let mut auth = on(&unix_socket(dir, "hand-written-auth"));
    auth.extend(key(sample));
    auth.extend(one_thread());
    let auth = Process::start(&[servers::COMMAND, servers::HAND_WRITTEN_AUTH], &auth)?;
    let mut contacts = on(&unix_socket(dir, "hand-written-contacts"));
    contacts.extend(one_thread());
    let contacts = Process::start(&[servers::COMMAND, servers::HAND_WRITTEN_CONTACTS], &contacts)?;
    let addresses = [
        (servers::AUTH_ADDRESS, auth.address("grpc")?),
        (servers::CONTACTS_ADDRESS, contacts.address("grpc")?),
    ];
    let addresses = addresses.map(|(name, address)| (name.to_owned(), address.to_owned())).into();
    let edge = Process::start(&[servers::COMMAND, servers::HAND_WRITTEN_EDGE], &addresses)?;
    subject("hand-written-processes", &sample.credentials, vec![edge, auth, contacts])
}

/// Where a server listens for gRPC.
fn on(address: &str) -> Variables {
    [(servers::LISTEN.to_owned(), address.to_owned())].into()
}

/// nginx with `auth_request` and `limit_req` in front of axum that answers always the same.
async fn nginx(dir: &Path, sample: &Sample) -> anyhow::Result<Option<Subject>> {
    let Some(program) = Program::Nginx.path() else { return Ok(None) };
    let (hello, check) = (axum_hello_process(sample)?, hand_written(sample)?);
    let address = free_address()?;
    let dir = dir.join("nginx");
    let arguments = proxies::nginx(&dir, address, hello.address("edge")?, check.address("edge")?)?;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let nginx = Process::other(&program, &arguments, address).await?;
    subject("nginx", &sample.credentials, vec![nginx, hello, check]).map(Some)
}

/// Envoy with `ext_authz`, a local rate limit and its JSON transcoder in front of tonic.
async fn envoy(dir: &Path, sample: &Sample) -> anyhow::Result<Option<Subject>> {
    let Some(program) = Program::Envoy.path() else { return Ok(None) };
    let contacts = Process::start(&[servers::COMMAND, servers::HAND_WRITTEN_CONTACTS], &on(ANY_PORT))?;
    let check = hand_written(sample)?;
    let address = free_address()?;
    let dir = dir.join("envoy");
    let arguments = proxies::envoy(&dir, address, contacts.address("grpc")?, check.address("edge")?)?;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let envoy = Process::other(&program, &arguments, address).await?;
    subject("envoy", &sample.credentials, vec![envoy, contacts, check]).map(Some)
}

/// An address that is free now: neither program says which one it got when it is asked for any.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
