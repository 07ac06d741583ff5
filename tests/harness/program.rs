//! Programs in other languages that tests run.

use std::path::PathBuf;
use std::process::{Output, Stdio};

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Names a Python that has tests/python/requirements.txt. `make test` sets it.
const PYTHON: &str = "KEYWARD_TEST_PYTHON";

/// The Python that `make test` has installed, with its packages.
pub fn python() -> PathBuf {
    let python = std::env::var_os(PYTHON);
    python.map(PathBuf::from).unwrap_or_else(|| {
        panic!("this test needs Python with packages: {PYTHON} is not set, run `make test`")
    })
}

/// What a program makes of its standard input, where arguments would be read by others.
pub async fn output_for(program: &mut Command, input: &[u8]) -> Output {
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = program.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).await.unwrap();
    child.wait_with_output().await.unwrap()
}
