//! Signing in with a provider of OpenID Connect: a real one, and one that does wrong what it can.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use serde_json::{Value, json};

use crate::harness::{Companion, Engine, Stack, Tab, Topology};

const CLIENT: &str = "keyward";
const SECRET: &str = "a secret of the client";

/// A provider, told who signs in there.
struct Provider {
    _companion: Companion,
    issuer: String,
}

impl Provider {
    async fn real(thin: bool) -> Provider {
        let given = json!({"clientId": CLIENT, "clientSecret": SECRET, "thin": thin});
        Provider::of(Companion::start("openid_provider.mjs", given).await)
    }

    async fn odd() -> Provider {
        Provider::of(Companion::start("odd_openid_provider.mjs", json!({})).await)
    }

    fn of(companion: Companion) -> Provider {
        let issuer = companion.ready["issuer"].as_str().unwrap().to_owned();
        Provider { _companion: companion, issuer }
    }

    async fn tell(&self, path: &str, what: Value) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let told = client.post(format!("{}{path}", self.issuer)).json(&what).send().await.unwrap();
        assert!(told.status().is_success());
    }

    /// Who signs in from now on.
    async fn is(&self, subject: &str, email: &str, verified: bool) {
        self.tell("/as", json!({"sub": subject, "email": email, "email_verified": verified})).await;
    }

    async fn stack(&self, engine: Engine, topology: Topology) -> Stack {
        let issuer = self.issuer.clone();
        Stack::start_with(engine, topology, move |config| {
            config.oidc = vec![auth_svc::OidcConfig {
                id: "acme".to_owned(),
                title: "Acme SSO".to_owned(),
                issuer: issuer.clone(),
                client_id: CLIENT.to_owned(),
                client_secret: Some(svc_core::secret::Secret::new(SECRET)),
                email_domains: Vec::new(),
            }];
        })
        .await
    }
}

fn dashboard(stack: &Stack, path: &str) -> String {
    format!("http://{}{path}", stack.dashboard())
}

/// Signs in with a browser. Gives where it is led in the end, of the dashboard: path and query.
async fn sign_in(stack: &Stack, browser: &mut Tab, next: &str) -> String {
    let start = dashboard(stack, &format!("/v1/console/oidc/acme/start?next={next}"));
    let own = dashboard(stack, "");
    let is_page = |url: &Url| url.as_str().starts_with(&own) && !url.path().starts_with("/v1/");
    let page = browser.go(&start, is_page).await;
    let query = page.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{query}", page.path())
}

/// Who a browser is signed in as. `None`: nobody.
async fn who(stack: &Stack, browser: &mut Tab) -> Option<Value> {
    let session = browser.get(&dashboard(stack, "/v1/console/session").parse().unwrap()).await;
    let body: Value = serde_json::from_str(&session.body).unwrap();
    match session.status {
        200 => Some(body["data"]["member"].clone()),
        401 => None,
        status => panic!("{status} {body}"),
    }
}

/// The entries of the audit log for these, the oldest first: how each ended, whose deed it was, and what it says.
async fn audited(stack: &Stack, query: &str) -> Vec<Value> {
    let path = format!("/v1/console/audit-log?limit=100&{query}");
    let listed = stack.send(stack.by_member("GET", &path)).await;
    listed.ok().as_array().unwrap().iter().rev().cloned().collect()
}

