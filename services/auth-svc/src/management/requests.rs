//! What members read of the request log, and why the check decided as it did.

use svc_core::error::{Fault, Reason, Violation};
use svc_core::ids::is_id;

use super::keys::not_found;
use super::page::{List, PageRequest};
use super::{Management, keys};
use crate::check::{DescribedRequest, Explanation};
use crate::domain::{Actor, AgentId, CLIENT_DISCONNECTED, KeyId, LoggedRequest, OK, RequestEntry};
use crate::error::{AuthError, Thing};
use crate::store::RequestFilter;

/// Which request to explain.
#[derive(Clone, Debug)]
pub(crate) enum ToExplain {
    /// One of the log.
    Logged(String),
    /// One that may never have been made.
    Described(DescribedRequest),
}

impl Management {
    /// A request of the log.
    pub(crate) async fn request(&self, actor: &Actor, id: &str) -> Result<LoggedRequest, AuthError> {
        let found = match is_id(id) {
            true => self.store.request(&actor.organization_id, id).await?,
            false => None,
        };
        found.ok_or(AuthError::NotFound(Thing::Request))
    }

    /// A page of the requests of a key.
    pub(crate) async fn requests(
        &self,
        actor: &Actor,
        filter: RequestFilter,
        page: PageRequest,
    ) -> Result<List<LoggedRequest>, AuthError> {
        keys::must_exist(&filter.agent_id, &filter.key_id)?;
        check(&filter)?;
        let organization = &actor.organization_id;
        let RequestFilter { agent_id, key_id, code, from, to } = &filter;
        let scope = format!("requests/{organization}/{agent_id}/{key_id}/{code:?}/{from:?}/{to:?}");
        let (limit, at) = page.open(&scope)?;
        let found = self.store.requests(organization, &filter, &at).await?;
        // What a deleted key did can still be read. A key that is neither there nor in the log was never there.
        if found.is_empty() && self.store.key(organization, agent_id, key_id).await?.is_none() {
            let all = RequestFilter { code: None, from: None, to: None, ..filter.clone() };
            let (_, first) = PageRequest { limit: Some(1), ..PageRequest::default() }.open("")?;
            if self.store.requests(organization, &all, &first).await?.is_empty() {
                return Err(not_found());
            }
        }
        Ok(List::close(found, limit, &scope, None, |request| request.entry.id.as_str()))
    }

    /// Why the check decides about a request with a key as it does.
    pub(crate) async fn explain(
        &self,
        actor: &Actor,
        agent: &AgentId,
        id: &KeyId,
        request: ToExplain,
    ) -> Result<Explanation, AuthError> {
        let key = self.key(actor, agent, id).await?;
        match request {
            ToExplain::Logged(request_id) => {
                let request = self.request(actor, &request_id).await?;
                match is_of(&request.entry, id) {
                    true => Ok(Explanation::of_logged(&request)),
                    false => Err(AuthError::NotFound(Thing::Request)),
                }
            }
            ToExplain::Described(request) => {
                self.check_permission(&request.permission)?;
                // As the check itself reads it. Deleted in between, it is not there any more.
                let record = self.store.key_record(&key.api_key).await?.ok_or_else(not_found)?;
                self.checker.explain(record, &request).await
            }
        }
    }

    fn check_permission(&self, permission: &str) -> Result<(), AuthError> {
        let mut violations = Vec::new();
        self.permissions.check(&[permission.to_owned()], &mut violations);
        match violations.into_iter().next() {
            None => Ok(()),
            Some(Violation { fault, message, .. }) => {
                Err(AuthError::Invalid(vec![Violation::new("permission", fault, message)]))
            }
        }
    }
}

fn is_of(entry: &RequestEntry, key: &KeyId) -> bool {
    entry.key_id.as_ref() == Some(key)
}

fn check(filter: &RequestFilter) -> Result<(), AuthError> {
    let mut violations = Vec::new();
    if let Some(code) = filter.code.as_deref()
        && !matches!(code, OK | CLIENT_DISCONNECTED)
        && Reason::from_code(code).is_none_or(|reason| reason.code() != code)
    {
        let shown: String = code.chars().take(60).collect();
        let message = format!("`{shown}` is neither `{OK}`, `{CLIENT_DISCONNECTED}` nor an error code.");
        violations.push(Violation::new("code", Fault::Invalid, message));
    }
    if let (Some(from), Some(to)) = (filter.from, filter.to)
        && from > to
    {
        let message = "`to` must not be before `from`.";
        violations.push(Violation::new("to", Fault::OutOfRange, message));
    }
    match violations.is_empty() {
        true => Ok(()),
        false => Err(AuthError::Invalid(violations)),
    }
}
