"""Kill -9 at any moment: what was acknowledged is there, and who goes on needs no help."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from tests.databases import Postgres, a_postgres
from tests.waiting import eventually
from trailboss.errors import Uncertain, Unreachable
from trailboss.resources.host import Host
from trailboss.store import journal, migrations
from trailboss.store.database import Database
from trailboss.store.store import Commit, Store

ROOT = Path(__file__).parents[2]


def run_and_kill(url: str, chance: random.Random) -> list[str]:
    """Let a process write, kill it at some moment, return the names that it says were acknowledged."""
    writer = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("writer_main.py")), url],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert writer.stdout is not None
    said = [writer.stdout.readline() for _ in range(chance.randrange(1, 200))]
    time.sleep(chance.random() * 0.02)
    os.killpg(writer.pid, signal.SIGKILL)
    said += writer.stdout.read().splitlines(keepends=True)
    writer.wait()
    return [line.decode().strip() for line in said if line.endswith(b"\n")]


def names(store: Store) -> set[str]:
    return {host.name for host in store.read(lambda read: read.find(Host))}


def check_kills(url: str, seed: int, times: int) -> None:
    chance = random.Random(seed)
    acknowledged: list[str] = []
    for _ in range(times):
        acknowledged += run_and_kill(url, chance)
        store = Store(url)
        present = names(store)
        assert set(acknowledged) <= present
        journaled = store.read(lambda read: read.run("SELECT count(*), min(seq), max(seq) FROM journal"))[0]
        assert journaled == (len(present), 1, len(present)), "a row and its entry are there together, or neither"
        store.close()
    assert len(acknowledged) == len(set(acknowledged)) > times


@pytest.mark.crash
def test_a_killed_writer_loses_nothing_that_it_acknowledged(database_url: str) -> None:
    check_kills(database_url, seed=1, times=4)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_writer_killed_often_loses_nothing_that_it_acknowledged(database_url: str) -> None:
    check_kills(database_url, seed=random.randrange(10**6), times=100)


# --- the database dies under a running server ------------------------------------------------------------------------


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A server that the test may kill."""
    with a_postgres() as server:
        yield server


def open_on(server: Postgres) -> Store:
    url = server.url(server.create())
    migrations.upgrade(Database(url))
    store = Store(url)
    store.start()
    return store


class Writing:
    """A thread that writes on and on and notes what it was told about each write."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.done: list[str] = []
        self.refused: list[str] = []
        self.uncertain: list[str] = []
        self.other: list[Exception] = []
        self.longest_s = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        number = 0
        while not self._stop.is_set():
            name = f"{id(self)}-{number}"
            number += 1
            began = time.monotonic()
            try:
                self.store.write(lambda tx, name=name: tx.insert(Host, name=name, account_id=1, state="active"))
                self.done.append(name)
            except Uncertain:
                self.uncertain.append(name)
            except Unreachable:
                self.refused.append(name)
                time.sleep(0.01)
            except Exception as error:
                self.other.append(error)
            self.longest_s = max(self.longest_s, time.monotonic() - began)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)


@pytest.mark.crash
@pytest.mark.postgres
def test_a_server_outlives_its_database_being_killed_and_started_again(own_postgres: Postgres) -> None:
    store = open_on(own_postgres)
    heard: list[int] = []
    store.listen(lambda commit: heard.extend(e.id for e in commit.entries))
    writing = [Writing(store) for _ in range(4)]
    for _ in range(2):
        written = len(writing[0].done)
        eventually(lambda written=written: len(writing[0].done) > written + 20, within=60)
        own_postgres.kill()
        refused = len(writing[0].refused)
        eventually(lambda refused=refused: len(writing[0].refused) > refused, what="writes are refused")
        with pytest.raises(Unreachable):
            store.read(lambda read: read.find(Host))
        own_postgres.start()
        written = len(writing[0].done)
        eventually(lambda written=written: len(writing[0].done) > written + 20, within=60, what="writes go on")
    for each in writing:
        each.stop()
    present = names(store)
    for each in writing:
        assert each.other == []
        assert set(each.done) <= present, "acknowledged and lost"
        assert not set(each.refused) & present, "refused and yet done; only an uncertain one may be"
        assert each.longest_s < 15
    count = store.read(lambda read: read.run("SELECT count(*) FROM journal"))[0][0]
    assert store.read(journal.head) == count == len(present)
    eventually(lambda: len(heard) == count, what="the listener has heard of every row")
    assert heard == sorted(heard)
    store.close()


@pytest.mark.crash
@pytest.mark.postgres
def test_nobody_notices_that_the_database_was_restarted_while_nothing_was_asked(own_postgres: Postgres) -> None:
    store = open_on(own_postgres)
    store.write(lambda tx: tx.set_fact("a", "1"))
    assert store.read(lambda read: read.fact("a")) == "1"
    own_postgres.kill()
    own_postgres.start()
    store.write(lambda tx: tx.set_fact("b", "2"))
    assert store.read(lambda read: read.fact("b")) == "2"
    store.close()


@pytest.mark.postgres
def test_a_lost_answer_to_a_commit_is_told_as_uncertain(own_postgres: Postgres) -> None:
    store = open_on(own_postgres)
    store.write(lambda tx: tx.set_fact("a", "1"))
    store.crash = lambda point: own_postgres.kill() if point == "before-commit" else None
    with pytest.raises(Uncertain, match="may have happened or not"):
        store.write(lambda tx: tx.set_fact("b", "2"))
    store.crash = lambda point: None
    own_postgres.start()
    store.write(lambda tx: tx.set_fact("c", "3"))
    store.close()


def test_a_closed_store_refuses_instead_of_waiting_for_ever(store: Store) -> None:
    store.close()
    with pytest.raises(Unreachable):
        store.write(lambda tx: tx.set_fact("a", "1"))


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_notification_that_was_lost_costs_time_and_no_entry(store: Store) -> None:
    heard: list[Commit] = []
    store.listen(heard.append)
    with mock.patch("trailboss.store.store.notify", side_effect=Unreachable):
        store.write(lambda tx: tx.insert(Host, name="h", state="active"))
        eventually(lambda: heard, what="the follower finds it by looking")
