"""Runs functions on the database: `write(fn)` in one writer thread with group commit, `read(fn)` in a small pool.

All writes that wait when the writer becomes free go into one commit, each behind its own savepoint, so one that fails
takes no other with it. A result is given back only after the commit, so what a caller has been told is durable.
Listeners hear of each commit afterwards, in order. The same code serves SQLite and PostgreSQL.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg
import structlog
from prometheus_client import Counter, Histogram

from trailboss.errors import Lost, Unreachable
from trailboss.store import journal
from trailboss.store.database import Connection, Database
from trailboss.store.transaction import Entry, Read, Statements, Tx

T = TypeVar("T")

log = structlog.get_logger()

GROUP = 64
"""Most functions in one commit."""
RETRIES = 10
_AGAIN = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)

COMMIT_SECONDS = Histogram("trailboss_store_commit_seconds", "Time of one commit of the writer")
GROUP_SIZE = Histogram("trailboss_store_group_size", "Functions in one commit", buckets=(1, 2, 4, 8, 16, 32, 64))
LOST = Counter("trailboss_store_lost_total", "Transactions run again because a row had changed")


@dataclass(frozen=True)
class Commit:
    """What a group of transactions has made durable. head: number of its newest journal entry.
    due: earliest moment (ms) at which work marked in it wants to be done; None if none was."""

    head: int
    entries: tuple[Entry, ...]
    due: int | None


@dataclass
class _Job:
    fn: Callable[[Tx], Any]
    cause: str
    actor: int | None
    future: Future[Any] = field(default_factory=Future)


def now_ms() -> int:
    """Return the present moment in ms since 1970."""
    return time.time_ns() // 1_000_000


class Store:
    """The one door to the database. clock: returns ms; tests hand in their own."""

    def __init__(self, url: str, *, readers: int = 4, clock: Callable[[], int] = now_ms) -> None:
        self.database = Database(url)
        journal.prepare(self.database)
        self.statements = Statements(self.database)
        self.clock = clock
        self._listeners: list[Callable[[Commit], None]] = []
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._local = threading.local()
        self._open: list[Connection] = []
        self._pool = ThreadPoolExecutor(readers, thread_name_prefix="read")
        self._writer = threading.Thread(target=self._run, name="writer", daemon=True)
        self._started = False
        self.crash: Callable[[str], None] = lambda point: None
        """Called at every durable step, with its name: where fault tests make the process die."""

    def start(self) -> None:
        """Begin to write. The schema must be there (`migrations.upgrade`)."""
        self._started = True
        self._writer.start()

    def close(self) -> None:
        """Finish what was asked for, then close every connection."""
        if self._started:
            self._jobs.put(None)
            self._writer.join(timeout=30)
        self._pool.shutdown(wait=True)
        for connection in self._open:
            connection.close()

    def listen(self, listener: Callable[[Commit], None]) -> Callable[[], None]:
        """Call a function (on the writer thread; it must not block) after each commit. Returns how to stop it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def submit(self, fn: Callable[[Tx], T], *, cause: str = "", actor: int | None = None) -> Future[T]:
        """Run a function in a transaction; the future is done after its commit."""
        job = _Job(fn, cause, actor)
        self._jobs.put(job)
        return job.future

    def write(self, fn: Callable[[Tx], T], *, cause: str = "", actor: int | None = None) -> T:
        """Run a function in a transaction and wait for its commit. Raises what it raises, or Unreachable."""
        return self.submit(fn, cause=cause, actor=actor).result()

    def submit_read(self, fn: Callable[[Read], T]) -> Future[T]:
        """Run a function on a snapshot in a reader's thread."""
        return self._pool.submit(self.read, fn)

    def read(self, fn: Callable[[Read], T]) -> T:
        """Run a function on a snapshot, here. Raises Unreachable."""
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self.database.connect()
            self._open.append(connection)
        try:
            connection.run("BEGIN ISOLATION LEVEL REPEATABLE READ" if self.database.is_postgres else "BEGIN")
            result = fn(Read(connection, self.statements, self.clock()))
            connection.run("COMMIT")
            return result
        except BaseException as error:
            self._drop(connection, error)
            raise

    def _drop(self, connection: Connection, error: BaseException) -> None:
        """Roll a reader back; forget its connection if it is broken."""
        try:
            connection.run("ROLLBACK")
        except (Unreachable, psycopg.Error, sqlite3.Error):
            log.warning("a reader's connection is lost", error=str(error))
            self._open.remove(connection)
            self._local.connection = None

    # --- the writer ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        connection: Connection | None = None
        while True:
            job = self._jobs.get()
            if job is None:
                break
            group, stop = self._gather(job)
            if group:
                connection = self._settle(connection, group)
            if stop:
                break
        if connection is not None:
            connection.close()

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        """Return what waits, first come first served, without what its callers have given up by now."""
        group: list[_Job] = []
        job: _Job | None = first
        while job is not None:
            # From here on it cannot be cancelled, so that nobody's impatience disturbs the group after its commit.
            if job.future.set_running_or_notify_cancel():
                group.append(job)
            if len(group) == GROUP:
                return group, False
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _settle(self, connection: Connection | None, group: list[_Job]) -> Connection | None:
        """Commit a group, again where another server was in the way; return the connection if it is still good."""
        for attempt in range(RETRIES + 1):
            try:
                connection = connection or self.database.connect()
                self._commit(connection, group)
                return connection
            except Exception as error:
                log.warning("a commit failed", error=str(error), size=len(group))
                connection = self._reset(connection) if connection else None
                if isinstance(error, _AGAIN) and attempt < RETRIES:
                    continue
                self._fail(group, error)
                return connection
        raise AssertionError("the last attempt returns")

    def _reset(self, connection: Connection) -> Connection | None:
        try:
            connection.run("ROLLBACK")
            return connection
        except Exception as error:
            log.warning("the writer's connection is lost", error=str(error))
            try:
                connection.close()
            except (psycopg.Error, sqlite3.Error) as closing:
                log.warning("closing it failed too", error=str(closing))
            return None

    def _fail(self, group: list[_Job], error: Exception) -> None:
        for job in group:
            if not job.future.done():
                job.future.set_exception(error if isinstance(error, Unreachable) else Unreachable(str(error)))

    def _commit(self, connection: Connection, group: list[_Job]) -> None:
        started = time.perf_counter()
        connection.run(self.database.begin)
        entries: list[Entry] = []
        due: list[int] = []
        done: list[tuple[_Job, Any, Exception | None]] = []
        for job in group:
            done.append((job, *self._attempt(connection, job, entries, due)))
        head = journal.append(connection, entries) if entries else 0
        self.crash("before-commit")
        connection.run("COMMIT")
        self.crash("after-commit")
        COMMIT_SECONDS.observe(time.perf_counter() - started)
        GROUP_SIZE.observe(len(group))
        commit = Commit(head, tuple(entries), min(due, default=None))
        for job, result, error in done:
            if error is not None:
                job.future.set_exception(error)
            else:
                job.future.set_result(result)
        if entries or due:
            for listener in list(self._listeners):
                listener(commit)

    def _attempt(
        self, connection: Connection, job: _Job, entries: list[Entry], due: list[int]
    ) -> tuple[Any, Exception | None]:
        """Run one function behind a savepoint; after Lost, again."""
        for attempt in range(RETRIES + 1):
            tx = Tx(connection, self.statements, self.clock(), cause=job.cause, actor=job.actor)
            connection.run("SAVEPOINT job")
            try:
                result = job.fn(tx)
            except _AGAIN:
                raise
            except Exception as error:
                if isinstance(error, Unreachable):
                    raise
                connection.run("ROLLBACK TO SAVEPOINT job")
                connection.run("RELEASE SAVEPOINT job")
                if isinstance(error, Lost) and attempt < RETRIES:
                    LOST.inc()
                    continue
                return None, error
            connection.run("RELEASE SAVEPOINT job")
            entries += tx.entries
            if tx.earliest is not None:
                due.append(tx.earliest)
            return result, None
        raise AssertionError("the last attempt returns")
