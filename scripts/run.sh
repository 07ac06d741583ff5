#!/usr/bin/env bash
# make run: builds and starts everything in one process. The first time it sets up an organization
# and prints what to call it with; afterwards it keeps the data and prints no secret.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/require.sh
. scripts/node.sh
. scripts/dashboard.sh
require_rust
require_node

dashboard_build
cargo build --profile quick --locked --package keyward
keyward=${CARGO_TARGET_DIR:-target}/quick/keyward
data=${KEYWARD_DATA_DIR:-./data}

if [[ -z $(ls -A "$data" 2>/dev/null) ]]; then
    # Through a pipe and a variable only: arguments and files could be read by others.
    if secrets=$("$keyward" setup --organization "My organization" --email owner@example.com \
        --agent "My agent" --output json); then
        printf '%s' "$secrets" | node scripts/print-curls.mjs
        unset secrets
        echo "The dashboard: choose the password of owner@example.com within an hour, at"
        "$keyward" password-link --email owner@example.com
    elif [[ $? -ne 3 ]]; then
        exit 1
    fi # 3: the database of the settings has an organization. It is served as it is.
fi
exec "$keyward" serve
