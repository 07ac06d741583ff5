//! What each change tells the other replicas: the keys that it touches, and nothing that it does not.

use std::collections::BTreeSet;
use std::sync::Arc;

use auth_svc::Config;
use keyward_proto::auth::v1 as pb;
use keyward_proto::policy::v1::Role;
use sqlx::{Connection, PgConnection, Row};
use svc_core::error::Reason;
use svc_core::policy::{self, Access, Policy};
use svc_core::principal::Principal;
use svc_db::testing::TestEnvironment;
use tonic::Request;

use crate::harness::{Auth, call, error};

/// Reads what is announced.
struct Announced {
    database: PgConnection,
    last: i64,
    /// The RPCs that were looked at.
    rpcs: BTreeSet<String>,
}

impl Announced {
    /// From now on.
    async fn from_now_on(auth: &Auth) -> Announced {
        let url = auth.home.environment.database.url.as_ref().unwrap();
        let database = PgConnection::connect(url.expose()).await.unwrap();
        let mut announced = Announced { database, last: 0, rpcs: BTreeSet::new() };
        announced.heard().await;
        announced
    }

    /// What was announced since the last look: a list of keys for each change.
    async fn heard(&mut self) -> Vec<Vec<String>> {
        let query = sqlx::query("SELECT n, what FROM auth.change WHERE n > $1 ORDER BY n").bind(self.last);
        let rows = query.fetch_all(&mut self.database).await.unwrap();
        self.last = rows.last().map_or(self.last, |row| row.get("n"));
        let what = rows.iter().map(|row| serde_json::from_str(row.get("what")).unwrap());
        what.collect()
    }

    /// The RPC that was just called has announced these keys once, or nothing at all.
    async fn by(&mut self, rpc: &str, api_keys: &[&str]) {
        let expected: Vec<&[&str]> = [api_keys].into_iter().filter(|keys| !keys.is_empty()).collect();
        assert_eq!(self.heard().await, expected, "{rpc}");
        self.rpcs.insert(format!("keyward.auth.v1.{rpc}"));
    }
}

/// Every RPC of people that changes something.
fn changing_rpcs() -> BTreeSet<String> {
    let pool = policy::built_in_descriptors().unwrap();
    let reads = |name: &str| ["Get", "List", "Explain", "Export"].iter().any(|verb| name.starts_with(verb));
    let mut changing = BTreeSet::new();
    for service in pool.services().filter(|service| service.package_name() == "keyward.auth.v1") {
        for rpc in Policy::of(&pool, [service.full_name()]).unwrap().rpcs() {
            if rpc.access != Access::Internal && !reads(rpc.method.name()) {
                changing.insert(rpc.path.trim_start_matches('/').to_owned());
            }
        }
    }
    changing
}

fn mask(path: &str) -> Option<prost_types::FieldMask> {
    Some(prost_types::FieldMask { paths: vec![path.to_owned()] })
}

fn role(id: &str, role: Role) -> pb::UpdateMemberRequest {
    let member = Some(pb::Member { role: role.into(), ..pb::Member::default() });
    pb::UpdateMemberRequest { id: id.to_owned(), member, update_mask: mask("role") }
}

#[tokio::test]
async fn every_change_announces_what_it_touches() {
    let auth = Auth::at(TestEnvironment::postgres().await, &Config::default()).await;
    let mut announced = Announced::from_now_on(&auth).await;
    let owner = auth.owner();
    let admin = auth.create_member("admin@example.com", Role::Admin).await;
    announced.by("MemberService/CreateMember", &[]).await;
    let by_admin = auth.member(&admin.id, Role::Admin);

    let (key, _) = auth.create_key(&by_admin, &["contacts:read"]).await;
    announced.by("ApiKeyService/CreateApiKey", &[&key.api_key]).await;
    of_keys(&auth, &owner, &key, &mut announced).await;

    auth.members().update_member(call(&owner, role(&admin.id, Role::User))).await.unwrap();
    announced.by("MemberService/UpdateMember", &[&key.api_key]).await;
    let nothing = pb::UpdateMemberRequest { id: admin.id.clone(), ..pb::UpdateMemberRequest::default() };
    auth.members().update_member(call(&owner, nothing)).await.unwrap();
    announced.by("MemberService/UpdateMember", &[]).await;
    auth.members().delete_member(call(&owner, pb::DeleteMemberRequest { id: admin.id })).await.unwrap();
    announced.by("MemberService/DeleteMember", &[&key.api_key]).await;

    let delete = pb::DeleteApiKeyRequest {
        agent_id: auth.first.agent_id.clone(),
        id: key.id.clone(),
        ..pb::DeleteApiKeyRequest::default()
    };
    auth.keys().delete_api_key(call(&owner, delete.clone())).await.unwrap();
    announced.by("ApiKeyService/DeleteApiKey", &[&key.api_key]).await;
    error(auth.keys().delete_api_key(call(&owner, delete)).await);
    announced.by("ApiKeyService/DeleteApiKey", &[]).await;

    of_tokens(&auth, &owner, &mut announced).await;
    of_sessions(&auth, &owner, &mut announced).await;
    of_agents(&auth, &owner, &mut announced).await;
    assert_eq!(announced.rpcs, changing_rpcs(), "each RPC that changes something has its case here");
}

