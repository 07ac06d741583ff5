#!/usr/bin/env bash
# make check: what must hold before a change goes in, besides the tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/buf.sh
require_rust

step() {
    echo "== $1"
}

step "buf lint"
buf lint
step "buf format"
buf format --diff --exit-code
step "cargo fmt"
cargo fmt --all --check
rustfmt --check --edition 2024 fuzz/targets/*.rs
step "cargo clippy"
cargo clippy --workspace --all-targets --locked -- -D warnings
step "import rules"
cargo test --quiet --locked --package keyward --test stack import_rules
