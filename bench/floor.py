"""The floors of the API's benchmark: a constant JSON on the same server stack, as a process.

`/hello`: behind the same middleware, for who has authenticated as the API asks for it; `/bare`: a Starlette app of one
route and nothing else. Started with: the URL of the database, the port, the size of the answer in bytes.
"""

from __future__ import annotations

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

import trailboss.resources  # noqa: F401  (declares every type)
from trailboss import observe
from trailboss.api.access import identify
from trailboss.api.app import build_app
from trailboss.api.context import Context
from trailboss.server.process import SWITCH_S
from trailboss.store.store import Store


def main(database: str, port: str, size: str) -> None:
    """Serve until the process is ended."""
    observe.configure()
    sys.setswitchinterval(SWITCH_S)
    context = Context(Store(database))
    media_type = "application/json"
    content = b'{"hello": "%s"}' % (b"x" * (int(size) - 13))

    async def hello(request: Request) -> Response:
        await context.read(lambda read: identify(read, request))
        return Response(content, media_type=media_type)

    async def bare(request: Request) -> Response:
        return Response(content, media_type=media_type)

    with_everything = build_app(context, [Route("/hello", hello)])
    with_nothing = Starlette(routes=[Route("/bare", bare)])

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (with_nothing if scope.get("path") == "/bare" else with_everything)(scope, receive, send)

    uvicorn.run(app, port=int(port), lifespan="off", proxy_headers=False, access_log=False, log_config=None)


if __name__ == "__main__":
    main(*sys.argv[1:])
