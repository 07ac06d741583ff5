#!/usr/bin/env bash
# make screenshots: starts the real binary with a small organization in it, and takes pictures of its dashboard into
# docs/screens.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/require.sh
. scripts/node.sh
. scripts/dashboard.sh
require_rust
node_install
chromium_install
command -v pngquant >/dev/null || debian_install pngquant "pictures in the repository are kept small by pngquant"

# A binary that is there already is taken as it is.
if [[ -z ${KEYWARD_BINARY:-} ]]; then
    dashboard_build
    cargo build --profile quick --locked --package keyward
    KEYWARD_BINARY=$PWD/${CARGO_TARGET_DIR:-target}/quick/keyward
fi
export KEYWARD_BINARY
node tests/browser/screenshots.mjs docs/screens
# As many colours as a page has, but for the smoothing of its letters: a third of the bytes.
pngquant --force --ext .png --strip 128 docs/screens/*.png
