"""What every request needs besides itself: made once by who composes the server, found at `app.state.context`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from trailboss.api.attempts import Attempts
from trailboss.api.last_use import Uses
from trailboss.api.request import Network
from trailboss.errors import ApiError

if TYPE_CHECKING:
    from trailboss.api.access import Caller
    from trailboss.dispatch.sessions import Dispatcher
    from trailboss.resources.instance.actions import StreamRequest
    from trailboss.store.store import Store
    from trailboss.store.transaction import Read, Tx

T = TypeVar("T")


def _no_streams(wanted: StreamRequest, caller: Caller) -> dict[str, str]:
    raise ApiError(501, message="this server does not serve live streams")


@dataclass
class Context:
    """The parts of a server that serve requests.

    dispatcher: None where no agents are served. hosts: names under which the server is known, besides `localhost`
    and addresses; in open mode requests to other names are refused.
    open_stream: makes a one-time token for a live stream; returns `token` and `url`, a path such as `/v1/logs/`
    (the API puts the websocket form of its own address before it). Called in the event loop, after the commit.
    running: account and key of the requests with a key that are being done (`repeat.py`). uses: of API keys.
    attempts: counts wrong proofs. proxies: networks of the proxies whose X-Forwarded-For is believed.
    """

    store: Store
    dispatcher: Dispatcher | None = None
    hosts: frozenset[str] = frozenset()
    open_stream: Callable[[StreamRequest, Caller], dict[str, str]] = field(default=_no_streams)
    running: set[tuple[int, str]] = field(default_factory=set)
    attempts: Attempts = field(default_factory=Attempts)
    proxies: tuple[Network, ...] = ()
    uses: Uses = field(init=False)

    def __post_init__(self) -> None:
        self.uses = Uses(self.store)

    async def read(self, fn: Callable[[Read], T], *, few: bool = False) -> T:
        """Run a function on one snapshot, in a reader's thread.

        few: it reads a few rows by their keys. From a local file that takes less than the way to another thread and
        back, so there it runs at once, in the event loop.
        """
        if few and not self.store.database.is_postgres:
            return self.store.read(fn)
        return await asyncio.wrap_future(self.store.submit_read(fn))

    async def write(self, fn: Callable[[Tx], T], *, cause: str, actor: int | None) -> T:
        """Run a function in a transaction, in the writer's thread; returns after the commit."""
        return await asyncio.wrap_future(self.store.submit(fn, cause=cause, actor=actor))
