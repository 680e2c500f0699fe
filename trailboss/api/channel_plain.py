"""The plain form of the change stream, as v1 has it: which resources changed, each as it is when it is told.

A `Backlog` per subscriber holds the resources that it is still to be told of, each at most once per interval, so that
many changes of one resource cost one event. Documents are rendered once for all who are told at the same time.
Hears from `feed.py`; `subscribe.py` sends. The other form is in `channel_exact.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from trailboss.api import events
from trailboss.api.context import Context
from trailboss.api.events import Entry, Event, Key, View
from trailboss.api.feed import MOST_WAITING, Slice
from trailboss.store.journal import Position
from trailboss.store.transaction import Read

EVERY_S = 1.0
"""Shortest time between two events of one resource, and how long its document is good for others too."""
BATCH = 50
"""Resources that are read and rendered at once."""


@dataclass(frozen=True)
class Due:
    """A resource that is to be told now. behind: number of the entry up to which nothing is missing after it."""

    key: Key
    behind: int


class Backlog:
    """The resources that a listener is still to be told of, oldest change first; each at most once per interval.

    clock: seconds, going forward only. heard: number of the newest entry that was looked at.
    """

    def __init__(self, every_s: float, clock: Callable[[], float], heard: int = 0) -> None:
        self.every_s, self.clock, self.heard = every_s, clock, heard
        self._due: dict[Key, tuple[float, int]] = {}
        self._told: dict[Key, float] = {}

    def __len__(self) -> int:
        return len(self._due)

    def add(self, key: Key, seq: int) -> None:
        """Note a change by the entry `seq`. A resource that is noted already is told once, as it will be by then."""
        if key not in self._due:
            now = self.clock()
            self._due[key] = max(now, self._told.get(key, now - self.every_s) + self.every_s), seq

    @property
    def behind(self) -> int:
        """Number of the entry up to which everything has been taken."""
        # the oldest comes first: a key is put in with its first entry, and taken out whole
        return next((seq - 1 for _, seq in self._due.values()), self.heard)

    def next_due(self) -> float | None:
        """Return when there is something to tell; None if there is nothing."""
        return min((due for due, _ in self._due.values()), default=None)

    def take(self, most: int) -> list[Due]:
        """Return what is to be told now, and count it as told."""
        now = self.clock()
        self._told = {key: at for key, at in self._told.items() if at + self.every_s > now}
        taken = [(key, seq) for key, (due, seq) in self._due.items() if due <= now][:most]
        for key, _ in taken:
            del self._due[key]
            self._told[key] = now
        rest = self.behind
        following = [seq - 1 for _, seq in taken[1:]] + [rest]
        return [Due(key, min(rest, seq)) for (key, _), seq in zip(taken, following, strict=False)]


class Plain:
    """The subscribers of a view, and the documents of what they were told of last."""

    def __init__(self, view: View, context: Context) -> None:
        self.view, self.context = view, context
        self.sources: set[PlainSource] = set()
        self._shown: dict[Key, tuple[float, asyncio.Future[list[dict[str, Any]]], int]] = {}

    def enter(self, position: Position) -> PlainSource:
        """Return the source of a new subscriber; take it out of `sources` when that is gone."""
        source = PlainSource(self, position)
        self.sources.add(source)
        return source

    def prepare(self, snapshot: Read, entries: Sequence[Entry]) -> None:
        """Make nothing: what changed is read when it is told."""

    def hear(self, part: Slice, prepared: None) -> None:
        """Note which resources changed."""
        changed = [((entry["type"], entry["id"]), entry["seq"]) for entry in part.entries if self.view.concerns(entry)]
        for key, _ in changed:
            self._shown.pop(key, None)
        for source in self.sources:
            source.backlog.heard = max(source.backlog.heard, part.reached)
            for key, seq in changed:
                source.backlog.add(key, seq)
            if changed:
                source.wake.set()

    def fail(self, because: str) -> None:
        """End all subscriptions: what was lost cannot be told."""
        for source in self.sources:
            source.failure = because
            source.wake.set()

    async def shown(self, keys: Sequence[Key]) -> list[dict[str, Any]]:
        """Return what is told of resources, as they are now or were after their last change. Raises Unreachable."""
        now = time.monotonic()
        for key in [key for key, (at, _, _) in self._shown.items() if at + EVERY_S < now]:
            del self._shown[key]
        missing = [key for key in keys if key not in self._shown]
        if missing:
            look = partial(events.changes, keys=missing, view=self.view)
            reading = asyncio.ensure_future(self.context.read(look))
            reading.add_done_callback(_retrieve)
            self._shown |= {key: (now, reading, number) for number, key in enumerate(missing)}
        found = [self._shown[key] for key in keys]
        return [(await asyncio.shield(reading))[number] for _, reading, number in found]


def _retrieve(reading: asyncio.Future[Any]) -> None:
    """Look at how a reading ended: nobody may be waiting for it any more."""
    if not reading.cancelled():
        reading.exception()


class PlainSource:
    """What one subscriber is still to be told: the resources of its backlog."""

    def __init__(self, channel: Plain, position: Position) -> None:
        self.channel = channel
        self.backlog = Backlog(EVERY_S, time.monotonic, position.seq)
        self.wake = asyncio.Event()
        self.failure: str | None = None

    @property
    def position(self) -> Position:
        """The position behind what was taken."""
        return self.channel.view.position(self.backlog.behind)

    def next_due(self) -> float | None:
        """Return the moment at which a resource may be told again."""
        return self.backlog.next_due()

    def is_behind(self) -> bool:
        """Say whether too many resources wait."""
        return len(self.backlog) > MOST_WAITING

    async def take(self) -> list[Event]:
        """Return the events that are due. Raises Unreachable."""
        due = self.backlog.take(BATCH)
        told = await self.channel.shown([each.key for each in due]) if due else []
        return [
            events.change(about, self.channel.view.position(each.behind)) for each, about in zip(due, told, strict=True)
        ]
