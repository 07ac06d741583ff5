//! `AgentService`.

use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::agent_service_server::AgentService;
use svc_core::error::{Fault, Violation};
use svc_core::idempotency::Once;
use svc_runtime::grpc::idempotency::kept;
use svc_runtime::replay_or_call;
use tonic::{Request, Response, Status};

use super::{Api, actor, invalid, mask, page, pagination, required};
use crate::domain::{Agent, AgentId, AgentMode};
use crate::error::AuthError;

#[tonic::async_trait]
impl AgentService for Api {
    async fn create_agent(
        &self,
        request: Request<pb::CreateAgentRequest>,
    ) -> Result<Response<pb::CreateAgentResponse>, Status> {
        let actor = actor(&request)?;
        let call = replay_or_call!(self.management, request);
        let made = |agent: &Agent| pb::CreateAgentResponse { agent: Some(wire(agent.clone())) };
        let once = Once::of(call, move |agent: &Agent| kept(&made(agent), agent.id.as_str()));
        let agent = request.into_inner().agent.unwrap_or_default();
        let mode = mode_of(agent.mode)?.unwrap_or(AgentMode::Live);
        let agent = self.management.create_agent(&actor, agent.name.as_deref(), mode, once).await?;
        Ok(Response::new(made(&agent)))
    }

    async fn list_agents(
        &self,
        request: Request<pb::ListAgentsRequest>,
    ) -> Result<Response<pb::ListAgentsResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let page = page(request.limit, request.cursor, request.include_total);
        let list = self.management.agents(&actor, page).await?;
        let pagination = Some(pagination(&list));
        let agents = list.items.into_iter().map(wire).collect();
        Ok(Response::new(pb::ListAgentsResponse { agents, pagination }))
    }

    async fn get_agent(
        &self,
        request: Request<pb::GetAgentRequest>,
    ) -> Result<Response<pb::GetAgentResponse>, Status> {
        let actor = actor(&request)?;
        let agent = self.management.agent(&actor, &AgentId::new(request.into_inner().agent_id)).await?;
        Ok(Response::new(pb::GetAgentResponse { agent: Some(wire(agent)) }))
    }

    async fn update_agent(
        &self,
        request: Request<pb::UpdateAgentRequest>,
    ) -> Result<Response<pb::UpdateAgentResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let agent = request.agent.unwrap_or_default();
        let paths = mask(request.update_mask, &["name", "mode"])?;
        if paths.iter().any(|path| path == "mode") {
            let violation = Violation::new("mode", Fault::Immutable, "`mode` is fixed at creation.");
            return Err(AuthError::Invalid(vec![violation]).into());
        }
        let name = paths.iter().any(|path| path == "name").then_some(agent.name);
        let agent = self.management.update_agent(&actor, AgentId::new(request.agent_id), name).await?;
        Ok(Response::new(pb::UpdateAgentResponse { agent: Some(wire(agent)) }))
    }

    async fn delete_agent(
        &self,
        request: Request<pb::DeleteAgentRequest>,
    ) -> Result<Response<pb::DeleteAgentResponse>, Status> {
        let actor = actor(&request)?;
        let id = request.into_inner().agent_id;
        if id.is_empty() {
            return Err(required("agentId").into());
        }
        self.management.delete_agent(&actor, AgentId::new(id)).await?;
        Ok(Response::new(pb::DeleteAgentResponse {}))
    }
}

fn mode_of(number: i32) -> Result<Option<AgentMode>, AuthError> {
    match pb::AgentMode::try_from(number) {
        Ok(pb::AgentMode::Unspecified) => Ok(None),
        Ok(pb::AgentMode::Live) => Ok(Some(AgentMode::Live)),
        Ok(pb::AgentMode::Test) => Ok(Some(AgentMode::Test)),
        Err(_) => Err(invalid("mode", "`mode` is LIVE or TEST.")),
    }
}

fn wire(agent: Agent) -> pb::Agent {
    let mode = match agent.mode {
        AgentMode::Live => pb::AgentMode::Live,
        AgentMode::Test => pb::AgentMode::Test,
    };
    pb::Agent {
        id: agent.id.into(),
        name: Some(agent.name),
        mode: mode.into(),
        created_at: Some(agent.created_at.to_proto()),
        updated_at: Some(agent.updated_at.to_proto()),
    }
}
