//! The dashboard in Debian's Chromium, driven by the journeys of tests/browser/: each starts the real binary and is
//! people in front of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::Semaphore;

/// A browser takes more than a core: one journey at a time, so that none waits long for what it waits for.
static BROWSERS: Semaphore = Semaphore::const_new(1);
/// How long a journey may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(600);

/// A test for each file of tests/browser/journeys.
macro_rules! journeys {
    ($($name:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $name() -> Result<(), Said> {
                journey(stringify!($name)).await
            }
        )*

        const JOURNEYS: &[&str] = &[$(stringify!($name)),*];
    };
}

journeys! { accessibility, account, audit, contacts, design, display, documents, first_run, forgotten_password, hostile_text, keys, lists, people, sign_in, single_sign_on, templates, webhooks }

#[test]
fn every_journey_is_a_test() {
    let files = std::fs::read_dir(folder().join("journeys")).unwrap();
    let files: BTreeSet<String> =
        files.map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(files, JOURNEYS.iter().map(|&name| name.to_owned()).collect());
}

/// What a journey that failed has said. It is what a reader of the test's output needs, without a backtrace after it.
struct Said(String);

impl std::fmt::Debug for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

async fn journey(name: &str) -> Result<(), Said> {
    let _turn = BROWSERS.acquire().await.unwrap();
    assert!(folder().join("node_modules").is_dir(), "this test needs packages of npm: run `make test`");
    let output = Command::new("node")
        .args(["--test", "--test-reporter=spec"])
        .arg(folder().join("journeys").join(name).with_extension("mjs"))
        .env("KEYWARD_BINARY", env!("CARGO_BIN_EXE_keyward"))
        // Else node takes itself for a part of another run.
        .env_remove("NODE_TEST_CONTEXT")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, output).await.expect("the journey does not end").unwrap();
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout);
    Err(Said(format!("{}\n{said}", String::from_utf8_lossy(&output.stderr))))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/browser").canonicalize().unwrap()
}
