"""Tables: one per base type, derived from the declarations, and the engine's own.

A row has the common columns, a column for each field declared `column=True` (of the type and its subtypes), and one
JSON document `data` for the rest. Booleans are 0/1, times are ms, JSON is text, on both databases alike, so that
statements need no result processing. Next in the flow: `transaction.py`.
"""

from __future__ import annotations

import re
from functools import cache

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

from trailboss.declare import Field, ResourceType, registry

metadata = MetaData()
windows = MetaData()
"""Views of the database, which are read as tables are; migrations make them."""

LONGEST_NAME = 63
"""Characters of a name in PostgreSQL."""


def table_name(type_: ResourceType) -> str:
    """Return the SQL name of a type's table (`serviceExposeMap` -> `service_expose_map`)."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", type_.base.type).lower()


def _family(base: ResourceType) -> list[ResourceType]:
    return [base, *base.children]


def columns_of(type_: ResourceType) -> dict[str, Field[object]]:
    """Return the declared fields of a base type and its subtypes that are columns of their own."""
    found: dict[str, Field[object]] = {}
    for member in _family(type_.base):
        found.update({n: f for n, f in member.fields.items() if f.column})
    return found


def _column(name: str, field: Field[object]) -> Column[object]:
    kind = field.type.split("[")[0]
    if kind in ("int", "date", "reference"):
        return Column(name, BigInteger)
    return Column(name, Integer if kind == "boolean" else Text)


def _is_indexed(declared: dict[str, Field[object]], name: str) -> bool:
    chosen = declared[name].indexed if name in declared else None
    return name.endswith("_id") or name == "uuid" if chosen is None else chosen


def index_name(table: str, column: str) -> str:
    """Return the name of an index, cut where PostgreSQL would."""
    return f"{table[: LONGEST_NAME - len(column) - 1]}_{column}"


def _build(base: ResourceType) -> Table:
    name = table_name(base)
    columns: list[Column[object]] = [
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    ]
    columns += [_column(n, f) for n, f in columns_of(base).items() if n != "id"]
    columns += [
        Column("generation", BigInteger, nullable=False),
        Column("observed", BigInteger, nullable=False),
        Column("failed", Integer, nullable=False),
        Column("message", Text),
        Column("progress", Integer),
        Column("data", Text, nullable=False),
    ]
    if base.window:
        return Table(name, windows, *columns)
    table = Table(name, metadata, *columns, sqlite_autoincrement=True)
    declared = columns_of(base)
    for column in columns:
        if column.name == "account_id":
            # with the id: a page of an account's rows in their order costs the page, however many rows there are
            Index(index_name(name, column.name), column, table.c.id)
        elif _is_indexed(declared, column.name):
            Index(index_name(name, column.name), column)
    return table


journal = Table(
    "journal",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", BigInteger),
    Column("cause", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("account_id", BigInteger),
    Column("host_id", BigInteger),
    Column("change", Text, nullable=False),
    Column("message", Text),
)
Index("journal_type_id", journal.c.type, journal.c.id)

work = Table(
    "work",
    metadata,
    Column("type", Text, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("due_at", BigInteger, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("marks", BigInteger, nullable=False),
    Column("claimed_by", Text),
    Column("claim_expires", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("reason", Text),
    Column("cause", Text, nullable=False),
)
Index("work_due_at", work.c.due_at)

hold = Table(
    "hold",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("holder_type", Text, nullable=False),
    Column("holder_id", BigInteger, nullable=False),
)
Index("hold_holder", hold.c.holder_type, hold.c.holder_id)

answer = Table(
    "answer",
    metadata,
    Column("caller", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("total", BigInteger, nullable=False),
)
"""Answers to requests that carried a key, for when they are repeated. number: counts the answers of a caller; total:
counts their bytes."""
Index("answer_key", answer.c.caller, answer.c.key, unique=True)
Index("answer_at", answer.c.at)

fact = Table("fact", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))
"""Single values of the installation: its id, incarnation, head of the journal."""


_built: dict[str, Table] = {}


@cache
def column_names(table: Table) -> tuple[str, ...]:
    """Return the names of a table's columns, in order."""
    return tuple(column.name for column in table.c)


def table_of(type_: ResourceType) -> Table:
    """Return the table in which rows of a type are stored."""
    base = type_.base
    if base.type not in _built:
        _built[base.type] = _build(base)
    return _built[base.type]


def complete() -> MetaData:
    """Return the description of the whole schema: every declared type's table and the engine's own.

    The package that declares the types (`trailboss.resources`) must have been imported before.
    """
    for type_ in registry.values():
        if type_.stored:
            table_of(type_)
    return metadata
