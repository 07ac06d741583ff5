//! What `deploy/` holds, as those read it who it is for.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::{Variables, python, repository};

/// What `kubectl apply --kustomize deploy/k8s` would send.
pub struct Manifests(Vec<Value>);

impl Manifests {
    /// Renders them.
    pub fn render() -> Manifests {
        let mut kubectl = Command::new("kubectl");
        let output = kubectl.arg("kustomize").arg(repository().join("deploy/k8s")).output().unwrap();
        Manifests(documents(&text(output)))
    }

    /// All of a kind.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |manifest| manifest["kind"] == kind)
    }

    /// The Deployment or StatefulSet of a part.
    pub fn workload(&self, part: &str) -> &Value {
        let name = format!("keyward-{part}");
        let mut all = self.of_kind("Deployment").chain(self.of_kind("StatefulSet"));
        all.find(|workload| workload["metadata"]["name"] == name).unwrap_or_else(|| panic!("no {name}"))
    }

    /// The pods of a part.
    pub fn pod(&self, part: &str) -> &Value {
        &self.workload(part)["spec"]["template"]["spec"]
    }

    /// The environment of a part's container, as the kubelet makes it.
    pub fn environment(&self, part: &str) -> Variables {
        let container = &self.pod(part)["containers"][0];
        let mut variables = Variables::new();
        for from in container["envFrom"].as_array().unwrap() {
            let name = &from["configMapRef"]["name"];
            let mut maps = self.of_kind("ConfigMap");
            let map = maps.find(|map| map["metadata"]["name"] == *name).unwrap();
            let data = map["data"].as_object().unwrap();
            variables.extend(data.iter().map(|(name, value)| (name.clone(), text_of(value))));
        }
        for variable in container["env"].as_array().into_iter().flatten() {
            variables.insert(text_of(&variable["name"]), text_of(&variable["value"]));
        }
        variables
    }
}

/// The documents of a file of `deploy/`.
pub fn deployed(file: &str) -> Vec<Value> {
    documents(&std::fs::read_to_string(repository().join("deploy").join(file)).unwrap())
}

/// The text of a value.
pub fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not text: {value}")).to_owned()
}

/// YAML by the Python that the other tests use.
fn documents(yaml: &str) -> Vec<Value> {
    const PROGRAM: &str =
        "import json, sys, yaml\njson.dump(list(yaml.safe_load_all(open(sys.argv[1]))), sys.stdout)";
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), yaml).unwrap();
    let output = Command::new(python()).args(["-c", PROGRAM]).arg::<&Path>(file.path()).output().unwrap();
    serde_json::from_str(&text(output)).unwrap()
}

fn text(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
