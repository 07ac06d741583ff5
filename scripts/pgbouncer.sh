# shellcheck shell=bash
# PgBouncer, which tests start themselves. Sourced by the other scripts.

# Installs PgBouncer from Debian's packages unless it is there.
pgbouncer_install() {
    # Not in everyone's PATH.
    if PATH=$PATH:/usr/sbin command -v pgbouncer >/dev/null; then
        return
    fi
    debian_install pgbouncer "the tests need pgbouncer"
}
