"""How fast the API answers, on both databases: one item, pages of small and large fleets, durable creates.

The server is a real one in a process of its own, as is who asks it (`load.py`, needs wrk). Everything is read from the
database at each request. The floor is a JSON of the same size behind the same middleware and authentication on the
same server stack (`floor.py`); the bare one has neither. Rounds of all that is compared are interleaved and figures are
medians over the rounds, their spread is in the row's name. Also: how long one item takes while simulated containers
change, and whether a reader of the journal misses an entry while eight servers write on one PostgreSQL.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any

import httpx2
import psycopg
import structlog

from bench import changes, databases, load, readers
from bench.fleet import BODY, Fleet, floor, server, store_fleets
from bench.load import Asked, Load, ask
from bench.rows import Options, Row, row

PAGE = 100
ITEMS = 100
"""How many different items are asked for."""
MARKERS = 20
"""How many different pages of a fleet are asked for, spread over all of it."""


@dataclass(frozen=True)
class Size:
    """How much is done. small, large: containers of the two fleets. seconds: of one measurement."""

    small: int
    large: int
    seconds: float
    rounds: int


FULL = Size(small=300, large=30_000, seconds=3, rounds=5)
QUICK = Size(small=100, large=300, seconds=1, rounds=1)


def run(options: Options) -> list[Row]:
    """Measure all of it. RuntimeError if something that it needs is not installed."""
    load.check()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    size = QUICK if options.quick else FULL
    rows = []
    for name in ("SQLite", "PostgreSQL"):
        with databases.sqlite() if name == "SQLite" else databases.postgres() as url:
            rows += on_database(name, url, size)
    return [*rows, *changes.run(options), *readers.run(options)]


def on_database(name: str, url: str, size: Size) -> list[Row]:
    """Return the rows of one database."""
    small, large, made = store_fleets(url, (size.small, size.large, 0))
    figures: dict[str, list[Load]] = {}
    with ExitStack() as stack:
        base = stack.enter_context(server(url))
        items = [f"{large.path}/1i{large.first + n * (size.large // ITEMS)}" for n in range(ITEMS)]
        with httpx2.Client(base_url=base, auth=large.key) as client:
            length = len(client.get(items[0]).content)
        floors = stack.enter_context(floor(url, length))
        steps: dict[str, Callable[[], Load]] = {
            "bare": _asking(floors, ["/bare"], large, size),
            "floor": _asking(floors, ["/hello"], large, size),
            "item": _asking(base, items, large, size),
            "small": _asking(base, _pages(base, small), small, size, connections=2),
            "large": _asking(base, _pages(base, large), large, size, connections=2),
            "raw": lambda: _raw(name, url, size.seconds),
            "create": lambda: ask(Asked(base, [made.path], made.key, BODY), size.seconds),
        }
        for _ in range(size.rounds):
            for what, step in steps.items():
                figures.setdefault(what, []).append(step())
    return _rows(name, figures, size, length)


def _rows(name: str, figures: dict[str, list[Load]], size: Size, length: int) -> list[Row]:
    def rate(what: str) -> float:
        return median(load.rate for load in figures[what])

    def p99(what: str) -> float:
        return median(load.p99_ms for load in figures[what])

    def spread(what: str, peer: str, of: Callable[[Load], float]) -> str:
        ratios = [of(a) / of(b) for a, b in zip(figures[what], figures[peer], strict=True)]
        return f"ratio {min(ratios):.2f} to {max(ratios):.2f}"

    floor_ = (f"hello of {length} bytes, same middleware and authentication", rate("floor"))
    item = f"item GET on {name} ({spread('item', 'floor', lambda x: x.rate)})"
    page = f"page of {PAGE} of {size.large} containers on {name}"
    return [
        row(item, rate("item"), "1/s", peer=floor_, goal=">= 0.2"),
        row(f"item GET on {name}, the aim", rate("item"), "1/s", peer=floor_, goal=">= 0.4"),
        row(f"item GET on {name}", rate("item"), "1/s", peer=("bare Starlette hello", rate("bare"))),
        row(
            f"{page}, p99 ({spread('large', 'small', lambda x: x.p99_ms)})",
            p99("large"),
            "ms",
            peer=(f"page of {PAGE} of {size.small}", p99("small")),
            goal="<= 3",
        ),
        row(
            f"durable creates on {name} ({spread('create', 'raw', lambda x: x.rate)})",
            rate("create"),
            "1/s",
            peer=("raw inserts, a commit each", rate("raw")),
        ),
    ]


def _asking(url: str, paths: list[str], fleet: Fleet, size: Size, connections: int = 16) -> Callable[[], Load]:
    return lambda: ask(Asked(url, paths, fleet.key, connections=connections), size.seconds)


def _pages(base: str, fleet: Fleet) -> list[str]:
    """Return the paths of pages, from the first to the last."""
    path: str | None = f"{fleet.path}?limit={PAGE}"
    paths: list[str] = []
    with httpx2.Client(base_url=base, auth=fleet.key, timeout=30) as client:
        while path is not None:
            paths.append(path)
            following = client.get(path).json()["pagination"]["next"]
            path = following.removeprefix(base) if following else None
    return paths[:: max(1, len(paths) // MARKERS)]


def _raw(name: str, url: str, seconds: float) -> Load:
    """Insert rows by the driver alone, each in a commit of its own, as durable as the store."""
    if name == "PostgreSQL":
        with psycopg.connect(url, autocommit=True) as connection:
            return _insert(connection.cursor(), "%s", seconds)
    raw = sqlite3.connect(url.removeprefix("sqlite:///") + "-raw", isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        raw.execute(f"PRAGMA {pragma}")
    try:
        return _insert(raw.cursor(), "?", seconds)
    finally:
        raw.close()


def _insert(cursor: Any, mark: str, seconds: float) -> Load:
    cursor.execute("CREATE TABLE IF NOT EXISTS raw_row (name TEXT, data TEXT)")
    statement, values = f"INSERT INTO raw_row VALUES ({mark}, {mark})", ("web", json.dumps({"fields": BODY}))
    times = []
    started = time.perf_counter()
    while (began := time.perf_counter()) < started + seconds:
        cursor.execute(statement, values)
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    return Load(len(times) / (time.perf_counter() - started), median(times), times[int(len(times) * 0.99)])
