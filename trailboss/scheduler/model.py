"""The words of the scheduler: what it is shown, what it is asked, and what it answers.

In: rows of one environment, turned into `HostView`s by the caller (which also leaves out hosts and containers
that are removed), and a `Request` for one container. Out: `Placed` or `Waiting`, both with reasons in words
for people. All are plain frozen values. The indexed snapshot that holds the hosts is in `cluster.py`, which
comes next; then `affinity.py` (labels to rules), `filters.py` (who refuses and why), `score.py` (whose turn
it is), `place.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["docker", "sim"]
"""Of a host: real or simulated. Of an image: `docker:...` or `sim:...`."""

_PORT_HOLDING_STATES = frozenset({"starting", "restarting", "running"})


@dataclass(frozen=True, slots=True)
class Port:
    """A published port. public 0: Docker picks a free one, so it never conflicts. bind "": every address."""

    public: int
    protocol: str = "tcp"
    bind: str = ""

    def __str__(self) -> str:
        return f"{self.bind}:{self.public}/{self.protocol}" if self.bind else f"{self.public}/{self.protocol}"


@dataclass(frozen=True, slots=True)
class ContainerView:
    """A container on a host that is not removed, in any state.

    is_leaving: a service upgrade is replacing it; then its ports and labels count no longer, its name still
    does.
    """

    uuid: str
    name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[Port, ...] = ()
    state: str = "running"
    compute: int = 1
    is_leaving: bool = False

    @property
    def held_ports(self) -> tuple[Port, ...]:
        """The ports that others cannot have now: a stopped container blocks none."""
        return self.ports if self.state in _PORT_HOLDING_STATES and not self.is_leaving else ()


@dataclass(frozen=True, slots=True)
class HostView:
    """A host of the environment.

    agent_state: None when the host has no agent. compute_free: what is left beside the containers shown; None
    is without limit. containers may be left out when `filters.reads_containers` says that no request asks for
    them; then `ports` carries the published ports that are held on the host. has_storage: an active storage
    pool is mapped. has_engine: its Docker Engine works.
    """

    id: int
    name: str
    state: str = "active"
    agent_state: str | None = "active"
    kind: Kind = "docker"
    labels: Mapping[str, str] = field(default_factory=dict)
    compute_free: int | None = 1_000_000
    ports: tuple[Port, ...] = ()
    containers: tuple[ContainerView, ...] = ()
    has_storage: bool = True
    has_engine: bool = True

    @property
    def inactivity(self) -> str:
        """Why the host takes no new container, as a state name; "" when it does."""
        if self.state not in ("active", "updating-active"):
            return self.state
        return "" if self.agent_state in (None, "active") else self.agent_state


@dataclass(frozen=True, slots=True)
class Peer:
    """A container on whose host the request must run. host_id None: looked up in the snapshot by uuid."""

    uuid: str
    name: str
    shares: Literal["volumes", "network"]
    host_id: int | None = None


@dataclass(frozen=True, slots=True)
class VolumeBinding:
    """The hosts that can mount a volume: those mapped to its pools. Without a host it can be mounted
    nowhere."""

    volume: str
    host_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class Request:
    """A container that has no host yet.

    environment: names of its environment variables, which may hold Swarm style rules. requested_host_id pins
    it to that host: then ports, affinity and colocation are not looked at. valid_host_ids: further hosts it
    may use; both empty is any host.
    """

    uuid: str
    name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    compute: int = 1
    image_kind: Kind = "docker"
    requested_host_id: int | None = None
    valid_host_ids: frozenset[int] = frozenset()
    colocate_with: tuple[Peer, ...] = ()
    volumes: tuple[VolumeBinding, ...] = ()

    @property
    def allowed_host_ids(self) -> frozenset[int]:
        """The only hosts it may use; empty is no limit."""
        if self.requested_host_id is None:
            return self.valid_host_ids
        return self.valid_host_ids | {self.requested_host_id}

    def placed(self) -> ContainerView:
        """Return the container that stands on a host once the request is granted."""
        return ContainerView(self.uuid, self.name, self.labels, self.ports, state="starting", compute=self.compute)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a filter said no to one host; reason goes after the host's name."""

    host_id: int
    host: str
    filter: str
    reason: str


@dataclass(frozen=True, slots=True)
class Placed:
    """The host, and why this one: the choice first, then rules that were met, then preferences that were
    given up."""

    host_id: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """No host takes it now.

    waits_for "peer": a container it must stand beside has no host yet, so try again when that has one.
    "room": no host fits. because: one sentence for people. refusals: all of each host, by host id and then in
    the order of the filters; hosts that the request did not ask for are left out.
    """

    because: str
    refusals: tuple[Refusal, ...] = ()
    waits_for: Literal["room", "peer"] = "room"
