# shellcheck shell=bash
# What tests in JavaScript and TypeScript need, in the versions that their package-lock.json pin. Sourced by the other
# scripts, from the root.

# Installs what is missing.
node_install() {
    require_node
    require npm "it comes with Node.js"
    node_packages tests/node "Tests call the edge as pages do, with the client of Connect."
    node_packages tests/openapi/typescript "Tests validate the OpenAPI document and make a client of it."
    node_packages tests/browser "Tests use the dashboard as people do."
}

# The browser that tests drive, where tests/browser/browser.mjs looks for it.
chromium_install() {
    [[ -x /usr/bin/chromium ]] || debian_install chromium "the tests need a browser"
}

# node_packages DIRECTORY WHY
node_packages() {
    if ! [[ $1/node_modules/.package-lock.json -nt $1/package-lock.json ]]; then
        echo "$2 Installing what they need from npm into $1/node_modules."
        npm ci --prefix "$1" --no-audit --no-fund
    fi
}
