//! The real binary as four processes of the operating system, on unix sockets.

use serde_json::json;
use sqlx::Connection;

use crate::harness::{Process, Processes, SET_UP, Variables, keyward};

#[tokio::test]
async fn four_processes_are_one_keyward() {
    let mut keyward = Processes::apart(&[]).await;
    let id = keyward.new_contact("crm-1").await;
    assert_eq!(keyward.get_contact("crm-1").await.ok()["id"], json!(id));
    let key = keyward.new_key(&["contacts:read"]).await;
    keyward.with_key(&key).list_contacts("").await.success(200, "Contacts retrieved.");
    keyward.delete_key(&key.id).await.success(200, "API key deleted successfully.");
    keyward.with_key(&key).list_contacts("").await.refusal(401, "invalid_credentials");

    let health = keyward.send(keyward.request("GET", "/v1/open/health?deep=true")).await;
    let all = json!({"auth": "SERVING", "contacts": "SERVING", "extraction": "SERVING"});
    assert_eq!(health.ok(), &json!({"status": "SERVING", "upstreams": all}));
    keyward.terminate().await;
}

#[tokio::test]
async fn without_auth_svc_nothing_is_let_through() {
    let mut keyward = Processes::apart(&[]).await;
    keyward.list_contacts("").await.success(200, "Contacts retrieved.");
    let mut auth = keyward.all.pop().unwrap();
    auth.kill().await;
    keyward.list_contacts("").await.refusal(503, "authorization_unavailable");
    keyward.list_keys("").await.refusal(503, "authorization_unavailable");
    let health = keyward.send(keyward.request("GET", "/v1/open/health")).await;
    assert_eq!(health.ok(), &json!({"status": "SERVING"}));
}

#[tokio::test]
async fn parts_refuse_to_start_without_what_they_share() {
    let dir = tempfile::TempDir::new().unwrap();
    let mut variables = Variables::from([
        ("KEYWARD_DATA_DIR".to_owned(), dir.path().to_str().unwrap().to_owned()),
        ("KEYWARD_ADMIN__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
        ("KEYWARD_EDGE__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
        ("KEYWARD_DASHBOARD__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
        ("KEYWARD_AUTH__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
    ]);
    for token in [None, Some("short")] {
        if let Some(token) = token {
            variables.insert("KEYWARD_EDGE__AUTH_TOKEN".to_owned(), token.to_owned());
        }
        for part in ["auth", "edge"] {
            let output = keyward(&["serve", part], &variables).await;
            assert_eq!(output.status.code(), Some(1));
            let error = String::from_utf8(output.stderr).unwrap();
            let last = error.lines().last().unwrap();
            assert!(last.starts_with("keyward: setting `edge.auth_token`: "), "{error}");
            assert!(!last.contains("short"), "{error}");
        }
    }
}

#[tokio::test]
async fn sqlite_belongs_to_one_process() {
    let running = Processes::together(&[]).await;
    let variables = Variables::from([
        ("KEYWARD_DATA_DIR".to_owned(), running.data_dir().to_str().unwrap().to_owned()),
        ("KEYWARD_EDGE__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
        ("KEYWARD_DASHBOARD__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
        ("KEYWARD_ADMIN__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
    ]);
    for arguments in [&["serve"][..], &SET_UP] {
        let output = keyward(arguments, &variables).await;
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.lines().last().unwrap().contains("is held by another process"), "{error}");
    }
    running.list_contacts("").await.success(200, "Contacts retrieved.");
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_named() {
    let dir = tempfile::TempDir::new().unwrap();
    let variables =
        Variables::from([("KEYWARD_DATA_DIR".to_owned(), dir.path().to_str().unwrap().to_owned())]);
    assert!(keyward(&SET_UP, &variables).await.status.success());
    assert!(keyward(&["migrate"], &variables).await.status.success());
    let link = ["password-link", "--email", "owner@example.com"];
    let refused = async |arguments: &[&str], name: &str| {
        let output = keyward(arguments, &variables).await;
        assert_eq!(output.status.code(), Some(1), "{name}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(dir.path().join(name).to_str().unwrap()), "{name}: {error}");
        error
    };
    for name in ["verifier.key", "audit.key", "signing.key"] {
        let path = dir.path().join(name);
        let good = std::fs::read(&path).unwrap();
        // What a disk that was full leaves behind, and what somebody has edited.
        for bad in ["", "no key"] {
            std::fs::write(&path, bad).unwrap();
            let error = refused(&link, name).await;
            assert!(error.contains("does not hold the key that it should"), "{error}");
            if name == "audit.key" {
                refused(&["audit", "verify"], name).await;
            }
        }
        std::fs::write(&path, good).unwrap();
    }
    let path = dir.path().join("contacts.sqlite");
    let good = std::fs::read(&path).unwrap();
    std::fs::write(&path, [7; 8_192]).unwrap();
    refused(&["migrate"], "contacts.sqlite").await;
    std::fs::write(&path, good).unwrap();
    assert!(keyward(&["migrate"], &variables).await.status.success());
}

#[tokio::test]
async fn a_database_that_a_newer_release_has_used_is_refused() {
    let dir = tempfile::TempDir::new().unwrap();
    let variables =
        Variables::from([("KEYWARD_DATA_DIR".to_owned(), dir.path().to_str().unwrap().to_owned())]);
    assert!(keyward(&["migrate"], &variables).await.status.success());
    let file = format!("sqlite://{}", dir.path().join("contacts.sqlite").display());
    let mut database = sqlx::SqliteConnection::connect(&file).await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9000, 'newer', TRUE, x'00', 0)";
    sqlx::query(newer).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
    let output = keyward(&["migrate"], &variables).await;
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("contacts has the migration 9000, which this release"), "{error}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let dir = tempfile::TempDir::new().unwrap();
    for setting in ["edge.listen", "dashboard.listen", "admin.listen"] {
        let mut variables = Variables::from([
            ("KEYWARD_DATA_DIR".to_owned(), dir.path().to_str().unwrap().to_owned()),
            ("KEYWARD_EDGE__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
            ("KEYWARD_DASHBOARD__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
            ("KEYWARD_ADMIN__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
        ]);
        let variable = format!("KEYWARD_{}", setting.to_ascii_uppercase().replace('.', "__"));
        variables.insert(variable, address.clone());
        let output = keyward(&["serve"], &variables).await;
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8(output.stderr).unwrap();
        let says = format!("keyward: setting `{setting}`: cannot listen on {address}: ");
        assert!(error.lines().last().unwrap().starts_with(&says), "{error}");
    }
}

#[tokio::test]
async fn without_an_organization_it_starts_and_refuses_everyone() {
    let dir = tempfile::TempDir::new().unwrap();
    let variables = Variables::from([
        ("KEYWARD_DATA_DIR".to_owned(), dir.path().to_str().unwrap().to_owned()),
        ("KEYWARD_EDGE__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
        ("KEYWARD_DASHBOARD__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
        ("KEYWARD_ADMIN__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
    ]);
    let mut process = Process::serve(None, &variables).await;
    process.logged("there is no organization yet").await;
    let health = format!("http://{}/v1/open/health", process.address("edge"));
    assert_eq!(reqwest::get(health).await.unwrap().status(), 200);
    assert!(process.terminate().await.success());
}
