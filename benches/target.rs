//! What requests are sent to.

use std::sync::OnceLock;

use anyhow::{Context, ensure};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

use crate::contact;

/// A key, and whose it is.
#[derive(Clone)]
pub struct Credentials {
    /// The agent.
    pub agent_id: String,
    /// The key.
    pub api_key: String,
    /// Its secret.
    pub api_secret: String,
}

/// A server and the credentials for it.
pub struct Target {
    /// `http://host:port`.
    pub base: String,
    /// What to send to it. Servers without Keyward do not look at it.
    pub credentials: Credentials,
    client: Client,
    /// The id of the file of the first contact, once it is stored.
    file: OnceLock<String>,
}

impl Target {
    /// A server at an address, `host:port`.
    pub fn new(address: &str, credentials: &Credentials) -> anyhow::Result<Target> {
        let client = Client::builder().no_proxy().build()?;
        Ok(Target {
            base: format!("http://{address}"),
            credentials: credentials.clone(),
            client,
            file: OnceLock::new(),
        })
    }

    /// Creates all contacts.
    pub async fn create_contacts(&self) -> anyhow::Result<()> {
        for number in 0..contact::COUNT {
            let path = format!("/v1/open/contacts/chatbots/{}", self.credentials.agent_id);
            let response = self.request(Method::POST, &path).json(&contact::json(number)).send().await?;
            let status = response.status();
            ensure!(status == 201, "contact {number}: {status}: {}", response.text().await?);
        }
        Ok(())
    }

    /// Gets the first contact.
    pub async fn get_contact(&self) -> anyhow::Result<Vec<u8>> {
        self.get(&self.path_of_contact(0)).await
    }

    /// Where a contact is.
    pub fn path_of_contact(&self, number: u32) -> String {
        let (reference, agent) = (contact::reference(number), &self.credentials.agent_id);
        format!("/v1/open/contacts/{reference}/chatbots/{agent}")
    }

    /// Where a list of a hundred is.
    pub fn path_of_list(&self) -> String {
        format!("/v1/open/contacts/chatbots/{}?limit=100", self.credentials.agent_id)
    }

    /// Stores a file with the first contact, where the server takes any.
    pub async fn store_file(&self, content: Vec<u8>) -> anyhow::Result<()> {
        let (reference, agent) = (contact::reference(0), &self.credentials.agent_id);
        let path = format!("/v1/open/contacts/{reference}/files/chatbots/{agent}");
        let response = self.request(Method::POST, &path).body(content).send().await?;
        let status = response.status();
        ensure!(status == 201, "{status}: {}", response.text().await?);
        let answer: Value = response.json().await?;
        let id = answer["data"]["id"].as_str().context("no id")?;
        self.file.get_or_init(|| id.to_owned());
        Ok(())
    }

    /// Where a file is, if the server has any: the one that was stored, or one that the server makes.
    pub fn path_of_file(&self) -> String {
        let (reference, agent) = (contact::reference(0), &self.credentials.agent_id);
        let made = "0".repeat(24);
        let file = self.file.get().unwrap_or(&made);
        format!("/v1/open/contacts/{reference}/files/{file}/chatbots/{agent}/content")
    }

    /// Gets what must be there.
    pub async fn get(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let response = self.request(Method::GET, path).send().await?;
        let status = response.status();
        let body = response.bytes().await?;
        ensure!(status == 200, "{status}: {}", String::from_utf8_lossy(&body));
        Ok(body.into())
    }

    /// A request with the credentials.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let Credentials { api_key, api_secret, .. } = &self.credentials;
        request.header("X-API-Key", api_key).header("X-API-Secret", api_secret)
    }
}

/// Fails unless two answers have the same length and tell of the same contact. Its id and its times are
/// each server's own.
pub fn check_same(answer: &[u8], sample: &[u8]) -> anyhow::Result<()> {
    let (length, expected) = (answer.len(), sample.len());
    ensure!(length == expected, "the answer has {length} bytes, that of Keyward {expected}");
    let (answer, sample) = (without_what_differs(answer)?, without_what_differs(sample)?);
    ensure!(answer == sample, "the answer is {answer}, that of Keyward {sample}");
    Ok(())
}

fn without_what_differs(answer: &[u8]) -> anyhow::Result<Value> {
    let mut answer: Value = serde_json::from_slice(answer)?;
    for name in ["id", "createdAt", "updatedAt"] {
        if let Some(value) = answer["data"].get_mut(name) {
            *value = Value::Null;
        }
    }
    Ok(answer)
}
