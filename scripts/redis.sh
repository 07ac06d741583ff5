# shellcheck shell=bash
# A Redis of our own for the time of a script: on a free port of 127.0.0.1, in memory, gone when the
# script ends. Sourced by the other scripts.

# Installs Redis from Debian's packages unless it, or Valkey, is there.
redis_install() {
    if redis_find; then
        return
    fi
    debian_install redis-server "the tests need redis-server or valkey-server"
    if ! redis_find; then
        echo "keyward: the package redis-server is installed, but there is no redis-server" >&2
        exit 1
    fi
}

# Sets redis_server and redis_cli to the programs that are there.
redis_find() {
    local name
    for name in valkey redis; do
        if command -v "$name-server" "$name-cli" >/dev/null; then
            redis_server=$name-server
            redis_cli=$name-cli
            return
        fi
    done
    return 1
}

redis_free_port() {
    node -e 'const s = require("net").createServer();
        s.listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); });'
}

# Starts Redis and exports KEYWARD_TEST_REDIS_URL. Whoever calls it calls redis_stop at the end.
redis_start() {
    redis_dir=$(mktemp --directory --tmpdir keyward-redis.XXXXXXXX)
    # Another program may take the port between the choice and the start: then with another one.
    local attempt port waited
    for attempt in 1 2 3; do
        port=$(redis_free_port)
        "$redis_server" --bind 127.0.0.1 --port "$port" --dir "$redis_dir" --save '' --appendonly no \
            --maxmemory-policy noeviction >"$redis_dir/server.log" 2>&1 &
        redis_pid=$!
        for ((waited = 0; waited < 100; waited++)); do
            kill -0 "$redis_pid" 2>/dev/null || break
            if [[ $("$redis_cli" -h 127.0.0.1 -p "$port" ping 2>/dev/null) == PONG ]] &&
                kill -0 "$redis_pid" 2>/dev/null; then
                export KEYWARD_TEST_REDIS_URL="redis://127.0.0.1:$port"
                echo "Redis for the tests runs on 127.0.0.1:$port, in $redis_dir."
                return
            fi
            sleep 0.1
        done
        redis_end
        echo "Redis did not start on port $port (attempt $attempt of 3):" >&2
        tail -n 5 "$redis_dir/server.log" >&2
    done
    exit 1
}

# Ends the server, if it runs.
redis_end() {
    if [[ -n ${redis_pid:-} ]]; then
        kill -KILL "$redis_pid" 2>/dev/null || true
        wait "$redis_pid" 2>/dev/null || true
        redis_pid=
    fi
}

redis_stop() {
    redis_end
    if [[ -n ${redis_dir:-} ]]; then
        rm -rf "$redis_dir"
    fi
}
