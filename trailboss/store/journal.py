"""The journal: every change of a resource, numbered in the order of commits, bounded.

`append` is the last step of a group of transactions. Serial numbers do not commit in order on PostgreSQL, so there the
number is taken under one advisory lock that is held until the commit; a reader that keeps the highest number it has
seen then misses none. Readers (`after`) are the change stream, history and the agents' sessions. Numbers follow one
another without a gap. What a reader outside of this process keeps is a `Position`; `loss` says if it leads nowhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select, update

from trailboss.store.database import Connection, Database
from trailboss.store.tables import column_names, fact, journal
from trailboss.store.transaction import Entry, Read, Tx

KEEP = 100_000
"""Entries kept. Each thousandth entry takes the older ones away, so there are never many more."""
KEEP_MS = 30 * 24 * 3_600_000
"""Age at which entries go, however few there are."""
_SLICE = 1_000
_LOCK = 7_262_001
_HEAD = "journal.head"

_INSERT = insert(journal).values({c: bindparam(c) for c in column_names(journal)})
_AFTER = select(journal).where(journal.c.seq > bindparam("cursor")).order_by(journal.c.seq).limit(bindparam("most"))
_AFTER_OF = _AFTER.where(journal.c.account_id == bindparam("account"))
_FIRST = select(func.min(journal.c.seq))
_READ_HEAD = select(fact.c.value).where(fact.c.name == _HEAD)
_SET_HEAD = update(fact).where(fact.c.name == _HEAD).values(value=bindparam("head"))


Loss = Literal["incarnation", "ahead", "expired"]
"""Why nobody can go on from a position: it is of another life of the database (restored, moved), it is of a moment that
this database has not seen, or entries behind it are no longer kept."""

_POSITION = re.compile(r"([1-9][0-9]{0,9})\.(0|[1-9][0-9]{0,17})")


@dataclass(frozen=True)
class Position:
    """A place in the journal: behind the entry with the number `seq`, in one life of the database (`incarnation`)."""

    incarnation: int
    seq: int

    def __str__(self) -> str:
        return f"{self.incarnation}.{self.seq}"

    @classmethod
    def parse(cls, text: str) -> Position | None:
        """Return the position that a text names; None if it names none."""
        found = _POSITION.fullmatch(text)
        return cls(int(found[1]), int(found[2])) if found else None


def prepare(database: Database) -> None:
    """Compile the statements that run with every commit."""
    for statement in (_INSERT, _READ_HEAD, _SET_HEAD, _AFTER, _AFTER_OF, _FIRST):
        database.keep(statement)


def append(connection: Connection, entries: list[Entry]) -> int:
    """Number and store entries; return the number of the last one. Call it last before the commit."""
    if connection.database.is_postgres:
        connection.run("SELECT pg_advisory_xact_lock(%(lock)s)", {"lock": _LOCK})
    head = int(connection.run(_READ_HEAD)[0][0])
    connection.run_each(_INSERT, [_row(number, entry) for number, entry in enumerate(entries, head + 1)])
    last = head + len(entries)
    connection.run(_SET_HEAD, {"head": str(last)})
    if head // _SLICE != last // _SLICE:
        connection.run(delete(journal).where(journal.c.seq <= last - KEEP))
    return last


def _row(number: int, entry: Entry) -> dict[str, Any]:
    return {
        "seq": number,
        "at": entry.at,
        "actor": entry.actor,
        "cause": entry.cause,
        "type": entry.type,
        "id": entry.id,
        "account_id": entry.account_id,
        "host_id": entry.host_id,
        "change": msgspec.json.encode(entry.change).decode(),
        "message": entry.message,
    }


def prune(tx: Tx) -> int:
    """Take away entries that are too old, at most a slice; return how many. `append` bounds their number."""
    oldest = select(journal.c.seq, journal.c.at).order_by(journal.c.seq).limit(_SLICE)
    gone = [seq for seq, at in tx.run(oldest) if at < tx.now - KEEP_MS]
    if gone:
        tx.run(delete(journal).where(journal.c.seq <= gone[-1]))
    return len(gone)


def head(read: Read) -> int:
    """Return the number of the newest entry."""
    return int(read.run(_READ_HEAD)[0][0])


def here(read: Read) -> Position:
    """Return the position behind the newest entry."""
    return Position(int(read.fact("installation.incarnation") or 1), head(read))


def first(read: Read) -> int:
    """Return the number of the oldest entry that is still kept; 0 if there is none."""
    rows = read.run(_FIRST)
    return int(rows[0][0] or 0)


def loss(read: Read, position: Position) -> Loss | None:
    """Say why nobody can go on from a position; None if nothing behind it is missing."""
    newest = here(read)
    if position.incarnation != newest.incarnation:
        return "incarnation"
    if position.seq > newest.seq:
        return "ahead"
    following = first(read) or newest.seq + 1
    return "expired" if position.seq + 1 < following else None


def after(read: Read, cursor: int, limit: int = 1000, account_id: int | None = None) -> list[dict[str, Any]]:
    """Return the entries above a number, oldest first, `change` decoded. account_id: those of one account only."""
    if account_id is None:
        rows = read.run(_AFTER, cursor=cursor, most=limit)
    else:
        rows = read.run(_AFTER_OF, cursor=cursor, most=limit, account=account_id)
    names = column_names(journal)
    found = [dict(zip(names, row, strict=True)) for row in rows]
    for entry in found:
        entry["change"] = msgspec.json.decode(entry["change"])
    return found
