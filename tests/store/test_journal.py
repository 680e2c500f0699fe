"""The journal has the order of the commits, without a gap for a reader that goes on from the highest number."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import pytest

from tests.databases import OpenStore
from tests.waiting import eventually
from trailboss.resources.agent import Agent
from trailboss.resources.credential import ApiKey
from trailboss.resources.host import Host
from trailboss.resources.instance import Container
from trailboss.store import journal
from trailboss.store.database import Connection
from trailboss.store.store import Commit, Store
from trailboss.store.transaction import Read, Tx


def make_host(tx: Tx, name: str = "h") -> Host:
    return tx.insert(Host, name=name, account_id=7, state="active")


def entries(store: Store) -> list[dict]:
    return store.read(lambda read: journal.after(read, 0))


def test_a_change_is_journaled_with_old_and_new_value_actor_and_cause(store: Store) -> None:
    host = store.write(make_host)
    store.write(lambda tx: tx.change(host, name="two", message="renamed"), cause="request-1", actor=3)
    made, changed = entries(store)
    assert made["change"]["name"] == [None, "h"]
    assert changed["change"] == {"name": ["h", "two"], "message": [None, "renamed"]}
    assert (changed["type"], changed["id"], changed["account_id"]) == ("host", host.id, 7)
    assert (changed["actor"], changed["cause"], changed["message"]) == (3, "request-1", "renamed")


def test_an_entry_names_the_host_that_the_row_sits_on(store: Store) -> None:
    store.write(lambda tx: tx.insert(Container, account_id=1, host_id=12))
    assert entries(store)[0]["host_id"] == 12


def test_numbers_follow_without_gap_whatever_fails_in_between(store: Store) -> None:
    def fail(tx: Tx) -> None:
        make_host(tx)
        raise KeyError("on purpose")

    for _ in range(3):
        store.write(make_host)
        with pytest.raises(KeyError):
            store.write(fail)
    assert [e["seq"] for e in entries(store)] == [1, 2, 3]
    assert store.read(journal.head) == 3


def test_volatile_fields_never_reach_the_journal(store: Store) -> None:
    host = store.write(lambda tx: tx.insert(Host, name="h", info={"memory": 1}, state="active"))
    store.write(lambda tx: tx.change(host, info={"memory": 2}))
    assert len(entries(store)) == 1
    assert "info" not in entries(store)[0]["change"]
    assert store.read(lambda read: read.require(Host, host.id)).info == {"memory": 2}


def test_secrets_appear_only_as_changed(store: Store) -> None:
    key = store.write(lambda tx: tx.insert(ApiKey, public_value="P", secret_value="top-secret-1"))
    store.write(lambda tx: tx.change(key, secret_value="top-secret-2"))
    store.write(lambda tx: tx.insert(Agent, uri="x", registration_key="top-secret-3"))
    store.write(lambda tx: tx.insert(Container, account_id=1, token="top-secret-4"))
    found = entries(store)
    assert found[0]["change"]["secretValue"] == ["changed"]
    assert found[1]["change"] == {"secretValue": ["changed"]}
    assert "top-secret" not in str(found)


def test_only_the_newest_entries_are_kept(store: Store) -> None:
    with mock.patch.object(journal, "KEEP", 50), mock.patch.object(journal, "_SLICE", 10):
        for _ in range(12):
            store.write(lambda tx: [make_host(tx) for _ in range(10)] and None)
    assert store.read(journal.head) == 120
    assert store.read(journal.first) == 71
    assert len(entries(store)) == 50


def test_entries_go_when_they_are_too_old_however_few(open_store: OpenStore) -> None:
    now = [1_000_000]
    store = open_store(clock=lambda: now[0])
    store.write(make_host)
    now[0] += journal.KEEP_MS
    store.write(make_host)
    assert store.write(journal.prune) == 0, "exactly at the age it is still there"
    now[0] += 1
    assert store.write(journal.prune) == 1
    assert [e["seq"] for e in entries(store)] == [2]


def test_a_listener_hears_of_every_commit_of_every_server_in_order(open_store: OpenStore) -> None:
    servers = [open_store()] if "sqlite" in open_store().database.url else [open_store(), open_store()]
    heard: list[int] = []

    def hear(commit: Commit) -> None:
        if commit.entries:
            heard.append(commit.head)
            counts.append(len(commit.entries))

    counts: list[int] = []
    servers[0].listen(hear)
    futures = [server.submit(make_host) for _ in range(40) for server in servers]
    for future in futures:
        future.result(60)
    eventually(lambda: sum(counts) == len(futures), what="all entries are heard")
    assert heard == sorted(heard)
    assert heard[-1] == len(futures)


def test_a_listener_hears_when_marked_work_is_due(open_store: OpenStore) -> None:
    now = 5_000_000
    store = open_store(clock=lambda: now)
    heard: list[Commit] = []
    store.listen(heard.append)

    def is_heard() -> bool:
        # again until it is: a wake-up that nobody listens to yet is lost, which polling makes good
        store.write(lambda tx: tx.mark(Host, 1, after_s=3))
        return any(c.due == now + 3000 for c in heard)

    eventually(is_heard)


def test_a_listener_that_fails_harms_no_caller_and_no_other_listener(store: Store) -> None:
    heard: list[Commit] = []

    def fail(commit: Commit) -> None:
        raise RuntimeError("on purpose")

    store.listen(fail)
    store.listen(heard.append)
    store.write(make_host)
    eventually(lambda: heard)
    store.write(make_host)


# --- many writers and a reader, on several servers -------------------------------------------------------------------


def rows_missed_by_a_reader(servers: list[Store], reader: Store, each: int = 60) -> list[int]:
    """Write from all servers at once, while a reader goes on from the highest number it has seen; return what it
    missed."""
    seen: list[int] = []
    done = threading.Event()

    def read_on(read: Read) -> list[int]:
        return [entry["seq"] for entry in journal.after(read, seen[-1] if seen else 0)]

    def follow() -> None:
        while True:
            is_last_round = done.is_set()
            seen.extend(reader.read(read_on))
            if is_last_round:
                return

    follower = threading.Thread(target=follow)
    follower.start()
    writers = [
        threading.Thread(target=lambda s=server: [s.write(make_host) for _ in range(each)]) for server in servers
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    done.set()
    follower.join(60)
    assert seen == sorted(seen)
    everything = [row[0] for row in reader.read(lambda read: read.run("SELECT seq FROM journal ORDER BY seq"))]
    assert len(everything) == each * len(servers)
    return sorted(set(everything) - set(seen))


@contextmanager
def slow_commits() -> Iterator[None]:
    """Make the last step before some commits slow, so that commits overtake one another if they can."""
    run = Connection.run

    def slow(self: Connection, statement: object, params: object = None) -> object:
        if statement == "COMMIT" and threading.current_thread().name == "writer" and time.monotonic_ns() % 3 == 0:
            time.sleep(0.01)
        return run(self, statement, params)  # type: ignore[arg-type]

    with mock.patch.object(Connection, "run", slow):
        yield


@contextmanager
def numbers_without_the_lock() -> Iterator[None]:
    """Number entries by a sequence of the database, as one would without knowing better."""

    def append(connection: Connection, found: list) -> int:
        last = 0
        for entry in found:
            last = connection.run("SELECT nextval('unlocked')")[0][0]
            connection.run(
                "INSERT INTO journal (seq, at, cause, type, id, change) VALUES (%(s)s, 0, '', %(t)s, %(i)s, '{}')",
                {"s": last, "t": entry.type, "i": entry.id},
            )
        return last

    with mock.patch.object(journal, "append", append):
        yield


on_postgres = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.mark.postgres
@on_postgres
def test_a_reader_misses_no_entry_of_many_servers(open_store: OpenStore) -> None:
    servers = [open_store() for _ in range(4)]
    with slow_commits():
        assert rows_missed_by_a_reader(servers, open_store()) == []


@pytest.mark.postgres
@on_postgres
def test_without_the_lock_a_reader_would_miss_entries(open_store: OpenStore) -> None:
    reader = open_store()
    reader.write(lambda tx: tx.run("CREATE SEQUENCE unlocked") and None)
    servers = [open_store() for _ in range(4)]
    with slow_commits(), numbers_without_the_lock():
        missed = eventually(lambda: _try_to_miss(servers, reader), within=60, what="an entry is missed")
    assert missed


def _try_to_miss(servers: list[Store], reader: Store) -> list[int]:
    reader.write(lambda tx: tx.run("DELETE FROM journal"))
    return rows_missed_by_a_reader(servers, reader)
