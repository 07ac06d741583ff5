//! `RequestLogService`.

use std::collections::HashMap;

use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::request_log_service_server::RequestLogService;
use svc_core::error::{Error, Reason};
use svc_core::ids::is_id;
use svc_runtime::grpc::status;
use tonic::{Request, Response, Status};

use super::{Api, actor, page, pagination, time};
use crate::domain::{AgentId, KeyId, LoggedRequest, OrganizationId, RequestEntry};
use crate::request_log::ToldRequest;
use crate::store::RequestFilter;
use crate::usage::operation_name;

/// The most requests in one batch.
const MAX_BATCH: usize = 1_000;
/// The longest text of an entry that is kept, in characters: more than any of ours has.
const MAX_TEXT: usize = 1_000;

#[tonic::async_trait]
impl RequestLogService for Api {
    async fn get_request(
        &self,
        request: Request<pb::GetRequestRequest>,
    ) -> Result<Response<pb::GetRequestResponse>, Status> {
        let actor = actor(&request)?;
        let found = self.management.request(&actor, &request.into_inner().request_id).await?;
        Ok(Response::new(pb::GetRequestResponse { request: Some(wire(found)) }))
    }

    async fn list_api_key_requests(
        &self,
        request: Request<pb::ListApiKeyRequestsRequest>,
    ) -> Result<Response<pb::ListApiKeyRequestsResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let filter = RequestFilter {
            agent_id: AgentId::new(request.agent_id),
            key_id: KeyId::new(request.id),
            code: request.code,
            from: time("from", request.from)?,
            to: time("to", request.to)?,
        };
        let list =
            self.management.requests(&actor, filter, page(request.limit, request.cursor, None)).await?;
        let pagination = Some(pagination(&list));
        let requests = list.items.into_iter().map(wire).collect();
        Ok(Response::new(pb::ListApiKeyRequestsResponse { requests, pagination }))
    }

    async fn record_requests(
        &self,
        request: Request<pb::RecordRequestsRequest>,
    ) -> Result<Response<pb::RecordRequestsResponse>, Status> {
        let requests = request.into_inner().requests;
        if requests.len() > MAX_BATCH {
            let error = Error::new(Reason::InvalidArgument, "There are more than 1,000 requests.");
            return Err(status::of(error));
        }
        let mut names = Names::default();
        // What is malformed is left out: it would be no better the next time.
        self.request_log
            .record(requests.into_iter().filter_map(|ended| told(ended, &mut names)).collect())
            .await?;
        Ok(Response::new(pb::RecordRequestsResponse {}))
    }
}

/// The names of the operations of a batch, which are few: by the RPC and what it needs.
#[derive(Default)]
struct Names(HashMap<(String, String), String>);

impl Names {
    fn of(&mut self, rpc: String, permission: &str) -> String {
        let name = self.0.entry((rpc, permission.to_owned())).or_insert_with_key(|(rpc, permission)| {
            let permissions: Vec<&str> = permission.split(", ").filter(|text| !text.is_empty()).collect();
            bounded(operation_name(rpc, &permissions))
        });
        name.clone()
    }
}

fn told(ended: pb::EndedRequest, names: &mut Names) -> Option<ToldRequest> {
    let (organization_id, key_id, agent_id, secret_last4) = match ended.key {
        Some(key) => (
            Some(OrganizationId::new(bounded(key.organization_id))),
            Some(KeyId::new(bounded(key.key_id))),
            key.agent_id,
            Some(bounded(key.secret_last4)),
        ),
        None => (None, None, ended.agent_id?, None),
    };
    let operation = names.of(ended.operation, &ended.permission);
    let entry = RequestEntry {
        id: Some(ended.request_id).filter(|id| is_id(id))?,
        organization_id: OrganizationId::new(""),
        agent_id: Some(AgentId::new(agent_id)).filter(AgentId::can_exist)?,
        key_id,
        secret_last4,
        client_request_id: ended.client_request_id.map(bounded),
        method: bounded(ended.method),
        route: bounded(ended.route),
        operation,
        status: ended.status,
        code: bounded(ended.code),
        permission: Some(bounded(ended.permission)).filter(|permission| !permission.is_empty()),
        message: ended.message.map(bounded),
        client_address: bounded(ended.client_address),
        duration_micros: i64::from(ended.duration_micros),
    };
    Some(ToldRequest { organization_id, entry })
}

/// PostgreSQL keeps no zero character.
fn bounded(text: String) -> String {
    match text.len() <= MAX_TEXT && !text.contains('\0') {
        true => text,
        false => text.chars().filter(|character| *character != '\0').take(MAX_TEXT).collect(),
    }
}

fn wire(request: LoggedRequest) -> pb::LoggedRequest {
    let LoggedRequest { entry, key_name, agent_name } = request;
    let at = Some(entry.at().to_proto());
    pb::LoggedRequest {
        request_id: entry.id,
        client_request_id: entry.client_request_id,
        at,
        method: entry.method,
        route: entry.route,
        operation: entry.operation,
        status: entry.status,
        code: entry.code,
        permission: entry.permission,
        client_address: entry.client_address,
        // Below 2^32, so nothing is lost.
        duration_ms: entry.duration_micros as f64 / 1_000.0,
        key: entry.key_id.map(|id| pb::ApiKeyReference { id: id.into(), name: key_name }),
        secret_last4: entry.secret_last4,
        agent: Some(pb::LoggedAgent { id: entry.agent_id.into(), name: agent_name }),
    }
}
