//! The credential check, as the edge asks for it and auth-svc answers it: one interface, whose answer comes from
//! this process or over HTTP/2. What memory decides is answered by the call itself, without a future, so that a
//! request pays for waiting only when it waits.

mod message;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use http::HeaderValue;
use keyward_proto::policy::v1::Role;
use svc_core::clock::Timestamp;
use svc_core::error::Error;
use svc_core::principal::Principal;
use svc_core::secret::Secret;

/// The RPC, as services without this interface ask it.
pub const AUTHORIZE: &str = "/keyward.auth.v1.AuthorizationService/Authorize";

/// What decides about credentials.
pub trait Authorize: Send + Sync {
    /// Asks. An answer that has to be waited for comes within `time`, or not at all.
    fn ask<'a>(&'a self, question: &Question<'_>, time: Duration) -> Asked<'a>;
}

impl fmt::Debug for dyn Authorize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorize")
    }
}

/// What a request presents, and what it wants to do.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// What it presents.
    pub credential: Credential<'q>,
    /// Where it comes from, in the canonical form (`svc_core::address`).
    pub client: IpAddr,
    /// The RPC, without the leading slash.
    pub operation: &'q str,
    /// The permissions needed of a key, `scope:action`.
    pub permissions: &'q [&'q str],
    /// The agent that it names.
    pub agent: Option<&'q str>,
    /// The service that needs a principal token, since it runs in another process.
    pub audience: Option<&'q str>,
    /// A stream that was let through before goes on: nothing is taken or counted for it.
    pub goes_on: bool,
    /// The id of the request, by which a refusal is found again. Empty when unknown.
    pub request_id: &'q str,
}

/// What a request presents. What is missing is empty.
#[derive(Clone, Copy, Debug)]
pub enum Credential<'q> {
    /// An API key.
    ApiKey {
        /// The `apiKey`.
        key: &'q str,
        /// Its secret.
        secret: &'q Secret,
    },
    /// The personal access token of a member.
    Token {
        /// The token.
        token: &'q Secret,
        /// The role that its member must have at least. `Role::Unspecified`: no role suffices.
        role: Role,
    },
}

/// What came of asking.
pub enum Asked<'a> {
    /// This, at once.
    Answered(Result<Answer, NoDecision>),
    /// What this gives. Nothing more is done when it is dropped.
    Waiting(BoxFuture<'a, Result<Answer, NoDecision>>),
}

impl fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Asked::Answered(answer) => answer.fmt(f),
            Asked::Waiting(_) => f.write_str("Waiting"),
        }
    }
}

impl Asked<'_> {
    /// Begins to wait. Some is decided then: that so many wait already that it may not.
    #[must_use]
    pub fn begin(self) -> Self {
        match self {
            Asked::Waiting(mut answer) => match (&mut answer).now_or_never() {
                Some(answer) => Asked::Answered(answer),
                None => Asked::Waiting(answer),
            },
            answered @ Asked::Answered(_) => answered,
        }
    }

    /// The answer, also if it has to be waited for.
    pub async fn answer(self) -> Result<Answer, NoDecision> {
        match self {
            Asked::Answered(answer) => answer,
            Asked::Waiting(answer) => answer.await,
        }
    }
}

/// A decision, and what is said beside it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Who is let through, or why nobody is.
    pub decision: Result<Granted, Error>,
    /// The windows of the key, once its secret was proven.
    pub windows: Option<Windows>,
    /// Until when the secret works that was presented, when it is the older one of a rotation.
    pub secret_expires_at: Option<Timestamp>,
    /// The key whose secret was proven, also when it is refused.
    pub key: Option<ProvenKey>,
}

/// A key whose secret was proven. Only records are made of it: who is let through is [`Granted`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenKey {
    /// Whose it is. Of a refused one only organization, agent and key are known.
    pub principal: Arc<Principal>,
    /// Which of its secrets was presented.
    pub secret_last4: Last4,
}

/// The last 4 characters of a secret, in place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Last4([u8; 4]);

impl Last4 {
    /// Of these characters. What is no such text is empty.
    pub fn new(text: &str) -> Last4 {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        Last4(text.as_bytes().try_into().ok().filter(|_| is_plain).unwrap_or_default())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        match self.0 {
            [0, ..] => "",
            // It was made of ASCII.
            _ => std::str::from_utf8(&self.0).unwrap_or_default(),
        }
    }
}

/// Who is let through.
#[derive(Clone, Debug)]
pub struct Granted {
    /// Who it is.
    pub principal: Arc<Principal>,
    /// The same as a token for the audience, where one was asked for. It prints as sensitive.
    pub token: Option<HeaderValue>,
}

/// Both windows of a key after the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// 60 s.
    pub minute: Window,
    /// 3,600 s.
    pub hour: Window,
}

/// What rate headers say about a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The most requests.
    pub limit: u32,
    /// How many more.
    pub remaining: u32,
    /// Whole seconds, rounded up, until `remaining` grows.
    pub reset_seconds: u32,
}

/// Why there is no decision. Without one nobody is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDecision {
    /// What it needs is away. Another replica may decide.
    #[error("it cannot be decided now")]
    Undecided,
    /// It was not even asked, since so many others wait.
    #[error("too many questions wait")]
    TooMany,
    /// There was no answer in time.
    #[error("it did not end in time")]
    TooLate,
    /// Nobody answers.
    #[error("auth-svc is away")]
    Away,
    /// The answer makes no sense.
    #[error("the answer cannot be used: {0}")]
    Unusable(&'static str),
}
