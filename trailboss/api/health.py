"""What those who run the server ask: does it answer, is it ready, how is it doing. Outside the API, for everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from trailboss.engine import work
from trailboss.errors import Unreachable
from trailboss.store.store import Store

DATABASE_WITHIN_S = 3.0


@dataclass(frozen=True)
class Health:
    """The three answers. is_serving: whether reconcilers run and the server is not about to end."""

    store: Store
    is_serving: Callable[[], bool]

    def routes(self) -> list[Route]:
        """Return the routes for the app."""
        return [
            Route("/healthz", self.healthz),
            Route("/readyz", self.readyz),
            Route("/metrics", self.metrics),
        ]

    async def healthz(self, request: Request) -> Response:
        """Answer 200 while the process can answer."""
        return PlainTextResponse("ok")

    async def readyz(self, request: Request) -> Response:
        """Answer 200 when requests are served: the database answers, and reconcilers run."""
        if not self.is_serving():
            return PlainTextResponse("starting or ending", 503)
        if not await self._measure():
            return PlainTextResponse("the database does not answer", 503)
        return PlainTextResponse("ready")

    async def metrics(self, request: Request) -> Response:
        """Answer Prometheus text. What must be read from the database is as it was last, when that is away."""
        await self._measure()
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def _measure(self) -> bool:
        """Read the state of the work queue; say whether the database answered."""
        try:
            async with asyncio.timeout(DATABASE_WITHIN_S):
                await asyncio.wrap_future(self.store.submit_read(work.measure))
        except (Unreachable, TimeoutError):
            return False
        return True
