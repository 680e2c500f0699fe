"""A store with an environment, a dispatcher on it, and agents that are plain coroutines."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.databases import migrated_sqlite as migrated_sqlite
from tests.dispatch.agents import World
from trailboss.dispatch.sessions import Dispatcher, Installation
from trailboss.resources.seed import seed
from trailboss.store.store import Store


@pytest.fixture
async def world(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[World]:
    shutil.copy(migrated_sqlite, tmp_path / "t.db")
    store = Store(f"sqlite:///{tmp_path}/t.db")
    store.start()
    store.write(lambda tx: (seed(tx), tx.set_fact("network.cidr", "10.77.0.0/16")))
    dispatcher = Dispatcher(store, Installation("installation", 3, "10.77.0.0/16", "tb-test", "trailboss-test"))
    await dispatcher.start()
    made = World(store, dispatcher)
    yield made
    await made.end()
    await dispatcher.stop()
    store.close()
