//! What the commands print. The one place that writes to stdout; logs go to stderr.

use std::io::{self, Write};

use auth_svc::setup::SetupResult;
use serde::Serialize;

/// Prints text.
pub(crate) fn text(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Says why a command failed, on stderr.
pub(crate) fn failure(error: &anyhow::Error) {
    // When stderr is closed, nobody listens.
    let _ = writeln!(io::stderr(), "keyward: {error:#}");
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

/// Prints what `setup` made, for a person. `address` is where the edge will listen.
pub(crate) fn setup_for_people(made: &SetupResult, address: &str) -> io::Result<()> {
    let Made { organization_id, member_id, agent_id, api_key, api_secret, owner_token } = Made::from(made);
    text(&format!(
        "Keyward is set up. The secrets below are shown this once: keep them now.

Organization   {organization_id}
Owner          {member_id}
Agent          {agent_id}

API key        {api_key}     (header X-API-Key)
API secret     {api_secret}  (header X-API-Secret)
Owner's token  {owner_token}  (Authorization: Bearer, for /v1/console)

The key has every built-in permission on the agent. Start the server with `keyward serve`, then:

curl -H 'X-API-Key: {api_key}' -H 'X-API-Secret: {api_secret}' http://{address}/v1/open/contacts/chatbots/{agent_id}
"
    ))
}
