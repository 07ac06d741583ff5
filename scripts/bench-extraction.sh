#!/usr/bin/env bash
# make bench-extraction DATA=FOLDER: measures document extraction on the documents of FOLDER (one folder a set, each with
# documents/ and perhaps text.jsonl.gz), its readers alone and, where FOLDER has drive.py, all of it over the API, taught by
# corrections. Without DATA it says so and ends. BENCH_KREUZBERG=1 measures that package, too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/require.sh
. scripts/python.sh
. scripts/readers.sh
require_rust

if [[ -z ${DATA:-} || ! -d $DATA ]]; then
    echo "Nothing is measured: DATA names the folder of documents, as in make bench-extraction DATA=../documents"
    exit 0
fi
target=${CARGO_TARGET_DIR:-$PWD/target}
readers_install
ocr_install "$target/ocr"
cargo build --release --locked --package keyward --bin keyward
options=(--ocr "$target/ocr" --out "$target/bench/readers.json")
if [[ -n ${BENCH_KREUZBERG:-} ]]; then
    if [[ ! -x $target/bench/kreuzberg/bin/python ]]; then
        python_venv_install
        echo "Making a virtual environment in $target/bench/kreuzberg with, from PyPI: kreuzberg"
        python3 -m venv "$target/bench/kreuzberg"
        "$target/bench/kreuzberg/bin/python" -m pip install --quiet --disable-pip-version-check kreuzberg
    fi
    options+=(--kreuzberg "$target/bench/kreuzberg/bin/python")
fi
python3 scripts/bench_readers.py "$target/release/keyward" "$DATA" "${options[@]}"
if [[ -f $DATA/drive.py ]]; then
    # BENCH_DRIVE are more of its arguments, e.g. --k 0,20 --limit 10.
    read -r -a drive <<<"${BENCH_DRIVE:---split dev --k 0,5,20,150}"
    python3 scripts/drive_extraction.py "$target/release/keyward" "$DATA" --ocr "$target/ocr" "${drive[@]}"
fi
