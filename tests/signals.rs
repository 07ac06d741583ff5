//! What a signal does to `keyward serve`. Stopping is in `graceful_stop.rs`.

use std::fs::OpenOptions;
use std::io::Write;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;

use crate::harness::{Process, Processes, Variables};

/// The signals that would end a process without a handler, and what is logged instead.
const NOT_TO_STOP: [(Signal, &str, &str); 3] = [
    (Signal::HUP, "SIGHUP", "nothing is reloaded: settings, keys and secrets are read at a start"),
    (Signal::USR1, "SIGUSR1", "the signal does nothing here"),
    (Signal::USR2, "SIGUSR2", "the signal does nothing here"),
];

#[tokio::test]
async fn signals_that_do_not_stop_are_told_of() {
    let mut keyward = Processes::together(&[]).await;
    for (signal, name, says) in NOT_TO_STOP {
        keyward.all[0].signal(signal);
        keyward.all[0].logged_with("signal", name, says).await;
        keyward.list_contacts("").await.success(200, "Contacts retrieved.");
    }
    keyward.terminate().await;
}

#[tokio::test]
async fn they_do_not_stop_a_process_that_is_only_starting() {
    let dir = tempfile::TempDir::new().unwrap();
    // A file of settings that nobody writes yet: the process stands at its very beginning.
    let pipe = dir.path().join("keyward.toml");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let variables = Variables::from([
        ("KEYWARD_DATA_DIR".to_owned(), dir.path().join("data").to_str().unwrap().to_owned()),
        ("KEYWARD_EDGE__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
        ("KEYWARD_DASHBOARD__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
    ]);
    let mut process = Process::start(&["--config", pipe.to_str().unwrap(), "serve"], &variables);
    // Opens when the process opens its end.
    let opened = tokio::task::spawn_blocking(move || OpenOptions::new().write(true).open(pipe));
    let mut settings = opened.await.unwrap().unwrap();
    for (signal, ..) in NOT_TO_STOP {
        process.signal(signal);
    }
    settings.write_all(b"[admin]\nlisten = '127.0.0.1:0'\n").unwrap();
    drop(settings);
    process.get_ready().await;
    for (_, name, says) in NOT_TO_STOP {
        process.logged_with("signal", name, says).await;
    }
    assert!(process.terminate().await.success());
}
