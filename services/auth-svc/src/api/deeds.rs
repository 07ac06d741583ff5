//! `AuditedDeedService`. Only other parts of Keyward reach it.

use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::audited_deed_service_server::AuditedDeedService;
use keyward_proto::internal::v1 as internal_pb;
use serde_json::{Map, Value};
use svc_core::clock::Timestamp;
use svc_core::error::{Fault, Violation};
use svc_core::ids::is_id;
use tonic::{Request, Response, Status};

use super::Api;
use crate::audit::{Action, Elsewhere, Facts, Origin, Resource, Told};
use crate::domain::{MemberId, OrganizationId, TokenId};
use crate::error::AuthError;

/// The most deeds of one call.
const MOST: i32 = 100;
/// The most bytes of what something is told to be before or after.
const MAX_FACTS: usize = 16 * 1024;

#[tonic::async_trait]
impl AuditedDeedService for Api {
    async fn record_deeds(
        &self,
        request: Request<pb::RecordDeedsRequest>,
    ) -> Result<Response<pb::RecordDeedsResponse>, Status> {
        let deeds = request.into_inner().deeds;
        if deeds.len() > MOST.unsigned_abs() as usize {
            return Err(AuthError::Invalid(vec![Violation::out_of_range("deeds", 0..=MOST)]).into());
        }
        let told = deeds.into_iter().enumerate().map(|(at, deed)| read(at, deed));
        self.management.record_deeds(told.collect::<Result<_, _>>()?).await?;
        Ok(Response::new(pb::RecordDeedsResponse {}))
    }
}

/// What other services hand in is checked as what anybody does: it stays for good.
fn read(place: usize, deed: internal_pb::Deed) -> Result<Told, AuthError> {
    let bad = |field: &str| {
        let message = "It is none that another service may tell of.";
        AuthError::Invalid(vec![Violation::new(format!("deeds[{place}].{field}"), Fault::Invalid, message)])
    };
    for (field, id) in [
        ("id", Some(&deed.id)),
        ("organizationId", Some(&deed.organization_id)),
        // Empty for what all agents share.
        ("agentId", Some(&deed.agent_id).filter(|id| !id.is_empty())),
        ("memberId", Some(&deed.member_id)),
        ("tokenId", deed.token_id.as_ref()),
        ("resourceId", deed.resource_id.as_ref()),
    ] {
        if id.is_some_and(|id| !is_id(id)) {
            return Err(bad(field));
        }
    }
    let facts = |field: &str, text: Option<String>| {
        let Some(text) = text else { return Ok(None) };
        let facts = (text.len() <= MAX_FACTS).then(|| serde_json::from_str::<Map<String, Value>>(&text));
        facts.and_then(Result::ok).map(|facts| Some(Facts::told(facts))).ok_or_else(|| bad(field))
    };
    Ok(Told {
        by: Elsewhere {
            id: deed.id,
            agent_id: Some(deed.agent_id).filter(|id| !id.is_empty()),
            organization_id: OrganizationId::new(deed.organization_id),
            member_id: MemberId::new(deed.member_id),
            token_id: deed.token_id.map(TokenId::new),
            origin: Origin { client_address: deed.client_address, request_id: deed.request_id },
            at: deed.at.as_ref().and_then(Timestamp::from_proto).ok_or_else(|| bad("at"))?,
        },
        action: Action::of_other_service(&deed.action).ok_or_else(|| bad("action"))?,
        resource: Resource { id: deed.resource_id, name: deed.resource_name },
        before: facts("before", deed.before)?,
        after: facts("after", deed.after)?,
    })
}
