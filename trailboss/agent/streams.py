"""Live streams: on `OpenStream` the agent dials a websocket of its own and sends what Docker has, as fast as it goes.

Logs are sent as text lines `<stream> <timestamp> <line>`, stream as two digits (00 terminal, 01 output, 02 errors), in
binary chunks that may hold many lines. Back-pressure: a chunk is read from Docker when the one before has left.
Control messages never wait for a stream, since each has its own connection. The close code says what became of the
stream: 1000 the end of the output, 1011 it cannot be had, 1013 Docker does not answer now, 1001 this agent ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import quote

import aiohttp
import structlog

from trailboss.agent.docker import Docker
from trailboss.agent.link import websocket_url
from trailboss.errors import Permanent, Unreachable
from trailboss.wire.messages import OpenStream

log = structlog.get_logger()

MOST = 100
"""Streams at one time."""
LONGEST_LINE = 64 * 1024
LONGEST_REASON = 120
"""Bytes; a close frame holds 123."""


class Streams:
    """All live streams of the host."""

    def __init__(self, server: str, session: aiohttp.ClientSession, docker: Docker) -> None:
        self._server, self._session, self._docker = server, session, docker
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self, wanted: OpenStream) -> None:
        """Begin a stream; it ends by itself, when either side does."""
        if len(self._tasks) >= MOST:
            log.warning("a stream is refused: there are too many", container=wanted.container)
            return
        task = asyncio.create_task(self._serve(wanted), name=f"stream of {wanted.container}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End all streams."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, wanted: OpenStream) -> None:
        url = websocket_url(self._server, f"/agent/streams/{quote(wanted.id)}") + f"?token={quote(wanted.token)}"
        try:
            async with self._session.ws_connect(url) as socket:
                sending = asyncio.create_task(self._send(socket, wanted))
                reading = asyncio.create_task(_until_closed(socket))
                try:
                    await asyncio.wait({sending, reading}, return_when=asyncio.FIRST_COMPLETED)
                except asyncio.CancelledError:
                    await socket.close(code=aiohttp.WSCloseCode.GOING_AWAY, message=b"the agent of the host ends")
                    raise
                finally:
                    reading.cancel()
                    sending.cancel()
                    await asyncio.gather(sending, reading, return_exceptions=True)
        except (aiohttp.ClientError, OSError) as error:
            log.info("a stream was not opened", container=wanted.container, because=str(error))

    async def _send(self, socket: aiohttp.ClientWebSocketResponse, wanted: OpenStream) -> None:
        code, reason = aiohttp.WSCloseCode.OK, b""
        try:
            options = wanted.options
            async with self._docker.logs(
                wanted.container,
                lines=int(options.get("lines", 100)),
                follow=bool(options.get("follow", True)),
                timestamps=bool(options.get("timestamps", True)),
            ) as pieces:
                async for chunk in lines_of(pieces):
                    await socket.send_bytes(chunk)
        except Permanent as error:
            code, reason = aiohttp.WSCloseCode.INTERNAL_ERROR, error.message.encode()[:LONGEST_REASON]
        except Unreachable as error:
            code, reason = aiohttp.WSCloseCode.TRY_AGAIN_LATER, error.message.encode()[:LONGEST_REASON]
        await socket.close(code=code, message=reason)


async def _until_closed(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Return when the other side is gone; what it says until then is not listened to."""
    async for _ in socket:
        continue


async def lines_of(pieces: AsyncIterator[tuple[int, bytes]]) -> AsyncIterator[bytes]:
    """Put the stream's number before each line, wherever pieces end. An overlong line is cut in parts."""
    rests: dict[int, bytes] = {}
    async for stream, data in pieces:
        *whole, rest = (rests.pop(stream, b"") + data).split(b"\n")
        while len(rest) > LONGEST_LINE:
            whole.append(rest[:LONGEST_LINE])
            rest = rest[LONGEST_LINE:]
        rests[stream] = rest
        if whole:
            yield b"".join(b"%02d %s\n" % (stream, line.rstrip(b"\r")) for line in whole)
    for stream, rest in rests.items():
        if rest:
            yield b"%02d %s\n" % (stream, rest)
