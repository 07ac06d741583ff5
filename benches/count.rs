//! Fixed work, for counting instructions: scripts/instructions.sh runs it under valgrind, and once with no request,
//! so that what the start costs goes away.
//!
//! The edge, auth-svc and contacts in memory are in this process, and so is the client, on one thread.

use anyhow::{bail, ensure};
use bytes::Bytes;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::contact;
use crate::installation::Installation;
use crate::overload::offered::Connection;
use crate::servers;
use crate::target::Target;

/// The argument that makes this program do it; the next ones say what and how often.
pub const COMMAND: &str = "count";

/// Makes so many requests of a kind.
#[tokio::main(flavor = "current_thread")]
pub async fn run(what: &str, times: usize) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let installation = Installation::new(&dir.path().join("count"), None)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let gateway = tokio::spawn(servers::gateway(installation.settings()?, listener));
    let credentials = installation.new_key(&address.to_string()).await?;
    let target = Target::new(&address.to_string(), &credentials)?;
    let (request, expected) = request(what, &target)?;

    let mut connection = Connection::open(address).await?;
    for _ in 0..times {
        let status = connection.ask(&request).await?;
        ensure!(status == expected, "{what} is answered {status}");
    }
    gateway.abort();
    Ok(())
}

/// A request, and the status of its answer.
fn request(what: &str, target: &Target) -> anyhow::Result<(Bytes, u16)> {
    let contacts = format!("/v1/open/contacts/chatbots/{}", target.credentials.agent_id);
    Ok(match what {
        // The check, and next to nothing else.
        "key" => (target.bytes("/v1/open/key", None), 200),
        // And one contact out, a hundred, and one in.
        "contact" => (target.bytes(&target.path_of_contact(0), None), 200),
        "list" => (target.bytes(&target.path_of_list(), None), 200),
        "create" => (target.bytes(&contacts, Some(&contact::json(0))), 201),
        _ => bail!("there is no work {what}"),
    })
}

impl Target {
    /// A request as it goes over a connection: a GET, or a POST of a body.
    pub fn bytes(&self, path: &str, body: Option<&Value>) -> Bytes {
        let credentials = &self.credentials;
        let method = if body.is_some() { "POST" } else { "GET" };
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {}\r\nX-API-Secret: {}\r\n",
            credentials.api_key, credentials.api_secret
        );
        if let Some(body) = body {
            let body = body.to_string();
            head +=
                &format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        } else {
            head += "\r\n";
        }
        head.into()
    }
}
