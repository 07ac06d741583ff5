//! One request and its answer, with bounds: an endpoint can neither keep us waiting, nor fill our memory, nor lead us
//! elsewhere.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;
use svc_core::clock::Timestamp;
use zeroize::Zeroizing;

use super::config::BadLlmConfig;
use super::{LlmConfig, Tokens};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(30);
/// The most bytes of an answer: some thousand tokens have a tenth of it.
const MOST_BYTES: usize = 1024 * 1024;
/// The longest time that an endpoint is believed in when it says when to come again.
pub(super) const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest code of an error that is told in the log.
const CODE_MAX: usize = 60;

/// Why a window has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ModelError {
    /// No connection, or none that can be trusted.
    #[error("the endpoint cannot be reached")]
    Unreachable,
    /// The answer did not come in time.
    #[error("the answer took too long")]
    TimedOut,
    /// The connection broke off, or what came is no HTTP.
    #[error("the connection broke off")]
    Broken,
    /// Another status than 200.
    #[error("the endpoint answered {status} ({code})")]
    Status { status: StatusCode, code: String, retry_after: Option<Duration> },
    /// More than [`MOST_BYTES`].
    #[error("the answer has more than {MOST_BYTES} bytes")]
    TooLarge,
    /// The body is none of a chat completion.
    #[error("the answer is no chat completion")]
    NoCompletion,
    /// What was sent does not fit in the model's context.
    #[error("the window does not fit in the model's context")]
    TooLong,
    /// The answer was ended where it is as long as it may be.
    #[error("the model's answer is longer than it may be")]
    Cut,
    /// The model refused, or a filter of the endpoint did.
    #[error("the model refused to answer")]
    Refused,
    /// What the model says is no JSON, or not in the form that was asked for.
    #[error("the model's answer is not in the form that it was asked for")]
    Misfit,
}

impl ModelError {
    /// For metrics.
    pub(super) fn word(&self) -> &'static str {
        match self {
            ModelError::Unreachable => "unreachable",
            ModelError::TimedOut => "timed_out",
            ModelError::Broken => "broken",
            ModelError::Status { status, .. } if *status == StatusCode::TOO_MANY_REQUESTS => "throttled",
            ModelError::Status { status, .. } if status.is_server_error() => "server_error",
            ModelError::Status { .. } => "refused",
            ModelError::TooLarge => "too_large",
            ModelError::NoCompletion => "no_completion",
            ModelError::TooLong => "too_long",
            ModelError::Cut => "cut",
            ModelError::Refused => "model_refused",
            ModelError::Misfit => "misfit",
        }
    }

    /// Whether another attempt may do better.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            ModelError::Unreachable | ModelError::TimedOut | ModelError::Broken => true,
            ModelError::NoCompletion | ModelError::Misfit => true,
            ModelError::Status { status, .. } => {
                matches!(status.as_u16(), 408 | 409 | 425 | 429) || status.is_server_error()
            }
            ModelError::TooLarge | ModelError::TooLong | ModelError::Cut | ModelError::Refused => false,
        }
    }

    /// Whether it is the model that does not do as it was asked.
    pub(super) fn is_of_the_model(&self) -> bool {
        matches!(self, ModelError::Misfit | ModelError::NoCompletion)
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            ModelError::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// What a model has answered, and what that has cost even if it is of no use.
pub(super) struct Completion {
    pub(super) content: Result<Value, ModelError>,
    pub(super) tokens: Tokens,
}

/// A client for one endpoint.
pub(super) struct Client {
    client: reqwest::Client,
    url: Url,
}

impl Client {
    pub(super) fn new(config: &LlmConfig) -> Result<Client, BadLlmConfig> {
        let wrong = |what: &str| BadLlmConfig(format!("`{}`: {what}", config.name));
        let url = config.endpoint().ok_or_else(|| wrong("`url` cannot be used"))?;
        let mut headers = HeaderMap::new();
        if let Some(key) = &config.key {
            let bearer = Zeroizing::new(format!("Bearer {}", key.expose()));
            let mut value = HeaderValue::from_str(&bearer).map_err(|_| wrong("`key` has odd characters"))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let mut client = reqwest::Client::builder()
            // A redirect or a proxy of the environment would carry documents and the key elsewhere.
            .redirect(Policy::none())
            .no_proxy()
            .default_headers(headers)
            .connect_timeout(CONNECT)
            .timeout(Duration::from_secs(config.timeout_seconds.into()))
            .pool_idle_timeout(IDLE)
            .referer(false)
            .user_agent("keyward");
        if let Some(path) = &config.ca_file {
            let shown = path.display();
            let pem = std::fs::read(path).map_err(|error| wrong(&format!("`ca_file`: {shown}: {error}")))?;
            let certificates = Certificate::from_pem_bundle(&pem).unwrap_or_default();
            if certificates.is_empty() {
                return Err(wrong(&format!("`ca_file`: {shown}: no certificates in PEM")));
            }
            client = client.tls_certs_merge(certificates);
        }
        let client = client.build().map_err(|_| wrong("TLS cannot be set up"))?;
        Ok(Client { client, url })
    }

    /// Where it is, for people.
    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Sends a request and reads what comes back.
    pub(super) async fn send(&self, body: &Value) -> Result<Completion, ModelError> {
        let mut answer =
            self.client.post(self.url.clone()).json(body).send().await.map_err(|e| failed(&e))?;
        let status = answer.status();
        let retry_after = retry_after(answer.headers());
        let mut content = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| failed(&error))? {
            if content.len() + chunk.len() > MOST_BYTES {
                return Err(ModelError::TooLarge);
            }
            content.extend_from_slice(&chunk);
        }
        read(status, &content, retry_after)
    }
}

/// What an endpoint has answered.
pub(super) fn read(
    status: StatusCode,
    body: &[u8],
    retry_after: Option<Duration>,
) -> Result<Completion, ModelError> {
    match status {
        StatusCode::OK => completion(body),
        status => Err(refusal(status, body, retry_after)),
    }
}

fn failed(error: &reqwest::Error) -> ModelError {
    if error.is_timeout() {
        ModelError::TimedOut
    } else if error.is_connect() {
        ModelError::Unreachable
    } else {
        ModelError::Broken
    }
}

/// `Retry-After` (RFC 9110, 10.2.3): so many seconds, or a moment. That is of the endpoint's clock, so it is counted from
/// the `Date` of the same answer; without one, and when it is over, our own back-off does for it.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let when = text(RETRY_AFTER)?;
    let pause = match when.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let [then, now] = [when, text(DATE)?].map(Timestamp::from_http_date);
            let micros = u64::try_from(then?.0.checked_sub(now?.0)?).ok().filter(|micros| *micros > 0)?;
            Duration::from_micros(micros)
        }
    };
    Some(pause.min(RETRY_AFTER_MAX))
}

