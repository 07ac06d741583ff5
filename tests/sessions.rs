//! Sessions of the dashboard: their cookie, what a page of another origin cannot do with it, and when they end.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Browser, Cluster, Engine, PASSWORD, Processes, Stack, Topology, assert_json};

const HOUR: Duration = Duration::from_secs(60 * 60);

#[tokio::test]
async fn a_session_comes_and_goes() {
    Stack::each(async |stack| {
        stack.choose_password().await;
        let browser = Browser::new(&stack);
        browser.session().await.refusal(401, "not_signed_in");
        let signed_in = browser.sign_in("OWNER@example.com", PASSWORD).await;
        let data = signed_in.success(201, "Signed in successfully.");
        let scope = |scope: &str, title: &str, badge: &str| {
            let actions = ["create", "read", "update", "delete"];
            json!({"scope": scope, "title": title, "badge": badge, "actions": actions})
        };
        assert_json(
            data,
            json!({
                "member": {
                    "id": stack.made.member_id,
                    "name": "",
                    "email": "owner@example.com",
                    "role": "OWNER",
                },
                "organization": {"id": stack.made.organization_id, "name": "Acme"},
                "csrfToken": "<text>",
                "expiresAt": "<time>",
                "scopes": [
                    scope("contacts", "Contact Access", "Contacts"),
                    scope("document-extraction", "Document Extraction Access", "Documents"),
                ],
                "maxRateLimits": {"perMinute": 1_000_000, "perHour": 1_000_000},
                "apiBaseUrl": stack.base,
                "clientAddress": "127.0.0.1",
            }),
        );
        assert_eq!(signed_in.header("cache-control"), "no-store");
        assert!(!signed_in.body.to_string().contains("kwsession_"), "only the cookie has it");
        let again = browser.session().await;
        assert_eq!(again.success(200, "Session retrieved successfully."), data);
        assert_eq!(again.header("set-cookie"), "", "nothing has changed");

        browser
            .post("/v1/console/agents", json!({"name": "Sales"}))
            .await
            .success(201, "Agent created successfully.");
        browser.delete("/v1/console/session").await.success(200, "Signed out successfully.");
        assert_eq!(browser.cookie(), "");
        browser.session().await.refusal(401, "not_signed_in");
    })
    .await;
}

#[tokio::test]
async fn the_cookie_says_how_it_is_to_be_kept() {
    let plain = Processes::together(&[]).await;
    let over_tls = Processes::together(&[("KEYWARD_DASHBOARD__URL", "https://keys.example.com")]).await;
    for (keyward, name, origin, secure) in [
        (&plain, "keyward_session", plain.dashboard.clone(), ""),
        (&over_tls, "__Host-keyward_session", "https://keys.example.com".to_owned(), "; Secure"),
    ] {
        // Behind a proxy, pages have its origin.
        let post = async |path: &str, body: Value| {
            let browser = Browser::new(keyward);
            let request = browser.bare("POST", path).header("Origin", &origin).json(&body);
            (browser.send(request).await, browser)
        };
        let own = keyward.send(keyward.by_member("GET", "/v1/console/session")).await;
        let own = own.ok()["member"]["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/console/members/{own}:resetPassword");
        let link = keyward.send(keyward.by_member("POST", &path)).await;
        let link = link.ok()["resetUrl"].as_str().unwrap().to_owned();
        let (page, token) = link.split_once('#').unwrap();
        assert_eq!(page, format!("{origin}/reset"), "links lead to the origin");
        post("/v1/console/passwords:reset", json!({"token": token, "password": PASSWORD})).await.0.ok();
        let sign_in = json!({"email": "owner@example.com", "password": PASSWORD});
        let (signed_in, browser) = post("/v1/console/sessions", sign_in).await;
        let cookie = signed_in.header("set-cookie");
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        assert_eq!(attributes, format!("Path=/; HttpOnly; SameSite=Lax{secure}"));
        assert!(pair.starts_with(&format!("{name}=kwsession_")), "{name}");
        browser.send(browser.with_cookie("GET", "/v1/console/session")).await.ok();
        let out = browser.with_cookie("DELETE", "/v1/console/session").header("Origin", &origin);
        let out = browser.send(out.header("X-CSRF-Token", browser.csrf())).await;
        assert_eq!(
            out.header("set-cookie"),
            format!("{name}=; Path=/; HttpOnly; SameSite=Lax{secure}; Max-Age=0")
        );
    }
}

