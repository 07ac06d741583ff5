//! `ApiKeyService`.

use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::api_key_service_server::ApiKeyService;
use svc_core::clock::Timestamp;
use svc_core::error::Error;
use svc_core::grpc::caller;
use svc_core::principal::{self, Subject};
use tonic::{Request, Response, Status};

use super::{Api, actor, invalid, mask, page, pagination, time};
use crate::domain::{Key, KeyChange, KeyDraft, KeyStatus, LimitsAsked};
use crate::limits::WindowState;
use crate::management::keys::KeySearch;

/// The settings that a change may name.
const CHANGEABLE: [&str; 6] =
    ["name", "description", "permissions", "rate_limits", "allowed_ips", "expires_at"];

#[tonic::async_trait]
impl ApiKeyService for Api {
    async fn create_api_key(
        &self,
        request: Request<pb::CreateApiKeyRequest>,
    ) -> Result<Response<pb::CreateApiKeyResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let draft = KeyDraft {
            name: request.name,
            description: request.description.unwrap_or_default(),
            permissions: request.permissions,
            rate_limits: limits_asked(request.rate_limits, |_| true),
            allowed_ips: request.allowed_ips,
            expires_at: time("expiresAt", request.expires_at)?,
        };
        let (key, secret) = self.management.create_key(actor, request.agent_id, draft).await?;
        let now = self.now();
        let secret = secret.expose().to_owned();
        Ok(Response::new(pb::CreateApiKeyResponse { key: Some(wire(key, now)), secret }))
    }

    async fn list_api_keys(
        &self,
        request: Request<pb::ListApiKeysRequest>,
    ) -> Result<Response<pb::ListApiKeysResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        if request.unused_days.is_some() {
            return Err(Error::unimplemented("The filter `unusedDays`").into());
        }
        let status = status_of(request.status)?;
        let search = KeySearch { agent_id: request.agent_id, search: request.search, status };
        let page = page(request.limit, request.cursor, request.include_total);
        let list = self.management.keys(&actor, search, page).await?;
        let now = self.now();
        let pagination = Some(pagination(&list));
        let keys = list.items.into_iter().map(|key| wire(key, now)).collect();
        Ok(Response::new(pb::ListApiKeysResponse { keys, pagination }))
    }

    async fn get_api_key(
        &self,
        request: Request<pb::GetApiKeyRequest>,
    ) -> Result<Response<pb::GetApiKeyResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let key = self.management.key(&actor, &request.agent_id, &request.id).await?;
        Ok(Response::new(pb::GetApiKeyResponse { key: Some(wire(key, self.now())) }))
    }

    async fn update_api_key(
        &self,
        request: Request<pb::UpdateApiKeyRequest>,
    ) -> Result<Response<pb::UpdateApiKeyResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let key = request.key.unwrap_or_default();
        let paths = mask(request.update_mask, &CHANGEABLE)?;
        let named = |name: &str| paths.iter().any(|path| path == name);
        let change = KeyChange {
            name: named("name").then_some(key.name),
            description: named("description").then_some(key.description),
            permissions: named("permissions").then_some(key.permissions),
            rate_limits: limits_asked(key.rate_limits, |limit| {
                named("rate_limits") || named(&format!("rate_limits.{limit}"))
            }),
            allowed_ips: named("allowed_ips").then_some(key.allowed_ips),
            expires_at: match named("expires_at") {
                true => Some(time("expiresAt", key.expires_at)?),
                false => None,
            },
        };
        let expected = request.expected_version;
        let key = self.management.update_key(actor, request.agent_id, request.id, change, expected).await?;
        Ok(Response::new(pb::UpdateApiKeyResponse { key: Some(wire(key, self.now())) }))
    }

    async fn delete_api_key(
        &self,
        request: Request<pb::DeleteApiKeyRequest>,
    ) -> Result<Response<pb::DeleteApiKeyResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let expected = request.expected_version;
        self.management.delete_key(actor, request.agent_id, request.id, expected).await?;
        Ok(Response::new(pb::DeleteApiKeyResponse {}))
    }

    async fn get_current_key(
        &self,
        request: Request<pb::GetCurrentKeyRequest>,
    ) -> Result<Response<pb::GetCurrentKeyResponse>, Status> {
        let principal = principal::of(&request)?;
        let Subject::Key(id) = &principal.subject else { return Err(Error::not_found("API key").into()) };
        let client_address = caller::client_address(request.metadata().as_ref());
        let key = self.management.own_key(&principal.organization_id, id).await?;
        let windows = self.management.checker.windows(&key).await?;
        let window = |state: WindowState| pb::Window {
            limit: int(state.limit),
            remaining: int(state.remaining),
            reset_seconds: int(state.reset_seconds),
        };
        let windows = pb::Windows { minute: Some(window(windows.minute)), hour: Some(window(windows.hour)) };
        let key = wire(key, self.now());
        Ok(Response::new(pb::GetCurrentKeyResponse {
            api_key: key.api_key,
            name: key.name,
            agent: key.agent,
            permissions: key.effective_permissions,
            rate_limits: key.rate_limits,
            windows: Some(windows),
            expires_at: key.expires_at,
            client_address: client_address.map(|address| address.to_string()).unwrap_or_default(),
        }))
    }

    async fn rotate_api_key(
        &self,
        request: Request<pb::RotateApiKeyRequest>,
    ) -> Result<Response<pb::RotateApiKeyResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let overlap = request.overlap_seconds.unwrap_or(0);
        let (key, secret) = self.management.rotate_key(actor, request.agent_id, request.id, overlap).await?;
        let secret = secret.expose().to_owned();
        Ok(Response::new(pb::RotateApiKeyResponse { key: Some(wire(key, self.now())), secret }))
    }

    async fn end_overlap(
        &self,
        request: Request<pb::EndOverlapRequest>,
    ) -> Result<Response<pb::EndOverlapResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let key = self.management.end_overlap(actor, request.agent_id, request.id).await?;
        Ok(Response::new(pb::EndOverlapResponse { key: Some(wire(key, self.now())) }))
    }

    async fn disable_api_key(
        &self,
        request: Request<pb::DisableApiKeyRequest>,
    ) -> Result<Response<pb::DisableApiKeyResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let key = self.management.set_disabled(actor, request.agent_id, request.id, true).await?;
        Ok(Response::new(pb::DisableApiKeyResponse { key: Some(wire(key, self.now())) }))
    }

    async fn enable_api_key(
        &self,
        request: Request<pb::EnableApiKeyRequest>,
    ) -> Result<Response<pb::EnableApiKeyResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let key = self.management.set_disabled(actor, request.agent_id, request.id, false).await?;
        Ok(Response::new(pb::EnableApiKeyResponse { key: Some(wire(key, self.now())) }))
    }
}

