"""`subscribe`: who asks is told of changes as they are committed (03-administration section 5).

A websocket (or a POST, answered with an endless text) that begins with a `ping`, repeated every 5 s, and carries
`resource.change` events: at most one per resource and second, each with the resource as the subscriber would GET it
at that moment. What is to be told comes from `feed.py`; how a resource looks from `read.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
import structlog
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope
from starlette.types import Send as ToClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from trailboss.api import access, guard, read, render, sockets
from trailboss.api.access import Caller
from trailboss.api.context import Context
from trailboss.api.feed import Backlog, Feed, Key
from trailboss.api.render import Face
from trailboss.api.request import base_url, target_of
from trailboss.api.schemas import role_view
from trailboss.declare import registry
from trailboss.errors import ApiError, Unreachable
from trailboss.store.transaction import Read

log = structlog.get_logger()

PING_EVERY_S = 5.0
MOST_PINGS = 8640
EVERY_S = 1.0
"""Shortest time between two events of one resource."""
BATCH = 50
"""Resources that are read and rendered at once."""
MOST_WAITING = 100
STUCK_AFTER_S = 10.0
"""A subscriber with more than `MOST_WAITING` events before it that has not read one for so long is let go."""
PADDING = b"\n" + b" " * 512 + b"\n"
CHANGE = "resource.change"
Send = Callable[[bytes], Awaitable[None]]
_NAME = re.compile(r"[0-9A-Za-z*._;=]+")
_EMPTY = dict.fromkeys(
    (
        "replyTo", "publisher", "previousIds", "previousNames", "transitioning", "transitioningMessage",
        "transitioningInternalMessage", "transitioningProgress", "timeoutMillis", "context",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What a subscriber asks for. wants_changes: a name that it gave means `resource.change`."""

    caller: Caller
    root: str
    wants_changes: bool
    include: tuple[str, ...] = ()


@dataclass(eq=False)
class Subscription:
    """One subscriber. send: gives it one event, and returns when there is room for the next."""

    asked: Asked
    context: Context
    send: Send
    clock: Callable[[], float] = time.monotonic
    backlog: Backlog = field(init=False)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    sending_since: float | None = None

    def __post_init__(self) -> None:
        self.backlog = Backlog(EVERY_S, self.clock)

    def hear(self, entry: dict[str, Any]) -> None:
        """Take in a journal entry: what belongs to the subscriber's account will be told."""
        caller = self.asked.caller
        if self.asked.wants_changes and (caller.all_accounts or entry["account_id"] == caller.account_id):
            self.backlog.add((entry["type"], entry["id"]))
            self.wake.set()

    @property
    def is_stuck(self) -> bool:
        """Whether the subscriber does not read what piles up before it."""
        since = self.sending_since
        return since is not None and len(self.backlog) > MOST_WAITING and self.clock() - since > STUCK_AFTER_S

    async def run(self) -> tuple[int, str]:
        """Send pings and events until there were enough pings; return how to close. Raises what `send` raises, and
        Unreachable."""
        pings, next_ping = 0, self.clock()
        while pings < MOST_PINGS:
            if self.clock() >= next_ping:
                await self._send(ping())
                pings, next_ping = pings + 1, next_ping + PING_EVERY_S
            keys = self.backlog.take(BATCH)
            if keys:
                for event in await self.context.read(partial(events, keys=keys, asked=self.asked)):
                    await self._send(event)
                continue
            await self._sleep(min(next_ping, self.backlog.next_due() or next_ping))
        return sockets.NORMAL, "subscribe again: this was long enough"

    async def _sleep(self, until: float) -> None:
        self.wake.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.wake.wait(), max(0.0, until - self.clock()))

    async def _send(self, event: bytes) -> None:
        self.sending_since = self.clock()
        await self.send(event)
        self.sending_since = None


def ping() -> bytes:
    """Return a sign of life."""
    return render.encode(_event("ping"))


