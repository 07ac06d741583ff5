//! Who may import whom (docs/architecture.md), read from the manifests and the sources.

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use source::Source;

/// Which of our crates each of our crates may use. Tests and benchmarks may use all.
const MAY_USE: &[(&str, &[&str])] = &[
    ("keyward-proto", &[]),
    ("svc-core", &["keyward-proto"]),
    ("svc-runtime", &["keyward-proto", "svc-core"]),
    ("svc-db", &["svc-core", "svc-runtime"]),
    ("svc-webhooks", &["svc-core", "svc-db", "svc-runtime"]),
    ("auth-svc", &["keyward-proto", "svc-core", "svc-db", "svc-runtime"]),
    ("contacts-svc", &["keyward-proto", "svc-core", "svc-db", "svc-runtime", "svc-webhooks"]),
    ("extraction-svc", &["keyward-proto", "svc-core", "svc-db", "svc-runtime"]),
    ("edge", &["keyward-proto", "svc-core", "svc-runtime"]),
    (
        "keyward",
        &["keyward-proto", "svc-core", "svc-runtime", "auth-svc", "contacts-svc", "extraction-svc", "edge"],
    ),
];

/// What must not be named where: a folder or file in a crate's `src`, and the crates that it must not use.
const KEPT_OUT: &[(&str, &[&str])] = &[
    (
        "domain",
        &["tonic", "sqlx", "axum", "prost", "keyward_proto", "hyper", "http", "svc_runtime", "svc_db"],
    ),
    ("store", &["tonic", "axum", "keyward_proto", "hyper", "http"]),
    ("api", &["sqlx", "axum"]),
];

/// The modules of a service, the highest first. None imports one that is higher.
const LAYERS: &[(&str, &[&[&str]])] = &[
    (
        "auth-svc",
        &[
            &["api"],
            &["management"],
            &["check"],
            &["usage"],
            &["store", "limits", "secrets"],
            &["audit"],
            &["domain"],
        ],
    ),
    // The domain names its store by a trait that speaks of the domain's types.
    ("contacts-svc", &[&["api"], &["domain", "store"]]),
];

/// The modules of the edge, and which others each may import: only ones that stand before it, so that they form no
/// circle.
const EDGE: &[(&str, &[&str])] = &[
    ("config", &[]),
    ("transcode", &[]),
    ("answer", &["transcode"]),
    ("dashboard", &["answer"]),
    ("connection", &["answer", "config"]),
    ("routes", &["transcode"]),
    ("reference", &["routes", "transcode"]),
    ("openapi", &["reference"]),
    ("docs", &["openapi", "reference"]),
    ("pages", &["answer", "docs", "openapi", "reference", "transcode"]),
    ("credential", &["answer", "config", "transcode"]),
    ("admission", &["credential"]),
    ("upstream", &["answer", "credential"]),
    ("grpc", &["answer"]),
    ("telemetry", &["answer", "config"]),
    ("request_log", &[]),
    ("handover", &[]),
    (
        "pipeline",
        &[
            "admission",
            "answer",
            "config",
            "connection",
            "credential",
            "dashboard",
            "grpc",
            "pages",
            "request_log",
            "routes",
            "telemetry",
            "transcode",
            "upstream",
        ],
    ),
];

