//! Language models: endpoints that speak as OpenAI's does, asked for what a document says, within bounds.
//!
//! A document is read to a model in windows of pages (`windows`); `prompt` says what it is asked and that nothing in the
//! document is an instruction; `client` sends it and reads the answer; here is tried again what may pass. What comes back is
//! a claim: `engine::ground` looks for it in the document. Nothing of a document, a key or an answer reaches the log.

mod client;
mod config;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod prompt;
mod windows;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use serde_json::Value;
use svc_runtime::telemetry::Metrics;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};

use crate::domain::Failure;
use crate::engine::{Question, Said, Written};

pub use config::{BadLlmConfig, LlmConfig};

use client::{Client, ModelError};
use windows::Window;

/// The name of the engine that comes with Keyward.
pub(crate) const EMBEDDED: &str = "embedded";
/// How often a window is asked for while what went wrong may pass,
const ATTEMPTS: u32 = 4;
/// and while the model answers as it was not asked to: it may never do.
const MISFITS: u32 = 2;
/// How long is waited before the second attempt; each further one waits twice as long as the one before.
const BACK_OFF: Duration = Duration::from_millis(500);
/// The most of it, where the server names no time.
const BACK_OFF_MAX: Duration = Duration::from_secs(20);

/// What was sent and answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) input: u32,
    pub(crate) output: u32,
}

/// What a job has spent so far, however it ends.
#[derive(Debug, Default)]
pub(crate) struct Spent {
    input: AtomicU32,
    output: AtomicU32,
}

impl Spent {
    pub(crate) fn tokens(&self) -> Tokens {
        Tokens { input: self.input.load(Ordering::Relaxed), output: self.output.load(Ordering::Relaxed) }
    }

    /// A job has too few windows to come near four thousand million.
    pub(crate) fn add(&self, more: Tokens) {
        self.input.fetch_add(more.input, Ordering::Relaxed);
        self.output.fetch_add(more.output, Ordering::Relaxed);
    }
}

/// The endpoints of the settings.
pub(crate) struct Models {
    by_name: BTreeMap<String, Model>,
}

/// One endpoint.
pub(crate) struct Model {
    config: LlmConfig,
    client: Client,
    /// How many requests may be under way.
    free: Semaphore,
    back_off: Duration,
    counters: Counters,
}

#[derive(Clone, Default)]
struct Counters {
    requests: Family<Outcome, Counter>,
    tokens: Family<Direction, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    engine: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Direction {
    engine: String,
    direction: &'static str,
}

/// Whether all of these can be asked. Asks none.
pub(crate) fn check(configs: &[LlmConfig]) -> Result<(), BadLlmConfig> {
    config::check(configs)?;
    configs.iter().try_for_each(|config| Client::new(config).map(drop))
}

impl Models {
    pub(crate) fn new(configs: &[LlmConfig], metrics: &Metrics) -> Result<Models, BadLlmConfig> {
        config::check(configs)?;
        let counters = Counters::default();
        metrics.register(|registry| {
            let help = "Requests to language models, by engine and outcome";
            registry.register("extraction_model_requests", help, counters.requests.clone());
            let help = "Tokens sent to language models (input) and answered by them (output)";
            registry.register("extraction_model_tokens", help, counters.tokens.clone());
        });
        let mut by_name = BTreeMap::new();
        for config in configs {
            by_name.insert(config.name.clone(), Model::new(config, BACK_OFF, counters.clone())?);
        }
        Ok(Models { by_name })
    }

    /// The names of those that an organization may ask.
    pub(crate) fn of(&self, organization_id: &str) -> Vec<&str> {
        let own = self.by_name.values().filter(|model| model.config.serves(organization_id));
        own.map(|model| model.config.name.as_str()).collect()
    }

    /// The one of this name, if the organization may ask it.
    pub(crate) fn get(&self, organization_id: &str, name: &str) -> Option<&Model> {
        self.by_name.get(name).filter(|model| model.config.serves(organization_id))
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// What there is, for people: names and hosts.
    pub(crate) fn line(&self) -> String {
        let each =
            self.by_name.values().map(|model| format!("{} ({})", model.config.name, model.client.host()));
        each.collect::<Vec<_>>().join(", ")
    }
}

impl Model {
    fn new(config: &LlmConfig, back_off: Duration, counters: Counters) -> Result<Model, BadLlmConfig> {
        let client = Client::new(config)?;
        let free = Semaphore::new(config.concurrent.into());
        Ok(Model { client, free, back_off, counters, config: config.clone() })
    }

