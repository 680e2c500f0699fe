"""Which simulated hosts there are: what the rows say, carried to the simulator, which knows no rows.

An agent whose address begins with `sim://` is served here while the setting `simulator.enabled` is true. Level, not
edge: whenever an agent or a setting changes, the wanted hosts are read whole and compared with those that run. What a
host has is read from its containers' rows when it is added, so a restart of the server empties no host.
What one host does is in `simulator/host.py`, who runs them in `simulator/run.py`.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog

from trailboss.engine.apply import Platform, create
from trailboss.errors import Unreachable
from trailboss.resources.account import Project
from trailboss.resources.agent import Agent
from trailboss.resources.host import Host
from trailboss.resources.instance import Container
from trailboss.resources.register import SIMULATED, Register
from trailboss.resources.setting import value_of
from trailboss.simulator.host import SimulatedHost
from trailboss.simulator.run import Serve, Simulator
from trailboss.store.store import Commit, Store
from trailboss.store.transaction import Read, Tx
from trailboss.wire import messages
from trailboss.wire.messages import Observation

log = structlog.get_logger()
T = TypeVar("T")

SERVED = ("registering", "activating", "active", "reconnecting", "updating-active")
"""States of an agent in which its host is run."""
LOOK_EVERY_S = 0.05
"""Shortest time between two looks at the rows."""


@dataclass(frozen=True)
class Shape:
    """How new simulated hosts are made; what is None follows the settings. name_prefix: followed by the agent's number;
    without one a host has a random name. cpus, memory_mib: shown as the host's facts, if given."""

    name_prefix: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    latency_ms: int | None = None
    jitter_ms: int | None = None
    cpus: int | None = None
    memory_mib: int | None = None

    def as_data(self) -> dict[str, Any]:
        """Return what is kept in the agent's `data`, under names that begin with `simulator.`."""
        values = {
            "simulator.namePrefix": self.name_prefix,
            "simulator.labels": self.labels,
            "simulator.latencyMillis": self.latency_ms,
            "simulator.jitterMillis": self.jitter_ms,
            "simulator.cpus": self.cpus,
            "simulator.memoryMib": self.memory_mib,
        }
        return {name: value for name, value in values.items() if value not in (None, "", {})}


@dataclass(frozen=True)
class Wanted:
    """One host that is to be run, as the rows have it."""

    host: SimulatedHost
    is_paused: bool


