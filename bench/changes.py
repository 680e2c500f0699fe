"""How long one item takes while simulated containers change state: 1,000 of them run, and 12.5 a second are restarted,
each of which is four changes of state. Item and changes are asked of one server, whose engine, simulator and API share
one interpreter. What is compared is the p99 of the same paced reads without changes, in rounds that alternate.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

import httpx2

from bench import databases
from bench.fleet import Fleet, server, store_fleets
from bench.load import Asked, Load, ask
from bench.rows import Options, Row, row
from tests.waiting import eventually

RESTARTS_PER_S = 12.5
CONNECTIONS = 4
PAUSE_MS = 20
BODY = {"imageUuid": "docker:busybox"}


@dataclass(frozen=True)
class Size:
    """How much is done. seconds: of one measurement."""

    hosts: int
    containers: int
    seconds: float
    rounds: int


FULL = Size(hosts=20, containers=1000, seconds=10, rounds=5)
QUICK = Size(hosts=2, containers=10, seconds=1, rounds=1)


def run(options: Options) -> list[Row]:
    """Measure; return the row."""
    size = QUICK if options.quick else FULL
    with databases.sqlite() as url:
        (fleet,) = store_fleets(url, (0,), simulated_hosts=size.hosts)
        with (
            server(url, TRAILBOSS_SIMULATOR="true") as base,
            httpx2.Client(base_url=base, auth=fleet.key, timeout=60) as client,
        ):
            ids = _start(client, fleet, size)
            asked = Asked(
                base, [f"{fleet.path}/{id}" for id in ids[:100]], fleet.key, connections=CONNECTIONS, pause_ms=PAUSE_MS
            )
            idle: list[Load] = []
            busy: list[Load] = []
            rates: list[float] = []
            for _ in range(size.rounds):
                idle.append(ask(asked, size.seconds))
                with _restarting(client, fleet, ids):
                    before, began = _changes(url), time.perf_counter()
                    busy.append(ask(asked, size.seconds))
                    rates.append((_changes(url) - before) / (time.perf_counter() - began))
                eventually(lambda: _running(client, fleet) == size.containers, 120, "all run again")
    spread = [load.p99_ms for load in busy]
    name = f"item p99 under {median(rates):.0f} changes/s, {size.containers} simulated containers"
    peer = ("idle p99", median(load.p99_ms for load in idle))
    return [row(f"{name} ({min(spread):.1f} to {max(spread):.1f} ms)", median(spread), "ms", peer=peer)]


def _start(client: httpx2.Client, fleet: Fleet, size: Size) -> list[str]:
    """Create the containers; return their ids when all run."""

    def create(_: int) -> str:
        answer = client.post(fleet.path, json=BODY)
        answer.raise_for_status()
        return str(answer.json()["id"])

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(create, range(size.containers)))
    eventually(lambda: _running(client, fleet) == size.containers, 300, "all containers run")
    return ids


def _running(client: httpx2.Client, fleet: Fleet) -> int:
    return len(client.get(fleet.path, params={"state": "running", "limit": "1000"}).json()["data"])


@contextmanager
def _restarting(client: httpx2.Client, fleet: Fleet, ids: list[str]) -> Iterator[None]:
    """Restart one container after another, at the pace, until the end of the `with`."""
    stop = threading.Event()

    def restart() -> None:
        number, started = 0, time.monotonic()
        while not stop.wait(max(0.0, started + number / RESTARTS_PER_S - time.monotonic())):
            answer = client.post(f"{fleet.path}/{ids[number % len(ids)]}", params={"action": "restart"})
            answer.raise_for_status()
            number += 1

    thread = threading.Thread(target=restart)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _changes(url: str) -> int:
    """Return how many changes of a container's state the journal holds."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    try:
        found = connection.execute(
            "SELECT count(*) FROM journal WHERE type = 'container' AND change LIKE '%\"state\":%'"
        )
        return int(found.fetchone()[0])
    finally:
        connection.close()
