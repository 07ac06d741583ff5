//! `deploy/k8s`: the parts as their pods run them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use svc_core::random::{Random, SystemRandom};
use svc_runtime::token::TokenSigner;

use super::dashboard_is_at;
use crate::harness::{
    Api, Container, MadeBySetup, Manifests, Process, SET_UP, Variables, deployed, postgres, random_hex,
    text_of,
};

const PARTS: [&str; 4] = ["edge", "auth", "contacts", "extraction"];

/// The Secrets that the pods mount: by their names, and by the keys in them.
type Secrets = BTreeMap<String, BTreeMap<String, String>>;

/// As `secrets.example.yaml` has them.
fn example_secrets() -> Secrets {
    let secrets = deployed("k8s/secrets.example.yaml").into_iter().map(|secret| {
        let data = secret["stringData"].as_object().unwrap();
        let data = data.iter().map(|(key, value)| (key.clone(), text_of(value))).collect();
        (text_of(&secret["metadata"]["name"]), data)
    });
    secrets.collect()
}

/// The same Secrets as an operator makes them.
fn secrets(database: &str) -> Secrets {
    let mut key = [0; 32];
    SystemRandom.fill(&mut key);
    let values = BTreeMap::from([
        ("edge-token", random_hex()),
        ("database-url", database.to_owned()),
        ("verifier-key", STANDARD.encode(key)),
        ("audit-key", STANDARD.encode(key)),
        ("webhooks-key", STANDARD.encode(key)),
        ("signing-key", TokenSigner::generate().unwrap().expose().to_owned()),
    ]);
    let mut secrets = example_secrets();
    for (name, value) in secrets.values_mut().flatten() {
        *value = values[name.as_str()].clone();
    }
    secrets
}

/// The container of a part's pod, with its volumes of Secrets in `dir`.
fn container(manifests: &Manifests, part: &str, secrets: &Secrets, dir: &Path) -> Container {
    let pod = manifests.pod(part);
    let mut container = Container::new();
    for mount in pod["containers"][0]["volumeMounts"].as_array().into_iter().flatten() {
        let mut volumes = pod["volumes"].as_array().unwrap().iter();
        let volume = volumes.find(|volume| volume["name"] == mount["name"]).unwrap();
        let files = dir.join(part).join(text_of(&mount["name"]));
        std::fs::create_dir_all(&files).unwrap();
        if volume["emptyDir"].is_object() {
            container = container.with_volume(&files, &text_of(&mount["mountPath"]));
            continue;
        }
        for source in volume["projected"]["sources"].as_array().unwrap() {
            for (key, value) in &secrets[&text_of(&source["secret"]["name"])] {
                std::fs::write(files.join(key), format!("{value}\n")).unwrap();
            }
        }
        container = container.with_files(&files, &text_of(&mount["mountPath"]));
    }
    container
}

/// What the kubelet adds for each Service that has an address, where `enableServiceLinks` is not off: for
/// those of the manifests and for one that is named as the product.
fn service_links(manifests: &Manifests) -> Variables {
    let names = manifests.of_kind("Service").map(|service| text_of(&service["metadata"]["name"]));
    let mut links = Variables::new();
    for (n, service) in names.chain(["keyward".to_owned()]).enumerate() {
        let name = service.to_ascii_uppercase().replace('-', "_");
        let host = format!("10.96.0.{n}");
        let (url, port) = (format!("tcp://{host}:8080"), "8080".to_owned());
        links.extend([
            (format!("{name}_SERVICE_HOST"), host.clone()),
            (format!("{name}_SERVICE_PORT"), port.clone()),
            (format!("{name}_SERVICE_PORT_HTTP"), port.clone()),
            (format!("{name}_PORT"), url.clone()),
            (format!("{name}_PORT_8080_TCP"), url),
            (format!("{name}_PORT_8080_TCP_PROTO"), "tcp".to_owned()),
            (format!("{name}_PORT_8080_TCP_PORT"), port),
            (format!("{name}_PORT_8080_TCP_ADDR"), host),
        ]);
    }
    links
}