#[tokio::test]
async fn an_invited_member_signs_in_and_is_known_by_issuer_and_subject() {
    let provider = Provider::real(false).await;
    for (engine, topology) in
        [(Engine::Sqlite, Topology::OneProcess), (Engine::Postgres, Topology::SeparateServices)]
    {
        let stack = provider.stack(engine, topology).await;
        let methods = stack.send(stack.request("GET", "/v1/console/sign-in-methods")).await;
        assert_eq!(methods.ok()["oidc"], json!([{"id": "acme", "title": "Acme SSO"}]));
        let member = stack.create_member(json!({"email": "ann@example.com", "role": "ADMIN"})).await;
        let id = member.ok()["id"].as_str().unwrap().to_owned();

        provider.is("sub-ann", "Ann@Example.com", true).await;
        let mut browser = Tab::new();
        assert_eq!(sign_in(&stack, &mut browser, "/agents?x=1").await, "/agents?x=1");
        let ann = who(&stack, &mut browser).await.unwrap();
        assert_eq!((&ann["id"], &ann["role"]), (&json!(id), &json!("ADMIN")));
        assert_eq!(stack.get_member(&id).await.ok()["status"], "ACTIVE", "the invitation is over");
        let linked = audited(&stack, "action=member.identity_linked").await;
        let member_of = |entry: &Value| (entry["actor"]["kind"].clone(), entry["actor"]["id"].clone());
        assert_eq!(linked.len(), 1, "{linked:?}");
        assert_eq!(member_of(&linked[0]), (json!("MEMBER"), json!(id)));
        assert_eq!(
            (&linked[0]["resource"]["id"], &linked[0]["status"], &linked[0]["clientAddress"]),
            (&json!(id), &json!("SUCCESS"), &json!("127.0.0.1"))
        );
        assert_eq!(linked[0]["after"]["provider"], "Acme SSO");
        assert_eq!(
            (&linked[0]["after"]["issuer"], &linked[0]["after"]["subject"]),
            (&json!(provider.issuer), &json!("sub-ann"))
        );
        let joined = audited(&stack, "action=member.joined").await;
        assert_eq!(joined.iter().map(member_of).collect::<Vec<_>>(), [(json!("MEMBER"), json!(id))]);
        let at_provider = browser.history.iter().find(|url| url.path() == "/auth").unwrap();
        let sent =
            |name: &str| at_provider.query_pairs().find(|(n, _)| n == name).map(|(_, v)| v.into_owned());
        assert_eq!(sent("code_challenge_method").as_deref(), Some("S256"));
        assert_eq!(sent("response_type").as_deref(), Some("code"));
        assert!(sent("nonce").is_some() && sent("state").is_some());

        // The address changes hands at the provider; who they are does not.
        provider.is("sub-ann", "somebody.else@example.com", false).await;
        let mut browser = Tab::new();
        assert_eq!(sign_in(&stack, &mut browser, "/").await, "/");
        assert_eq!(who(&stack, &mut browser).await.unwrap()["id"], json!(id));
        for (subject, email, verified, error) in [
            ("sub-eve", "ann@example.com", true, "other_identity"),
            ("sub-eve", "ann@example.com", false, "email_unverified"),
            ("sub-eve", "eve@example.com", true, "not_a_member"),
        ] {
            provider.is(subject, email, verified).await;
            let mut browser = Tab::new();
            assert_eq!(sign_in(&stack, &mut browser, "/").await, format!("/sign-in?error={error}"));
            assert_eq!(who(&stack, &mut browser).await, None, "{error}");
        }
        provider.tell("/as", json!({})).await;
        assert_eq!(sign_in(&stack, &mut Tab::new(), "/").await, "/sign-in?error=provider_denied");
        // Whom the provider has proven is told of; that somebody came back without a proof could be anybody's doing.
        let mut failed = audited(&stack, "").await;
        failed.retain(|entry| entry["status"] == "FAILURE");
        let said: Vec<(&str, &str)> = failed
            .iter()
            .map(|entry| {
                assert_eq!(
                    entry["actor"],
                    json!({"kind": "SYSTEM", "id": null, "name": "Acme SSO", "member": null})
                );
                assert_eq!(entry["clientAddress"], "127.0.0.1");
                assert!(entry["requestId"].is_string());
                (entry["action"].as_str().unwrap(), entry["description"].as_str().unwrap())
            })
            .collect();
        let of_ann = "Member \"ann\" was not linked to an identity of a provider: \
             the provider knows this member by another identity.";
        assert_eq!(
            said,
            [
                ("member.identity_linked", of_ann),
                (
                    "session.created",
                    "Session was not begun: the provider does not say that an email address is theirs."
                ),
                (
                    "session.created",
                    "Session was not begun: no member has the email address that the provider says is theirs."
                ),
            ]
        );

        // Who was removed is nobody, until they are invited again.
        stack.delete_member(&id).await.ok();
        provider.is("sub-ann", "ann@example.com", true).await;
        assert_eq!(who(&stack, &mut browser).await, None);
        assert_eq!(sign_in(&stack, &mut Tab::new(), "/").await, "/sign-in?error=not_a_member");
        let again = stack.create_member(json!({"email": "ann@example.com", "role": "USER"})).await;
        let mut browser = Tab::new();
        assert_eq!(sign_in(&stack, &mut browser, "/").await, "/");
        assert_eq!(who(&stack, &mut browser).await.unwrap()["id"], again.ok()["id"]);
    }
}