/// Where SQL may be written; all other sources stay away from sqlx.
const SQL: &[&str] = &["services/svc-db/src", "/src/store", "/src/limits"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// The directories of our crates, by name.
fn crates() -> BTreeMap<String, PathBuf> {
    let root = root();
    let mut dirs = vec![root.clone(), root.join("edge")];
    dirs.extend(fs::read_dir(root.join("services")).unwrap().map(|entry| entry.unwrap().path()));
    let named =
        dirs.into_iter().map(|dir| (manifest(&dir)["package"]["name"].as_str().unwrap().to_owned(), dir));
    named.collect()
}

fn manifest(dir: &Path) -> toml::Table {
    fs::read_to_string(dir.join("Cargo.toml")).unwrap().parse().unwrap()
}

/// The code of a crate of ours, by its name.
fn sources(name: &str) -> Vec<Source> {
    let sources = Source::of_crate(&root(), &crates()[name]);
    assert!(!sources.is_empty(), "{name} has no sources");
    sources
}

#[test]
fn crates_use_only_whom_they_may() {
    let crates = crates();
    let ruled: Vec<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    for (name, dir) in &crates {
        assert!(ruled.contains(&name.as_str()), "{name} has no rule: add it to MAY_USE");
        let allowed = MAY_USE.iter().find(|(ruled, _)| ruled == name).unwrap().1;
        let manifest = manifest(dir);
        for kind in ["dependencies", "build-dependencies"] {
            let Some(dependencies) = manifest.get(kind).and_then(|d| d.as_table()) else { continue };
            for dependency in dependencies.keys().filter(|d| crates.contains_key(*d)) {
                assert!(allowed.contains(&dependency.as_str()), "{name} must not use {dependency}");
            }
        }
    }
    for name in ruled {
        assert!(crates.contains_key(name), "{name} is gone: drop its rule");
    }
}

#[test]
fn domains_know_no_wire_and_no_sql() {
    // The pattern is a service's; what they share, the edge and the binary are built otherwise.
    for name in crates().keys().filter(|name| name.ends_with("-svc")) {
        for source in sources(name) {
            let kept_out = KEPT_OUT.iter().filter(|(room, _)| source.room() == Some(room));
            for krate in kept_out.flat_map(|(_, kept_out)| *kept_out) {
                let found = source.mentions(krate);
                assert!(found.is_empty(), "{} must not use {krate}: {found:?}", source.path);
            }
        }
    }
}

#[test]
fn services_speak_grpc_in_api_only() {
    for name in crates().keys().filter(|name| name.ends_with("-svc")) {
        // The root puts the handlers together.
        for source in sources(name).iter().filter(|source| !matches!(source.room(), None | Some("api"))) {
            let found = source.mentions("tonic");
            assert!(found.is_empty(), "{} must not use tonic: {found:?}", source.path);
        }
    }
}

#[test]
fn sql_is_written_in_stores_only() {
    // The root package holds the protos and has no src.
    for name in crates().keys().filter(|name| *name != "keyward-proto") {
        for source in sources(name) {
            if SQL.iter().any(|place| source.path.contains(place)) {
                continue;
            }
            let found = source.mentions("sqlx");
            assert!(found.is_empty(), "{} must not use sqlx: {found:?}", source.path);
        }
    }
}

#[test]
fn layers_import_downwards_only() {
    for (name, layers) in LAYERS {
        let layer = |room: &str| layers.iter().position(|layer| layer.contains(&room));
        let sources = sources(name);
        for room in layers.iter().flat_map(|layer| *layer) {
            assert!(sources.iter().any(|source| source.room() == Some(room)), "{name} has no `{room}`");
        }
        for source in &sources {
            let Some(own) = source.room().and_then(layer) else { continue };
            for imported in source.imports() {
                let is_higher = layer(&imported).is_some_and(|other| other < own);
                assert!(!is_higher, "{} must not import `{imported}`, which is above it", source.path);
            }
        }
    }
}

#[test]
fn modules_of_the_edge_import_in_one_direction() {
    for (at, (room, allowed)) in EDGE.iter().enumerate() {
        let stands_before = |other: &str| EDGE[..at].iter().any(|(before, _)| *before == other);
        assert!(
            allowed.iter().all(|other| stands_before(other)),
            "`{room}` may import one that stands after it"
        );
    }
    let is_room = |name: &str| EDGE.iter().any(|(room, _)| *room == name);
    let mut seen = BTreeSet::new();
    for source in sources("edge") {
        let Some(room) = source.room() else { continue };
        let (_, allowed) = EDGE.iter().find(|(known, _)| *known == room).expect(room);
        for imported in source.imports().iter().filter(|name| is_room(name) && *name != room) {
            assert!(allowed.contains(&imported.as_str()), "{} must not import `{imported}`", source.path);
        }
        seen.insert(room.to_owned());
    }
    for (room, _) in EDGE {
        assert!(seen.contains(*room), "`{room}` is gone: drop its rule");
    }
}

#[test]
fn mentions_are_uses_and_not_words() {
    for (text, used) in [
        ("use sqlx::Row;", true),
        ("fn f() { sqlx::query(\"\") }", true),
        ("fn f(row: &sqlx::Row) {}", true),
        ("fn f() { vec![::sqlx::query()] }", true),
        ("use sqlx;", true),
        ("use {std::fs, sqlx::Row};", true),
        ("// sqlx::query", false),
        ("fn f() { let nosqlx = 1; }", false),
        ("fn f() { crate::sqlx::x }", false),
        ("const TEXT: &str = \"sqlx::x\";", false),
        ("/// As sqlx::x does.\nfn f() {}", false),
        // Tests may use anything; what comes after them is read all the same.
        ("#[cfg(test)] mod tests { use sqlx::Row; }", false),
        ("#[cfg(test)] use sqlx::{Row, Pool};", false),
        ("#[cfg(any(test, feature = \"testing\"))] fn f<A, B>() where A: B { sqlx::x() }", false),
        ("struct S { #[cfg(test)] row: sqlx::Row, other: u8 }", false),
        ("#[cfg(test)] mod tests;\nfn f() { sqlx::query() }", true),
        ("#[cfg(test)] mod tests { fn f() {} }\nfn f() { sqlx::query() }", true),
        ("#[cfg(not(test))] fn f() { sqlx::query() }", true),
        ("#[cfg(feature = \"tests\")] fn f() { sqlx::query() }", true),
    ] {
        assert_eq!(!Source::of(text).mentions("sqlx").is_empty(), used, "{text}");
    }
}

#[test]
fn imports_are_found_however_they_are_written() {
    for (text, expected) in [
        ("use crate::store::Store;", &["store"][..]),
        ("use crate::{store::{A, B}, check, domain::C};", &["store", "check", "domain"]),
        ("use super::super::api;", &["api"]),
        ("use super::super::super::none;", &[]),
        ("use super::sibling;", &[]),
        ("fn f() { crate::api::g(super::super::check::h()) }", &["api", "check"]),
        ("pub(super) fn f() { other::crate_::x() }", &[]),
    ] {
        let mut source = Source::of(text);
        source.module = vec!["management".to_owned(), "keys".to_owned()];
        assert_eq!(source.imports(), expected, "{text}");
    }
}
