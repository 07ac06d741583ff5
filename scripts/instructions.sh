#!/usr/bin/env bash
# make instructions: counts the instructions of requests, and fails when they have become more work than
# benches/instructions.json says. --write writes what is counted now.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/require.sh
require_rust
require_node
require python3 "install Python 3"
if ! command -v valgrind >/dev/null; then
    debian_install valgrind "instructions are counted by valgrind"
fi
# Built as the tests are, so that nothing is compiled twice.
program=$(cargo test --workspace --locked --bench keyward --no-run --message-format=json |
    python3 -c 'import json, sys
for line in sys.stdin:
    made = json.loads(line)
    if made["reason"] == "compiler-artifact" and made["target"]["kind"] == ["bench"]:
        print(made["executable"])')
python3 scripts/instructions.py "$program" "$@"
