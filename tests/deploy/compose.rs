//! `deploy/compose.yaml`: everything in one container, with PostgreSQL beside it.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;
use tokio::process::Command;

use super::dashboard_is_at;
use crate::harness::{Api, Container, MadeBySetup, Process, SET_UP, Variables, deployed, postgres, text_of};

/// The environment of the service, where the one who starts it has set no variable.
fn environment(service: &Value) -> Variables {
    let each = service["environment"].as_object().unwrap().iter();
    let each = each.map(|(name, value)| {
        let value = text_of(value);
        let default = value.strip_prefix("${").and_then(|rest| rest.strip_suffix("}")?.split_once(":-"));
        (name.clone(), default.map_or(value.clone(), |(_, default)| default.to_owned()))
    });
    each.collect()
}

/// Runs what makes the password, on this volume.
async fn make_password(service: &Value, volume: &Path) -> String {
    let words =
        service["entrypoint"].as_array().unwrap().iter().chain(service["command"].as_array().unwrap());
    // A doubled dollar is one.
    let words: Vec<String> = words.map(|word| text_of(word).replace("$$", "$")).collect();
    let mut command = Command::new("bwrap");
    command.args(["--ro-bind", "/", "/", "--dev", "/dev", "--tmpfs", "/run", "--bind"]);
    let output = command.arg(volume).arg("/run/password").args(words).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read_to_string(volume.join("database-url")).unwrap()
}

#[tokio::test]
async fn compose_runs_everything_on_postgresql() {
    let compose = deployed("compose.yaml").remove(0);
    let service = &compose["services"]["keyward"];
    assert_eq!(service["read_only"], true);
    let ports = serde_json::json!(["127.0.0.1:8080:8080", "127.0.0.1:8081:8081"]);
    assert_eq!(service["ports"], ports, "published on loopback only");

    // The password is random, the same for both, and made once.
    let password = tempfile::TempDir::new().unwrap();
    let url = make_password(&compose["services"]["password"], password.path()).await;
    let known = std::fs::read_to_string(password.path().join("postgres")).unwrap();
    assert!(known.len() == 64 && known.bytes().all(|c| c.is_ascii_hexdigit()), "{known}");
    assert_eq!(url, format!("postgres://keyward:{known}@postgres/keyward"));
    assert_eq!(make_password(&compose["services"]["password"], password.path()).await, url);

    // The database of this machine instead of that beside it.
    std::fs::write(password.path().join("database-url"), postgres::new_database().await).unwrap();
    let data = tempfile::TempDir::new().unwrap();
    let container = Container::new()
        .with_volume(data.path(), "/var/lib/keyward")
        .with_files(password.path(), "/run/password");
    let mut variables = environment(service);
    let output = container.command(&["config", "check"], &variables).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    for (listen, port, url) in [
        ("KEYWARD_EDGE__LISTEN", 8080, "KEYWARD_EDGE__URL"),
        ("KEYWARD_DASHBOARD__LISTEN", 8081, "KEYWARD_DASHBOARD__URL"),
    ] {
        assert_eq!(variables[listen], format!("0.0.0.0:{port}"));
        assert_eq!(variables[url], format!("http://127.0.0.1:{port}"), "where it is published");
    }
    for setting in ["KEYWARD_EDGE__LISTEN", "KEYWARD_DASHBOARD__LISTEN", "KEYWARD_ADMIN__LISTEN"] {
        variables.insert(setting.to_owned(), "127.0.0.1:0".to_owned());
    }
    let mut keyward = Process::serve_in(&container, None, &variables).await;
    let output = container.command(&SET_UP, &variables).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let made = MadeBySetup::from(serde_json::from_slice::<Value>(&output.stdout).unwrap());
    let api = Api::new(keyward.address("edge").parse::<SocketAddr>().unwrap(), &made);
    api.new_contact("crm-1").await;
    dashboard_is_at(&variables["KEYWARD_DASHBOARD__URL"], keyward.address("dashboard")).await;
    assert!(keyward.terminate().await.success());
    let mut kept: Vec<_> = std::fs::read_dir(data.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
    kept.sort();
    let keys = ["audit.key", "files", "signing.key", "verifier.key", "webhooks.key"];
    assert_eq!(kept, keys, "the keys, where files are kept, and nothing else");
}
