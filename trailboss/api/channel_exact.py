"""The exact form of the change stream: every entry of the journal, one by one, in order, from any position on.

`Exact` makes the events of one view once for all of its subscribers and keeps the newest ones. A subscriber holds no
queue, only how far it has come; where that is further back than what is kept here, the journal itself is read, and
where the journal does not go back that far either, the subscriber is told to list again.
Hears from `feed.py`; `subscribe.py` sends. The other form is in `channel_plain.py`.
"""

from __future__ import annotations

import asyncio
import itertools
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from trailboss.api import events
from trailboss.api.context import Context
from trailboss.api.events import Entry, Event, Placed, View
from trailboss.api.feed import MOST_WAITING, SLICE, Slice
from trailboss.store import journal
from trailboss.store.journal import Position
from trailboss.store.transaction import Read

BATCH = 50
"""Kept events that a subscriber is given at once."""
KEEP_EVENTS, KEEP_BYTES = 1000, 4 * 1024 * 1024
"""What a channel keeps of its newest events."""


@dataclass(frozen=True)
class Piece:
    """A piece of a view's events, read from the journal. is_last: there was no more then."""

    events: Sequence[Event]
    reached: Position
    is_last: bool


class Exact:
    """The newest events of a view: all above `floor`; None while nothing has been heard yet."""

    def __init__(self, view: View, context: Context) -> None:
        self.view, self.context = view, context
        self.sources: set[ExactSource] = set()
        self.floor: int | None = None
        self.reached = 0
        self._newest: deque[Placed] = deque()
        self._bytes = 0
        self._reads: dict[Position, asyncio.Future[Piece]] = {}

    def enter(self, position: Position) -> ExactSource:
        """Return the source of a new subscriber; take it out of `sources` when that is gone."""
        source = ExactSource(self, position)
        self.sources.add(source)
        return source

    def prepare(self, snapshot: Read, entries: Sequence[Entry]) -> list[Placed]:
        """Make the events of entries."""
        return events.placed(snapshot, entries, self.view)

    def hear(self, part: Slice, prepared: list[Placed] | None) -> None:
        """Keep the events of a slice. The first one that was made ready for us is where what is kept begins."""
        if prepared is None:
            return
        is_first = self.floor is None
        if is_first:
            self.floor = part.after
        self.reached = part.reached
        self._newest += prepared
        self._bytes += sum(len(placed.event.body) for placed in prepared)
        while len(self._newest) > KEEP_EVENTS or self._bytes > KEEP_BYTES:
            oldest = self._newest.popleft()
            self._bytes -= len(oldest.event.body)
            self.floor = oldest.seq
        if prepared or is_first:
            self._wake()

    def fail(self, because: str) -> None:
        """Keep nothing: subscribers read the journal, and find out there whether something is lost for them."""
        self.floor = None
        self._newest.clear()
        self._bytes = 0
        self._wake()

    def _wake(self) -> None:
        for source in self.sources:
            source.wake.set()

    def after(self, seq: int) -> list[Placed] | None:
        """Return the next events above a number; None if they are not kept here."""
        if self.floor is None or seq < self.floor:
            return None
        start = bisect_right(self._newest, seq, key=_seq)
        return list(itertools.islice(self._newest, start, start + BATCH))

    def has_more_than(self, most: int, seq: int) -> bool:
        """Say whether more than so many events are above a number."""
        if self.floor is None or seq < self.floor:
            return True
        return len(self._newest) - bisect_right(self._newest, seq, key=_seq) > most

    async def read(self, position: Position) -> Piece:
        """Read what follows a position from the journal, once for all who ask for it at the same time."""
        reading = self._reads.get(position)
        if reading is None:
            reading = asyncio.ensure_future(self.context.read(partial(self._read, position=position)))
            self._reads[position] = reading
            reading.add_done_callback(partial(self._have_read, position))
        return await asyncio.shield(reading)

    def _have_read(self, position: Position, reading: asyncio.Future[Piece]) -> None:
        del self._reads[position]
        if not reading.cancelled():
            reading.exception()  # nobody may be waiting for it any more

    def _read(self, snapshot: Read, position: Position) -> Piece:
        newest = journal.here(snapshot)
        loss = journal.loss(snapshot, position)
        if loss is not None:
            return Piece([events.resync(newest, loss)], newest, True)
        entries = journal.after(snapshot, position.seq, SLICE, self.view.only_account)
        is_last = len(entries) < SLICE
        reached = newest if is_last else self.view.position(entries[-1]["seq"])
        return Piece([placed.event for placed in self.prepare(snapshot, entries)], reached, is_last)


def _seq(placed: Placed) -> int:
    return placed.seq


class ExactSource:
    """What one subscriber is still to be told: all behind its position."""

    failure: str | None = None

    def __init__(self, channel: Exact, position: Position) -> None:
        self.channel, self.position = channel, position
        self.wake = asyncio.Event()
        self._is_checked = False

    def next_due(self) -> None:
        """There is nothing without a wake-up."""

    def is_behind(self) -> bool:
        """Say whether too many events wait."""
        return self.channel.has_more_than(MOST_WAITING, self.position.seq)

    async def take(self) -> list[Event]:
        """Return the next events, and go on behind them. Raises Unreachable."""
        while True:
            # where a client begins is looked at in the journal: it may be no position of this database
            kept = self.channel.after(self.position.seq) if self._is_checked else None
            if kept is not None:
                reached = kept[-1].seq if kept else max(self.position.seq, self.channel.reached)
                self.position = self.channel.view.position(reached)
                return [placed.event for placed in kept]
            piece = await self.channel.read(self.position)
            self._is_checked, self.position = True, piece.reached
            if piece.events or piece.is_last:
                return list(piece.events)
