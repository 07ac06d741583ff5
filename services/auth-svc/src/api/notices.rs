//! `NoticeService`.

use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::notice_service_server::NoticeService;
use svc_core::clock::Timestamp;
use tonic::{Request, Response, Status};

use super::{Api, actor};
use crate::domain::{AgentId, Notice, NoticeKind};

#[tonic::async_trait]
impl NoticeService for Api {
    async fn list_notices(
        &self,
        request: Request<pb::ListNoticesRequest>,
    ) -> Result<Response<pb::ListNoticesResponse>, Status> {
        let actor = actor(&request)?;
        let agent = request.into_inner().agent_id.map(AgentId::new);
        let notices = self.management.notices(&actor, agent.as_ref()).await?;
        let notices = notices.into_iter().map(|(notice, days)| wire(notice, days)).collect();
        Ok(Response::new(pb::ListNoticesResponse { notices }))
    }
}

fn wire(notice: Notice, days: i64) -> pb::Notice {
    let kind = match notice.kind {
        NoticeKind::KeyExpires => pb::NoticeKind::KeyExpires,
        NoticeKind::SecretEnds => pb::NoticeKind::SecretEnds,
    };
    pb::Notice {
        kind: kind.into(),
        key: Some(pb::NoticeKey { id: notice.key_id.into(), name: notice.key_name }),
        agent: Some(pb::AgentReference { id: notice.agent.id.into(), name: notice.agent.name }),
        secret_last4: notice.secret_last4,
        ends_at: Some(notice.ends_at.to_proto()),
        days: i32::try_from(days).unwrap_or(i32::MAX),
        last_used_at: notice.last_used_at.map(Timestamp::to_proto),
    }
}
