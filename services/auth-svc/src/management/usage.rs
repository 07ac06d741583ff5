//! How keys are used.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use svc_core::clock::Timestamp;
use svc_core::error::{Fault, Violation};

use super::Management;
use super::keys::must_exist;
use crate::domain::{Actor, AgentId, Granularity, Key, KeyDenial, KeyId, days};
use crate::error::AuthError;
use crate::limits::Taken;
use crate::store::{AddressUse, KeyPath, Usage};
use crate::usage::{Flusher, Keep, Range, Report, Totals, activity, activity_since, named};

/// How many days back addresses are told.
const ADDRESS_DAYS: RangeInclusive<i32> = 1..=30;
const DEFAULT_ADDRESS_DAYS: i32 = 7;
/// For how many days a key may be unused.
const UNUSED_DAYS: RangeInclusive<i32> = 1..=3_650;

/// Where usage is found. Cheap to clone.
#[derive(Clone)]
pub(crate) struct KeyUsage {
    /// What is written.
    pub(crate) kept: Arc<dyn Usage>,
    /// What is not.
    pub(crate) flusher: Arc<Flusher>,
    /// For how long.
    pub(crate) keep: Keep,
}

impl KeyUsage {
    /// So that what this replica has counted is in the answer. When it cannot be, the answer is a second or more
    /// behind; the log says so already.
    pub(super) async fn write_what_can_be(&self) {
        self.flusher.soon().await;
    }
}

/// What a caller wants to know.
#[derive(Clone, Debug, Default)]
pub(crate) struct UsageAsked {
    /// `minute`, `hour` or `day`.
    pub(crate) granularity: Option<String>,
    /// From when on.
    pub(crate) from: Option<Timestamp>,
    /// Until when.
    pub(crate) to: Option<Timestamp>,
}

/// What it is told.
#[derive(Debug)]
pub(crate) struct UsageTold {
    /// By time, operation and outcome.
    pub(crate) report: Report,
    /// What remains of the limits now.
    pub(crate) windows: Taken,
    /// Permissions that no request needed for long.
    pub(crate) unused_permissions: Vec<String>,
    /// The latest refusals.
    pub(crate) denials: Vec<KeyDenial>,
}

impl Management {
    /// How a key was used.
    pub(crate) async fn key_usage(
        &self,
        actor: &Actor,
        agent: &AgentId,
        id: &KeyId,
        asked: UsageAsked,
    ) -> Result<UsageTold, AuthError> {
        must_exist(agent, id)?;
        let now = self.environment.clock.now();
        let granularity = named(asked.granularity.as_deref());
        let granularity = granularity.map_err(|violation| AuthError::Invalid(vec![violation]))?;
        let range = Range::new(granularity, asked.from, asked.to, now, self.usage.keep);
        let range = range.map_err(AuthError::Invalid)?;
        // It also writes what is not written yet.
        let key = self.key(actor, agent, id).await?;
        let path = KeyPath { organization: &actor.organization_id, agent, id };
        let report = Report::new(&range, self.usage.kept.usage(path, range.query()).await?);
        let denials = self.usage.kept.denials(path).await?;
        let windows = self.checker.windows(&key).await?;
        Ok(UsageTold { unused_permissions: report.unused(&key.permissions), report, windows, denials })
    }

    /// Where the requests of a key came from.
    pub(crate) async fn key_addresses(
        &self,
        actor: &Actor,
        agent: &AgentId,
        id: &KeyId,
        asked: Option<i32>,
    ) -> Result<Vec<AddressUse>, AuthError> {
        let asked = within("days", asked.unwrap_or(DEFAULT_ADDRESS_DAYS), ADDRESS_DAYS)?;
        self.key(actor, agent, id).await?;
        let since = Granularity::Day.floor(before(self.environment.clock.now(), asked));
        let path = KeyPath { organization: &actor.organization_id, agent, id };
        Ok(self.usage.kept.addresses(path, since).await?)
    }

    /// The last 24 hours of each of these keys that was used, by id.
    pub(crate) async fn activity(
        &self,
        actor: &Actor,
        keys: &[Key],
    ) -> Result<BTreeMap<String, Vec<Totals>>, AuthError> {
        let since = activity_since(self.environment.clock.now());
        let keys: Vec<&KeyId> = keys.iter().map(|key| &key.id).collect();
        let found = self.usage.kept.activity(&actor.organization_id, &keys, since).await?;
        Ok(activity(since, found))
    }
}

/// What a list can show of keys beside the keys.
pub(crate) fn includes_activity(include: &[String]) -> Result<bool, AuthError> {
    if include.iter().any(|name| name != "activity") {
        let message = "`include` is `activity`.";
        return Err(AuthError::Invalid(vec![Violation::new("include", Fault::Invalid, message)]));
    }
    Ok(!include.is_empty())
}

/// Since when a key is unused for so many days.
pub(super) fn unused_since(asked: i32, now: Timestamp) -> Result<Timestamp, AuthError> {
    Ok(before(now, within("unusedDays", asked, UNUSED_DAYS)?))
}

fn before(now: Timestamp, number: i32) -> Timestamp {
    let time = i64::try_from(days(i64::from(number)).as_micros()).unwrap_or(i64::MAX);
    Timestamp(now.0.saturating_sub(time))
}

fn within(field: &str, number: i32, range: RangeInclusive<i32>) -> Result<i32, AuthError> {
    match range.contains(&number) {
        true => Ok(number),
        false => Err(AuthError::Invalid(vec![Violation::out_of_range(field, range)])),
    }
}
