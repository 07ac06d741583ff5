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

# The commit that the protos must stay compatible with: the last release, else where this branch left main,
# else the commit before this one. None when this clone has no such commit.
buf_base() {
    local head base
    head=$(git rev-parse --verify --quiet HEAD) || return 0
    base=$(git describe --tags --abbrev=0 --match 'v[0-9]*' HEAD 2>/dev/null) ||
        base=$(git merge-base HEAD origin/HEAD 2>/dev/null) ||
        base=$(git merge-base HEAD origin/main 2>/dev/null) ||
        base=$head
    if [[ $(git rev-parse "$base^{commit}") == "$head" ]]; then
        base=$(git rev-parse --verify --quiet 'HEAD^') || return 0
    fi
    echo "$base"
}

# buf breaking, against buf_base.
buf_breaking() {
    local base before
    base=$(buf_base)
    if [[ -z $base ]]; then
        echo "Nothing to compare with: no release is tagged, and this clone has no earlier commit."
        return
    fi
    echo "Compared with $(git log --max-count=1 --format='%h (%s)' "$base")."
    # The files alone, since a shallow clone cannot be cloned again.
    before=$(mktemp --directory)
    git archive "$base" buf.yaml proto | tar --extract --directory "$before"
    local status=0
    buf breaking --against "$before" || status=$?
    rm -rf "$before"
    return "$status"
}
