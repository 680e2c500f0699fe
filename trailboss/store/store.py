"""Runs functions on the database: `write(fn)` in one writer thread with group commit, `read(fn)` in a small pool.

All writes that wait when the writer becomes free go into one commit, each behind its own savepoint, so one that fails
takes no other with it. A result is given back only after the commit, so what a caller has been told is durable. While
the database is away every call raises Unreachable; a commit whose answer was lost raises Uncertain. Nothing has to be
restarted when it is back. Listeners hear of each commit afterwards, in order: on SQLite from the writer, on PostgreSQL,
where other servers commit too, from the journal (`notify.py`).
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg
import structlog
from prometheus_client import Counter, Histogram

from trailboss.errors import Lost, Uncertain, Unreachable
from trailboss.store import journal
from trailboss.store.database import Connection, Database
from trailboss.store.notify import Follower, notify
from trailboss.store.transaction import Entry, Read, Statements, Tx
from trailboss.store.vault import Vault

T = TypeVar("T")

log = structlog.get_logger()

GROUP = 64
"""Most functions in one commit."""
RETRIES = 10
_AGAIN = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)

COMMIT_SECONDS = Histogram("trailboss_store_commit_seconds", "Time of one commit of the writer")
FUNCTION_SECONDS = Histogram(
    "trailboss_store_function_seconds",
    "Time of one function on the writer's thread; more than 5 ms holds up all others",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1),
)
GROUP_SIZE = Histogram("trailboss_store_group_size", "Functions in one commit", buckets=(1, 2, 4, 8, 16, 32, 64))
LOST = Counter("trailboss_store_lost_total", "Transactions run again because a row had changed")


@dataclass(frozen=True)
class Commit:
    """What transactions have made durable. head: number of the newest journal entry; 0 if there was none.
    due: earliest moment (ms) at which work marked in them wants to be done; None if none was."""

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
    """The one door to the database. vault: seals secrets; without one, another Store cannot read those of this one.
    clock: returns ms; tests hand in their own."""

    def __init__(
        self, url: str, *, vault: Vault | None = None, readers: int = 4, clock: Callable[[], int] = now_ms
    ) -> None:
        self.database = Database(url, vault)
        journal.prepare(self.database)
        self.statements = Statements(self.database)
        self.clock = clock
        self._listeners: list[Callable[[Commit], None]] = []
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._local = threading.local()
        self._open: list[Connection] = []
        self._pool = ThreadPoolExecutor(readers, thread_name_prefix="read")
        self._writer = threading.Thread(target=self._run, name="writer", daemon=True)
        self._follower = Follower(self.database, self.read, self._tell) if self.database.is_postgres else None
        self._started = self._closed = False
        self.crash: Callable[[str], None] = lambda point: None
        """Called at every durable step, with its name: where fault tests make the process die."""

    def start(self) -> None:
        """Begin to write. The schema must be there (`migrations.upgrade`). Raises Unreachable."""
        if self._follower is not None:
            self._follower.start()
        self._started = True
        self._writer.start()

    def close(self) -> None:
        """Finish what was asked for, then close every connection. Later writes raise Unreachable."""
        self._closed = True
        if self._started:
            self._jobs.put(None)
            self._writer.join(timeout=30)
        if self._follower is not None:
            self._follower.stop()
        self._pool.shutdown(wait=True)
        for connection in self._open:
            connection.close()

    def listen(self, listener: Callable[[Commit], None]) -> Callable[[], None]:
        """Call a function after each commit, of any server. It is called in order, on the writer's or the follower's
        thread, so it must not block. Returns how to stop it."""
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def submit(self, fn: Callable[[Tx], T], *, cause: str = "", actor: int | None = None) -> Future[T]:
        """Run a function in a transaction; the future is done after its commit."""
        job = _Job(fn, cause, actor)
        if self._closed:
            job.future.set_exception(Unreachable("the server is shutting down"))
        else:
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
        kept: Connection | None = getattr(self._local, "connection", None)
        if kept is not None:
            try:
                return self._read_on(kept, fn)
            except Unreachable:
                # The connection may be of before the database was restarted; reading again does no harm.
                log.info("a reader connects again")
        connection = self._local.connection = self.database.connect()
        self._open.append(connection)
        return self._read_on(connection, fn)

    def _read_on(self, connection: Connection, fn: Callable[[Read], T]) -> T:
        try:
            connection.run("BEGIN ISOLATION LEVEL REPEATABLE READ" if self.database.is_postgres else "BEGIN")
            result = fn(Read(connection, self.statements, self.clock()))
            connection.run("COMMIT")
            return result
        except BaseException as error:
            if isinstance(error, Unreachable) or not connection.undo():
                self._open.remove(connection)
                self._local.connection = None
                connection.close()
            raise

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
        self._refuse_rest()

    def _refuse_rest(self) -> None:
        """Answer what was asked for after the end."""
        while not self._jobs.empty():
            job = self._jobs.get()
            if job is not None and job.future.set_running_or_notify_cancel():
                job.future.set_exception(Unreachable("the server is shutting down"))

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
        """Commit a group, again where that can succeed; return the connection if it is still good."""
        for attempt in range(RETRIES + 1):
            kept = connection is not None
            try:
                connection = connection or self.database.connect()
                self._commit(connection, group)
                return connection
            except Exception as error:
                if connection is not None and not connection.undo():
                    connection.close()
                    connection = None
                # Two reasons to try again: another server was in the way, or the connection is of before the
                # database was restarted. Without a commit nothing of the group has been done.
                stale = kept and isinstance(error, Unreachable) and not isinstance(error, Uncertain)
                if (isinstance(error, _AGAIN) or stale) and attempt < RETRIES:
                    continue
                log.warning("a commit failed", error=str(error), size=len(group))
                for job in group:
                    job.future.set_exception(error)
                return connection
        raise AssertionError("the last attempt returns")

    def _commit(self, connection: Connection, group: list[_Job]) -> None:
        """Run a group in one transaction. Raises Uncertain if the answer to the commit was lost."""
        started = time.perf_counter()
        connection.run(self.database.begin)
        entries: list[Entry] = []
        due: list[int] = []
        done = [(job, *self._attempt(connection, job, entries, due)) for job in group]
        head = journal.append(connection, entries) if entries else 0
        self.crash("before-commit")
        try:
            connection.run("COMMIT")
        except Unreachable as error:
            raise Uncertain(f"the database went away during the commit: {error}") from error
        self.crash("after-commit")
        COMMIT_SECONDS.observe(time.perf_counter() - started)
        GROUP_SIZE.observe(len(group))
        for job, result, failure in done:
            if failure is not None:
                job.future.set_exception(failure)
            else:
                job.future.set_result(result)
        if entries or due:
            self._announce(connection, head, tuple(entries), min(due, default=None))

    def _announce(self, connection: Connection, head: int, entries: tuple[Entry, ...], due: int | None) -> None:
        """Let listeners know of a commit, here or by way of the database; it is durable whatever happens to that."""
        if self._follower is None:
            self._tell(head, entries, due)
            return
        try:
            notify(connection, due)
        except Unreachable as error:
            log.info("a notification was not sent; others find the commit by looking", error=str(error))

    def _tell(self, head: int, entries: tuple[Entry, ...], due: int | None) -> None:
        commit = Commit(head, entries, due)
        for listener in list(self._listeners):
            try:
                listener(commit)
            except Exception:
                log.exception("a listener failed", head=head)

    def _attempt(
        self, connection: Connection, job: _Job, entries: list[Entry], due: list[int]
    ) -> tuple[Any, Exception | None]:
        """Run one function behind a savepoint; after Lost, again. Returns its result, or what it raised."""
        for attempt in range(RETRIES + 1):
            tx = Tx(connection, self.statements, self.clock(), cause=job.cause, actor=job.actor)
            connection.run("SAVEPOINT job")
            try:
                with FUNCTION_SECONDS.time():
                    result = job.fn(tx)
            except (*_AGAIN, Unreachable):
                raise
            except Exception as error:
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
