//! Why the check decides about a key as it does, row by row. The rows are those of every request ([`Row`]).

use std::net::IpAddr;

use svc_core::clock::Timestamp;
use svc_core::error::{Reason, cause};

use super::rows::Row;
use super::{Checker, Demand, Refusal, Snapshot};
use crate::domain::{AgentId, LoggedRequest};
use crate::error::AuthError;
use crate::limits::LimitStore;
use crate::store::KeyRecord;

/// A request with the right secret, as somebody describes it.
#[derive(Clone, Debug)]
pub(crate) struct DescribedRequest {
    /// Where it comes from, in the canonical form.
    pub(crate) client: IpAddr,
    /// The agent that it names.
    pub(crate) agent: AgentId,
    /// The permission that it needs.
    pub(crate) permission: String,
    /// When it comes; `None` for now.
    pub(crate) at: Option<Timestamp>,
}

/// What the check decides, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// The row that refuses, and what the caller is told. `None`: it is let through.
    pub(crate) refused: Option<(Row, String)>,
    /// The rows in the order in which they decide, by the code of each.
    pub(crate) rows: Vec<(Reason, RowResult)>,
    /// The moment that this holds for.
    pub(crate) at: Timestamp,
}

/// What a row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RowResult {
    /// It lets the request pass.
    Passed,
    /// It refuses, for this reason, which is for admins.
    Failed(String),
    /// One before it refused.
    NotReached,
}

/// Why a row refuses: for admins, and as the caller is told.
struct Failure {
    why: String,
    told: String,
}

impl Checker {
    /// What would be decided about a request. Takes nothing of the limits.
    pub(crate) async fn explain(
        &self,
        record: KeyRecord,
        request: &DescribedRequest,
    ) -> Result<Explanation, AuthError> {
        let snapshot = Snapshot::new(record, &self.verifiers);
        let taken = match self.limiter.peek(snapshot.holder.key_id(), snapshot.limits).await {
            Ok(taken) => Some(taken),
            Err(error) if self.limits_fail_open => {
                tracing::warn!(error = %error, cause = %cause(&error), "limits cannot be explained, and requests pass");
                None
            }
            Err(error) => return Err(error.into()),
        };
        let at = request.at.unwrap_or_else(|| self.clock.now());
        let permissions = [request.permission.as_str()];
        let demand = Demand {
            client: request.client,
            operation: "",
            permissions: &permissions,
            agent: Some(request.agent.as_str()),
            audience: None,
            goes_on: true,
            request_id: "",
        };
        Ok(Explanation::by_rows(at, |row| {
            let decided = row.decide(&snapshot, demand, at, taken.as_ref());
            decided.map_err(|refusal| Failure {
                why: why(&refusal, &snapshot, demand),
                told: refusal.to_string(),
            })
        }))
    }
}

impl Explanation {
    /// What was decided about a request of the log.
    pub(crate) fn of_logged(request: &LoggedRequest) -> Explanation {
        let entry = &request.entry;
        // Without its word the check let it pass, and the service refused: over gRPC it is the service's guard that
        // sees the agent of a message, for the check.
        let told = match &entry.message {
            None if entry.code == Reason::AgentMismatch.code() => Some(Refusal::AgentMismatch.to_string()),
            told => told.clone(),
        };
        Explanation::by_rows(entry.at(), |row| match &told {
            Some(told) if row.reason().code() == entry.code => {
                Err(Failure { why: told.clone(), told: told.clone() })
            }
            _ => Ok(()),
        })
    }

    /// The secret is right; of the rows that follow the first one that fails refuses.
    fn by_rows(at: Timestamp, decide: impl Fn(Row) -> Result<(), Failure>) -> Explanation {
        let mut rows = vec![(Reason::InvalidCredentials, RowResult::Passed)];
        let mut refused = None;
        for row in Row::ALL {
            let result = match refused {
                Some(_) => RowResult::NotReached,
                None => match decide(row) {
                    Ok(()) => RowResult::Passed,
                    Err(Failure { why, told }) => {
                        refused = Some((row, told));
                        RowResult::Failed(why)
                    }
                },
            };
            rows.push((row.reason(), result));
        }
        Explanation { refused, rows, at }
    }
}

/// A refusal in words for an admin, who may know more than the caller.
fn why(refusal: &Refusal, snapshot: &Snapshot, demand: Demand<'_>) -> String {
    match refusal {
        Refusal::KeyExpired => match snapshot.expires_at {
            Some(end) => format!("The key expired at {end}."),
            None => refusal.to_string(),
        },
        Refusal::KeyDisabled => "The key is disabled.".to_owned(),
        Refusal::AddressNotAllowed(address) => {
            format!("{address} is not in the allowed list: {}.", snapshot.allowed_ips.to_strings().join(", "))
        }
        Refusal::AgentMismatch => format!(
            "The key is for the agent {}, and the request names {}.",
            snapshot.holder.agent_id(),
            demand.agent.unwrap_or("none"),
        ),
        Refusal::PermissionDenied(lacking) => {
            let held: Vec<&str> = snapshot.holder.permissions().collect();
            let held = if held.is_empty() { "nothing".to_owned() } else { held.join(", ") };
            format!("The key lacks {}. It has {held}.", lacking.join(", "))
        }
        // The others say to everyone what there is to say.
        _ => refusal.to_string(),
    }
}
