"""The exact form of the change stream is the journal, for each reader, whatever breaks and however slowly it reads."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from typing import Any

import aiohttp
import pytest
from prometheus_client import REGISTRY

from tests.databases import Postgres
from tests.databases import postgres as postgres
from tests.server.conftest import StartProcess, StartServer
from tests.server.live import Api, basic
from tests.server.serving import credentials, free_port
from tests.server.streaming import (
    BREAKS,
    Reader,
    Server,
    assert_equal,
    by_http,
    by_socket,
    change_often,
    entries_of,
    events_of,
    here,
    journal_of,
    make,
    project_of,
    server_of,
)
from tests.waiting import eventually_async
from trailboss.api import channel_exact, subscription
from trailboss.resources.environment import Environment
from trailboss.store.store import Store

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


class Churn:
    """Changes a project at random through the API until it has been told `end`. acknowledged: what was answered."""

    def __init__(self, server: Server, session: aiohttp.ClientSession, seed: int) -> None:
        self.server, self.session, self.random = server, session, random.Random(seed)
        self.stacks: list[str] = []
        self.acknowledged = 0
        self.should_end = False

    async def run(self) -> None:
        while not self.should_end:
            try:
                await self._step()
                self.acknowledged += 1
            except BREAKS:
                await asyncio.sleep(0.05)

    async def _step(self) -> None:
        what = self.random.random()
        if what < 0.2 or not self.stacks:
            made = await self._ask("POST", "environments", {"name": f"s{self.random.randrange(10**9)}"})
            self.stacks.append(made["id"])
        elif what < 0.25:
            await self._ask("POST", "registrationtokens", {})
        elif what < 0.3:
            gone = self.stacks.pop(self.random.randrange(len(self.stacks)))
            await self._ask("DELETE", f"environments/{gone}", None)
        else:
            chosen = self.random.choice(self.stacks)
            await self._ask("PUT", f"environments/{chosen}", {"description": str(self.random.random())})

    async def _ask(self, method: str, path: str, body: Any) -> Any:
        url = f"{self.server.url}/{path}"
        async with self.session.request(method, url, json=body, headers=self.server.headers) as answer:
            return await answer.json()


async def same_as_the_journal(
    start_process: StartProcess, session: aiohttp.ClientSession, changes: int, kills: int
) -> None:
    """Let readers lose their connections at random while a project is changed and the server is killed."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = start_process(TRAILBOSS_LISTEN=f"127.0.0.1:{port}")
    await asyncio.to_thread(process.ready, url)
    keys = credentials(process.data)
    headers = basic(keys["RANCHER_ACCESS_KEY"], keys["RANCHER_SECRET_KEY"])
    server = Server(f"{url}/v1/projects/1a5", headers)
    database = process.data / "trailboss.db"
    start = (await anext(by_socket(server, session, "eventNames=journal")))["cursor"]
    ways = [(by_socket, "journal"), (by_socket, "journal"), (by_http, "journal"), (by_socket, "resource.change")]
    readers = [Reader(server, session, start, f"eventNames={name}", ask) for ask, name in ways]
    churn = [Churn(server, session, seed) for seed in range(2)]
    running = [asyncio.create_task(each.run()) for each in (*readers, *churn)]
    killed = 0
    try:
        while sum(each.acknowledged for each in churn) < changes or killed < kills:
            await asyncio.sleep(random.random() / 3)
            random.choice(readers).cut()
            if sum(each.acknowledged for each in churn) > (killed + 1) * changes / (kills + 1) and killed < kills:
                process.kill()
                process = start_process(TRAILBOSS_LISTEN=f"127.0.0.1:{port}")
                await asyncio.to_thread(process.ready, url)
                killed += 1
            assert all(not task.done() for task in running), [task for task in running if task.done()]
        for each in churn:
            each.should_end = True

        def have_all() -> bool:
            found = journal_of(database, 5, 0)
            return all(reader.seq >= found[-1]["seq"] for reader in readers)

        await eventually_async(have_all, within=60, what="every reader has come to the end")
        late = Reader(server, session, start)
        running.append(asyncio.create_task(late.run()))
        end = journal_of(database, 5, 0)[-1]["seq"]
        # the engine may have gone on meanwhile: nobody is let go before they have that, too
        come = (*readers, late)
        await eventually_async(
            lambda: all(r.seq >= end for r in come), within=60, what="a late reader comes to the end"
        )
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        process.kill()
    entries = journal_of(database, 5, int(start.partition(".")[2]))
    assert len(entries) > changes
    for reader in (*readers, late):
        assert {event["name"] for event in reader.events} == {reader.names.partition("=")[2]}
        until = max(int(event["cursor"].partition(".")[2]) for event in reader.events)
        expected = [entry for entry in entries if entry["seq"] <= until]
        assert end <= until
        if reader.names == "eventNames=journal":
            assert_equal(reader.events, expected)
        else:
            assert [event["cursor"] for event in reader.events] == [f"1.{entry['seq']}" for entry in expected]
    assert all(reader.breaks > kills for reader in readers)


@pytest.mark.crash
async def test_every_reader_sees_the_journal_through_lost_connections_and_killed_servers(
    start_process: StartProcess, session: aiohttp.ClientSession
) -> None:
    await same_as_the_journal(start_process, session, changes=2000, kills=3)


@pytest.mark.crash
@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_the_same_for_long(start_process: StartProcess, session: aiohttp.ClientSession) -> None:
    await same_as_the_journal(start_process, session, changes=40_000, kills=40)