async fn of_keys(auth: &Auth, owner: &Arc<Principal>, key: &pb::ApiKey, announced: &mut Announced) {
    let (agent_id, id) = (auth.first.agent_id.clone(), key.id.clone());
    let update = |name: &str| pb::UpdateApiKeyRequest {
        agent_id: agent_id.clone(),
        id: id.clone(),
        key: Some(pb::ApiKey { name: name.to_owned(), ..pb::ApiKey::default() }),
        update_mask: mask("name"),
        if_match: None,
    };
    let touched: &[&str] = &[&key.api_key];
    // Each is made twice. The second finds nothing to do, but for a rotation.
    for once in [touched, &[]] {
        auth.keys().update_api_key(call(owner, update("Another name"))).await.unwrap();
        announced.by("ApiKeyService/UpdateApiKey", once).await;
    }
    for once in [touched, &[]] {
        let disable = pb::DisableApiKeyRequest { agent_id: agent_id.clone(), id: id.clone() };
        auth.keys().disable_api_key(call(owner, disable)).await.unwrap();
        announced.by("ApiKeyService/DisableApiKey", once).await;
    }
    for once in [touched, &[]] {
        let enable = pb::EnableApiKeyRequest { agent_id: agent_id.clone(), id: id.clone() };
        auth.keys().enable_api_key(call(owner, enable)).await.unwrap();
        announced.by("ApiKeyService/EnableApiKey", once).await;
    }
    for overlap_seconds in [None, Some(60)] {
        let (agent_id, id) = (agent_id.clone(), id.clone());
        let rotate = pb::RotateApiKeyRequest { agent_id, id, overlap_seconds };
        auth.keys().rotate_api_key(call(owner, rotate)).await.unwrap();
        announced.by("ApiKeyService/RotateApiKey", touched).await;
    }
    for once in [touched, &[]] {
        let end = pb::EndOverlapRequest { agent_id: agent_id.clone(), id: id.clone() };
        auth.keys().end_overlap(call(owner, end)).await.unwrap();
        announced.by("ApiKeyService/EndOverlap", once).await;
    }
}

/// Tokens are read from the database at every use: nobody has to hear of them.
async fn of_tokens(auth: &Auth, owner: &Arc<Principal>, announced: &mut Announced) {
    let create = pb::CreateTokenRequest { name: Some("ci".to_owned()), ..pb::CreateTokenRequest::default() };
    let made = auth.tokens().create_token(call(owner, create)).await.unwrap().into_inner();
    announced.by("TokenService/CreateToken", &[]).await;
    let delete = pb::DeleteTokenRequest { id: made.token.unwrap().id };
    auth.tokens().delete_token(call(owner, delete)).await.unwrap();
    announced.by("TokenService/DeleteToken", &[]).await;
}

