#!/usr/bin/env bash
# make fuzz: runs every fuzz target for FUZZ_SECONDS (60), as many at once as there are cores. Fails on
# a crash, whose input is then in target/fuzz/artifacts. What is found worth keeping goes to target/fuzz/corpus.
# Arguments are the targets to run instead of all. A change is judged by what is tried in the same order each time;
# FUZZ_SEED=0 tries another order at each run, to find what is new.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/require.sh
require_rust
require c++ "libFuzzer is built with it: install it, on Debian with: apt-get install build-essential"

CARGO_FUZZ_VERSION=0.13.2
seconds=${FUZZ_SECONDS:-60}
seed=${FUZZ_SEED:-1}
targets=("$@")
((${#targets[@]})) || targets=(credential addresses routes multipart templates json_to_wire wire_to_json extraction_schema model_answer \
    reader_document reader_office reader_html reader_mail reader_picture reader_poppler)
target_dir=$PWD/target/fuzz
host=$(rustc -vV | sed -n "s/^host: //p")

export PATH=$PWD/target/tools/bin:$PATH
if ! command -v cargo-fuzz >/dev/null; then
    echo "Fuzzing needs cargo-fuzz, which is not installed. Installing it from crates.io into target/tools:"
    echo "  cargo install cargo-fuzz --version $CARGO_FUZZ_VERSION --locked --root target/tools"
    cargo install cargo-fuzz --version "$CARGO_FUZZ_VERSION" --locked --root target/tools
fi

# The coverage that libFuzzer steers by is behind unstable flags of the stable compiler. There is no
# unsafe code for a sanitizer to watch; without one the dependencies are built in half the time.
export RUSTC_BOOTSTRAP=1
options=(--dev --sanitizer none --fuzz-dir fuzz --target-dir "$target_dir")
# The versions that are shipped.
cp Cargo.lock fuzz/Cargo.lock
cargo fuzz build "${options[@]}"

# fuzz TARGET: its output is shown when it ends.
fuzz() {
    local target=$1 log=$target_dir/$1.log
    mkdir -p "$target_dir/corpus/$target" "$target_dir/artifacts/$target"
    local status=0
    "$target_dir/$host/debug/$target" "$target_dir/corpus/$target" "fuzz/seeds/$target" \
        -artifact_prefix="$target_dir/artifacts/$target/" -seed="$seed" -max_total_time="$seconds" -timeout=10 \
        -max_len=4096 -print_final_stats=1 >"$log" 2>&1 || status=$?
    echo "== $target"
    if ((status != 0)); then
        tail -n 40 "$log"
        return "$status"
    fi
    grep -E "^Done|cov:.*DONE" "$log"
}

failed=0
running=0
for target in "${targets[@]}"; do
    if ((running == $(nproc))); then
        wait -n || failed=1
        running=$((running - 1))
    fi
    fuzz "$target" &
    running=$((running + 1))
done
while ((running > 0)); do
    wait -n || failed=1
    running=$((running - 1))
done
if ((failed)); then
    echo "keyward: a fuzz target failed; its input is in target/fuzz/artifacts" >&2
    exit 1
fi
