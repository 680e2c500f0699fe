"""When API keys were used last: noted in the key's row, rarely, and never in the way of a request."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

import structlog

from trailboss.errors import Lost, Unreachable
from trailboss.resources.credential import ApiKey

if TYPE_CHECKING:
    from trailboss.api.access import Caller
    from trailboss.store.store import Store
    from trailboss.store.transaction import Tx

log = structlog.get_logger()

EVERY_MS = 600_000
"""How exactly it is noted."""


class Uses:
    """Notes when keys were used."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._under_way: set[int] = set()

    def note(self, caller: Caller, now: int) -> None:
        """Note that a caller's key was used, unless that was noted a short time ago."""
        key = caller.key
        if key is None or key in self._under_way or now - (caller.key_used or 0) < EVERY_MS:
            return
        self._under_way.add(key)

        def write(tx: Tx) -> None:
            row = tx.get(ApiKey, key)
            if row is not None:
                tx.change(row, last_used=now)

        def done(future: Future[None]) -> None:
            self._under_way.discard(key)
            if isinstance(error := future.exception(), Lost | Unreachable):
                log.info("the use of a key was not noted", key=key, error=str(error))
            elif error is not None:
                log.error("the use of a key was not noted", key=key, exc_info=error)

        self._store.submit(write, cause="last-use").add_done_callback(done)
