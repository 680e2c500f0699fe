"""The snapshot that placements are decided on: the hosts of one environment, indexed by what filters ask.

In: `HostView`s. Each question of a filter ("which hosts hold port 80/tcp", "which run a container labelled
a=b") is one look-up of a set of host ids, so a decision costs a few set memberships per host that is tried,
however full the hosts are. `take` and `release` keep the indexes as a batch is placed; nothing else changes a
snapshot. Keys, label values and names are indexed in lower case: every affinity rule compares without case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from copy import copy
from dataclasses import replace
from typing import TypeVar

from trailboss.scheduler.model import ContainerView, HostView, Kind, Port, Request
from trailboss.scheduler.score import Ranking

_Key = TypeVar("_Key")
_NOWHERE: Mapping[int, int] = {}
_UNHELD: Mapping[int, list[tuple[str, str]]] = {}
_EVERY_ADDRESS = ("", "0.0.0.0", "::")


class Cluster:
    """The hosts of one environment with what runs on them. Read by filters; not safe to use from two
    threads."""

    def __init__(self, hosts: Iterable[HostView] = ()) -> None:
        self.hosts: dict[int, HostView] = {}
        self.free: dict[int, int | None] = {}
        self.ready: set[int] = set()
        self.stored: set[int] = set()
        self.without_engine: set[int] = set()
        self.kinds: dict[Kind, set[int]] = {"docker": set(), "sim": set()}
        self.ranking = Ranking()
        self.has_active_real_host = False
        self._host_labels: dict[tuple[str, str], set[int]] = {}
        self._labels: dict[tuple[str, str], dict[int, int]] = {}
        self._names: dict[str, dict[int, int]] = {}
        self._ports: dict[tuple[int, str], dict[int, list[tuple[str, str]]]] = {}
        self._containers: dict[str, tuple[int, ContainerView]] = {}
        for host in hosts:
            self._enter(host)

    def _enter(self, host: HostView) -> None:
        if host.id in self.hosts:
            raise ValueError(f"host {host.id} is in the snapshot already")
        self.hosts[host.id] = host
        self.free[host.id] = host.compute_free
        self.kinds[host.kind].add(host.id)
        if host.has_storage:
            self.stored.add(host.id)
        if not host.has_engine:
            self.without_engine.add(host.id)
        if not host.inactivity:
            self.ready.add(host.id)
            self.ranking.add(host.id, host.compute_free)
        # One whose agent is away counts too: work must not slip to simulated hosts while it reconnects.
        if host.kind == "docker" and host.state in ("active", "updating-active"):
            self.has_active_real_host = True
        for key, value in host.labels.items():
            self._host_labels.setdefault((key.lower(), value.lower()), set()).add(host.id)
        for port in host.ports:
            self._hold(host.id, port, "")
        for container in host.containers:
            self._stand(host.id, container)

    def take(self, request: Request, host_id: int) -> None:
        """Put the container of a granted request on its host. ValueError if it stands on a host already."""
        self._stand(host_id, request.placed())
        self._spend(host_id, request.compute)

    def release(self, uuid: str) -> None:
        """Take a container off its host and give its compute back. KeyError if it stands on none."""
        host_id, container = self._containers.pop(uuid)
        for name in _names(container):
            _count(self._names, name, host_id, -1)
        for pair in _pairs(container):
            _count(self._labels, pair, host_id, -1)
        for port in container.held_ports:
            self._let_go(host_id, port, container.name or uuid)
        self._spend(host_id, -container.compute)

    def set_free(self, host_id: int, free: int | None) -> None:
        """Say how much compute is left on a host."""
        old = self.free[host_id]
        self.free[host_id] = free
        self.hosts[host_id] = replace(self.hosts[host_id], compute_free=free)
        if host_id in self.ready:
            self.ranking.discard(host_id, old)
            self.ranking.add(host_id, free)

    def with_load(
        self, ports: Mapping[Port, Iterable[int]], containers: Mapping[int, Iterable[ContainerView]]
    ) -> Cluster:
        """Return this snapshot, which must be one of bare hosts, with held ports and with containers (by host). It
        shares the hosts with this one, so it is good only until this one changes, and is itself only read."""
        loaded = copy(self)
        loaded._labels, loaded._names, loaded._ports, loaded._containers = {}, {}, {}, {}
        for port, host_ids in ports.items():
            for host_id in self.hosts.keys() & host_ids:
                loaded._hold(host_id, port, "")
        for host_id in self.hosts.keys() & containers.keys():
            for container in containers[host_id]:
                loaded._stand(host_id, container)
        return loaded

    def host_of(self, uuid: str) -> int | None:
        """Return the host of a container, if the snapshot shows it."""
        place = self._containers.get(uuid)
        return place[0] if place else None

    def with_host_label(self, key: str, value: str) -> AbstractSet[int]:
        """Return the hosts that have the label; key and value in lower case."""
        return self._host_labels.get((key, value), frozenset())

    def with_container_label(self, key: str, value: str) -> AbstractSet[int]:
        """Return the hosts of containers that have the label; key and value in lower case."""
        return self._labels.get((key, value), _NOWHERE).keys()

    def with_container(self, name_or_uuid: str) -> AbstractSet[int]:
        """Return the hosts of containers of that name or uuid, in lower case."""
        return self._names.get(name_or_uuid, _NOWHERE).keys()

    def holding(self, port: Port) -> AbstractSet[int]:
        """Return the hosts where the public port is taken; ports on different addresses do not conflict."""
        holders = self._ports.get((port.public, port.protocol), _UNHELD)
        if port.bind in _EVERY_ADDRESS:
            return holders.keys()
        return {host_id for host_id, held in holders.items() if any(_conflict(port.bind, b) for b, _ in held)}

    def holder(self, port: Port, host_id: int) -> str:
        """Return the name of a container that holds the port on the host; "" when it is not known."""
        held = self._ports.get((port.public, port.protocol), _UNHELD).get(host_id, [])
        return next((name for bind, name in held if name and _conflict(port.bind, bind)), "")

    def _stand(self, host_id: int, container: ContainerView) -> None:
        if container.uuid in self._containers:
            raise ValueError(f"container {container.uuid} stands on host {self.host_of(container.uuid)} already")
        self._containers[container.uuid] = (host_id, container)
        for name in _names(container):
            _count(self._names, name, host_id, 1)
        for pair in _pairs(container):
            _count(self._labels, pair, host_id, 1)
        for port in container.held_ports:
            self._hold(host_id, port, container.name or container.uuid)

    def _spend(self, host_id: int, compute: int) -> None:
        free = self.free[host_id]
        if free is None or not compute:
            return
        self.free[host_id] = free - compute
        if host_id in self.ready:
            self.ranking.discard(host_id, free)
            self.ranking.add(host_id, free - compute)

    def _hold(self, host_id: int, port: Port, name: str) -> None:
        if port.public:
            holders = self._ports.setdefault((port.public, port.protocol), {})
            holders.setdefault(host_id, []).append((port.bind, name))

    def _let_go(self, host_id: int, port: Port, name: str) -> None:
        if port.public:
            holders = self._ports[port.public, port.protocol]
            holders[host_id].remove((port.bind, name))
            if not holders[host_id]:
                del holders[host_id]
            if not holders:
                del self._ports[port.public, port.protocol]


def _conflict(one: str, other: str) -> bool:
    return one == other or one in _EVERY_ADDRESS or other in _EVERY_ADDRESS


def _names(container: ContainerView) -> set[str]:
    return {container.name.lower(), container.uuid.lower()} - {""}


def _pairs(container: ContainerView) -> set[tuple[str, str]]:
    if container.is_leaving:
        return set()
    return {(key.lower(), value.lower()) for key, value in container.labels.items()}


def _count(index: dict[_Key, dict[int, int]], key: _Key, host_id: int, by: int) -> None:
    """Count containers per host under a key; what falls to nothing is forgotten, so the index stays
    bounded."""
    hosts = index.setdefault(key, {})
    hosts[host_id] = hosts.get(host_id, 0) + by
    if not hosts[host_id]:
        del hosts[host_id]
        if not hosts:
            del index[key]
