//! Deciding about a member who presents a personal access token.

use keyward_proto::auth::v1 as pb;
use keyward_proto::policy::v1::Role as WireRole;
use svc_core::clock::Timestamp;
use svc_core::error::{Error, Reason};
use svc_core::principal::{Principal, Subject};

use super::{Checker, Demand, throttled, unavailable};
use crate::api::role_to_wire;
use crate::credential;
use crate::secrets::token_hash;
use crate::store::TokenRecord;

impl Checker {
    pub(super) async fn check_member(
        &self,
        token: &str,
        needed: WireRole,
        demand: Demand,
    ) -> Result<pb::Principal, Error> {
        let now = self.clock.now();
        if let Some(wait) = self.token_failures.wait(demand.client_address, now) {
            return Err(throttled(wait));
        }
        let record = self.live_token(token, now).await.inspect_err(|error| {
            if error.reason == Reason::NotSignedIn {
                self.token_failures.count(demand.client_address, now);
            }
        })?;
        // A token never holds a higher role than its member has now.
        let role = role_to_wire(record.token.role.min(record.member_role));
        if needed == WireRole::Unspecified || role < needed {
            let name = needed.as_str_name().trim_start_matches("ROLE_");
            return Err(Error::new(Reason::RoleRequired, format!("This needs the role {name}.")));
        }
        let principal = Principal {
            organization_id: record.token.organization_id,
            agent_id: None,
            subject: Subject::Member(record.token.member_id),
            permissions: Vec::new(),
            role: Some(role),
        };
        let token = match &demand.audience {
            Some(audience) => Some(self.minter.mint(&principal, audience, now)?.to_string()),
            None => None,
        };
        Ok(pb::Principal { token, ..pb::Principal::from(principal) })
    }

    /// A token that works. Not cached: a role that shrinks must shrink here at once, and members are not a
    /// hot path.
    async fn live_token(&self, token: &str, now: Timestamp) -> Result<TokenRecord, Error> {
        if !credential::is_token(token) {
            return Err(not_signed_in());
        }
        let record = self.store.token_record(&token_hash(token)).await.map_err(|error| {
            tracing::error!(error = %error, "no token could be read");
            unavailable()
        })?;
        let live = record.filter(|record| record.token.expires_at.is_none_or(|end| now < end));
        live.ok_or_else(not_signed_in)
    }
}

/// One text for absent, malformed, unknown, deleted and expired.
fn not_signed_in() -> Error {
    Error::new(
        Reason::NotSignedIn,
        "Sign in, or send a personal access token: `Authorization: Bearer kwp_…`.",
    )
}
