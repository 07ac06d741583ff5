//! What `/openapi.json` and `/docs` say is what the server does: validators, clients that are made of the document,
//! random requests, and the samples of the documentation, all against the real binary.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::harness::{Key, Processes, python};

/// What the edge of a test lets pass, so that no check meets a limit that it does not look for.
const UNLIMITED: &[(&str, &str)] = &[
    ("KEYWARD_AUTH__LIMITS__MAX_PER_MINUTE", "1000000"),
    ("KEYWARD_AUTH__LIMITS__MAX_PER_HOUR", "1000000"),
    ("KEYWARD_AUTH__FAILURES_PER_MINUTE", "1000000"),
    ("KEYWARD_AUTH__SESSIONS__FAILURES_PER_MINUTE", "1000000"),
    ("KEYWARD_EDGE__ADDRESS_REQUESTS_PER_SECOND", "0"),
];

/// A server with its document.
struct Subject {
    server: Processes,
    key: Key,
    dir: TempDir,
    document: Value,
}

impl Subject {
    async fn start() -> Subject {
        let server = Processes::together(UNLIMITED).await;
        let all = server.list_keys("").await.ok()[0]["permissions"].clone();
        let key = server.new_key_with(json!({
            "name": "Tests",
            "permissions": all,
            "rateLimits": {"perMinute": 1_000_000, "perHour": 1_000_000},
        }));
        let key = key.await;
        let answer = server.send(server.request("GET", "/openapi.json")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join("openapi.json"), answer.body.to_string()).unwrap();
        Subject { server, key, dir, document: answer.body }
    }

    fn document_file(&self) -> PathBuf {
        self.dir.path().join("openapi.json")
    }

    /// A program that finds the server as the samples of the documentation do.
    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .current_dir(self.dir.path())
            .env("KW_URL", &self.server.base)
            .env("KW_AGENT_ID", &self.server.agent)
            .env("KW_API_KEY", &self.key.api_key)
            .env("KW_API_SECRET", &self.key.secret)
            .env("KW_TOKEN", &self.server.token)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    fn python(&self) -> Command {
        self.command(python())
    }

    /// A file of tests/openapi/typescript, whose packages stand beside it.
    fn node(&self, file: &str) -> Command {
        let mut command = self.command("node");
        command.arg(typescript().join(file));
        command
    }

    /// The operations: method, path, and what the document says.
    fn operations(&self) -> Vec<(String, String, Value)> {
        let paths = self.document["paths"].as_object().unwrap();
        let of_path = |(path, item): (&String, &Value)| {
            let operations = item.as_object().unwrap().iter();
            operations
                .map(|(method, of)| (method.to_uppercase(), path.clone(), of.clone()))
                .collect::<Vec<_>>()
        };
        paths.iter().flat_map(of_path).collect()
    }
}

/// A program that comes with a package of that Python.
fn of_python(program: &str) -> PathBuf {
    python().with_file_name(program)
}

fn typescript() -> PathBuf {
    let dir = tests().join("typescript");
    assert!(dir.join("node_modules").is_dir(), "this test needs packages of npm: run `make test`");
    dir
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/openapi").canonicalize().unwrap()
}

/// Runs a program that must end well. Gives what it printed.
async fn run(command: &mut Command) -> String {
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    out.into_owned()
}

#[tokio::test]
async fn the_document_is_valid_for_independent_validators() {
    let subject = Subject::start().await;
    let file = subject.document_file();
    let valid = run(subject.python().args(["-m", "openapi_spec_validator"]).arg(&file)).await;
    assert!(valid.contains("OK"), "{valid}");
    run(subject.node("validate.mjs").arg(&file)).await;
}

#[tokio::test]
async fn a_client_in_python_is_made_of_it_and_works() {
    let subject = Subject::start().await;
    let out = subject.dir.path().join("keyward_client");
    let mut generate = subject.command(of_python("openapi-python-client"));
    // What it runs on its own output stands beside it.
    let path = std::env::join_paths([python().parent().unwrap(), Path::new("/usr/bin"), Path::new("/bin")]);
    // It knows no `*/*`.
    let config = subject.dir.path().join("generator.yaml");
    std::fs::write(&config, "content_type_overrides: {\"*/*\": application/octet-stream}\n").unwrap();
    generate.env("PATH", path.unwrap()).args(["generate", "--meta", "none", "--fail-on-warning"]);
    generate.arg("--config").arg(config);
    run(generate.arg("--path").arg(subject.document_file()).arg("--output-path").arg(&out)).await;
    run(subject.python().arg(tests().join("python_client.py")).arg(subject.dir.path())).await;
}

