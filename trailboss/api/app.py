"""The only list of URLs, and what surrounds every request: its id, one line in the log, errors as documents.

`build_app(context)` gives the Starlette app; who composes the process adds routes of its own (`more`).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trailboss.api import render
from trailboss.api.context import Context
from trailboss.api.request import request_id_of
from trailboss.errors import ApiError

log = structlog.get_logger()

JSON = "application/json; charset=utf-8"


def build_app(context: Context, more: Sequence[BaseRoute] = ()) -> Starlette:
    """Return the app that serves the v1 API. more: further routes (health, metrics, websockets); they come first."""
    routes = [*more, Route("/ping", ping), Route("/healthcheck", ping)]
    app = Starlette(routes=routes, middleware=[Middleware(Observe)])
    app.state.context = context
    return app


async def ping(request: Request) -> Response:
    """Answer that the process is alive."""
    return PlainTextResponse("pong")


class Observe:
    """Gives each request its id, logs it in one line, and answers 500 where something broke."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        sent = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        request_id = request_id_of(sent) or uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, answer)
        except Exception:
            log.exception("a request failed", request=request_id, method=scope["method"], path=scope["path"])
            if status:
                raise
            broken = Response(render.encode(render.error(ApiError(500))), 500, media_type=JSON)
            await broken(scope, receive, answer)
        finally:
            log.info(
                "request",
                request=request_id,
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )
