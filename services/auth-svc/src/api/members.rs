//! `MemberService`.

use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::member_service_server::MemberService;
use svc_core::error::{Error, Fault, Violation};
use tonic::{Request, Response, Status};

use super::{Api, actor, mask, page, pagination, required, role_of, role_to_wire};
use crate::domain::{Member, MemberDraft};

#[tonic::async_trait]
impl MemberService for Api {
    async fn create_member(
        &self,
        request: Request<pb::CreateMemberRequest>,
    ) -> Result<Response<pb::CreateMemberResponse>, Status> {
        let actor = actor(&request)?;
        let member = request.into_inner().member.unwrap_or_default();
        let name = member.name.as_deref().unwrap_or_default();
        let draft = MemberDraft::check(member.email.as_deref(), name, role_of(member.role)?)?;
        let member = self.management.create_member(actor, draft).await?;
        Ok(Response::new(pb::CreateMemberResponse { member: Some(wire(member)) }))
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
        let member = self.management.member(&actor, &request.into_inner().id).await?;
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
            return Err(Error::invalid(fixed).into());
        }
        let role = match paths.is_empty() {
            true => None,
            false => Some(role_of(member.role)?.ok_or_else(|| required("role"))?),
        };
        let member = self.management.update_member(actor, request.id, role).await?;
        Ok(Response::new(pb::UpdateMemberResponse { member: Some(wire(member)) }))
    }

    async fn delete_member(
        &self,
        request: Request<pb::DeleteMemberRequest>,
    ) -> Result<Response<pb::DeleteMemberResponse>, Status> {
        let actor = actor(&request)?;
        self.management.remove_member(actor, request.into_inner().id).await?;
        Ok(Response::new(pb::DeleteMemberResponse {}))
    }
}

fn wire(member: Member) -> pb::Member {
    pb::Member {
        id: member.id,
        email: Some(member.email),
        name: Some(member.name),
        role: role_to_wire(member.role).into(),
        created_at: Some(member.created_at.to_proto()),
        updated_at: Some(member.updated_at.to_proto()),
    }
}
