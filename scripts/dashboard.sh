# shellcheck shell=bash
# The dashboard, which the binary embeds when it is built (edge/build.rs). Sourced by the other scripts, from the root,
# after node.sh.

dashboard=edge/dashboard

# Installs what its package-lock.json pins.
dashboard_install() {
    require_node
    require npm "it comes with Node.js"
    node_packages "$dashboard" "The dashboard is built with Node.js."
}

# Builds it into edge/dashboard/dist, unless that is newer than what it is made of.
dashboard_build() {
    local built=$dashboard/dist/index.html
    local sources=(src public index.html vite.config.ts package-lock.json scripts/build.mjs)
    if [[ -f $built && -z $(find "${sources[@]/#/$dashboard/}" -newer "$built" -print -quit) ]]; then
        return
    fi
    dashboard_install
    npm run --prefix "$dashboard" --silent build
}

# Types, lints, formatting and the house style.
dashboard_check() {
    dashboard_install
    npm run --prefix "$dashboard" --silent check
}

# Its unit tests, and that its pages stay small.
dashboard_test() {
    dashboard_build
    dashboard_install
    npm run --prefix "$dashboard" --silent test
}
