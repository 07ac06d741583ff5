//! `ApiKeyService`.

use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::api_key_service_server::ApiKeyService;
use svc_core::clock::Timestamp;
use svc_core::idempotency::{Kept, Once};
use svc_core::precondition::Precondition;
use svc_core::principal::Subject;
use svc_core::secret::Secret;
use svc_runtime::grpc::idempotency::kept;
use svc_runtime::grpc::{self, caller, status};
use svc_runtime::replay_or_call;
use tonic::{Request, Response, Status};

use super::{Api, actor, explain, invalid, mask, page, pagination, time, usage};
use crate::domain::{AgentId, Key, KeyChange, KeyDraft, KeyId, KeyStatus, OrganizationId, RequestedLimits};
use crate::error::{AuthError, Thing};
use crate::management::{KeySearch, UsageAsked, includes_activity};

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
        let once = Once::of(replay_or_call!(self.management, request), keep_secret);
        let request = request.into_inner();
        let draft = KeyDraft {
            name: request.name,
            description: request.description.unwrap_or_default(),
            permissions: request.permissions,
            rate_limits: requested_limits(request.rate_limits, |_| true),
            allowed_ips: request.allowed_ips,
            expires_at: time("expiresAt", request.expires_at)?,
        };
        let agent = AgentId::new(request.agent_id);
        let (key, secret) = self.management.create_key(&actor, agent, draft, once).await?;
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
        let status = status_of(request.status)?;
        let with_activity = includes_activity(&request.include)?;
        let search = KeySearch {
            agent_id: request.agent_id.map(AgentId::new),
            search: request.search,
            status,
            unused_days: request.unused_days,
        };
        let page = page(request.limit, request.cursor, request.include_total);
        let list = self.management.keys(&actor, search, page).await?;
        let now = self.now();
        let pagination = Some(pagination(&list));
        let activity = match with_activity {
            true => Some(self.management.activity(&actor, &list.items).await?),
            false => None,
        };
        let mut keys: Vec<_> = list.items.into_iter().map(|key| wire(key, now)).collect();
        if let Some(activity) = activity {
            keys.iter_mut().for_each(|key| key.activity = usage::activity(activity.get(&key.id)));
        }
        Ok(Response::new(pb::ListApiKeysResponse { keys, pagination }))
    }

    async fn get_api_key_usage(
        &self,
        request: Request<pb::GetApiKeyUsageRequest>,
    ) -> Result<Response<pb::GetApiKeyUsageResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let asked = UsageAsked {
            granularity: request.granularity,
            from: time("from", request.from)?,
            to: time("to", request.to)?,
        };
        let (agent, id) = (AgentId::new(request.agent_id), KeyId::new(request.id));
        let told = self.management.key_usage(&actor, &agent, &id, asked).await?;
        Ok(Response::new(usage::report(told)))
    }

    async fn list_api_key_addresses(
        &self,
        request: Request<pb::ListApiKeyAddressesRequest>,
    ) -> Result<Response<pb::ListApiKeyAddressesResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let (agent, id) = (AgentId::new(request.agent_id), KeyId::new(request.id));
        let found = self.management.key_addresses(&actor, &agent, &id, request.days).await?;
        let addresses = found.into_iter().map(usage::address).collect();
        Ok(Response::new(pb::ListApiKeyAddressesResponse { addresses }))
    }

    async fn get_api_key(
        &self,
        request: Request<pb::GetApiKeyRequest>,
    ) -> Result<Response<pb::GetApiKeyResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let key =
            self.management.key(&actor, &AgentId::new(request.agent_id), &KeyId::new(request.id)).await?;
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
            rate_limits: requested_limits(key.rate_limits, |limit| {
                named("rate_limits") || named(&format!("rate_limits.{limit}"))
            }),
            allowed_ips: named("allowed_ips").then_some(key.allowed_ips),
            expires_at: match named("expires_at") {
                true => Some(time("expiresAt", key.expires_at)?),
                false => None,
            },
        };
        let precondition = Precondition::of(request.if_match, None);
        let key = self
            .management
            .update_key(&actor, AgentId::new(request.agent_id), KeyId::new(request.id), change, precondition)
            .await?;
        Ok(Response::new(pb::UpdateApiKeyResponse { key: Some(wire(key, self.now())) }))
    }

    async fn delete_api_key(
        &self,
        request: Request<pb::DeleteApiKeyRequest>,
    ) -> Result<Response<pb::DeleteApiKeyResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let precondition = Precondition::of(request.if_match, None);
        self.management
            .delete_key(&actor, AgentId::new(request.agent_id), KeyId::new(request.id), precondition)
            .await?;
        Ok(Response::new(pb::DeleteApiKeyResponse {}))
    }

    async fn get_current_key(
        &self,
        request: Request<pb::GetCurrentKeyRequest>,
    ) -> Result<Response<pb::GetCurrentKeyResponse>, Status> {
        let principal = grpc::principal(&request).map_err(status::of)?;
        let Subject::Key(id) = &principal.subject else { return Err(AuthError::NotFound(Thing::Key).into()) };
        let organization = OrganizationId::new(principal.organization_id.clone());
        let client_address = caller::client_address(&request);
        let key = self.management.own_key(&organization, &KeyId::new(id)).await?;
        let windows = self.checker.windows(&key).await?;
        let key = wire(key, self.now());
        Ok(Response::new(pb::GetCurrentKeyResponse {
            api_key: key.api_key,
            name: key.name,
            agent: key.agent,
            permissions: key.effective_permissions,
            rate_limits: key.rate_limits,
            windows: Some(usage::windows(windows)),
            expires_at: key.expires_at,
            client_address: client_address.map(|address| address.to_string()).unwrap_or_default(),
        }))
    }

    async fn explain_api_key(
        &self,
        request: Request<pb::ExplainApiKeyRequest>,
    ) -> Result<Response<pb::ExplainApiKeyResponse>, Status> {
        let actor = actor(&request)?;
        let request = request.into_inner();
        let (agent, id) = (AgentId::new(&*request.agent_id), KeyId::new(&*request.id));
        let request_id = request.request_id.clone();
        let explanation = self.management.explain(&actor, &agent, &id, explain::asked(request)?).await?;
        Ok(Response::new(explain::wire(explanation, request_id)))
    }

    async fn rotate_api_key(
        &self,
        request: Request<pb::RotateApiKeyRequest>,
    ) -> Result<Response<pb::RotateApiKeyResponse>, Status> {
        let actor = actor(&request)?;
        let once = Once::of(replay_or_call!(self.management, request), keep_secret);
        let request = request.into_inner();
        let overlap = request.overlap_seconds.unwrap_or(0);
        let (key, secret) = self
            .management
            .rotate_key(&actor, AgentId::new(request.agent_id), KeyId::new(request.id), overlap, once)
            .await?;
        let secret = secret.expose().to_owned();
        Ok(Response::new(pb::RotateApiKeyResponse { key: Some(wire(key, self.now())), secret }))
    }

    async fn end_overlap(
        &self,
        request: Request<pb::EndOverlapRequest>,
    ) -> Result<Response<pb::EndOverlapResponse>, Status> {
        let actor = actor(&request)?;
        let call = replay_or_call!(self.management, request);
        let now = self.now();
        let answer = move |key: &Key| pb::EndOverlapResponse { key: Some(wire(key.clone(), now)) };
        let once = Once::of(call, move |key: &Key| kept(&answer(key), key.id.as_str()));
        let request = request.into_inner();
        let key = self
            .management
            .end_overlap(&actor, AgentId::new(request.agent_id), KeyId::new(request.id), once)
            .await?;
        Ok(Response::new(answer(&key)))
    }

    async fn disable_api_key(
        &self,
        request: Request<pb::DisableApiKeyRequest>,
    ) -> Result<Response<pb::DisableApiKeyResponse>, Status> {
        let actor = actor(&request)?;
        let call = replay_or_call!(self.management, request);
        let now = self.now();
        let answer = move |key: &Key| pb::DisableApiKeyResponse { key: Some(wire(key.clone(), now)) };
        let once = Once::of(call, move |key: &Key| kept(&answer(key), key.id.as_str()));
        let request = request.into_inner();
        let key = self
            .management
            .set_disabled(&actor, AgentId::new(request.agent_id), KeyId::new(request.id), true, once)
            .await?;
        Ok(Response::new(answer(&key)))
    }

    async fn enable_api_key(
        &self,
        request: Request<pb::EnableApiKeyRequest>,
    ) -> Result<Response<pb::EnableApiKeyResponse>, Status> {
        let actor = actor(&request)?;
        let call = replay_or_call!(self.management, request);
        let now = self.now();
        let answer = move |key: &Key| pb::EnableApiKeyResponse { key: Some(wire(key.clone(), now)) };
        let once = Once::of(call, move |key: &Key| kept(&answer(key), key.id.as_str()));
        let request = request.into_inner();
        let key = self
            .management
            .set_disabled(&actor, AgentId::new(request.agent_id), KeyId::new(request.id), false, once)
            .await?;
        Ok(Response::new(answer(&key)))
    }
}

