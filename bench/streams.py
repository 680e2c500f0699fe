"""The change stream: many subscribers, a steady flow of changes, how long until each of them has been told of each.

A server as a process of its own, on SQLite; changes are PUT requests on as many stacks as there are changes in a
second, begun at fixed times whether or not the ones before are done. A change counts from the moment at which its
request is sent to the moment at which a subscriber has read it. In the same run the same bytes go through a bare
fan-out on the same server stack (`fan_out.py`), posted at the same times to as many listeners.
"""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import uvloop

from bench.rows import Options, Row, row
from tests.server.live import basic
from tests.server.serving import WITH_US, ServerProcess, credentials, free_port
from tests.waiting import eventually, eventually_async

PING = b'"name":"ping"'
SETTLE_S = 20.0


@dataclass(frozen=True)
class Size:
    """subscribers: how many. rate: changes per second. seconds: for how long."""

    subscribers: int = 200
    rate: int = 50
    seconds: int = 60


@dataclass
class Told:
    """What subscribers have read. texts: the events, in the order of the first that read them. sent: when the request
    of a change was sent, by its number. late: seconds of each delivery."""

    number_of: Callable[[bytes], int | None]
    sent: dict[int, float] = field(default_factory=dict)
    late: list[float] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    numbers: list[int | None] = field(default_factory=list)
    wrong: int = 0

    def read(self, text: bytes, index: int) -> None:
        """Take in what a subscriber has read as its event number `index`."""
        now = time.perf_counter()
        if index == len(self.texts):
            self.texts.append(text)
            self.numbers.append(self.number_of(text))
        elif self.texts[index] != text:
            self.wrong += 1
        number = self.numbers[index]
        if number is not None:
            self.late.append(now - self.sent[number])

    def p99(self) -> float:
        """Milliseconds in which 99 of 100 deliveries were made."""
        return statistics.quantiles(self.late, n=100)[98] * 1000

    def median(self) -> float:
        """Milliseconds of the delivery in the middle."""
        return statistics.median(self.late) * 1000


@dataclass(frozen=True)
class Listeners:
    """Websockets of one URL. busy: the process that serves them."""

    url: str
    headers: dict[str, str]
    pid: int
    count: int


class Frames(asyncio.Protocol):
    """Reads the text frames of a server without a library: the client must not be what is measured.

    RFC 6455 section 5.2; frames of servers are not masked."""

    def __init__(self, request: bytes, read: Callable[[bytes], None]) -> None:
        self.request, self.read = request, read
        self.open = asyncio.get_running_loop().create_future()
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(self.request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.open.done():
            head, found, self.buffer = self.buffer.partition(b"\r\n\r\n")
            if not found:
                self.buffer = head
                return
            assert b" 101 " in head, head
            self.open.set_result(None)
        start = 0
        while (end := self._end(start)) is not None:
            begin, stop = end
            if self.buffer[start] == 0x81:
                self.read(self.buffer[begin:stop])
            start = stop
        self.buffer = self.buffer[start:]

    def _end(self, at: int) -> tuple[int, int] | None:
        """Return where the payload of the frame at an index begins and ends; None if it is not all there."""
        have = len(self.buffer)
        if have < at + 2:
            return None
        length, begin = self.buffer[at + 1], at + 2
        if length >= 126:
            size = 2 if length == 126 else 8
            length, begin = int.from_bytes(self.buffer[begin : begin + size], "big"), begin + size
        return (begin, begin + length) if have >= begin + length else None


async def listening(to: Listeners, told: Told) -> list[asyncio.BaseTransport]:
    """Open the websockets; return them when all are open."""
    parts = urlsplit(to.url)
    lines = [
        f"GET {parts.path}?{parts.query} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *(f"{name}: {value}" for name, value in to.headers.items()),
    ]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    transports: list[asyncio.BaseTransport] = []
    for _ in range(to.count):
        counter = iter(range(10**9))

        def read(text: bytes, counter: Iterator[int] = counter) -> None:
            if PING not in text:
                told.read(text, next(counter))

        made, frames = await asyncio.get_running_loop().create_connection(
            partial(Frames, request, read), str(parts.hostname), int(parts.port or 80)
        )
        await frames.open
        transports.append(made)
    return transports


Change = Callable[[int], Coroutine[Any, Any, None]]


async def measure(to: Listeners, told: Told, size: Size, change: Change) -> float:
    """Let changes flow and be told; return the CPU seconds of the server per second of the flow."""
    transports = await listening(to, told)
    before, began = _cpu_s(to.pid), time.perf_counter()
    running: list[asyncio.Task[None]] = []
    total = size.rate * size.seconds
    for number in range(total):
        await asyncio.sleep(max(0.0, began + number / size.rate - time.perf_counter()))
        told.sent[number] = time.perf_counter()
        running.append(asyncio.create_task(change(number)))
    await asyncio.gather(*running)
    with suppress(AssertionError):  # what is missing is counted
        await eventually_async(lambda: len(told.late) >= total * to.count, within=SETTLE_S)
    busy = (_cpu_s(to.pid) - before) / (time.perf_counter() - began)
    for transport in transports:
        transport.close()
    return busy


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def run(options: Options) -> list[Row]:
    """Measure the exact form of the stream, and the bare fan-out."""
    size = Size(10, 10, 2) if options.quick else Size()
    return uvloop.run(_run(size))


async def _run(size: Size) -> list[Row]:
    with (
        tempfile.TemporaryDirectory(prefix="bench-streams-") as folder,
        _server(Path(folder)) as server,
        _peer() as peer,
    ):
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=50)) as session:
            api = Platform(server, session)
            await api.make(size.rate)
            exact, exact_busy = await api.measure(size, "eventNames=journal")
            bare, bare_busy = await _bare(size, exact, session, peer)
    deliveries = size.subscribers * size.rate * size.seconds
    name = f"{size.subscribers} subscribers, {size.rate} changes/s, {size.seconds} s"
    fan_out = "bare fan-out of the same bytes"
    return [
        row(f"{name}: journal, p99 of request to told", exact.p99(), "ms", goal="<= 200"),
        row("the same, median", exact.median(), "ms", peer=(fan_out, bare.median())),
        row("the same, p99 against a bare fan-out", exact.p99(), "ms", peer=(fan_out, bare.p99())),
        row("the same, deliveries missing, doubled or out of order", _wrong(exact, deliveries), "", goal="<= 0"),
        row("the same, CPU of the server", exact_busy * 100, "%", peer=(fan_out, bare_busy * 100)),
    ]


