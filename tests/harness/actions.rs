//! What users do, one method each.

use std::fmt::Write as _;

use auth_svc::setup::SetupResult;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::Answer;

/// An API key with its secret.
#[derive(Clone, Debug)]
pub struct Key {
    /// In management paths. Empty for the key of `setup`, whose id is not printed.
    pub id: String,
    pub api_key: String,
    pub secret: String,
}

impl Key {
    /// From the data of the answer that made it.
    pub fn made(data: &Value) -> Key {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let key = &data["key"];
        Key { id: text(&key["id"]), api_key: text(&key["apiKey"]), secret: text(&data["secret"]) }
    }
}

/// What `keyward setup` printed.
#[derive(Clone, Debug)]
pub struct MadeBySetup {
    pub organization_id: String,
    pub member_id: String,
    pub agent_id: String,
    pub key: Key,
    pub owner_token: String,
}

impl From<SetupResult> for MadeBySetup {
    fn from(made: SetupResult) -> MadeBySetup {
        MadeBySetup {
            organization_id: made.organization_id,
            member_id: made.member_id,
            agent_id: made.agent_id,
            key: Key {
                id: String::new(),
                api_key: made.api_key,
                secret: made.api_secret.expose().to_owned(),
            },
            owner_token: made.owner_token.expose().to_owned(),
        }
    }
}

impl From<Value> for MadeBySetup {
    fn from(made: Value) -> MadeBySetup {
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let key = Key { id: String::new(), api_key: text("apiKey"), secret: text("apiSecret") };
        MadeBySetup {
            organization_id: text("organizationId"),
            member_id: text("memberId"),
            agent_id: text("agentId"),
            key,
            owner_token: text("ownerToken"),
        }
    }
}

/// A client of one edge, with an API key for an agent and a member's token.
#[derive(Clone, Debug)]
pub struct Api {
    pub base: String,
    /// Of the same edge.
    pub dashboard: String,
    pub agent: String,
    pub key: Key,
    pub token: String,
    client: Client,
}

impl Api {
    /// A client with what `setup` made.
    pub fn new(edge: std::net::SocketAddr, made: &MadeBySetup) -> Api {
        Api {
            base: format!("http://{edge}"),
            dashboard: String::new(),
            agent: made.agent_id.clone(),
            key: made.key.clone(),
            token: made.owner_token.clone(),
            client: client(),
        }
    }

    /// The same at another edge.
    pub fn at(&self, edge: &str) -> Api {
        Api { base: format!("http://{edge}"), ..self.clone() }
    }

    /// The same at the dashboard's listener.
    pub fn at_dashboard(&self) -> Api {
        Api { base: self.dashboard.clone(), ..self.clone() }
    }

    /// The same at another edge, with its dashboard.
    pub fn at_both(&self, edge: &str, dashboard: &str) -> Api {
        Api { dashboard: format!("http://{dashboard}"), ..self.at(edge) }
    }

    /// The same on connections that no other client uses.
    pub fn on_its_own_connection(&self) -> Api {
        Api { client: client(), ..self.clone() }
    }

    /// The same with another key, for the same agent.
    pub fn with_key(&self, key: &Key) -> Api {
        Api { key: key.clone(), ..self.clone() }
    }

    /// The same with a key for another agent.
    pub fn with_agent(&self, agent: &str, key: &Key) -> Api {
        Api { agent: agent.to_owned(), key: key.clone(), ..self.clone() }
    }

    /// The same as another member.
    pub fn with_token(&self, token: &str) -> Api {
        Api { token: token.to_owned(), ..self.clone() }
    }

    /// A request without credentials.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// Sends.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let request = request.build().unwrap();
        let asked = format!("{} {}", request.method(), request.url().path());
        let response = self.client.execute(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let parse = |json: &[u8]| -> Value {
            serde_json::from_slice(json).unwrap_or_else(|e| panic!("{asked}: {e}: {bytes:?}"))
        };
        let lines = || bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let body = match headers.get(CONTENT_TYPE) {
            _ if bytes.is_empty() => Value::Null,
            Some(of) if of == "application/x-ndjson" => lines().map(parse).collect(),
            _ => parse(&bytes),
        };
        Answer { asked, status, headers, body }
    }