@pytest.mark.postgres
async def test_a_reader_sees_every_entry_of_eight_writers_on_postgresql(
    postgres: Postgres, start_server: StartServer, session: aiohttp.ClientSession
) -> None:
    url = postgres.url(postgres.create())
    api = Api(await asyncio.to_thread(start_server, database=url), session)
    start = here(api)
    readers = [Reader(server_of(api), session, start), Reader(server_of(api), session, start, asks=by_http)]
    reading = [asyncio.create_task(reader.run()) for reader in readers]
    project = project_of(api.server.running.store)
    writers = [Store(url) for _ in range(8)]

    def write(store: Store, number: int) -> None:
        for n in range(60):
            given = {"account_id": project, "name": f"w{number}-{n}", "state": "active"}
            store.write(lambda tx, given=given: tx.insert(Environment, **given))

    threads = [threading.Thread(target=write, args=(store, n)) for n, store in enumerate(writers)]
    try:
        for store in writers:
            store.start()
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            random.choice(readers).cut()
            await asyncio.sleep(0.1)
        entries = entries_of(api, int(start.partition(".")[2]))
        assert len([e for e in entries if "name" in e["change"]]) == 8 * 60
        await eventually_async(lambda: all(r.seq >= entries[-1]["seq"] for r in readers), within=60)
    finally:
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        await asyncio.to_thread(lambda: [store.close() for store in writers])
    for reader in readers:
        assert_equal(reader.events[: len(entries)], entries)


# --- slow readers -----------------------------------------------------------------------------------------------------

BIG = "x" * 20_000


async def paused(api: Api, query: str) -> Any:
    """Return a websocket whose reader stopped reading after the first ping."""
    socket = await api.socket(f"{api.url}/subscribe?{query}", max_msg_size=0)
    assert (await socket.receive_json())["name"] == "ping"
    socket._response.connection.transport.pause_reading()
    return socket


async def test_who_does_not_read_is_let_go_holds_nobody_up_and_goes_on_where_it_was(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "STUCK_AFTER_S", 1.0)
    monkeypatch.setattr(channel_exact, "KEEP_EVENTS", 200)
    start = here(api)
    stuck = await paused(api, f"eventNames=journal&cursor={start}")
    other = Reader(server_of(api), api.session, start)
    reading = asyncio.create_task(other.run())
    row = make(api)
    slowest = 0.0

    async def is_let_go() -> bool:
        nonlocal slowest
        await asyncio.to_thread(change_often, api, row, 20, BIG[:1000])
        began, goal = time.monotonic(), entries_of(api)[-1]["seq"]
        await eventually_async(lambda: other.seq >= goal)
        slowest = max(slowest, time.monotonic() - began)
        return REGISTRY.get_sample_value("trailboss_subscribers") == 1

    await eventually_async(is_let_go, within=90)
    assert slowest < 5
    stuck._response.connection.transport.resume_reading()
    seen = [json.loads(m.data) async for m in stuck]
    assert stuck.close_code == 1013
    rest = await events_of(api, f"eventNames=journal&cursor={seen[-1]['cursor']}", 1)
    told = [e for e in seen if e["name"] == "journal"]
    assert rest[0]["data"]["entry"]["sequence"] == told[-1]["data"]["entry"]["sequence"] + 1
    other.end()
    await reading


async def test_who_is_overtaken_by_the_end_of_the_journal_is_told_to_list_again(
    api: Api, short_journal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "STUCK_AFTER_S", 300.0)
    start = here(api)
    slow = await paused(api, f"eventNames=journal&cursor={start}")
    row = make(api)
    for _ in range(100):  # 40 MB: more than the buffers of both sides hold
        await asyncio.to_thread(change_often, api, row, 10, BIG)
    slow._response.connection.transport.resume_reading()
    found: list[dict[str, Any]] = []
    goal = here(api)
    async with asyncio.timeout(60):
        async for message in slow:
            found.append(json.loads(message.data))
            if found[-1]["cursor"] == goal:
                break
    told = [event for event in found if event["name"] != "ping"]
    at = [event["name"] for event in told].index("resync")
    assert told[at]["data"]["reason"] == "expired"
    first = int(start[2:]) + 1
    assert [event["cursor"] for event in told[:at]] == [f"1.{n}" for n in range(first, first + at)]
    first = int(told[at]["cursor"][2:])
    assert [event["cursor"] for event in told[at:]] == [f"1.{n}" for n in range(first, first + len(told) - at)]


async def test_the_plain_form_ends_when_a_part_of_the_journal_is_gone(
    api: Api, monkeypatch: pytest.MonkeyPatch, short_journal: None
) -> None:
    stream = await api.socket(f"{api.url}/subscribe?eventNames=resource.change")
    await stream.receive_json()
    row = make(api)
    await stream.receive_json()
    store = api.server.running.store
    read = store.submit_read
    held = threading.Event()

    def slowly(fn: Any) -> Any:
        return read(lambda snapshot: held.wait(30) and fn(snapshot))

    monkeypatch.setattr(store, "submit_read", slowly)
    for _ in range(20):
        await asyncio.to_thread(change_often, api, row, 10)
    held.set()
    async with asyncio.timeout(30):
        while (await stream.receive()).type is aiohttp.WSMsgType.TEXT:
            continue
    assert stream.close_code == 1013
