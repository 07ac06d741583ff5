#!/usr/bin/env bash
# make test: runs every test, on SQLite and on a throw-away PostgreSQL and Redis of its own; some of them
# are clients in Python and JavaScript, some run Keyward as its image and its manifests do.
# Arguments go to `cargo test --workspace`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/require.sh
. scripts/postgres.sh
. scripts/redis.sh
. scripts/pgbouncer.sh
. scripts/python.sh
. scripts/readers.sh
. scripts/language_model.sh
. scripts/node.sh
. scripts/dashboard.sh
. scripts/deploy.sh
require_rust
require_node

# Before the binary, which embeds it.
dashboard_test
# Built before the servers start, so that they run no longer than the tests.
cargo test --workspace --locked --no-run
postgres_install
redis_install
pgbouncer_install
python_install
node_install
chromium_install
kubectl_install
bubblewrap_install
readers_install
ocr_install "${CARGO_TARGET_DIR:-$PWD/target}/ocr"
KEYWARD_TEST_OCR=$(realpath "${CARGO_TARGET_DIR:-target}/ocr")
export KEYWARD_TEST_OCR
language_model_install "${CARGO_TARGET_DIR:-$PWD/target}/language-model"
KEYWARD_TEST_LANGUAGE_MODEL=$(realpath "${CARGO_TARGET_DIR:-target}/language-model")
export KEYWARD_TEST_LANGUAGE_MODEL
# Nothing outlives the tests, so durability is given up for speed.
postgres_start fsync=off synchronous_commit=off full_page_writes=off max_connections=200
# In place of the trap that postgres_start has set.
trap 'redis_stop; postgres_stop' EXIT
redis_start
cargo test --workspace --locked "$@"
