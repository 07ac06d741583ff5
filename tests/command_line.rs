//! `keyward setup` and `keyward config check`.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::harness::{SET_UP, Variables, assert_json, keyward};

fn in_dir(dir: &Path) -> Variables {
    Variables::from([("KEYWARD_DATA_DIR".to_owned(), dir.to_str().unwrap().to_owned())])
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[tokio::test]
async fn setup_prints_once_and_then_refuses() {
    let dir = tempfile::TempDir::new().unwrap();
    let data = dir.path().join("data");
    let first = keyward(&SET_UP, &in_dir(&data)).await;
    assert!(first.status.success(), "{}", stderr(&first));
    let printed = stdout(&first);
    assert_eq!(printed.lines().count(), 1, "one object alone");
    let made: Value = serde_json::from_str(&printed).unwrap();
    let text = "<text>";
    assert_json(
        &made,
        serde_json::json!({
            "organizationId": "<id>", "memberId": "<id>", "agentId": "<id>",
            "apiKey": text, "apiSecret": text, "ownerToken": text,
        }),
    );
    let starts = [("apiKey", "kw_live_"), ("apiSecret", "kws_live_"), ("ownerToken", "kwp_")];
    for (name, prefix) in starts {
        assert!(made[name].as_str().unwrap().starts_with(prefix), "{name}");
    }

    let second = keyward(&SET_UP, &in_dir(&data)).await;
    assert_eq!((second.status.code(), stdout(&second).as_str()), (Some(3), ""));
    assert_eq!(stderr(&second), "keyward: an organization exists already: nothing was changed\n");

    // Nobody else may read the keys.
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    for key in ["signing.key", "verifier.key", "audit.key"] {
        assert_eq!(std::fs::metadata(data.join(key)).unwrap().permissions().mode() & 0o777, 0o600, "{key}");
    }
}

#[tokio::test]
async fn setup_tells_people_everything_too() {
    let dir = tempfile::TempDir::new().unwrap();
    let arguments: Vec<&str> = SET_UP[..7].to_vec();
    let output = keyward(&arguments, &in_dir(dir.path())).await;
    assert!(output.status.success(), "{}", stderr(&output));
    for part in ["kw_live_", "kws_live_", "kwp_", "Organization", "Agent", "X-API-Key: ", "shown this once"] {
        assert!(stdout(&output).contains(part), "{part}: {}", stdout(&output));
    }
}

#[tokio::test]
async fn setup_refuses_what_breaks_a_rule() {
    let dir = tempfile::TempDir::new().unwrap();
    for (organization, email, agent, says) in [
        (" ", "owner@example.com", "Support", "--organization"),
        ("Acme", "nobody", "Support", "--email"),
        ("Acme", "owner@example.com", "", "--agent"),
    ] {
        let arguments = ["setup", "--organization", organization, "--email", email, "--agent", agent];
        let output = keyward(&arguments, &in_dir(dir.path())).await;
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), ""));
        let error = stderr(&output);
        assert!(error.starts_with("keyward: ") && error.contains(says), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    // Nothing was made meanwhile.
    assert!(keyward(&SET_UP, &in_dir(dir.path())).await.status.success());
}

#[tokio::test]
async fn a_worker_has_to_have_work() {
    let dir = tempfile::TempDir::new().unwrap();
    for (service, code, says) in [
        ("contacts", 4, "contacts has no work that takes longer than a request"),
        ("edge", 2, "[possible values: auth, contacts, extraction]"),
    ] {
        let output = keyward(&["worker", service], &in_dir(dir.path())).await;
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(code), ""));
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    }
}