#[tokio::test]
async fn the_parts_run_as_their_pods_say() {
    let manifests = Manifests::render();
    let dir = tempfile::TempDir::new().unwrap();
    let secrets = secrets(&postgres::new_database().await);
    let contained = PARTS.map(|part| {
        let mut variables = manifests.environment(part);
        variables.extend(service_links(&manifests));
        (container(&manifests, part, &secrets, dir.path()), variables)
    });

    // What the manifests say is accepted as it stands.
    for ((container, variables), part) in contained.iter().zip(PARTS) {
        let output = container.command(&["config", "check"], variables).output().await.unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{part}: {error}");
        let printed: toml::Table = String::from_utf8(output.stdout).unwrap().parse().unwrap();
        assert_eq!(printed["edge"]["listen"].as_str(), Some("0.0.0.0:8080"));
        assert_eq!(printed["dashboard"]["listen"].as_str(), Some("0.0.0.0:8081"));
        assert_eq!(printed["edge"]["trusted_proxies"].as_array(), Some(&Vec::new()), "empty is not set");
        assert!(printed["telemetry"].get("otlp_endpoint").is_none(), "empty is not set");
    }

    // The addresses of this machine instead of those of a cluster.
    let mut here = Variables::from(
        ["ADMIN", "DASHBOARD"].map(|of| (format!("KEYWARD_{of}__LISTEN"), "127.0.0.1:0".to_owned())),
    );
    here.extend(
        PARTS
            .map(|part| (format!("KEYWARD_{}__LISTEN", part.to_ascii_uppercase()), "127.0.0.1:0".to_owned())),
    );
    let with = |variables: &Variables, here: &Variables| {
        let mut all = variables.clone();
        all.extend(here.clone());
        all
    };
    let [edge, auth, contacts, extraction] = &contained;
    let dashboard = edge.1["KEYWARD_DASHBOARD__URL"].clone();
    let mut auth_svc = Process::serve_in(&auth.0, Some("auth"), &with(&auth.1, &here)).await;
    let jwks = format!("http://{}/.well-known/jwks.json", auth_svc.address("admin"));
    here.insert("KEYWARD_AUTH__JWKS_URL".to_owned(), jwks);
    here.insert("KEYWARD_EDGE__UPSTREAMS__AUTH".to_owned(), auth_svc.address("grpc"));
    let mut services = Vec::new();
    for ((container, variables), part) in [(contacts, "contacts"), (extraction, "extraction")] {
        let service = Process::serve_in(container, Some(part), &with(variables, &here)).await;
        let name = format!("KEYWARD_EDGE__UPSTREAMS__{}", part.to_ascii_uppercase());
        here.insert(name, service.address("grpc"));
        services.push(service);
    }
    let mut edge = Process::serve_in(&edge.0, Some("edge"), &with(&edge.1, &here)).await;

    // As `kubectl exec` does it: beside the running auth-svc, with its environment.
    let output = auth.0.command(&SET_UP, &auth.1).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let made = MadeBySetup::from(serde_json::from_slice::<Value>(&output.stdout).unwrap());
    let api = Api::new(edge.address("edge").parse::<SocketAddr>().unwrap(), &made);
    dashboard_is_at(&dashboard, edge.address("dashboard")).await;
    // The owner chooses a password there, by a link that auth-svc's own settings suffice for.
    let link = ["password-link", "--email", "owner@example.com"];
    let output = auth.0.command(&link, &auth.1).output().await.unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(printed.contains(&format!("{dashboard}/reset#kwreset_")), "{printed}");
    let id = api.new_contact("crm-1").await;
    assert_eq!(api.get_contact("crm-1").await.ok()["id"], json!(id));
    let health = api.send(api.request("GET", "/v1/open/health?deep=true")).await;
    let all = json!({"auth": "SERVING", "contacts": "SERVING", "extraction": "SERVING"});
    assert_eq!(health.ok()["upstreams"], all);

    for process in [&mut edge].into_iter().chain(&mut services).chain([&mut auth_svc]) {
        let status = process.terminate().await;
        assert!(status.success(), "{status}:\n{}", process.log());
    }
}

#[tokio::test]
async fn the_example_secrets_do_not_start_anything() {
    let manifests = Manifests::render();
    let dir = tempfile::TempDir::new().unwrap();
    for (part, setting) in
        [("edge", "edge.auth_token"), ("auth", "database.url"), ("contacts", "database.url")]
    {
        let container = container(&manifests, part, &example_secrets(), dir.path());
        let output =
            container.command(&["serve", part], &manifests.environment(part)).output().await.unwrap();
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            error.lines().last().unwrap().starts_with(&format!("keyward: setting `{setting}`: ")),
            "{error}"
        );
    }
}

#[test]
fn every_pod_has_the_least_that_it_needs() {
    let manifests = Manifests::render();
    let secrets = example_secrets();
    for part in PARTS {
        let pod = manifests.pod(part);
        let container = &pod["containers"][0];
        assert_eq!(container["args"], json!(["serve", part]));
        assert_eq!(pod["automountServiceAccountToken"], json!(false));
        assert_eq!(pod["securityContext"]["runAsNonRoot"], json!(true));
        assert_eq!(pod["securityContext"]["seccompProfile"], json!({"type": "RuntimeDefault"}));
        let own = json!({
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        });
        assert_eq!(container["securityContext"], own, "{part}");
        assert!(container["resources"]["limits"]["memory"].is_string());
        for (probe, path) in
            [("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")]
        {
            assert_eq!(container[probe]["httpGet"], json!({"path": path, "port": "admin"}), "{part} {probe}");
        }

        // Each secret that it names is in a volume, and no volume holds one that it does not name.
        let mut named: Vec<String> = manifests.environment(part).into_values().collect();
        named.retain(|value| value.starts_with("file:"));
        let mut mounted = Vec::new();
        for volume in pod["volumes"].as_array().into_iter().flatten() {
            for source in volume["projected"]["sources"].as_array().into_iter().flatten() {
                let keys = secrets[&text_of(&source["secret"]["name"])].keys();
                mounted.extend(keys.map(|key| format!("file:/run/secrets/keyward/{key}")));
            }
        }
        named.sort();
        mounted.sort();
        assert_eq!(named, mounted, "{part}");
    }
    assert_eq!(manifests.of_kind("Secret").count(), 0, "secrets are the operator's");
}

