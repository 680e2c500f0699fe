"""`subscribe`: who asks is told of changes as they are committed (03-administration section 5, `docs/api.md`).

A websocket, server-sent events, or a POST that is answered with an endless text. Here is how each of them carries
events, and every way in which a subscription ends. What was asked for, and the loop that sends, is in
`subscription.py`; what is told comes from a channel (`channel_exact.py`, `channel_plain.py`), one for each view.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import msgspec
from prometheus_client import Gauge
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope
from starlette.types import Send as ToClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from trailboss.api import guard, render, sockets, subscription
from trailboss.api.channel_exact import Exact
from trailboss.api.channel_plain import Plain
from trailboss.api.context import Context
from trailboss.api.events import Event, View
from trailboss.api.feed import Feed
from trailboss.api.request import base_url, target_of
from trailboss.api.subscription import NOW, Asked, Send, Subscription, Wish
from trailboss.errors import ApiError, Unreachable

SUBSCRIBERS = Gauge("trailboss_subscribers", "Open subscriptions to changes")
CHANNELS = Gauge("trailboss_subscriber_channels", "Different views among them; events are made once for each")

RECHECK_S = 3
"""How often it is looked whether a subscriber may still see what it is told."""
PADDING = b"\n" + b" " * 512 + b"\n"


class Subscriptions:
    """All subscribers of this server. Lives in the event loop that serves the routes."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.feed = Feed(context.store)
        self._channels: dict[View, Exact | Plain] = {}
        self._stopping = asyncio.Event()

    def routes(self) -> list[BaseRoute]:
        """Return the routes for the app."""
        return [_Route(self)]

    def stop(self) -> None:
        """End every subscription."""
        self._stopping.set()

    async def socket(self, socket: WebSocket) -> None:
        """Serve a subscriber over a websocket."""
        query = socket.query_params
        wish = Wish(query.getlist("eventNames"), query.getlist("include"), query.get("cursor"))
        try:
            guard.check_page(socket)
            asked = await self._asked(socket, wish)
        except (ApiError, Unreachable) as problem:
            await sockets.refuse(socket, _as_answer(problem))
            return
        await socket.accept()

        async def send(event: Event) -> None:
            await socket.send_text(event.body.decode())

        try:
            code, reason = await self._serve(socket, wish, asked, send, sockets.gone(socket))
        except WebSocketDisconnect:
            return
        await sockets.close(socket, code, reason)

    async def http(self, request: Request, shape: Shape, send: ToClient) -> None:
        """Serve a subscriber with an endless answer."""
        try:
            wish = await shape.wish(request)
            asked = await self._asked(request, wish)
        except (ApiError, Unreachable) as problem:
            refusal = _as_answer(problem)
            answer = JSONResponse(render.error(refusal), refusal.status, headers=_headers(request) | refusal.headers)
            await answer(request.scope, request.receive, send)
            return
        # the start of an answer without a body, as Starlette writes it
        start = Response(media_type=shape.media_type, headers=_headers(request) | shape.headers)
        del start.headers["content-length"]
        await send({"type": "http.response.start", "status": 200, "headers": start.raw_headers})

        async def tell(event: Event) -> None:
            await send({"type": "http.response.body", "body": shape.framed(event), "more_body": True})

        _, reason = await self._serve(request, wish, asked, tell, _gone(request))
        with contextlib.suppress(TimeoutError):  # of who does not read
            last = {"type": "http.response.body", "body": shape.ending(reason), "more_body": False}
            async with asyncio.timeout(sockets.CLOSE_WITHIN_S):
                await send(last)

    async def _asked(self, connection: HTTPConnection, wish: Wish) -> Asked:
        return await self.context.read(partial(subscription.asked, connection=connection, wish=wish))

    async def _serve(
        self, connection: HTTPConnection, wish: Wish, asked: Asked, send: Send, gone: Awaitable[object]
    ) -> tuple[int, str]:
        """Tell a subscriber of changes until one side wants the end; return how to close."""
        channel = self._channel(asked.view)
        source = channel.enter(asked.position)
        SUBSCRIBERS.inc()
        serving = Subscription(source, send)
        tasks: tuple[asyncio.Future[tuple[int, str]], ...] = (
            asyncio.ensure_future(self._run(channel, serving)),
            asyncio.ensure_future(_after(gone, sockets.NORMAL, "")),
            asyncio.ensure_future(_after(self._stopping.wait(), sockets.RESTART, "the server ends")),
            asyncio.ensure_future(self._watch(connection, wish, asked.view, serving)),
        )
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(task for task in tasks if task in done).result()
        except Unreachable as error:
            return sockets.TRY_LATER, error.message
        finally:
            channel.sources.discard(source)
            SUBSCRIBERS.dec()
            self._let_go(channel)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _channel(self, view: View) -> Exact | Plain:
        if view not in self._channels:
            self._channels[view] = Exact(view, self.context) if view.exact else Plain(view, self.context)
            CHANNELS.set(len(self._channels))
        return self._channels[view]

    def _let_go(self, channel: Exact | Plain) -> None:
        if not channel.sources:
            self.feed.leave(channel)
            del self._channels[channel.view]
            CHANNELS.set(len(self._channels))

    async def _run(self, channel: Exact | Plain, serving: Subscription) -> tuple[int, str]:
        await self.feed.join(channel)
        return await serving.run()

    async def _watch(
        self, connection: HTTPConnection, wish: Wish, view: View, serving: Subscription
    ) -> tuple[int, str]:
        """Wait until the subscriber does not read any more, or may not see any more what it is told."""
        while True:
            for _ in range(RECHECK_S):
                if serving.is_stuck:
                    return sockets.TRY_LATER, "events are not read"
                await asyncio.sleep(1)
            try:
                now = await self._asked(connection, wish)
            except ApiError as problem:
                return sockets.REFUSED, problem.message
            if now.view != view:
                return sockets.REFUSED, "what these keys may see has changed: subscribe again"


