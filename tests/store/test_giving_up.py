"""A caller that no longer waits for its write takes nobody else's with it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import trailboss.resources  # noqa: F401  (declares the types)
from trailboss.store import migrations
from trailboss.store.store import Store


@pytest.fixture
def store(tmp_path: Path):
    store = Store(f"sqlite:///{tmp_path}/t.db")
    migrations.upgrade(store.database)
    store.start()
    yield store
    store.close()


def test_a_write_that_was_given_up_while_it_waited_is_not_run_and_others_of_its_group_are(store: Store) -> None:
    entered, gate = threading.Event(), threading.Event()

    def slow(tx):
        entered.set()
        gate.wait(10)

    first = store.submit(slow)
    assert entered.wait(10)
    given_up = store.submit(lambda tx: tx.set_fact("given-up", "1"))
    kept = store.submit(lambda tx: tx.set_fact("kept", "1"))
    assert given_up.cancel()
    gate.set()
    first.result(10)
    kept.result(10)
    assert store.read(lambda r: (r.fact("given-up"), r.fact("kept"))) == (None, "1")


def test_a_write_that_runs_can_no_longer_be_given_up(store: Store) -> None:
    entered, gate = threading.Event(), threading.Event()

    def slow(tx):
        entered.set()
        gate.wait(10)
        tx.set_fact("done", "1")

    running = store.submit(slow)
    assert entered.wait(10)
    assert not running.cancel()
    gate.set()
    running.result(10)
    assert store.write(lambda tx: tx.fact("done")) == "1"
