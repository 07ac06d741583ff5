//! Personal access tokens.

use svc_core::error::Error;
use svc_core::secret::Secret;

use super::{Actor, List, Management, PageRequest, must_be_id};
use crate::credential;
use crate::domain::{Token, TokenDraft};
use crate::secrets::token_hash;

impl Management {
    /// Makes a token for the member who asks. Its secret is returned here only.
    pub async fn create_token(&self, actor: Actor, draft: TokenDraft) -> Result<(Token, Secret), Error> {
        let secret = credential::new_token(&*self.environment.random);
        let token = Token {
            id: self.environment.ids.next(),
            organization_id: actor.organization_id,
            member_id: actor.member_id,
            name: draft.name,
            role: draft.role,
            last4: credential::last4(secret.expose()),
            expires_at: draft.expires_at,
            created_at: self.environment.clock.now(),
        };
        let this = self.clone();
        self.undisturbed(async move {
            let mut work = this.store.begin().await?;
            work.insert_token(&token, &token_hash(secret.expose())).await?;
            work.commit().await?;
            Ok((token, secret))
        })
        .await
    }

    /// One token of the member who asks.
    pub async fn token(&self, actor: &Actor, id: &str) -> Result<Token, Error> {
        must_be_id(id, not_found)?;
        self.store.token(&actor.organization_id, &actor.member_id, id).await?.ok_or_else(not_found)
    }

    /// A page of the tokens of the member who asks.
    pub async fn tokens(&self, actor: &Actor, page: PageRequest) -> Result<List<Token>, Error> {
        let scope = format!("tokens/{}", actor.member_id);
        let (limit, at) = page.open(&scope)?;
        let found = self.store.tokens(&actor.organization_id, &actor.member_id, &at).await?;
        let total = match page.include_total {
            true => Some(self.store.count_tokens(&actor.organization_id, &actor.member_id).await?),
            false => None,
        };
        Ok(List::close(found, limit, &scope, total, |token| &token.id))
    }

    /// Deletes a token of the member who asks.
    pub async fn delete_token(&self, actor: Actor, id: String) -> Result<(), Error> {
        must_be_id(&id, not_found)?;
        let this = self.clone();
        self.undisturbed(async move {
            let mut work = this.store.begin().await?;
            if !work.delete_token(&actor.organization_id, &actor.member_id, &id).await? {
                return Err(not_found());
            }
            work.commit().await?;
            Ok(())
        })
        .await
    }
}

fn not_found() -> Error {
    Error::not_found("Token")
}
