#!/usr/bin/env bash
# make check: what must hold before a change goes in, besides the tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/buf.sh
. scripts/python.sh
. scripts/deploy.sh
. scripts/require.sh
. scripts/node.sh
. scripts/dashboard.sh
require_rust

step() {
    echo "== $1"
}

step "buf lint"
buf lint
step "buf format"
buf format --diff --exit-code
step "buf breaking"
buf_breaking
step "dashboard"
dashboard_check
step "deploy"
python_install
kubectl_install
programs=$(dirname "$KEYWARD_TEST_PYTHON")
rendered=${CARGO_TARGET_DIR:-target}/k8s.yaml
kubectl kustomize deploy/k8s >"$rendered"
# The oldest version that has all that is used (a preStop that sleeps), and the newest that is known.
for version in 1.30 1.37; do
    "$programs/kubernetes-validate" --strict --quiet --kubernetes-version "$version" \
        "$rendered" deploy/k8s/secrets.example.yaml
done
"$programs/check-jsonschema" --builtin-schema vendor.compose-spec deploy/compose.yaml
step "cargo fmt"
cargo fmt --all --check
rustfmt --check --edition 2024 fuzz/targets/*.rs
step "unused dependencies"
"$programs/cargo-shear" --locked
step "licences, bans and sources"
"$programs/cargo-deny" --locked check licenses bans sources
step "advisories"
if "$programs/cargo-deny" fetch db >/dev/null 2>&1; then
    "$programs/cargo-deny" --locked check advisories
else
    echo "Not checked: the database of advisories (github.com/rustsec/advisory-db) cannot be reached from here."
fi
step "cargo clippy"
cargo clippy --workspace --all-targets --locked -- -D warnings
step "cargo doc"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked
step "import rules"
# Of the workspace, so that it is the build that the tests use.
cargo test --quiet --locked --workspace --test stack import_rules
