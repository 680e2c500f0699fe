"""When the agent looks at its containers although no event of Docker's told it to."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from tests.waiting import eventually_async
from trailboss.agent.watch import Watch
from trailboss.errors import Unreachable


class Crew:
    """Counts how often stock was taken; fails while `is_away`."""

    def __init__(self) -> None:
        self.looks, self.is_away = 0, False

    async def take_stock(self) -> None:
        self.looks += 1
        if self.is_away:
            raise Unreachable("Docker is away")


async def test_it_looks_when_it_is_asked_to_also_after_a_look_that_failed() -> None:
    crew = Crew()
    watch = Watch(cast(Any, None), cast(Any, None), cast(Any, crew), lambda: None)
    watch.message = ""
    looking = asyncio.create_task(watch.resync())
    try:
        crew.is_away = True
        watch.look()
        await eventually_async(lambda: crew.looks == 1, within=10)
        crew.is_away = False
        watch.look()
        await eventually_async(lambda: crew.looks == 2, within=10)
    finally:
        looking.cancel()
        await asyncio.wait((looking,))
