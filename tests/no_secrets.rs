//! A secret is printed once and stands nowhere else: not in a log, not in a file of the data directory.

use std::path::Path;

use serde_json::json;

use crate::harness::Processes;

/// All files below a directory.
fn files(dir: &Path) -> Vec<std::path::PathBuf> {
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

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[tokio::test]
async fn secrets_are_in_no_log_and_in_no_file() {
    // Everything that can be logged is logged.
    let mut keyward =
        Processes::together(&[("KEYWARD_TELEMETRY__LOG", "trace"), ("KEYWARD_EDGE__ACCESS_LOG", "info")])
            .await;
    let key = keyward.new_key(&["contacts:read", "contacts:create"]).await;
    let caller = keyward.with_key(&key);
    let contact =
        json!({"externalReferenceId": "crm-1", "email": "ada.secret@example.com", "notes": "hush-hush"});
    caller.create_contact(contact.clone()).await.success(201, "Contact created.");
    caller.create_contact(contact).await.refusal(409, "already_exists");
    let token = keyward.create_token(json!({"name": "CI"})).await.ok()["secret"].as_str().unwrap().to_owned();
    keyward.with_token(&token).list_keys("").await.success(200, "API keys retrieved successfully.");
    // Refusals are logged, too: wrong credentials, and a body that is not JSON.
    let mut wrong = key.clone();
    wrong.secret = keyward.key.secret.clone();
    keyward.with_key(&wrong).list_contacts("").await.refusal(401, "invalid_credentials");
    keyward.with_token("kwp_never_was_one").list_keys("").await.refusal(401, "not_signed_in");
    let basic = keyward.request("GET", &keyward.contacts_path()).basic_auth(&key.api_key, Some(&key.secret));
    keyward.send(basic).await.success(200, "Contacts retrieved.");
    let path = format!("{}?apiSecret={}", keyward.contacts_path(), key.secret);
    keyward.send(caller.by_key("GET", &path)).await.refusal(400, "invalid_argument");
    let bad = caller.by_key("POST", &keyward.contacts_path()).header("content-type", "application/json");
    keyward.send(bad.body(format!("{{{}", key.secret))).await.refusal(400, "invalid_json");
    keyward.terminate().await;

    let secrets = [&keyward.key.secret, &key.secret, &keyward.token, &token];
    let log = keyward.logs();
    assert!(log.lines().count() > 10, "the log holds something:\n{log}");
    for secret in secrets {
        assert!(!log.contains(secret.as_str()), "a secret is in the log");
        for file in files(&keyward.data_dir()) {
            let bytes = std::fs::read(&file).unwrap();
            assert!(!contains(&bytes, secret), "a secret is in {}", file.display());
        }
    }
    for private in ["ada.secret@example.com", "hush-hush", "kwp_never_was_one"] {
        assert!(!log.contains(private), "{private} is in the log");
    }
    assert_eq!(keyward.all[0].stdout().await, "", "serve prints nothing");
}
