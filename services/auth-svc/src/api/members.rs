//! `MemberService`.

use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::member_service_server::MemberService;
use keyward_proto::policy::v1 as policy_pb;
use svc_core::error::{Fault, Violation};
use svc_core::idempotency::{Kept, Once};
use svc_runtime::replay_or_call;
use tonic::{Request, Response, Status};

use super::sessions::Told;
use super::{Api, actor, mask, page, pagination, required, role_of};
use crate::domain::{Member, MemberDraft, MemberId, MemberStatus};
use crate::error::AuthError;
use crate::management::NewLink;

#[tonic::async_trait]
impl MemberService for Api {
    async fn create_member(
        &self,
        request: Request<pb::CreateMemberRequest>,
    ) -> Result<Response<pb::CreateMemberResponse>, Status> {
        let actor = actor(&request)?;
        let call = replay_or_call!(self.management, request);
        let told = Told::of(&request);
        let once = Once::of(call, |(member, _): &(Member, NewLink)| Kept::secret(member.id.as_str()));
        let member = request.into_inner().member.unwrap_or_default();
        let name = member.name.as_deref().unwrap_or_default();
        let draft = MemberDraft::check(member.email.as_deref(), name, role_of(member.role)?)?;
        let (member, link) = self.management.create_member(&actor, draft, told.dashboard(), once).await?;
        let invite_url = Some(told.url(&link));
        let member = Some(pb::Member { invite_url, ..wire(member) });
        Ok(Response::new(pb::CreateMemberResponse { member }))
    }

    async fn list_members(
        &self,
        request: Request<pb::ListMembersRequest>,
    ) -> Result<Response<pb::ListMembersResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let page = page(request.limit, request.cursor, request.include_total);
        let list = self.management.members(&actor, page).await?;
        let pagination = Some(pagination(&list));
        let members = list.items.into_iter().map(wire).collect();
        Ok(Response::new(pb::ListMembersResponse { members, pagination }))
    }

    async fn get_member(
        &self,
        request: Request<pb::GetMemberRequest>,
    ) -> Result<Response<pb::GetMemberResponse>, Status> {
        let actor = actor(&request)?;
        let member = self.management.member(&actor, &MemberId::new(request.into_inner().id)).await?;
        Ok(Response::new(pb::GetMemberResponse { member: Some(wire(member)) }))
    }

    async fn update_member(
        &self,
        request: Request<pb::UpdateMemberRequest>,
    ) -> Result<Response<pb::UpdateMemberResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let member = request.member.unwrap_or_default();
        let paths = mask(request.update_mask, &["role", "email", "name"])?;
        let fixed: Vec<_> = paths
            .iter()
            .filter(|path| *path != "role")
            .map(|path| Violation::new(path, Fault::Immutable, format!("`{path}` cannot be changed.")))
            .collect();
        if !fixed.is_empty() {
            return Err(AuthError::Invalid(fixed).into());
        }
        let role = match paths.is_empty() {
            true => None,
            false => Some(role_of(member.role)?.ok_or_else(|| required("role"))?),
        };
        let member = self.management.update_member(&actor, MemberId::new(request.id), role).await?;
        Ok(Response::new(pb::UpdateMemberResponse { member: Some(wire(member)) }))
    }

    async fn renew_invitation(
        &self,
        request: Request<pb::RenewInvitationRequest>,
    ) -> Result<Response<pb::RenewInvitationResponse>, Status> {
        let (actor, told) = (actor(&request)?, Told::of(&request));
        let id = MemberId::new(request.into_inner().id);
        let (member, link) = self.management.renew_invitation(&actor, id, told.dashboard()).await?;
        let invite_url = Some(told.url(&link));
        let member = Some(pb::Member { invite_url, ..wire(member) });
        Ok(Response::new(pb::RenewInvitationResponse { member }))
    }

    async fn create_password_reset(
        &self,
        request: Request<pb::CreatePasswordResetRequest>,
    ) -> Result<Response<pb::CreatePasswordResetResponse>, Status> {
        let (actor, told) = (actor(&request)?, Told::of(&request));
        let id = MemberId::new(request.into_inner().id);
        let link = self.management.create_password_reset(&actor, id).await?;
        let expires_at = Some(link.link.expires_at.to_proto());
        Ok(Response::new(pb::CreatePasswordResetResponse { reset_url: told.url(&link), expires_at }))
    }

    async fn delete_member(
        &self,
        request: Request<pb::DeleteMemberRequest>,
    ) -> Result<Response<pb::DeleteMemberResponse>, Status> {
        let actor = actor(&request)?;
        self.management.remove_member(&actor, MemberId::new(request.into_inner().id)).await?;
        Ok(Response::new(pb::DeleteMemberResponse {}))
    }
}

fn wire(member: Member) -> pb::Member {
    pb::Member {
        id: member.id.into(),
        email: Some(member.email),
        name: Some(member.name),
        role: policy_pb::Role::from(member.role).into(),
        created_at: Some(member.created_at.to_proto()),
        updated_at: Some(member.updated_at.to_proto()),
        status: match member.status {
            MemberStatus::Invited => pb::MemberStatus::Invited,
            MemberStatus::Active => pb::MemberStatus::Active,
        }
        .into(),
        invite_url: None,
        invite_expires_at: member.invited_until.map(|at| at.to_proto()),
        last_seen_at: member.last_seen_at.map(|at| at.to_proto()),
    }
}
