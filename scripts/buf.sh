# shellcheck shell=bash
# Gives `buf` in the version that package-lock.json pins. Sourced by the other scripts, from the root.
. scripts/require.sh
require_node
require npm "it comes with Node.js"

if ! [[ node_modules/.package-lock.json -nt package-lock.json ]]; then
    echo "Installing buf from npm into node_modules."
    npm ci --no-audit --no-fund
fi

buf() {
    npx --no-install buf "$@"
}