def events(snapshot: Read, keys: Sequence[Key], asked: Asked) -> list[bytes]:
    """Return the `resource.change` events of some resources, as they are now."""
    face = Face(asked.caller, asked.root, role_view(asked.caller.role), snapshot)
    return [render.encode(_change(snapshot, type_, id, face, asked.include)) for type_, id in keys]


def _change(snapshot: Read, type_name: str, id: int, face: Face, include: Sequence[str]) -> dict[str, Any]:
    type_ = registry[type_name]
    row = snapshot.get(type_, id)
    if row is not None and read.is_visible(row, face.caller) and (view := face.role.shown_as(type(row))) is not None:
        document = read.with_included(row, include, face)
        return _event(
            CHANGE,
            resourceType=view.type.type,
            resourceId=document["id"],
            data={"resource": document},
        )
    return _event(CHANGE, resourceType=type_.base.type, resourceId=face.id(type_, id), data=None)


def _event(name: str, **values: Any) -> dict[str, Any]:
    common = {"id": str(uuid.uuid4()), "name": name, "resourceType": None, "resourceId": None, "data": None}
    return {**common, "time": time.time_ns() // 1_000_000, **_EMPTY, **values}


class Subscriptions:
    """All subscribers of this server. Lives in the event loop that serves the routes."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.feed = Feed(context.store)
        self._stopping = asyncio.Event()

    def routes(self) -> list[BaseRoute]:
        """Return the routes for the app."""
        return [_Route(self)]

    def stop(self) -> None:
        """End every subscription."""
        self._stopping.set()

    async def socket(self, socket: WebSocket) -> None:
        """Serve a subscriber over a websocket."""
        try:
            guard.check_page(socket)
            names = socket.query_params.getlist("eventNames")
            asked = await self._asked(socket, names, socket.query_params.getlist("include"))
        except (ApiError, Unreachable) as problem:
            await sockets.refuse(socket, _as_answer(problem))
            return
        await socket.accept()

        async def send(event: bytes) -> None:
            await socket.send_text(event.decode())

        try:
            code, reason = await self._serve(socket, asked, send, sockets.gone(socket))
        except WebSocketDisconnect:
            return
        await sockets.close(socket, code, reason)

    async def text(self, request: Request) -> Response:
        """Serve a subscriber with an endless text: one event in a line, then padding that makes proxies pass it on."""
        try:
            guard.check_csrf(request, "POST")
            wanted = msgspec.json.decode(await request.body() or b"{}", type=_Wanted)
            asked = await self._asked(request, wanted.eventNames, wanted.include)
        except msgspec.DecodeError:
            return _refusal(request, ApiError(400, "InvalidBodyContent", "the body is {eventNames: [...]}"))
        except (ApiError, Unreachable) as problem:
            return _refusal(request, _as_answer(problem))
        return StreamingResponse(self._lines(request, asked), headers=_headers(request), media_type="text/plain")

    async def _lines(self, request: Request, asked: Asked) -> AsyncIterator[bytes]:
        room: asyncio.Queue[bytes] = asyncio.Queue(1)
        # nobody has to be asked whether the reader is gone: this generator is closed then
        never = asyncio.Event().wait()
        serving = asyncio.create_task(self._serve(request, asked, room.put, never))
        try:
            while True:
                event = asyncio.create_task(room.get())
                await asyncio.wait((event, serving), return_when=asyncio.FIRST_COMPLETED)
                if not event.done():
                    event.cancel()
                    return
                yield event.result() + PADDING
        finally:
            serving.cancel()

    async def _asked(self, connection: HTTPConnection, names: Sequence[str], include: Sequence[str]) -> Asked:
        """Find out who asks for what. Raises ApiError 401, 403, 404, 422."""
        caller = await self._caller(connection)
        if not names:
            raise ApiError(422, "MissingRequired", "say which events: eventNames=resource.change", field="eventNames")
        for name in names:
            if not _NAME.fullmatch(name):
                raise ApiError(422, "InvalidCharacters", f"{name!r} is no name of an event", field="eventNames")
        wants = any(_matches(name) for name in names)
        return Asked(caller, base_url(connection) + "/v1", wants, tuple(include))

    async def _caller(self, connection: HTTPConnection) -> Caller:
        """Find out who asks. Raises ApiError 401, 403, and 404 for a role that may not subscribe."""
        project = target_of(connection.scope["path"]).project
        caller = await self.context.read(lambda snapshot: access.identify(snapshot, connection, project))
        if "subscribe" not in role_view(caller.role).types:
            raise ApiError(404, message="subscribe within a project: /v1/projects/<id>/subscribe")
        return caller

    async def _serve(
        self, connection: HTTPConnection, asked: Asked, send: Send, gone: Awaitable[object]
    ) -> tuple[int, str]:
        """Tell a subscriber of changes until one side wants the end; return how to close."""
        subscription = Subscription(asked, self.context, send)
        await self.feed.join(subscription)
        tasks: tuple[asyncio.Future[tuple[int, str]], ...] = (
            asyncio.create_task(subscription.run()),
            asyncio.create_task(_after(gone, sockets.NORMAL, "")),
            asyncio.create_task(_after(self._stopping.wait(), sockets.RESTART, "the server ends")),
            asyncio.create_task(self._watch(connection, subscription)),
        )
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(task for task in tasks if task in done).result()
        except Unreachable as error:
            return sockets.TRY_LATER, error.message
        finally:
            self.feed.leave(subscription)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, connection: HTTPConnection, subscription: Subscription) -> tuple[int, str]:
        """Wait until the subscriber does not read any more, or may not subscribe any more."""
        while True:
            for _ in range(int(PING_EVERY_S)):
                if subscription.is_stuck:
                    return sockets.TRY_LATER, "events are not read"
                await asyncio.sleep(1)
            try:
                await self._caller(connection)
            except ApiError as problem:
                return sockets.REFUSED, problem.message


async def _after(event: Awaitable[object], code: int, reason: str) -> tuple[int, str]:
    await event
    return code, reason


class _Wanted(msgspec.Struct):
    eventNames: list[str] = []
    include: list[str] = []


def _matches(name: str) -> bool:
    """Say whether a name that a subscriber gave means `resource.change`; what follows a `;` is not looked at."""
    pattern = re.escape(name.partition(";")[0]).replace(r"\*", ".*")
    return re.fullmatch(pattern, CHANGE) is not None


def _as_answer(problem: ApiError | Unreachable) -> ApiError:
    return problem if isinstance(problem, ApiError) else ApiError(503, message=problem.message)


def _refusal(request: Request, problem: ApiError) -> Response:
    return JSONResponse(render.error(problem), problem.status, headers=_headers(request) | problem.headers)


def _headers(request: Request) -> dict[str, str]:
    project = target_of(request.scope["path"]).project
    return {"X-API-Schemas": f"{base_url(request)}/v1{f'/projects/{project}' if project else ''}/schemas"}


class _Route(BaseRoute):
    """Below `/v1`, in any case and project: a websocket or a POST. A plain GET is answered like any collection."""

    def __init__(self, subscriptions: Subscriptions) -> None:
        self.subscriptions = subscriptions

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        is_ours = scope["type"] == "websocket" or (scope["type"] == "http" and scope["method"] == "POST")
        if not is_ours or scope["path"].lstrip("/").partition("/")[0] != "v1":
            return Match.NONE, {}
        target = target_of(scope["path"])
        is_named = (target.type or "").lower() == "subscribe" and target.id is None
        return (Match.FULL, {}) if is_named else (Match.NONE, {})

    async def handle(self, scope: Scope, receive: Receive, send: ToClient) -> None:
        if scope["type"] == "websocket":
            await self.subscriptions.socket(WebSocket(scope, receive, send))
        else:
            response = await self.subscriptions.text(Request(scope, receive))
            await response(scope, receive, send)
