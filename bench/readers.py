"""Whether a reader of the journal misses an entry while eight servers write on one PostgreSQL.

Each writer is a store of its own, as a server has it; the reader goes on from the highest number it has seen, as the
change stream does.
"""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

from bench import databases
from bench.rows import Options, Row, row
from trailboss.resources.host import Host
from trailboss.store import journal, migrations
from trailboss.store.store import Store

WRITERS = 8
ENTRIES = 1500
QUICK_ENTRIES = 50
"""Of each writer."""


def run(options: Options) -> list[Row]:
    """Measure; return how many were missed, and how many a second were written."""
    each = QUICK_ENTRIES if options.quick else ENTRIES
    with databases.postgres() as url, ExitStack() as closing:
        stores = [Store(url) for _ in range(WRITERS + 1)]
        migrations.upgrade(stores[0].database)
        for store in stores:
            store.start()
            closing.callback(store.close)
        return _measure(stores[0], stores[1:], each)


def _measure(reading: Store, writing: list[Store], each: int) -> list[Row]:
    total = each * len(writing)
    seen: list[int] = []
    done = threading.Event()

    def read() -> None:
        cursor = 0
        while True:
            was_done = done.is_set()
            found = [entry["seq"] for entry in reading.read(lambda read, c=cursor: journal.after(read, c))]  # type: ignore[misc]
            seen.extend(found)
            cursor = found[-1] if found else cursor
            if was_done and not found:
                return

    reader = threading.Thread(target=read)
    started = time.perf_counter()
    reader.start()
    writers = [threading.Thread(target=_write, args=(store, each)) for store in writing]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    seconds = time.perf_counter() - started
    done.set()
    reader.join()
    stored = reading.read(journal.head)
    return [
        row(
            f"entries of {total} missed by a reader, {len(writing)} writers on PostgreSQL",
            _missed(seen, stored),
            "",
            goal="<= 0",
        ),
        row(f"entries of {len(writing)} writers on PostgreSQL", total / seconds, "1/s"),
    ]


def _missed(seen: list[int], stored: int) -> int:
    """Return how many numbers were not seen exactly once and in order."""
    in_order = seen == sorted(seen)
    return stored - len(set(seen)) + (len(seen) - len(set(seen))) + (0 if in_order else 1)


def _write(store: Store, count: int) -> None:
    """Insert rows, one in each commit."""
    for number in range(count):
        store.write(lambda tx, n=number: tx.insert(Host, name=f"h{n}", state="active"))  # type: ignore[misc]