#[derive(Deserialize)]
struct Refusal {
    error: RefusalError,
}

#[derive(Deserialize)]
struct RefusalError {
    #[serde(default)]
    code: Value,
    #[serde(default, rename = "type")]
    kind: Value,
}

/// What an endpoint says instead of an answer. Of its words only the code is looked at: the rest may quote the document.
fn refusal(status: StatusCode, body: &[u8], retry_after: Option<Duration>) -> ModelError {
    let said: Option<RefusalError> = serde_json::from_slice(body).ok().map(|refusal: Refusal| refusal.error);
    let words = said.map(|said| [said.code, said.kind]).unwrap_or_default();
    let is_code = |word: &&str| {
        (1..=CODE_MAX).contains(&word.len()) && word.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
    };
    let mut codes = words.iter().filter_map(Value::as_str).filter(is_code);
    let too_long = ["context_length_exceeded", "exceed_context_size_error"];
    if status == StatusCode::PAYLOAD_TOO_LARGE
        || words.iter().filter_map(Value::as_str).any(|word| too_long.contains(&word))
    {
        return ModelError::TooLong;
    }
    let code = codes.next().unwrap_or("no code").to_owned();
    ModelError::Status { status, code, retry_after }
}

#[derive(Deserialize)]
struct Answer {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Default, Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: u32,
    #[serde(default)]
    completion_tokens: u32,
}

fn completion(body: &[u8]) -> Result<Completion, ModelError> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| ModelError::NoCompletion)?;
    let usage = answer.usage.unwrap_or_default();
    let tokens = Tokens { input: usage.prompt_tokens, output: usage.completion_tokens };
    let choice = answer.choices.into_iter().next().ok_or(ModelError::NoCompletion)?;
    let content = match (choice.finish_reason.as_deref(), choice.message) {
        (Some("content_filter"), _) | (_, Message { refusal: Some(_), .. }) => Err(ModelError::Refused),
        (Some("length"), _) => Err(ModelError::Cut),
        (_, Message { content, .. }) => json(&content.unwrap_or_default()).ok_or(ModelError::Misfit),
    };
    Ok(Completion { content, tokens })
}

/// The JSON in what a model says. Some servers leave what the model thought before it, or a fence around it.
fn json(content: &str) -> Option<Value> {
    if let Ok(value) = serde_json::from_str(content.trim()) {
        return Some(value);
    }
    let after = content.rsplit("</think>").next().unwrap_or(content);
    let (start, end) = (after.find('{')?, after.rfind('}')?);
    serde_json::from_str(after.get(start..=end)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_names_seconds_or_a_moment_of_its_own_clock() {
        const NOW: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (when, date, seconds) in [
            ("7", None, Some(7)),
            ("0", None, Some(0)),
            (" 7 ", Some(NOW), Some(7)),
            ("99999999", None, Some(RETRY_AFTER_MAX.as_secs())),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(NOW), Some(30)),
            ("Mon, 07 Nov 2094 08:50:07 GMT", Some(NOW), None),
            ("Sun, 07 Nov 2094 08:50:07 GMT", Some(NOW), Some(RETRY_AFTER_MAX.as_secs())),
            (NOW, Some(NOW), None),
            ("Sat, 05 Nov 1994 08:49:37 GMT", Some(NOW), None),
            ("Sun, 06 Nov 1994 08:50:07 GMT", None, None),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some("now"), None),
            ("-7", Some(NOW), None),
            ("1.5", None, None),
            ("soon", Some(NOW), None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, when.parse().unwrap());
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            assert_eq!(retry_after(&headers), seconds.map(Duration::from_secs), "{when}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
