//! `[[extraction.llm]]`.

use std::collections::HashSet;
use std::path::PathBuf;

use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use svc_core::ids::is_id;
use svc_core::secret::Secret;

use super::EMBEDDED;

/// The most endpoints.
const MOST: usize = 20;
const MAX_NAME: usize = 40;
/// What stands for all organizations.
const EVERYBODY: &str = "*";

/// An endpoint that answers `POST …/chat/completions` as OpenAI's does, with outputs by JSON Schema.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct LlmConfig {
    /// The name by which jobs ask for it (`options.engine`), `[a-z][a-z0-9-]{0,39}`, not `embedded`.
    pub name: String,
    /// What `/chat/completions` is added to, e.g. `https://llm.example.com/v1`.
    pub url: String,
    /// How the endpoint calls the model.
    pub model: String,
    /// What is sent as `Authorization: Bearer …`. None when unset.
    pub key: Option<Secret>,
    /// The ids of the organizations whose documents may be sent there; `*` for those of all. Nobody's when empty.
    pub organizations: Vec<String>,
    /// Documents and the key may go over `http` to another machine. On this machine they may anyway.
    pub allow_http: bool,
    /// Certificates that are trusted beside the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// How many requests of this process are under way at a time. Default 4.
    pub concurrent: u8,
    /// How long one answer may take, in seconds. Default 120.
    pub timeout_seconds: u16,
    /// How long all answers of a job may take, with what is tried again, in seconds. Default 600.
    pub job_seconds: u16,
    /// How much of a document is sent at a time, in characters: a token has about four. Default 24,000.
    pub window_characters: u32,
    /// How many such windows a document may have. Default 20.
    pub max_windows: u16,
    /// The most tokens of one answer. Default 4,096.
    pub max_output_tokens: u32,
    /// What else stands in each request, over what Keyward puts there (`temperature` 0, `max_tokens`). With
    /// `max_completion_tokens` among it, `max_tokens` is left out.
    pub parameters: Map<String, Value>,
}

impl Default for LlmConfig {
    fn default() -> LlmConfig {
        LlmConfig {
            name: String::new(),
            url: String::new(),
            model: String::new(),
            key: None,
            organizations: Vec::new(),
            allow_http: false,
            ca_file: None,
            concurrent: 4,
            timeout_seconds: 120,
            job_seconds: 600,
            window_characters: 24_000,
            max_windows: 20,
            max_output_tokens: 4_096,
            parameters: Map::new(),
        }
    }
}

/// What is wrong with `extraction.llm`.
#[derive(Debug, thiserror::Error)]
#[error("setting `extraction.llm`: {0}")]
pub struct BadLlmConfig(pub(super) String);

impl LlmConfig {
    /// Whether documents of an organization may be sent there.
    pub(super) fn serves(&self, organization_id: &str) -> bool {
        self.organizations.iter().any(|one| one == EVERYBODY || one == organization_id)
    }

    /// Where requests go. `None` where nothing may go.
    pub(super) fn endpoint(&self) -> Option<Url> {
        let mut url = Url::parse(&self.url).ok()?;
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        let local = match url.host()?.to_string().as_str() {
            "localhost" => true,
            host => host.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()),
        };
        let carried = url.scheme() == "https" || (url.scheme() == "http" && (local || self.allow_http));
        if !plain || url.password().is_some() || !carried {
            return None;
        }
        let path = format!("{}/chat/completions", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Some(url)
    }

    fn fault(&self) -> Option<&'static str> {
        let is_name = self.name.len() <= MAX_NAME
            && self.name.starts_with(|c: char| c.is_ascii_lowercase())
            && self.name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
        if !is_name || self.name == EMBEDDED {
            return Some("`name` must match [a-z][a-z0-9-]{0,39}, and `embedded` is taken");
        }
        if self.endpoint().is_none() {
            return Some(
                "`url` must be an https address without query, or http on this machine or with `allow_http`",
            );
        }
        if self.model.is_empty() || self.key.as_ref().is_some_and(|key| key.expose().is_empty()) {
            return Some("`model` and `key` must not be empty");
        }
        if self.organizations.iter().any(|one| one != EVERYBODY && !is_id(one)) {
            return Some("`organizations` are ids of organizations, or `*`");
        }
        let counts = [
            u32::from(self.concurrent),
            self.timeout_seconds.into(),
            self.job_seconds.into(),
            self.max_windows.into(),
            self.max_output_tokens,
        ];
        if counts.contains(&0) || !(500..=1_000_000).contains(&self.window_characters) {
            return Some("no bound may be 0, and `window_characters` must be from 500 to 1,000,000");
        }
        let ours = ["model", "messages", "response_format", "stream", "n"];
        if ours.iter().any(|name| self.parameters.contains_key(*name)) {
            return Some("`parameters` may not name model, messages, response_format, stream or n");
        }
        None
    }
}

