//! A secret is printed once and stands nowhere else: in no log, trace, metric or argument of a process, in
//! neither database, in no file but those that are made for keys.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{COOKIE, HeaderName};
use serde_json::json;
use svc_core::ids::hex;
use svc_runtime::token::TokenSigner;

use crate::harness::{
    Api, Browser, Engine as Database, Key, Processes, SpanReceiver, postgres, random_hex, token_of,
};

/// What must not be found, by what it is.
struct Needles(Vec<(&'static str, Vec<u8>)>);

impl Needles {
    fn add(&mut self, what: &'static str, needle: &[u8]) {
        self.0.push((what, needle.to_vec()));
        // As PostgreSQL and others show bytes.
        self.0.push((what, hex(needle).into_bytes()));
    }

    /// A secret or a token of ours, without the prefix and the last 4 characters, which lists show. What is
    /// cut off or put in quotes is found, too.
    fn add_credential(&mut self, what: &'static str, credential: &str) {
        let (_, random) = credential.rsplit_once('_').unwrap();
        self.add(what, &random.as_bytes()[..random.len() - 8]);
    }

    /// `Authorization: Basic`.
    fn add_basic(&mut self, key: &Key) {
        let basic = STANDARD.encode(format!("{}:{}", key.api_key, key.secret));
        // The part that is only the `apiKey` is not secret; the last digits depend on what follows.
        self.add("a Basic credential", &basic.as_bytes()[60..basic.len() - 4]);
    }

    /// A key as the settings hold it, and its bytes.
    fn add_key(&mut self, what: &'static str, key: &str) {
        self.add(what, key.trim_end_matches('=').as_bytes());
        let bytes = STANDARD.decode(key).unwrap();
        // Of a PKCS #8 key the last 32 are the key itself.
        self.add(what, &bytes[bytes.len() - 32..]);
    }

    fn check(&self, place: &str, haystack: &[u8]) {
        for (what, needle) in &self.0 {
            let found = haystack.windows(needle.len()).position(|window| window == needle);
            if let Some(at) = found {
                let around = &haystack[at.saturating_sub(300)..(at + 100).min(haystack.len())];
                panic!("{what} is in {place}: …{}…", String::from_utf8_lossy(around));
            }
        }
    }
}

/// All files below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

/// Everything that users do with secrets, in the right and in the wrong way.
async fn journeys(api: &Api, needles: &mut Needles) {
    let key = api.new_key(&["contacts:read", "contacts:create", "contacts:update", "contacts:delete"]).await;
    needles.add_credential("a secret", &key.secret);
    needles.add_basic(&key);
    let caller = api.with_key(&key);
    contacts(&caller).await;
    caller.own_key().await.ok();
    let basic = api.request("GET", &api.contacts_path()).basic_auth(&key.api_key, Some(&key.secret));
    api.send(basic).await.success(200, "Contacts retrieved.");

    let rotated = api.key_verb(&key.id, "rotate", json!({"overlapSeconds": 3600})).await;
    let newer = Key { secret: rotated.ok()["secret"].as_str().unwrap().to_owned(), ..key.clone() };
    needles.add_credential("a rotated secret", &newer.secret);
    api.with_key(&newer).list_contacts("").await.ok();
    caller.list_contacts("").await.ok();
    api.key_verb(&key.id, "endOverlap", json!({})).await.ok();
    caller.list_contacts("").await.refusal(401, "invalid_credentials");
    api.update_key(&key.id, json!({"allowedIps": ["192.0.2.1"]})).await.ok();
    api.with_key(&newer).list_contacts("").await.refusal(403, "ip_not_allowed");
    api.update_key(&key.id, json!({"allowedIps": [], "rateLimits": {"perMinute": 1}})).await.ok();
    api.with_key(&newer).list_contacts("").await.refusal(429, "rate_limited");
    api.key_verb(&key.id, "disable", json!({})).await.ok();
    api.with_key(&newer).list_contacts("").await.refusal(403, "key_disabled");
    api.delete_key(&key.id).await.success(200, "API key deleted successfully.");
    api.with_key(&newer).list_contacts("").await.refusal(401, "invalid_credentials");

    idempotent(api, needles).await;

    let member = api.create_member(json!({"email": "user@example.com", "role": "ADMIN"})).await;
    let member = member.ok()["id"].as_str().unwrap().to_owned();
    sessions(api, needles).await;
    let token = api.new_token(json!({"name": "CI"})).await;
    let (id, token) = (token.ok()["token"]["id"].clone(), token.ok()["secret"].as_str().unwrap().to_owned());
    needles.add_credential("a personal access token", &token);
    api.with_token(&token).list_keys("").await.success(200, "API keys retrieved successfully.");
    api.delete_token(id.as_str().unwrap()).await.ok();
    api.with_token(&token).list_keys("").await.refusal(401, "not_signed_in");
    api.delete_member(&member).await.ok();
    in_wrong_places(api, &token).await;
}

/// What people sign in with.
async fn sessions(api: &Api, needles: &mut Needles) {
    let invited = api.create_member(json!({"email": "grace@example.com", "role": "USER"})).await;
    let link = token_of(invited.ok()["inviteUrl"].as_str().unwrap());
    needles.add_credential("an invitation", &link);
    let browser = Browser::new(api);
    let mut body = json!({"token": link, "name": "Grace", "password": "short"});
    browser.post("/v1/console/invitations:accept", body.clone()).await.refusal(400, "invalid_argument");
    let password = format!("pass {}", random_hex());
    needles.add("a password", password.as_bytes());
    body["password"] = json!(password);
    browser.post("/v1/console/invitations:accept", body.clone()).await.ok();
    browser.post("/v1/console/invitations:accept", body).await.refusal(401, "invalid_credentials");
    browser.sign_in("grace@example.com", &format!("{password}x")).await.refusal(401, "invalid_credentials");
    browser.sign_in("grace@example.com", &password).await.ok();
    needles.add_credential("a session", browser.cookie().split_once('=').unwrap().1);
    needles.add("a CSRF token", browser.csrf().as_bytes());
    browser.session().await.ok();
    browser.send(browser.with_cookie("POST", "/v1/console/tokens")).await.refusal(403, "csrf_failed");
    let reset = format!("/v1/console/members/{}:resetPassword", invited.ok()["id"].as_str().unwrap());
    let reset = api.send(api.by_member("POST", &reset)).await;
    needles.add_credential("a reset", &token_of(reset.ok()["resetUrl"].as_str().unwrap()));
    browser.delete("/v1/console/session").await.ok();
    browser.session().await.refusal(401, "not_signed_in");
}

/// The key stands nowhere, either: callers may make it of what is theirs.
async fn idempotent(api: &Api, needles: &mut Needles) {
    let key = format!("order-{}", random_hex());
    needles.add("an idempotency key", key.as_bytes());
    let request = api.by_member("POST", &api.keys_path()).header("Idempotency-Key", &key);
    let request = request.json(&json!({"name": "Once", "permissions": ["contacts:read"]}));
    let made = api.send(request.try_clone().unwrap()).await;
    needles.add_credential("a secret that was made once", made.ok()["secret"].as_str().unwrap());
    api.send(request).await.refusal(409, "conflict");
}

async fn contacts(caller: &Api) {
    let contact =
        json!({"externalReferenceId": "crm-1", "email": "ada.secret@example.com", "notes": "hush-hush"});
    caller.create_contact(contact.clone()).await.success(201, "Contact created.");
    caller.create_contact(contact).await.refusal(409, "already_exists");
    caller.get_contact("crm-1").await.ok();
    caller.delete_contact("crm-1").await.ok();
}

/// Good secrets where they do not belong. What comes back does not matter.
async fn in_wrong_places(api: &Api, token: &str) {
    let path = api.contacts_path();
    for secret in [api.key.secret.as_str(), token, &api.token] {
        let key = Key { secret: secret.to_owned(), ..api.key.clone() };
        if secret != api.key.secret {
            api.with_key(&key).list_contacts("").await.refusal(401, "invalid_credentials");
        }
        let swapped = Key { api_key: secret.to_owned(), ..api.key.clone() };
        api.with_key(&swapped).list_contacts("").await.refusal(401, "invalid_credentials");
        for query in [format!("?apiSecret={secret}"), format!("?{secret}=1"), format!("?cursor={secret}")] {
            api.list_contacts(&query).await;
            api.list_keys(&query).await;
        }
        let json =
            |body: String| api.by_key("POST", &path).header("content-type", "application/json").body(body);
        for body in
            [format!("{{{secret}"), format!("{{\"{secret}\": 1}}"), format!("{{\"stage\": \"{secret}\"}}")]
        {
            assert_eq!(api.send(json(body)).await.status, 400);
        }
        for path in [format!("/{secret}"), format!("/v1/open/contacts/{secret}/chatbots/{}", api.agent)] {
            api.send(api.by_key("GET", &path)).await;
        }
        for name in [COOKIE, HeaderName::from_static("x-secret"), HeaderName::from_static("traceparent")] {
            api.send(api.by_key("GET", &path).header(name, secret)).await;
        }
        api.send(api.request("GET", &path).bearer_auth(secret)).await;
        api.send(api.by_member("GET", &api.keys_path()).header("x-api-secret", secret)).await;
    }
}

/// Runs every journey with everything logged, and looks everywhere.
async fn nothing_is_found(database: Database, together: bool) {
    let (receiver, address) = SpanReceiver::start().await;
    let url = match database {
        Database::Sqlite => None,
        Database::Postgres => Some(postgres::new_database().await),
    };
    let key = || STANDARD.encode(format!("{}{}", &random_hex()[..16], &random_hex()[..16]));
    let signing = || TokenSigner::generate().unwrap().expose().to_owned();
    let edge_token = random_hex();
    let keys = [
        ("the verifier key", "KEYWARD_AUTH__VERIFIER_KEY", key()),
        ("the audit key", "KEYWARD_AUTH__AUDIT_KEY", key()),
        ("the previous verifier key", "KEYWARD_AUTH__VERIFIER_KEY_PREVIOUS", key()),
        ("the signing key", "KEYWARD_AUTH__SIGNING_KEY", signing()),
        ("the previous signing key", "KEYWARD_AUTH__SIGNING_KEY_PREVIOUS", signing()),
        ("the pepper", "KEYWARD_AUTH__PEPPER", key()),
        ("the previous pepper", "KEYWARD_AUTH__PEPPER_PREVIOUS", key()),
    ];
    let endpoint = format!("http://{address}");
    let mut variables = vec![
        ("KEYWARD_TELEMETRY__LOG", "trace"),
        ("KEYWARD_TELEMETRY__OTLP_ENDPOINT", endpoint.as_str()),
        ("KEYWARD_EDGE__ACCESS_LOG", "info"),
        ("KEYWARD_EDGE__AUTH_TOKEN", &edge_token),
    ];
    variables.extend(keys.iter().map(|(_, name, key)| (*name, key.as_str())));
    variables.extend(url.iter().map(|url| ("KEYWARD_DATABASE__URL", url.as_str())));
    let mut keyward = match together {
        true => Processes::together(&variables).await,
        false => Processes::apart(&variables).await,
    };

    let mut needles = Needles(Vec::new());
    keys.iter().for_each(|(what, _, key)| needles.add_key(what, key));
    needles.add("the edge's token", edge_token.as_bytes());
    needles.add_credential("the first secret", &keyward.key.secret.clone());
    needles.add_credential("the owner's token", &keyward.token.clone());
    journeys(&keyward, &mut needles).await;

    for process in &keyward.all {
        needles.check("the arguments of a process", &process.arguments());
        needles.check("the metrics", process.metrics().await.as_bytes());
    }
    // Once before the databases are closed, with SQLite's journals, and once after it.
    look_into_files(&needles, &keyward.data_dir());
    keyward.terminate().await;
    let files = look_into_files(&needles, &keyward.data_dir());
    // What is no secret is found, so secrets would be.
    let in_files = contains(&files, keyward.key.api_key.as_bytes());
    assert_eq!(in_files, url.is_none(), "the files hold the database");
    if let Some(url) = &url {
        let dump = postgres::dump(url).await;
        assert!(
            dump.contains("$argon2id$") && dump.contains("contacts.contacts"),
            "the dump holds something"
        );
        needles.check("PostgreSQL", dump.as_bytes());
    }
    let spans = receiver.all();
    assert!(spans.len() > 100, "there are traces");
    needles.check("a trace", format!("{spans:?}").as_bytes());
    let log = keyward.logs();
    // Everything is logged, also by those who carry the credentials between processes.
    assert!(together || log.contains("\"target\":\"h2::"), "the log is not whole:\n{log}");
    assert!(log.lines().count() > 100, "the log holds something:\n{log}");
    needles.check("the log", log.as_bytes());
    for private in ["ada.secret@example.com", "hush-hush"] {
        assert!(!log.contains(private), "{private} is in the log");
    }
    for process in &mut keyward.all {
        assert_eq!(process.stdout().await, "", "serve prints nothing");
    }
}

/// Looks into every file that is not a key's, and gives them all.
fn look_into_files(needles: &Needles, data_dir: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    // With PostgreSQL and all keys given there is none.
    let kept = if data_dir.exists() { files(data_dir) } else { Vec::new() };
    for file in kept {
        if file.extension().is_some_and(|extension| extension == "key") {
            continue;
        }
        let bytes = std::fs::read(&file).unwrap();
        needles.check(&file.display().to_string(), &bytes);
        all.extend(bytes);
    }
    all
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[tokio::test]
async fn no_secret_of_one_process_on_sqlite() {
    nothing_is_found(Database::Sqlite, true).await;
}

#[tokio::test]
async fn no_secret_of_one_process_on_postgresql() {
    nothing_is_found(Database::Postgres, true).await;
}

#[tokio::test]
async fn no_secret_of_four_processes_on_sqlite() {
    nothing_is_found(Database::Sqlite, false).await;
}

#[tokio::test]
async fn no_secret_of_four_processes_on_postgresql() {
    nothing_is_found(Database::Postgres, false).await;
}
