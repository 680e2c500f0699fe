"""Live streams of containers (logs): from a token to bytes that a host sends, relayed while somebody reads.

The action `logs` gives a token (10-hosts section 9); with it a client opens `GET /v1/logs/`. The host is asked over
its control websocket (`OpenStream`), dials `GET /agent/streams/<id>` and sends binary chunks of text lines
`<2-digit stream> <timestamp> <line>`; each line becomes one text message to the client. A client that reads slowly
slows the host down: at most a chunk is held here. Either end closes both. A client reads from the close code what
became of its stream: 1000 the end of the output, 1008 it may not read any more, 1011 it cannot be had (the host says
why), 1012 this server ends, 1013 the host went away in the middle or never came: it may be opened again.

Tokens are signed with a key of this process (a JWT, HS256), good for one connection within five minutes; after a
restart clients ask for new ones, so that "one connection" needs no memory on disk.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog
from prometheus_client import Gauge
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from trailboss.api import access, sockets
from trailboss.api.access import Caller
from trailboss.dispatch.sessions import Dispatcher
from trailboss.errors import ApiError, Unreachable
from trailboss.resources.instance.actions import StreamRequest
from trailboss.store.store import Store
from trailboss.wire.messages import OpenStream

log = structlog.get_logger()

LIFETIME_S = 300
DIAL_WITHIN_S = 10.0
MOST = 1000
"""Streams at one time."""
RECHECK_S = 3.0
"""How often it is looked whether who reads may still do so."""
_PROOF = ("role", "account_id", "authenticated_id", "key", "session")
LONGEST_LINE = 256 * 1024
"""Characters; what is longer is cut, so that a host that never ends its line costs no more."""

HOST_WENT = "the container's host went away before the end"

OPEN = Gauge("trailboss_streams", "Live streams that are relayed")


@dataclass
class Tokens:
    """Makes and takes back tokens that are good once. clock: seconds since 1970."""

    clock: Callable[[], float] = time.time
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    spent: dict[str, int] = field(default_factory=dict)

    def make(self, claims: dict[str, Any]) -> str:
        """Return a signed token that carries some claims."""
        now = int(self.clock())
        common = {"iss": "http://cattle.io", "sub": "cattle", "kid": "default", "iat": now, "exp": now + LIFETIME_S}
        body = {**common, "jti": secrets.token_urlsafe(12), **claims}
        text = f"{_encode({'alg': 'HS256', 'typ': 'JWT'})}.{_encode(body)}"
        return f"{text}.{self._sign(text)}"

    def redeem(self, token: str) -> dict[str, Any]:
        """Return the claims of a token and make it worthless. Raises ApiError 401, saying what is wrong with it."""
        text, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._sign(text).encode(), signature.encode()):
            raise ApiError(401, message="the token is not one of this server, or from before its restart")
        claims: dict[str, Any] = msgspec.json.decode(_decode(text.partition(".")[2]))
        now = self.clock()
        if claims["exp"] < now:
            raise ApiError(401, message="the token has expired; ask for the logs again")
        self.spent = {jti: until for jti, until in self.spent.items() if until >= now}
        if claims["jti"] in self.spent:
            raise ApiError(401, message="the token was used already; ask for the logs again")
        self.spent[claims["jti"]] = claims["exp"]
        return claims

    def _sign(self, text: str) -> str:
        return _base64(hmac.new(self.key, text.encode(), hashlib.sha256).digest())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _encode(value: dict[str, Any]) -> str:
    return _base64(msgspec.json.encode(value))


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Lines:
    """Cuts chunks of bytes into lines of text, wherever the chunks end."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[str]:
        """Return the lines that are complete now."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            whole.append(self._rest)
            self._rest = b""
        return [line.decode(errors="replace") for line in whole]

    def end(self) -> list[str]:
        """Return what was left without a line break."""
        return [self._rest.decode(errors="replace")] if self._rest else []


@dataclass
class _Stream:
    """One stream that a host was asked for. arrived: its websocket. over: set when that may be let go."""

    token: str
    arrived: asyncio.Future[WebSocket]
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Streams:
    """All live streams of this server. Lives in the event loop that serves the routes."""

    def __init__(self, dispatcher: Dispatcher, store: Store) -> None:
        self.dispatcher, self.store = dispatcher, store
        self.tokens = Tokens()
        self._streams: dict[str, _Stream] = {}
        self._stopping = asyncio.Event()

    def routes(self) -> list[BaseRoute]:
        """Return the routes for the app."""
        return [
            WebSocketRoute("/v1/logs/", self.client),
            WebSocketRoute("/v1/logs", self.client),
            WebSocketRoute("/agent/streams/{id}", self.host),
        ]

    def stop(self) -> None:
        """End every stream."""
        self._stopping.set()

    def open(self, wanted: StreamRequest, caller: Caller) -> dict[str, str]:
        """Return the path of a stream and a token for it. Raises ApiError 503 while its host does not answer."""
        if self.dispatcher.session_of(wanted.host_id) is None:
            raise ApiError(503, "HostNotConnected", "the container's host does not answer now; try again when it does")
        claims = {
            "hostId": wanted.host_id,
            "for": {name: getattr(caller, name) for name in _PROOF},
            "logs": {
                "Container": wanted.container,
                "Lines": wanted.options["lines"],
                "Follow": wanted.options["follow"],
            },
        }
        return {"url": "/v1/logs/", "token": self.tokens.make(claims)}

    async def client(self, socket: WebSocket) -> None:
        """Serve one who reads."""
        try:
            claims = self.tokens.redeem(_token(socket))
            caller = Caller(**claims["for"])
            await self._check(caller)
            session = self.dispatcher.session_of(claims["hostId"])
            if session is None:
                raise ApiError(401, message="the container's host does not answer now; try again when it does")
            if len(self._streams) >= MOST:
                raise ApiError(503, message=f"this server relays {MOST} streams already; try again later")
        except ApiError as problem:
            await sockets.refuse(socket, problem)
            return
        await socket.accept()
        id, secret = secrets.token_urlsafe(12), secrets.token_urlsafe(24)
        stream = self._streams[id] = _Stream(secret, asyncio.get_running_loop().create_future())
        OPEN.set(len(self._streams))
        logs = claims["logs"]
        options = {"lines": logs["Lines"], "follow": logs["Follow"], "timestamps": True}
        session.order(OpenStream(id, secret, "logs", logs["Container"], options))
        try:
            code, reason = await self._relay(stream, socket, caller)
        finally:
            del self._streams[id]
            stream.arrived.cancel()
            stream.over.set()
            OPEN.set(len(self._streams))
        await sockets.close(socket, code, reason)

    async def host(self, socket: WebSocket) -> None:
        """Take the websocket that a host has dialled for a stream, and keep it until the stream is over."""
        stream = self._streams.get(socket.path_params["id"])
        given = socket.query_params.get("token", "")
        is_good = stream is not None and hmac.compare_digest(stream.token.encode(), given.encode())
        if stream is None or not is_good or stream.arrived.done():
            await sockets.refuse(socket, ApiError(403, message="nobody waits for this stream"))
            return
        await socket.accept()
        stream.arrived.set_result(socket)
        await stream.over.wait()
        await sockets.close(socket, sockets.NORMAL, "nobody reads any more")

    async def _check(self, caller: Caller) -> None:
        """Look whether somebody may still read. Raises ApiError 401, 403, 503."""
        try:
            await asyncio.wrap_future(self.store.submit_read(lambda read: access.check_again(read, caller)))
        except Unreachable as error:
            raise ApiError(503, message=error.message) from error

    async def _watch(self, caller: Caller) -> tuple[int, str]:
        """Wait until somebody may not read any more; return how to close."""
        while True:
            await asyncio.sleep(RECHECK_S)
            try:
                await self._check(caller)
            except ApiError as problem:
                if problem.status != 503:
                    return sockets.REFUSED, problem.message

    async def _relay(self, stream: _Stream, socket: WebSocket, caller: Caller) -> tuple[int, str]:
        """Carry lines until one end is gone, its reader may not read any more, or the server ends; return how to close
        the client's side."""
        pumping = asyncio.create_task(_pump(stream.arrived, socket))
        reader_gone = asyncio.create_task(sockets.gone(socket))
        stopping = asyncio.create_task(self._stopping.wait())
        watching = asyncio.create_task(self._watch(caller))
        tasks = (pumping, reader_gone, stopping, watching)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if pumping.done():
                return pumping.result()
            if watching.done():
                return watching.result()
            return (sockets.RESTART, "the server ends") if stopping.done() else (sockets.NORMAL, "")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _pump(arrived: asyncio.Future[WebSocket], socket: WebSocket) -> tuple[int, str]:
    """Carry lines from a host to a client until the host ends the stream; return how to close the client's side."""
    try:
        async with asyncio.timeout(DIAL_WITHIN_S):
            host = await arrived
    except TimeoutError:
        return sockets.TRY_LATER, f"the host did not open the stream within {DIAL_WITHIN_S:.0f} s; try again"
    lines = Lines()
    while True:
        message = await host.receive()
        if message["type"] == "websocket.disconnect":
            break
        chunk = message.get("bytes") or (message.get("text") or "").encode()
        await _send(lines.feed(chunk), socket)
    await _send(lines.end(), socket)
    code, reason = message.get("code"), message.get("reason") or ""
    if code in (sockets.NORMAL, sockets.FAILED, sockets.TRY_LATER):
        return code, reason
    # gone without a word of its own: killed, restarted, or the network between us broke
    return sockets.TRY_LATER, reason or HOST_WENT


async def _send(lines: list[str], socket: WebSocket) -> None:
    try:
        for line in lines:
            await socket.send_text(line)
    except WebSocketDisconnect:
        return


def _token(socket: WebSocket) -> str:
    scheme, _, bearer = socket.headers.get("authorization", "").partition(" ")
    return socket.query_params.get("token") or (bearer.strip() if scheme.lower() == "bearer" else "")
