#!/usr/bin/env bash
# make bench: measures the whole stack beside axum without it, and writes target/bench/results.json.
# BENCH_QUICK=1 takes three to four minutes, the build not counted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/require.sh
. scripts/postgres.sh
. scripts/redis.sh
require_rust
require_node

# Installs wrk, which makes the load, from Debian's packages unless it is there.
wrk_install() {
    if command -v wrk >/dev/null; then
        return
    fi
    debian_install wrk "the benchmark needs wrk"
}

# Built before the servers start, so that they run no longer than the measurement.
cargo bench --locked --package keyward-proto --bench keyward --no-run
wrk_install
postgres_install
redis_install
# Durable, unlike for the tests: what is measured must be what people get.
postgres_start fsync=on synchronous_commit=on
# In place of the trap that postgres_start has set.
trap 'redis_stop; postgres_stop' EXIT
redis_start
KEYWARD_BENCH_POSTGRES_PID=$(head -n 1 "$postgres_dir/data/postmaster.pid")
KEYWARD_BENCH_REDIS_PID=$redis_pid
export KEYWARD_BENCH_POSTGRES_PID KEYWARD_BENCH_REDIS_PID
cargo bench --locked --package keyward-proto --bench keyward
