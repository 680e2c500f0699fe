"""Answers that were given to requests with a key, kept so that a repeated request is answered and not done again.

An answer is kept in the transaction of what it tells of, so both are there or neither is. Bounded per caller in number
and size, and in age. What a request and its key are, the API decides (`api/repeat.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ColumnElement

from trailboss.errors import Lost
from trailboss.store.tables import answer, column_names
from trailboss.store.transaction import Read, Tx

KEEP_MS = 24 * 3_600_000
"""Age at which answers go."""
KEEP = 10_000
"""Answers kept of one caller."""
KEEP_BYTES = 64 * 1024 * 1024
"""Bytes of answers kept of one caller."""
_EVERY = 50
"""Answers to one caller between two looks whether it has too many."""
_LARGE = 256 * 1024
"""Bytes of one answer after which it is looked at once."""
_SLICE = 1_000


@dataclass(frozen=True)
class Answer:
    """request: keyed digest of the one that it was given to. body: JSON. headers: those that tell of what was done."""

    request: str
    status: int
    headers: dict[str, str]
    body: str


def find(read: Read, caller: int, key: str) -> Answer | None:
    """Return the answer that a caller was given under a key, if it is still kept."""
    columns = (answer.c.request, answer.c.status, answer.c.headers, answer.c.body)
    rows = read.run(select(*columns).where(_of(caller), answer.c.key == key, answer.c.at > read.now - KEEP_MS))
    if not rows:
        return None
    request, status, headers, body = rows[0]
    return Answer(request, status, msgspec.json.decode(headers, type=dict[str, str]), body)


def keep(tx: Tx, caller: int, key: str, given: Answer) -> None:
    """Keep an answer. Raises Lost if another server has answered this caller at the same time: look again."""
    tx.run(delete(answer).where(_of(caller), answer.c.key == key, answer.c.at <= tx.now - KEEP_MS))
    newest = select(answer.c.number, answer.c.total).where(_of(caller)).order_by(answer.c.number.desc()).limit(1)
    number, total = next(iter(tx.run(newest)), (0, 0))
    size = len(given.body.encode())
    insert = postgresql.insert if tx.statements.database.is_postgres else sqlite.insert
    tx.run(
        insert(answer).values({name: bindparam(name) for name in column_names(answer)}).on_conflict_do_nothing(),
        caller=caller,
        number=number + 1,
        key=key,
        request=given.request,
        at=tx.now,
        status=given.status,
        headers=msgspec.json.encode(given.headers).decode(),
        body=given.body,
        total=total + size,
    )
    if tx.connection.rowcount != 1:
        raise Lost("another request of this caller was answered meanwhile")
    if (number + 1) % _EVERY == 0 or size > _LARGE:
        excess = or_(answer.c.number <= number + 1 - KEEP, answer.c.total <= total + size - KEEP_BYTES)
        tx.run(delete(answer).where(_of(caller), excess))


def _of(caller: int) -> ColumnElement[bool]:
    return answer.c.caller == caller


def prune(tx: Tx) -> int:
    """Take away answers that are too old, at most a slice; return how many. `keep` bounds their number."""
    oldest = select(answer.c.at).order_by(answer.c.at).limit(_SLICE)
    gone = [at for (at,) in tx.run(oldest) if at <= tx.now - KEEP_MS]
    if gone:
        tx.run(delete(answer).where(answer.c.at <= gone[-1]))
    return len(gone)
