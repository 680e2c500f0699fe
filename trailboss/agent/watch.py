"""Watching the engine: is it there, is its network as it should be, what happens to our containers.

In: Docker's event stream and, since events can be lost, a full look whenever the stream begins and a list now and
then. Out: the crew is woken with names; `tell` gets a sentence when the engine is not usable, "" when it is again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import structlog

from trailboss.agent import network
from trailboss.agent.crew import Crew
from trailboss.agent.docker import Docker
from trailboss.agent.state import State
from trailboss.errors import Permanent, Unreachable

log = structlog.get_logger()

RESYNC_S = 30.0
PAUSES_S = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Before looking again for an engine that does not answer: a restart takes about a second."""


class Watch:
    """tell: called when what is to be said of the engine changes. message: "" while the engine is usable."""

    def __init__(self, docker: Docker, state: State, crew: Crew, tell: Callable[[], None]) -> None:
        self._docker, self._state, self._crew, self._tell = docker, state, crew, tell
        self.message = "The agent has not looked at Docker yet"
        self._asked = asyncio.Event()
        self.looked = asyncio.Event()
        """Set when it is known for the first time whether the engine is usable."""

    async def run(self) -> None:
        """Watch until cancelled. The installation must be known."""
        failures = 0
        while True:
            try:
                async with self._docker.events(self._state.told.installation) as names:
                    await self._prepare()
                    failures = 0
                    async for name in names:
                        self._crew.wake(name)
                self._became("Docker has ended")
            except (Unreachable, Permanent) as error:
                self._became(error.message)
            await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
            failures += 1

    async def _prepare(self) -> None:
        """The engine answers: make the network, look at everything. Raises Permanent, Unreachable."""
        self._docker.forget_version()
        wanted = self._state.told.network
        if wanted is not None:
            await network.ensure(self._docker, wanted, self._state.told.installation)
        await self._crew.open()
        self._became("")

    def _became(self, message: str) -> None:
        if message:
            self._crew.shut()
        if message != self.message:
            self.message = message
            log.log(30 if message else 20, "the engine is not usable" if message else "the engine answers", why=message)
            self._tell()
        self.looked.set()

    def look(self) -> None:
        """Look at what may have been missed now instead of at the next time."""
        self._asked.set()

    async def resync(self) -> None:
        """Look now and then at what may have been missed, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RESYNC_S):
                    await self._asked.wait()
            self._asked.clear()
            if not self.message:
                try:
                    await self._crew.take_stock()
                except (Unreachable, Permanent) as error:
                    log.warning("the containers could not be listed", because=error.message)
