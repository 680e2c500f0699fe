"""What the server has been told of each container, and what it has to be told yet.

In: containers of which something may have changed. Out: `Report`s with what differs from what was said before on this
connection, at most one per `TOGETHER_S`. A report that is lost with its connection is made up for by the next
connection's Hello, which holds everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from trailboss.wire.messages import Observation, Report

TOGETHER_S = 0.015
"""Observations within this time go into one report."""

Look = Callable[[str], Observation | None]


class Reporter:
    """look: what is to be said of a container now. incarnation: the highest that was seen."""

    def __init__(self, look: Look, incarnation: Callable[[], int]) -> None:
        self._look, self._incarnation = look, incarnation
        self._told: dict[str, Observation] = {}
        self._changed: dict[str, None] = {}
        self._wake = asyncio.Event()

    def changed(self, container: str) -> None:
        """Say that there may be something new of a container."""
        self._changed[container] = None
        self._wake.set()

    def repeat(self, container: str) -> None:
        """Tell again what was told before: the server has asked again."""
        self._told.pop(container, None)
        self.changed(container)

    def inventory(self, containers: set[str]) -> list[Observation]:
        """Return what is to be said of all containers, for the Hello of a new connection."""
        found = {container: self._look(container) for container in sorted(containers)}
        self._told = {container: seen for container, seen in found.items() if seen is not None}
        self._changed.clear()
        return list(self._told.values())

    async def run(self, send: Callable[[Report], Awaitable[None]]) -> None:
        """Send reports until cancelled."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(TOGETHER_S)
            self._wake.clear()
            if news := self._news():
                await send(Report(self._incarnation(), news))

    def _news(self) -> list[Observation]:
        news = []
        for container in self._changed:
            seen = self._look(container)
            if seen is None:
                self._told.pop(container, None)
            elif seen != self._told.get(container):
                self._told[container] = seen
                news.append(seen)
        self._changed.clear()
        return news