    /// A request with the API key.
    pub fn by_key(&self, method: &str, path: &str) -> RequestBuilder {
        let request = self.request(method, path).header("X-API-Key", &self.key.api_key);
        request.header("X-API-Secret", &self.key.secret)
    }

    /// A request with the member's token.
    pub fn by_member(&self, method: &str, path: &str) -> RequestBuilder {
        self.request(method, path).bearer_auth(&self.token)
    }

    async fn with_body(&self, request: RequestBuilder, body: Value) -> Answer {
        self.send(request.json(&body)).await
    }

    // Contacts.

    pub fn contacts_path(&self) -> String {
        format!("/v1/open/contacts/chatbots/{}", self.agent)
    }

    /// The path of the contact with this reference, which is percent-encoded.
    pub fn contact_path(&self, reference: &str) -> String {
        format!("/v1/open/contacts/{}/chatbots/{}", encode(reference), self.agent)
    }

    /// The path of the contact with this id of ours.
    pub fn contact_path_by_id(&self, id: &str) -> String {
        format!("/v1/open/contacts/mantisid/{id}/chatbots/{}", self.agent)
    }

    pub async fn create_contact(&self, contact: Value) -> Answer {
        self.with_body(self.by_key("POST", &self.contacts_path()), contact).await
    }

    /// Creates a contact that has a reference and an email address, and gives its id.
    pub async fn new_contact(&self, reference: &str) -> String {
        let contact = json!({"externalReferenceId": reference, "email": "ada@example.com"});
        self.create_contact(contact).await.ok()["id"].as_str().unwrap().to_owned()
    }

    pub async fn list_contacts(&self, query: &str) -> Answer {
        self.send(self.by_key("GET", &format!("{}{query}", self.contacts_path()))).await
    }

    pub async fn get_contact(&self, reference: &str) -> Answer {
        self.send(self.by_key("GET", &self.contact_path(reference))).await
    }

    pub async fn get_contact_by_id(&self, id: &str) -> Answer {
        self.send(self.by_key("GET", &self.contact_path_by_id(id))).await
    }

    pub async fn replace_contact(&self, reference: &str, contact: Value) -> Answer {
        self.with_body(self.by_key("PUT", &self.contact_path(reference)), contact).await
    }

    pub async fn replace_contact_by_id(&self, id: &str, contact: Value) -> Answer {
        self.with_body(self.by_key("PUT", &self.contact_path_by_id(id)), contact).await
    }

    pub async fn delete_contact(&self, reference: &str) -> Answer {
        self.send(self.by_key("DELETE", &self.contact_path(reference))).await
    }

    pub async fn delete_contact_by_id(&self, id: &str) -> Answer {
        self.send(self.by_key("DELETE", &self.contact_path_by_id(id))).await
    }

    // API keys.

    pub fn keys_path(&self) -> String {
        format!("/v1/console/agents/{}/api-keys", self.agent)
    }

    pub fn key_path(&self, id: &str) -> String {
        format!("{}/{id}", self.keys_path())
    }

    pub async fn create_key(&self, settings: Value) -> Answer {
        self.with_body(self.by_member("POST", &self.keys_path()), settings).await
    }

    /// Creates a key with these permissions on the agent.
    pub async fn new_key(&self, permissions: &[&str]) -> Key {
        self.new_key_with(json!({"name": "A key", "permissions": permissions})).await
    }

    /// Creates a key with these settings on the agent.
    pub async fn new_key_with(&self, settings: Value) -> Key {
        Key::made(self.create_key(settings).await.ok())
    }

    /// `rotate`, `endOverlap`, `disable` or `enable`.
    pub async fn key_verb(&self, id: &str, verb: &str, body: Value) -> Answer {
        self.with_body(self.by_member("POST", &format!("{}:{verb}", self.key_path(id))), body).await
    }