impl Api {
    fn now(&self) -> Timestamp {
        self.management.environment.clock.now()
    }
}

/// Of an answer with a secret, nothing but whose it is.
fn keep_secret((key, _): &(Key, Secret)) -> Kept {
    Kept::secret(key.id.as_str())
}

/// The limits of a message, of which `named` says which are meant.
fn requested_limits(limits: Option<pb::RateLimits>, named: impl Fn(&str) -> bool) -> RequestedLimits {
    let limits = limits.unwrap_or_default();
    RequestedLimits {
        per_minute: named("per_minute").then_some(limits.per_minute),
        per_hour: named("per_hour").then_some(limits.per_hour),
    }
}

fn status_of(number: i32) -> Result<Option<KeyStatus>, AuthError> {
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
        id: key.id.into(),
        api_key: key.api_key,
        secret_last4: key.secret_last4,
        agent: Some(pb::AgentReference { id: key.agent.id.into(), name: key.agent.name }),
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
        created_by: Some(pb::MemberReference { id: creator_id.into(), name: creator_name }),
        created_at: Some(key.created_at.to_proto()),
        updated_at: Some(key.updated_at.to_proto()),
        last_used_at: key.last_used_at.map(|at| at.to_proto()),
        version: key.version,
        activity: Vec::new(),
    }
}