/// Checks every endpoint.
pub(super) fn check(configs: &[LlmConfig]) -> Result<(), BadLlmConfig> {
    if configs.len() > MOST {
        return Err(BadLlmConfig(format!("there are at most {MOST} endpoints")));
    }
    let mut seen = HashSet::new();
    for config in configs {
        let name = config.name.escape_default();
        if let Some(fault) = config.fault() {
            return Err(BadLlmConfig(format!("`{name}`: {fault}")));
        }
        if !seen.insert(config.name.as_str()) {
            return Err(BadLlmConfig(format!("`{name}`: another endpoint has this name")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> LlmConfig {
        LlmConfig {
            name: "local".to_owned(),
            url: "https://llm.example.com/v1/".to_owned(),
            model: "m".to_owned(),
            key: Some(Secret::new("sk-1")),
            ..LlmConfig::default()
        }
    }

    #[test]
    fn settings_that_cannot_be() {
        let text = str::to_owned;
        let parameters: Map<String, Value> = [("messages".to_owned(), Value::Null)].into_iter().collect();
        for (change, says) in [
            (config(), None),
            (LlmConfig { url: text("http://127.0.0.1:8000/v1"), ..config() }, None),
            (LlmConfig { url: text("http://[::1]:8000/v1"), ..config() }, None),
            (LlmConfig { url: text("http://vllm:8000/v1"), allow_http: true, ..config() }, None),
            (LlmConfig { url: text("http://vllm:8000/v1"), ..config() }, Some("`url`")),
            (LlmConfig { url: text("http://127.0.0.1.example.com/v1"), ..config() }, Some("`url`")),
            (LlmConfig { url: text("https://me:key@llm.example.com"), ..config() }, Some("`url`")),
            (LlmConfig { url: text("https://llm.example.com/?v=1"), ..config() }, Some("`url`")),
            (LlmConfig { url: text("file:///etc/passwd"), allow_http: true, ..config() }, Some("`url`")),
            (LlmConfig { name: text("embedded"), ..config() }, Some("`name`")),
            (LlmConfig { name: text("Local"), ..config() }, Some("`name`")),
            (LlmConfig { model: text(""), ..config() }, Some("`model`")),
            (LlmConfig { key: Some(Secret::new("")), ..config() }, Some("`key`")),
            (LlmConfig { organizations: vec![text("acme")], ..config() }, Some("`organizations`")),
            (
                LlmConfig { organizations: vec![text("65f0c0ffee65f0c0ffee65f0"), text("*")], ..config() },
                None,
            ),
            (LlmConfig { concurrent: 0, ..config() }, Some("bound")),
            (LlmConfig { window_characters: 10, ..config() }, Some("window_characters")),
            (LlmConfig { parameters, ..config() }, Some("`parameters`")),
        ] {
            let error = check(std::slice::from_ref(&change)).err().map(|error| error.to_string());
            let fits = says.map_or(error.is_none(), |says| error.as_ref().is_some_and(|e| e.contains(says)));
            assert!(fits, "{change:?}: {error:?}");
        }
        assert!(check(&[config(), config()]).unwrap_err().to_string().contains("another"));
    }

    #[test]
    fn nobodys_documents_are_sent_unless_the_settings_say_so() {
        let (one, other) = ("65f0c0ffee65f0c0ffee65f0", "65f0c0ffee65f0c0ffee65f9");
        let of = |organizations: &[&str]| {
            let organizations = organizations.iter().map(|&one| one.to_owned()).collect();
            let config = LlmConfig { organizations, ..config() };
            (config.serves(one), config.serves(other))
        };
        assert_eq!(of(&[]), (false, false));
        assert_eq!(of(&[one]), (true, false));
        assert_eq!(of(&["*"]), (true, true));
    }

    #[test]
    fn a_key_is_never_shown() {
        let shown = format!("{:?} {}", config(), serde_json::to_string(&config()).unwrap());
        assert!(!shown.contains("sk-1"), "{shown}");
    }
}
