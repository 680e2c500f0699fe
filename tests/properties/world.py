"""A whole installation that is stepped by hand: real store, real engine, real reports, simulated hosts, virtual time.

Between server and hosts lie connections whose messages are bytes in two queues: within one, order holds; ends may be
closed at different moments, and what a dead connection still carries may arrive after the next one's Hello. What may
happen is decided by the test (`test_convergence.py`); what must hold is in `invariants.py`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tests.properties.stepped import Died, SteppedStore
from trailboss.dispatch import assignments, reports
from trailboss.dispatch.sessions import LOST_AFTER_S
from trailboss.dispatch.simulated import Shape, register, wanted_hosts
from trailboss.engine import work
from trailboss.engine.loop import Engine
from trailboss.errors import ApiError
from trailboss.resources.account import Project
from trailboss.resources.agent import Agent
from trailboss.simulator.host import SimulatedHost
from trailboss.store.transaction import Read, Tx
from trailboss.wire.messages import (
    Assignment,
    FromAgent,
    Hello,
    Report,
    decode_from_agent,
    decode_from_server,
    encode,
)

T = TypeVar("T")

BEGIN_MS = 1_700_000_000_000
LOST_MS = int(LOST_AFTER_S * 1000)


@dataclass(eq=False)
class Connection:
    """One websocket. up, down: what is on its way. host_id: once the server has answered its Hello."""

    agent_id: int
    up: deque[bytes] = field(default_factory=deque)
    down: deque[bytes] = field(default_factory=deque)
    host_id: int | None = None
    known: dict[str, tuple[int, bool]] = field(default_factory=dict)
    number: int = 0


@dataclass
class Machine:
    """A host with its agent's end of the connection. excused: runs that the server may count as lost, because the host
    was unreachable for too long or was removed since they began."""

    agent_id: int
    host: SimulatedHost
    connection: Connection | None = None
    is_refused: bool = False
    excused: set[tuple[str, int]] = field(default_factory=set)

    def say(self, messages: list[FromAgent]) -> None:
        """Send what the host says; without a connection it is lost."""
        if self.connection is not None:
            self.connection.up.extend(encode(message) for message in messages)

    def excuse(self) -> None:
        """Let what runs here now be replaced elsewhere without waiting for its end."""
        for container in self.host.containers.values():
            newest = max(container.epoch, container.record.epoch if container.record else 0)
            self.excused |= {(container.container, epoch) for epoch in range(newest + 1)}


class World:
    """The installation. path: of a database file with schema and seed, which is changed. look: called after every turn,
    to see what must not be even for a moment."""

    def __init__(self, path: Path) -> None:
        self.path, self.now = path, BEGIN_MS
        self.machines: dict[int, Machine] = {}
        self.sessions: dict[int, Connection] = {}
        self.closing: list[Connection] = []
        self.lost_at: dict[int, int] = {}
        self.acknowledged: set[tuple[str, int]] = set()
        self.crashes_after: int | None = None
        self.crash_point = ""
        self.look: Callable[[], None] = lambda: None
        self._boot()
        self.project_id: int = self.read(lambda r: r.find(Project)[0].id)

    # --- the server's process -------------------------------------------------------------------------------------

    def _boot(self) -> None:
        self.store = SteppedStore(self.path, lambda: self.now)
        self.engine = Engine(self.store, "server", jitter=lambda: 0.0)
        self.store.crash = self._durable_step
        for agent in self.read(lambda r: r.find(Agent)):
            self.lost_at[agent.id] = self.now + LOST_MS

    def _durable_step(self, point: str) -> None:
        if self.crashes_after is None or point != self.crash_point:
            return
        self.crashes_after -= 1
        if self.crashes_after < 0:
            raise Died

    def _reboot(self) -> None:
        """Start the server again after its death: connections are broken, all that it had in memory is gone."""
        self.crashes_after = None
        self.store.die()
        for machine in self.machines.values():
            machine.connection = None
            machine.host.disconnect()
        self.sessions.clear()
        self.closing.clear()
        self._boot()

    def living(self, step: Callable[[], T]) -> T | None:
        """Take a step of the server; if it dies of it, it starts again and the step's answer is lost."""
        try:
            return step()
        except Died:
            self._reboot()
            return None

    def close(self) -> None:
        """End it."""
        self.store.die()

    def read(self, fn: Callable[[Read], T]) -> T:
        """Read from the database."""
        return self.store.read(fn)

    def ask(self, fn: Callable[[Tx], Any]) -> Any:
        """Write as a request does; None if it was refused or the server died before it could answer."""
        try:
            row = self.living(lambda: self.store.write(fn, cause="request"))
        except ApiError:
            return None
        if row is not None:
            self.acknowledged.add((type(row).base.type, row.id))
        return row

    def work(self) -> int:
        """Let the engine look at what is due, once."""
        return self.living(self.engine.run_batch) or 0

    # --- hosts and what lies between --------------------------------------------------------------------------------

    def add_host(self, latency_ms: int) -> None:
        """Register one more host, which dials at once."""
        self.living(lambda: self.store.write(lambda tx: register(tx, self.project_id, Shape(latency_ms=latency_ms))))
        for agent_id, wanted in self.read(lambda r: wanted_hosts(r, self.machines)).items():
            if agent_id not in self.machines:
                self.machines[agent_id] = Machine(agent_id, wanted.host)
                self.connect(self.machines[agent_id])

    def connect(self, machine: Machine) -> None:
        """Let an agent dial; what an older connection of it still carries is on its way until it is delivered."""
        self.cut(machine)
        machine.connection = Connection(machine.agent_id)
        machine.say([machine.host.hello()])

    def cut(self, machine: Machine, lose: int = 0) -> None:
        """Break the agent's connection; the last `lose` messages of the agent never arrive, those to it neither."""
        old, machine.connection = machine.connection, None
        if old is None:
            return
        machine.host.disconnect()
        for _ in range(min(lose, len(old.up))):
            old.up.pop()
        old.down.clear()
        self.closing.append(old)
        self.lost_at[machine.agent_id] = self.now + LOST_MS

    def lines(self) -> list[Connection]:
        """Return every connection that still carries something to the server."""
        current = [m.connection for m in self.machines.values() if m.connection]
        return [line for line in (*self.closing, *current) if line.up]

    def deliver_up(self, line: Connection) -> None:
        """Let one message of an agent arrive."""
        message = decode_from_agent(line.up.popleft())
        if line in self.closing and not line.up:
            self.closing.remove(line)
        if isinstance(message, Hello):
            self.living(lambda: self._enter(line, message))
        elif isinstance(message, Report) and line.host_id is not None:
            take = partial(reports.take, host_id=line.host_id, observations=message.observations)
            self.living(lambda: self.store.write(lambda tx: take(tx), cause="report"))

    def _enter(self, line: Connection, hello: Hello) -> None:
        try:
            host = self.store.write(lambda tx: reports.enter(tx, line.agent_id, hello), cause="agent-hello")
        except reports.Refused:
            self.machines[line.agent_id].is_refused = True
            return
        line.host_id = host.id
        self._replace(line)
        take = partial(reports.take, host_id=host.id, observations=hello.inventory)
        self.store.write(lambda tx: take(tx), cause="agent-hello")

    def _replace(self, line: Connection) -> None:
        """Let a session take the place of an older one, whose connection the server closes. It may be the wrong one
        that wins, since a Hello can arrive late: then the agent has to dial again."""
        machine = self.machines[line.agent_id]
        older = self.sessions.get(line.agent_id)
        self.sessions[line.agent_id] = line
        if older is not None and older is machine.connection and older is not line:
            self.cut(machine)
        if machine.connection is not line:
            self.lost_at[line.agent_id] = self.now + LOST_MS

    def deliver_down(self, machine: Machine) -> None:
        """Let one message of the server arrive."""
        if machine.connection is not None and machine.connection.down:
            message = decode_from_server(machine.connection.down.popleft())
            assert message is not None
            machine.say(machine.host.take(message, self.now))

    def feed(self, line: Connection) -> None:
        """Tell an agent what has changed for it."""
        assert line.host_id is not None
        host_id = line.host_id
        records, line.known = self.read(partial(assignments.records_for, host_id=host_id, known=line.known))
        if records or line.number == 0:
            line.number += 1
            message = Assignment(1, line.number, records, full=line.number == 1)
            if self.machines[line.agent_id].connection is line:
                line.down.append(encode(message))

    # --- time -----------------------------------------------------------------------------------------------------

    def advance(self, ms: int) -> None:
        """Let time pass: hosts finish what they have in hand, silent agents count as lost."""
        self.now += ms
        for machine in self.machines.values():
            machine.say(machine.host.due(self.now))
        for agent_id in [id for id, at in self.lost_at.items() if at <= self.now]:
            del self.lost_at[agent_id]
            machine = self.machines[agent_id]
            line = self.sessions.get(agent_id)
            if line is None or line is not machine.connection:
                self.sessions.pop(agent_id, None)
                machine.excuse()
                lose = partial(reports.agent_state, agent_id=agent_id, connected=False)
                self.living(lambda lose=lose: self.store.write(lambda tx: lose(tx)))

    def turn(self) -> bool:
        """Let everything happen once that can happen now; say whether anything did."""
        happened = self.work() > 0
        for line in self.lines():
            while line.up:
                self.deliver_up(line)
                happened = True
        for line in list(self.sessions.values()):
            self.feed(line)
        for machine in self.machines.values():
            while machine.connection is not None and machine.connection.down:
                self.deliver_down(machine)
                happened = True
        self.look()
        return happened

    def settle(self, ms: int) -> None:
        """Let everything happen in its time, without faults, for so long."""
        end = self.now + ms
        while True:
            for _ in range(1000):
                if not self.turn():
                    break
            else:
                raise AssertionError(f"no rest at one moment: {self.read(pending)}")
            if self.now >= end:
                return
            self.advance(min(self._next(), end) - self.now)

    def _next(self) -> int:
        moments = [self.read(work.next_due), *self.lost_at.values()]
        moments += [machine.host.next_due() for machine in self.machines.values()]
        return max(self.now + 1, min((m for m in moments if m is not None), default=self.now + 3_600_000))

    def bring_back(self) -> None:
        """Let every agent that was away dial again."""
        self.crashes_after = None
        for machine in self.machines.values():
            if machine.connection is None and not machine.is_refused:
                self.connect(machine)


def pending(read: Read) -> list[tuple[Any, ...]]:
    """Return what is in the queue of work."""
    return read.connection.run("SELECT type, id, due_at, attempts, reason FROM work ORDER BY due_at")
