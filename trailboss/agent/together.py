"""Parts of the agent that live and end together."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


async def until_one_ends(*works: Coroutine[None, None, None]) -> None:
    """Do all at once until one of them ends; then end the others, and raise what it raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