    /// Asks what a document says, window by window.
    pub(crate) async fn ask(
        &self,
        question: &Question,
        written: Vec<Written>,
        spent: &Spent,
    ) -> Result<Vec<Said>, Failure> {
        let deadline = Instant::now() + Duration::from_secs(self.config.job_seconds.into());
        let asked = timeout_at(deadline, self.ask_all(question, written, deadline, spent)).await;
        asked.unwrap_or_else(|_| Err(self.failed(&ModelError::TimedOut)))
    }

    async fn ask_all(
        &self,
        question: &Question,
        written: Vec<Written>,
        deadline: Instant,
        spent: &Spent,
    ) -> Result<Vec<Said>, Failure> {
        let size = usize::try_from(self.config.window_characters).unwrap_or(usize::MAX);
        let mut waiting: VecDeque<Window> = windows::windows(written, size).into();
        let most = usize::from(self.config.max_windows);
        let mut said = Vec::new();
        while let Some(window) = waiting.pop_front() {
            // With this one. Those that were halved come on top.
            if said.len() + waiting.len() + 1 > most {
                tracing::info!(engine = self.config.name, most, "a document has too many windows");
                return Err(Failure::TooManyPages);
            }
            match self.ask_window(question, &window, deadline, spent).await {
                Ok(answer) => said.push(Said { pages: window.pages(), answer }),
                // What it has to say of so much does not fit, or so much does not fit itself.
                Err(error @ (ModelError::Cut | ModelError::TooLong)) => {
                    let Some((first, second)) = window.halves() else { return Err(self.failed(&error)) };
                    waiting.push_front(second);
                    waiting.push_front(first);
                }
                Err(error) => return Err(self.failed(&error)),
            }
        }
        Ok(said)
    }

    fn failed(&self, error: &ModelError) -> Failure {
        tracing::warn!(engine = self.config.name, error = %error, "a language model has not answered");
        match error {
            ModelError::TimedOut => Failure::TimedOut,
            ModelError::Cut | ModelError::TooLong => Failure::TooLarge,
            _ => Failure::EngineUnavailable,
        }
    }

    /// Asks for one window, and again while what goes wrong may pass.
    async fn ask_window(
        &self,
        question: &Question,
        window: &Window,
        deadline: Instant,
        spent: &Spent,
    ) -> Result<Value, ModelError> {
        let body = prompt::body(&self.config, question, &window.text());
        let mut attempt = 1;
        loop {
            let error = match self.send(&body, spent).await {
                Ok(answer) if question.is_answered(&answer) => return Ok(answer),
                Ok(_) => ModelError::Misfit,
                Err(error) => error,
            };
            let most = if error.is_of_the_model() { MISFITS } else { ATTEMPTS };
            let pause =
                error.retry_after().unwrap_or((self.back_off * 2_u32.pow(attempt - 1)).min(BACK_OFF_MAX));
            if !error.may_pass() || attempt >= most || Instant::now() + pause >= deadline {
                return Err(error);
            }
            tracing::debug!(engine = self.config.name, attempt, error = %error, "a language model is asked again");
            sleep(pause).await;
            attempt += 1;
        }
    }

    /// Sends one request when its turn has come, and counts it.
    async fn send(&self, body: &Value, spent: &Spent) -> Result<Value, ModelError> {
        // Nobody closes it.
        let _turn = self.free.acquire().await.map_err(|_| ModelError::TimedOut)?;
        let answered = self.client.send(body).await;
        let outcome = match &answered {
            Ok(completion) => completion.content.as_ref().map_or_else(ModelError::word, |_| "answered"),
            Err(error) => error.word(),
        };
        let engine = &self.config.name;
        self.counters.requests.get_or_create(&Outcome { engine: engine.clone(), outcome }).inc();
        let completion = answered?;
        spent.add(completion.tokens);
        for (direction, count) in [("input", completion.tokens.input), ("output", completion.tokens.output)] {
            let counter =
                self.counters.tokens.get_or_create(&Direction { engine: engine.clone(), direction });
            counter.inc_by(count.into());
        }
        completion.content
    }
}
