"""The journal, read once for all who subscribe to this server's changes.

A commit only wakes the reader, which goes on from its cursor: so the order is that of the commits, and nothing is
left out or doubled, whichever server has written it. Each slice is read and made ready for every listener (the
channels, `channel_exact.py` and `channel_plain.py`) in one go, in a reader's thread; then they hear of it in the event
loop. What a subscriber is to be told of it is had from its source; `subscribe.py` sends it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import structlog

from trailboss.api.events import Entry, Event
from trailboss.errors import Unreachable
from trailboss.store import journal
from trailboss.store.journal import Position
from trailboss.store.store import Commit, Store
from trailboss.store.transaction import Read

log = structlog.get_logger()

SLICE = 200
LOOK_EVERY_S = 1.0
"""Between two looks without a wake-up: what other servers have written."""

MOST_WAITING = 100
"""Events that may wait for a subscriber who reads nothing."""


@dataclass(frozen=True)
class Slice:
    """A piece of the journal: all entries with numbers above `after` up to `reached`."""

    after: int
    reached: int
    entries: Sequence[Entry]


class Listener(Protocol):
    """Who wants to hear of changes."""

    def prepare(self, snapshot: Read, entries: Sequence[Entry]) -> Any:
        """Make ready what is made of entries, in a reader's thread, where it must change nothing."""

    def hear(self, part: Slice, prepared: Any) -> None:
        """Take in a slice, in the event loop; must not block. prepared: None if it joined while it was being read."""

    def fail(self, because: str) -> None:
        """Take note that a part of the journal could not be made ready, or is no longer there."""


class Source(Protocol):
    """What one subscriber is still to be told.

    wake: set when there may be more. failure: why there will be nothing more. position: nothing up to it is still to
    be told, once what was taken is read.
    """

    wake: asyncio.Event
    failure: str | None

    @property
    def position(self) -> Position: ...

    async def take(self) -> list[Event]:
        """Return what is to be told now, and count it as told. Raises Unreachable."""

    def next_due(self) -> float | None:
        """Return the moment (monotonic clock) at which there is more without a wake-up; None: there is not."""

    def is_behind(self) -> bool:
        """Say whether more than `MOST_WAITING` events wait."""


class Feed:
    """Reads the journal as long as somebody listens. Lives in one event loop."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.listeners: set[Listener] = set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._unlisten: Callable[[], None] | None = None

    async def join(self, listener: Listener) -> None:
        """Let a listener hear of everything that is committed from now on."""
        head = await asyncio.wrap_future(self.store.submit_read(journal.head)) if self._task is None else 0
        if self._task is None:  # nobody else has begun meanwhile
            self._begin(head)
        self.listeners.add(listener)
        self._wake.set()

    def leave(self, listener: Listener) -> None:
        """Let it hear no more."""
        self.listeners.discard(listener)
        if not self.listeners and self._task is not None and self._unlisten is not None:
            self._unlisten()
            self._task.cancel()
            self._task = None

    def _begin(self, head: int) -> None:
        loop = asyncio.get_running_loop()

        def woken(commit: Commit) -> None:
            if commit.entries:
                loop.call_soon_threadsafe(self._wake.set)

        self._unlisten = self.store.listen(woken)
        self._task = asyncio.create_task(self._follow(head))

    async def _follow(self, cursor: int) -> None:
        while True:
            # no wait_for: before Python 3.12 it loses a cancellation that comes together with a wake-up
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._wake.wait()
            self._wake.clear()
            try:
                is_more = True
                while is_more:
                    part = await self._read_slice(cursor)
                    cursor, is_more = part.reached, len(part.entries) == SLICE
            except Unreachable as error:
                log.warning("the journal cannot be read now", error=str(error))
                self._wake.set()
                await asyncio.sleep(LOOK_EVERY_S)

    async def _read_slice(self, cursor: int) -> Slice:
        listeners = list(self.listeners)
        look = partial(_look, cursor=cursor, listeners=listeners)
        entries, prepared = await asyncio.wrap_future(self.store.submit_read(look))
        if entries and entries[0]["seq"] != cursor + 1:
            log.warning("entries of the journal went before they were read", after=cursor, first=entries[0]["seq"])
            for listener in list(self.listeners):
                listener.fail("changes were lost before they could be told")
            cursor = entries[0]["seq"] - 1
        part = Slice(cursor, entries[-1]["seq"] if entries else cursor, entries)
        for listener in list(self.listeners):
            ready = prepared.get(listener)
            if isinstance(ready, Exception):
                listener.fail("an internal error; the server's log says more")
            else:
                listener.hear(part, ready)
        return part


def _look(snapshot: Read, cursor: int, listeners: Sequence[Listener]) -> tuple[list[Entry], dict[Listener, Any]]:
    """Read a slice and make it ready for each listener; where that fails, its exception stands for it."""
    entries = journal.after(snapshot, cursor, SLICE)
    return entries, {listener: _ready(listener, snapshot, entries) for listener in listeners}


def _ready(listener: Listener, snapshot: Read, entries: Sequence[Entry]) -> Any:
    try:
        return listener.prepare(snapshot, entries)
    except Unreachable:
        raise
    except Exception as error:
        # one kind of entry that cannot be rendered must not end the stream of all others
        log.exception("entries could not be made ready", listener=repr(listener))
        return error
