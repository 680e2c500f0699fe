# shellcheck shell=bash
# What up, down and test share, to be sourced: messages, packages, the virtual environment, processes by pid file.
# Sets: ROOT (the clone), VENV, PYTHON (a Python 3.11 or newer of this machine).
# Finding and starting a Docker Engine is in engine.sh.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=${TRAILBOSS_VENV:-.venv}
case $VENV in /*) ;; *) VENV=$ROOT/$VENV ;; esac
PATH=$PATH:/usr/sbin:/sbin

say() { printf '[%3ds] %s\n' "$SECONDS" "$*"; }
fail() { printf '[%3ds] %s\n' "$SECONDS" "$*" >&2; exit 1; }

find_python() {
    local candidate
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            PYTHON=$(command -v "$candidate")
            export PYTHON
            return
        fi
    done
    fail "Python 3.11 or newer is missing; Debian 12 and Ubuntu 24.04 have it as python3"
}

# install_packages NAME...: from the distribution; asks it for a fresh list only when the present one does not do.
install_packages() {
    [ $# -gt 0 ] || return 0
    command -v apt-get >/dev/null || fail "Please install: $* (this machine has no apt-get)"
    [ "$(id -u)" = 0 ] || fail "Please run as root, or install: $*"
    say "Installing $*"
    export DEBIAN_FRONTEND=noninteractive
    # A fresh machine may be installing its first updates: wait for them, and let nothing ask questions.
    local log options=(-qq -o DPkg::Lock::Timeout=300)
    export NEEDRESTART_MODE=a
    log=$(mktemp)
    # 9 is the lock of up and down; a service that a package starts would keep it.
    apt-get "${options[@]}" install -y --no-install-recommends "$@" >"$log" 2>&1 9>&- ||
        { apt-get "${options[@]}" update && apt-get "${options[@]}" install -y --no-install-recommends "$@"; } \
            >"$log" 2>&1 9>&- ||
        { cat "$log" >&2; rm -f "$log"; fail "The packages could not be installed: $*"; }
    rm -f "$log"
}

has_static_busybox() {
    command -v busybox >/dev/null && ! ldd "$(command -v busybox)" >/dev/null 2>&1
}

# missing_engine_packages: names of the packages that a Docker Engine of our own would still need.
missing_engine_packages() {
    command -v dockerd >/dev/null || echo docker.io
    command -v iptables >/dev/null || echo iptables
    # Where the kernel uses AppArmor, dockerd starts no container without its parser.
    if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; then
        command -v apparmor_parser >/dev/null || echo apparmor
    fi
}

# make_venv requirements.txt|requirements-dev.txt: the virtual environment, exactly as locked.
# A stamp with the hash of the lock file makes the next call cost nothing; the dev lock holds all of the other one.
make_venv() {
    local lock=$1 wanted full
    wanted=$(lock_hash "$lock")
    full=$(lock_hash requirements-dev.txt)
    if [ -x "$VENV/bin/trailboss" ] && grep -qsxF -e "$wanted" -e "$full" "$VENV/trailboss-lock"; then
        return
    fi
    say "Installing Python packages into $VENV"
    if ! [ -x "$VENV/bin/python" ] || ! "$VENV/bin/pip" --version >/dev/null 2>&1; then
        "$PYTHON" -m venv --clear "$VENV" >/dev/null 2>&1 || {
            install_packages "$("$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
            "$PYTHON" -m venv --clear "$VENV"
        }
    fi
    rm -f "$VENV/trailboss-lock"
    local pip=("$VENV/bin/python" -m pip -qq --disable-pip-version-check install --root-user-action ignore)
    "${pip[@]}" --require-hashes -r "$ROOT/$lock"
    "${pip[@]}" --no-deps --no-build-isolation -e "$ROOT"
    echo "$wanted" >"$VENV/trailboss-lock"
}

# The places count too: a clone that was moved or copied would run the code of the old place.
lock_hash() { { cat "$ROOT/$1" "$ROOT/pyproject.toml"; echo "$ROOT $VENV"; } | sha256sum | cut -d ' ' -f 1; }

# A pid file of ours holds "pid start-time": a pid that was given to another process since has another start time.
start_time() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    [ "$1" != Z ] && echo "${20}"
}

alive() {
    local pid started
    # One that had died before its time was read has none.
    [ -f "$1" ] && read -r pid started <"$1" && [ -n "$started" ] && [ "$(start_time "$pid")" = "$started" ]
}

# start_process PIDFILE LOGFILE COMMAND...: in the background, in a session of its own, so that it outlives the terminal.
start_process() {
    local pid_file=$1 log=$2 pid
    shift 2
    setsid "$@" >>"$log" 2>&1 </dev/null 9>&- &
    pid=$!
    # Its end is noticed by the pid file; the shell shall not report it in the middle of other lines.
    disown "$pid"
    echo "$pid $(start_time "$pid")" >"$pid_file"
}

# stop_process PIDFILE SECONDS: ask it to end; kill it when it has not by then.
stop_process() {
    local pid_file=$1 pid deadline=$((SECONDS + $2))
    if alive "$pid_file"; then
        read -r pid _ <"$pid_file"
        kill -TERM "$pid" 2>/dev/null || true
        while alive "$pid_file"; do
            if [ "$SECONDS" -ge "$deadline" ]; then kill -KILL "$pid" 2>/dev/null || true; fi
            sleep 0.1
        done
    fi
    rm -f "$pid_file"
}

# http_ok HOST PORT PATH: does it answer 200? Without curl, which a fresh machine does not have. In a shell of its own: who
# speaks only TLS hangs up, and to write then would end this one.
http_ok() {
    local status
    status=$(
        exec 2>/dev/null 8<>"/dev/tcp/$1/$2" &&
            printf 'GET %s HTTP/1.0\r\nHost: %s:%s\r\n\r\n' "$3" "$1" "$2" >&8 &&
            read -r -t 5 _ status _ <&8 && echo "$status"
    ) || return 1
    [ "$status" = 200 ]
}

# tls_ok HOST PORT PATH: the same by TLS, whatever the certificate: nothing secret is sent.
tls_ok() {
    "$PYTHON" -c 'import http.client, ssl, sys
host, port, path = sys.argv[1:]
connection = http.client.HTTPSConnection(host, int(port), timeout=5, context=ssl._create_unverified_context())
connection.request("GET", path)
sys.exit(connection.getresponse().status != 200)' "$@" 2>/dev/null
}

# server_ok: does the server answer? SCHEME is then how.
server_ok() {
    if http_ok "$HOST" "$PORT" /readyz; then SCHEME=http; else tls_ok "$HOST" "$PORT" /readyz && SCHEME=https; fi
}

# open_data: the data folder and what up remembers in it; one up or down at a time.
open_data() {
    DATA=$(realpath -m "${TRAILBOSS_DATA:-$ROOT/data}")
    RUN=$DATA/run
    # down --data deletes it, and its rights are changed: it must be a folder of ours.
    if [ -e "$DATA" ] && ! [ -d "$RUN" ] && ! [ -f "$DATA/installation-id" ] && [ -n "$(ls -A "$DATA")" ]; then
        fail "$DATA holds something else; set TRAILBOSS_DATA to a folder for Trailboss alone"
    fi
    mkdir -p "$RUN"
    chmod 700 "$DATA"
    exec 9>"$RUN/lock"
    flock -n 9 || fail "Another scripts/up or scripts/down works on $DATA"
}

# use_credentials: the first API key for the CLI, and by what the server is known. The server writes it once, and says at
# each start whether it speaks TLS; its address may have changed since.
use_credentials() {
    export RANCHER_URL=${SCHEME:-http}://$HOST:$PORT/v1/projects/1a5
    local file=$DATA/first-credentials.env
    if [ -f "$file" ]; then
        sed -i "s|^\(RANCHER_URL=https*://\)[^/]*|\1$HOST:$PORT|" "$file"
        set -a
        # shellcheck disable=SC1090
        . "$file"
        set +a
    fi
}

# read_address HOST:PORT: set HOST and PORT to where this machine reaches what listens there.
read_address() {
    HOST=${1%:*} PORT=${1##*:}
    if [ -z "$HOST" ] || [ "$HOST" = 0.0.0.0 ]; then HOST=127.0.0.1; fi
}
