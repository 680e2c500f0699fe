"""What the websockets of the API share: refusing before they are accepted, and closing with a reason in words."""

from __future__ import annotations

import asyncio

from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from trailboss.api import render
from trailboss.errors import ApiError

NORMAL, REFUSED, FAILED, RESTART, TRY_LATER = 1000, 1008, 1011, 1012, 1013
"""Close codes of RFC 6455 and its registry."""
LONGEST_REASON = 120
"""Bytes; a close frame holds 123."""
CLOSE_WITHIN_S = 2.0


async def refuse(socket: WebSocket, problem: ApiError) -> None:
    """Answer a request for a websocket with an error document instead."""
    body = render.encode(render.error(problem))
    await socket.send_denial_response(
        Response(body, problem.status, headers=problem.headers, media_type="application/json; charset=utf-8")
    )


async def close(socket: WebSocket, code: int, reason: str = "") -> None:
    """Close an accepted websocket; one that is closed already, or whose other side does not read, is left alone."""
    short = reason.encode()[:LONGEST_REASON].decode(errors="ignore")
    try:
        async with asyncio.timeout(CLOSE_WITHIN_S):
            await socket.close(code, short)
    except (WebSocketDisconnect, RuntimeError, TimeoutError):
        return


async def gone(socket: WebSocket) -> WebSocketDisconnect:
    """Wait until the other side is gone; what it says until then is not listened to."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return WebSocketDisconnect(message.get("code", 1005), message.get("reason") or "")
