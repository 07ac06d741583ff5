#!/usr/bin/env bash
# make test: runs every test, on SQLite and on a throw-away PostgreSQL and Redis of its own; one of them
# verifies a token in Python.
# Arguments go to `cargo test --workspace`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/require.sh
. scripts/postgres.sh
. scripts/redis.sh
. scripts/python.sh
require_rust
require_node

# Built before the servers start, so that they run no longer than the tests.
cargo test --workspace --locked --no-run
postgres_install
redis_install
python_install
# Nothing outlives the tests, so durability is given up for speed.
postgres_start fsync=off synchronous_commit=off full_page_writes=off max_connections=200
# In place of the trap that postgres_start has set.
trap 'redis_stop; postgres_stop' EXIT
redis_start
cargo test --workspace --locked "$@"
