#!/usr/bin/env bash
# make bench: measures the whole stack beside axum without it, and writes target/bench/results.json.
# BENCH_QUICK=1 takes less than three minutes, the build not counted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/require.sh
. scripts/postgres.sh
require_rust
require_node

# Installs wrk, which makes the load, from Debian's packages unless it is there.
wrk_install() {
    if command -v wrk >/dev/null; then
        return
    fi
    require apt-get "the benchmark needs wrk; install it by hand on this system"
    local as_root=()
    if ((EUID != 0)); then
        require sudo "installing wrk needs root; run: apt-get install wrk"
        as_root=(sudo)
    fi
    echo "The benchmark needs wrk, which is not installed. Installing Debian's package wrk now:"
    echo "  ${as_root[*]} apt-get update"
    echo "  ${as_root[*]} apt-get install wrk"
    "${as_root[@]}" apt-get update
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends wrk
}

# Restarts PostgreSQL without the tests' settings, which give up durability for speed: what is measured must
# be what people get.
postgres_make_durable() {
    local port=${KEYWARD_TEST_POSTGRES_URL##*:}
    local options="-c listen_addresses=127.0.0.1 -c port=${port%/*} -c unix_socket_directories="
    postgres_run pg_ctl --pgdata="$postgres_dir/data" --log="$postgres_dir/data/server.log" \
        --options="$options" --wait --silent restart
}

# Built before PostgreSQL starts, so that it runs no longer than the measurement.
cargo bench --locked --package keyward-proto --bench keyward --no-run
wrk_install
postgres_install
postgres_start
postgres_make_durable
KEYWARD_BENCH_POSTGRES_PID=$(head -n 1 "$postgres_dir/data/postmaster.pid")
export KEYWARD_BENCH_POSTGRES_PID
cargo bench --locked --package keyward-proto --bench keyward
