//! `[[auth.oidc]]`.

use std::collections::HashSet;

use openidconnect::IssuerUrl;
use serde::{Deserialize, Serialize};
use svc_core::secret::Secret;

use crate::mail::is_loopback;

/// The most providers.
const MOST: usize = 20;
const MAX_ID: usize = 40;
const MAX_TITLE: usize = 100;

/// A provider of OpenID Connect that members may sign in with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OidcConfig {
    /// Its name in paths, `[a-z][a-z0-9-]{0,39}`.
    pub id: String,
    /// What the button says.
    pub title: String,
    /// As the provider names itself in its tokens: an `https` address, to which
    /// `/.well-known/openid-configuration` is added.
    pub issuer: String,
    /// What the provider calls us.
    pub client_id: String,
    /// What it gave us to prove it. Without one we are a public client, with PKCE alone.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// The domains of the email addresses that it may speak for. Any when empty.
    #[serde(default)]
    pub email_domains: Vec<String>,
}

/// What is wrong with `auth.oidc`.
#[derive(Debug, thiserror::Error)]
#[error("auth.oidc: {0}")]
pub struct BadOidcConfig(String);

impl BadOidcConfig {
    pub(super) fn tls(id: &str) -> BadOidcConfig {
        BadOidcConfig(format!("`{id}`: TLS cannot be set up"))
    }
}

/// Checks every provider.
pub(crate) fn check(configs: &[OidcConfig]) -> Result<(), BadOidcConfig> {
    if configs.len() > MOST {
        return Err(BadOidcConfig(format!("there are at most {MOST} providers")));
    }
    let mut seen = HashSet::new();
    for config in configs {
        let OidcConfig { id, title, issuer, client_id, client_secret, email_domains } = config;
        let wrong = |message: &str| Err(BadOidcConfig(format!("`{}`: {message}", id.escape_default())));
        if !is_id(id) {
            return wrong("`id` must match [a-z][a-z0-9-]{0,39}");
        }
        // Two of one issuer would be one provider to those who sign in.
        if !seen.insert(id.as_str()) || !seen.insert(issuer.as_str()) {
            return wrong("another provider has this `id` or `issuer`");
        }
        if title.trim().is_empty() || title.chars().count() > MAX_TITLE || title.chars().any(char::is_control)
        {
            return wrong("`title` must have 1 to 100 characters");
        }
        if client_id.is_empty() || client_secret.as_ref().is_some_and(|secret| secret.expose().is_empty()) {
            return wrong("`client_id` and `client_secret` must not be empty");
        }
        if !is_issuer(issuer) {
            return wrong("`issuer` must be an https address without query, or http on this machine");
        }
        if email_domains.iter().any(|domain| domain.is_empty() || domain.contains('@')) {
            return wrong("`email_domains` are domains, as in `example.com`");
        }
    }
    Ok(())
}

fn is_id(id: &str) -> bool {
    id.len() <= MAX_ID
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
}

fn is_issuer(issuer: &str) -> bool {
    let Ok(issuer) = IssuerUrl::new(issuer.to_owned()) else { return false };
    let url = issuer.url();
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    plain && url.password().is_none() && (url.scheme() == "https" || is_local_http(url))
}

/// Whether this is `http` on this machine, where nobody can listen.
pub(super) fn is_local_http(url: &openidconnect::url::Url) -> bool {
    url.scheme() == "http" && url.host_str().is_some_and(is_loopback)
}

impl OidcConfig {
    /// Whether the provider may say that this email address is somebody's.
    pub(super) fn speaks_for(&self, email: &str) -> bool {
        let Some((_, domain)) = email.rsplit_once('@') else { return false };
        self.email_domains.is_empty() || self.email_domains.iter().any(|own| own.eq_ignore_ascii_case(domain))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn config() -> OidcConfig {
        OidcConfig {
            id: "acme".to_owned(),
            title: "Acme SSO".to_owned(),
            issuer: "https://id.example.com".to_owned(),
            client_id: "keyward".to_owned(),
            client_secret: Some(Secret::new("secret")),
            email_domains: Vec::new(),
        }
    }

    #[test]
    fn settings_that_cannot_be() {
        let text = str::to_owned;
        for (change, says) in [
            (config(), None),
            (OidcConfig { issuer: text("http://127.0.0.1:1/x"), client_secret: None, ..config() }, None),
            (OidcConfig { id: text("Acme"), ..config() }, Some("`id` must match")),
            (OidcConfig { id: text(""), ..config() }, Some("`id` must match")),
            (OidcConfig { id: "a".repeat(41), ..config() }, Some("`id` must match")),
            (OidcConfig { title: text(" "), ..config() }, Some("`title`")),
            (OidcConfig { client_id: text(""), ..config() }, Some("`client_id`")),
            (OidcConfig { client_secret: Some(Secret::new("")), ..config() }, Some("`client_secret`")),
            (OidcConfig { issuer: text("http://id.example.com"), ..config() }, Some("`issuer`")),
            (OidcConfig { issuer: text("https://id.example.com/?a=b"), ..config() }, Some("`issuer`")),
            (OidcConfig { issuer: text("https://me@id.example.com"), ..config() }, Some("`issuer`")),
            (OidcConfig { issuer: text("id.example.com"), ..config() }, Some("`issuer`")),
            (OidcConfig { email_domains: vec![text("@a.com")], ..config() }, Some("`email_domains`")),
        ] {
            let error = check(std::slice::from_ref(&change)).err().map(|error| error.to_string());
            let fits = says.map_or(error.is_none(), |says| error.as_ref().is_some_and(|e| e.contains(says)));
            assert!(fits, "{error:?} {says:?}");
        }
        let twice = [config(), OidcConfig { id: text("other"), ..config() }];
        assert!(check(&twice).is_err(), "one issuer twice");
        assert!(check(&vec![config(); 21]).is_err(), "too many");
    }

    #[test]
    fn a_provider_speaks_for_its_domains() {
        let of_acme = OidcConfig { email_domains: vec!["acme.example".to_owned()], ..config() };
        for (config, email, speaks) in [
            (&config(), "ann@example.com", true),
            (&of_acme, "ann@ACME.example", true),
            (&of_acme, "ann@example.com", false),
            (&of_acme, "ann@evil.acme.example", false),
            (&of_acme, "ann", false),
        ] {
            assert_eq!(config.speaks_for(email), speaks, "{email}");
        }
    }
}
