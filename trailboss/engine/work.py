"""The durable queue of what wants to be looked at: claim, finish, put off. Marking is `Tx.mark`.

One row per resource, however often it is marked; a claim is a lease, so what a dead server had in hand is taken up by
another (or by itself after a restart: `forget_claims`). What was marked while it was worked on stays due. A lease is
not extended: what is claimed is worked on in the next transactions, and a claim that has run out is let go (`renew`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from prometheus_client import Gauge
from sqlalchemy import and_, bindparam, delete, func, or_, select, update

from trailboss.store.database import Database
from trailboss.store.tables import work
from trailboss.store.transaction import Read, Tx

LEASE_S = 30
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 120.0

_FREE = or_(work.c.claimed_by.is_(None), work.c.claim_expires < bindparam("now"))
_DUE = (
    select(work.c.type, work.c.id, work.c.marks, work.c.attempts, work.c.cause)
    .where(work.c.due_at <= bindparam("now"), _FREE)
    .order_by(work.c.priority, work.c.due_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_ONE = and_(work.c.type == bindparam("of_type"), work.c.id == bindparam("of_id"))
_CLAIM = update(work).where(_ONE).values(claimed_by=bindparam("owner"), claim_expires=bindparam("until"))
_MINE = and_(_ONE, work.c.claimed_by == bindparam("owner"))
_MARKS = select(work.c.marks).where(_MINE)
_FINISH = delete(work).where(_MINE, work.c.marks == bindparam("seen_marks"))
_RELEASE = update(work).where(_MINE).values(claimed_by=None, claim_expires=None, attempts=0, reason=None)
_PUT_OFF = (
    update(work)
    .where(_MINE, work.c.marks == bindparam("seen_marks"))
    .values(
        claimed_by=None,
        claim_expires=None,
        due_at=bindparam("next_due"),
        attempts=bindparam("next_attempts"),
        reason=bindparam("next_reason"),
    )
)
_NEXT_DUE = select(work.c.due_at).where(work.c.claimed_by.is_(None)).order_by(work.c.due_at).limit(1)
_FORGET = update(work).where(work.c.claimed_by == bindparam("owner")).values(claimed_by=None, claim_expires=None)
_BACKLOG = select(func.count(), func.min(work.c.due_at)).where(work.c.due_at <= bindparam("now"))
STATEMENTS = (_BACKLOG, _DUE, _CLAIM, _MARKS, _FINISH, _RELEASE, _PUT_OFF, _NEXT_DUE, _FORGET)

DEPTH = Gauge("trailboss_work_due", "Resources that are due to be looked at")
AGE = Gauge("trailboss_work_oldest_seconds", "How long the oldest of them has been due")


@dataclass(frozen=True)
class Claim:
    """One resource in hand. marks: how often it had been marked when it was claimed."""

    type: str
    id: int
    marks: int
    attempts: int
    cause: str
    owner: str


def prepare(database: Database) -> None:
    """Compile the statements of the loop."""
    for statement in STATEMENTS:
        database.keep(statement)


def claim(tx: Tx, owner: str, most: int) -> list[Claim]:
    """Take the most urgent of what is due; nobody else gets it before the lease ends."""
    found = tx.run(_DUE, now=tx.now, most=most)
    until = tx.now + LEASE_S * 1000
    for type_, id_, *_ in found:
        tx.run(_CLAIM, of_type=type_, of_id=id_, owner=owner, until=until)
    return [Claim(t, i, marks, attempts, cause, owner) for t, i, marks, attempts, cause in found]


def renew(tx: Tx, claim: Claim) -> Claim | None:
    """Return the claim with the marks that the look to come will answer; None if the lease has gone to another."""
    rows = tx.run(_MARKS, of_type=claim.type, of_id=claim.id, owner=claim.owner)
    return replace(claim, marks=rows[0][0]) if rows else None


def finish(tx: Tx, claim: Claim) -> None:
    """Be done with it; what was marked again meanwhile stays due."""
    key: dict[str, Any] = {"of_type": claim.type, "of_id": claim.id, "owner": claim.owner}
    tx.run(_FINISH, **key, seen_marks=claim.marks)
    if tx.connection.rowcount == 0:
        tx.run(_RELEASE, **key)
        tx.wants_work(tx.now)


def put_off(tx: Tx, claim: Claim, after_s: float, reason: str, *, failed: bool) -> None:
    """Look again after some seconds; what was marked again meanwhile is looked at at once. failed: counts the try."""
    key: dict[str, Any] = {"of_type": claim.type, "of_id": claim.id, "owner": claim.owner}
    due = tx.now + int(after_s * 1000)
    attempts = claim.attempts + 1 if failed else 0
    tx.run(_PUT_OFF, **key, seen_marks=claim.marks, next_due=due, next_attempts=attempts, next_reason=reason)
    if tx.connection.rowcount == 0:
        tx.run(_RELEASE, **key)
        due = tx.now
    tx.wants_work(due)


def pause_s(attempts: int, jitter: float) -> float:
    """Return how long to wait after so many tries: doubling, capped; jitter 0..1 spreads it by up to a quarter."""
    return float(min(FIRST_PAUSE_S * 2.0 ** min(attempts, 20), LONGEST_PAUSE_S)) * (1 + jitter / 4)


def next_due(read: Read) -> int | None:
    """Return the moment (ms) at which the next unclaimed work is due."""
    rows = read.run(_NEXT_DUE)
    return int(rows[0][0]) if rows else None


def forget_claims(tx: Tx, owner: str) -> None:
    """Give back what this server had in hand when it died."""
    tx.run(_FORGET, owner=owner)


def measure(read: Read) -> None:
    """Set the gauges of the queue."""
    count, oldest = read.run(_BACKLOG, now=read.now)[0]
    DEPTH.set(count)
    AGE.set((read.now - oldest) / 1000 if count else 0)
