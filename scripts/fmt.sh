#!/usr/bin/env bash
# make fmt: formats Rust and protos.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/buf.sh
. scripts/node.sh
. scripts/dashboard.sh

cargo fmt --all
rustfmt --edition 2024 fuzz/targets/*.rs
buf format --write
dashboard_install
npm run --prefix "$dashboard" --silent format
