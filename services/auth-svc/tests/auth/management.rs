//! Agents, keys, members and tokens.

use std::collections::BTreeSet;
use svc_runtime::service::Service;

use auth_svc::Config;
use auth_svc::setup::{self, SetupError};
use keyward_proto::auth::v1 as pb;
use keyward_proto::policy::v1::{Role, Versions};
use svc_core::error::{Fault, Reason};
use svc_core::principal::Principal;
use svc_db::testing::TestEnvironment;

use crate::harness::{Auth, call, error, request};

#[tokio::test]
async fn an_installation_is_set_up_once() {
    for (engine, home) in TestEnvironment::each().await {
        let auth = Auth::at(home, &Config::default()).await;
        let again = setup::run(&auth.service, &request()).await;
        assert!(matches!(again, Err(SetupError::AlreadySetUp)), "{engine}");
    }
}

#[tokio::test]
async fn what_belongs_to_another_organization_does_not_exist() {
    for (engine, auth) in Auth::each().await {
        let (key, _) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
        let stranger =
            Principal { organization_id: "65f0c0ffee65f0c0ffee65f0".into(), ..(*auth.owner()).clone() };
        let by = std::sync::Arc::new(stranger);
        let (agent_id, id) = (auth.first.agent_id.clone(), key.id.clone());
        let member_id = auth.first.member_id.clone();

        let get = pb::GetApiKeyRequest { agent_id: agent_id.clone(), id: id.clone() };
        let update = pb::UpdateApiKeyRequest {
            agent_id: agent_id.clone(),
            id: id.clone(),
            ..pb::UpdateApiKeyRequest::default()
        };
        let delete = pb::DeleteApiKeyRequest { agent_id: agent_id.clone(), id: id.clone(), if_match: None };
        let create = pb::CreateApiKeyRequest {
            agent_id: agent_id.clone(),
            name: Some("x".into()),
            permissions: vec!["contacts:read".into()],
            ..pb::CreateApiKeyRequest::default()
        };
        let of_agent = pb::ListApiKeysRequest { agent_id: Some(agent_id.clone()), ..Default::default() };
        let update_agent =
            pb::UpdateAgentRequest { agent_id: agent_id.clone(), ..pb::UpdateAgentRequest::default() };
        let update_member = pb::UpdateMemberRequest { id: member_id.clone(), ..Default::default() };
        let reasons = [
            error(auth.keys().get_api_key(call(&by, get)).await).reason,
            error(auth.keys().update_api_key(call(&by, update)).await).reason,
            error(auth.keys().delete_api_key(call(&by, delete)).await).reason,
            error(auth.keys().create_api_key(call(&by, create)).await).reason,
            error(auth.keys().list_api_keys(call(&by, of_agent)).await).reason,
            error(
                auth.agents().get_agent(call(&by, pb::GetAgentRequest { agent_id: agent_id.clone() })).await,
            )
            .reason,
            error(auth.agents().update_agent(call(&by, update_agent)).await).reason,
            error(auth.agents().delete_agent(call(&by, pb::DeleteAgentRequest { agent_id })).await).reason,
            error(auth.members().get_member(call(&by, pb::GetMemberRequest { id: member_id.clone() })).await)
                .reason,
            error(auth.members().update_member(call(&by, update_member)).await).reason,
            error(auth.members().delete_member(call(&by, pb::DeleteMemberRequest { id: member_id })).await)
                .reason,
        ];
        assert!(reasons.iter().all(|r| *r == Reason::NotFound), "{engine}: {reasons:?}");

        let keys = auth.keys().list_api_keys(call(&by, pb::ListApiKeysRequest::default())).await;
        let agents = auth.agents().list_agents(call(&by, pb::ListAgentsRequest::default())).await;
        let members = auth.members().list_members(call(&by, pb::ListMembersRequest::default())).await;
        let tokens = auth.tokens().list_tokens(call(&by, pb::ListTokensRequest::default())).await;
        assert!(keys.unwrap().into_inner().keys.is_empty(), "{engine}");
        assert!(agents.unwrap().into_inner().agents.is_empty(), "{engine}");
        assert!(members.unwrap().into_inner().members.is_empty(), "{engine}");
        assert!(tokens.unwrap().into_inner().tokens.is_empty(), "{engine}");
    }
}

