//! A real language model behind a server that speaks as OpenAI's (tests/python/language_model.py).

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use super::program::python;

/// Names the folder of the model. `make test` sets it.
const FOLDER: &str = "KEYWARD_TEST_LANGUAGE_MODEL";

/// A small model. Ends with the test.
pub struct LanguageModel {
    /// What `/chat/completions` is added to.
    pub url: String,
    _child: Child,
    /// It ends when this is closed.
    _input: ChildStdin,
}

impl LanguageModel {
    /// One that takes this key alone.
    pub async fn start(key: &str) -> LanguageModel {
        let Some(folder) = std::env::var_os(FOLDER) else {
            panic!("this test needs a language model: {FOLDER} is not set, run `make test`")
        };
        let script = format!("{}/../../tests/python/language_model.py", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(python());
        command.arg(script).arg(folder).arg(key);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
        let said: Value = serde_json::from_str(&line).expect("it serves the model: run `make test`");
        let url = format!("{}/v1", said["endpoint"].as_str().unwrap());
        let input = child.stdin.take().unwrap();
        LanguageModel { url, _child: child, _input: input }
    }
}
