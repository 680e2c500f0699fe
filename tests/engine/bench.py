"""An engine that the test steps by hand, on a clock that it sets, with a reconciler that it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from tests.databases import OpenStore
from trailboss.declare import Resource
from trailboss.engine import work
from trailboss.engine.loop import Engine
from trailboss.outcome import Outcome
from trailboss.resources.host import Host
from trailboss.resources.instance import Container


class Bench:
    """now: ms since 1970, as store and engine see it."""

    def __init__(self, open_store: OpenStore) -> None:
        self.now = 1_700_000_000_000
        self.store = open_store(clock=lambda: self.now)
        self.engine = Engine(self.store, "server-1", jitter=lambda: 0.0)

    def insert(self, type_: Any, **values: Any) -> Any:
        """Store a row and mark it as work."""

        def fn(tx: Any) -> Any:
            row = tx.insert(type_, **{"account_id": 5, "name": "x", **values})
            tx.mark(type_, row.id)
            return row

        return self.store.write(fn)

    def get(self, row: Resource) -> Any:
        """Return a row as it is now."""
        return self.store.read(lambda read: read.get(type(row), row.values["id"]))

    def settle(self, most: int = 200) -> None:
        """Work until nothing is due now."""
        for _ in range(most):
            if self.engine.run_batch() == 0:
                return
        raise AssertionError("it does not come to rest")

    def next_due_s(self) -> float | None:
        """Return in how many seconds the next work is due; None if there is none."""
        due = self.store.read(work.next_due)
        return None if due is None else (due - self.now) / 1000

    def wait(self, seconds: float) -> None:
        """Let time pass, then work."""
        self.now += int(seconds * 1000)
        self.settle()


@contextmanager
def hosts_reconciled_by(fn: Callable[[Host], Outcome]) -> Iterator[list[str]]:
    """Let a function decide about hosts; gives the list of states in which it was asked."""
    with _reconciled_by(Host, fn) as asked:
        yield asked


@contextmanager
def containers_reconciled_by(fn: Callable[[Container], Outcome]) -> Iterator[list[str]]:
    """Let a function decide about containers; gives the list of states in which it was asked."""
    with _reconciled_by(Container, fn) as asked:
        yield asked


@contextmanager
def _reconciled_by(type_: Any, fn: Callable[[Any], Outcome]) -> Iterator[list[str]]:
    asked: list[str] = []

    def reconcile(row: Any) -> Outcome:
        asked.append(row.state)
        return fn(row)

    behaviour = type_.behaviour
    with (
        mock.patch.object(behaviour, "load", lambda tx, row: row),
        mock.patch.object(behaviour, "reconcile", reconcile),
        mock.patch.object(behaviour, "settled", None),
    ):
        yield asked
