"""How an agent ends a stream: by a code that says whether it may be opened again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from trailboss.agent.streams import Streams
from trailboss.errors import Permanent, Unreachable
from trailboss.wire.messages import OpenStream

pytestmark = pytest.mark.anyio


class Docker:
    """Has one line, and then ends as it is told; None: never."""

    def __init__(self, end: BaseException | str | None) -> None:
        self.end = end

    @asynccontextmanager
    async def logs(self, container: str, **options: Any) -> AsyncIterator[AsyncIterator[tuple[int, bytes]]]:
        yield self._pieces()

    async def _pieces(self) -> AsyncIterator[tuple[int, bytes]]:
        yield 1, b"one\n"
        if isinstance(self.end, BaseException):
            raise self.end
        if self.end is None:
            await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("end", "code", "reason"),
    [
        ("the output has ended", 1000, ""),
        (Permanent("no such container"), 1011, "no such container"),
        (Unreachable("Docker does not answer"), 1013, "Docker does not answer"),
        (None, 1001, "the agent of the host ends"),
    ],
)
async def test_the_close_code_says_what_became_of_the_stream(
    end: BaseException | str | None, code: int, reason: str
) -> None:
    heard: asyncio.Queue[aiohttp.WSMessage] = asyncio.Queue()

    async def take(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        while not socket.closed:
            heard.put_nowait(await socket.receive())
        return socket

    app = web.Application()
    app.router.add_get("/agent/streams/{id}", take)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        streams = Streams(str(server.make_url("")), session, Docker(end))  # type: ignore[arg-type]
        streams.open(OpenStream("1", "secret", "logs", "container", {}))
        async with asyncio.timeout(30):
            assert (await heard.get()).data == b"01 one\n"
            if end is None:
                await streams.close()
            last = await heard.get()
        await streams.close()
    assert (last.type, last.data, last.extra or "") == (aiohttp.WSMsgType.CLOSE, code, reason)
