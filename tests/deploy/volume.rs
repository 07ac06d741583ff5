//! What is written, and where: a volume of Kubernetes, and none at all.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::harness::{Container, Process, SET_UP, Variables};

const KEYS: [&str; 3] = ["verifier.key", "signing.key", "audit.key"];

fn variables() -> Variables {
    let listen = ["KEYWARD_EDGE__LISTEN", "KEYWARD_DASHBOARD__LISTEN", "KEYWARD_ADMIN__LISTEN"];
    listen.map(|name| (name.to_owned(), "127.0.0.1:0".to_owned())).into()
}

fn add_to_mode(path: &Path, bits: u32) {
    let mode = std::fs::metadata(path).unwrap().permissions().mode();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode | bits)).unwrap();
}

#[tokio::test]
async fn a_volume_may_open_keys_to_the_group_of_the_pod_and_to_nobody_else() {
    let volume = tempfile::TempDir::new().unwrap();
    let container = Container::new().with_volume(volume.path(), "/var/lib/keyward");
    let output = container.command(&SET_UP, &variables()).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut before = Process::serve_in(&container, None, &variables()).await;
    assert!(before.terminate().await.success());
    assert!(!before.log().contains("a key is open to a group"), "{}", before.log());

    // As the kubelet does between two starts where a pod has an `fsGroup`. The group is the pod's already.
    add_to_mode(volume.path(), 0o2770);
    for file in std::fs::read_dir(volume.path()).unwrap() {
        add_to_mode(&file.unwrap().path(), 0o660);
    }
    let mut after = Process::serve_in(&container, None, &variables()).await;
    assert!(after.terminate().await.success());
    for key in KEYS {
        let path = format!("/var/lib/keyward/{key}");
        let told =
            after.logged_with("file.path", &path, "a key is open to a group that this process is in").await;
        assert_eq!((&told["level"], &told["file.mode"]), (&"WARN".into(), &"0660".into()));
    }

    for key in KEYS {
        let path = volume.path().join(key);
        for bits in [0o4, 0o2] {
            let mode = std::fs::metadata(&path).unwrap().permissions();
            add_to_mode(&path, bits);
            let output = container.command(&["serve"], &variables()).output().await.unwrap();
            assert_eq!(output.status.code(), Some(1));
            let error = String::from_utf8(output.stderr).unwrap();
            let says =
                format!("keyward: auth: /var/lib/keyward/{key} is open to others: its mode must be 0600");
            assert_eq!(error.lines().last().unwrap(), says);
            std::fs::set_permissions(&path, mode).unwrap();
        }
    }
}

#[tokio::test]
async fn who_needs_a_place_to_write_says_so() {
    let container = Container::new();
    for part in [None, Some("auth"), Some("contacts")] {
        let mut variables = variables();
        variables.insert("KEYWARD_EDGE__AUTH_TOKEN".to_owned(), "t".repeat(32));
        for part in ["AUTH", "CONTACTS"] {
            variables.insert(format!("KEYWARD_{part}__LISTEN"), "127.0.0.1:0".to_owned());
        }
        let arguments: Vec<&str> = ["serve"].into_iter().chain(part).collect();
        let output = container.command(&arguments, &variables).output().await.unwrap();
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8(output.stderr).unwrap();
        let last = error.lines().last().unwrap();
        assert!(
            last.contains("setting `data_dir`: /var/lib/keyward") && last.contains("Read-only"),
            "{error}"
        );
    }
}