#[tokio::test]
async fn a_provider_that_tells_the_address_elsewhere_is_asked_there() {
    let provider = Provider::real(true).await;
    let stack = provider.stack(Engine::Sqlite, Topology::OneProcess).await;
    provider.is("sub-owner", "owner@example.com", true).await;
    let mut browser = Tab::new();
    assert_eq!(sign_in(&stack, &mut browser, "/").await, "/");
    assert_eq!(who(&stack, &mut browser).await.unwrap()["role"], "OWNER");
}

#[tokio::test]
async fn what_a_provider_says_wrongly_signs_nobody_in() {
    let provider = Provider::odd().await;
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let stack = provider.stack(engine, Topology::OneProcess).await;
        let owner = |kind: &str| json!({"kind": kind, "sub": "sub-owner", "email": "owner@example.com"});
        for (kind, error) in [
            ("nonce", "provider_invalid"),
            ("no nonce", "provider_invalid"),
            ("audience", "provider_invalid"),
            ("two audiences", "provider_invalid"),
            ("party", "provider_invalid"),
            ("expired", "provider_invalid"),
            ("issuer", "provider_invalid"),
            ("no subject", "provider_invalid"),
            ("none", "provider_invalid"),
            ("shared secret", "provider_invalid"),
            ("another key", "provider_invalid"),
            ("unknown key", "provider_invalid"),
            ("token refused", "provider_invalid"),
            ("no token", "provider_invalid"),
            ("no JSON", "provider_invalid"),
            ("redirected", "provider_invalid"),
            ("says another issuer", "provider_invalid"),
            ("token fails", "provider_unavailable"),
            ("huge", "provider_unavailable"),
            ("silent", "provider_unavailable"),
            ("state", "sign_in_expired"),
            ("unverified", "email_unverified"),
            ("not said to be verified", "email_unverified"),
        ] {
            provider.tell("/do", owner(kind)).await;
            let mut browser = Tab::new();
            let led_to = sign_in(&stack, &mut browser, "/agents").await;
            assert_eq!(led_to, format!("/sign-in?error={error}"), "{kind}");
            assert_eq!(who(&stack, &mut browser).await, None, "{kind}");
        }
        // Nothing has changed: another subject may still become this member.
        provider.tell("/do", json!({"kind": "", "sub": "sub-2", "email": "owner@example.com"})).await;
        let mut browser = Tab::new();
        assert_eq!(sign_in(&stack, &mut browser, "/").await, "/");
        assert_eq!(who(&stack, &mut browser).await.unwrap()["role"], "OWNER");
    }
}