    /// Who am I.
    pub async fn own_key(&self) -> Answer {
        self.send(self.by_key("GET", "/v1/open/key")).await
    }

    pub async fn list_keys(&self, query: &str) -> Answer {
        self.send(self.by_member("GET", &format!("{}{query}", self.keys_path()))).await
    }

    pub async fn get_key(&self, id: &str) -> Answer {
        self.send(self.by_member("GET", &self.key_path(id))).await
    }

    pub async fn update_key(&self, id: &str, change: Value) -> Answer {
        self.with_body(self.by_member("PATCH", &self.key_path(id)), change).await
    }

    pub async fn delete_key(&self, id: &str) -> Answer {
        self.send(self.by_member("DELETE", &self.key_path(id))).await
    }

    // Requests.

    /// A request of the log.
    pub async fn logged_request(&self, id: &str) -> Answer {
        self.send(self.by_member("GET", &format!("/v1/console/requests/{id}"))).await
    }

    /// The requests of a key.
    pub async fn requests_of(&self, id: &str, query: &str) -> Answer {
        self.send(self.by_member("GET", &format!("{}/requests{query}", self.key_path(id)))).await
    }

    // Agents.

    pub async fn create_agent(&self, agent: Value) -> Answer {
        self.with_body(self.by_member("POST", "/v1/console/agents"), agent).await
    }

    /// Creates an agent and a key for it with these permissions.
    pub async fn new_agent(&self, name: &str, permissions: &[&str]) -> Api {
        let agent = self.create_agent(json!({"name": name})).await.ok()["id"].as_str().unwrap().to_owned();
        let there = self.with_agent(&agent, &self.key);
        let key = there.new_key(permissions).await;
        there.with_key(&key)
    }

    pub async fn list_agents(&self, query: &str) -> Answer {
        self.send(self.by_member("GET", &format!("/v1/console/agents{query}"))).await
    }

    pub async fn get_agent(&self, id: &str) -> Answer {
        self.send(self.by_member("GET", &format!("/v1/console/agents/{id}"))).await
    }

    pub async fn update_agent(&self, id: &str, change: Value) -> Answer {
        self.with_body(self.by_member("PATCH", &format!("/v1/console/agents/{id}")), change).await
    }

    pub async fn delete_agent(&self, id: &str) -> Answer {
        self.send(self.by_member("DELETE", &format!("/v1/console/agents/{id}"))).await
    }

    // Members.

    pub async fn create_member(&self, member: Value) -> Answer {
        self.with_body(self.by_member("POST", "/v1/console/members"), member).await
    }

    pub async fn list_members(&self) -> Answer {
        self.send(self.by_member("GET", "/v1/console/members")).await
    }

    pub async fn get_member(&self, id: &str) -> Answer {
        self.send(self.by_member("GET", &format!("/v1/console/members/{id}"))).await
    }

    pub async fn update_member(&self, id: &str, change: Value) -> Answer {
        self.with_body(self.by_member("PATCH", &format!("/v1/console/members/{id}")), change).await
    }

    pub async fn delete_member(&self, id: &str) -> Answer {
        self.send(self.by_member("DELETE", &format!("/v1/console/members/{id}"))).await
    }

    // Personal access tokens.

    pub async fn create_token(&self, token: Value) -> Answer {
        self.with_body(self.by_member("POST", "/v1/console/tokens"), token).await
    }

    pub async fn list_tokens(&self) -> Answer {
        self.send(self.by_member("GET", "/v1/console/tokens")).await
    }

    pub async fn get_token(&self, id: &str) -> Answer {
        self.send(self.by_member("GET", &format!("/v1/console/tokens/{id}"))).await
    }

    pub async fn delete_token(&self, id: &str) -> Answer {
        self.send(self.by_member("DELETE", &format!("/v1/console/tokens/{id}"))).await
    }
}

fn client() -> Client {
    let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    client.build().unwrap()
}

/// Percent-encodes everything that is not unreserved (RFC 3986).
pub fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => write!(encoded, "%{byte:02X}").unwrap(),
        }
    }
    encoded
}
