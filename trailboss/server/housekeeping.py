"""Keeps what grows within its bounds: the journal by age, the audit log by age and number, runs of tasks
by age; a slice at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from trailboss.errors import Unreachable
from trailboss.resources import audit_log, task
from trailboss.store import journal
from trailboss.store.store import Store
from trailboss.store.transaction import Tx

log = structlog.get_logger()

EVERY_S = 60.0
_PRUNED: tuple[Callable[[Tx], int], ...] = (journal.prune, audit_log.prune, task.prune)
"""Each takes away at most a slice of what is too much, and says how much that was."""


async def keep_house(store: Store) -> None:
    """Do it now and then, until cancelled."""
    while True:
        try:
            for prune in _PRUNED:
                gone = 1
                while gone:
                    gone = await asyncio.wrap_future(store.submit(prune, cause="housekeeping"))
        except Unreachable as error:
            log.info("housekeeping waits for the database", because=error.message)
        await asyncio.sleep(EVERY_S)