#[tokio::test]
async fn lists_page_through_everything_once() {
    for (engine, auth) in Auth::each().await {
        for _ in 0..6 {
            auth.create_key(&auth.owner(), &["contacts:read"]).await;
        }
        let mut seen = BTreeSet::new();
        let mut cursor = None;
        let mut pages = 0;
        loop {
            let list = pb::ListApiKeysRequest {
                limit: Some(3),
                cursor: cursor.clone(),
                include_total: Some(true),
                ..pb::ListApiKeysRequest::default()
            };
            let page = auth.keys().list_api_keys(call(&auth.owner(), list)).await.unwrap().into_inner();
            let pagination = page.pagination.unwrap();
            assert_eq!((pagination.limit, pagination.total), (3, Some(7)), "{engine}");
            assert_eq!(pagination.has_more, pagination.next_cursor.is_some());
            seen.extend(page.keys.into_iter().map(|key| key.id));
            pages += 1;
            cursor = pagination.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((seen.len(), pages), (7, 3), "{engine}");

        for (limit, cursor, reason) in [
            (Some(0), None, Reason::InvalidArgument),
            (Some(101), None, Reason::InvalidArgument),
            (Some(-1), None, Reason::InvalidArgument),
            (None, Some("nonsense".to_owned()), Reason::InvalidCursor),
        ] {
            let list = pb::ListApiKeysRequest { limit, cursor, ..pb::ListApiKeysRequest::default() };
            assert_eq!(error(auth.keys().list_api_keys(call(&auth.owner(), list)).await).reason, reason);
        }
    }
}

#[tokio::test]
async fn keys_are_found_by_text_and_status() {
    for (engine, auth) in Auth::each().await {
        let find = async |search: Option<&str>, status: pb::ApiKeyStatus| {
            let list = pb::ListApiKeysRequest {
                search: search.map(str::to_owned),
                status: status.into(),
                ..pb::ListApiKeysRequest::default()
            };
            auth.keys().list_api_keys(call(&auth.owner(), list)).await.unwrap().into_inner().keys.len()
        };
        for (search, status, count) in [
            (Some("FIRST"), pb::ApiKeyStatus::Unspecified, 1),
            (Some("%"), pb::ApiKeyStatus::Unspecified, 0),
            (Some("_irst"), pb::ApiKeyStatus::Unspecified, 0),
            (Some("kw_live_"), pb::ApiKeyStatus::Unspecified, 1),
            (None, pb::ApiKeyStatus::Active, 1),
            (None, pb::ApiKeyStatus::Disabled, 0),
            (None, pb::ApiKeyStatus::Expired, 0),
        ] {
            assert_eq!(find(search, status).await, count, "{engine}: {search:?} {status:?}");
        }
    }
}

#[tokio::test]
async fn changes_of_a_key_count_its_versions() {
    for (engine, auth) in Auth::each().await {
        let (key, _) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
        let update = |name: &str, paths: &[&str], version: Option<i32>| pb::UpdateApiKeyRequest {
            agent_id: auth.first.agent_id.clone(),
            id: key.id.clone(),
            key: Some(pb::ApiKey { name: name.to_owned(), ..pb::ApiKey::default() }),
            update_mask: Some(prost_types::FieldMask {
                paths: paths.iter().map(|&p| p.to_owned()).collect(),
            }),
            if_match: version.map(|version| Versions { any: false, versions: vec![version] }),
        };
        let owner = auth.owner();
        let send = async |update| auth.keys().update_api_key(call(&owner, update)).await;
        let version = |response: Result<tonic::Response<pb::UpdateApiKeyResponse>, tonic::Status>| {
            let key = response.unwrap().into_inner().key.unwrap();
            (key.name, key.version)
        };
        assert_eq!(
            version(send(update("Renamed", &["name"], Some(1))).await),
            ("Renamed".into(), 2),
            "{engine}"
        );
        assert_eq!(
            version(send(update("Renamed", &["name"], None)).await),
            ("Renamed".into(), 2),
            "the same again"
        );
        assert_eq!(version(send(update("x", &[], None)).await), ("Renamed".into(), 2), "nothing named");
        assert_eq!(error(send(update("x", &["name"], Some(1))).await).reason, Reason::PreconditionFailed);
        assert_eq!(error(send(update("  ", &["name"], None)).await).violations[0].fault, Fault::Required);
        for fixed in ["api_key", "agent", "id", "status", "nonsense"] {
            assert_eq!(
                error(send(update("x", &[fixed], None)).await).violations[0].fault,
                Fault::Immutable,
                "{fixed}"
            );
        }
    }
}

#[tokio::test]
async fn roles_decide_who_manages_members() {
    for (engine, auth) in Auth::each().await {
        let admin = auth.create_member("admin@example.com", Role::Admin).await;
        let user = auth.create_member("User@Example.com", Role::User).await;
        let by_admin = auth.member(&admin.id, Role::Admin);
        let by_user = auth.member(&user.id, Role::User);
        let add = |email: &str, role: Role| {
            let member = pb::Member { email: Some(email.into()), role: role.into(), ..pb::Member::default() };
            pb::CreateMemberRequest { member: Some(member) }
        };
        let remove = |id: &str| pb::DeleteMemberRequest { id: id.to_owned() };

        let by =
            error(auth.members().create_member(call(&by_admin, add("x@example.com", Role::Admin))).await);
        assert_eq!(by.reason, Reason::RoleRequired, "{engine}");
        let by = error(auth.members().create_member(call(&by_user, add("x@example.com", Role::User))).await);
        assert_eq!(by.reason, Reason::PermissionDenied, "{engine}: the guard");
        let by =
            error(auth.members().create_member(call(&auth.owner(), add("x@example.com", Role::Owner))).await);
        assert_eq!(by.reason, Reason::RoleRequired, "{engine}");
        let taken =
            error(auth.members().create_member(call(&by_admin, add("USER@example.com", Role::User))).await);
        assert_eq!(
            (taken.reason, taken.existing_id),
            (Reason::AlreadyExists, Some(user.id.clone())),
            "{engine}"
        );
        let nobody =
            error(auth.members().delete_member(call(&auth.owner(), remove(&auth.first.member_id))).await);
        assert_eq!(nobody.reason, Reason::RoleRequired, "{engine}");

        auth.members().delete_member(call(&by_admin, remove(&user.id))).await.unwrap();
        let again = error(auth.members().delete_member(call(&by_admin, remove(&user.id))).await);
        assert_eq!(again.reason, Reason::NotFound, "{engine}");
        auth.create_member("user@example.com", Role::User).await;
    }
}

#[tokio::test]
async fn internal_calls_need_their_own_credential() {
    let auth = Auth::at(TestEnvironment::sqlite(), &Config::default()).await;
    let upstream = auth.service.handlers().in_process("auth", &auth.home.environment.metrics).unwrap();
    let mut client = pb::authorization_service_client::AuthorizationServiceClient::new(upstream);
    let request = auth.read_contacts(&auth.first.api_key, auth.first.api_secret.expose());
    let refused = client.authorize(request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unauthenticated);
}

#[tokio::test]
async fn that_an_agent_is_gone_is_told_with_its_deletion() {
    for (engine, auth) in Auth::each().await {
        let owner = auth.owner();
        let delete = |id: &str| call(&owner, pb::DeleteAgentRequest { agent_id: id.to_owned() });
        // What is refused is not told.
        auth.agents().delete_agent(delete("65f0c0ffee65f0c0ffee65f9")).await.unwrap_err();
        assert_eq!(auth.erasures().await, [], "{engine}");
        auth.agents().delete_agent(delete(&auth.first.agent_id)).await.unwrap();
        let [told] = auth.erasures().await.try_into().unwrap();
        assert_eq!(
            (told.organization_id.as_str(), told.agent_id.as_str(), told.agent),
            (auth.first.organization_id.as_str(), auth.first.agent_id.as_str(), true),
            "{engine}"
        );
        assert_eq!(told.contact_file_ids, Vec::<String>::new(), "{engine}");
        auth.forget_erasures(&[&told.id, "65f0c0ffee65f0c0ffee65f9"]).await;
        assert_eq!(auth.erasures().await, [], "{engine}");
        auth.service.close().await;
    }
}
