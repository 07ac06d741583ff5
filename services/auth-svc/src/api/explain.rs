//! `ApiKeyService.ExplainApiKey`: what is asked, and what is answered.

use keyward_proto::auth::v1 as pb;
use svc_core::address::canonical;
use svc_core::error::{Fault, Violation};
use svc_core::ids::is_id;

use super::time;
use crate::check::{DescribedRequest, Explanation, RowResult};
use crate::domain::AgentId;
use crate::error::AuthError;
use crate::management::ToExplain;

/// What is to be explained. Names every field that is wrong.
pub(super) fn asked(request: pb::ExplainApiKeyRequest) -> Result<ToExplain, AuthError> {
    let pb::ExplainApiKeyRequest { address, agent, permission, at, request_id, .. } = request;
    let mut violations = Vec::new();
    if let Some(request_id) = request_id {
        let others = [
            ("address", address.is_some()),
            ("agent", agent.is_some()),
            ("permission", permission.is_some()),
            ("at", at.is_some()),
        ];
        for (field, _) in others.into_iter().filter(|(_, is_set)| *is_set) {
            let message = format!("`{field}` cannot be set with `requestId`.");
            violations.push(Violation::new(field, Fault::Invalid, message));
        }
        return match violations.is_empty() {
            true => Ok(ToExplain::Logged(request_id)),
            false => Err(AuthError::Invalid(violations)),
        };
    }
    let mut given = |field: &str, value: Option<String>| {
        if value.is_none() {
            let message = format!("`{field}` is required without `requestId`.");
            violations.push(Violation::new(field, Fault::Required, message));
        }
        value
    };
    let (address, agent, permission) =
        (given("address", address), given("agent", agent), given("permission", permission));
    let client = address.and_then(|address| match address.parse() {
        Ok(address) => Some(canonical(address)),
        Err(_) => {
            let message = "`address` is neither an IPv4 nor an IPv6 address.";
            violations.push(Violation::new("address", Fault::Invalid, message));
            None
        }
    });
    if agent.as_deref().is_some_and(|agent| !is_id(agent)) {
        let message = "`agent` is not an id: 24 lowercase hex characters.";
        violations.push(Violation::new("agent", Fault::Invalid, message));
    }
    let at = match time("at", at) {
        Err(AuthError::Invalid(more)) => {
            violations.extend(more);
            None
        }
        other => other?,
    };
    match (client, agent, permission) {
        (Some(client), Some(agent), Some(permission)) if violations.is_empty() => {
            Ok(ToExplain::Described(DescribedRequest { client, agent: AgentId::new(agent), permission, at }))
        }
        _ => Err(AuthError::Invalid(violations)),
    }
}

pub(super) fn wire(explanation: Explanation, request_id: Option<String>) -> pb::ExplainApiKeyResponse {
    let Explanation { refused, rows, at } = explanation;
    let rows = rows.into_iter().map(|(reason, result)| {
        let (result, why) = match result {
            RowResult::Passed => ("passed", None),
            RowResult::Failed(why) => ("failed", Some(why)),
            RowResult::NotReached => ("not_reached", None),
        };
        pb::ExplainedRow { code: reason.code().to_owned(), result: result.to_owned(), reason: why }
    });
    let rows = rows.collect();
    let rule = refused.as_ref().map(|(row, _)| row.setting()).unwrap_or_default().to_owned();
    let code = refused.as_ref().map(|(row, _)| row.reason().code().to_owned());
    let message = refused.map(|(_, told)| told).unwrap_or_default();
    pb::ExplainApiKeyResponse {
        allowed: code.is_none(),
        code,
        rule,
        message,
        rows,
        at: Some(at.to_proto()),
        request_id,
    }
}
