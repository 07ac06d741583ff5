//! Links that work once: how one is made, and how one is used.

use std::sync::Arc;

use svc_core::secret::Secret;

use super::Management;
use super::sign_in::Visitor;
use crate::credential;
use crate::domain::{Link, LinkId, LinkKind, Member};
use crate::error::{AuthError, Proof};
use crate::secrets::{TokenHash, token_hash};

/// A link that is made, and its token, which is nowhere else.
#[derive(Clone, Debug)]
pub(crate) struct NewLink {
    pub(crate) link: Link,
    pub(crate) hash: TokenHash,
    pub(crate) token: Arc<Secret>,
}

impl Management {
    /// A link for a member or, for the setup, for nobody, to be written by a change.
    pub(crate) fn new_link(&self, kind: LinkKind, member: Option<&Member>) -> NewLink {
        let (environment, now) = (&self.environment, self.environment.clock.now());
        let token = credential::new_link(kind, &*environment.random);
        let link = Link {
            id: LinkId::new(environment.ids.next()),
            kind,
            member: member.map(|member| (member.organization_id.clone(), member.id.clone())),
            created_at: now,
            expires_at: now.plus(kind.life()),
        };
        NewLink { link, hash: token_hash(token.expose()), token: Arc::new(token) }
    }

    /// The link with this token, which works now. It is used by the change that takes it.
    pub(crate) async fn link(
        &self,
        kind: LinkKind,
        token: &Secret,
        visitor: &Visitor,
    ) -> Result<(Link, TokenHash), AuthError> {
        self.sign_in.admit(None, visitor)?;
        let hash = token_hash(token.expose());
        let found = match credential::is_link(kind, token.expose()) {
            true => self.store.link(kind, &hash, self.environment.clock.now()).await?,
            false => None,
        };
        match found {
            Some(link) => Ok((link, hash)),
            None => Err(self.sign_in.failed(None, visitor, Proof::Link)),
        }
    }

    /// The same, and the member whose it is.
    pub(crate) async fn link_of_member(
        &self,
        kind: LinkKind,
        token: &Secret,
        visitor: &Visitor,
    ) -> Result<(Member, TokenHash), AuthError> {
        let (link, hash) = self.link(kind, token, visitor).await?;
        let member = match &link.member {
            Some((organization, member)) => self.store.member(organization, member).await?,
            None => None,
        };
        Ok((member.ok_or_else(used)?, hash))
    }
}

/// The link was used or withdrawn meanwhile.
pub(super) fn used() -> AuthError {
    AuthError::NotProven(Proof::Link)
}
