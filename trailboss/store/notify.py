"""Wake-ups between servers on one PostgreSQL: who commits notifies, and every server reads the journal on.

Notification is an optimisation, polling is the truth: the follower reads all entries above its cursor whenever it is
notified, and every `POLL_S` anyway, so that a lost notification, a lost connection or a restarted database costs time
and no entry. Own commits come the same way, so that all listeners of all servers hear of all commits in one order.
The notification is sent after the commit, outside the transaction: inside, PostgreSQL would make every commit that
notifies wait for one global lock. SQLite has one server, whose writer tells the listeners itself (`store.py`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import structlog

from trailboss.errors import Unreachable
from trailboss.store import journal
from trailboss.store.database import Connection, Database
from trailboss.store.transaction import Entry, Read

log = structlog.get_logger()

CHANNEL = "trailboss"
POLL_S = 1.0
_SLICE_S = 0.2
"""Time between two looks at whether to stop."""
_MOST = 1000


Tell = Callable[[int, tuple[Entry, ...], int | None], None]
"""Takes the number of the newest entry (0 if there is none), the entries, and when work is due (ms, or None)."""


def notify(connection: Connection, due: int | None) -> None:
    """Wake the followers of all servers. Raises Unreachable."""
    connection.run(f"SELECT pg_notify('{CHANNEL}', %(due)s)", {"due": "" if due is None else str(due)})


class Follower:
    """Hands every commit of every server to `tell`, in the order of the journal, on a thread of its own."""

    def __init__(self, database: Database, read: Callable[[Callable[[Read], Any]], Any], tell: Tell) -> None:
        self.database, self.read, self.tell = database, read, tell
        self._cursor = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def start(self) -> None:
        """Begin behind what is in the journal now. Raises Unreachable."""
        self._cursor = self.read(journal.head)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self.database.connect_postgres() as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._follow(connection)
            except (Unreachable, psycopg.OperationalError) as error:
                log.info("the follower waits for the database", error=str(error))
                self._stop.wait(POLL_S)
            except Exception:
                log.exception("the follower goes on after an error")
                self._stop.wait(POLL_S)

    def _follow(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        looked_at = -POLL_S
        while not self._stop.is_set():
            heard = [n.payload for n in connection.notifies(timeout=_SLICE_S, stop_after=1)]
            if heard or time.monotonic() - looked_at >= POLL_S:
                self._deliver([int(payload) for payload in heard if payload])
                looked_at = time.monotonic()

    def _deliver(self, due: list[int]) -> None:
        """Tell what is new in the journal; marks of work that changed no resource come with the notification alone."""
        while True:
            entries = self.read(lambda read: journal.after(read, self._cursor, _MOST))
            if not entries and not due:
                return
            if entries:
                self._cursor = entries[-1]["seq"]
                due = due or [entries[-1]["at"]]
            self.tell(self._cursor if entries else 0, tuple(map(_entry, entries)), min(due, default=None))
            due = []
            if len(entries) < _MOST:
                return


def _entry(row: dict[str, Any]) -> Entry:
    return Entry(**{name: value for name, value in row.items() if name != "seq"})
