"""The messages of the control websocket between an agent and the server: tagged, versioned msgspec Structs as JSON.

The agent dials out to `GET /agent/connect` with its own key pair (HTTP Basic) and says `Hello`; the server answers
`Welcome`, one full `Assignment` and one `Directory`, then sends changes. The agent answers with `Report`s.
Live streams (logs) do not pass here: the server asks with `OpenStream`, and the agent dials a second websocket,
`GET /agent/streams/<id>?token=<token>`, that carries binary chunks.

Rules that both sides keep:
- A receiver ignores fields and message tags that it does not know (msgspec drops unknown fields; `decode_*`
  returns None for an unknown tag), so that versions mix.
- Every number that orders something is a pair (incarnation, number). The incarnation grows when a database is
  restored or moved; a higher incarnation always wins, and within one a record with a lower epoch than the highest
  seen for its slot is refused.
- A `Record` is the wish for one container. It says what is wanted, never what to do.
- An owned container of which no record speaks is reported and kept, never removed.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

PROTOCOL = 1
"""Highest protocol version of this build; Hello offers, Welcome fixes the lower of both sides."""

OLDEST_PROTOCOL = 1
"""Lowest version that this build still speaks; an agent below it is told so and must be upgraded."""

CLOSE_MALFORMED = 4400
"""Close codes of the control websocket, each sent with a reason in words. Malformed: a message cannot be read."""
CLOSE_REVOKED = 4401
"""The key was replaced or removed; dialling again with it is refused (401)."""
CLOSE_GONE = 4403
"""The agent or its host was deactivated or removed; dialling again is refused (403)."""
CLOSE_SILENT = 4408
"""Nothing was heard for too long. Dial again."""
CLOSE_REPLACED = 4409
"""A newer connection of the same agent has taken over."""
CLOSE_TOO_OLD = 4426
"""The agent's protocol is older than `OLDEST_PROTOCOL`."""
CLOSE_RESTART = 1012
"""The server ends (RFC 6455 registry: service restart). Dial again."""

LABEL_PREFIX = "io.trailboss."
LABEL_INSTALLATION = "io.trailboss.installation"
LABEL_CONTAINER = "io.trailboss.container"
LABEL_SLOT = "io.trailboss.slot"
LABEL_HASH = "io.trailboss.hash"
"""Ownership labels of every container and network made by an agent. Installation is the server's id: what carries
another installation's id does not exist for us."""

Desired = Literal["running", "stopped", "removed"]
State = Literal["pulling", "creating", "created", "running", "exited", "failed", "removed", "unknown"]


class Port(msgspec.Struct, frozen=True, omit_defaults=True):
    """One published port. public 0: Docker picks a free one and the report tells which. bind "" means every address."""

    private: int
    public: int = 0
    protocol: Literal["tcp", "udp"] = "tcp"
    bind: str = ""


