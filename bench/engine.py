"""How many transitions a second the engine makes on simulated hosts, and transactions the store, on both databases.

The whole server but its HTTP side runs: store, engine, sessions, and hosts of the simulator that answer at once. A
transition is one change of a resource's state in the journal, of all types: services are activated, until all of
their containers run, and then removed. A store's transaction changes a row, with its journal entry, and marks work.
The floor of the same run is a bare driver that does the three statements of such a transaction, 64 in one commit, which
is the most the store puts into one. Rounds are interleaved and each figure is the median of its rounds.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any

import psycopg
import structlog

from bench import databases
from bench.rows import Options, Row, row
from trailboss import states
from trailboss.dispatch.sessions import Dispatcher, Installation
from trailboss.dispatch.simulated import SimulatedHosts
from trailboss.engine.apply import Platform, create
from trailboss.engine.loop import Engine
from trailboss.resources import seed
from trailboss.resources.account import Project
from trailboss.resources.environment import Environment
from trailboss.resources.host import Host
from trailboss.resources.service import Service
from trailboss.resources.setting import environment_name
from trailboss.store import migrations
from trailboss.store.store import GROUP, Commit, Store
from trailboss.store.transaction import Tx

DEADLINE_S = 300


@dataclass(frozen=True)
class Size:
    """How much one round does. transactions: of the store and of the floor."""

    hosts: int
    services: int
    scale: int
    transactions: int
    rounds: int


FULL = Size(hosts=50, services=10, scale=40, transactions=6400, rounds=3)
QUICK = Size(hosts=3, services=2, scale=5, transactions=640, rounds=1)


def run(options: Options) -> list[Row]:
    """Measure SQLite and PostgreSQL."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    os.environ[environment_name("simulator.enabled")] = "true"
    size = QUICK if options.quick else FULL
    floors: dict[str, Callable[[str, int], float]] = {"SQLite": bare_sqlite, "PostgreSQL": bare_postgres}
    figures: dict[tuple[str, str], list[float]] = {}
    for _ in range(size.rounds):
        for name, floor in floors.items():
            for what, figure in one_round(name, floor, size):
                figures.setdefault((name, what), []).append(figure)
    rows = []
    for name in floors:
        of = {what: median(rounds) for (database, what), rounds in figures.items() if database == name}
        bare = (f"bare {name}, {GROUP} in a commit", of["floor"])
        rows.append(row(f"store on {name}", of["store"], "transactions/s", peer=bare))
        rows.append(row(f"engine on {name}", of["engine"], "transitions/s", peer=bare))
    return rows


def one_round(name: str, floor: Callable[[str, int], float], size: Size) -> Iterator[tuple[str, float]]:
    """Yield the figures of one fresh database: floor, store, engine; each is per second."""
    with ExitStack() as stack:
        url = stack.enter_context(databases.sqlite() if name == "SQLite" else databases.postgres())
        yield "floor", floor(url, size.transactions)
        store = Store(url)
        migrations.upgrade(store.database)
        store.start()
        try:
            store.write(lambda tx: seed.seed(tx))
            yield "store", transactions(store, size.transactions)
            yield "engine", asyncio.run(transitions(store, size))
        finally:
            store.close()


def transactions(store: Store, count: int) -> float:
    """Return how many transactions a second the store makes durable when many wait for it."""
    project_id = store.read(lambda read: read.find(Project)[0].id)
    started = time.perf_counter()
    futures = [store.submit(lambda tx, n=n: _change(tx, project_id, n)) for n in range(count)]  # type: ignore[misc]
    for future in futures:
        future.result()
    return count / (time.perf_counter() - started)


def _change(tx: Tx, project_id: int, number: int) -> None:
    project = tx.require(Project, project_id)
    tx.change(project, description=f"change {number}")
    tx.mark(Project, project_id)