impl Api {
    fn now(&self) -> Timestamp {
        self.management.environment.clock.now()
    }
}

/// The limits of a message, of which `named` says which are meant.
fn limits_asked(limits: Option<pb::RateLimits>, named: impl Fn(&str) -> bool) -> LimitsAsked {
    let limits = limits.unwrap_or_default();
    LimitsAsked {
        per_minute: named("per_minute").then_some(limits.per_minute),
        per_hour: named("per_hour").then_some(limits.per_hour),
    }
}

fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn status_of(number: i32) -> Result<Option<KeyStatus>, Error> {
    match pb::ApiKeyStatus::try_from(number) {
        Ok(pb::ApiKeyStatus::Unspecified) => Ok(None),
        Ok(pb::ApiKeyStatus::Active) => Ok(Some(KeyStatus::Active)),
        Ok(pb::ApiKeyStatus::Disabled) => Ok(Some(KeyStatus::Disabled)),
        Ok(pb::ApiKeyStatus::Expired) => Ok(Some(KeyStatus::Expired)),
        Err(_) => Err(invalid("status", "`status` is ACTIVE, DISABLED or EXPIRED.")),
    }
}

fn wire(key: Key, now: Timestamp) -> pb::ApiKey {
    let status = match key.status(now) {
        KeyStatus::Active => pb::ApiKeyStatus::Active,
        KeyStatus::Disabled => pb::ApiKeyStatus::Disabled,
        KeyStatus::Expired => pb::ApiKeyStatus::Expired,
    };
    let (creator_id, creator_name) = key.created_by;
    let rotation = key.previous.filter(|previous| now < previous.ends_at).map(|previous| pb::Rotation {
        overlap_ends_at: Some(previous.ends_at.to_proto()),
        previous_secret_last4: previous.last4,
        previous_last_used_at: previous.last_used_at.map(|at| at.to_proto()),
    });
    pb::ApiKey {
        id: key.id,
        api_key: key.api_key,
        secret_last4: key.secret_last4,
        agent: Some(pb::AgentReference { id: key.agent.id, name: key.agent.name }),
        name: key.name,
        description: key.description,
        permissions: key.permissions,
        effective_permissions: key.effective_permissions,
        rate_limits: Some(pb::RateLimits {
            per_minute: Some(key.rate_limits.per_minute),
            per_hour: Some(key.rate_limits.per_hour),
        }),
        allowed_ips: key.allowed_ips.to_strings(),
        expires_at: key.expires_at.map(|at| at.to_proto()),
        status: status.into(),
        rotation,
        created_by: Some(pb::MemberReference { id: creator_id, name: creator_name }),
        created_at: Some(key.created_at.to_proto()),
        updated_at: Some(key.updated_at.to_proto()),
        last_used_at: key.last_used_at.map(|at| at.to_proto()),
        version: key.version,
    }
}
