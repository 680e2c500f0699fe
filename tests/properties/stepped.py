"""A store whose writer is stepped by the test instead of running in a thread, and that can die at any durable step.

The same code runs as in the server (groups, savepoints, commits, the journal); only who calls it differs: whatever has
been asked for is committed as one group when somebody waits for the first answer. So a run repeats exactly. Nothing is
synced to disk, which only a power cut would notice.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from trailboss.store.database import Connection, Database
from trailboss.store.store import Store, _Job
from trailboss.store.transaction import Statements, Tx

T = TypeVar("T")


_compiled = Statements(Database("sqlite://"))
"""Compiled for all worlds, one after the other: that costs more than running them."""


class Died(BaseException):
    """The server's process is gone. Not an Exception: nothing in a dead process handles it."""


class SteppedStore(Store):
    """A store without threads. path: file of a database that has its schema."""

    def __init__(self, path: Path, clock: Callable[[], int]) -> None:
        super().__init__(f"sqlite:///{path}", readers=1, clock=clock)
        _compiled.database.url = self.database.url
        self.database, self.statements = _compiled.database, _compiled
        self._connection: Connection | None = None

    def submit(self, fn: Callable[[Tx], T], *, cause: str = "", actor: int | None = None) -> Future[T]:
        job = _Job(fn, cause, actor, future=_Stepping(self))
        self._jobs.put(job)
        return job.future

    def pump(self) -> None:
        """Commit all that waits."""
        while not self._jobs.empty():
            job = self._jobs.get()
            assert job is not None
            group, _ = self._gather(job)
            if self._connection is None:
                self._connection = self.database.connect()
                self._connection.run("PRAGMA synchronous=OFF")
            self._connection = self._settle(self._connection, group)

    def die(self) -> None:
        """Let go of the database as a killed process does: without a commit, without a word."""
        for connection in (self._connection, *self._open):
            if connection is not None:
                connection.raw.close()
        self._pool.shutdown()


class _Stepping(Future[Any]):
    """An answer that is worked out when somebody wants it."""

    def __init__(self, store: SteppedStore) -> None:
        super().__init__()
        self._store = store

    def result(self, timeout: float | None = None) -> Any:
        if not self.done():
            self._store.pump()
        return super().result(timeout)