async def _after(event: Awaitable[object], code: int, reason: str) -> tuple[int, str]:
    await event
    return code, reason


async def _gone(request: Request) -> None:
    """Wait until the other side is gone."""
    while (await request.receive())["type"] != "http.disconnect":
        continue


# --- endless answers -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shape:
    """How events are written into an endless answer. wish: reads what a request asks for; raises ApiError.
    ending: what is written last, with the reason in words."""

    media_type: str
    headers: dict[str, str]
    wish: Callable[[Request], Awaitable[Wish]]
    framed: Callable[[Event], bytes]
    ending: Callable[[str], bytes]


class _Wanted(msgspec.Struct):
    eventNames: list[str] = []
    include: list[str] = []
    cursor: str | None = None


async def _in_body(request: Request) -> Wish:
    guard.check_csrf(request, "POST")
    try:
        wanted = msgspec.json.decode(await request.body() or b"{}", type=_Wanted)
    except msgspec.DecodeError as error:
        raise ApiError(400, "InvalidBodyContent", "the body is {eventNames: [...]}") from error
    return Wish(wanted.eventNames, wanted.include, wanted.cursor)


async def _in_query(request: Request) -> Wish:
    # a browser that connects again repeats the URL as it was, and says in a header how far it has come
    cursor = request.headers.get("last-event-id") or request.query_params.get("cursor") or NOW
    return Wish(request.query_params.getlist("eventNames"), request.query_params.getlist("include"), cursor)


TEXT = Shape("text/plain", {}, _in_body, lambda event: event.body + PADDING, lambda reason: b"")
"""As in v1: one event in a line, then padding that makes proxies pass it on."""
SERVER_SENT = Shape(
    "text/event-stream",
    # the second is for nginx, which would collect events
    {"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    _in_query,
    lambda event: b"id: %s\ndata: %s\n\n" % (event.cursor.encode(), event.body),
    lambda reason: f": {reason}\n\n".encode(),
)
"""https://html.spec.whatwg.org/multipage/server-sent-events.html; always in the exact form, so that it goes on after
a break where it was."""


def _as_answer(problem: ApiError | Unreachable) -> ApiError:
    return problem if isinstance(problem, ApiError) else ApiError(503, message=problem.message)


def _headers(request: Request) -> dict[str, str]:
    project = target_of(request.scope["path"]).project
    return {"X-API-Schemas": f"{base_url(request)}/v1{f'/projects/{project}' if project else ''}/schemas"}


class _Route(BaseRoute):
    """Below `/v1`, in any case and project: a websocket, a POST, or a GET that accepts server-sent events. A plain GET
    is answered like any collection."""

    def __init__(self, subscriptions: Subscriptions) -> None:
        self.subscriptions = subscriptions

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        is_ours = scope["type"] == "websocket" or (scope["type"] == "http" and _shape_of(scope) is not None)
        if not is_ours or scope["path"].lstrip("/").partition("/")[0] != "v1":
            return Match.NONE, {}
        target = target_of(scope["path"])
        is_named = (target.type or "").lower() == "subscribe" and target.id is None
        return (Match.FULL, {}) if is_named else (Match.NONE, {})

    async def handle(self, scope: Scope, receive: Receive, send: ToClient) -> None:
        if scope["type"] == "websocket":
            await self.subscriptions.socket(WebSocket(scope, receive, send))
        elif (shape := _shape_of(scope)) is not None:
            await self.subscriptions.http(Request(scope, receive), shape, send)


def _shape_of(scope: Scope) -> Shape | None:
    """Return how a request is answered without end; None if it is not."""
    if scope["method"] == "POST":
        return TEXT
    accepts = [value for name, value in scope["headers"] if name == b"accept"]
    return SERVER_SENT if scope["method"] == "GET" and any(b"text/event-stream" in v for v in accepts) else None