async def transitions(store: Store, size: Size) -> float:
    """Return how many transitions a second are made while services start on simulated hosts and go again."""
    count = 0

    def heard(commit: Commit) -> None:
        nonlocal count
        count += sum("state" in entry.change and entry.change["state"][0] is not None for entry in commit.entries)

    engine = Engine(store, "bench")
    dispatcher = Dispatcher(store, Installation("bench", 1, "10.42.0.0/16", "bench0", "bench"))
    simulated = SimulatedHosts(store, dispatcher.serve)
    engine.start()
    await dispatcher.start()
    await simulated.start()
    try:
        await simulated.add_hosts(size.hosts, store.read(lambda read: read.find(Project)[0].id))
        await _until(lambda: _all_in(store, Host, "active", size.hosts))
        unlisten = store.listen(heard)
        started = time.perf_counter()
        await _live_and_die(store, dispatcher, size)
        rate = count / (time.perf_counter() - started)
        unlisten()
        return rate
    finally:
        await simulated.stop()
        await dispatcher.stop()
        await asyncio.to_thread(engine.stop)


async def _live_and_die(store: Store, dispatcher: Dispatcher, size: Size) -> None:
    """Create a stack of services, wait until they are active, remove it, and wait until it is gone."""
    stack_id = await dispatcher.write(lambda tx: _create(tx, size))
    await _until(lambda: _all_in(store, Service, "inactive", size.services))
    await dispatcher.write(_activate)
    await _until(lambda: _all_in(store, Service, "active", size.services))
    await dispatcher.write(lambda tx: _remove(tx, stack_id))
    await _until(lambda: store.read(lambda read: read.require(Environment, stack_id)).removed is not None)


def _create(tx: Tx, size: Size) -> int:
    project_id = tx.find(Project)[0].id
    stack = create(tx, Environment, {"account_id": project_id, "name": "bench"}, Platform())
    for number in range(size.services):
        values: dict[str, Any] = {
            "account_id": project_id,
            "environment_id": stack.values["id"],
            "name": f"service{number}",
            "scale": size.scale,
            "launch_config": {"imageUuid": "docker:bench"},
        }
        create(tx, Service, values, Platform())
    number_: int = stack.values["id"]
    return number_


def _activate(tx: Tx) -> None:
    for service in tx.find(Service):
        states.begin(tx, service, "activate")


def _remove(tx: Tx, stack_id: int) -> None:
    states.begin(tx, tx.require(Environment, stack_id), "remove", purge_at_once=True)


def _all_in(store: Store, type_: type[Host] | type[Service], state: str, count: int) -> bool:
    rows = store.read(lambda read: read.find(type_, state=state))
    return len(rows) == count


async def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not await asyncio.to_thread(condition):
        if time.monotonic() > deadline:
            raise RuntimeError("the bench does not get on")
        await asyncio.sleep(0.02)


def bare_sqlite(url: str, count: int) -> float:
    """Return how many transactions a second the driver alone makes, 64 in a commit, as durable as the store."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    rate = _bare(connection.cursor(), "BEGIN IMMEDIATE", "?", count)
    connection.close()
    return rate


def bare_postgres(url: str, count: int) -> float:
    """Return the same of psycopg."""
    with psycopg.connect(url, autocommit=True) as connection:
        return _bare(connection.cursor(), "BEGIN", "%s", count)


def _bare(cursor: Any, begin: str, mark: str, count: int) -> float:
    cursor.execute("CREATE TABLE bare_row (id INTEGER PRIMARY KEY, name TEXT, generation INTEGER)")
    cursor.execute("CREATE TABLE bare_journal (seq INTEGER PRIMARY KEY, change TEXT)")
    cursor.execute("CREATE TABLE bare_work (id INTEGER PRIMARY KEY, marks INTEGER)")
    cursor.execute("INSERT INTO bare_row VALUES (1, 'a', 1)")
    update = f"UPDATE bare_row SET name = {mark}, generation = generation + 1 WHERE id = 1"
    append = f"INSERT INTO bare_journal VALUES ({mark}, {mark})"
    upsert = f"INSERT INTO bare_work VALUES ({mark}, 1) ON CONFLICT (id) DO UPDATE SET marks = bare_work.marks + 1"
    started = time.perf_counter()
    for first in range(0, count, GROUP):
        cursor.execute(begin)
        for number in range(first, min(first + GROUP, count)):
            cursor.execute(update, (f"change {number}",))
            cursor.execute(append, (number, '{"description": ["change 1", "change 2"]}'))
            cursor.execute(upsert, (1,))
        cursor.execute("COMMIT")
    return count / (time.perf_counter() - started)
