"""One simulated host: what an agent and its Docker would do with the server's messages, without either.

In: messages of the server, and the moment. Out: messages of the agent; `due` gives those that come later. Pure but
for its own state: no clock, no thread, no network, so that tests can step it by hand. It keeps the rules of the real
agent (`wire/messages.py`): refuses a record older than the newest of its slot, reports and keeps containers of which
no record speaks, confirms removals. What Docker and the agent's disk hold survives `crash`; what is in hand does not.
Markers by which a container asks for trouble: `markers.py`. Who runs many of these: `run.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from trailboss.simulator import markers
from trailboss.wire import messages
from trailboss.wire.messages import Assignment, FromAgent, FromServer, Hello, Host, Observation, Record, Report, State

VANISH_MS = 2_000
"""After how long a container with the marker `simForgetImmediately` is missed: a real agent's next look."""
KILLED = 137
_IN_DOCKER = ("created", "running", "exited")


@dataclass(slots=True)
class Container:
    """One container: the wish for it, and what there is of it.

    record: the wish, as kept on disk; None when no record speaks of it. epoch: the newest run that was started, tried
    or ended. state "removed": Docker has nothing. ready_at: when the step in hand will be done; vanishes_at: when
    it will be gone by itself. Moments in ms since 1970.
    """

    container: str
    slot: str
    record: Record | None = None
    epoch: int = 0
    state: State = "removed"
    message: str = ""
    docker_id: str = ""
    exit_code: int | None = None
    started_at: int = 0
    finished_at: int = 0
    restarts: int = 0
    ready_at: int | None = None
    vanishes_at: int | None = None

    def observed(self) -> Observation:
        """Return what the host sees of it."""
        return Observation(
            container=self.container,
            slot=self.slot,
            epoch=self.epoch,
            state=self.state if self.record is not None or self.state not in _IN_DOCKER else "unknown",
            message=self.message,
            docker_id=self.docker_id,
            exit_code=self.exit_code,
            started_at=self.started_at,
            finished_at=self.finished_at,
            restarts=self.restarts,
            cause=self.record.cause if self.record else "",
        )

    @property
    def is_behind(self) -> bool:
        """Something is to be done before it is as the record wants it."""
        if self.record is None:
            return False
        if self.record.desired == "running":
            return self.epoch < self.record.epoch
        return self.record.desired == "removed" or self.state == "running" or self.epoch < self.record.epoch


