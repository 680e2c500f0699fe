"""A v1 API that does as a test tells it, in a thread of this process: for answers that a real server rarely gives.

It shows one stack as a sequence of frames; each reading of the stack itself goes one frame on, and the last one stays.
Any single answer can be set with `answers`. What was asked is in `asked`. Streams: `streams[path]` are the texts that
a websocket, or a reader of server-sent events, is sent before it is closed; a list of lists, one for each connection.
Websockets are closed with `closes[path]`, code and reason for each connection, else as what has been read to its end.
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSCloseCode, web

PROJECT = "/v1/projects/1a5"

Json = dict[str, Any]


@dataclass
class Frame:
    """The stack at one moment. services: name -> fields, `containers` among them as a list of fields."""

    state: str = "active"
    message: str | None = None
    failed: bool = False
    services: dict[str, Json] = field(default_factory=dict)
    gone: bool = False


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    body: Json
    keys: tuple[str, str] | None
    headers: dict[str, str]


def error(status: int, code: str, message: str | None = None, **more: Any) -> tuple[int, Json]:
    """Return an error document as the v1 API gives it."""
    return status, {"type": "error", "status": status, "code": code, "message": message, "detail": None, **more}


class FakeApi:
    """Start with `with FakeApi() as api`; `api.url` is what RANCHER_URL would be."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.name = "shop"
        self.exists = True
        self.reads = 0
        self.asked: list[Asked] = []
        self.answers: dict[str, list[Any]] = {}
        self.streams: dict[str, list[list[str]]] = {}
        self.closes: dict[str, list[tuple[int, str]]] = {}
        self.connections = 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> FakeApi:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def server(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return self.server + PROJECT

    def bodies(self, method: str, path: str) -> list[Json]:
        """Return the bodies that were sent to a path below the environment."""
        return [a.body for a in self.asked if a.method == method and a.path == f"{PROJECT}/{path}"]

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.port = runner.addresses[0][1]
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._stream(request)
        if "text/event-stream" in request.headers.get("Accept", ""):
            return await self._events(request)
        text = await request.text()
        self._note(request, json.loads(text) if text else {})
        answer = self._answer(request, self.asked[-1])
        if isinstance(answer, str):
            return web.Response(text=answer, content_type="text/html")
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        return web.Response(status=status, text=json.dumps(body), content_type="application/json")

    def _note(self, request: web.Request, body: Json) -> None:
        given = request.headers.get("Authorization", "").removeprefix("Basic ")
        access, _, secret = base64.b64decode(given).decode().partition(":")
        keys = (access, secret) if given else None
        headers = dict(request.headers)
        self.asked.append(Asked(request.method, request.path, dict(request.query), body, keys, headers))

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self._note(request, {})
        sending = self.streams.get(request.path)
        if sending is None:
            raise web.HTTPUnauthorized(reason="Unauthorized")
        self.connections += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if not sending:
            await socket.receive()
            return socket
        for text in sending.pop(0):
            await socket.send_str(text)
        code, reason = closes.pop(0) if (closes := self.closes.get(request.path)) else (WSCloseCode.OK, "")
        await socket.close(code=code, message=reason.encode())
        return socket

    async def _events(self, request: web.Request) -> web.StreamResponse:
        self._note(request, {})
        sending = self.streams.get(request.path)
        if sending is None:
            refused = json.dumps(error(401, "Unauthorized", "Unauthorized")[1])
            return web.Response(status=401, text=refused, content_type="application/json")
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        for text in sending.pop(0) if sending else []:
            await answer.write(f"data: {text}\n\n".encode())
        return answer

    def _answer(self, request: web.Request, asked: Asked) -> Any:
        prepared = self.answers.get(f"{asked.method} {asked.path}")
        if prepared:
            return prepared.pop(0) if len(prepared) > 1 else prepared[0]
        parts = asked.path.removeprefix(PROJECT).strip("/").split("/")
        match asked.method, parts:
            case "POST", ["environments"]:
                self.exists = True
                return 201, self._stack(self._now())
            case "GET", ["environments"]:
                return self._list([self._stack(self._now())] if self.exists and self.frames else [])
            case "GET", ["environments", "1e1"]:
                self.reads += 1
                frame = self._now()
                return error(404, "Not Found", "Not Found") if frame.gone else self._stack(frame)
            case "GET", ["environments", "1e1", "services"]:
                return self._list([self._service(n, f) for n, f in self._now().services.items()])
            case "GET", ["services", id, "instances"]:
                fields = next(f for n, f in self._now().services.items() if self._service(n, f)["id"] == id)
                return self._list([self._container(c) for c in fields.get("containers", [])])
            case "GET", ["services", id]:
                name = next(n for n, f in self._now().services.items() if self._service(n, f)["id"] == id)
                return self._service(name, self._now().services[name])
            case "GET", ["containers", id]:
                found = [c for f in self._now().services.values() for c in f.get("containers", [])]
                return self._container(next(c for c in found if c["id"] == id))
            case "POST", ["containers", id] if "action" in request.query:
                return {"type": "hostAccess", "url": f"ws://127.0.0.1:{self.port}/v1/logs/{id}", "token": f"t-{id}"}
            case "GET", ["hosts"]:
                return self._list([])
            case (("PUT" | "DELETE" | "POST"), _):
                return {"type": "answer", "id": "x", "state": "x", "links": {}, "actions": {}}
        return error(404, "Not Found", "Not Found")

    def _now(self) -> Frame:
        if not self.frames:
            return Frame(gone=True)
        return self.frames[min(max(self.reads - 1, 0), len(self.frames) - 1)]

    def _list(self, data: list[Json]) -> Json:
        return {"type": "collection", "data": data, "pagination": {"next": None}}

    def _resource(self, type: str, id: str, links: list[str], actions: list[str], fields: Json) -> Json:
        url = f"{self.url}/{type}s/{id}"
        return {
            "id": id,
            "type": type,
            "links": {"self": url} | {link: f"{url}/{link}" for link in links},
            "actions": {action: f"{url}/?action={action}" for action in actions},
            "transitioning": "no",
            "transitioningMessage": None,
            **fields,
        }

    def _stack(self, frame: Frame) -> Json:
        moving = {"transitioning": "error" if frame.failed else "no", "transitioningMessage": frame.message}
        fields = {"name": self.name, "state": frame.state, "environment": {}, **moving}
        return self._resource("environment", "1e1", ["services"], [], fields)

    def _service(self, name: str, fields: Json) -> Json:
        number = list(self._now().services).index(name) + 1
        given = {"name": name, "state": "active", "scale": 1} | fields
        actions = ["activate", "deactivate", "setservicelinks"]
        return self._resource("service", f"1s{number}", ["instances"], actions, given)

    def _container(self, fields: Json) -> Json:
        given = {"state": "running", "imageUuid": "docker:trailboss/hello:1", "startCount": 1} | fields
        return self._resource("container", fields["id"], [], ["logs"], given)


def a_container(number: int, service: str = "web", **fields: Any) -> Json:
    """Return the fields of a container of the stack `shop`."""
    return {"id": f"1i{number}", "name": f"shop_{service}_{number}", **fields}
