"""Readers of the change stream that lose their connection and go on; changes; and the journal to compare with."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.server.live import Api
from trailboss.declare import format_id, registry
from trailboss.resources.account import Account, Project
from trailboss.resources.environment import Environment
from trailboss.store import journal
from trailboss.store.store import Store

BREAKS = (aiohttp.ClientError, OSError, asyncio.TimeoutError)


@dataclass
class Server:
    """Where a server is, and with which headers it is asked. url: of the project."""

    url: str
    headers: dict[str, str]


async def by_socket(server: Server, session: aiohttp.ClientSession, query: str) -> AsyncIterator[dict[str, Any]]:
    """Yield the events of a websocket until it ends."""
    url = f"{server.url}/subscribe?{query}".replace("http", "ws", 1)
    async with session.ws_connect(url, headers=server.headers, max_msg_size=0, heartbeat=20) as socket:
        async for message in socket:
            yield json.loads(message.data)


async def by_http(server: Server, session: aiohttp.ClientSession, query: str) -> AsyncIterator[dict[str, Any]]:
    """Yield the events of a GET for server-sent events until it ends; a cursor goes as a browser would send it."""
    names, _, cursor = query.partition("&cursor=")
    headers = {**server.headers, "Accept": "text/event-stream"} | ({"Last-Event-ID": cursor} if cursor else {})
    timeout = aiohttp.ClientTimeout(total=None, sock_read=20)
    async with session.get(f"{server.url}/subscribe?{names}", headers=headers, timeout=timeout) as answer:
        answer.raise_for_status()
        id_ = None
        async for line in answer.content:
            if line.startswith(b"id: "):
                id_ = line[4:].strip().decode()
            elif line.startswith(b"data: "):
                event = json.loads(line[6:])
                assert event["cursor"] == id_
                yield event


@dataclass
class Reader:
    """Reads a stream from a cursor on, whatever breaks. asks: which way. events: without pings. breaks: how often it
    was cut off."""

    server: Server
    session: aiohttp.ClientSession
    cursor: str
    names: str = "eventNames=journal"
    asks: Callable[..., AsyncIterator[dict[str, Any]]] = by_socket
    events: list[dict[str, Any]] = field(default_factory=list)
    breaks: int = 0
    _reading: asyncio.Task[None] | None = None
    _should_end: bool = False

    async def run(self) -> None:
        """Read until `end`."""
        try:
            while not self._should_end:
                self._reading = asyncio.create_task(self._read())
                await asyncio.wait((self._reading,))
                if not self._reading.cancelled():
                    with suppress(*BREAKS):
                        self._reading.result()
                self.breaks += 1
                await asyncio.sleep(random.random() / 10)
        finally:
            self.cut()

    async def _read(self) -> None:
        async for event in self.asks(self.server, self.session, f"{self.names}&cursor={self.cursor}"):
            if event["name"] != "ping":
                self.events.append(event)
            self.cursor = event["cursor"]

    def cut(self) -> None:
        """Lose the connection now."""
        if self._reading is not None:
            self._reading.cancel()

    def end(self) -> None:
        """Read no more."""
        self._should_end = True
        self.cut()

    @property
    def seq(self) -> int:
        """Number of the last entry that it has behind it."""
        return int(self.cursor.partition(".")[2])


def journal_of(database: Path, account_id: int, above: int) -> list[dict[str, Any]]:
    """Return the entries of an account above a number, straight from the file."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        rows = connection.execute(
            "SELECT * FROM journal WHERE account_id = ? AND seq > ? ORDER BY seq", (account_id, above)
        ).fetchall()
    finally:
        connection.close()
    return [dict(row) | {"change": json.loads(row["change"])} for row in rows]


def server_of(api: Api) -> Server:
    return Server(api.url, api.headers)


def project_of(store: Store) -> int:
    return int(store.read(lambda read: read.find(Project, uuid="adminProject")[0].id))


def entries_of(api: Api, above: int = 0) -> list[dict[str, Any]]:
    store = api.server.running.store
    project = project_of(store)
    return [e for e in store.read(lambda read: journal.after(read, above, 10**6)) if e["account_id"] == project]


def here(api: Api) -> str:
    return str(api.server.running.store.read(journal.here))


def make(api: Api, **values: Any) -> Environment:
    store = api.server.running.store
    given = {"account_id": project_of(store), "name": "shop", "state": "active"} | values
    return store.write(lambda tx: tx.insert(Environment, **given), cause="test", actor=given["account_id"])


def change_often(api: Api, row: Environment, times: int, description: str = "") -> None:
    def run(tx: Any) -> None:
        fresh = tx.require(Environment, row.id)
        for number in range(times):
            fresh = tx.change(fresh, description=f"{description}{number}")

    api.server.running.store.write(run)


async def events_of(api: Api, query: str, count: int, ask: Any = by_socket) -> list[dict[str, Any]]:
    """Read so many events besides pings, then leave."""
    found: list[dict[str, Any]] = []
    stream = ask(server_of(api), api.session, query)
    async with asyncio.timeout(30):
        async for event in stream:
            if event["name"] != "ping":
                found.append(event)
            if len(found) == count:
                break
    await stream.aclose()
    return found


def assert_equal(told: list[dict[str, Any]], entries: list[dict[str, Any]]) -> None:
    """Compare a stream with the journal, entry by entry."""
    assert [e["data"]["entry"]["sequence"] for e in told] == [e["seq"] for e in entries]
    for event, entry in zip(told, entries, strict=True):
        type_, shown = registry[entry["type"]], event["data"]["entry"]
        assert (event["name"], event["resourceType"]) == ("journal", entry["type"])
        assert event["resourceId"] == format_id(type_, entry["id"])
        assert (event["time"], shown["cause"], shown["message"]) == (entry["at"], entry["cause"], entry["message"])
        assert shown["actor"] == (entry["actor"] and format_id(Account, entry["actor"]))
        assert event["id"] == event["cursor"] == f"1.{entry['seq']}"
        assert shown["change"].keys() <= entry["change"].keys()
        for name in {"name", "description", "state"} & entry["change"].keys():
            assert shown["change"][name] == entry["change"][name]