#[tokio::test]
async fn config_check_prints_every_setting_and_no_secret() {
    // `hush` and more in base64, since it says of keys when they are none.
    let keys = [
        ("KEYWARD_AUTH__VERIFIER_KEY", "aHVzaCwgYSBrZXkgb2YgdGhlIHZlcmlmaWVycywgaHU="),
        ("KEYWARD_AUTH__AUDIT_KEY", "aHVzaCwgYSBrZXkgb2YgdGhlIGF1ZGl0IGxvZywgaHU="),
        ("KEYWARD_AUTH__SIGNING_KEY", "MC4CAQAwBQYDK2VwBCIEIMBfoHhpQ4yZPHHOnMcW5tdj/7YT+EcCyeibgp5CaMNW"),
    ];
    let mut variables = Variables::from([
        ("KEYWARD_EDGE__LISTEN".to_owned(), "127.0.0.1:9000".to_owned()),
        ("KEYWARD_EDGE__AUTH_TOKEN".to_owned(), "hush-edge-token".to_owned()),
        ("KEYWARD_DATABASE__URL".to_owned(), "postgres://me:hush-password@db/keyward".to_owned()),
        ("KEYWARD_AUTH__PEPPER".to_owned(), "hush-pepper".to_owned()),
        ("KEYWARD_AUTH__LIMITS__STORE".to_owned(), "redis://:hush-redis@cache".to_owned()),
    ]);
    variables.extend(keys.map(|(name, key)| (name.to_owned(), key.to_owned())));
    let output = keyward(&["config", "check", "--set", "edge.listen=127.0.0.1:9001"], &variables).await;
    assert!(output.status.success(), "{}", stderr(&output));
    let printed = stdout(&output);
    assert!(!printed.contains("hush"), "{printed}");
    assert!(!keys.iter().any(|(_, key)| printed.contains(key)), "{printed}");
    let read: toml::Table = printed.parse().unwrap();
    assert_eq!(read["edge"]["listen"].as_str(), Some("127.0.0.1:9001"), "flags win");
    // Every setting of the contract's table, whether it is set or not.
    for name in [
        "data_dir",
        "url",
        "listen",
        "auth",
        "contacts",
        "extraction",
        "trusted_proxies",
        "forwarded_header",
        "address_requests_per_second",
        "store",
        "max_per_minute",
        "max_per_hour",
        "failures_per_minute",
        "otlp_endpoint",
        "verifier_key",
        "audit_key",
        "signing_key",
        "auth_token",
    ] {
        let named = printed.lines().any(|line| {
            let line = line.strip_prefix("# ").unwrap_or(line);
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(" "))
        });
        assert!(named, "{name} is missing in\n{printed}");
    }
    for section in ["database", "edge", "dashboard", "auth", "auth.limits", "contacts", "extraction", "admin"]
    {
        assert!(printed.contains(&format!("\n[{section}]\n")), "{section} is missing in\n{printed}");
    }

    // A file, and over it the environment.
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("keyward.toml");
    std::fs::write(&file, "data_dir = 'from-file'\n[edge]\nlisten = '127.0.0.1:1'\n").unwrap();
    variables.retain(|name, _| name == "KEYWARD_EDGE__LISTEN");
    let output = keyward(&["--config", file.to_str().unwrap(), "config", "check"], &variables).await;
    let read: toml::Table = stdout(&output).parse().unwrap();
    assert_eq!(read["data_dir"].as_str(), Some("from-file"));
    assert_eq!(read["edge"]["listen"].as_str(), Some("127.0.0.1:9000"));
}

