# shellcheck shell=bash
# The Docker Engine that up and down work with, to be sourced after machine.sh.
# A running engine is used as it is. Where none runs and no service manager starts one, we start our own, with its own
# socket, folders and bridge; RUN/engine says which it is: "ours ADDRESS" or "theirs ADDRESS".
# Needs: DATA, RUN (folder for pid files and what up remembers). Sets: ENGINE, its address.

# A unix socket's path may have about 100 characters, and the data folder's path can be longer: hence /run and a hash.
ENGINE_KEY=$(printf '%s' "$DATA" | sha256sum | cut -c 1-8)
ENGINE_RUN=/run/trailboss-$ENGINE_KEY
ENGINE_BRIDGE=tbd-$ENGINE_KEY

engine_answers() { "$PYTHON" "$ROOT/scripts/engine.py" "$1" ping 2>/dev/null; }
engine_is_ours() { [ "$(cut -d ' ' -f 1 "$RUN/engine" 2>/dev/null)" = ours ]; }

# find_engine: set ENGINE to an engine that answers: the one asked for, else the one of the last time, else the
# machine's, else one of our own.
find_engine() {
    if engine_is_ours; then
        start_own_engine
        return
    fi
    local recorded
    recorded=$(cut -d ' ' -f 2 "$RUN/engine" 2>/dev/null || true)
    ENGINE=${DOCKER_HOST:-${recorded:-unix:///var/run/docker.sock}}
    case $ENGINE in
        unix://*) ;;
        *) fail "DOCKER_HOST is $ENGINE, but the agent drives an engine of this machine: unset it or name a unix:// socket" ;;
    esac
    if ! engine_answers "$ENGINE" && [ -z "${DOCKER_HOST:-}" ]; then
        # shellcheck disable=SC2046
        install_packages $(missing_engine_packages)
        if [ -d /run/systemd/system ]; then systemctl start docker 9>&- || true; fi
        # Where our containers already are on the machine's engine, one of our own would run them twice.
        if [ -z "$recorded" ] && ! engine_answers "$ENGINE"; then
            start_own_engine
            return
        fi
    fi
    if ! engine_answers "$ENGINE"; then
        [ -z "$recorded" ] || say "If it is gone for good, and our containers with it, delete $RUN/engine"
        fail "No Docker Engine answers at $ENGINE; start it first"
    fi
    echo "theirs $ENGINE" >"$RUN/engine"
    say "Using the Docker Engine at $ENGINE"
}

start_own_engine() {
    ENGINE=unix://$ENGINE_RUN/docker.sock
    if alive "$RUN/docker.pid" && engine_answers "$ENGINE"; then
        say "Our own Docker Engine runs"
        return
    fi
    say "Starting a Docker Engine of our own (log: $DATA/docker.log)"
    stop_process "$RUN/docker.pid" 30
    # What a boot ago was a socket or a pid is nothing now, and makes containerd stumble.
    if [ "$(cat "$ENGINE_RUN/boot" 2>/dev/null)" != "$(cat /proc/sys/kernel/random/boot_id)" ]; then
        rm -rf "$ENGINE_RUN"
    fi
    mkdir -p "$ENGINE_RUN" "$DATA/docker"
    chmod 700 "$ENGINE_RUN"
    # containerd dies with the engine that started it, but a new engine would wait for whatever has its pid now.
    rm -f "$ENGINE_RUN/docker.pid" "$ENGINE_RUN/exec/containerd/containerd.pid"
    cat /proc/sys/kernel/random/boot_id >"$ENGINE_RUN/boot"
    # Without a file of its own the engine would take the machine's daemon.json, which is another engine's.
    echo '{}' >"$ENGINE_RUN/daemon.json"
    echo "ours $ENGINE" >"$RUN/engine"
    make_engine_bridge
    start_process "$RUN/docker.pid" "$DATA/docker.log" dockerd --config-file "$ENGINE_RUN/daemon.json" \
        --host "$ENGINE" --pidfile "$ENGINE_RUN/docker.pid" --exec-root "$ENGINE_RUN/exec" \
        --data-root "$DATA/docker" --bridge "$ENGINE_BRIDGE"
    local deadline=$((SECONDS + 30))
    until engine_answers "$ENGINE"; do
        if ! alive "$RUN/docker.pid" || [ "$SECONDS" -ge "$deadline" ]; then
            tail -n 20 "$DATA/docker.log" >&2
            fail "Our Docker Engine did not start; $DATA/docker.log says more"
        fi
        sleep 0.2
    done
}

# A bridge of its own: two engines on one docker0 would give the same addresses to different containers.
make_engine_bridge() {
    [ ! -e "/sys/class/net/$ENGINE_BRIDGE" ] || return 0
    local used third
    used=$(busybox ip -4 addr; busybox ip -4 route)
    for third in $(seq 240 254); do
        case $used in *" 192.168.$third."*) continue ;; esac
        busybox brctl addbr "$ENGINE_BRIDGE"
        busybox ip addr add "192.168.$third.1/24" dev "$ENGINE_BRIDGE"
        busybox ip link set "$ENGINE_BRIDGE" up
        return
    done
    fail "No free network between 192.168.240.0/24 and 192.168.254.0/24 for the Docker Engine"
}

# mounts_below FOLDER: what is mounted on it and in it, deepest first.
mounts_below() {
    local mount
    while read -r _ mount _; do
        mount=${mount//\\040/ } # so the kernel writes a space; printf %b would take a digit behind it along
        case $mount/ in "$1"/*) printf '%s\n' "$mount" ;; esac
    done </proc/mounts | sort -r
}

# stop_own_engine: end it and everything it left: processes, mounts, sockets, bridge. Its data stay in DATA/docker.
stop_own_engine() {
    say "Ending our own Docker Engine"
    stop_process "$RUN/docker.pid" 30
    # containerd and its shims name the run folder on their command lines; they are left when the engine was killed.
    # Others may name it too (an editor, say), hence the look at what they are.
    local pid
    grep -lsaF "$ENGINE_RUN/" /proc/[0-9]*/cmdline | cut -d / -f 3 | while read -r pid; do
        case $(cat "/proc/$pid/comm" 2>/dev/null) in containerd*) kill -KILL "$pid" 2>/dev/null || true ;; esac
    done || true
    # A killed engine leaves its mounts, the one of its whole data folder on itself included. Deepest first.
    local folder mount
    for folder in "$ENGINE_RUN" "$DATA/docker"; do
        mounts_below "$folder" | while read -r mount; do umount -l "$mount"; done
    done
    rm -rf "$ENGINE_RUN"
    local subnet=
    if [ -e "/sys/class/net/$ENGINE_BRIDGE" ]; then
        subnet=$(busybox ip -4 route show dev "$ENGINE_BRIDGE" | cut -d ' ' -f 1)
        busybox ip link set "$ENGINE_BRIDGE" down
        busybox brctl delbr "$ENGINE_BRIDGE"
    fi
    # The engine leaves its firewall rules; those that name our bridge are ours.
    local table rule
    for table in filter nat; do
        iptables -t "$table" -S | grep -wF -e "$ENGINE_BRIDGE" -e "${subnet:-none}" | while read -r _ rule; do
            # shellcheck disable=SC2086
            iptables -t "$table" -D $rule
        done || true
    done
    rm -f "$RUN/engine"
}
