# shellcheck shell=bash
# What the machine must have. Sourced by the other scripts.

# require COMMAND HOW: ends with a clear line when COMMAND is missing.
require() {
    if ! command -v "$1" >/dev/null; then
        echo "keyward: $1 is missing: $2" >&2
        exit 1
    fi
}

require_rust() {
    require cargo "install Rust, see https://rustup.rs"
    # Rust links with the C compiler, and SQLite and aws-lc are built with it.
    if ! command -v "${CC:-cc}" >/dev/null; then
        echo "keyward: a C compiler is missing: install it, on Debian with: apt-get install build-essential" >&2
        exit 1
    fi
}

require_node() {
    require node "install Node.js 20 or later"
}