class SimulatedHosts:
    """Keeps the simulator at what the rows say. serve: `Dispatcher.serve`. Lives in the event loop in which `start` is
    awaited; start it after the dispatcher and stop it before."""

    def __init__(self, store: Store, serve: Serve) -> None:
        self.store = store
        self.simulator = Simulator(serve, store.clock)
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Run the hosts that are there, and from then on those that come."""
        loop = asyncio.get_running_loop()

        def heard(commit: Commit) -> None:
            if any(entry.type in ("agent", "setting") for entry in commit.entries) and not loop.is_closed():
                loop.call_soon_threadsafe(self._changed.set)

        self._unlisten = self.store.listen(heard)
        self.simulator.start()
        await self._look()
        self._task = asyncio.ensure_future(self._follow())

    async def stop(self) -> None:
        """End every host; what they have is in the rows."""
        if self._task is not None:
            self._unlisten()
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.simulator.stop()

    async def add_hosts(self, count: int, account_id: int, shape: Shape | None = None) -> list[int]:
        """Register hosts in an environment the ordinary way; return the numbers of their agents.

        Raises ApiError 422 while the simulator is switched off.
        """
        futures = [self.store.submit(lambda tx: register(tx, account_id, shape or Shape())) for _ in range(count)]
        return list(await asyncio.gather(*(asyncio.wrap_future(future) for future in futures)))

    async def begin_with(self, count: int) -> None:
        """Register hosts in the default environment, if it has none and none is on its way."""
        project_id = await asyncio.wrap_future(self.store.submit_read(_empty_default))
        if count and project_id is not None:
            await self.add_hosts(count, project_id)

    async def _follow(self) -> None:
        while True:
            await self._changed.wait()
            await asyncio.sleep(LOOK_EVERY_S)
            self._changed.clear()
            try:
                await self._look()
            except Unreachable as error:
                log.warning("the simulator waits for the database", error=str(error))
                self._changed.set()
                await asyncio.sleep(1.0)

    async def _look(self) -> None:
        running = self.simulator.lines
        present = dict.fromkeys(running)
        wanted = await asyncio.wrap_future(self.store.submit_read(lambda read: wanted_hosts(read, present)))
        for agent_id in [id for id in running if id not in wanted]:
            self.simulator.remove(agent_id)
        for agent_id, one in wanted.items():
            if agent_id not in running:
                self.simulator.add(agent_id, one.host)
            if one.is_paused != running[agent_id].host.is_paused:
                (self.simulator.pause if one.is_paused else self.simulator.resume)(agent_id)


def _empty_default(read: Read) -> int | None:
    """Return the number of the default environment if it is there and has no host."""
    for project in read.find(Project, uuid="adminProject"):
        hosts = read.find(Host, account_id=project.id, limit=1)
        return None if hosts or any((a.uri or "").startswith(SIMULATED) for a in read.find(Agent)) else project.id
    return None


def register(tx: Tx, account_id: int, shape: Shape) -> int:
    """Register one simulated host in an environment; return the number of its agent. Raises ApiError 422."""
    values = {
        "account_id": account_id,
        "key": secrets.token_hex(32),
        "agent_uri_format": f"{SIMULATED}%s",
        "data": shape.as_data(),
    }
    row = create(tx, Register, values, Platform())
    return tx.find(Agent, registration_key=row.values["key"])[0].id


def set_paused(tx: Tx, host_id: int, is_paused: bool) -> None:
    """Let a simulated host fall silent, or answer again. Raises Lost if there is no such host."""
    host = tx.require(Host, host_id)
    agent = tx.require(Agent, host.agent_id)
    tx.change(agent, data={**agent.data, "simulator.paused": is_paused})


def wanted_hosts(read: Read, present: Iterable[int] = ()) -> dict[int, Wanted]:
    """Return the hosts that are to be run, by the number of their agent; what they have is read only for those that
    are not `present` yet. None while the simulator is switched off."""
    if value_of(read, "simulator.enabled") != "true":
        return {}
    agents = [a for a in read.find(Agent) if (a.uri or "").startswith(SIMULATED) and a.state in SERVED]
    known = set(present)
    defaults = Defaults(
        latency_ms=int(value_of(read, "simulator.latency.millis")),
        jitter_ms=int(value_of(read, "simulator.jitter.millis")),
        address=value_of(read, "simulator.ip.address"),
    )
    found = {}
    for agent in agents:
        host = simulated_host(agent, defaults)
        if agent.id not in known:
            host.remember(remembered(read, agent.id))
        found[agent.id] = Wanted(host, bool(agent.data.get("simulator.paused")))
    return found


@dataclass(frozen=True)
class Defaults:
    """What a host takes from the settings. address: with `/prefix` each host gets its own."""

    latency_ms: int
    jitter_ms: int
    address: str


def simulated_host(agent: Agent, defaults: Defaults) -> SimulatedHost:
    """Return the machine that belongs to an agent, as its data and the settings describe it."""
    data = agent.data
    prefix = data.get("simulator.namePrefix")
    facts = messages.Host(
        uuid=f"{agent.uuid}-0",
        hostname=f"{prefix}{agent.id}" if prefix else f"testhost-{agent.uuid}",
        address=_address(defaults.address, agent.id),
        labels=data.get("simulator.labels", {}),
        info=_info(data.get("simulator.cpus"), data.get("simulator.memoryMib")),
        kind="sim",
    )
    return SimulatedHost(
        facts,
        latency_ms=data.get("simulator.latencyMillis", defaults.latency_ms),
        jitter_ms=data.get("simulator.jitterMillis", defaults.jitter_ms),
        random=random.random,
    )


def _address(text: str, number: int) -> str:
    address, _, prefix = text.partition("/")
    if not prefix:
        return address
    range_ = ipaddress.IPv4Network(text, strict=False)
    offset = int(ipaddress.IPv4Address(address)) - int(range_.network_address)
    return str(range_[(offset + number - 1) % range_.num_addresses])


def _info(cpus: int | None, memory_mib: int | None) -> dict[str, Any]:
    info: dict[str, Any] = {}
    if cpus is not None:
        info["cpuInfo"] = {"count": cpus}
    if memory_mib is not None:
        info["memoryInfo"] = {"memTotal": float(memory_mib)}
    return info


def remembered(read: Read, agent_id: int) -> list[Observation]:
    """Return what the rows know of the containers on an agent's host."""
    return [
        Observation(
            container=row.uuid,
            slot=row.slot,
            epoch=row.seen_epoch or 0,
            state=row.seen_state,  # type: ignore[arg-type]
            message=row.seen_message or "",
            docker_id=row.external_id or "",
            exit_code=row.exit_code,
            started_at=row.started_at or 0,
            finished_at=row.finished_at or 0,
            restarts=row.restarts or 0,
        )
        for host in read.find(Host, agent_id=agent_id)
        for row in read.find(Container, live=False, host_id=host.id)
        if row.seen_state in ("created", "running", "exited", "failed")
    ]