#[tokio::test]
async fn pages_of_other_origins_change_nothing() {
    let stack = Stack::start(Engine::Sqlite, Topology::OneProcess).await;
    let browser = stack.signed_in().await;
    let csrf = browser.csrf();
    let (csrf, ours) = (csrf.as_str(), browser.origin());
    let port = stack.dashboard().port();
    let another_port = format!("http://127.0.0.1:{}", port.wrapping_add(1));
    let localhost = format!("http://localhost:{port}");
    let another_scheme = format!("https://127.0.0.1:{port}");
    let agents = async || {
        stack.send(stack.by_member("GET", "/v1/console/agents")).await.ok().as_array().unwrap().len()
    };
    let before = agents().await;
    for (what, origin, token) in [
        ("no origin", None, Some(csrf)),
        ("an origin of nowhere", Some("null"), Some(csrf)),
        ("another site", Some("https://evil.example"), Some(csrf)),
        ("another port", Some(another_port.as_str()), Some(csrf)),
        ("another scheme", Some(another_scheme.as_str()), Some(csrf)),
        ("another host", Some("http://127.0.0.1.evil.example"), Some(csrf)),
        ("the API's own origin", Some(stack.base.as_str()), Some(csrf)),
        ("no token", Some(ours), None),
        ("an empty token", Some(ours), Some("")),
        ("another token", Some(ours), Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
    ] {
        for (method, path) in [
            ("POST", "/v1/console/agents".to_owned()),
            ("PATCH", format!("/v1/console/agents/{}", stack.agent)),
            ("DELETE", format!("/v1/console/agents/{}", stack.agent)),
            ("POST", "/v1/console/tokens".to_owned()),
        ] {
            let mut request = browser.with_cookie(method, &path);
            if let Some(origin) = origin {
                request = request.header("Origin", origin);
            }
            if let Some(token) = token {
                request = request.header("X-CSRF-Token", token);
            }
            eprintln!("{what}: {method} {path}");
            browser.send(request.json(&json!({"name": "x"}))).await.refusal(403, "csrf_failed");
        }
    }
    assert_eq!(agents().await, before);
    // Signing somebody in from another site is refused, too.
    let body = json!({"email": "owner@example.com", "password": PASSWORD});
    for origin in ["null", "https://evil.example", &another_port] {
        let request = browser.bare("POST", "/v1/console/sessions").header("Origin", origin).json(&body);
        browser.send(request).await.refusal(403, "csrf_failed");
    }
    // A token that another session has is none of this one's.
    let other = Browser::new(&stack);
    other.sign_in("owner@example.com", PASSWORD).await.ok();
    let request = browser.with_cookie("POST", "/v1/console/agents").header("Origin", ours);
    let request = request.header("X-CSRF-Token", other.csrf()).json(&json!({"name": "x"}));
    browser.send(request).await.refusal(403, "csrf_failed");
    // Reading asks for neither, and says nothing to pages of others.
    let read = browser.with_cookie("GET", "/v1/console/session").header("Origin", "https://evil.example");
    let read = browser.send(read).await;
    read.ok();
    assert!(!read.headers.keys().any(|name| name.as_str().starts_with("access-control")));
    let request = browser.request("POST", "/v1/console/agents").json(&json!({"name": "Sales"}));
    browser.send(request).await.ok();
    let by_name = browser.with_cookie("POST", "/v1/console/agents").header("Origin", localhost);
    let by_name = by_name.header("X-CSRF-Token", browser.csrf()).json(&json!({"name": "Marketing"}));
    browser.send(by_name).await.ok();
}

#[tokio::test]
async fn a_cookie_counts_at_the_dashboard_and_nothing_else_begins_a_session() {
    let stack = Stack::start(Engine::Sqlite, Topology::OneProcess).await;
    let browser = stack.signed_in().await;
    let session = browser.cookie().split_once('=').unwrap().1.to_owned();
    // Cookies ignore ports: the API gets it, and does not look.
    let to_api = |method, path: &str| stack.request(method, path).header("Cookie", browser.cookie());
    let (csrf, origin) = (browser.csrf(), browser.origin());
    stack.send(to_api("GET", "/v1/console/session")).await.refusal(401, "not_signed_in");
    let request = to_api("POST", "/v1/console/agents").header("Origin", origin).header("X-CSRF-Token", &csrf);
    stack.send(request.json(&json!({"name": "x"}))).await.refusal(401, "not_signed_in");
    stack.send(to_api("GET", &stack.contacts_path())).await.refusal(401, "missing_credentials");
    // Nor as a token, nor a token as a cookie.
    stack
        .send(stack.request("GET", "/v1/console/session").bearer_auth(&session))
        .await
        .refusal(401, "not_signed_in");
    browser
        .send(browser.bare("GET", "/v1/console/session").bearer_auth(&session))
        .await
        .refusal(401, "not_signed_in");
    let swapped = format!("keyward_session={}", stack.token);
    browser
        .send(browser.bare("GET", "/v1/console/session").header("Cookie", swapped))
        .await
        .refusal(401, "not_signed_in");
    let twice = format!("{0}; {0}", browser.cookie());
    browser
        .send(browser.bare("GET", "/v1/console/session").header("Cookie", twice))
        .await
        .refusal(401, "not_signed_in");
    // What begins a session is not there.
    for path in ["/v1/console/sessions", "/v1/console/setup", "/v1/console/invitations:accept"] {
        let request = stack.request("POST", path).json(&json!({}));
        stack.send(request).await.refusal(404, "route_not_found");
    }
    // A personal access token works at the dashboard as well, and needs no proof of a page.
    let request = browser.bare("POST", "/v1/console/agents").bearer_auth(&stack.token);
    browser.send(request.json(&json!({"name": "Sales"}))).await.ok();
    let by_token = browser.send(browser.bare("GET", "/v1/console/session").bearer_auth(&stack.token)).await;
    assert_eq!((&by_token.ok()["csrfToken"], &by_token.ok()["expiresAt"]), (&json!(null), &json!(null)));
    let request = browser.bare("DELETE", "/v1/console/session").bearer_auth(&stack.token);
    browser.send(request).await.refusal(404, "not_found");
    // The data API is not at the dashboard's listener.
    let data = browser.bare("GET", &stack.contacts_path()).header("X-API-Key", &stack.key.api_key);
    assert_eq!(browser.send(data.header("X-API-Secret", &stack.key.secret)).await.status, 404);
}

#[tokio::test]
async fn signing_in_takes_no_session_that_is_brought_along() {
    let stack = Stack::start(Engine::Sqlite, Topology::OneProcess).await;
    let browser = stack.signed_in().await;
    let before = browser.cookie();
    let made_up = format!("keyward_session=kwsession_{}", "0".repeat(49));
    for brought in [made_up.as_str(), before.as_str()] {
        let request = browser.bare("POST", "/v1/console/sessions").header("Origin", browser.origin());
        let body = json!({"email": "owner@example.com", "password": PASSWORD});
        let signed_in = browser.send(request.header("Cookie", brought).json(&body)).await;
        let (cookie, _) = signed_in.header("set-cookie").split_once(';').unwrap();
        assert_ne!(cookie, brought);
        signed_in.ok();
    }
    assert_ne!(browser.cookie(), before);
    browser.session().await.ok();
    let request = browser.bare("GET", "/v1/console/session").header("Cookie", made_up);
    browser.send(request).await.refusal(401, "not_signed_in");
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_at_its_end() {
    Stack::each(async |stack| {
        let (idle, used) = (stack.signed_in().await, Browser::new(&stack));
        used.sign_in("owner@example.com", PASSWORD).await.ok();
        for _ in 0..15 {
            stack.advance(11 * HOUR);
            used.session().await.ok();
        }
        idle.session().await.refusal(401, "not_signed_in");
        // 165 hours; a week has 168.
        stack.advance(3 * HOUR);
        used.session().await.refusal(401, "not_signed_in");
        used.post("/v1/console/agents", json!({"name": "x"})).await.refusal(401, "not_signed_in");
    })
    .await;
}

#[tokio::test]
async fn everyone_sees_and_ends_their_own_sessions() {
    Stack::each(async |stack| {
        let (first, second) = (stack.signed_in().await, Browser::new(&stack));
        let request = second.bare("POST", "/v1/console/sessions").header("User-Agent", "Mozilla/5.0 <b>");
        let body = json!({"email": "owner@example.com", "password": PASSWORD});
        second.send(request.json(&body)).await.ok();
        let (ann, _) = stack.new_member("ann@example.com", "USER").await;

        let listed = second.get("/v1/console/sessions").await;
        let listed = listed.success(200, "Sessions retrieved successfully.").clone();
        let session = |agent: &str, current| {
            json!({
                "id": "<id>",
                "createdAt": "<time>",
                "lastSeenAt": "<time>",
                "clientAddress": "127.0.0.1",
                "userAgent": agent,
                "current": current,
            })
        };
        assert_json(&listed, json!([session("Mozilla/5.0 <b>", true), session("", false)]));
        let path = |at: usize| format!("/v1/console/sessions/{}", listed[at]["id"].as_str().unwrap());
        ann.delete(&path(1)).await.refusal(404, "not_found");
        first.session().await.ok();
        second.delete(&path(1)).await.success(200, "Session ended successfully.");
        second.delete(&path(1)).await.refusal(404, "not_found");
        first.session().await.refusal(401, "not_signed_in");
        second.delete("/v1/console/sessions/x").await.refusal(404, "not_found");
        assert_eq!(second.get("/v1/console/sessions").await.ok().as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn rights_are_those_of_now_and_a_change_renews_the_cookie() {
    Stack::each(async |stack| {
        let (ann, id) = stack.new_member("ann@example.com", "ADMIN").await;
        let make = async || ann.post("/v1/console/agents", json!({"name": "x"})).await;
        make().await.ok();
        let before = ann.cookie();
        stack.update_member(&id, json!({"role": "USER"})).await.ok();
        make().await.refusal(403, "role_required");
        ann.get("/v1/console/agents").await.ok();
        assert_eq!(ann.cookie(), before);

        let session = ann.session().await;
        assert_eq!(session.ok()["member"]["role"], "USER");
        assert_ne!(ann.cookie(), before);
        let stale = ann.bare("GET", "/v1/console/session").header("Cookie", before);
        ann.send(stale).await.refusal(401, "not_signed_in");
        make().await.refusal(403, "role_required");
        stack.update_member(&id, json!({"role": "ADMIN"})).await.ok();
        make().await.ok();

        stack.delete_member(&id).await.ok();
        make().await.refusal(401, "not_signed_in");
        ann.session().await.refusal(401, "not_signed_in");
        ann.sign_in("ann@example.com", PASSWORD).await.refusal(401, "invalid_credentials");
    })
    .await;
}

#[tokio::test]
async fn what_one_replica_is_told_counts_at_the_other() {
    let cluster = Cluster::start_with(2, 2, 2, 2).await;
    let (one, two) = (&cluster.apis[0], &cluster.apis[1]);
    let (ann, id) = one.new_member("ann@example.com", "ADMIN").await;
    // Of another site's origin: what is asked here changes nothing.
    let elsewhere = ann.at(two);
    elsewhere.session().await.ok();
    two.update_member(&id, json!({"role": "USER"})).await.ok();
    ann.post("/v1/console/agents", json!({"name": "x"})).await.refusal(403, "role_required");
    let sessions = elsewhere.get("/v1/console/sessions").await;
    let path = format!("/v1/console/sessions/{}", sessions.ok()[0]["id"].as_str().unwrap());
    elsewhere.delete(&path).await.ok();
    ann.session().await.refusal(401, "not_signed_in");
    elsewhere.sign_in("ann@example.com", PASSWORD).await.ok();
    let again = elsewhere.at(one);
    again.session().await.ok();
    two.delete_member(&id).await.ok();
    again.session().await.refusal(401, "not_signed_in");
}
