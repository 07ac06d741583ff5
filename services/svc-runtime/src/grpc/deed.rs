//! Deeds as they are handed on to the audit log ([ADR 34](../../../../docs/adr/0034-deeds-of-other-services.md)).

use keyward_proto::internal::v1 as pb;
use serde_json::{Map, Value};
use svc_core::deed::Record;
use svc_core::parcel::Parcel;

/// The message of a deed that waits. What cannot be read was written by somebody else: it stays, and is said.
pub fn message(parcel: Parcel) -> Option<pb::Deed> {
    let Ok(record) = serde_json::from_str::<Record>(&parcel.data) else {
        tracing::error!(parcel.id = parcel.id, "a deed cannot be read, and is not told");
        return None;
    };
    let text = |facts: Option<Map<String, Value>>| facts.map(|facts| Value::from(facts).to_string());
    Some(pb::Deed {
        id: parcel.id,
        organization_id: parcel.of.organization_id,
        agent_id: parcel.of.agent_id,
        member_id: record.member_id,
        token_id: record.token_id,
        client_address: record.client_address,
        request_id: record.request_id,
        action: parcel.kind,
        resource_id: record.resource_id,
        resource_name: record.resource_name,
        before: text(record.before),
        after: text(record.after),
        at: Some(parcel.at.to_proto()),
    })
}
