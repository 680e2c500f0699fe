"""By what rows are sorted, and the indexes that make a page cost the page, however many rows an account has.

Each column by which somebody who is bound to one account may sort has an index of (account, column, id) over the rows
that are not removed; those that were removed lately, which lists still show, have one of (account, removed), and for
lists over all accounts one of (removed). Those, which only administrators have, come from an index by id alone: more
indexes would cost whoever creates something, and mislead PostgreSQL. All of it follows from the declarations.

Nulls are smaller than any value, texts compare by code points: the same on both databases. The indexes are no part of
the SQLAlchemy schema, since it has no word that means the same on both. `query.py` is the only user.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Text, and_, collate, func, literal_column
from sqlalchemy.sql import ColumnElement

from trailboss.declare import ROLES, Field, ResourceType, registry
from trailboss.store.tables import columns_of, index_name, table_name

ALL_ACCOUNTS = ("admin", "service", "superadmin")
"""Roles that see the rows of every account."""
LONGEST = 4096
"""Characters of a text by which rows are sorted, at most. What may be longer (a certificate) has no order."""
_POSTGRES_CHARACTERS = 255
"""Of a text in an index of PostgreSQL: entries have 2704 bytes. Texts that begin alike come in the order of ids."""


@dataclass(frozen=True)
class SortIndex:
    """An index of the live rows of a table; of the removed ones, for the column `removed`. column: None: only by id.
    has_account: the rows of each account are apart. of_all: they could be, and are not."""

    table: str
    column: str | None
    is_text: bool = False
    has_account: bool = True
    of_all: bool = False

    @property
    def name(self) -> str:
        """Name of the index in the database."""
        prefix = "all_by" if self.of_all else "by"
        return index_name(self.table, f"{prefix}_{self.column}" if self.column else "live")

    def ddl(self, is_postgres: bool) -> str:
        """Return the statement that makes it."""
        columns = ["account_id"] if self.has_account else []
        if self.column == "removed":
            return self._of(*columns, "removed", where="removed IS NOT NULL")
        if self.column and is_postgres:
            key = f'"left"("{self.column}", {_POSTGRES_CHARACTERS}) COLLATE "C"' if self.is_text else f'"{self.column}"'
            columns.append(f"{key} NULLS FIRST")
        elif self.column:
            columns.append(f'"{self.column}"')
        return self._of(*columns, "id", where="removed IS NULL")

    def _of(self, *columns: str, where: str) -> str:
        return f"CREATE INDEX {self.name} ON {self.table} ({', '.join(columns)}) WHERE {where}"


def may_sort(field: Field[Any]) -> bool:
    """Say whether rows can be sorted by a field: a column that somebody may read and that is not declared to have no
    index, no secret, no long text."""
    is_short = field.max_length is None or field.max_length <= LONGEST
    return field.column and field.read != () and field.indexed is not False and not field.secret and is_short


def indexes_of(base: ResourceType) -> list[SortIndex]:
    """Return the indexes of a base type's table: none if nobody who is bound to an account lists it by a query, and
    none for a log, which is written all the time, read rarely, and has a bound."""
    columns = columns_of(base)
    has_account = "account_id" in columns
    family = [base, *base.children]
    readers = {role for t in family for role, letters in t.roles.items() if t.listable and "r" in letters}
    bound = {role for role in ROLES if role not in ALL_ACCOUNTS} if has_account else set(ROLES)
    if base.behaviour.listed is not None or base.appended or not readers & bound:
        return []
    sorted_by = [
        SortIndex(table_name(base), name, _is_text(field), has_account)
        for name, field in columns.items()
        if name not in ("id", "account_id", "removed")
        and may_sort(field)
        and (field.read is None or set(field.read) & bound)
    ]
    ends = [SortIndex(table_name(base), column, has_account=has_account) for column in (None, "removed")]
    of_all = [SortIndex(table_name(base), "removed", has_account=False, of_all=True)] if has_account else []
    return [*ends, *of_all, *sorted_by]


def _is_text(field: Field[Any]) -> bool:
    return field.type.split("[")[0] not in ("int", "date", "reference", "boolean")


def all_indexes() -> list[SortIndex]:
    """Return the indexes of all declared types (`trailboss.resources` must have been imported before)."""
    return [index for t in registry.values() if t.stored and not t.window and t.base is t for index in indexes_of(t)]


def is_compared(_: Any, name: str | None, kind: str, *__: Any) -> bool:
    """Say whether Alembic shall compare a thing of the database with the schema: these indexes are not in it."""
    return kind != "index" or name not in {index.name for index in all_indexes()}


def key(column: Column[Any], is_postgres: bool) -> ColumnElement[Any]:
    """Return what rows are sorted by for a column, in the words of its index."""
    return _shortened(column) if is_postgres and isinstance(column.type, Text) else column


def equals(column: Column[Any], value: ColumnElement[Any], is_postgres: bool) -> ColumnElement[bool]:
    """Return the condition that a column has a value, so that its index can be used."""
    short = key(column, is_postgres)
    return column == value if short is column else and_(short == _shortened(value), column == value)


def _shortened(text: ColumnElement[Any]) -> ColumnElement[Any]:
    # a literal: with a parameter it would not be the expression of the index
    return collate(func.left(text, literal_column(str(_POSTGRES_CHARACTERS))), "C")


def key_of(value: Any, is_postgres: bool) -> Any:
    """Return what a row with that value is sorted by."""
    return value[:_POSTGRES_CHARACTERS] if is_postgres and isinstance(value, str) else value
