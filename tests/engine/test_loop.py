"""The engine's own thread: it wakes for work, shares it with other servers, and survives the database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import pytest

from tests.databases import OpenStore, Postgres
from tests.engine.bench import Bench, hosts_reconciled_by
from tests.waiting import eventually
from trailboss.engine import loop, resync, work
from trailboss.engine.loop import Engine
from trailboss.outcome import Again, Done, Outcome
from trailboss.resources.host import Host
from trailboss.resources.service import Service
from trailboss.store import migrations
from trailboss.store.database import Database
from trailboss.store.store import Store


@contextmanager
def running(*engines: Engine) -> Iterator[None]:
    for engine in engines:
        engine.start()
    try:
        yield
    finally:
        for engine in engines:
            engine.stop()


def add_host(store: Store, state: str = "registering") -> Host:
    def fn(tx):  # type: ignore[no-untyped-def]
        row = tx.insert(Host, name="h", account_id=5, state=state)
        tx.mark(Host, row.id)
        return row

    return store.write(fn)


def is_active(store: Store, host: Host) -> bool:
    return store.read(lambda read: read.require(Host, host.id)).state == "active"


def test_the_engine_wakes_for_what_is_written(open_store: OpenStore) -> None:
    store = open_store()
    with mock.patch.object(loop, "LONGEST_SLEEP_S", 60.0), running(Engine(store, "a")):
        host = add_host(store)
        eventually(lambda: is_active(store, host), within=30)


def test_the_engine_wakes_when_work_becomes_due(open_store: OpenStore) -> None:
    store = open_store()
    looks: list[int] = []

    def decide(host: Host) -> Outcome:
        looks.append(host.id)
        return Again("Waiting", after_s=0.2) if len(looks) < 3 else Done()

    with mock.patch.object(loop, "LONGEST_SLEEP_S", 60.0), hosts_reconciled_by(decide), running(Engine(store, "a")):
        host = add_host(store, "activating")
        eventually(lambda: is_active(store, host), within=30)


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_one_server_writes_wakes_the_engine_of_another(open_store: OpenStore) -> None:
    front, back = open_store(), open_store()
    with mock.patch.object(loop, "LONGEST_SLEEP_S", 60.0), running(Engine(back, "back")):
        host = add_host(front)
        eventually(lambda: is_active(front, host), within=30)


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_engines_of_several_servers_share_the_work_and_each_resource_is_worked_on_by_one(open_store: OpenStore) -> None:
    stores = [open_store() for _ in range(3)]
    inside: set[int] = set()
    both: list[int] = []
    by_thread: set[str] = set()
    lock = threading.Lock()

    def decide(host: Host) -> Outcome:
        with lock:
            if host.id in inside:
                both.append(host.id)
            inside.add(host.id)
            by_thread.add(str(threading.get_ident()))
        with lock:
            inside.discard(host.id)
        return Done()

    with hosts_reconciled_by(decide), running(*(Engine(s, f"server-{n}") for n, s in enumerate(stores))):
        hosts = [add_host(stores[n % 3]) for n in range(60)]
        eventually(lambda: all(is_active(stores[0], host) for host in hosts), within=60)
    assert both == []
    assert len(by_thread) > 1


def test_what_a_dead_server_had_in_hand_is_taken_up_when_its_lease_ends(bench: Bench) -> None:
    bench.insert(Host, state="registering")
    bench.store.write(lambda tx: work.claim(tx, "dead", 10))
    with hosts_reconciled_by(lambda host: Done()) as asked:
        bench.wait(work.LEASE_S)
        assert asked == []
        bench.wait(0.001)
        assert asked == ["registering", "activating"]


def test_a_server_that_starts_again_takes_up_its_own_work_at_once(bench: Bench) -> None:
    host = bench.insert(Host, state="registering")
    bench.store.write(lambda tx: work.claim(tx, "server-1", 10))
    bench.settle()
    assert bench.get(host).state == "active"


def test_an_engine_that_stops_gives_back_what_it_has_claimed(open_store: OpenStore) -> None:
    store = open_store()
    for _ in range(2 * loop.BATCH):
        add_host(store)
    engine = Engine(store, "a")
    engine.run_batch()
    assert engine._claimed
    engine.start()
    engine.stop()
    assert store.read(lambda read: read.run("SELECT count(*) FROM work WHERE claimed_by IS NOT NULL")) == [(0,)]


def test_a_batch_is_claimed_behind_the_last_one_so_that_nothing_waits_for_a_commit_of_its_own(bench: Bench) -> None:
    for _ in range(3 * loop.BATCH):
        bench.insert(Host, state="registering")
    commits: list[int] = []
    bench.store.crash = lambda point: commits.append(1) if point == "after-commit" else None
    looked_at = 0
    while count := bench.engine.run_batch():
        looked_at += count
    assert looked_at == 3 * loop.BATCH
    # forgetting old claims, the first claim, and one or two per batch: the writer may begin before all have been asked
    assert len(commits) <= 2 + 2 * 3 + 1


# --- the slow resync --------------------------------------------------------------------------------------------------


def rows_found(bench: Bench) -> list[tuple[str, int]]:
    """Go through a whole round; return what it found, slice by slice."""
    found: list[tuple[str, int]] = []
    round_ = resync.Round()
    while round_.left:
        found += [(t.type, id) for t, id in bench.store.read(round_.look)]
    return found


def test_the_resync_finds_what_is_on_its_way_or_gone_or_watched_and_has_no_work(bench: Bench) -> None:
    def insert(tx):  # type: ignore[no-untyped-def]
        states = ("activating", "active", "inactive", "removed", "purged")
        hosts = {state: tx.insert(Host, account_id=5, state=state) for state in states}
        services = {state: tx.insert(Service, account_id=5, state=state) for state in ("active", "inactive")}
        busy = tx.insert(Host, account_id=5, state="activating")
        tx.mark(Host, busy.id, after_s=600)
        return hosts, services

    hosts, services = bench.store.write(insert)
    assert rows_found(bench) == [
        ("host", hosts["activating"].id),
        ("host", hosts["removed"].id),
        ("host", hosts["purged"].id),
        ("service", services["active"].id),
    ]


def test_the_resync_goes_in_slices_and_misses_nothing(bench: Bench) -> None:
    def insert(tx):  # type: ignore[no-untyped-def]
        return [tx.insert(Host, account_id=5, state="activating").id for _ in range(25)]

    ids = bench.store.write(insert)
    with mock.patch.object(resync, "SLICE", 10):
        round_ = resync.Round(left=[Host])
        slices = []
        while round_.left:
            slices.append([id for _, id in bench.store.read(round_.look)])
    assert slices == [ids[:10], ids[10:20], ids[20:]]


@pytest.mark.slow
def test_work_that_got_lost_is_done_after_all_and_behind_what_users_wait_for(open_store: OpenStore) -> None:
    store = open_store()
    host = store.write(lambda tx: tx.insert(Host, name="lost", account_id=5, state="activating"))
    with mock.patch.object(loop, "RESYNC_PACE_S", 0.01), running(Engine(store, "a")):
        eventually(lambda: is_active(store, host), within=30)
    store.write(lambda tx: resync.mark(tx, [(Host, host.id)]))
    assert store.read(lambda read: read.run("SELECT priority FROM work")) == [(resync.PRIORITY,)]


# --- the database goes away -------------------------------------------------------------------------------------------


@pytest.mark.crash
@pytest.mark.postgres
def test_the_engine_goes_on_by_itself_after_the_database_was_killed() -> None:
    server = Postgres()
    try:
        server.start()
        url = server.url(server.create())
        migrations.upgrade(Database(url))
        store = Store(url)
        store.start()
        with running(Engine(store, "a")):
            hosts = [add_host(store) for _ in range(20)]
            server.kill()
            server.start()
            hosts += [add_host(store) for _ in range(20)]
            # well within a lease: its own claims are not waited for
            eventually(lambda: all(is_active(store, host) for host in hosts), within=work.LEASE_S / 2)
        store.close()
    finally:
        server.stop()
