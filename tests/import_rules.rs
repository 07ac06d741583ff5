//! Who may import whom (docs/architecture.md), read from the manifests and the sources.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Which of our crates each of our crates may use. Tests and benchmarks may use all.
const MAY_USE: &[(&str, &[&str])] = &[
    ("keyward-proto", &[]),
    ("svc-core", &["keyward-proto"]),
    ("auth-svc", &["keyward-proto", "svc-core"]),
    ("contacts-svc", &["keyward-proto", "svc-core"]),
    ("extraction-svc", &["keyward-proto", "svc-core"]),
    ("edge", &["keyward-proto", "svc-core"]),
    ("keyward", &["keyward-proto", "svc-core", "auth-svc", "contacts-svc", "extraction-svc", "edge"]),
];

/// What must not be named where: a folder or file in a crate's `src`, and the crates that it must not use.
const KEPT_OUT: &[(&str, &[&str])] = &[
    ("domain", &["tonic", "sqlx", "axum", "prost", "keyward_proto", "hyper", "http"]),
    ("store", &["tonic", "axum", "keyward_proto", "hyper", "http"]),
    ("api", &["sqlx", "axum"]),
];

/// Where SQL may be written; all other sources stay away from sqlx.
const SQL: &[&str] = &["services/svc-core/src/db", "/src/store", "/src/limits"];

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

/// The Rust files below a directory or of a file, each with its path from the root.
fn sources(at: &Path) -> Vec<(String, String)> {
    if at.is_dir() {
        let entries = fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path());
        return entries.flat_map(|path| sources(&path)).collect();
    }
    if at.extension().is_none_or(|extension| extension != "rs") {
        return Vec::new();
    }
    let name = at.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
    vec![(name, fs::read_to_string(at).unwrap())]
}

/// The lines of a source that name a crate in a path or an import. Tests within a file may use anything.
fn mentions<'s>(source: &'s str, krate: &str) -> Vec<&'s str> {
    let code = source.split("#[cfg(test)]").next().unwrap();
    let code = code.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    code.filter(|line| {
        let used = |(at, _): (usize, &str)| {
            let before = line[..at].chars().next_back();
            let after = &line[at + krate.len()..];
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '.')
                && (after.starts_with("::") || (line.starts_with("use ") && after.starts_with(';')))
        };
        line.match_indices(krate).any(used)
    })
    .collect()
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
    for (name, dir) in crates() {
        // The pattern is a service's; svc-core, the edge and the binary are built otherwise.
        if !name.ends_with("-svc") {
            continue;
        }
        for (place, kept_out) in KEPT_OUT {
            let folder = sources(&dir.join("src").join(place));
            let file = dir.join("src").join(format!("{place}.rs"));
            let file = if file.exists() { sources(&file) } else { Vec::new() };
            for (path, source) in folder.into_iter().chain(file) {
                for krate in *kept_out {
                    let lines = mentions(&source, krate);
                    assert!(lines.is_empty(), "{path} must not use {krate}: {lines:?}");
                }
            }
        }
    }
}

#[test]
fn sql_is_written_in_stores_only() {
    for dir in crates().values() {
        for (path, source) in sources(&dir.join("src")) {
            if SQL.iter().any(|place| path.contains(place)) || path.ends_with("testing.rs") {
                continue;
            }
            let lines = mentions(&source, "sqlx");
            assert!(lines.is_empty(), "{path} must not use sqlx: {lines:?}");
        }
    }
}

#[test]
fn mentions_are_uses_and_not_words() {
    for (line, used) in [
        ("use sqlx::Row;", true),
        ("    sqlx::query(\"\")", true),
        ("fn f(row: &sqlx::Row) {}", true),
        ("use sqlx;", true),
        ("// sqlx::query", false),
        ("let nosqlx = 1;", false),
        ("crate::sqlx::x", false),
        ("let text = \"sqlx\";", false),
    ] {
        assert_eq!(!mentions(line, "sqlx").is_empty(), used, "{line}");
    }
}