@dataclass
class SimulatedHost:
    """A host and its agent. latency_ms, jitter_ms: how long each step takes, the second times `random()` (0..1)."""

    facts: Host
    latency_ms: int = 0
    jitter_ms: int = 0
    random: Callable[[], float] = lambda: 0.0
    incarnation: int = 0
    applied: int = 0
    is_paused: bool = False
    containers: dict[str, Container] = field(default_factory=dict)
    newest: dict[str, int] = field(default_factory=dict)
    _held_in: list[FromServer] = field(default_factory=list)
    _held_out: list[Observation] = field(default_factory=list)

    def remember(self, observations: Iterable[Observation]) -> None:
        """Take over containers as the database knows them, so that a restart of the server does not empty the host."""
        for seen in observations:
            known = Container(seen.container, seen.slot, epoch=seen.epoch, state=seen.state, message=seen.message)
            known.docker_id, known.exit_code = seen.docker_id, seen.exit_code
            known.started_at, known.finished_at = seen.started_at, seen.finished_at
            known.restarts = seen.restarts
            self.containers[seen.container] = known
            self.newest[seen.slot] = max(seen.epoch, self.newest.get(seen.slot, 0))

    def hello(self) -> Hello:
        """Return the first message of a connection, with all that the host has."""
        inventory = [c.observed() for c in self.containers.values() if c.state != "removed"]
        return Hello(messages.PROTOCOL, "simulated", self.facts, self.incarnation, inventory)

    def take(self, message: FromServer, now: int) -> list[FromAgent]:
        """Take one message of the server in; return what is answered at once."""
        if self.is_paused:
            self._held_in.append(message)
            return []
        if isinstance(message, messages.Look):
            return self._say([seen for c in self.containers.values() if _is_lost(c) for seen in self._vanish(c)])
        if not isinstance(message, Assignment) or message.incarnation < self.incarnation:
            return []
        if message.incarnation > self.incarnation:
            self._begin_anew(message.incarnation)
        self.applied = message.number
        observations: list[Observation] = []
        if message.full:
            observations += self._forget_unnamed({record.container for record in message.records})
        # ends before starts: a new run may need the port that an old one still has
        for record in sorted(message.records, key=lambda record: record.desired == "running"):
            observations += self._accept(record, now, is_first=message.full)
        return self._say([*observations, *self._work(now)])

    def due(self, now: int) -> list[FromAgent]:
        """Do what has become due; return what is reported of it."""
        return [] if self.is_paused else self._say(self._work(now))

    def next_due(self) -> int | None:
        """Return the moment (ms) at which `due` has something to do; None if nothing is under way."""
        if self.is_paused:
            return None
        moments = (m for c in self.containers.values() for m in (c.ready_at, c.vanishes_at) if m is not None)
        return min(moments, default=None)

    # --- what may happen to a host --------------------------------------------------------------------------------

    def pause(self) -> None:
        """Stop to answer, as a machine that hangs."""
        self.is_paused = True

    def resume(self, now: int) -> list[FromAgent]:
        """Answer again, first to what came meanwhile on the same connection."""
        self.is_paused = False
        held, self._held_in = self._held_in, []
        said, self._held_out = self._held_out, []
        answers = self._say(said)
        for message in held:
            answers += self.take(message, now)
        return answers

    def disconnect(self) -> None:
        """Drop what was under way on a connection that has ended."""
        self._held_in.clear()
        self._held_out.clear()

    def crash(self, now: int) -> None:
        """Lose what is only in the agent's memory; it starts again from its disk and Docker, without a connection."""
        self.disconnect()
        for container in self.containers.values():
            container.ready_at = None
            self._begin(container, now)

    def kill(self, container: str, now: int, *, is_alone: bool = False) -> list[FromAgent]:
        """End a running container from outside. is_alone: without a server the agent starts the next run itself."""
        known = self.containers[container]
        if known.state != "running":
            return []
        if is_alone and known.record is not None and known.record.restart:
            known.restarts += 1
            known.started_at = now
            return []
        known.state, known.exit_code, known.finished_at = "exited", KILLED, now
        return self._say([known.observed()])

    def vanish(self, container: str) -> list[FromAgent]:
        """Remove a container from Docker behind the agent's back."""
        known = self.containers[container]
        return self._say(self._vanish(known) if known.state in _IN_DOCKER else [])

    # --- inside ---------------------------------------------------------------------------------------------------

    def _say(self, observations: list[Observation]) -> list[FromAgent]:
        if self.is_paused:
            self._held_out += observations
            return []
        return [Report(self.incarnation, observations)] if observations else []

    def _begin_anew(self, incarnation: int) -> None:
        """Forget the numbers of a database that was restored or moved: the new one's win, however low."""
        is_first, self.incarnation = self.incarnation == 0, incarnation
        if is_first:
            return
        self.newest.clear()
        for container in self.containers.values():
            container.epoch, container.record = 0, None

    def _forget_unnamed(self, named: set[str]) -> list[Observation]:
        """Keep and report what the whole assignment does not speak of; forget what is not there anyway."""
        unknown = []
        for container in [c for c in self.containers.values() if c.container not in named]:
            container.record = container.ready_at = None
            if container.state in _IN_DOCKER:
                unknown.append(container.observed())
            else:
                self._forget(container)
        return unknown

    def _accept(self, record: Record, now: int, *, is_first: bool) -> list[Observation]:
        """Take a record in, unless it is older than what is known; return what can be said of it at once.
        is_first: on this connection, so a report that the last one lost is made again."""
        known = self.containers.get(record.container)
        is_older_run = record.desired == "running" and record.epoch < self.newest.get(record.slot, 0)
        if is_older_run or (known and record.epoch < max(known.epoch, known.record.epoch if known.record else 0)):
            return []
        if known is None:
            known = self.containers[record.container] = Container(record.container, record.slot)
        self.newest[record.slot] = max(record.epoch, self.newest.get(record.slot, 0))
        before = (known.record.epoch, known.record.desired) if known.record else None
        known.record = record
        if before != (record.epoch, record.desired):
            known.ready_at = None
        self._begin(known, now)
        if known.ready_at is not None and known.ready_at > now and record.desired == "running":
            return [Observation(known.container, known.slot, record.epoch, "creating", cause=record.cause)]
        return [known.observed()] if is_first and known.ready_at is None and known.state == "removed" else []

    def _begin(self, known: Container, now: int) -> None:
        """Take a step in hand, if one is needed and none is."""
        if not known.is_behind or known.ready_at is not None or known.record is None:
            return
        pause = self.latency_ms + int(self.jitter_ms * self.random()) + markers.slowness_ms(known.record)
        known.ready_at = now + pause
        if known.record.desired == "running":
            known.ready_at = max(known.ready_at, self._ports_free_at(_ports(known.record)))

    def _ports_free_at(self, wanted: set[tuple[int, str]]) -> int:
        """Return the moment at which the containers that are being ended have given these ports back."""
        ending = (c for c in self.containers.values() if c.ready_at is not None and not _is_start(c))
        return max((c.ready_at or 0 for c in ending if wanted & _ports(c.record)), default=0)

    def _work(self, now: int) -> list[Observation]:
        """Finish the steps whose time has come, ends before starts."""
        ready = [c for c in self.containers.values() if c.ready_at is not None and c.ready_at <= now]
        gone = [c for c in self.containers.values() if c.vanishes_at is not None and c.vanishes_at <= now]
        seen = [observation for c in sorted(ready, key=_is_start) for observation in self._finish(c, now)]
        return seen + [observation for c in gone for observation in self._vanish(c)]

    def _finish(self, known: Container, now: int) -> list[Observation]:
        record = known.record
        known.ready_at = None
        if record is None:
            return []
        if not known.is_behind:
            # it came about by itself meanwhile, and the report of that may have been lost
            return [known.observed()]
        known.epoch, known.message = record.epoch, ""
        if record.desired == "running":
            self._start(known, record, now)
        elif record.desired == "stopped":
            if known.state == "running":
                known.state, known.exit_code, known.finished_at = "exited", 0, now
            known.vanishes_at = None
        else:
            known.state, known.vanishes_at = "removed", None
            self._forget(known)
        return [known.observed()]

    def _start(self, known: Container, record: Record, now: int) -> None:
        if failure := markers.failure(record):
            known.state, known.message = "failed", failure
            return
        seed = f"{record.container} {record.hash}".encode()
        known.docker_id = known.docker_id or hashlib.sha256(seed).hexdigest()
        known.state, known.exit_code, known.started_at, known.finished_at = "running", None, now, 0
        lifetime = VANISH_MS if markers.is_forgotten(record) else markers.lifetime_ms(record)
        known.vanishes_at = None if lifetime is None else now + lifetime

    def _vanish(self, known: Container) -> list[Observation]:
        known.state, known.vanishes_at, known.docker_id = "removed", None, ""
        seen = known.observed()
        if known.record is None:
            self._forget(known)
        return [seen]

    def _forget(self, known: Container) -> None:
        del self.containers[known.container]
        if self.newest.get(known.slot, 0) <= known.epoch:
            self.newest.pop(known.slot, None)


def _is_start(container: Container) -> bool:
    return container.record is not None and container.record.desired == "running"


def _is_lost(container: Container) -> bool:
    """Say whether Docker has it no more, which the next look finds out."""
    known = container.record
    return known is not None and container.vanishes_at is not None and markers.is_forgotten(known)


def _ports(record: Record | None) -> set[tuple[int, str]]:
    specification = record.specification if record else None
    return {(port.public, port.protocol) for port in specification.ports if port.public} if specification else set()
