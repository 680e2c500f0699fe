"""The reader of the journal ends with its last listener, and who joins later misses nothing from then on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from tests.databases import OpenStore
from tests.waiting import eventually_async
from trailboss.api.events import Entry
from trailboss.api.feed import Feed, Slice
from trailboss.resources.environment import Environment
from trailboss.store import journal
from trailboss.store.store import Store
from trailboss.store.transaction import Read

pytestmark = pytest.mark.anyio


class Heard:
    """Notes the slices that were made ready for it."""

    def __init__(self) -> None:
        self.slices: list[Slice] = []

    def prepare(self, snapshot: Read, entries: Sequence[Entry]) -> bool:
        return True

    def hear(self, part: Slice, prepared: Any) -> None:
        if prepared is not None:
            self.slices.append(part)

    def fail(self, because: str) -> None:
        raise AssertionError(because)

    def has(self, seq: int) -> bool:
        return bool(self.slices) and self.slices[-1].reached >= seq


def write(store: Store, times: int) -> None:
    for _ in range(times):
        store.write(lambda tx: tx.insert(Environment, account_id=5, name="shop", state="active"))


@pytest.mark.parametrize("turns", range(6))
async def test_a_wake_up_at_the_moment_of_leaving_leaves_no_reader_behind(open_store: OpenStore, turns: int) -> None:
    feed, first, second = Feed(open_store()), Heard(), Heard()
    before = asyncio.all_tasks()
    for _ in range(20):
        await feed.join(first)
        feed._wake.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        feed.leave(first)
    await feed.join(second)
    await eventually_async(lambda: len(asyncio.all_tasks() - before) == 1, within=10, what="one reader of the journal")
    feed.leave(second)
    await eventually_async(lambda: asyncio.all_tasks() == before, within=10, what="no reader of the journal")


async def test_listeners_that_come_and_go_hear_slices_without_a_gap(open_store: OpenStore) -> None:
    store = open_store()
    feed = Feed(store)
    writing = [asyncio.create_task(asyncio.to_thread(write, store, 300)) for _ in range(2)]
    all_heard: list[Heard] = []
    while not all(task.done() for task in writing):
        heard = Heard()
        all_heard.append(heard)
        await feed.join(heard)
        now = await asyncio.to_thread(store.read, journal.head)
        await eventually_async(partial(heard.has, now), within=10, what=f"entry {now} is heard")
        feed.leave(heard)
    await asyncio.gather(*writing)
    assert len(all_heard) > 3
    for heard in all_heard:
        for earlier, later in zip(heard.slices, heard.slices[1:], strict=False):
            assert later.after == earlier.reached