#[tokio::test]
async fn a_client_in_typescript_is_made_of_it_and_works() {
    let subject = Subject::start().await;
    // Packages are looked for from where the sources are.
    let dir = TempDir::new_in(typescript()).unwrap();
    for file in ["client.ts", "tsconfig.json"] {
        std::fs::copy(typescript().join(file), dir.path().join(file)).unwrap();
    }
    let types = dir.path().join("api.ts");
    run(subject
        .node("node_modules/.bin/openapi-typescript")
        .arg(subject.document_file())
        .arg("-o")
        .arg(types))
    .await;
    // It type-checks in strict mode, and what comes out runs.
    run(subject.node("node_modules/.bin/tsc").arg("--project").arg(dir.path())).await;
    run(subject.command("node").arg(dir.path().join("client.js"))).await;
}

#[tokio::test]
async fn the_dashboards_client_has_the_types_of_it() {
    let subject = Subject::start().await;
    let script = tests().join("../../edge/dashboard/scripts/schema.mjs");
    run(subject.command("node").arg(script).arg("--check").arg(subject.document_file())).await;
}

#[tokio::test]
async fn schemathesis_finds_nothing() {
    let test = async |part: &str, seed: &str| {
        // Each part has a server of its own: the console may delete the key that the data needs.
        let subject = Subject::start().await;
        for file in ["schemathesis.toml", "hooks.py"] {
            std::fs::copy(tests().join("schemathesis").join(file), subject.dir.path().join(file)).unwrap();
        }
        let mut test = subject.command(of_python("st"));
        test.args(["--no-color", "run"]).arg(subject.document_file());
        // What begins a session is at the dashboard's listener only.
        let url = match part.contains("console") {
            true => &subject.server.dashboard,
            false => &subject.server.base,
        };
        test.args(["--url", url, "--checks", "all", "--seed", seed]);
        let said = run(test.args(["--include-path-regex", part])).await;
        for phase in ["Examples", "Coverage", "Fuzzing", "Stateful"] {
            assert!(said.contains(&format!("✅ {phase}")), "{phase} did not run:\n{said}");
        }
        eprintln!("{said}");
    };
    tokio::join!(test("^/v1/open/", "1"), test("^/v1/console/", "2"));
}

#[tokio::test]
async fn samples_of_the_documentation_run() {
    let subject = Subject::start().await;
    let server = &subject.server;
    let mut pages = String::new();
    for page in ["contacts", "api-keys", "agents", "personal-access-tokens"] {
        let url = format!("{}/docs/reference/{page}", server.base);
        pages.push_str(&reqwest::get(url).await.unwrap().text().await.unwrap());
    }
    // In an order in which each finds what it needs, and leaves nothing behind that another would meet.
    let operations = [
        "getCurrentKey",
        "createContact",
        "listContacts",
        "getContact",
        "replaceContact",
        "deleteContact",
        "createApiKey",
        "listApiKeys",
        "createAgent",
        "listAgents",
        // Not createToken, which a token may not do.
        "listTokens",
    ];
    for (language, file) in [("curl", "sample.sh"), ("node", "sample.mjs"), ("python", "sample.py")] {
        for operation in operations {
            let file = subject.dir.path().join(file);
            std::fs::write(&file, sample(&pages, &format!("{operation}-{language}"))).unwrap();
            let mut command = match language {
                "curl" => subject.command("bash"),
                "node" => subject.command("node"),
                _ => subject.python(),
            };
            let said = run(command.arg(&file)).await;
            if language == "curl" {
                let answer: Value = serde_json::from_str(&said).unwrap();
                assert_eq!(answer["success"], true, "{operation}: {said}");
            }
        }
    }
}

/// The sample with this anchor, as text.
fn sample(html: &str, anchor: &str) -> String {
    let start = format!("<pre id=\"{anchor}\"><code>");
    let (_, rest) = html.split_once(&start).unwrap_or_else(|| panic!("no sample {anchor}"));
    let (text, _) = rest.split_once("</code></pre>").unwrap();
    let unescaped = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    unescaped.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[tokio::test]
async fn what_is_described_is_built() {
    let subject = Subject::start().await;
    let server = &subject.server;
    let described = subject.operations();
    assert!(described.len() > 30, "{}", described.len());
    for (method, path, operation) in &described {
        let member = path.starts_with("/v1/console");
        let path = concrete(path, &server.agent);
        let console = server.at_dashboard();
        let request = match member {
            true => console.by_member(method, &path),
            false => server.by_key(method, &path),
        };
        // Its head is enough: some answers are no JSON, and some go on.
        let status = request.send().await.unwrap().status().as_u16();
        assert_ne!(status, 501, "{method} {path} is described and not built");
        assert!(!operation["responses"][status.to_string()].is_null(), "{method} {path}: {status}");
    }
}

/// A path of an operation, with ids of nothing but for the agent.
fn concrete(path: &str, agent: &str) -> String {
    let is_agent = path == "/v1/console/agents/{agentId}";
    let agent = if is_agent { "65f0c0ffee65f0c0ffee65f0" } else { agent };
    let path = path.replace("{agentId}", agent).replace("{agent_id}", agent).replace("{ref}", "nobody");
    ["{id}", "{contact_id}", "{file_id}"]
        .iter()
        .fold(path, |path, id| path.replace(id, "65f0c0ffee65f0c0ffee65f0"))
}