def _wrong(told: Told, deliveries: int) -> int:
    is_each_there_once = sorted(told.sent) == sorted(number for number in told.numbers if number is not None)
    return told.wrong + abs(deliveries - len(told.late)) + (not is_each_there_once)


class Platform:
    """Stacks that are changed through the v1 API."""

    def __init__(self, server: ServerProcess, session: aiohttp.ClientSession) -> None:
        keys = credentials(server.data)
        self.url, self.pid, self.session = keys["RANCHER_URL"], server.process.pid, session
        self.headers = basic(keys["RANCHER_ACCESS_KEY"], keys["RANCHER_SECRET_KEY"])
        self.stacks: list[str] = []

    async def make(self, count: int) -> None:
        """Make the stacks, and wait until they rest."""
        for number in range(count):
            body = {"name": f"s{number}"}
            async with self.session.post(f"{self.url}/environments", json=body, headers=self.headers) as answer:
                self.stacks.append((await answer.json())["id"])
        while True:
            url = f"{self.url}/environments?state=active&limit=1000"
            async with self.session.get(url, headers=self.headers) as answer:
                if len((await answer.json())["data"]) == count:
                    return
            await asyncio.sleep(0.1)

    async def measure(self, size: Size, query: str) -> tuple[Told, float]:
        """Let changes flow to subscribers."""
        told = Told(_number)
        to = Listeners(f"{self.url}/subscribe?{query}", self.headers, self.pid, size.subscribers)
        return told, await measure(to, told, size, self._change)

    async def _change(self, number: int) -> None:
        stack = self.stacks[number % len(self.stacks)]
        body = {"description": str(number)}
        url = f"{self.url}/environments/{stack}"
        async with self.session.put(url, json=body, headers=self.headers) as answer:
            assert answer.status == 200, await answer.text()


def _number(text: bytes) -> int | None:
    """Return the number of the change that an event tells of."""
    data = json.loads(text)["data"]
    change = data["entry"]["change"].get("description") if "entry" in data else [data["resource"]["description"]]
    return int(change[-1]) if change and change[-1] else None


async def _bare(size: Size, exact: Told, session: aiohttp.ClientSession, peer: Peer) -> tuple[Told, float]:
    """Let the events of a run flow through a bare fan-out: those of a change together, as they came."""
    bodies: dict[int, list[bytes]] = {}
    number = 0
    for text, of in zip(exact.texts, exact.numbers, strict=True):
        number = number if of is None else of
        bodies.setdefault(number, []).append(text)

    async def say(number: int) -> None:
        async with session.post(f"{peer.url}/say", data=b"\n".join(bodies[number])) as answer:
            assert answer.status == 200

    told = Told(_number)
    busy = await measure(Listeners(f"{peer.url}/listen", {}, peer.pid, size.subscribers), told, size, say)
    return told, busy


@dataclass(frozen=True)
class Peer:
    """The bare fan-out, as a process of its own."""

    url: str
    pid: int


@contextmanager
def _peer() -> Iterator[Peer]:
    port = free_port()
    process = subprocess.Popen([*WITH_US, sys.executable, "-m", "bench.fan_out", str(port)])

    def answers() -> bool:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        return False

    try:
        eventually(answers, within=30, what="the fan-out answers")
        yield Peer(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.kill()
        process.wait()


@contextmanager
def _server(folder: Path) -> Iterator[ServerProcess]:
    port = free_port()
    server = ServerProcess(folder, {"TRAILBOSS_LISTEN": f"127.0.0.1:{port}"})
    try:
        server.ready(f"http://127.0.0.1:{port}")
        eventually((server.data / "first-credentials.env").exists)
        yield server
    finally:
        server.kill()
