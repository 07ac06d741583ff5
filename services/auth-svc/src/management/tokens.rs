//! Personal access tokens.

use svc_core::idempotency::Once;
use svc_core::secret::Secret;

use super::{List, Management, PageRequest};
use crate::audit::{Action, Attempt, Audit};
use crate::change::Changed;
use crate::credential;
use crate::domain::{Actor, Token, TokenDraft, TokenId};
use crate::error::{AuthError, Thing};
use crate::secrets::token_hash;
use crate::store::Touched;

impl Management {
    /// Makes a token for the member who asks, unless it is a token that asks: what leaks of a token ends with
    /// it. Its secret is returned here only.
    pub(crate) async fn create_token(
        &self,
        actor: &Actor,
        draft: TokenDraft,
        once: Option<Once<(Token, Secret)>>,
    ) -> Result<(Token, Secret), AuthError> {
        if actor.credential.token_id.is_some() {
            let attempt = Attempt::to_make(Action::TokenCreated, &draft.name);
            return Err(self.refused(actor, attempt, AuthError::NeedsSession).await);
        }
        let secret = credential::new_token(&*self.environment.random);
        let token = Token {
            id: TokenId::new(self.environment.ids.next()),
            organization_id: actor.organization_id.clone(),
            member_id: actor.member_id.clone(),
            name: draft.name,
            role: draft.role,
            last4: credential::last4(secret.expose()),
            expires_at: draft.expires_at,
            created_at: self.environment.clock.now(),
        };
        let attempt = Attempt::to_make(Action::TokenCreated, &token.name);
        self.change_once(actor, attempt, once, |work| {
            Box::pin(async move {
                work.insert_token(&token, &token_hash(secret.expose())).await?;
                let audit = Audit::created(Action::TokenCreated, &token);
                Ok(Changed::new((token, secret), Touched::nothing(), audit))
            })
        })
        .await
    }

    /// One token of the member who asks.
    pub(crate) async fn token(&self, actor: &Actor, id: &TokenId) -> Result<Token, AuthError> {
        must_exist(id)?;
        self.store.token(&actor.organization_id, &actor.member_id, id).await?.ok_or_else(not_found)
    }

    /// A page of the tokens of the member who asks.
    pub(crate) async fn tokens(&self, actor: &Actor, page: PageRequest) -> Result<List<Token>, AuthError> {
        let scope = format!("tokens/{}", actor.member_id);
        let (limit, at) = page.open(&scope)?;
        let found = self.store.tokens(&actor.organization_id, &actor.member_id, &at).await?;
        let total = match page.include_total {
            true => Some(self.store.count_tokens(&actor.organization_id, &actor.member_id).await?),
            false => None,
        };
        Ok(List::close(found, limit, &scope, total, |token| token.id.as_str()))
    }

    /// Deletes a token of the member who asks.
    pub(crate) async fn delete_token(&self, actor: &Actor, id: TokenId) -> Result<(), AuthError> {
        must_exist(&id)?;
        let (organization, member) = (actor.organization_id.clone(), actor.member_id.clone());
        self.change(actor, Attempt::on(Action::TokenDeleted, id.as_str()), |work| {
            Box::pin(async move {
                let token = work.delete_token(&organization, &member, &id).await?.ok_or_else(not_found)?;
                let audit = Audit::deleted(Action::TokenDeleted, &token);
                Ok(Changed::new((), Touched::nothing(), audit))
            })
        })
        .await
    }
}

fn must_exist(id: &TokenId) -> Result<(), AuthError> {
    match id.can_exist() {
        true => Ok(()),
        false => Err(not_found()),
    }
}

fn not_found() -> AuthError {
    AuthError::NotFound(Thing::Token)
}