#[tokio::test]
async fn a_provider_that_is_away_is_asked_again_and_known_ones_are_remembered() {
    let provider = Provider::odd().await;
    let stack = provider.stack(Engine::Sqlite, Topology::OneProcess).await;
    for kind in ["away", "names another"] {
        provider.tell("/do", json!({"kind": kind})).await;
        assert_eq!(
            sign_in(&stack, &mut Tab::new(), "/").await,
            "/sign-in?error=provider_unavailable",
            "{kind}"
        );
        stack.advance(Duration::from_secs(6));
    }
    let owner = |kind: &str| json!({"kind": kind, "sub": "sub-owner", "email": "owner@example.com"});
    provider.tell("/do", owner("")).await;
    assert_eq!(sign_in(&stack, &mut Tab::new(), "/").await, "/");
    // What was read is old, and cannot be read again: it is good for a day.
    provider.tell("/do", owner("away")).await;
    stack.advance(Duration::from_secs(2 * 3600));
    assert_eq!(
        sign_in(&stack, &mut Tab::new(), "/").await,
        "/sign-in?error=provider_invalid",
        "the token is old"
    );
}

#[tokio::test]
async fn a_sign_in_belongs_to_the_browser_that_began_it() {
    let provider = Provider::odd().await;
    let stack = provider.stack(Engine::Sqlite, Topology::OneProcess).await;
    provider.tell("/do", json!({"kind": "", "sub": "sub-owner", "email": "owner@example.com"})).await;
    let start = dashboard(&stack, "/v1/console/oidc/acme/start?next=https://evil.example/");
    let is_callback = |url: &Url| url.path().ends_with("/callback");

    let mut browser = Tab::new();
    let first = browser.get(&start.parse().unwrap()).await;
    assert_eq!((first.status, &first.headers[CACHE_CONTROL]), (303, &"no-store".parse().unwrap()));
    let set = first.headers[SET_COOKIE].to_str().unwrap();
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/v1/console/oidc", "Max-Age=600"] {
        assert!(set.contains(attribute), "{set}");
    }
    let callback = browser.go(first.headers[LOCATION].to_str().unwrap(), is_callback).await;
    // Somebody else follows the address: they are not signed in as the owner, and cannot be made to be.
    let mut another = Tab::new();
    let refused = another.get(&callback).await;
    assert_eq!(refused.headers[LOCATION], "/sign-in?error=sign_in_expired");
    assert_eq!(who(&stack, &mut another).await, None);
    // Too late.
    stack.advance(Duration::from_secs(601));
    assert_eq!(browser.get(&callback).await.headers[LOCATION], "/sign-in?error=sign_in_expired");
    assert!(browser.cookies.is_empty(), "the cookie ends with the attempt: {:?}", browser.cookies);

    // In time, with whatever the provider adds; another site is not gone to.
    let callback = browser.go(&start, is_callback).await;
    let with_more: Url =
        format!("{callback}&scope=openid%20email&session_state=x&authuser=0").parse().unwrap();
    let entered = browser.get(&with_more).await;
    assert_eq!((entered.status, &entered.headers[LOCATION]), (303, &"/".parse().unwrap()));
    assert!(who(&stack, &mut browser).await.is_some());
    let names: Vec<&str> = browser.cookies.keys().map(String::as_str).collect();
    assert_eq!(names, ["keyward_session"]);
}

#[tokio::test]
async fn only_the_dashboard_has_these_addresses_and_only_of_its_providers() {
    let provider = Provider::odd().await;
    let stack = provider.stack(Engine::Sqlite, Topology::OneProcess).await;
    for path in ["/v1/console/oidc/acme/start", "/v1/console/oidc/acme/callback"] {
        stack.send(stack.request("GET", path)).await.refusal(404, "route_not_found");
    }
    for path in ["/v1/console/oidc/nobody/start", "/v1/console/oidc/nobody/callback?code=a&state=b"] {
        let page = Tab::new().get(&dashboard(&stack, path).parse().unwrap()).await;
        let body: Value = serde_json::from_str(&page.body).unwrap();
        assert_eq!((page.status, &body["error"]["code"]), (404, &json!("not_found")), "{path}");
    }
}
