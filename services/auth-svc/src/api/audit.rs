//! `AuditService`.

use futures::stream::{self, TryStreamExt};
use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::audit_service_server::AuditService;
use keyward_proto::value::Value;
use svc_core::error::{Fault, Violation};
use svc_core::json::Json;
use svc_core::json::value;
use svc_core::wire::Writer;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

use super::{Api, actor, pagination, time};
use crate::audit::Entry;
use crate::error::AuthError;
use crate::store::AuditFilter;

#[tonic::async_trait]
impl AuditService for Api {
    async fn list_audit_entries(
        &self,
        request: Request<pb::ListAuditEntriesRequest>,
    ) -> Result<Response<pb::ListAuditEntriesResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let filter = AuditFilter {
            // Whose entries the caller may read is no part of the request.
            member: None,
            actor: request.actor,
            action: request.action,
            resource_type: request.resource_type,
            resource_id: request.resource_id,
            from: time("from", request.from)?,
            to: time("to", request.to)?,
        };
        let cursor = request.cursor.as_deref();
        let list = self.management.audit_entries(&actor, filter, request.limit, cursor).await?;
        let pagination = Some(pagination(&list));
        let entries = list.items.into_iter().map(wire).collect();
        Ok(Response::new(pb::ListAuditEntriesResponse { entries, pagination }))
    }

    async fn export_audit_log(
        &self,
        request: Request<pb::ExportAuditLogRequest>,
    ) -> Result<Response<BoxStream<pb::ExportAuditLogResponse>>, Status> {
        let actor = actor(&request)?;
        let after = request.into_inner().after.unwrap_or(0);
        if after < 0 {
            let message = "`after` must be 0 or more.";
            let violation = Violation::new("after", Fault::OutOfRange, message);
            return Err(AuthError::Invalid(vec![violation]).into());
        }
        // A few entries at a time, as they are read: a log of any length takes the same memory.
        let management = self.management.clone();
        let parts = stream::try_unfold(Some(i64::from(after)), move |after| {
            let (management, actor) = (management.clone(), actor.clone());
            async move {
                let Some(after) = after else { return Ok(None) };
                let entries = management.audit_chain(&actor, after).await?;
                let next = entries.last().map(|last| last.sequence);
                let line = |entry| Ok(pb::ExportAuditLogResponse { entry: Some(wire(entry)) });
                let entries = stream::iter(entries.into_iter().map(line));
                Ok::<_, Status>(next.map(|next| (entries, Some(next))))
            }
        });
        Ok(Response::new(Box::pin(parts.try_flatten())))
    }
}

fn wire(entry: Entry) -> pb::AuditEntry {
    let kind = match entry.who.kind.as_str() {
        "MEMBER" => pb::AuditActorKind::Member,
        "TOKEN" => pb::AuditActorKind::Token,
        "API_KEY" => pb::AuditActorKind::ApiKey,
        "SYSTEM" => pb::AuditActorKind::System,
        _ => pb::AuditActorKind::Unspecified,
    };
    let status = match entry.status.as_str() {
        "SUCCESS" => pb::AuditStatus::Success,
        "FAILURE" => pb::AuditStatus::Failure,
        _ => pb::AuditStatus::Unspecified,
    };
    let name = entry.who.member_name.unwrap_or_default();
    let member = entry.who.member_id.map(|id| pb::MemberReference { id, name });
    pb::AuditEntry {
        id: entry.id,
        at: Some(entry.at.to_proto()),
        actor: Some(pb::AuditActor { kind: kind.into(), id: entry.who.id, name: entry.who.name, member }),
        action: entry.action,
        resource: Some(pb::AuditResource {
            r#type: entry.resource_type,
            id: entry.resource.id,
            name: entry.resource.name,
        }),
        description: entry.description,
        status: status.into(),
        client_address: entry.origin.client_address,
        request_id: entry.origin.request_id,
        before: entry.before.as_deref().map(json),
        after: entry.after.as_deref().map(json),
        organization_id: entry.organization_id.into(),
        sequence: i32::try_from(entry.sequence).unwrap_or(i32::MAX),
        previous_hash: entry.previous_hash.to_hex(),
        hash: entry.hash.to_hex(),
    }
}

/// The JSON of an entry. What somebody else has written there and is no JSON is nothing.
fn json(text: &str) -> Value {
    let mut out = Writer::with_capacity(text.len() * 2);
    match Json::new(text.as_bytes()).and_then(|mut json| value::read(&mut json, &mut out)) {
        Ok(()) => Value::from_wire(out.finish()),
        Err(_) => Value::default(),
    }
}
