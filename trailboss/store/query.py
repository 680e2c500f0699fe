"""Pages of rows: conditions on columns, an order, and where to go on; `read.py` of the API says what is wanted.

A page begins after the last row of the one before (its sort value and its id), so it costs the same however deep it
is. The SQL of a query depends only on its shape; the texts of recent shapes are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, Table, and_, bindparam, func, literal_column, or_, select, true, union_all
from sqlalchemy.sql import ColumnElement

from trailboss.declare import Resource, ResourceType, registry
from trailboss.store import sorting
from trailboss.store.database import Database
from trailboss.store.tables import column_names, table_of
from trailboss.store.transaction import Read, kinds_of

Comparison = Callable[[ColumnElement[Any], ColumnElement[Any]], ColumnElement[bool]]

_ESCAPE = "\\"
COMPARISONS: dict[str, Comparison] = {
    "eq": lambda column, value: column == value,
    "ne": lambda column, value: column != value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "prefix": lambda column, value: column.ilike(value, escape=_ESCAPE),
    "like": lambda column, value: column.ilike(value, escape=_ESCAPE),
    "notlike": lambda column, value: column.not_ilike(value, escape=_ESCAPE),
    "null": lambda column, value: column.is_(None),
    "notnull": lambda column, value: column.is_not(None),
}
"""Every filter modifier of the API."""
_WITHOUT_VALUE = ("null", "notnull")


@dataclass(frozen=True)
class Condition:
    """column: its Python name; modifier: a key of COMPARISONS; value: as it is stored (null, notnull: none)."""

    column: str
    modifier: str
    value: Any = None

    @property
    def bound(self) -> Any:
        """The value as the statement takes it: patterns with their backslashes escaped."""
        if self.modifier == "prefix":
            return _escaped(self.value).replace("%", r"\%").replace("_", r"\_") + "%"
        return _escaped(self.value) if self.modifier in ("like", "notlike") else self.value


def _escaped(pattern: Any) -> str:
    return str(pattern).replace(_ESCAPE, _ESCAPE * 2)


@dataclass(frozen=True)
class Query:
    """Which rows are wanted.

    hide_removed_before: rows removed before this moment (ms) are left out, and those whose time to be purged has come;
    None: removed or not. sort: Python name of a column, None: by id. after: sort value and id of the last row of the
    page before.
    """

    type: ResourceType
    conditions: tuple[Condition, ...] = ()
    hide_removed_before: int | None = None
    sort: str | None = None
    descending: bool = False
    after: tuple[Any, int] | None = None
    limit: int = 100


def rows(read: Read, query: Query) -> list[Resource]:
    """Return the rows of a query, in its order."""
    sql, params = statement(read.connection.database, query, read.now)
    return read.select(query.type, sql, **params)


def statement(database: Database, query: Query, now: int) -> tuple[str, dict[str, Any]]:
    """Return the text of a query and its parameters. now: ms since 1970."""
    shape = tuple((c.column, c.modifier) for c in query.conditions)
    # what all rows have in common puts them into no order
    sort = None if query.sort == "id" or (query.sort, "eq") in shape else query.sort
    after = None if query.after is None else query.after[0] is not None
    hide = query.hide_removed_before is not None
    sql, own = _statement(database, query.type.type, shape, hide, sort, query.descending, after)
    params = {**own, "most": query.limit}
    for number, condition in enumerate(query.conditions):
        if condition.modifier not in _WITHOUT_VALUE:
            params[f"c{number}"] = condition.bound
    if hide:
        params.update(long_ago=query.hide_removed_before, at=now)
    if query.after is not None:
        params["after_id"] = query.after[1]
        if after and sort is not None:
            params["after_value"] = sorting.key_of(query.after[0], database.is_postgres)
    return sql, params


@lru_cache(maxsize=512)
def _statement(
    database: Database,
    type_name: str,
    shape: tuple[tuple[str, str], ...],
    hide: bool,
    sort: str | None,
    descending: bool,
    after: bool | None,
) -> tuple[str, dict[str, Any]]:
    """Return the text of a query's shape, and the parameters that do not vary."""
    type_ = registry[type_name]
    order = _Order(table_of(type_), sort, descending, database.is_postgres)
    conditions = [order.narrowed(column, modifier, f"c{n}") for n, (column, modifier) in enumerate(shape)]
    if type_.base is not type_:
        kinds = [order.loosely("kind") == kind for kind in kinds_of(type_)]
        conditions.append(or_(*kinds))
    pages = [_page(order, and_(True, *conditions, part), by) for part, by in _parts(order, hide, after)]
    merged = (union_all(*(select(p.subquery()) for p in pages)) if len(pages) > 1 else pages[0]).subquery()
    by = order.directed(merged.c[_KEY], merged.c.id)
    columns = (merged.c[name] for name in column_names(order.table))
    return database.text(select(*columns).order_by(*by).limit(bindparam("most")))


