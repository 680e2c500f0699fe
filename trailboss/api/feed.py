"""The journal, read once for all who subscribe to this server's changes; and what one of them still has to be told.

A commit only wakes the reader, which goes on from its cursor: so the order is that of the commits, and nothing is
left out or doubled, whichever server has written it. Who hears (`subscribe.py`) gets entries and decides for itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Protocol

import structlog
from prometheus_client import Gauge

from trailboss.errors import Unreachable
from trailboss.store import journal
from trailboss.store.store import Commit, Store

log = structlog.get_logger()

SLICE = 500
LOOK_EVERY_S = 1.0
"""Between two looks without a wake-up: what other servers have written."""

LISTENERS = Gauge("trailboss_subscribers", "Open subscriptions to changes")

Key = tuple[str, int]
"""A resource: its type and number."""


class Listener(Protocol):
    """Who wants to hear of changes."""

    def hear(self, entry: dict[str, Any]) -> None:
        """Take in one journal entry; must not block."""


class Feed:
    """Reads the journal as long as somebody listens. Lives in one event loop."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.listeners: set[Listener] = set()
        self._cursor = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._unlisten: Callable[[], None] | None = None

    async def join(self, listener: Listener) -> None:
        """Let a listener hear of everything that is committed from now on."""
        head = await asyncio.wrap_future(self.store.submit_read(journal.head))
        self.listeners.add(listener)
        LISTENERS.set(len(self.listeners))
        if self._task is None:
            self._cursor = head
            self._begin()

    def leave(self, listener: Listener) -> None:
        """Let it hear no more."""
        self.listeners.discard(listener)
        LISTENERS.set(len(self.listeners))
        if not self.listeners and self._task is not None and self._unlisten is not None:
            self._unlisten()
            self._task.cancel()
            self._task = None

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()

        def woken(commit: Commit) -> None:
            if commit.entries:
                loop.call_soon_threadsafe(self._wake.set)

        self._unlisten = self.store.listen(woken)
        self._wake.set()
        self._task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_EVERY_S)
            self._wake.clear()
            try:
                while await self._read_slice() == SLICE:
                    continue
            except Unreachable as error:
                log.warning("the journal cannot be read now", error=str(error))
                self._wake.set()
                await asyncio.sleep(LOOK_EVERY_S)

    async def _read_slice(self) -> int:
        cursor = self._cursor
        entries = await asyncio.wrap_future(self.store.submit_read(lambda read: journal.after(read, cursor, SLICE)))
        for entry in entries:
            self._cursor = entry["seq"]
            for listener in list(self.listeners):
                listener.hear(entry)
        return len(entries)


class Backlog:
    """The resources that a listener is still to be told of, oldest change first; each at most once per interval.

    clock: seconds, going forward only.
    """

    def __init__(self, every_s: float, clock: Callable[[], float]) -> None:
        self.every_s, self.clock = every_s, clock
        self._due: dict[Key, float] = {}
        self._told: dict[Key, float] = {}

    def __len__(self) -> int:
        return len(self._due)

    def add(self, key: Key) -> None:
        """Note a change. One that is noted already is told once, as it will be by then."""
        if key not in self._due:
            now = self.clock()
            self._due[key] = max(now, self._told.get(key, now - self.every_s) + self.every_s)

    def next_due(self) -> float | None:
        """Return when there is something to tell; None if there is nothing."""
        return min(self._due.values(), default=None)

    def take(self, most: int) -> list[Key]:
        """Return what is to be told now, and count it as told."""
        now = self.clock()
        self._told = {key: at for key, at in self._told.items() if at + self.every_s > now}
        keys = [key for key, due in self._due.items() if due <= now][:most]
        for key in keys:
            del self._due[key]
            self._told[key] = now
        return keys
