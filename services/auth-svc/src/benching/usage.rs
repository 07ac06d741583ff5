//! A key that makes a million requests a day.

use svc_core::clock::Timestamp;
use svc_core::error::Error;

use crate::AuthService;
use crate::domain::{Actor, AgentId, Credential, Granularity, KeyId, MemberId, OrganizationId, Role, days};
use crate::error::AuthError;
use crate::management::{KeySearch, Management, PageRequest, UsageAsked};
use crate::setup::SetupResult;
use crate::store::{UsageBatch, UsageCell, UsageCount};

/// The requests of a day.
const A_DAY: i64 = 1_000_000;
/// How many days there are.
const DAYS: i64 = 30;
/// How many of them have rows for each minute.
const MINUTES_OF_DAYS: i64 = 2;
const OPERATIONS: usize = 8;
const OUTCOMES: [&str; 3] = ["ok", "rate_limited", "permission_denied"];

/// A key with 30 days of usage.
#[derive(Debug)]
pub struct BusyKey {
    management: Management,
    actor: Actor,
    agent: AgentId,
    id: KeyId,
    /// How many rows its usage takes.
    pub rows: i64,
}

impl BusyKey {
    /// Makes the key of this setup one, as replicas that were used so would have.
    pub async fn make(service: &AuthService, made: &SetupResult) -> Result<BusyKey, Error> {
        let management = service.management.clone();
        let actor = Actor {
            organization_id: OrganizationId::new(made.organization_id.clone()),
            member_id: MemberId::new(made.member_id.clone()),
            role: Role::Owner,
            credential: Credential::default(),
            client_address: None,
            request_id: None,
        };
        let keys = management.keys(&actor, KeySearch::default(), PageRequest::default()).await?;
        let id = keys.items.into_iter().next().ok_or_else(Error::internal)?.id;
        let agent = AgentId::new(made.agent_id.clone());
        let mut key = BusyKey { management, actor, agent, id, rows: 0 };
        key.fill().await.map_err(AuthError::from)?;
        Ok(key)
    }

    async fn fill(&mut self) -> Result<(), crate::store::StoreError> {
        let usage = &self.management.usage.kept;
        let now = self.management.environment.clock.now();
        let day = Granularity::Day.micros();
        let first = Granularity::Hour.floor(Timestamp(now.0 - DAYS * day));
        let mut at = first;
        let mut seq = 0;
        while at.0 < now.0 - 2 * Granularity::Minute.micros() {
            // Of long ago one minute stands for its hour.
            let step = match at.0 < now.0 - MINUTES_OF_DAYS * day {
                true => Granularity::Hour,
                false => Granularity::Minute,
            };
            let kinds = (OPERATIONS * OUTCOMES.len()) as i64;
            let requests = A_DAY * step.micros() / day / kinds;
            let cells = (0..OPERATIONS).flat_map(|operation| {
                OUTCOMES.map(|outcome| {
                    let cell = UsageCell {
                        key_id: self.id.as_str().to_owned(),
                        minute: Granularity::Minute.floor(at),
                        operation: format!("contacts.operation{operation}"),
                        permission: "contacts:read".to_owned(),
                        outcome: outcome.to_owned(),
                        address: "192.0.2.1".to_owned(),
                        secret_id: String::new(),
                    };
                    (cell, UsageCount { requests, last_at: at })
                })
            });
            let batch = UsageBatch { cells: cells.collect(), denials: Vec::new() };
            seq += 1;
            usage.flush("benching", seq, now, &batch).await?;
            self.rows += (1 + kinds) * if step == Granularity::Hour { 2 } else { 1 };
            at = Timestamp(at.0 + step.micros());
        }
        while usage.roll_up(now, 10_000).await?.is_none_or(|rows| rows > 0) {}
        Ok(())
    }

    /// All that an admin sees of 30 days. Gives the number of its requests.
    pub async fn usage(&self) -> Result<i64, Error> {
        let now = self.management.environment.clock.now();
        let from = i64::try_from(days(DAYS).as_micros()).unwrap_or(i64::MAX);
        let asked = UsageAsked { from: Some(Timestamp(now.0 - from)), ..UsageAsked::default() };
        let told = self.management.key_usage(&self.actor, &self.agent, &self.id, asked).await?;
        Ok(told.report.totals.requests)
    }
}
