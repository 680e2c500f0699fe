"""One subscription: what was asked for, in words and as a view; and the loop that sends pings and events.

Who asks over which connection, and every way in which a subscription ends from outside, is in `subscribe.py`; what
there is to send comes from a source (`feed.py`).
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from trailboss.api import access, events, sockets
from trailboss.api.events import CHANGE, JOURNAL, Event, Form, View
from trailboss.api.feed import Source
from trailboss.api.request import base_url, target_of
from trailboss.api.schemas import role_view
from trailboss.errors import ApiError
from trailboss.store import journal
from trailboss.store.journal import Position
from trailboss.store.transaction import Read

PING_EVERY_S = 5.0
MOST_PINGS = 8640
STUCK_AFTER_S = 10.0
"""A subscriber that is behind and has not read an event for so long is let go."""
NOW = "now"
"""As a cursor: from here on, in the exact form."""
_NAME = re.compile(r"[0-9A-Za-z*._;=]+")

Send = Callable[[Event], Awaitable[None]]


@dataclass(frozen=True)
class Wish:
    """The words of a request. cursor: a position as text, `now`, or None."""

    names: Sequence[str]
    include: Sequence[str] = ()
    cursor: str | None = None

    def form(self) -> Form:
        """Return what the names mean. Raises ApiError 422."""
        if not self.names:
            raise ApiError(422, "MissingRequired", "say which events: eventNames=resource.change", field="eventNames")
        for name in self.names:
            if not _NAME.fullmatch(name):
                raise ApiError(422, "InvalidCharacters", f"{name!r} is no name of an event", field="eventNames")
        wants_changes = any(_matches(name) for name in self.names)
        if JOURNAL not in (name.partition(";")[0] for name in self.names):
            return "changes" if wants_changes else "pings"
        if wants_changes:
            message = f"{JOURNAL} and {CHANGE} are two forms of the same: ask for one of them"
            raise ApiError(422, "InvalidOption", message, field="eventNames")
        return "journal"

    def position(self) -> Position | None:
        """Return where to go on; None for now. Raises ApiError 422."""
        if self.cursor is None or self.cursor == NOW:
            return None
        position = Position.parse(self.cursor)
        if position is None:
            message = f"{self.cursor!r} is no cursor: take that of the last event, or {NOW!r}"
            raise ApiError(422, "InvalidFormat", message, field="cursor")
        return position


@dataclass(frozen=True)
class Asked:
    """What a subscriber is told, and from where on."""

    view: View
    position: Position


def asked(snapshot: Read, connection: HTTPConnection, wish: Wish) -> Asked:
    """Find out who asks for what. Raises ApiError 401, 403, 422, and 404 for a role that may not subscribe."""
    caller = access.identify(snapshot, connection, target_of(connection.scope["path"]).project)
    if "subscribe" not in role_view(caller.role).types:
        raise ApiError(404, message="subscribe within a project: /v1/projects/<id>/subscribe")
    form, position, here = wish.form(), wish.position(), journal.here(snapshot)
    is_exact = form == "journal" or wish.cursor is not None
    view = events.view_of(caller, form, is_exact, here.incarnation)
    if form == "changes":
        view = events.with_documents(view, caller, base_url(connection) + "/v1", wish.include)
    return Asked(view, position or here)


def _matches(name: str) -> bool:
    """Say whether a name that a subscriber gave means `resource.change`; what follows a `;` is not looked at."""
    pattern = re.escape(name.partition(";")[0]).replace(r"\*", ".*")
    return re.fullmatch(pattern, CHANGE) is not None


@dataclass(eq=False)
class Subscription:
    """One subscriber. send: gives it one event, and returns when there is room for the next."""

    source: Source
    send: Send
    clock: Callable[[], float] = time.monotonic
    sending_since: float | None = field(default=None, init=False)

    @property
    def is_stuck(self) -> bool:
        """Whether the subscriber does not read what piles up before it."""
        since = self.sending_since
        return since is not None and self.clock() - since > STUCK_AFTER_S and self.source.is_behind()

    async def run(self) -> tuple[int, str]:
        """Send pings and events until there were enough pings; return how to close. Raises what `send` raises, and
        Unreachable."""
        pings, next_ping = 0, self.clock()
        while pings < MOST_PINGS:
            if self.clock() >= next_ping:
                await self._send(events.ping(self.source.position))
                pings, next_ping = pings + 1, next_ping + PING_EVERY_S
            self.source.wake.clear()
            if self.source.failure is not None:
                return sockets.TRY_LATER, self.source.failure
            told = await self.source.take()
            for event in told:
                await self._send(event)
            if not told:
                await self._sleep(min(next_ping, self.source.next_due() or next_ping))
        return sockets.NORMAL, "subscribe again: this was long enough"

    async def _sleep(self, until: float) -> None:
        """Wait for a wake-up or a moment."""
        # no wait_for: it would make a task each time, for each event of each subscriber
        wake = self.source.wake
        timer = asyncio.get_running_loop().call_later(max(0.0, until - self.clock()), wake.set)
        try:
            await wake.wait()
        finally:
            timer.cancel()

    async def _send(self, event: Event) -> None:
        self.sending_since = self.clock()
        await self.send(event)
        self.sending_since = None
