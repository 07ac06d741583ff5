# shellcheck shell=bash
# A PostgreSQL of our own for the time of a script: on a free port of 127.0.0.1, in a temporary
# directory, gone when the script ends. Sourced by the other scripts.

# Sets postgres_bin to the newest server's programs that Debian has installed.
postgres_find() {
    local found
    found=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort --version-sort | tail -n 1)
    [[ -x $found ]] && postgres_bin=$(dirname "$found")
}

# Installs PostgreSQL from Debian's packages unless it is there.
postgres_install() {
    if postgres_find; then
        return
    fi
    echo "Debian starts a server of its own on port 5432 with PostgreSQL; the tests use neither that nor its data."
    debian_install postgresql "the tests need PostgreSQL in /usr/lib/postgresql"
    if ! postgres_find; then
        echo "keyward: PostgreSQL is installed, but /usr/lib/postgresql/*/bin has no initdb" >&2
        exit 1
    fi
}

# Runs a program of PostgreSQL, which refuses root.
postgres_run() {
    local program=$1
    shift
    (
        # The caller's directory may be closed to the other user.
        cd /
        if ((EUID == 0)); then
            runuser --user "$postgres_user" -- "$postgres_bin/$program" "$@"
        else
            "$postgres_bin/$program" "$@"
        fi
    )
}

postgres_free_port() {
    node -e 'const s = require("net").createServer();
        s.listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); });'
}

# postgres_start [NAME=VALUE ...]: starts PostgreSQL with these settings of its own, exports
# KEYWARD_TEST_POSTGRES_URL and stops it when the script ends.
postgres_start() {
    postgres_dir=$(mktemp --directory --tmpdir keyward-postgres.XXXXXXXX)
    trap postgres_stop EXIT
    if ((EUID == 0)); then
        postgres_user=nobody
        if id postgres >/dev/null 2>&1; then
            postgres_user=postgres
        fi
        chown "$postgres_user" "$postgres_dir"
    fi
    if ! postgres_run initdb --pgdata="$postgres_dir/data" --username=keyward --auth=trust \
        --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$postgres_dir/initdb.log" 2>&1; then
        cat "$postgres_dir/initdb.log" >&2
        exit 1
    fi

    # Another program may take the port between the choice and the start: then with another one.
    local attempt port options
    for attempt in 1 2 3; do
        port=$(postgres_free_port)
        options=$(printf -- '-c %s ' listen_addresses=127.0.0.1 port="$port" unix_socket_directories= "$@")
        if postgres_run pg_ctl --pgdata="$postgres_dir/data" --log="$postgres_dir/data/server.log" \
            --options="$options" --wait --silent start; then
            export KEYWARD_TEST_POSTGRES_URL="postgres://keyward@127.0.0.1:$port/postgres"
            echo "PostgreSQL for the tests runs on 127.0.0.1:$port, in $postgres_dir."
            return
        fi
        echo "PostgreSQL did not start on port $port (attempt $attempt of 3):" >&2
        tail -n 5 "$postgres_dir/data/server.log" >&2
    done
    exit 1
}

postgres_stop() {
    if [[ -f $postgres_dir/data/postmaster.pid ]]; then
        postgres_run pg_ctl --pgdata="$postgres_dir/data" --mode=immediate --wait --silent stop || true
    fi
    rm -rf "$postgres_dir"
}
