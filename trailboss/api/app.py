"""The only list of URLs, and what surrounds every request: its id, one line in the log, errors as documents.

`build_app(context)` gives the Starlette app; who composes the process adds routes of its own (`more`).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trailboss.api import html, render, v1
from trailboss.api.context import Context
from trailboss.api.request import base_url, request_id_of
from trailboss.errors import ApiError
from trailboss.observe import REQUEST, bound

log = structlog.get_logger()


def build_app(context: Context, more: Sequence[BaseRoute] = ()) -> Starlette:
    """Return the app that serves the v1 API. more: further routes (health, metrics, websockets); they come first."""
    routes = [
        *more,
        Route("/ping", ping),
        Route("/healthcheck", ping),
        Route("/", root),
        Route("/assets/{name}", html.asset),
        Otherwise(),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(Observe)], exception_handlers={ApiError: refused})
    app.router.redirect_slashes = False
    app.state.context = context
    return app


async def refused(request: Request, problem: Exception) -> Response:
    """Answer the error document of a refusal that a route has not rendered itself."""
    assert isinstance(problem, ApiError)
    return await html.answer(request, render.encode(render.error(problem)), problem.status, problem.headers)


async def ping(request: Request) -> Response:
    """Answer that the process is alive."""
    return PlainTextResponse("pong")


async def root(request: Request) -> Response:
    """Answer which versions of the API there are."""
    base = base_url(request)
    latest = {"id": "v1", "type": "apiVersion", "links": {"self": f"{base}/v1"}, "actions": {}}
    document = {
        "type": "collection",
        "resourceType": "apiVersion",
        "links": {"self": f"{base}/", "latest": f"{base}/v1"},
        "createTypes": {},
        "actions": {},
        "data": [latest],
        "sortLinks": {},
        "pagination": None,
        "sort": None,
        "filters": {},
        "createDefaults": {},
    }
    return await html.answer(request, render.encode(document), 200, {"X-API-Schemas": f"{base}/v1/schemas"})


async def below(request: Request) -> Response:
    """Answer what is below `/v1`, and 404 elsewhere; repeated slashes count as one."""
    if request.scope["path"].lstrip("/").split("/", 1)[0] == "v1":
        return await v1.serve(request)
    raise ApiError(404)


class Otherwise(BaseRoute):
    """The last route: every request that no other answers, whatever its path (a pattern does not match every text that
    can be one) and method (the API says itself what is not allowed)."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match every HTTP request."""
        return (Match.FULL if scope["type"] == "http" else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one of them."""
        response = await below(Request(scope, receive))
        await response(scope, receive, send)


_PROTECTION = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
"""Headers of every answer that has not its own: nobody guesses its type, frames it, runs anything in it or keeps it."""
_TLS_ONLY = (b"strict-transport-security", b"max-age=31536000")


def _protected(headers: list[tuple[bytes, bytes]], scheme: str) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer with those that protect browsers."""
    present = {name.lower() for name, _ in headers}
    wanted = (*_PROTECTION, _TLS_ONLY) if scheme == "https" else _PROTECTION
    return [*headers, *((name, value) for name, value in wanted if name not in present)]


def _logged(path: str) -> str:
    """Return a path as it is logged: below `scripts` there are tokens with which hosts join."""
    front, scripts, _ = path.partition("/scripts/")
    return f"{front}{scripts}***" if scripts else path


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
        request_id = request_id_of(sent) or secrets.token_hex(16)
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], (b"x-request-id", request_id.encode())]
                message["headers"] = _protected(headers, scope["scheme"])
            await send(message)

        try:
            with bound(**{REQUEST: request_id}):
                await self.app(scope, receive, answer)
        except Exception:
            log.exception("a request failed", request=request_id, method=scope["method"], path=_logged(scope["path"]))
            if status:
                raise
            broken = await html.answer(Request(scope), render.encode(render.error(ApiError(500))), 500, {})
            await broken(scope, receive, answer)
        finally:
            log.info(
                "request",
                request=request_id,
                method=scope["method"],
                path=_logged(scope["path"]),
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )
