"""The same server on PostgreSQL: it starts, serves, is not ready while the database is away, and goes on after it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import httpx2
import pytest

from tests.databases import Postgres
from tests.databases import postgres as postgres
from tests.server.conftest import StartServer
from tests.server.live import Api, connected_host
from tests.waiting import eventually, eventually_async
from trailboss.errors import Unreachable
from trailboss.wire.messages import Assignment

pytestmark = [pytest.mark.postgres, pytest.mark.anyio]


async def test_a_server_on_postgresql_serves_and_keeps(
    postgres: Postgres, start_server: StartServer, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    url = postgres.url(postgres.create())
    server = await asyncio.to_thread(start_server, database=url)
    assert not (server.running.data / "trailboss.db").exists()
    api = Api(server, session)
    made = await api.ask("POST", "environments", 201, json={"name": "shop"})
    host = await connected_host(api)
    container = api.container(await host.id(), address="10.0.0.1")
    await host.first(Assignment, lambda a: [r.container for r in a.records] == [container.uuid])
    socket = await api.socket(f"{api.url}/subscribe?eventNames=resource.change")
    assert (await socket.receive_json())["name"] == "ping"
    await api.ask("PUT", f"environments/{made['id']}", 200, json={"description": "new"})

    async def told() -> bool:
        resource: dict[str, Any] = ((await socket.receive_json())["data"] or {}).get("resource", {})
        return resource.get("description") == "new"

    await eventually_async(told)
    await asyncio.to_thread(server.stop)
    server = await asyncio.to_thread(start_server, database=url)
    again = Api(server, session)
    assert (await again.ask("GET", f"environments/{made['id']}", 200))["description"] == "new"


def test_it_is_not_ready_while_the_database_is_away_and_again_when_it_is_back(start_server: StartServer) -> None:
    database = Postgres()
    try:
        database.start()
        server = start_server(database=database.url(database.create()))
        assert httpx2.get(f"{server.url}/readyz").status_code == 200
        database.kill()
        assert httpx2.get(f"{server.url}/readyz", timeout=30).status_code == 503
        assert httpx2.get(f"{server.url}/healthz").status_code == 200
        database.start()
        eventually(lambda: httpx2.get(f"{server.url}/readyz", timeout=30).status_code == 200, within=60)
        server.stop()
    finally:
        database.stop()


def test_a_database_that_does_not_answer_is_said_without_its_password(
    start_server: StartServer, tmp_path: Path
) -> None:
    with pytest.raises(Unreachable, match="the database does not answer") as failed:
        start_server(database=f"postgresql+psycopg://user:hidden@/name?host={tmp_path}")
    assert "hidden" not in failed.value.message
