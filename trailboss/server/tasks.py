"""Runs the tasks of `resources/task.py`: when somebody executes one, and by the periods that the settings say.

Every server hears of every run and does its part: agents are connected to any of them, and what is done twice does no
harm. The first one that is through notes the end. Runs whose end nobody has noted are done again at the next start.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import structlog

from trailboss.dispatch.sessions import Dispatcher
from trailboss.engine import resync
from trailboss.errors import Unreachable
from trailboss.resources import task
from trailboss.store.store import Commit, Store

log = structlog.get_logger()

LONGEST_SLEEP_S = 60.0
PAUSE_S = 1.0
"""Before the next try while the database does not answer."""

Run = Callable[[], Awaitable[None]]


def runs_of(store: Store, dispatcher: Dispatcher) -> dict[str, Run]:
    """Return what one run of each task does."""

    async def ping() -> None:
        dispatcher.ask_to_look()

    async def purge() -> None:
        overdue = await asyncio.wrap_future(store.submit_read(resync.overdue))
        await asyncio.wrap_future(store.submit(lambda tx: resync.mark(tx, overdue), cause=task.PURGE_RESOURCES))

    return {task.AGENT_PING: ping, task.PURGE_RESOURCES: purge}


class Tasks:
    """runs: what each task does, by its name. server_id: how this server is called in the rows."""

    def __init__(self, store: Store, runs: Mapping[str, Run], server_id: str) -> None:
        self.store, self.runs, self.server_id = store, runs, server_id
        self._asked: deque[tuple[int, str]] = deque()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Run what is asked for and what is due, until cancelled."""
        loop = asyncio.get_running_loop()

        def heard(commit: Commit) -> None:
            asked = [
                (entry.id, str(entry.change["name"][-1]))
                for entry in commit.entries
                if entry.type == "taskInstance" and "startTime" in entry.change
            ]
            if asked or any(entry.type == "setting" for entry in commit.entries):
                loop.call_soon_threadsafe(self._hear, asked)

        unlisten = self.store.listen(heard)
        try:
            left = await asyncio.wrap_future(self.store.submit_read(task.unfinished))
            self._hear([(row.id, row.name) for row in left])
            while True:
                self._wake.clear()
                pause_s = await self._turn()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._wake.wait()
        finally:
            unlisten()

    def _hear(self, asked: list[tuple[int, str]]) -> None:
        self._asked += asked
        self._wake.set()

    async def _turn(self) -> float:
        """Do what there is to do; return the seconds until there may be more."""
        try:
            while self._asked:
                await self._do(*self._asked[0])
                self._asked.popleft()
            due = await asyncio.wrap_future(self.store.submit(task.begin_scheduled, cause="schedule"))
        except Unreachable as error:
            log.info("tasks wait for the database", because=error.message)
            return PAUSE_S
        if due is None:
            return LONGEST_SLEEP_S
        return min(LONGEST_SLEEP_S, max(0.0, (due - self.store.clock()) / 1000))

    async def _do(self, number: int, name: str) -> None:
        """Make one run, and note its end. Raises Unreachable."""
        failure = None
        try:
            if name not in self.runs:
                raise LookupError(f"this version has no task {name}")
            await self.runs[name]()
        except Unreachable:
            raise
        except Exception as error:
            log.exception("a task has failed", task=name)
            failure = str(error)
        note = partial(task.end, number=number, server_id=self.server_id, exception=failure)
        await asyncio.wrap_future(self.store.submit(note, cause=name))
