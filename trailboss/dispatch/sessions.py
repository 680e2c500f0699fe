"""Who is connected: one session per agent, from its Hello to its end. Heartbeats touch memory only.

A session is woken by commits that concern its host, compares what the agent has been told with what the rows say now,
and sends the difference; so a lost wake-up or a slow agent costs time, never a message. An agent that is away for
`LOST_AFTER_S` becomes `reconnecting`. A newer connection of the same agent takes the place of the older.
How bytes travel is not here: the API hands in `send` and `receive` (`api/agents.py`), the simulator its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import structlog
from prometheus_client import Gauge

from trailboss.dispatch import assignments, reports
from trailboss.dispatch.assignments import Names
from trailboss.resources.agent import Agent
from trailboss.store.store import Commit, Store
from trailboss.store.transaction import Read, Tx
from trailboss.wire import messages
from trailboss.wire.messages import Assignment, Engine, Facts, FromAgent, FromServer, Heartbeat, Hello, Report, Welcome

log = structlog.get_logger()
T = TypeVar("T")

LOST_AFTER_S = 6.0
"""Silence after which an agent counts as lost (unknown is shown within 8 s)."""
HEARTBEAT_S = 2.0
NAMES_EVERY_S = 0.05
"""Shortest time between two looks at the names of an environment."""
NAMING = {"container", "service", "environment", "serviceConsumeMap"}

CONNECTED = Gauge("trailboss_agent_sessions", "Agents connected to this server")

Send = Callable[[FromServer], Awaitable[None]]
Receive = Callable[[], Awaitable[FromAgent | None]]


@dataclass(frozen=True)
class Installation:
    """What every agent is told of the installation. cidr, bridge, network: of the managed bridge."""

    id: str
    incarnation: int
    cidr: str
    bridge: str
    network: str
    mtu: int = 1500


@dataclass
class Session:
    """One connected agent."""

    agent_id: int
    account_id: int
    host_id: int
    gateway: str
    send: Send
    heard_at: float = field(default_factory=time.monotonic)
    known: dict[str, tuple[int, int]] = field(default_factory=dict)
    number: int = 0
    names: messages.Directory | None = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    replaced: asyncio.Event = field(default_factory=asyncio.Event)
    wants_names: bool = True


class Dispatcher:
    """All sessions of this server. Lives in the event loop in which `start` is awaited."""

    def __init__(self, store: Store, installation: Installation) -> None:
        self.store, self.installation = store, installation
        self.sessions: dict[int, Session] = {}
        self._by_host: dict[int, Session] = {}
        self._names: dict[int, tuple[float, Names]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._unlisten: Callable[[], None] | None = None

    async def start(self) -> None:
        """Begin to listen; agents that do not come back in time are marked as lost."""
        loop = asyncio.get_running_loop()
        self._unlisten = self.store.listen(partial(_call_in, loop, self._heard))
        agents = await self.read(lambda r: [a.id for a in r.find(Agent) if a.state in ("active", "activating")])
        for agent_id in agents:
            self._later(self._lose(agent_id))

    async def stop(self) -> None:
        """End every session; the agents keep working and dial again."""
        if self._unlisten:
            self._unlisten()
        for task in list(self._tasks):
            task.cancel()
        for session in list(self.sessions.values()):
            session.replaced.set()

    async def read(self, fn: Callable[[Read], T]) -> T:
        """Read in a reader's thread."""
        return await asyncio.wrap_future(self.store.submit_read(fn))

    async def write(self, fn: Callable[[Tx], T], cause: str = "") -> T:
        """Write in the writer's thread."""
        return await asyncio.wrap_future(self.store.submit(fn, cause=cause))

    def _heard(self, commit: Commit) -> None:
        for entry in commit.entries:
            if entry.host_id is not None and (session := self._by_host.get(entry.host_id)):
                session.wake.set()
            if entry.type in NAMING and entry.account_id is not None and NAMING_FIELDS & entry.change.keys():
                self._names.pop(entry.account_id, None)
                for session in self.sessions.values():
                    if session.account_id == entry.account_id:
                        session.wants_names = True
                        session.wake.set()

    def _later(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _lose(self, agent_id: int) -> None:
        """Mark an agent as lost if it has not come back within the time."""
        await asyncio.sleep(LOST_AFTER_S)
        if agent_id not in self.sessions:
            log.warning("an agent does not answer", agent=agent_id)
            await self.write(lambda tx: reports.agent_state(tx, agent_id, connected=False), "agent-lost")

    async def serve(self, agent_id: int, receive: Receive, send: Send) -> None:
        """Serve one connection from its first message to its end. Raises what `receive` and `send` raise."""
        hello = await receive()
        if not isinstance(hello, Hello):
            raise ValueError("an agent says hello first")
        session = await self._open(agent_id, hello, send)
        log.info("an agent has connected", agent=agent_id, host=session.host_id, version=hello.version)
        feeding = asyncio.ensure_future(self._feed(session))
        reading = asyncio.ensure_future(self._read(session, receive))
        replaced = asyncio.ensure_future(session.replaced.wait())
        try:
            done, _ = await asyncio.wait({feeding, reading, replaced}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (feeding, reading, replaced):
                task.cancel()
            self._close(session)

    async def _open(self, agent_id: int, hello: Hello, send: Send) -> Session:
        host = await self.write(lambda tx: reports.enter(tx, agent_id, hello), "agent-hello")
        session = Session(agent_id, host.account_id, host.id, host.gateway, send)
        if older := self.sessions.get(agent_id):
            older.replaced.set()
        self.sessions[agent_id] = self._by_host[host.id] = session
        CONNECTED.set(len(self.sessions))
        known = self.installation
        network = messages.Network(known.network, known.bridge, known.cidr, host.gateway, known.mtu)
        await send(
            Welcome(
                protocol=min(hello.protocol, messages.PROTOCOL),
                incarnation=known.incarnation,
                installation=known.id,
                host_id=str(host.id),
                network=network,
                heartbeat_s=HEARTBEAT_S,
            )
        )
        return session

    def _close(self, session: Session) -> None:
        if self.sessions.get(session.agent_id) is session:
            del self.sessions[session.agent_id]
            self._by_host.pop(session.host_id, None)
            self._later(self._lose(session.agent_id))
        CONNECTED.set(len(self.sessions))
        log.info("an agent's connection has ended", agent=session.agent_id, host=session.host_id)

    async def _read(self, session: Session, receive: Receive) -> None:
        while True:
            message = await asyncio.wait_for(receive(), timeout=LOST_AFTER_S)
            session.heard_at = time.monotonic()
            match message:
                case Report():
                    await self._take_report(session, message)
                case Engine():
                    await self.write(partial(reports.engine_state, host_id=session.host_id, message=message.message))
                case Facts():
                    await self.write(partial(_take_facts, agent_id=session.agent_id, facts=message.host))
                case Heartbeat() | Hello() | None:
                    continue

    async def _take_report(self, session: Session, report: Report) -> None:
        if report.incarnation > self.installation.incarnation:
            log.error("an agent has seen a newer incarnation of this installation", agent=session.agent_id)
            return
        cause = next((o.cause for o in report.observations if o.cause), "report")
        await self.write(lambda tx: reports.take(tx, session.host_id, report.observations), cause)

    async def _feed(self, session: Session) -> None:
        """Send what changed, whenever something did."""
        while True:
            session.wake.clear()
            full = session.number == 0
            records, session.known = await self.read(
                partial(assignments.records_for, host_id=session.host_id, known=session.known)
            )
            if records or full:
                session.number += 1
                await session.send(Assignment(self.installation.incarnation, session.number, records, full=full))
            if session.wants_names:
                session.wants_names = False
                names = (await self._names_of(session.account_id)).for_host(session.host_id)
                if names != session.names:
                    session.names = names
                    await session.send(names)
            await session.wake.wait()

    async def _names_of(self, account_id: int) -> Names:
        """Return an environment's names, read at most once per change and not more often than is useful."""
        cached = self._names.get(account_id)
        if cached is not None:
            return cached[1]
        await asyncio.sleep(NAMES_EVERY_S)
        if account_id not in self._names:
            self._names[account_id] = (time.monotonic(), await self.read(lambda r: assignments.names_of(r, account_id)))
        return self._names[account_id][1]

    def session_of(self, host_id: int) -> Session | None:
        """Return the session of a host that is connected here."""
        return self._by_host.get(host_id)


NAMING_FIELDS = {
    "state", "name", "address", "consumedServiceId", "removed", "healthState", "hostId", "secondaryLaunchConfigs",
}  # fmt: skip


def _call_in(loop: asyncio.AbstractEventLoop, heard: Callable[[Commit], None], commit: Commit) -> None:
    """Carry a commit from the writer's thread into the event loop, if that still runs."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(heard, commit)


def _take_facts(tx: Tx, agent_id: int, facts: messages.Host) -> None:
    agent = tx.get(Agent, agent_id)
    if agent is not None:
        reports.host_of(tx, agent, facts)
