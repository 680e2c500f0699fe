"""Servers in threads, and as processes of their own."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.databases import migrated_sqlite as migrated_sqlite
from tests.server.live import Api
from tests.server.serving import ServerProcess
from tests.serving import installation as installation
from trailboss.api import channel_exact
from trailboss.server.options import Options
from trailboss.server.process import Started, start
from trailboss.store import journal

StartServer = Callable[..., Started]
StartProcess = Callable[..., ServerProcess]


@pytest.fixture
def start_server(tmp_path: Path, migrated_sqlite: Path) -> Iterator[StartServer]:
    """Return a function that starts a server in a thread; all are stopped in the end.

    A new data folder begins with an empty database that has the schema already: that saves most of the time of a start.
    """
    started: list[Started] = []

    def start_(**given: Any) -> Started:
        options = Options(**({"listen": "127.0.0.1:0", "data": tmp_path / "data"} | given))
        if options.database is None and not options.data.exists():
            options.data.mkdir()
            shutil.copy(migrated_sqlite, options.data / "trailboss.db")
        server = start(options)
        started.append(server)
        return server

    yield start_
    for server in started:
        server.stop()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session


@pytest.fixture
async def api(start_server: StartServer, session: aiohttp.ClientSession) -> Api:
    return Api(start_server(), session)


@pytest.fixture
def short_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a few entries only, here and in channels."""
    monkeypatch.setattr(journal, "KEEP", 50)
    monkeypatch.setattr(journal, "_SLICE", 10)
    monkeypatch.setattr(channel_exact, "KEEP_EVENTS", 10)


@pytest.fixture
def start_process(tmp_path: Path) -> Iterator[StartProcess]:
    """Return a function that starts a server as a process; all are killed in the end."""
    started: list[ServerProcess] = []

    def start_(**environment: str) -> ServerProcess:
        process = ServerProcess(tmp_path, environment)
        started.append(process)
        return process

    yield start_
    for process in started:
        process.kill()
