//! Keyward as its image runs it: nothing there but the binary, the libraries that it is linked with and roots
//! for TLS, on a root that cannot be written, as an unprivileged user without a capability. bubblewrap makes it
//! out of namespaces.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use tempfile::NamedTempFile;
use tokio::process::Command;

use super::process::path;
use super::{Variables, repository};

/// The C library and its kin, which the base of the image brings.
const IN_THE_IMAGE: [&str; 5] =
    ["ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.so.6", "libm.so.6", "libgcc_s.so.1"];
const BINARY: &str = "/usr/local/bin/keyward";
/// Where Debian, and so the image, has the roots for TLS.
const ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Makes containers that are alike.
#[derive(Clone)]
pub struct Container {
    libraries: BTreeSet<String>,
    roots: Arc<NamedTempFile>,
    volumes: Vec<(&'static str, String, String)>,
}

impl Container {
    /// Without volumes.
    pub fn new() -> Container {
        // What is not the image's own is not for a test to trust.
        let root = rcgen::generate_simple_self_signed(["root.example".to_owned()]).unwrap();
        let roots = NamedTempFile::new().unwrap();
        std::fs::write(roots.path(), root.cert.pem()).unwrap();
        Container { libraries: libraries(), roots: Arc::new(roots), volumes: Vec::new() }
    }

    /// With a directory that it may write.
    pub fn with_volume(mut self, outside: &Path, inside: &str) -> Container {
        self.volumes.push(("--bind", path(outside), inside.to_owned()));
        self
    }

    /// With files that it may read.
    pub fn with_files(mut self, outside: &Path, inside: &str) -> Container {
        self.volumes.push(("--ro-bind", path(outside), inside.to_owned()));
        self
    }

    /// Runs `keyward` in a new one, with the environment of the image and these variables.
    pub fn command(&self, arguments: &[&str], variables: &Variables) -> Command {
        let user = said("USER");
        let (user, group) = user.split_once(':').unwrap();
        let mut command = Command::new("bwrap");
        command.args(["--unshare-user", "--uid", user, "--gid", group, "--cap-drop", "ALL"]);
        command.args(["--die-with-parent", "--proc", "/proc", "--dev", "/dev"]);
        command.args(["--ro-bind", env!("CARGO_BIN_EXE_keyward"), BINARY]);
        for library in &self.libraries {
            command.args(["--ro-bind", library, library]);
        }
        command.args(["--ro-bind", &path(self.roots.path()), ROOTS]);
        for (bind, outside, inside) in &self.volumes {
            command.args([bind, outside.as_str(), inside]);
        }
        command.args(["--remount-ro", "/", "--chdir", "/", BINARY]).args(arguments);
        let image = said("ENV");
        command.env_clear().envs(image.split_once('=')).envs(variables);
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

/// What the Containerfile says by this instruction.
fn said(instruction: &str) -> String {
    let file = std::fs::read_to_string(repository().join("deploy/Containerfile")).unwrap();
    let mut said = file.lines().filter_map(|line| line.strip_prefix(instruction)?.strip_prefix(' '));
    said.next().unwrap_or_else(|| panic!("no {instruction}")).to_owned()
}

/// The libraries that the binary is linked with: none that the image lacks.
fn libraries() -> BTreeSet<String> {
    let output = std::process::Command::new("ldd").arg(env!("CARGO_BIN_EXE_keyward")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let found = text.split_whitespace().filter(|word| word.starts_with('/'));
    let found: BTreeSet<String> = found.map(str::to_owned).collect();
    assert!(!found.is_empty(), "{text}");
    for library in &found {
        let name = library.rsplit('/').next().unwrap();
        assert!(IN_THE_IMAGE.contains(&name), "the image has no {name}");
    }
    found
}
