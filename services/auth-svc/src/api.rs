//! Between the protos and the domain.

mod agents;
mod audit;
mod authorization;
mod decision;
mod deeds;
mod erasures;
mod events;
mod explain;
mod keys;
mod members;
mod notices;
mod oidc;
mod requests;
mod sessions;
mod tokens;
mod usage;

use std::sync::Arc;

use keyward_proto::policy::v1 as policy_pb;
use prometheus_client::metrics::counter::Counter;
use svc_core::clock::Timestamp;
use svc_core::error::{Fault, Violation};
use svc_core::principal;
use svc_runtime::grpc::{self, caller, status};
use tonic::{Request, Status};

use crate::check::{Checker, role_from_wire};
use crate::domain::{Actor, Credential, MemberId, OrganizationId, Role, SessionId, TokenId};
use crate::error::AuthError;
use crate::management::{List, Management, PageRequest};
use crate::request_log::RequestLog;

pub(crate) use erasures::ErasureApi;

/// The handlers of every gRPC service of auth-svc.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    management: Management,
    checker: Arc<Checker>,
    /// Questions that got no decision, since too many of their stream wait.
    no_room: Counter,
    request_log: Arc<RequestLog>,
}

impl Api {
    pub(crate) fn new(
        management: Management,
        checker: Arc<Checker>,
        no_room: Counter,
        request_log: Arc<RequestLog>,
    ) -> Api {
        Api { management, checker, no_room, request_log }
    }
}

impl From<AuthError> for Status {
    fn from(error: AuthError) -> Status {
        status::of(error)
    }
}

/// The member who makes a call.
fn actor<T>(request: &Request<T>) -> Result<Actor, Status> {
    let principal = grpc::principal(request).map_err(status::of)?;
    let member_id = MemberId::new(principal.member().map_err(status::of)?);
    let role = principal.role.and_then(role_from_wire).ok_or_else(|| status::of(principal::missing()))?;
    Ok(Actor {
        organization_id: OrganizationId::new(principal.organization_id.clone()),
        member_id,
        role,
        credential: Credential {
            token_id: principal.token_id.clone().map(TokenId::new),
            session_id: principal.session_id.clone().map(SessionId::new),
            expires_at: principal.expires_at,
        },
        client_address: caller::client_address(request),
        request_id: caller::request_id(request).map(str::to_owned),
    })
}

/// A role as a client sends it. A number that is no role is refused.
fn role_of(number: i32) -> Result<Option<Role>, AuthError> {
    let role = policy_pb::Role::try_from(number).map_err(|_| invalid("role", "`role` is not a role."))?;
    Ok(role_from_wire(role))
}

fn page(limit: Option<i32>, cursor: Option<String>, include_total: Option<bool>) -> PageRequest {
    PageRequest { limit, cursor, include_total: include_total.unwrap_or(false) }
}

fn pagination<T>(list: &List<T>) -> policy_pb::Pagination {
    policy_pb::Pagination {
        limit: list.limit.get(),
        has_more: list.next_cursor.is_some(),
        next_cursor: list.next_cursor.clone(),
        total: list.total.map(|total| u32::try_from(total).unwrap_or(u32::MAX)),
    }
}

fn time(field: &str, time: Option<prost_types::Timestamp>) -> Result<Option<Timestamp>, AuthError> {
    let Some(time) = time else { return Ok(None) };
    match Timestamp::from_proto(&time) {
        Some(time) => Ok(Some(time)),
        None => {
            let message = format!("`{field}` is not a time between the years 1 and 9999.");
            Err(AuthError::Invalid(vec![Violation::new(field, Fault::OutOfRange, message)]))
        }
    }
}

fn invalid(field: &str, message: &str) -> AuthError {
    AuthError::Invalid(vec![Violation::new(field, Fault::Invalid, message)])
}

fn required(field: &str) -> AuthError {
    AuthError::Invalid(vec![Violation::new(field, Fault::Required, format!("`{field}` is required."))])
}

/// The paths of an update mask. Without a mask nothing changes; a path that cannot change is refused.
fn mask(mask: Option<prost_types::FieldMask>, changeable: &[&str]) -> Result<Vec<String>, AuthError> {
    let paths = mask.map(|mask| mask.paths).unwrap_or_default();
    let fixed = paths.iter().filter(|path| !changeable.contains(&path.split('.').next().unwrap_or_default()));
    let violations: Vec<_> = fixed
        .map(|path| {
            let shown: String = path.chars().take(100).collect();
            Violation::new(&shown, Fault::Immutable, format!("`{shown}` cannot be changed."))
        })
        .collect();
    match violations.is_empty() {
        true => Ok(paths),
        false => Err(AuthError::Invalid(violations)),
    }
}

#[cfg(test)]
mod tests {
    use svc_core::principal::{Principal, Subject};

    use super::*;

    #[test]
    fn an_actor_is_who_by_which_token_from_where_in_which_request() {
        let mut request = Request::new(());
        request.extensions_mut().insert(Arc::new(Principal {
            organization_id: "o".to_owned(),
            agent_id: None,
            subject: Subject::Member("m".to_owned()),
            permissions: Vec::new(),
            role: Some(policy_pb::Role::Admin),
            expires_at: Some(Timestamp(7)),
            token_id: Some("t".to_owned()),
            session_id: None,
        }));
        let bare = actor(&request).unwrap();
        assert_eq!((bare.client_address, bare.request_id), (None, None));
        request.metadata_mut().insert(caller::CLIENT_ADDRESS, "192.0.2.1".parse().unwrap());
        request.metadata_mut().insert(caller::REQUEST_ID, "r".parse().unwrap());
        let actor = actor(&request).unwrap();
        assert_eq!((actor.organization_id, actor.member_id), (OrganizationId::new("o"), MemberId::new("m")));
        assert_eq!(actor.role, Role::Admin);
        assert_eq!(actor.credential.token_id, Some(TokenId::new("t")));
        assert_eq!(actor.credential.expires_at, Some(Timestamp(7)));
        assert_eq!(actor.client_address, Some([192, 0, 2, 1].into()));
        assert_eq!(actor.request_id.as_deref(), Some("r"));
    }
}
