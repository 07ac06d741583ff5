//! Notices.

use super::Management;
use crate::domain::{Actor, AgentId, Notice};
use crate::error::AuthError;

/// How many are told. Those that end first come first.
const MOST: i64 = 100;

impl Management {
    /// What ends soon, of an agent or of all, each with the days of its notice.
    pub(crate) async fn notices(
        &self,
        actor: &Actor,
        agent: Option<&AgentId>,
    ) -> Result<Vec<(Notice, i64)>, AuthError> {
        if let Some(agent) = agent {
            self.agent(actor, agent).await?;
        }
        let now = self.environment.clock.now();
        let notices = self.store.notices(&actor.organization_id, agent, now, MOST).await?;
        let with_days = notices.into_iter().filter_map(|notice| {
            let days = notice.days(now)?;
            Some((notice, days))
        });
        Ok(with_days.collect())
    }
}