class RestartPolicy(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str = "no"
    maximum_retry_count: int = 0


class LogConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    driver: str = "json-file"
    config: dict[str, str] = {}


class RegistryAuth(msgspec.Struct, frozen=True, omit_defaults=True):
    """Credentials for one pull; never logged and never stored with the record."""

    username: str
    password: str
    server: str = ""

    def __repr__(self) -> str:
        return f"RegistryAuth(username={self.username!r}, server={self.server!r})"


class Specification(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that Docker is told when the container is created. Sizes in bytes; names as in Docker's create call."""

    image: str
    pull: Literal["missing", "always"] = "missing"
    hostname: str = ""
    domain_name: str = ""
    user: str = ""
    working_dir: str = ""
    entry_point: list[str] = []
    command: list[str] = []
    environment: dict[str, str] = {}
    labels: dict[str, str] = {}
    tty: bool = False
    stdin_open: bool = False
    network: Literal["managed", "bridge", "host", "none", "container"] = "managed"
    address: str = ""
    """Fixed IPv4 address on the managed bridge (network "managed" only)."""
    network_container: str = ""
    """Uuid of the container whose network is shared (network "container" only)."""
    ports: list[Port] = []
    publish_all_ports: bool = False
    dns: list[str] = []
    dns_search: list[str] = []
    extra_hosts: list[str] = []
    volumes: list[str] = []
    """`/path` (anonymous), `name:/path[:ro]` or `/host/path:/path[:ro]`."""
    volumes_from: list[str] = []
    """Uuids of containers on the same host."""
    volume_driver: str = ""
    privileged: bool = False
    read_only: bool = False
    cap_add: list[str] = []
    cap_drop: list[str] = []
    devices: list[str] = []
    security_opt: list[str] = []
    pid_mode: str = ""
    lxc_conf: dict[str, str] = {}
    memory: int = 0
    memory_swap: int = 0
    cpu_shares: int = 0
    cpu_set: str = ""
    log_config: LogConfig | None = None
    restart_policy: RestartPolicy | None = None


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is wanted of one container.

    container: the instance's uuid; also the Docker container's name. slot: the place it fills (a service's numbered
    slot, or the uuid itself). epoch: the run that is wanted; each start has a higher one. hash: of the specification;
    a container whose label differs is replaced only by a new container, never changed. restart: the agent may start
    the next run itself while the server is away. specification: None when desired is "removed".
    cause: id of the request that led here, carried into the agent's log and back in the report.
    """

    container: str
    slot: str
    epoch: int
    desired: Desired
    hash: str = ""
    restart: bool = False
    stop_timeout_s: int = 10
    specification: Specification | None = None
    auth: RegistryAuth | None = None
    cause: str = ""


class Observation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the host saw of one container.

    epoch: the run it speaks of (the newest that the agent has started or tried). state "failed": that run could not
    be started, `message` says why; the agent tries again only for a higher epoch. "exited": it ran and ended.
    "removed": nothing is left of it (the answer to a removal). "unknown": Docker has an owned container of which no
    record speaks. ports: "80/tcp" -> public port or None. restarts: runs that the agent started by itself while the
    server was away. Times in ms since 1970.
    """

    container: str
    slot: str
    epoch: int
    state: State
    message: str = ""
    docker_id: str = ""
    exit_code: int | None = None
    oom_killed: bool = False
    address: str = ""
    ports: dict[str, int | None] = {}
    image_id: str = ""
    restarts: int = 0
    progress: int | None = None
    started_at: int = 0
    finished_at: int = 0
    cause: str = ""


class Host(msgspec.Struct, frozen=True, omit_defaults=True):
    """Facts of the host. uuid: made once by the agent and kept on its disk. info: as in the v1 host resource."""

    uuid: str
    hostname: str
    address: str = ""
    labels: dict[str, str] = {}
    info: dict[str, Any] = {}
    kind: Literal["docker", "sim"] = "docker"


class Network(msgspec.Struct, frozen=True, omit_defaults=True):
    """The managed bridge of a host. cidr: the shared /16. gateway: this host's own address in it, where the agent's
    DNS listens. bridge: kernel interface name (at most 15 characters). name: of the Docker network."""

    name: str
    bridge: str
    cidr: str
    gateway: str
    mtu: int = 1500


class Endpoint(msgspec.Struct, frozen=True, array_like=True):
    """One running, healthy container behind a name."""

    container_name: str
    address: str


# --- agent -> server ------------------------------------------------------------------------------------------


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """First message. inventory: every owned container on the host, so that what was missed is found.
    incarnation: highest seen. engine_message: "" or why Docker does not answer."""

    protocol: int
    version: str
    host: Host
    incarnation: int = 0
    inventory: list[Observation] = []
    engine_message: str = ""


class Report(msgspec.Struct, frozen=True, tag="report"):
    """What changed on the host since the last report, oldest first."""

    incarnation: int
    observations: list[Observation]


class Engine(msgspec.Struct, frozen=True, tag="engine"):
    """Docker stopped answering (message says why), or answers again (message "")."""

    message: str = ""


class Facts(msgspec.Struct, frozen=True, tag="facts"):
    """Fresh facts of the host, about once a minute; never journaled."""

    host: Host


class Heartbeat(msgspec.Struct, frozen=True, tag="heartbeat"):
    """The agent is alive. `applied`: number of the newest Assignment it has taken in."""

    applied: int = 0


# --- server -> agent ------------------------------------------------------------------------------------------


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """Answer to Hello. installation: the server's id for ownership labels. domain: suffix of names."""

    protocol: int
    incarnation: int
    installation: str
    host_id: str
    network: Network
    domain: str = "rancher.internal"
    heartbeat_s: float = 2.0


class Assignment(msgspec.Struct, frozen=True, tag="assignment"):
    """What this host is to run. full: `records` is everything, and what it does not name has no record;
    otherwise it holds what changed. number grows with each message of a connection's incarnation."""

    incarnation: int
    number: int
    records: list[Record]
    full: bool = False


class Directory(msgspec.Struct, frozen=True, tag="directory"):
    """All names that containers of this host may ask for; always whole, replaces the one before in one step.

    targets: key ("stack/service", "stack/service/sidekick") -> running, healthy endpoints.
    clients: address of a container on this host -> {bare name in lower case: target key}.
    cnames: target key -> foreign host name (an external service).
    """

    targets: dict[str, list[Endpoint]]
    clients: dict[str, dict[str, str]]
    cnames: dict[str, str] = {}


class OpenStream(msgspec.Struct, frozen=True, tag="open-stream"):
    """Dial a websocket for a live stream. kind "logs": options lines (int), follow (bool), timestamps (bool)."""

    id: str
    token: str
    kind: Literal["logs"]
    container: str
    options: dict[str, Any] = {}


class Look(msgspec.Struct, frozen=True, tag="look"):
    """Look at all containers now, and report what is not as it was reported."""


FromAgent = Hello | Report | Engine | Facts | Heartbeat
FromServer = Welcome | Assignment | Directory | OpenStream | Look

_encoder = msgspec.json.Encoder()
_tag = msgspec.json.Decoder(dict[str, Any])
_from_agent: msgspec.json.Decoder[FromAgent] = msgspec.json.Decoder(FromAgent)
_from_server: msgspec.json.Decoder[FromServer] = msgspec.json.Decoder(FromServer)
_AGENT_TAGS = {"hello", "report", "engine", "facts", "heartbeat"}
_SERVER_TAGS = {"welcome", "assignment", "directory", "open-stream", "look"}


def encode(message: FromAgent | FromServer) -> bytes:
    """Return the JSON text of a message."""
    return _encoder.encode(message)


def decode_from_agent(text: bytes | str) -> FromAgent | None:
    """Read a message of an agent; None for a tag of a newer version. Raises msgspec.DecodeError if malformed."""
    try:
        return _from_agent.decode(text)
    except msgspec.ValidationError:
        if _tag.decode(text).get("type") in _AGENT_TAGS:
            raise
        return None


def decode_from_server(text: bytes | str) -> FromServer | None:
    """Read a message of the server; None for a tag of a newer version. Raises msgspec.DecodeError if malformed."""
    try:
        return _from_server.decode(text)
    except msgspec.ValidationError:
        if _tag.decode(text).get("type") in _SERVER_TAGS:
            raise
        return None


def hash_of(specification: Specification) -> str:
    """Return the hash that names a specification: equal texts, equal hashes, over all versions that know its fields."""
    return hashlib.sha256(msgspec.json.encode(specification, order="deterministic")).hexdigest()[:16]
