//! What the commands print. The one place that writes to stdout; logs go to stderr.

use std::io::{self, IsTerminal, Write};

use auth_svc::setup::SetupResult;
use auth_svc::verify::Verified;
use serde::Serialize;
use svc_core::secret::Secret;

/// Prints text.
pub(crate) fn text(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Prints what `migrate` did.
pub(crate) fn migrated(services: &[(&str, usize)]) -> io::Result<()> {
    let line = |(service, applied): &(&str, usize)| match applied {
        0 => format!("{service}: nothing to do\n"),
        1 => format!("{service}: 1 migration applied\n"),
        more => format!("{service}: {more} migrations applied\n"),
    };
    text(&services.iter().map(line).collect::<String>())
}

/// Says why a command failed, on stderr.
pub(crate) fn failure(error: &anyhow::Error) {
    // When stderr is closed, nobody listens.
    let _ = writeln!(io::stderr(), "keyward: {}", once(error));
}

/// An error with its causes, each said once: many errors tell their cause themselves.
fn once(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            text = if text.is_empty() { cause } else { format!("{text}: {cause}") };
        }
    }
    text
}

/// What `audit verify` has found.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Logs<'a> {
    organizations: Vec<Log<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log<'a> {
    organization_id: &'a str,
    /// Entries that are as they were written.
    entries: u64,
    /// The last of them. To be kept elsewhere: it finds a database that was set back.
    head: Head<'a>,
    broken: Option<BrokenEntry<'a>>,
}

#[derive(Serialize)]
struct Head<'a> {
    sequence: i64,
    hash: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BrokenEntry<'a> {
    sequence: i64,
    entry_id: Option<&'a str>,
    reason: &'a str,
    message: &'a str,
}

impl<'a> From<&'a Verified> for Log<'a> {
    fn from(log: &'a Verified) -> Log<'a> {
        Log {
            organization_id: &log.organization_id,
            entries: log.entries,
            head: Head { sequence: log.sequence, hash: &log.hash },
            broken: log.broken.as_ref().map(|broken| BrokenEntry {
                sequence: broken.sequence,
                entry_id: broken.id.as_deref(),
                reason: broken.fault.code(),
                message: broken.fault.text(),
            }),
        }
    }
}

/// Prints what `audit verify` has found, as one JSON object.
pub(crate) fn verified_as_json(verified: &[Verified]) -> io::Result<()> {
    let logs = Logs { organizations: verified.iter().map(Log::from).collect() };
    text(&format!("{}\n", serde_json::to_string(&logs)?))
}

/// Prints what `audit verify` has found, for a person.
pub(crate) fn verified_for_people(verified: &[Verified]) -> io::Result<()> {
    if verified.is_empty() {
        return text("There is no organization yet, and so no audit log.\n");
    }
    let line = |log: &Verified| {
        let Verified { organization_id, entries, sequence, hash, broken } = log;
        match broken {
            None => format!(
                "Organization {organization_id}: {entries} entries, each as it was written. The last is \
                 {sequence}, {hash}.\n"
            ),
            Some(broken) => {
                let id = broken.id.as_ref().map(|id| format!(" ({id:?})")).unwrap_or_default();
                format!(
                    "Organization {organization_id}: BROKEN. Entry {}{id} {}. The {entries} entries before are as \
                     they were written.\n",
                    broken.sequence,
                    broken.fault.text(),
                )
            }
        }
    };
    text(&verified.iter().map(line).collect::<String>())
}

/// What `setup` made. It is shown this once.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Made<'a> {
    organization_id: &'a str,
    member_id: &'a str,
    agent_id: &'a str,
    api_key: &'a str,
    api_secret: &'a str,
    owner_token: &'a str,
}

impl<'a> From<&'a SetupResult> for Made<'a> {
    fn from(made: &'a SetupResult) -> Made<'a> {
        Made {
            organization_id: &made.organization_id,
            member_id: &made.member_id,
            agent_id: &made.agent_id,
            api_key: &made.api_key,
            api_secret: made.api_secret.expose(),
            owner_token: made.owner_token.expose(),
        }
    }
}

/// Prints what `setup` made, as one JSON object.
pub(crate) fn setup_as_json(made: &SetupResult) -> io::Result<()> {
    text(&format!("{}\n", serde_json::to_string(&Made::from(made))?))
}

/// Prints a link.
pub(crate) fn link(link: &Secret) -> io::Result<()> {
    text(&format!("{}\n", link.expose()))
}

/// Says on a terminal how an empty installation is set up in a browser.
pub(crate) fn first_run(link: &Secret) -> io::Result<()> {
    text(&format!(
        "Keyward has no organization yet. Open this link to set it up: it works once, for one hour.\n\n    {}\n\n",
        link.expose()
    ))
}

/// Whether a person reads what is printed.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Prints what `setup` made, for a person. `address` is where the edge will listen, `password` the link by which the
/// owner chooses a password.
pub(crate) fn setup_for_people(made: &SetupResult, address: &str, password: &Secret) -> io::Result<()> {
    let password = password.expose();
    let Made { organization_id, member_id, agent_id, api_key, api_secret, owner_token } = Made::from(made);
    text(&format!(
        "Keyward is set up. The secrets below are shown this once: keep them now.

Organization   {organization_id}
Owner          {member_id}
Agent          {agent_id}

API key        {api_key}     (header X-API-Key)
API secret     {api_secret}  (header X-API-Secret)
Owner's token  {owner_token}  (Authorization: Bearer, for /v1/console)
Password       {password}
               (choose one there within an hour, to sign in to the dashboard)

The key has every built-in permission on the agent. Start the server with `keyward serve`, then:

curl -H 'X-API-Key: {api_key}' -H 'X-API-Secret: {api_secret}' http://{address}/v1/open/contacts/chatbots/{agent_id}
"
    ))
}