#[tokio::test]
async fn bad_settings_are_refused_in_one_line() {
    for (setting, code, says) in [
        ("edge.listn=127.0.0.1:1", 1, "keyward: unknown setting `edge.listn`: did you mean `edge.listen`?"),
        ("databse.url=x", 1, "keyward: unknown setting `databse`: did you mean `database`?"),
        ("edge.address_requests_per_second=many", 1, "keyward: setting `edge.address_requests_per_second`: "),
        ("edge.listen=8080", 1, "keyward: setting `edge.listen`: `8080` is not host:port"),
        ("edge.listen=0.0.0.0:8080", 1, "keyward: edge.listen is 0.0.0.0:8080, beyond loopback"),
        ("contacts.listen=nowhere", 1, "keyward: setting `contacts.listen`: nowhere is not an address"),
        ("database.url=mysql://x", 1, "keyward: setting `database.url`: must start with postgres://"),
        ("telemetry.sample_ratio=2", 1, "keyward: setting `telemetry.sample_ratio`: must be from 0 to 1"),
        ("telemetry.log=,=", 1, "keyward: setting `telemetry.log`: "),
        (
            "telemetry.otlp_endpoint=collector:4317",
            1,
            "keyward: setting `telemetry.otlp_endpoint`: `collector:4317` names no scheme",
        ),
        ("auth.pepper=file:/dev/null", 1, "keyward: setting `auth.pepper`: /dev/null is empty"),
        ("edge.forwarded_header=X-Real-IP", 1, "keyward: setting `edge.forwarded_header`: "),
        // What a service would not open with.
        ("auth.verifier_key=x", 1, "keyward: auth: auth.verifier_key must be 32 bytes in base64"),
        ("auth.verifier_key_previous=x", 1, "keyward: auth: auth.verifier_key must be 32 bytes in base64"),
        ("auth.audit_key=x", 1, "keyward: auth: auth.audit_key must be 32 bytes in base64"),
        ("auth.signing_key=x", 1, "keyward: auth: auth.signing_key: "),
        ("auth.signing_key_previous=x", 1, "keyward: auth: auth.signing_key_previous: "),
        ("auth.limits.store=memcached", 1, "keyward: auth: auth.limits.store must be `memory`"),
        ("auth.limits.store=redis://", 1, "keyward: auth: auth.limits.store: "),
        ("auth.limits.max_per_hour=0", 1, "keyward: auth: auth.limits: max_per_minute and max_per_hour"),
        ("auth.sessions.idle_minutes=0", 1, "keyward: auth: auth.sessions: "),
        ("auth.smtp.host=mail.example.com", 1, "keyward: auth: auth.smtp: `from` is needed"),
        ("auth.usage.hours_kept_days=1", 1, "keyward: auth: auth.usage: "),
        ("contacts.webhooks.key=x", 1, "keyward: contacts: setting `contacts.webhooks.key`: "),
        ("contacts.webhooks.ca_file=/nowhere", 1, "keyward: contacts: setting `contacts.webhooks.ca_file`: "),
        ("contacts.files.url=ftp://x", 1, "keyward: contacts: setting `contacts.files.url`: "),
        ("contacts.files.max_uploads=0", 1, "keyward: contacts: setting `contacts.files.max_uploads`: "),
    ] {
        let output = keyward(&["config", "check", "--set", setting], &Variables::new()).await;
        assert_eq!(output.status.code(), Some(code), "{setting}");
        let error = stderr(&output);
        assert!(error.starts_with(says), "{setting}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    let database =
        Variables::from([("KEYWARD_DATABASE__URL".to_owned(), "postgres://db/keyward".to_owned())]);
    for (setting, says) in [
        ("database.schema_prefix=A-b", "keyward: auth: database.schema_prefix must be "),
        ("database.max_connections=0", "keyward: auth: database.max_connections must be at least 1"),
    ] {
        let output = keyward(&["config", "check", "--set", setting], &database).await;
        assert_eq!(output.status.code(), Some(1), "{setting}");
        assert!(stderr(&output).starts_with(says), "{setting}: {}", stderr(&output));
    }
    for usage in [&["fly"][..], &["serve", "everything"], &["setup"], &["--set", "x", "serve"], &[]] {
        assert_eq!(keyward(usage, &Variables::new()).await.status.code(), Some(2), "{usage:?}");
    }
    let output = keyward(&["--config", "/nowhere.toml", "config", "check"], &Variables::new()).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).starts_with("keyward: /nowhere.toml: "), "{}", stderr(&output));
}

#[tokio::test]
async fn every_setting_is_unset_by_an_empty_variable() {
    let defaults = stdout(&keyward(&["config", "check"], &Variables::new()).await);
    let mut section = String::new();
    let mut empty = Variables::new();
    for line in defaults.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = format!("{}__", name.replace('.', "__"));
        } else if let Some(name) = line.trim_start_matches("# ").split(' ').next().filter(|n| !n.is_empty()) {
            empty.insert(format!("KEYWARD_{section}{name}").to_ascii_uppercase(), String::new());
        }
    }
    assert!(empty.len() > 30, "{empty:?}");
    let output = keyward(&["config", "check"], &empty).await;
    assert_eq!(stdout(&output), defaults, "{}", stderr(&output));
}

#[tokio::test]
async fn a_variable_that_is_not_text_is_refused_without_showing_it() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_keyward"));
    let value = std::ffi::OsStr::from_bytes(b"hush\xff");
    let output = command.args(["config", "check"]).env("KEYWARD_AUTH__PEPPER", value).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr(&output), "keyward: the variable KEYWARD_AUTH__PEPPER is not UTF-8\n");
}
