//! What a request presents.

use std::net::IpAddr;

use http::HeaderMap;
use keyward_proto::policy::v1::Role;
use svc_core::error::Error;
use svc_core::policy::Access;
use svc_core::secret::Secret;
use tokio::time::Instant;

use super::{Needed, route_not_found};
use crate::admission::{Admission, Fingerprint, Priority};
use crate::answer::RequestId;
use crate::credential::{Credential, Standing, headers};

/// What a request presents, and how it comes by that when there is too much to do.
pub(super) struct Presented {
    /// `None` where the route needs none.
    pub(super) credential: Option<Credential>,
    /// Why the head itself refuses it. auth-svc is asked all the same: it counts failures by address.
    pub(super) refused: Option<Error>,
    pub(super) role: Role,
    /// Of a credential that can be read.
    pub(super) fingerprint: Option<Fingerprint>,
    pub(super) priority: Priority,
}

impl Presented {
    /// Takes the credentials out of the head, beside the session that came with it.
    pub(super) fn take(
        access: &Access,
        admission: &Admission,
        head: &mut HeaderMap,
        session: Option<Secret>,
    ) -> Result<Presented, Error> {
        let (credential, role) = match access {
            Access::Key { .. } | Access::AnyKey => (headers::api_key(head), Role::Unspecified),
            Access::Member(role) => (headers::member(head, session), *role),
            Access::Public => {
                headers::discard(head);
                return Ok(Presented {
                    credential: None,
                    refused: None,
                    role: Role::Unspecified,
                    fingerprint: None,
                    priority: Priority::Unproven,
                });
            }
            // The table has no such route.
            Access::Internal => return Err(route_not_found()),
        };
        let is_member = matches!(access, Access::Member(_));
        let presented = credential.as_ref().ok();
        let fingerprint = presented.map(|credential| admission.known.fingerprint(credential));
        let is_proven = fingerprint.is_some_and(|fingerprint| admission.known.contains(fingerprint));
        let priority = Priority::of(is_member, is_proven);
        let (credential, refused) = match credential {
            Ok(credential) => (credential, None),
            Err(error) => (Credential::unusable(role), Some(error)),
        };
        Ok(Presented { credential: Some(credential), refused, role, fingerprint, priority })
    }

    /// What is asked again while a stream goes on; `None` where nothing is asked. In a box, since most requests are no
    /// stream.
    pub(super) fn standing(
        &self,
        needed: &Needed<'_>,
        client: IpAddr,
        id: &RequestId,
    ) -> Option<Box<Standing>> {
        let Needed { operation, permissions, agent, .. } = needed;
        Some(Box::new(Standing {
            credential: self.credential.clone()?,
            client,
            operation: operation.trim_start_matches('/').to_owned(),
            permissions: permissions.iter().map(|&permission| permission.to_owned()).collect(),
            agent: agent.map(str::to_owned),
            role: self.role,
            request_id: id.as_str().to_owned(),
            checked: Instant::now(),
        }))
    }
}
