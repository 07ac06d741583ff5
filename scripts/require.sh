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

# debian_install PACKAGE NEED: installs a package of Debian, and says so first. NEED is the reason, as in
# "the tests need Redis".
debian_install() {
    local package=$1 need=$2 as_root=()
    require apt-get "$need; install it by hand on this system"
    if ((EUID != 0)); then
        require sudo "$need, and installing it needs root; run: apt-get install $package"
        as_root=(sudo)
    fi
    echo "${need^}, which is not installed. Installing Debian's package $package now:"
    echo "  ${as_root[*]:+sudo }apt-get update"
    echo "  ${as_root[*]:+sudo }apt-get install $package"
    "${as_root[@]}" apt-get update
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --no-install-recommends "$package"
}
