"""The slow look at everything, so that work that got lost costs time and nothing else.

A round goes through all tables by id, a slice of rows at a time, and names the rows that should be looked at although
nothing asks for it: those on their way, those that are gone and age, and those whose type declares their state as
`watched`. The loop (`loop.py`) marks them at the lowest priority. The cost is bounded by slice and pace, not by the
size of the tables; how many servers do it at once makes no difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import and_, select

from trailboss import states
from trailboss.declare import ResourceType, registry
from trailboss.store.tables import table_of, work
from trailboss.store.transaction import Read, Tx

SLICE = 500
PRIORITY = 90


def resynced_types() -> list[ResourceType]:
    """Return the base types whose rows have states."""
    return [t for t in registry.values() if t.stored and t.base is t and t.machine is not None]


@dataclass
class Round:
    """How far a round has come."""

    left: list[ResourceType] = field(default_factory=resynced_types)
    after_id: int = 0

    def look(self, read: Read) -> list[tuple[ResourceType, int]]:
        """Return the rows of the next slice that want to be looked at; go on. `left` is empty at the end."""
        type_ = self.left[0]
        table = table_of(type_)
        marked = and_(work.c.type == type_.type, work.c.id == table.c.id)
        rows = read.run(
            select(table.c.id, table.c.state, work.c.id)
            .outerjoin(work, marked)
            .where(table.c.id > self.after_id)
            .order_by(table.c.id)
            .limit(SLICE)
        )
        if len(rows) < SLICE:
            self.left.pop(0)
            self.after_id = 0
        else:
            self.after_id = rows[-1][0]
        return [(type_, id) for id, state, mark in rows if mark is None and _wants_a_look(type_, state)]


def overdue(read: Read) -> list[tuple[ResourceType, int]]:
    """Return rows that are removed and may be purged now, at most a slice of each type: also those for which the queue
    has a later moment, since theirs was moved."""
    found: list[tuple[ResourceType, int]] = []
    for type_ in resynced_types():
        if type_.machine is not None and type_.machine.arrow("purge", "removed"):
            table = table_of(type_)
            is_due = and_(table.c.removed.is_not(None), table.c.state == "removed", table.c.remove_time <= read.now)
            found += [(type_, id) for (id,) in read.run(select(table.c.id).where(is_due).limit(SLICE))]
    return found


def mark(tx: Tx, found: list[tuple[ResourceType, int]]) -> None:
    """Mark what a slice has found, behind all that somebody waits for."""
    for type_, id in found:
        tx.mark(type_, id, priority=PRIORITY)


def _wants_a_look(type_: ResourceType, state: str) -> bool:
    assert type_.machine is not None
    return state in states.GONE or state in type_.watched or type_.machine.arriving(state) is not None
