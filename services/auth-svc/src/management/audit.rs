//! The audit log, as members read it.

use svc_core::clock::Timestamp;
use svc_core::cursor;
use svc_core::error::{Fault, Violation};
use svc_core::ids::is_id;
use svc_core::page::PageSize;

use super::{List, Management};
use crate::audit::{Action, Audit, Entry, Resource};
use crate::change::{Author, Changed};
use crate::domain::{Actor, Role};
use crate::error::AuthError;
use crate::store::{AuditFilter, Touched};

/// The longest part of the name of an action.
const MAX_WORD: usize = 40;
/// Entries that an export reads at once.
const EXPORTED_AT_ONCE: i64 = 500;

impl Management {
    /// A page of the audit log, newest first. A USER sees what they did themselves.
    pub(crate) async fn audit_entries(
        &self,
        actor: &Actor,
        mut filter: AuditFilter,
        limit: Option<i32>,
        cursor: Option<&str>,
    ) -> Result<List<Entry>, AuthError> {
        let mut violations = filter.violations(self.environment.clock.now());
        let size = PageSize::new(limit).map_err(|violation| violations.push(violation)).ok();
        let Some(size) = size.filter(|_| violations.is_empty()) else {
            return Err(AuthError::Invalid(violations));
        };
        filter.member = (actor.role < Role::Admin).then(|| actor.member_id.clone());
        let scope = format!("audit/{}/{filter:?}", actor.organization_id);
        let before = cursor.map(|cursor| place(&scope, cursor)).transpose()?;
        // What has not the form of an id is the id of nothing.
        let can_exist = |id: &Option<String>| id.as_deref().is_none_or(is_id);
        let found = match can_exist(&filter.actor) && can_exist(&filter.resource_id) {
            true => {
                let limit = i64::from(size.get()) + 1;
                self.store.audit_entries(&actor.organization_id, &filter, before, limit).await?
            }
            false => Vec::new(),
        };
        let has_more = found.len() > size.get() as usize;
        let mut items = found;
        items.truncate(size.get() as usize);
        let last = items.last().filter(|_| has_more);
        let next_cursor = last.map(|last| cursor::encode(&scope, &[&last.sequence.to_string()]));
        Ok(List { items, limit: size, next_cursor, total: None })
    }

    /// Begins the log of each organization that is older than it.
    pub(crate) async fn begin_audit_logs(&self) -> Result<(), AuthError> {
        for organization in self.store.unaudited_organizations().await? {
            let author = Author::Keyward(organization);
            let begin = self.changes.make(&author, |_| {
                let audit = Audit::of(Action::AuditLogStarted, Resource::default(), None, None);
                Box::pin(async move { Ok(Changed::new((), Touched::nothing(), audit)) })
            });
            begin.await?;
        }
        Ok(())
    }

    /// The next entries of the chain after a place in it, oldest first. None at its end.
    pub(crate) async fn audit_chain(&self, actor: &Actor, after: i64) -> Result<Vec<Entry>, AuthError> {
        Ok(self.store.audit_chain(&actor.organization_id, after, EXPORTED_AT_ONCE).await?)
    }
}

impl AuditFilter {
    fn violations(&self, now: Timestamp) -> Vec<Violation> {
        let mut violations = Vec::new();
        let word = |text: &str| {
            (1..=MAX_WORD).contains(&text.len()) && text.bytes().all(|c| c == b'_' || c.is_ascii_lowercase())
        };
        if let Some(action) = &self.action
            && !action.split_once('.').is_some_and(|(of, what)| word(of) && word(what))
        {
            let message = "`action` is the type of a resource, a dot, and what was done: `api_key.created`.";
            violations.push(Violation::new("action", Fault::Invalid, message));
        }
        if self.resource_type.as_deref().is_some_and(|of| !word(of)) {
            let message = "`resourceType` is a type of resources: `api_key`.";
            violations.push(Violation::new("resourceType", Fault::Invalid, message));
        }
        if self.from.is_some_and(|from| from > now) {
            let message = "`from` is in the future.";
            violations.push(Violation::new("from", Fault::OutOfRange, message));
        }
        if let (Some(from), Some(to)) = (self.from, self.to)
            && to <= from
        {
            violations.push(Violation::new("to", Fault::OutOfRange, "`to` must be after `from`."));
        }
        violations
    }
}

fn place(scope: &str, cursor: &str) -> Result<i64, AuthError> {
    let [place] = cursor::decode(scope, cursor).map_err(AuthError::Cursor)?;
    // The checksum says that it is ours.
    Ok(place.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_has_rules() {
        let now = Timestamp(1_000);
        let all = AuditFilter::default;
        for (search, fields) in [
            (all(), &[][..]),
            (AuditFilter { action: Some("api_key.overlap_ended".into()), ..all() }, &[]),
            (AuditFilter { action: Some("api_key".into()), ..all() }, &["action"]),
            (AuditFilter { action: Some("a.b.c".into()), ..all() }, &["action"]),
            (AuditFilter { action: Some("=1+1.x\0".into()), ..all() }, &["action"]),
            (AuditFilter { resource_type: Some(String::new()), ..all() }, &["resourceType"]),
            (AuditFilter { resource_type: Some("x".repeat(41)), ..all() }, &["resourceType"]),
            (AuditFilter { from: Some(now), to: Some(Timestamp(1_001)), ..all() }, &[]),
            (AuditFilter { from: Some(now), to: Some(now), ..all() }, &["to"]),
            (AuditFilter { from: Some(Timestamp(1_001)), to: Some(now), ..all() }, &["from", "to"]),
        ] {
            let found = search.violations(now);
            let found: Vec<_> = found.iter().map(|violation| violation.field.as_str()).collect();
            assert_eq!(found, fields, "{search:?}");
        }
    }
}
