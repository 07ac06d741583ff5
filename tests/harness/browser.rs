//! What the dashboard's pages do: they keep a session cookie, and send what proves that a call is theirs.

use parking_lot::Mutex;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{Answer, Api};

/// A password that nobody would guess.
pub const PASSWORD: &str = "correct horse battery staple";

/// A browser at the dashboard of one edge.
pub struct Browser {
    api: Api,
    /// `name=value`, as the last answer set it.
    cookie: Mutex<Option<String>>,
    csrf: Mutex<String>,
}

impl Browser {
    /// Nobody is signed in. `api` is of the same edge.
    pub fn new(api: &Api) -> Browser {
        Browser { api: api.at_dashboard(), cookie: Mutex::default(), csrf: Mutex::default() }
    }

    /// The same person, who opens the dashboard of another edge of the same site.
    pub fn at(&self, api: &Api) -> Browser {
        let (cookie, csrf) = (Mutex::new(self.cookie.lock().clone()), Mutex::new(self.csrf.lock().clone()));
        Browser { api: api.at_dashboard(), cookie, csrf }
    }

    /// The origin of the dashboard.
    pub fn origin(&self) -> &str {
        &self.api.base
    }

    /// The cookie, as it is sent.
    pub fn cookie(&self) -> String {
        self.cookie.lock().clone().unwrap_or_default()
    }

    /// The CSRF token of the session.
    pub fn csrf(&self) -> String {
        self.csrf.lock().clone()
    }

    /// A request with nothing of a page: neither cookie nor origin.
    pub fn bare(&self, method: &str, path: &str) -> RequestBuilder {
        self.api.request(method, path)
    }

    /// A request with the cookie alone, as any page of the world can cause it.
    pub fn with_cookie(&self, method: &str, path: &str) -> RequestBuilder {
        let request = self.bare(method, path);
        match self.cookie.lock().as_ref() {
            Some(cookie) => request.header("Cookie", cookie),
            None => request,
        }
    }

    /// A request of a page of the dashboard.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let request = self.with_cookie(method, path).header("Origin", self.origin());
        match self.csrf() {
            csrf if csrf.is_empty() => request,
            csrf => request.header("X-CSRF-Token", csrf),
        }
    }

    /// Sends, and keeps what the answer says of the session.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = self.api.send(request).await;
        if let Some((cookie, _)) = answer.header("set-cookie").split_once(';') {
            let is_there = !cookie.ends_with('=');
            *self.cookie.lock() = is_there.then(|| cookie.to_owned());
        }
        if let Some(csrf) = answer.body["data"]["csrfToken"].as_str() {
            csrf.clone_into(&mut self.csrf.lock());
        }
        answer
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request("POST", path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request("DELETE", path)).await
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.post("/v1/console/sessions", json!({"email": email, "password": password})).await
    }

    pub async fn session(&self) -> Answer {
        self.get("/v1/console/session").await
    }
}

/// The token in the fragment of a link.
pub fn token_of(link: &str) -> String {
    link.split_once('#').unwrap_or_else(|| panic!("no fragment: {link}")).1.to_owned()
}

impl Api {
    /// Gives the member of this client's token, an OWNER, the usual password.
    pub async fn choose_password(&self) {
        let own = self.send(self.by_member("GET", "/v1/console/session")).await;
        let path =
            format!("/v1/console/members/{}:resetPassword", own.ok()["member"]["id"].as_str().unwrap());
        let link = self.send(self.by_member("POST", &path)).await;
        let token = token_of(link.ok()["resetUrl"].as_str().unwrap());
        let body = json!({"token": token, "password": PASSWORD});
        Browser::new(self).post("/v1/console/passwords:reset", body).await.ok();
    }

    /// A browser in which that OWNER is signed in.
    pub async fn signed_in(&self) -> Browser {
        self.choose_password().await;
        let browser = Browser::new(self);
        browser.sign_in("owner@example.com", PASSWORD).await.ok();
        browser
    }

    /// A personal access token of that OWNER, made by a session as only sessions do.
    pub async fn new_token(&self, token: Value) -> Answer {
        self.signed_in().await.post("/v1/console/tokens", token).await
    }

    /// A browser in which a new member of this role is signed in, and their id.
    pub async fn new_member(&self, email: &str, role: &str) -> (Browser, String) {
        let invited = self.create_member(json!({"email": email, "role": role})).await;
        let id = invited.ok()["id"].as_str().unwrap().to_owned();
        let token = token_of(invited.ok()["inviteUrl"].as_str().unwrap());
        let browser = Browser::new(self);
        let body = json!({"token": token, "name": "Ann", "password": PASSWORD});
        browser.post("/v1/console/invitations:accept", body).await.ok();
        (browser, id)
    }
}
