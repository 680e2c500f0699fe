"""The names of an environment, as its hosts' agents are told them: read when they may have changed, not more often.

`Directories` is told which environments were touched and which sessions want to hear; it reads an environment's names
once for all of its hosts and offers each session what is its own. How names are answered is the agent's part.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from prometheus_client import Histogram

from trailboss.errors import Unreachable
from trailboss.resources.environment import Environment
from trailboss.resources.instance import Container
from trailboss.resources.service import Service
from trailboss.resources.service_maps import ServiceConsumeMap
from trailboss.store.transaction import Entry, Read
from trailboss.wire.messages import Directory, Endpoint

log = structlog.get_logger()

SHORTEST_PAUSE_S = 0.05
"""Between two looks at the names of one environment."""
SHARE = 9
"""The pause is at least this many times what the look took, so that a big environment costs a tenth of one core."""
_TYPES = frozenset(("container", "service", "environment", "serviceConsumeMap"))
_FIELDS = frozenset(
    ("state", "name", "address", "consumedServiceId", "removed", "healthState", "hostId", "secondaryLaunchConfigs")
)

LOOK_SECONDS = Histogram("trailboss_names_look_seconds", "Time to read the names of an environment")

Targets = dict[str, list[Endpoint]]
Clients = dict[str, dict[str, str]]


def concerns_names(entry: Entry) -> bool:
    """Say whether a change may have changed the names of its environment."""
    return entry.type in _TYPES and not _FIELDS.isdisjoint(entry.change)


@dataclass(frozen=True)
class Names:
    """The names of one environment. clients: host number -> address of a container there -> what it may ask for."""

    targets: Targets
    clients: dict[int, Clients]

    def for_host(self, host_id: int) -> Directory:
        """Return what one host's agent is told. A host where nobody could ask is told nothing."""
        clients = self.clients.get(host_id)
        return Directory(self.targets, clients) if clients else Directory({}, {})


class Listener(Protocol):
    """Who is offered directories: a session of an agent."""

    account_id: int
    host_id: int

    def offer(self, directory: Directory) -> None:
        """Take the newest directory; an earlier one that was not sent yet is forgotten."""


@dataclass
class _Environment:
    listeners: set[Listener] = field(default_factory=set)
    touched: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Directories:
    """The names of all environments that have connected hosts. look: reads those of one, by its account's number."""

    def __init__(self, look: Callable[[int], Awaitable[Names]]) -> None:
        self._look = look
        self._environments: dict[int, _Environment] = {}

    def join(self, listener: Listener) -> None:
        """Offer a session its directory, soon and after each change."""
        environment = self._environments.setdefault(listener.account_id, _Environment())
        environment.listeners.add(listener)
        environment.touched.set()
        if environment.task is None:
            environment.task = asyncio.create_task(self._follow(listener.account_id, environment))

    def leave(self, listener: Listener) -> None:
        """Offer it nothing more."""
        environment = self._environments[listener.account_id]
        environment.listeners.discard(listener)
        if not environment.listeners:
            del self._environments[listener.account_id]
            if environment.task is not None:
                environment.task.cancel()

    def touch(self, account_id: int) -> None:
        """Look at the names of an environment again."""
        if environment := self._environments.get(account_id):
            environment.touched.set()

    async def _follow(self, account_id: int, environment: _Environment) -> None:
        offered: dict[Listener, Directory] = {}
        while True:
            await environment.touched.wait()
            environment.touched.clear()
            started = time.monotonic()
            try:
                names = await self._look(account_id)
            except Unreachable as error:
                log.warning("the names of an environment cannot be read now", account=account_id, error=str(error))
                environment.touched.set()
                await asyncio.sleep(1)
                continue
            LOOK_SECONDS.observe(time.monotonic() - started)
            offered = _offer(names, environment.listeners, offered)
            await asyncio.sleep(max(SHORTEST_PAUSE_S, SHARE * (time.monotonic() - started)))


def _offer(names: Names, listeners: set[Listener], before: dict[Listener, Directory]) -> dict[Listener, Directory]:
    """Offer each listener its directory if it differs from the one before; return what each has now."""
    now: dict[Listener, Directory] = {}
    compared: dict[int, bool] = {}
    for listener in listeners:
        old, new = before.get(listener), names.for_host(listener.host_id)
        now[listener] = new
        # targets are one object for all hosts of an environment, so they are compared once and not per host
        if old is not None and old.clients == new.clients:
            same = compared.setdefault(id(old.targets), old.targets == new.targets) if new.clients else True
            if same:
                continue
        listener.offer(new)
    return now


def names_of(read: Read, account_id: int) -> Names:
    """Read the names of an environment: 23-health-dns-metadata section 3.3, rules 1 to 5."""
    stacks = {s.id: s.name for s in read.find(Environment, account_id=account_id)}
    services = {s.id: s for s in read.find(Service, account_id=account_id) if s.environment_id in stacks}
    keys = {id: f"{stacks[s.environment_id]}/{s.name}".lower() for id, s in services.items()}
    links: dict[int, list[tuple[str, int]]] = {}
    for link in read.find(ServiceConsumeMap, account_id=account_id):
        if link.consumed_service_id in services:
            name = (link.name or services[link.consumed_service_id].name).lower()
            links.setdefault(link.service_id, []).append((name, link.consumed_service_id))
    stacked: dict[int, list[Service]] = {}
    for service in services.values():
        stacked.setdefault(service.environment_id, []).append(service)
    seen_by = {
        id: _seen_by(own, links.get(id, []), stacked[own.environment_id], services, keys)
        for id, own in services.items()
    }
    targets: Targets = {key: [] for key in keys.values()}
    clients: dict[int, Clients] = {}
    for row in _reachable(read, account_id):
        asking = clients.setdefault(row.host_id, {})
        asking[row.address] = seen_by.get(row.service_id, {})
        if row.service_id not in services:
            continue
        key = keys[row.service_id] + (f"/{row.launch_config_name}".lower() if row.launch_config_name else "")
        if row.state == "running" and row.health_state in (None, "healthy"):
            targets.setdefault(key, []).append(Endpoint(row.name or row.uuid, row.address))
    for endpoints in targets.values():
        endpoints.sort(key=lambda endpoint: endpoint.address)
    return Names(targets, clients)


def _reachable(read: Read, account_id: int) -> list[Container]:
    """Return the containers that have an address on a host, or will have at any moment."""
    rows = [
        row for state in ("running", "starting") for row in read.find(Container, account_id=account_id, state=state)
    ]
    return [row for row in rows if row.address and row.host_id is not None]


def _seen_by(
    own: Service,
    linked: list[tuple[str, int]],
    neighbours: list[Service],
    services: dict[int, Service],
    keys: dict[int, str],
) -> dict[str, str]:
    """Return the names a container of a service may ask for: linked services by their alias, others of the stack by
    name, sidekicks below the name of their service (the own ones bare)."""
    taken = {id for _, id in linked}
    found: dict[str, str] = {}
    for name, id in [*linked, *((s.name.lower(), s.id) for s in neighbours if s.id not in taken)]:
        found[name] = keys[id]
        for config in services[id].secondary_launch_configs or []:
            sidekick = config["name"].lower()
            found[sidekick if id == own.id else f"{sidekick}.{name}"] = f"{keys[id]}/{sidekick}"
    return found
