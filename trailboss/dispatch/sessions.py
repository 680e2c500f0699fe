"""Who is connected: one session per agent, from its Hello to its end. Heartbeats touch memory only.

A session notes which containers of its host a commit has touched, and asks what their records are now; whatever a
wake-up was for, what is sent is the difference between the rows and what the agent has been told. A slow look at
everything finds what a lost wake-up would have told. An agent that is silent for `LOST_AFTER_S` becomes
`reconnecting`. A newer connection of the same agent takes the place of the older.
How bytes travel is not here: the API hands in `send` and `receive` (`api/agents.py`), the simulator its own.
Next in the flow: `assignments.py`, `names.py` (what is sent) and `reports.py` (what is heard).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import TypeVar

import structlog
from prometheus_client import Counter, Gauge

from trailboss.dispatch import assignments, names, reports
from trailboss.dispatch.absence import Absences
from trailboss.dispatch.assignments import Told
from trailboss.resources.agent import Agent
from trailboss.store.store import Commit, Store
from trailboss.store.transaction import Entry, Read, Tx
from trailboss.wire import messages
from trailboss.wire.messages import (
    Assignment,
    Directory,
    Engine,
    Facts,
    FromAgent,
    FromServer,
    Heartbeat,
    Hello,
    Look,
    Observation,
    OpenStream,
    Report,
    Welcome,
)

log = structlog.get_logger()
T = TypeVar("T")

LOST_AFTER_S = 6.0
"""Silence after which an agent counts as lost (unknown is shown within 8 s)."""
HEARTBEAT_S = 2.0
LOOK_AT_ALL_S = 60.0
"""Between two looks at every container of a host; the hosts take turns."""
STOP_WITHIN_S = 5.0
SLICE = 50
"""Most observations stored in one transaction, so that a big inventory does not hold the writer."""

_PROVING = {
    "agentApiKey": ("key_id", "the key is no longer valid"),
    "account": ("account_id", "the account of this agent is not active"),
}
"""Types of what proves an agent: the field of its proof, and why a session ends with it."""

CONNECTED = Gauge("trailboss_agent_sessions", "Agents connected to this server")
RECORDS = Counter("trailboss_agent_records_total", "Records sent to agents")
OBSERVATIONS = Counter("trailboss_agent_observations_total", "Observations received from agents")

Send = Callable[[FromServer], Awaitable[None]]
Receive = Callable[[], Awaitable[FromAgent | None]]


_ENDING = (messages.CLOSE_RESTART, "the server ends")


@dataclass(frozen=True)
class Installation:
    """What every agent is told of the installation. cidr, bridge, network: of the managed bridge."""

    id: str
    incarnation: int
    cidr: str
    bridge: str
    network: str
    mtu: int = 1500


@dataclass(frozen=True)
class End:
    """Why the server ends a session: a close code of `wire/messages.py` and a reason in words."""

    code: int
    reason: str


@dataclass(frozen=True)
class Proof:
    """By what an agent was let in: numbers of its key and of the account of that. Its session ends with either."""

    key_id: int
    account_id: int


@dataclass(eq=False)
class Session:
    """One connected agent.

    proof: None for who serves itself. known: container uuid -> what was last sent of it. changed: numbers of containers
    that commits have touched since the last look, with the request that led there. look_at_all: the next look is at
    every container. directory, orders: what waits to be sent. ending: set when the server wants the session to end.
    """

    agent_id: int
    account_id: int
    host_id: int
    proof: Proof | None
    send: Send
    heard_at: float = field(default_factory=time.monotonic)
    known: dict[str, Told] = field(default_factory=dict)
    changed: dict[int, str] = field(default_factory=dict)
    look_at_all: bool = True
    number: int = 0
    directory: Directory | None = None
    orders: deque[OpenStream | Look] = field(default_factory=deque)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    ending: asyncio.Future[End] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def touch(self, container_id: int, cause: str) -> None:
        """Look at one container again."""
        self.changed[container_id] = cause
        self.wake.set()

    def offer(self, directory: Directory) -> None:
        """Send this directory instead of any that still waits."""
        self.directory = directory
        self.wake.set()

    def order(self, order: OpenStream | Look) -> None:
        """Ask the agent for a live stream, or for a look at its host; to look is asked for once at a time."""
        if order not in self.orders:
            self.orders.append(order)
        self.wake.set()

    def end(self, code: int, reason: str) -> None:
        """End the session, for the first reason that is given."""
        if not self.ending.done():
            self.ending.set_result(End(code, reason))


class Dispatcher:
    """All sessions of this server. Lives in the event loop in which `start` is awaited."""

    def __init__(self, store: Store, installation: Installation) -> None:
        self.store, self.installation = store, installation
        self.sessions: dict[int, Session] = {}
        self._by_host: dict[int, Session] = {}
        self._absences = Absences(self._lose)
        self._directories = names.Directories(self._names_of)
        self._unlisten: Callable[[], None] | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._stopping = False
        self._empty = asyncio.Event()
        self._empty.set()

    async def start(self) -> None:
        """Begin to listen; agents that do not come back in time are marked as lost."""
        loop = asyncio.get_running_loop()

        def carry(commit: Commit) -> None:
            loop.call_soon_threadsafe(self._heard, commit)

        self._unlisten = self.store.listen(carry)
        agents = await self.read(lambda r: [a.id for s in ("active", "activating") for a in r.find(Agent, state=s)])
        for agent_id in agents:
            self._absences.begin(agent_id, LOST_AFTER_S)
        self._sweeping = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """End every session; the agents keep working and dial again. Once is enough, again does no harm."""
        if self._stopping:
            return
        self._stopping = True
        if self._unlisten:
            self._unlisten()
        if self._sweeping:
            self._sweeping.cancel()
        self._absences.stop()
        for session in self.sessions.values():
            session.end(*_ENDING)
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await self._empty.wait()
        except TimeoutError:
            log.warning("agents' connections are left to break", sessions=len(self.sessions))

    async def read(self, fn: Callable[[Read], T]) -> T:
        """Read in a reader's thread."""
        return await asyncio.wrap_future(self.store.submit_read(fn))

    async def write(self, fn: Callable[[Tx], T], cause: str = "") -> T:
        """Write in the writer's thread."""
        return await asyncio.wrap_future(self.store.submit(fn, cause=cause))

    def session_of(self, host_id: int) -> Session | None:
        """Return the session of a host that is connected here."""
        return self._by_host.get(host_id)

    def ask_to_look(self) -> None:
        """Ask every agent that is connected here to look at its host now, and to report what it has not yet."""
        for session in self.sessions.values():
            session.order(Look())

    async def _sweep(self) -> None:
        """Let one session after the other look at all of its containers, so that a lost wake-up costs only time."""
        while True:
            sessions = list(self.sessions.values())
            for session in sessions:
                session.look_at_all = True
                session.wake.set()
                await asyncio.sleep(LOOK_AT_ALL_S / len(sessions))
            if not sessions:
                await asyncio.sleep(LOOK_AT_ALL_S)

    # --- what commits tell ----------------------------------------------------------------------------------------

    def _heard(self, commit: Commit) -> None:
        for entry in commit.entries:
            if assignments.concerns_record(entry):
                if session := self._by_host.get(entry.host_id or 0):
                    session.touch(entry.id, entry.cause)
            elif entry.type in ("agent", *_PROVING):
                self._end_if_gone(entry)
            if entry.account_id is not None and names.concerns_names(entry):
                self._directories.touch(entry.account_id)

    def _end_if_gone(self, entry: Entry) -> None:
        """End the session of an agent that was removed, or whose key was replaced, or whose account is out of use."""
        state = entry.change.get("state", [None])[-1]
        if entry.type == "agent":
            session = self.sessions.get(entry.id)
            if session is not None and state in reports.GOING:
                session.end(messages.CLOSE_GONE, f"the agent is {state}")
        elif state is not None and state != "active":
            name, reason = _PROVING[entry.type]
            for session in self.sessions.values():
                if session.proof is not None and getattr(session.proof, name) == entry.id:
                    session.end(messages.CLOSE_REVOKED, reason)

    async def _names_of(self, account_id: int) -> names.Names:
        return await self.read(lambda read: names.names_of(read, account_id))

    async def _lose(self, agent_id: int) -> None:
        # a connection that begins now is stored after this, since the writer takes turns in order
        if agent_id not in self.sessions:
            await self.write(partial(reports.agent_state, agent_id=agent_id, connected=False), "agent-lost")

    # --- one connection -------------------------------------------------------------------------------------------

    async def serve(self, agent_id: int, receive: Receive, send: Send, proof: Proof | None = None) -> End:
        """Serve one connection from its first message to its end; return why the server ended it.

        receive: the next message; None for one of a newer version, which is ignored. proof: with what the session
        ends. Raises what `receive` and `send` raise, and Unreachable.
        """
        try:
            async with asyncio.timeout(LOST_AFTER_S):
                hello = await receive()
        except TimeoutError:
            return End(messages.CLOSE_SILENT, "an agent says hello first, and soon")
        if not isinstance(hello, Hello):
            return End(messages.CLOSE_MALFORMED, "an agent says hello first")
        if hello.protocol < messages.OLDEST_PROTOCOL:
            return End(messages.CLOSE_TOO_OLD, f"protocol {hello.protocol} is too old: upgrade the agent")
        if self._stopping:
            return End(*_ENDING)
        try:
            session, gateway = await self._open(agent_id, hello, send, proof)
        except reports.Refused as refused:
            return End(messages.CLOSE_GONE, refused.message)
        try:
            await send(self._welcome(session, hello, gateway))
            await self._take(session, hello.incarnation, hello.inventory)
            return await self._attend(session, receive)
        finally:
            self._close(session)

    async def _open(self, agent_id: int, hello: Hello, send: Send, proof: Proof | None) -> tuple[Session, str]:
        """Store that the agent is here and put its session in the place of an older one."""
        self._absences.end(agent_id)
        self._replace(agent_id)
        try:
            host = await self.write(partial(reports.enter, agent_id=agent_id, hello=hello), "agent-hello")
        except BaseException:
            self._absences.begin(agent_id, LOST_AFTER_S)
            raise
        # another connection of the same agent may have come, or failed, while this one was being stored
        self._absences.end(agent_id)
        self._replace(agent_id)
        session = Session(agent_id, host.account_id, host.id, proof, send)
        if self._stopping:
            session.end(*_ENDING)
        self.sessions[agent_id] = self._by_host[host.id] = session
        self._empty.clear()
        self._directories.join(session)
        CONNECTED.set(len(self.sessions))
        log.info("an agent has connected", agent=agent_id, host=host.id, version=hello.version)
        return session, host.gateway

    def _replace(self, agent_id: int) -> None:
        if older := self.sessions.get(agent_id):
            older.end(messages.CLOSE_REPLACED, "a newer connection of this agent has taken over")

    def _welcome(self, session: Session, hello: Hello, gateway: str) -> Welcome:
        own = self.installation
        return Welcome(
            protocol=min(hello.protocol, messages.PROTOCOL),
            incarnation=own.incarnation,
            installation=own.id,
            host_id=str(session.host_id),
            network=messages.Network(own.network, own.bridge, own.cidr, gateway, own.mtu),
            heartbeat_s=HEARTBEAT_S,
        )

    def _close(self, session: Session) -> None:
        self._directories.leave(session)
        if self.sessions.get(session.agent_id) is session:
            del self.sessions[session.agent_id]
            del self._by_host[session.host_id]
            if not self._stopping:
                silent_s = time.monotonic() - session.heard_at
                self._absences.begin(session.agent_id, max(0.0, LOST_AFTER_S - silent_s))
        if not self.sessions:
            self._empty.set()
        CONNECTED.set(len(self.sessions))
        log.info("an agent's connection has ended", agent=session.agent_id, host=session.host_id)

    async def _attend(self, session: Session, receive: Receive) -> End:
        """Feed and read until one of them fails, or the server wants the end."""
        reading = asyncio.create_task(self._read(session, receive))
        feeding = asyncio.create_task(self._feed(session))
        tasks: tuple[asyncio.Future[End] | asyncio.Task[End], ...] = (session.ending, reading, feeding)
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(task for task in tasks if task in done).result()
        finally:
            reading.cancel()
            feeding.cancel()
            await asyncio.gather(reading, feeding, return_exceptions=True)

    async def _read(self, session: Session, receive: Receive) -> End:
        while True:
            try:
                async with asyncio.timeout(LOST_AFTER_S):
                    message = await receive()
            except TimeoutError:
                return End(messages.CLOSE_SILENT, f"nothing was heard for {LOST_AFTER_S:.0f} s")
            session.heard_at = time.monotonic()
            match message:
                case Report():
                    await self._take(session, message.incarnation, message.observations)
                case Engine():
                    await self.write(
                        partial(reports.engine_state, host_id=session.host_id, message=message.message), "agent-engine"
                    )
                case Facts():
                    await self.write(
                        partial(reports.facts, agent_id=session.agent_id, facts=message.host), "agent-facts"
                    )
                case Heartbeat() | Hello() | None:
                    continue

    async def _take(self, session: Session, incarnation: int, observations: Sequence[Observation]) -> None:
        """Store what was observed, in order and in slices, each under the request that caused it."""
        if incarnation > self.installation.incarnation:
            log.error(
                "an agent has seen a newer incarnation of this installation: was an old database restored?",
                agent=session.agent_id,
                seen=incarnation,
                own=self.installation.incarnation,
            )
            return
        for cause, part in _slices(observations):
            OBSERVATIONS.inc(len(part))
            await self.write(partial(reports.take, host_id=session.host_id, observations=part), cause or "report")

    async def _feed(self, session: Session) -> End:
        """Send what changed, whenever something did."""
        while True:
            session.wake.clear()
            await self._send_records(session)
            while session.orders:
                await session.send(session.orders.popleft())
            if session.directory is not None:
                directory, session.directory = session.directory, None
                await session.send(directory)
            await session.wake.wait()

    async def _send_records(self, session: Session) -> None:
        changed, everything = session.changed, session.look_at_all
        if not changed and not everything:
            return
        # what is committed from here on is noted anew, so nothing falls between this and the read
        session.changed, session.look_at_all = {}, False
        look = partial(
            assignments.records_for,
            host_id=session.host_id,
            known=session.known,
            changed=None if everything else changed,
        )
        records, told = await self.read(look)
        full = session.number == 0
        if records or full:
            session.number += 1
            await session.send(Assignment(self.installation.incarnation, session.number, records, full=full))
            RECORDS.inc(len(records))
        if everything:
            session.known = told
        else:
            session.known.update(told)


def _slices(observations: Sequence[Observation]) -> Iterator[tuple[str, list[Observation]]]:
    """Cut observations, in their order, into runs of one cause and at most a slice."""
    for cause, run in groupby(observations, key=lambda seen: seen.cause):
        whole = list(run)
        for start in range(0, len(whole), SLICE):
            yield cause, whole[start : start + SLICE]
