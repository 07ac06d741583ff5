//! `ApiKeyService`.

use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::api_key_service_server::ApiKeyService;
use svc_core::clock::Timestamp;
use svc_core::error::Error;
use tonic::{Request, Response, Status};

use super::{Api, actor, invalid, mask, page, pagination, time};
use crate::domain::{Key, KeyChange, KeyDraft, KeyStatus};
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
        not_enforced_yet(request.rate_limits.is_some(), !request.allowed_ips.is_empty())?;
        let expires_at = time("expiresAt", request.expires_at)?;
        let description = request.description.unwrap_or_default();
        let now = self.now();
        let known = &self.management.permissions;
        let draft = KeyDraft::check(
            request.name.as_deref(),
            &description,
            request.permissions,
            expires_at,
            known,
            now,
        )?;
        let (key, secret) = self.management.create_key(actor, request.agent_id, draft).await?;
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
        let rate_limits = paths.iter().any(|path| path.starts_with("rate_limits"));
        not_enforced_yet(rate_limits, named("allowed_ips") && !key.allowed_ips.is_empty())?;
        let change = KeyChange {
            name: named("name").then_some(key.name),
            description: named("description").then_some(key.description),
            permissions: named("permissions").then_some(key.permissions),
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
}

impl Api {
    fn now(&self) -> Timestamp {
        self.management.environment.clock.now()
    }
}

/// A setting that the check does not enforce yet is refused, never stored.
fn not_enforced_yet(rate_limits: bool, allowed_ips: bool) -> Result<(), Error> {
    match (rate_limits, allowed_ips) {
        (true, _) => Err(Error::unimplemented("`rateLimits` of a key")),
        (_, true) => Err(Error::unimplemented("`allowedIps` of a key")),
        (false, false) => Ok(()),
    }
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
        allowed_ips: key.allowed_ips,
        expires_at: key.expires_at.map(|at| at.to_proto()),
        status: status.into(),
        rotation: None,
        created_by: Some(pb::MemberReference { id: creator_id, name: creator_name }),
        created_at: Some(key.created_at.to_proto()),
        updated_at: Some(key.updated_at.to_proto()),
        last_used_at: key.last_used_at.map(|at| at.to_proto()),
        version: key.version,
    }
}
