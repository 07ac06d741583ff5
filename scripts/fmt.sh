#!/usr/bin/env bash
# make fmt: formats Rust and protos.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/buf.sh

cargo fmt --all
buf format --write
