"""A server as an agent meets it, for tests of the agent: registration, the control websocket, streams. It decides
nothing: tests say what is wanted (`want`), and look at what was reported (`latest`, `reports`).

It runs in a thread of its own, so that tests may block. `stop` and `start` are a server that is away and back.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from aiohttp import WSMsgType, web

from trailboss.wire import messages
from trailboss.wire.messages import (
    Assignment,
    Directory,
    Engine,
    FromServer,
    Heartbeat,
    Hello,
    Network,
    Observation,
    OpenStream,
    Record,
    Report,
    Welcome,
)

T = TypeVar("T")
TOKEN = "1:2:3"


class FakeServer:
    """address: where it listens. network, installation: what its agents are told."""

    def __init__(self, address: str, network: Network, installation: str) -> None:
        self.address, self.network, self.installation = address, network, installation
        self.incarnation = 1
        self.records: dict[str, Record] = {}
        self.directory = Directory({}, {})
        self.hellos: list[Hello] = []
        self.reports: list[Observation] = []
        self.latest: dict[str, Observation] = {}
        self.engine: list[str] = []
        self.heartbeats: list[Heartbeat] = []
        self.streamed: dict[str, bytes] = {}
        self.closed: dict[str, int | None] = {}
        self.registrations: list[str] = []
        self.refuses_keys = False
        self._port = 0
        self._number = 0
        self._sockets: set[web.WebSocketResponse] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Its base URL; the same after a stop and a start."""
        return f"http://{self.address}:{self._port}"

    def start(self) -> None:
        """Be there."""
        self._do(self._start())

    def stop(self) -> None:
        """Be away: connections break, and nobody listens."""
        self._do(self._stop())

    def close(self) -> None:
        """End for good."""
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def want(self, *records: Record) -> None:
        """Say what is wanted of some containers, now and in each full assignment from now on."""
        self.records.update({record.container: record for record in records})
        self._number += 1
        self.send(Assignment(self.incarnation, self._number, list(records)))

    def forget(self, container: str) -> None:
        """Have no record of a container any more, and say so with a full assignment."""
        self.records.pop(container, None)
        self.send(self._full())

    def name(self, directory: Directory) -> None:
        """Change the names."""
        self.directory = directory
        self.send(directory)

    def logs(self, container: str, **options: Any) -> str:
        """Ask for the log of a container; return the id under which it is found in `streamed`."""
        id = secrets.token_hex(4)
        self.streamed[id] = b""
        self.send(OpenStream(id, "secret", "logs", container, options))
        return id

    def send(self, message: FromServer) -> None:
        """Send a message to every connected agent."""
        self._do(self._send(message))

    def state(self, container: str) -> str:
        """Return the state that was reported last; "" if none was."""
        return self.latest[container].state if container in self.latest else ""

    # --- inside the thread --------------------------------------------------------------------------------------

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_get("/v1/register", self._find)
        app.router.add_post("/v1/register", self._register)
        app.router.add_get("/agent/connect", self._connect)
        app.router.add_get("/agent/streams/{id}", self._stream)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.address, self._port, reuse_address=True)
        await site.start()
        self._port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]

    async def _stop(self) -> None:
        if self._runner is not None:
            for socket in list(self._sockets):
                await socket.close(code=messages.CLOSE_RESTART)
            await self._runner.cleanup()
            self._runner = None

    async def _send(self, message: FromServer) -> None:
        for socket in list(self._sockets):
            await socket.send_str(messages.encode(message).decode())

    def _full(self) -> Assignment:
        self._number += 1
        return Assignment(self.incarnation, self._number, list(self.records.values()), full=True)

    def _check(self, request: web.Request, user: str, password: str) -> None:
        wanted = base64.b64encode(f"{user}:{password}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {wanted}":
            raise web.HTTPUnauthorized

    async def _find(self, request: web.Request) -> web.Response:
        self._check(request, "registrationToken", TOKEN)
        key = request.query["key"]
        data = [{"type": "register", "state": "active", "key": key, "accessKey": "access", "secretKey": "secret"}]
        return web.json_response({"type": "collection", "data": data if key in self.registrations else []})

    async def _register(self, request: web.Request) -> web.Response:
        self._check(request, "registrationToken", TOKEN)
        self.registrations.append((await request.json())["key"])
        return web.json_response({"type": "register", "state": "registering"}, status=201)

    async def _connect(self, request: web.Request) -> web.WebSocketResponse:
        if self.refuses_keys:
            raise web.HTTPUnauthorized
        self._check(request, "access", "secret")
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        hello = messages.decode_from_agent((await socket.receive()).data)
        assert isinstance(hello, Hello)
        self.hellos.append(hello)
        self.engine.append(hello.engine_message)
        self._take(hello.inventory)
        welcome = Welcome(1, self.incarnation, self.installation, "1h1", self.network, heartbeat_s=0.5)
        for message in (welcome, self._full(), self.directory):
            await socket.send_str(messages.encode(message).decode())
        self._sockets.add(socket)
        try:
            async for frame in socket:
                if frame.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    self._hear(messages.decode_from_agent(frame.data))
        finally:
            self._sockets.discard(socket)
        return socket

    def _hear(self, message: messages.FromAgent | None) -> None:
        match message:
            case Report():
                self._take(message.observations)
            case Engine():
                self.engine.append(message.message)
            case Heartbeat():
                self.heartbeats.append(message)

    def _take(self, observations: list[Observation]) -> None:
        self.reports += observations
        self.latest.update({seen.container: seen for seen in observations})

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        id = request.match_info["id"]
        if request.query["token"] != "secret":
            raise web.HTTPForbidden
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for frame in socket:
            self.streamed[id] += frame.data
        self.closed[id] = socket.close_code
        return socket
