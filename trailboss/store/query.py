"""Pages of rows: conditions on columns, an order, and where to go on; `read.py` of the API says what is wanted.

A page begins after the last row of the one before (its sort value and its id), so it costs the same however deep it
is. The SQL of a query depends only on its shape; the texts of recent shapes are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, and_, bindparam, or_, select
from sqlalchemy.sql import ColumnElement

from trailboss.declare import Resource, ResourceType, registry
from trailboss.store.database import Database
from trailboss.store.tables import table_of
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
    shape = tuple((c.column, c.modifier) for c in query.conditions)
    after = None if query.after is None else query.after[0] is not None
    hide = query.hide_removed_before is not None
    sql, own = _statement(
        read.connection.database, query.type.type, shape, hide, query.sort, query.descending, after
    )  # fmt: skip
    params = {**own, "most": query.limit}
    for number, condition in enumerate(query.conditions):
        if condition.modifier not in _WITHOUT_VALUE:
            params[f"c{number}"] = condition.bound
    if hide:
        params.update(long_ago=query.hide_removed_before, at=read.now)
    if query.after is not None:
        params["after_id"] = query.after[1]
        if after and query.sort is not None:
            params["after_value"] = query.after[0]
    return read.select(query.type, sql, **params)


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
    table = table_of(type_)
    conditions = [COMPARISONS[m](table.c[c], bindparam(f"c{n}")) for n, (c, m) in enumerate(shape)]
    if type_.base is not type_:
        conditions.append(or_(*(table.c.kind == kind for kind in kinds_of(type_))))
    if hide:
        conditions.append(_is_shown(table, type_))
    key = table.c[sort] if sort else table.c.id
    if after is not None:
        conditions.append(_comes_after(table, key, descending, after))
    order = [key.is_(None), key] if sort else []
    order = [*order[:-1], order[-1].desc()] if descending and order else order
    order.append(table.c.id.desc() if descending else table.c.id)
    statement = select(table).where(and_(True, *conditions)).order_by(*order).limit(bindparam("most"))
    return database.text(statement)


def _is_shown(table: Table, type_: ResourceType) -> ColumnElement[bool]:
    """Removed rows are shown for a while, until they are purged (10-hosts section 1.3)."""
    not_yet_purged = or_(table.c.remove_time.is_(None), table.c.remove_time > bindparam("at"))
    recent = and_(table.c.removed >= bindparam("long_ago"), not_yet_purged)
    shown = or_(table.c.removed.is_(None), recent)
    return and_(shown, or_(table.c.state.is_(None), table.c.state != "purged"))


def _comes_after(table: Table, key: ColumnElement[Any], descending: bool, has_value: bool) -> ColumnElement[bool]:
    """Rows that follow the last one of the page before; nulls come last in both directions."""
    id_: ColumnElement[Any] = table.c.id
    last_id: ColumnElement[Any] = bindparam("after_id")
    further = id_ < last_id if descending else id_ > last_id
    if key is id_:
        return further
    if not has_value:
        return and_(key.is_(None), further)
    last: ColumnElement[Any] = bindparam("after_value")
    beyond = key < last if descending else key > last
    return or_(beyond, and_(key == last, further), key.is_(None))
