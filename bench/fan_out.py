"""The peer of `streams.py`: a websocket fan-out with nothing behind it, on the server stack of Trailboss.

Run as `python -m bench.fan_out PORT`. Each line that is posted to `/say` is sent to every websocket at `/listen`; each
of them has a task of its own, as a subscriber has.
"""

from __future__ import annotations

import asyncio
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

queues: set[asyncio.Queue[str]] = set()


async def say(request: Request) -> Response:
    """Send the lines of a body to all who listen."""
    for text in (await request.body()).decode().splitlines():
        for queue in queues:
            queue.put_nowait(text)
    return Response()


async def listen(socket: WebSocket) -> None:
    """Serve one who listens."""
    await socket.accept()
    queue: asyncio.Queue[str] = asyncio.Queue()
    queues.add(queue)
    while True:
        await socket.send_text(await queue.get())


def main(port: int) -> None:
    """Serve until killed."""
    app = Starlette(routes=[Route("/say", say, methods=["POST"]), WebSocketRoute("/listen", listen)])
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_ping_timeout=None,
        access_log=False,
        log_level="error",
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
