"""Agents that are expected back: who does not come in time is lost, and that is stored, however long it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from trailboss.errors import Unreachable

log = structlog.get_logger()

TRY_AGAIN_S = 1.0


class Absences:
    """One wait per agent, from the end of its connection to the beginning of the next. lose: stores that it is lost.
    Lives in one event loop."""

    def __init__(self, lose: Callable[[int], Awaitable[None]]) -> None:
        self._lose = lose
        self._waits: dict[int, asyncio.Task[None]] = {}

    def begin(self, agent_id: int, within_s: float) -> None:
        """Expect an agent back within some seconds; an earlier wait for it is forgotten."""
        self.end(agent_id)
        self._waits[agent_id] = asyncio.create_task(self._wait(agent_id, within_s))

    def end(self, agent_id: int) -> None:
        """Stop waiting: it is back."""
        if waiting := self._waits.pop(agent_id, None):
            waiting.cancel()

    def stop(self) -> None:
        """Stop waiting for anybody."""
        for agent_id in list(self._waits):
            self.end(agent_id)

    async def _wait(self, agent_id: int, within_s: float) -> None:
        await asyncio.sleep(within_s)
        log.warning("an agent does not answer", agent=agent_id)
        while True:
            try:
                await self._lose(agent_id)
                break
            except Unreachable as error:
                log.warning("a lost agent cannot be stored now", agent=agent_id, error=str(error))
                await asyncio.sleep(TRY_AGAIN_S)
        del self._waits[agent_id]