def _page(order: _Order, condition: ColumnElement[bool], by: _Terms) -> Select[Any]:
    """Return a page of the rows of one part, in order: they come from one index as they are."""
    key = order.key if order.sort else literal_column("0")
    return select(order.table, key.label(_KEY)).where(condition).order_by(*by).limit(bindparam("most"))


_KEY = "sort_key"
_Terms = list[ColumnElement[Any]]


@dataclass(frozen=True)
class _Order:
    """In which order rows come, in the words of the database. sort: name of a column; None: by id."""

    table: Table
    sort: str | None
    descending: bool
    is_postgres: bool

    @property
    def key(self) -> ColumnElement[Any]:
        """What they are sorted by before their ids."""
        return sorting.key(self.table.c[self.sort], self.is_postgres) if self.sort else self.table.c.id

    @property
    def by(self) -> _Terms:
        """The terms of the order."""
        return self.directed(self.key, self.table.c.id)

    @property
    def loosely_by(self) -> _Terms:
        """The same terms in a form that chooses no index."""
        return self.directed(func.coalesce(self.key, None), func.coalesce(self.table.c.id, None))

    def directed(self, key: ColumnElement[Any], id_: ColumnElement[Any]) -> _Terms:
        """Return the terms of this order for what is selected as these two."""
        if self.sort is None:
            return [id_.desc() if self.descending else id_]
        if self.descending:
            return [key.desc().nulls_last(), id_.desc()]
        return [key.asc().nulls_first(), id_]

    def narrowed(self, column: str, modifier: str, parameter: str) -> ColumnElement[bool]:
        """Return the condition of a filter, so that an index is used for it where that is of use."""
        filtered = self.table.c[column]
        value: ColumnElement[Any] = bindparam(parameter)
        if modifier != "eq":
            return COMPARISONS[modifier](filtered, value)
        if self.sort is not None and not column.endswith("_id") and column not in _SELECTIVE:
            return self.loosely(column) == value
        return sorting.equals(filtered, value, self.is_postgres)

    def loosely(self, column: str) -> ColumnElement[Any]:
        """Return a column for a condition that does not choose the index, when the order shall: of rows in a state
        there may be as many as there are rows, and they would have to be sorted. PostgreSQL has counted them."""
        plain = self.is_postgres or self.sort is None
        return self.table.c[column] if plain else func.coalesce(self.table.c[column], None)


_SELECTIVE = ("id", "uuid", "name")
"""Columns, besides references, that few rows have in common."""


def _parts(order: _Order, hide: bool, after: bool | None) -> list[tuple[ColumnElement[bool], _Terms]]:
    """Return the parts that together are the rows of a page, each with its order: it can be read from one index."""
    table = order.table
    if not hide:
        return [(part, order.by) for part in _following(order, after)]
    live = table.c.removed.is_(None)
    by, following = order.by, _following(order, after)
    if order.sort == "removed":
        # they all have the same value, none, which comes before the others or after them
        by = replace(order, sort=None).by
        following = following[:1] if not after else [true()] if order.descending else []
    not_yet_purged = or_(table.c.remove_time.is_(None), table.c.remove_time > bindparam("at"))
    # removed rows are shown for a while, until they are purged (10-hosts section 1.3)
    recent = and_(table.c.removed >= bindparam("long_ago"), not_yet_purged, table.c.state != "purged")
    comes_after = or_(*_following(order, after, loosely=True))
    return [*((and_(live, part), by) for part in following), (and_(recent, comes_after), order.loosely_by)]


def _following(order: _Order, after: bool | None, loosely: bool = False) -> list[ColumnElement[bool]]:
    """Return, as parts that need no sorting, which rows follow the last one of the page before.

    loosely: as conditions that choose no index.
    """
    if after is None:
        return [true()]
    further, beyond, equal = _compared(order, after, loosely)
    if order.sort is None:
        return [further]
    return [and_(equal, further), *beyond]


def _compared(
    order: _Order, has_value: bool | None, loosely: bool
) -> tuple[ColumnElement[bool], list[ColumnElement[bool]], ColumnElement[bool]]:
    """Return: has a later id; has a later sort value (as parts: nulls are smaller than any value); has the same one."""
    id_: ColumnElement[Any] = order.table.c.id
    key = order.key
    if loosely:
        id_, key = func.coalesce(id_, None), func.coalesce(key, None)
    last_id: ColumnElement[Any] = bindparam("after_id")
    last: ColumnElement[Any] = bindparam("after_value")
    further = id_ < last_id if order.descending else id_ > last_id
    if not has_value:
        return further, ([] if order.descending else [key.is_not(None)]), key.is_(None)
    beyond = [key < last, key.is_(None)] if order.descending else [key > last]
    return further, beyond, key == last
