"""Runs many simulated hosts in the server's event loop, with one task for all of them.

In: hosts to run, and how a connection is served (`Dispatcher.serve`; nothing of the server is imported). Each host
has one connection like an agent's, without a socket: what the server sends is taken in at once, what the host says
waits in a queue. One timetable holds what comes later: heartbeats, answers that take their time, and the next dial.
What each host does is in `host.py`; which hosts there are is decided by who calls `add` and `remove`.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from trailboss.simulator.host import SimulatedHost
from trailboss.wire.messages import FromAgent, FromServer, Heartbeat

log = structlog.get_logger()

HEARTBEAT_MS = 2_000
REDIAL_MS = 1_000
"""Between the end of a connection and the next dial; up to the same again at random, so that not all come at once."""

Send = Callable[[FromServer], Awaitable[None]]
Receive = Callable[[], Awaitable[FromAgent | None]]
Serve = Callable[[int, Receive, Send], Awaitable[object]]


@dataclass
class Line:
    """A host with its connection. serving: the server's side of it, while there is one."""

    agent_id: int
    host: SimulatedHost
    said: asyncio.Queue[FromAgent] = field(default_factory=asyncio.Queue)
    serving: asyncio.Future[Any] | None = None
    wakes_at: int | None = None
    dials_at: int = 0
    beats_at: int = 0


class Simulator:
    """All simulated hosts of this server. Lives in the event loop in which `start` is called. clock: returns ms."""

    def __init__(self, serve: Serve, clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self.serve, self.clock = serve, clock
        self.lines: dict[int, Line] = {}
        self._timetable: list[tuple[int, int, Line]] = []
        self._order = itertools.count()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to run what was and will be added."""
        self._task = asyncio.ensure_future(self._run())

    async def stop(self) -> None:
        """End every connection and the task; what the hosts have is forgotten."""
        if self._task is not None:
            self._task.cancel()
        ending = [line.serving for line in self.lines.values() if line.serving]
        for serving in ending:
            serving.cancel()
        await asyncio.gather(*filter(None, (self._task, *ending)), return_exceptions=True)
        self.lines.clear()
        self._timetable.clear()

    def add(self, agent_id: int, host: SimulatedHost) -> None:
        """Run a host; it dials at once."""
        line = self.lines[agent_id] = Line(agent_id, host)
        self._wake(line, self.clock())

    def remove(self, agent_id: int) -> None:
        """Let a host be gone, with all that it had."""
        line = self.lines.pop(agent_id)
        if line.serving is not None:
            line.serving.cancel()

    def pause(self, agent_id: int) -> None:
        """Let a host fall silent; the server finds out as it does with any."""
        self.lines[agent_id].host.pause()

    def resume(self, agent_id: int) -> None:
        """Let a silent host answer again."""
        line = self.lines[agent_id]
        self._say(line, line.host.resume(self.clock()))
        self._wake(line, self.clock())

    # --- the one task ---------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            try:
                pause_s = self._turn()
                self._changed.clear()
                async with asyncio.timeout(pause_s):
                    await self._changed.wait()
            except TimeoutError:
                continue
            except Exception:
                log.exception("the simulator goes on after an error")

    def _turn(self) -> float | None:
        """Do what is due for each host; return the seconds until there is more."""
        now = self.clock()
        while self._timetable and self._timetable[0][0] <= now:
            due_at, _, line = heapq.heappop(self._timetable)
            if line.wakes_at == due_at and self.lines.get(line.agent_id) is line:
                line.wakes_at = None
                self._attend(line, now)
        return (self._timetable[0][0] - now) / 1000 if self._timetable else None

    def _attend(self, line: Line, now: int) -> None:
        if line.host.is_paused:
            return
        if line.serving is None and line.dials_at <= now:
            self._dial(line)
        self._say(line, line.host.due(now))
        if line.beats_at <= now:
            line.said.put_nowait(Heartbeat(line.host.applied))
            line.beats_at = now + HEARTBEAT_MS
        next_at = line.beats_at if line.serving is not None else line.dials_at
        self._wake(line, min(next_at, line.host.next_due() or next_at))

    def _dial(self, line: Line) -> None:
        said: asyncio.Queue[FromAgent] = asyncio.Queue()
        line.said = said
        said.put_nowait(line.host.hello())
        line.serving = serving = asyncio.ensure_future(self.serve(line.agent_id, said.get, self._sender(line)))
        serving.add_done_callback(lambda ended: self._ended(line, ended))

    def _sender(self, line: Line) -> Send:
        async def send(message: FromServer) -> None:
            now = self.clock()
            self._say(line, line.host.take(message, now))
            if (due := line.host.next_due()) is not None:
                self._wake(line, due)

        return send

    def _ended(self, line: Line, ended: asyncio.Future[Any]) -> None:
        line.serving = None
        line.host.disconnect()
        if ended.cancelled() or self.lines.get(line.agent_id) is not line:
            return
        if (error := ended.exception()) is not None:
            log.info("a simulated host's connection has ended", agent=line.agent_id, error=repr(error))
        line.dials_at = self.clock() + REDIAL_MS + random.randrange(REDIAL_MS)
        self._wake(line, line.dials_at)

    def _say(self, line: Line, messages: list[FromAgent]) -> None:
        for message in messages:
            line.said.put_nowait(message)

    def _wake(self, line: Line, at: int) -> None:
        """Attend to a line then at the latest."""
        if line.wakes_at is None or at < line.wakes_at:
            line.wakes_at = at
            heapq.heappush(self._timetable, (at, next(self._order), line))
            self._changed.set()
