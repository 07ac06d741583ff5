//! The rows of the check that a key meets once its secret is proven, in the order of the contract. Each is decided
//! here and nowhere else: for requests, where the first one that fails refuses, and for whoever asks why.

use svc_core::clock::Timestamp;
use svc_core::error::Reason;

use super::{Demand, Refusal, Snapshot};
use crate::limits::Taken;

/// A row of the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// The key is past its expiry.
    Expiry,
    /// It is disabled.
    Disabling,
    /// It may not be used from there.
    Address,
    /// One of its windows is full. Here a request takes its slot.
    Limits,
    /// The request names another agent.
    Agent,
    /// The key lacks a permission.
    Permissions,
}

/// How many rows come before the slot.
const BEFORE_SLOT: usize = 3;

impl Row {
    /// All of them, in the order in which they decide.
    pub(crate) const ALL: [Row; 6] =
        [Row::Expiry, Row::Disabling, Row::Address, Row::Limits, Row::Agent, Row::Permissions];

    /// The code with which it refuses.
    pub(crate) fn reason(self) -> Reason {
        match self {
            Row::Expiry => Reason::KeyExpired,
            Row::Disabling => Reason::KeyDisabled,
            Row::Address => Reason::IpNotAllowed,
            Row::Limits => Reason::RateLimited,
            Row::Agent => Reason::AgentMismatch,
            Row::Permissions => Reason::PermissionDenied,
        }
    }

    /// The setting of a key that it looks at, as JSON names it.
    pub(crate) fn setting(self) -> &'static str {
        match self {
            Row::Expiry => "expiresAt",
            Row::Disabling => "status",
            Row::Address => "allowedIps",
            Row::Limits => "rateLimits",
            Row::Agent => "agent",
            Row::Permissions => "permissions",
        }
    }

    /// Whether it lets a request pass. `taken` is what the limits say, where they have been asked.
    #[inline]
    pub(super) fn decide(
        self,
        snapshot: &Snapshot,
        demand: Demand<'_>,
        now: Timestamp,
        taken: Option<&Taken>,
    ) -> Result<(), Refusal> {
        let refusal = match self {
            Row::Expiry if snapshot.expires_at.is_some_and(|end| end <= now) => Refusal::KeyExpired,
            Row::Disabling if snapshot.disabled => Refusal::KeyDisabled,
            Row::Address if !snapshot.allowed_ips.allow(demand.client) => {
                Refusal::AddressNotAllowed(demand.client)
            }
            Row::Limits => return slot(taken),
            Row::Agent if demand.agent.is_some_and(|agent| agent != snapshot.holder.agent_id()) => {
                Refusal::AgentMismatch
            }
            Row::Permissions => return permissions(snapshot, demand),
            _ => return Ok(()),
        };
        Err(refusal)
    }
}

/// The rows before the slot: expiry, disabling and the client's address.
pub(super) fn before_slot(snapshot: &Snapshot, demand: Demand<'_>, now: Timestamp) -> Result<(), Refusal> {
    Row::ALL[..BEFORE_SLOT].iter().try_for_each(|row| row.decide(snapshot, demand, now, None))
}

/// The row at which a request takes its slot, after the limits were asked for one. `None`: they cannot be counted, and
/// requests pass all the same.
pub(super) fn slot(taken: Option<&Taken>) -> Result<(), Refusal> {
    taken.and_then(Refusal::over_limit).map_or(Ok(()), Err)
}

/// The rows after the slot: agent and permissions.
pub(super) fn after_slot(snapshot: &Snapshot, demand: Demand<'_>, now: Timestamp) -> Result<(), Refusal> {
    Row::ALL[BEFORE_SLOT + 1..].iter().try_for_each(|row| row.decide(snapshot, demand, now, None))
}

fn permissions(snapshot: &Snapshot, demand: Demand<'_>) -> Result<(), Refusal> {
    let held = |permission: &&str| snapshot.holder.may(permission);
    if demand.permissions.iter().all(held) {
        return Ok(());
    }
    let lacking = demand.permissions.iter().filter(|permission| !held(permission));
    Err(Refusal::PermissionDenied(lacking.map(|&permission| permission.to_owned()).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slot_is_taken_at_the_row_of_the_limits() {
        assert_eq!(Row::ALL[BEFORE_SLOT], Row::Limits);
    }
}
