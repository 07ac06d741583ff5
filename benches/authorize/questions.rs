//! What auth-svc is asked: what an edge asks before it calls a service.

use std::net::Ipv4Addr;

use auth_svc::testing::credentials;
use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::authorize_request::Credential;

/// Where all keys may be used from: every client of the load is in the last one.
pub const ALLOWED_IPS: [&str; 3] = ["203.0.113.7", "2001:db8::/32", "10.0.0.0/8"];
/// What all keys may do.
pub const PERMISSIONS: [&str; 2] = ["contacts:create", "contacts:read"];

/// Questions that are made before a load begins and asked again and again, so that making them takes no
/// CPU from the server.
const PREPARED: u32 = 65_536;
/// The clients of a flood: so many that hardly any of them reaches its bound of failures.
const MANY_CLIENTS: u32 = PREPARED;
/// Clients that reach their bound within a second or two.
const FEW_CLIENTS: u32 = 256;
/// Added to the number of a key, it is one that nobody has.
const UNKNOWN: u32 = 2_000_000_000;

/// What is the same in all questions.
#[derive(Clone, Debug)]
pub struct About {
    /// The agent.
    pub agent_id: String,
    /// The service that runs apart and needs a principal token.
    pub audience: Option<&'static str>,
}

/// The questions of a load.
#[derive(Clone, Copy, Debug)]
pub enum Questions {
    /// With the right secrets of this many keys, some of which are used much more than others: Zipf's law,
    /// as in YCSB.
    Right(u32),
    /// With the right secrets of this many keys, each used as much as any other.
    Evenly(u32),
    /// With the right secrets of this many keys, each once before any comes again.
    Each(u32),
    /// With wrong secrets of this many keys.
    Wrong(u32),
    /// With keys that do not exist, from many clients.
    Unknown,
    /// The same from few clients.
    UnknownFromFew,
}

impl Questions {
    /// The one of this turn. Keys come in an order that no cache of a processor can guess.
    pub fn of(self, about: &About, turn: u32) -> pb::AuthorizeRequest {
        let spread = turn.wrapping_mul(2_654_435_761);
        let ((api_key, secret), client) = match self {
            Questions::Right(keys) => (credentials(zipf(spread, keys)), 1),
            Questions::Evenly(keys) => (credentials(spread % keys), 1),
            Questions::Each(keys) => (credentials(turn % keys), 1),
            Questions::Wrong(keys) => {
                let (number, client) = (spread % keys, turn % MANY_CLIENTS);
                ((credentials(number).0, credentials(number + UNKNOWN).1), client)
            }
            Questions::Unknown => (credentials(turn % UNKNOWN + UNKNOWN), turn % MANY_CLIENTS),
            Questions::UnknownFromFew => {
                (credentials(turn % UNKNOWN + UNKNOWN), MANY_CLIENTS + turn % FEW_CLIENTS)
            }
        };
        pb::AuthorizeRequest {
            credential: Some(Credential::ApiKey(pb::ApiKeyCredential { api_key, secret })),
            client_address: Ipv4Addr::from_bits(Ipv4Addr::new(10, 0, 0, 0).to_bits() + client).to_string(),
            operation: "keyward.contacts.v1.ContactService/GetContact".to_owned(),
            permissions: vec!["contacts:read".to_owned()],
            agent_id: Some(about.agent_id.clone()),
            role: 0,
            audience: about.audience.map(str::to_owned),
            goes_on: false,
            request_id: String::new(),
        }
    }

    /// The first ones, unless there are too many different ones to hold.
    pub fn prepare(self, about: &About) -> Vec<pb::AuthorizeRequest> {
        match self {
            Questions::Right(keys) | Questions::Evenly(keys) | Questions::Each(keys) if keys > PREPARED => {
                Vec::new()
            }
            _ => (0..PREPARED).map(|turn| self.of(about, turn)).collect(),
        }
    }

    /// Whether this answer is the right one.
    pub fn fits(self, about: &About, answer: &pb::AuthorizeResponse) -> bool {
        use pb::authorize_response::Decision::{Principal, Refusal};
        match (self, &answer.decision) {
            (Questions::Right(_) | Questions::Evenly(_) | Questions::Each(_), Some(Principal(principal))) => {
                principal.token.is_some() == about.audience.is_some()
            }
            (Questions::Wrong(_) | Questions::Unknown, Some(Refusal(refusal))) => {
                refusal.code == "invalid_credentials"
            }
            (Questions::UnknownFromFew, Some(Refusal(refusal))) => {
                matches!(refusal.code.as_str(), "invalid_credentials" | "address_throttled")
            }
            _ => false,
        }
    }
}

/// One of so many by a random number, the first most often: Zipf's law, in its continuous form.
fn zipf(random: u32, count: u32) -> u32 {
    /// YCSB's exponent is 0.99. This is what is left of 1.
    const REST: f64 = 0.01;
    let share = f64::from(random) / f64::from(u32::MAX);
    let rank = (share * (f64::from(count).powf(REST) - 1.0) + 1.0).powf(1.0 / REST) - 1.0;
    (rank as u32).min(count - 1)
}