/// Sessions are read from the database at every use, too; a member who is removed is another matter.
async fn of_sessions(auth: &Auth, owner: &Arc<Principal>, announced: &mut Announced) {
    let token_of = |url: &str| url.split_once('#').map(|(_, token)| token.to_owned());
    let (password, newer) = ("correct horse battery staple", "staple battery horse correct");
    let owned = |text: &str| Some(text.to_owned());

    let asked = pb::SetUpRequest { token: owned("kwsetup_x"), ..pb::SetUpRequest::default() };
    let refused = error(auth.sessions().set_up(Request::new(asked)).await);
    assert_eq!(refused.reason, Reason::InvalidCredentials);
    announced.by("SessionService/SetUp", &[]).await;
    // Neither a mail server nor a provider is set here.
    let forgotten = pb::RequestPasswordResetRequest { email: owned("owner@example.com") };
    let refused = error(auth.sessions().request_password_reset(Request::new(forgotten)).await);
    assert_eq!(refused.reason, Reason::Unimplemented);
    announced.by("SessionService/RequestPasswordReset", &[]).await;
    let start = pb::StartOidcRequest { provider: "nobody".to_owned(), next: None };
    assert_eq!(error(auth.oidc().start_oidc(Request::new(start)).await).reason, Reason::NotFound);
    announced.by("OidcService/StartOidc", &[]).await;
    let finish = pb::FinishOidcRequest { provider: "nobody".to_owned(), ..pb::FinishOidcRequest::default() };
    assert_eq!(error(auth.oidc().finish_oidc(Request::new(finish)).await).reason, Reason::NotFound);
    announced.by("OidcService/FinishOidc", &[]).await;

    let reset = pb::CreatePasswordResetRequest { id: auth.first.member_id.clone() };
    let link = auth.members().create_password_reset(call(owner, reset)).await.unwrap().into_inner();
    announced.by("MemberService/CreatePasswordReset", &[]).await;
    let reset = pb::ResetPasswordRequest { token: token_of(&link.reset_url), password: owned(password) };
    auth.sessions().reset_password(Request::new(reset)).await.unwrap();
    announced.by("SessionService/ResetPassword", &[]).await;
    let change = pb::ChangePasswordRequest { current: owned(password), new: owned(newer) };
    auth.sessions().change_password(call(owner, change)).await.unwrap();
    announced.by("SessionService/ChangePassword", &[]).await;
    let sign_in = || pb::SignInRequest { email: owned("owner@example.com"), password: owned(newer) };
    for _ in 0..2 {
        auth.sessions().sign_in(Request::new(sign_in())).await.unwrap();
        announced.by("SessionService/SignIn", &[]).await;
    }
    let listed = auth.sessions().list_sessions(call(owner, pb::ListSessionsRequest {})).await.unwrap();
    let mut sessions = listed.into_inner().sessions.into_iter().map(|session| session.id);
    let end = pb::EndSessionRequest { id: sessions.next().unwrap() };
    auth.sessions().end_session(call(owner, end)).await.unwrap();
    announced.by("SessionService/EndSession", &[]).await;
    let signed_in = Arc::new(Principal { session_id: sessions.next(), ..Principal::clone(owner) });
    auth.sessions().sign_out(call(&signed_in, pb::SignOutRequest {})).await.unwrap();
    announced.by("SessionService/SignOut", &[]).await;

    let invited = auth.create_member("invited@example.com", Role::User).await;
    let renew = pb::RenewInvitationRequest { id: invited.id };
    let renewed = auth.members().renew_invitation(call(owner, renew)).await.unwrap().into_inner();
    announced.by("MemberService/RenewInvitation", &[]).await;
    let token = token_of(renewed.member.unwrap().invite_url());
    let accept = pb::AcceptInvitationRequest { token, name: owned("Ann"), password: owned(password) };
    auth.sessions().accept_invitation(Request::new(accept)).await.unwrap();
    announced.by("SessionService/AcceptInvitation", &[]).await;
}

async fn of_agents(auth: &Auth, owner: &Arc<Principal>, announced: &mut Announced) {
    let agent = pb::Agent { name: Some("Another".to_owned()), ..pb::Agent::default() };
    let create = pb::CreateAgentRequest { agent: Some(agent) };
    auth.agents().create_agent(call(owner, create)).await.unwrap();
    announced.by("AgentService/CreateAgent", &[]).await;
    let update = pb::UpdateAgentRequest {
        agent_id: auth.first.agent_id.clone(),
        agent: Some(pb::Agent { name: Some("Renamed".to_owned()), ..pb::Agent::default() }),
        update_mask: mask("name"),
    };
    auth.agents().update_agent(call(owner, update)).await.unwrap();
    announced.by("AgentService/UpdateAgent", &[]).await;
    let delete = pb::DeleteAgentRequest { agent_id: auth.first.agent_id.clone() };
    auth.agents().delete_agent(call(owner, delete)).await.unwrap();
    announced.by("AgentService/DeleteAgent", &[&auth.first.api_key]).await;
}
