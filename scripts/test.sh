#!/usr/bin/env bash
# make test: runs every test, on SQLite and on a throw-away PostgreSQL of its own.
# Arguments go to `cargo test --workspace`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/require.sh
. scripts/postgres.sh
require_rust
require_node

# Built before PostgreSQL starts, so that it runs no longer than the tests.
cargo test --workspace --locked --no-run
postgres_install
postgres_start
cargo test --workspace --locked "$@"
