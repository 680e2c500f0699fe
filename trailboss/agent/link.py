"""The agent's end of the control websocket: dials the server, for ever, and carries messages both ways.

In: the server's messages (`wire/messages.py`), given to `Handler`. Out: Hello with everything that is known, then
reports, engine messages, facts and heartbeats. While there is no connection, nothing is queued: the next Hello says
all. Whoever is lost for `ALONE_AFTER_S` is alone, and the crew is told so.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import msgspec
import structlog

from trailboss.agent.state import Identity
from trailboss.agent.together import until_one_ends
from trailboss.errors import NotStored, Permanent
from trailboss.wire import messages
from trailboss.wire.messages import FromAgent, FromServer, Heartbeat, Hello, Welcome

log = structlog.get_logger()

ALONE_AFTER_S = 2.0
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
WELCOME_S = 15.0
SILENCE_S = 15.0
"""A connection on which the server answers no ping for this long is dead."""
STEADY_S = 5.0
"""A connection that holds for this long was a good one: the pauses begin small again."""
REFUSALS = 3
"""How often in a row the keys must be refused before the agent believes it."""
REMOVED = (
    "the server does not know this agent any more: its host was removed, or this is another server. The containers go "
    "on. To join again, start the agent with a new --data and a new token"
)
MOST_BYTES = 256 * 2**20
BROKEN = 1006
"""Code of a connection that ended without a close frame (RFC 6455)."""


class Handler(Protocol):
    """Who answers for the host."""

    async def hello(self) -> Hello:
        """Say everything that is known, as the first message of a connection."""

    async def take(self, message: FromServer) -> None:
        """Act on a message of the server."""

    async def talk(self, send: Send) -> None:
        """Send what there is to say, until cancelled."""

    def set_alone(self, alone: bool) -> None:
        """The server is away, or is back."""


class Send(Protocol):
    """Sends one message; returns when it has left."""

    async def __call__(self, message: FromAgent) -> None: ...


class Link:
    """server: base URL, http or https. identity: with the agent's own keys."""

    def __init__(self, server: str, identity: Identity, handler: Handler) -> None:
        self._url = websocket_url(server, "/agent/connect")
        self._auth = aiohttp.encode_basic_auth(identity.access, identity.secret)
        self._handler = handler
        self._applied = 0
        self._reason = ""
        self._lonely: asyncio.TimerHandle | None = None

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Stay connected until cancelled. Raises Permanent when the server does not want this agent any more."""
        refusals = failures = 0
        self._lose()
        while True:
            began = time.monotonic()
            try:
                code, reason = await self._connection(session)
                refusals = 0
                log.info("the connection to the server has ended", code=code, reason=reason)
                if code == messages.CLOSE_TOO_OLD:
                    raise Permanent(f"the server says: {reason}")
            except aiohttp.WSServerHandshakeError as error:
                refusals = refusals + 1 if error.status in (401, 403) else 0
                log.warning("the server refuses the connection", status=error.status)
                if refusals >= REFUSALS:
                    raise Permanent(REMOVED) from None
            except NotStored as error:
                # nothing is acted upon that was not written down; the next connection's Welcome and Assignment say all
                log.warning("what the server says cannot be kept", because=error.message)
            except (aiohttp.ClientError, OSError, msgspec.DecodeError) as error:
                log.warning("the server is not reached", because=str(error) or type(error).__name__)
            failures = 0 if time.monotonic() - began > STEADY_S else failures + 1
            await asyncio.sleep(pause(failures, random.random()))

    async def _connection(self, session: aiohttp.ClientSession) -> tuple[int, str]:
        """Serve one connection from its Hello to its end; return the server's close code and reason."""
        async with session.ws_connect(
            self._url,
            headers={"Authorization": self._auth},
            heartbeat=SILENCE_S,
            max_msg_size=MOST_BYTES,
        ) as socket:

            async def send(message: FromAgent) -> None:
                await socket.send_bytes(messages.encode(message))

            await send(await self._handler.hello())
            welcome = await self._next(socket, WELCOME_S)
            if isinstance(welcome, Welcome):
                log.info("the server has welcomed this agent", installation=welcome.installation)
                await self._handler.take(welcome)
                self._find()
                try:
                    await self._converse(socket, send, welcome.heartbeat_s)
                finally:
                    self._lose()
            return socket.close_code or BROKEN, self._reason

    async def _converse(self, socket: aiohttp.ClientWebSocketResponse, send: Send, heartbeat_s: float) -> None:
        await until_one_ends(self._listen(socket), self._beat(send, heartbeat_s), self._handler.talk(send))

    async def _next(self, socket: aiohttp.ClientWebSocketResponse, within_s: float | None) -> FromServer | None:
        """Return the next message that this version understands; None at the end."""
        while True:
            frame = await socket.receive(within_s)
            if frame.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                self._reason = frame.extra or "" if frame.type is aiohttp.WSMsgType.CLOSE else "it broke"
                return None
            message = messages.decode_from_server(frame.data)
            if message is not None:
                return message

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while (message := await self._next(socket, None)) is not None:
            await self._handler.take(message)
            if isinstance(message, messages.Assignment):
                self._applied = message.number

    async def _beat(self, send: Send, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            await send(Heartbeat(self._applied))

    def _lose(self) -> None:
        """The connection is gone; if it stays so, the host is alone."""
        if self._lonely is None:
            loop = asyncio.get_running_loop()
            self._lonely = loop.call_later(ALONE_AFTER_S, self._handler.set_alone, True)

    def _find(self) -> None:
        if self._lonely is not None:
            self._lonely.cancel()
            self._lonely = None
        self._handler.set_alone(False)


def pause(failures: int, chance: float) -> float:
    """Return the seconds before the next try: growing, and spread by chance (0 to 1), so that not all agents of a
    restarted server come at the same moment."""
    longest = min(LONGEST_PAUSE_S, SHORTEST_PAUSE_S * 2.0 ** min(failures, 10))
    return SHORTEST_PAUSE_S + chance * (longest - SHORTEST_PAUSE_S)


def websocket_url(server: str, path: str) -> str:
    """Return the address of a websocket of a server: http becomes ws, https wss."""
    parts = urlsplit(server)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + path, "", ""))
