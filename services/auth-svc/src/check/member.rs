//! Deciding about a member who presents a personal access token.

use keyward_proto::auth::v1 as pb;
use keyward_proto::policy::v1::Role as WireRole;
use svc_core::error::{Error, Reason};
use svc_core::principal::{Principal, Subject};

use super::{Checker, Demand, unavailable};
use crate::api::role_to_wire;
use crate::credential;
use crate::secrets::token_hash;

impl Checker {
    pub(super) async fn check_member(
        &self,
        token: &str,
        needed: WireRole,
        demand: Demand,
    ) -> Result<pb::Principal, Error> {
        let now = self.clock.now();
        if !credential::is_token(token) {
            return Err(not_signed_in());
        }
        // Not cached: a role that shrinks must shrink here at once, and members are not a hot path.
        let record = self.store.token_record(&token_hash(token)).await.map_err(|error| {
            tracing::error!(error = %error, "no token could be read");
            unavailable()
        })?;
        let record = record.ok_or_else(not_signed_in)?;
        if record.token.expires_at.is_some_and(|end| end <= now) {
            return Err(not_signed_in());
        }
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
        Ok(pb::Principal { token, ..pb::Principal::from(&principal) })
    }
}

/// One text for absent, malformed, unknown, deleted and expired.
fn not_signed_in() -> Error {
    Error::new(
        Reason::NotSignedIn,
        "Sign in, or send a personal access token: `Authorization: Bearer kwp_…`.",
    )
}