#[test]
fn the_manifests_fit_each_other() {
    let manifests = Manifests::render();
    let settings = manifests.environment("edge");
    let port_of = |part: &str, name: &str| {
        let ports = manifests.pod(part)["containers"][0]["ports"].as_array().unwrap().iter();
        ports
            .into_iter()
            .find(|port| port["name"] == name)
            .map(|port| port["containerPort"].as_u64().unwrap())
    };
    let listens_on = |setting: &str, port: Option<u64>| {
        let (_, given) = settings[setting].rsplit_once(':').unwrap();
        assert_eq!(Some(given), port.map(|port| port.to_string()).as_deref(), "{setting}");
    };
    listens_on("KEYWARD_DASHBOARD__LISTEN", port_of("edge", "dashboard"));
    assert!(settings["KEYWARD_DASHBOARD__URL"].starts_with("https://"), "it listens beyond loopback");
    let mut services = manifests.of_kind("Service");
    let dashboard = services.find(|it| it["metadata"]["name"] == "keyward-dashboard").unwrap();
    let edge = &manifests.workload("edge")["spec"]["template"]["metadata"]["labels"];
    assert_eq!(&dashboard["spec"]["selector"], edge);
    assert_eq!(dashboard["spec"]["ports"][0]["targetPort"], "dashboard");
    // Whoever may come to the edge from outside comes to these two, and nobody to any other part.
    let mut policies = manifests.of_kind("NetworkPolicy");
    let policy = policies.find(|it| it["metadata"]["name"] == "keyward-edge").unwrap();
    let open = policy["spec"]["ingress"].as_array().unwrap().iter().map(|rule| &rule["ports"]);
    assert_eq!(open.collect::<Vec<_>>(), [&json!([{"port": "http"}]), &json!([{"port": "dashboard"}])]);
    for part in PARTS {
        listens_on("KEYWARD_ADMIN__LISTEN", port_of(part, "admin"));
        let name = part.to_ascii_uppercase();
        let (own, labels) = (
            match part == "edge" {
                true => "http",
                false => "grpc",
            },
            &manifests.workload(part)["spec"]["template"]["metadata"]["labels"],
        );
        listens_on(&format!("KEYWARD_{name}__LISTEN"), port_of(part, own));

        // A Service and a budget that select the pods, by ports that they have.
        for kind in ["Service", "PodDisruptionBudget"] {
            let mut all = manifests.of_kind(kind);
            let found = all.find(|it| it["metadata"]["name"] == format!("keyward-{part}")).unwrap();
            let selector = match kind {
                "Service" => &found["spec"]["selector"],
                _ => &found["spec"]["selector"]["matchLabels"],
            };
            assert_eq!(selector, labels, "{kind} of {part}");
            for port in found["spec"]["ports"].as_array().into_iter().flatten() {
                assert!(port_of(part, port["targetPort"].as_str().unwrap()).is_some(), "{port}");
            }
        }

        // The edge knows each replica.
        if part != "edge" {
            let replicas = manifests.workload(part)["spec"]["replicas"].as_u64().unwrap();
            let port = port_of(part, "grpc").unwrap();
            let each = (0..replicas).map(|n| format!("keyward-{part}-{n}.keyward-{part}:{port}"));
            let each = each.collect::<Vec<_>>().join(",");
            assert_eq!(settings[&format!("KEYWARD_EDGE__UPSTREAMS__{name}")], each);
        }
    }
    let replicas = manifests.workload("auth")["spec"]["replicas"].as_u64().unwrap();
    let keys = (0..replicas)
        .map(|n| format!("http://keyward-auth-{n}.keyward-auth:9464{}", svc_runtime::token::JWKS_PATH));
    assert_eq!(settings["KEYWARD_AUTH__JWKS_URL"], keys.collect::<Vec<_>>().join(","));

    // A pod may take as long to stop as it waits before, and drains.
    let drain = edge::config::Config::default().drain_seconds;
    let pod = manifests.pod("edge");
    let waits = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"].as_u64().unwrap();
    assert!(pod["terminationGracePeriodSeconds"].as_u64().unwrap() >= waits + drain + 5);
    for part in ["auth", "contacts", "extraction"] {
        assert!(manifests.pod(part)["terminationGracePeriodSeconds"].as_u64().unwrap() >= 25);
    }
}
