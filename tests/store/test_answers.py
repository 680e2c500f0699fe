"""Kept answers: found by who was given them, there or not together with what was done, bounded."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import func, select

from tests.databases import OpenStore
from trailboss.resources.host import Host
from trailboss.store import answers
from trailboss.store.answers import Answer
from trailboss.store.store import Store
from trailboss.store.tables import answer
from trailboss.store.transaction import Tx

DAY_MS = 24 * 3_600_000


class Clock:
    """Time that stands still until it is moved. Counts ms."""

    now = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(open_store: OpenStore, clock: Clock) -> Store:
    return open_store(clock=clock)


def given(body: str = "{}") -> Answer:
    return Answer("digest", 201, {"ETag": '"1"'}, body)


def keep(store: Store, key: str, body: str = "{}", caller: int = 5) -> None:
    store.write(lambda tx: answers.keep(tx, caller, key, given(body)))


def find(store: Store, key: str, caller: int = 5) -> Answer | None:
    return store.read(lambda read: answers.find(read, caller, key))


def count(store: Store) -> int:
    found: int = store.read(lambda read: read.run(select(func.count()).select_from(answer)))[0][0]
    return found


def test_an_answer_is_found_by_its_caller_and_by_nobody_else(store: Store) -> None:
    keep(store, "a", '{"id": "1h1"}')
    assert find(store, "a") == given('{"id": "1h1"}')
    assert find(store, "a", caller=6) is None
    assert find(store, "b") is None


def test_after_a_day_an_answer_is_gone_and_its_key_is_free(store: Store, clock: Clock) -> None:
    keep(store, "a", '"old"')
    clock.now += DAY_MS - 1
    assert find(store, "a") is not None
    clock.now += 1
    assert find(store, "a") is None
    keep(store, "a", '"new"')
    assert find(store, "a") == given('"new"')
    assert count(store) == 1


def test_old_answers_are_taken_away_although_nobody_asks_for_them(store: Store, clock: Clock) -> None:
    keep(store, "a")
    clock.now += DAY_MS // 2
    keep(store, "b")
    clock.now += DAY_MS // 2
    assert store.write(answers.prune) == 1
    assert count(store) == 1
    assert find(store, "b") is not None


def test_the_oldest_of_too_many_answers_go_and_those_of_others_stay(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "KEEP", 60)
    keep(store, "of another", caller=6)
    for number in range(200):
        keep(store, str(number))
    assert count(store) <= 1 + 60 + answers._EVERY
    assert find(store, "139") is None
    assert find(store, "140") is not None
    assert find(store, "of another", caller=6) is not None


def test_the_oldest_of_too_large_answers_go(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    large = "x" * (answers._LARGE + 1)
    monkeypatch.setattr(answers, "KEEP_BYTES", 3 * len(large))
    for number in range(5):
        keep(store, str(number), large)
    assert [find(store, str(number)) is not None for number in range(5)] == [False, False, True, True, True]


def test_what_two_servers_do_at_once_under_one_key_is_done_once(open_store: OpenStore) -> None:
    servers = [open_store() for _ in range(3)]
    together = threading.Barrier(len(servers))
    told: list[str] = []

    def do_once(tx: Tx) -> str:
        before = answers.find(tx, 5, "key")
        if before is not None:
            return before.body
        host = tx.insert(Host, name="h", state="active")
        answers.keep(tx, 5, "key", given(f'"{host.id}"'))
        return f'"{host.id}"'

    def ask(server: Store) -> None:
        together.wait()
        told.append(server.write(do_once))

    threads = [threading.Thread(target=ask, args=(server,)) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    hosts = servers[0].read(lambda read: read.find(Host))
    assert len(hosts) == 1
    assert told == [f'"{hosts[0].id}"'] * 3
