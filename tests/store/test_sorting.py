"""A page costs the page, however many rows an account has: for each order and filter that the API offers to somebody
who is bound to one account, and for the order by id that administrators have over all accounts, the database says that
it reads the rows from an index as they come.

Logs have no such indexes: they have a bound. Only what was removed lately is read otherwise: by when it was removed,
and then sorted.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from trailboss.api.schemas import role_view
from trailboss.declare import registry
from trailboss.store import query, sorting
from trailboss.store.database import Connection
from trailboss.store.query import Condition
from trailboss.store.store import Store

pytestmark = pytest.mark.slow

ROLES = ("project", "user", "readonly", "agent")
OWNED = Condition("account_id", "eq", 5)


def offered() -> Iterator[tuple[str, str]]:
    """Return each type that is listed by a query, with each column by which it may be sorted or filtered."""
    views = [
        v
        for role in ROLES
        for v in role_view(role).types.values()
        if v.type.stored and v.is_listable and not v.type.appended
    ]
    seen = {
        (v.type.type, f.name)
        for v in views
        for f in v.filters.values()
        if v.type.behaviour.listed is None and "account_id" in v.type.fields and sorting.may_sort(f)
    }
    return iter(sorted(seen))


OFFERED = list(offered())


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    found = store.database.connect()
    if store.database.is_postgres:
        # what an index gives in order is taken from it, however few rows there are now
        for way in ("seqscan", "sort", "bitmapscan"):
            found.run(f"SET enable_{way} = off")
    yield found
    found.close()


def parts(connection: Connection, sql: str, params: dict[str, Any]) -> list[tuple[str, bool]]:
    """Return how each part of a query reads its rows, and whether it then has to sort them."""
    if connection.database.is_postgres:
        plan = connection.run(f"EXPLAIN (FORMAT JSON, COSTS off) {sql}", params)[0][0]
        return [_part(node) for node in _limits((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])]
    rows = connection.run(f"EXPLAIN QUERY PLAN {sql}", params)
    found = []
    for _, parent, _, detail in rows:
        if re.match(r"(SEARCH|SCAN) (?!anon_)", detail):
            siblings = [d for _, p, _, d in rows if p == parent]
            found.append((detail, any("B-TREE" in d for d in siblings)))
    return found


def _limits(node: dict[str, Any], inside: bool = False) -> Iterator[dict[str, Any]]:
    """Return the innermost limits of a plan: the parts."""
    below = [n for child in node.get("Plans", ()) for n in _limits(child)]
    yield from below
    if node["Node Type"] == "Limit" and not below:
        yield node


def _part(node: dict[str, Any]) -> tuple[str, bool]:
    kinds, text = [], ""
    while node:
        kinds.append(node["Node Type"])
        text = f"{node['Node Type']} {node.get('Index Name', '')} {node.get('Index Cond', '')}"
        node = node.get("Plans", [None])[0]
    return text, "Sort" in kinds or "Incremental Sort" in kinds


OF_ACCOUNT = r"INDEX .*account_id|Index.*account_id|_uuid|PRIMARY KEY|_pkey|_by_removed"


def assert_reads_in_order(connection: Connection, asked: query.Query, right: str = OF_ACCOUNT) -> list[str]:
    sql, params = query.statement(connection.database, asked, 0)
    found = parts(connection, sql, params)
    assert found
    for how, is_sorted in found:
        assert re.search(right, how), (how, sql)
        assert not is_sorted or "by_removed" in how, (how, sql)
    return [how for how, _ in found]


def by_type() -> Iterator[Any]:
    for name, columns in itertools.groupby(OFFERED, lambda pair: pair[0]):
        yield pytest.param(name, [column for _, column in columns], id=name)


@pytest.mark.parametrize(("name", "columns"), list(by_type()))
def test_each_order_is_read_from_an_index(connection: Connection, name: str, columns: list[str]) -> None:
    for sort, descending in itertools.product((None, *columns), (False, True)):
        for after in (None, ("1", 7), (None, 7)):
            value = after and (after[0] and _value(name, sort), after[1])
            asked = query.Query(registry[name], (OWNED,), 0, sort, descending, value, 101)
            assert_reads_in_order(connection, asked)


@pytest.mark.parametrize(("name", "columns"), list(by_type()))
def test_rows_with_a_value_are_read_from_an_index(connection: Connection, name: str, columns: list[str]) -> None:
    for column in columns:
        same = Condition(column, "eq", _value(name, column))
        assert_reads_in_order(connection, query.Query(registry[name], (OWNED, same), 0, limit=101))
        if column not in ("account_id", "created"):
            assert_reads_in_order(connection, query.Query(registry[name], (OWNED, same), 0, "created", limit=101))


@pytest.mark.parametrize("name", list({name: None for name, _ in OFFERED}))
def test_administrators_read_all_accounts_from_an_index_by_id(connection: Connection, name: str) -> None:
    for descending, after in itertools.product((False, True), (None, (None, 7))):
        asked = query.Query(registry[name], (), 0, None, descending, after, 101)
        _, removed = assert_reads_in_order(connection, asked, r"SCAN \w+$|PRIMARY KEY|_pkey|_all_by_removed")
        assert "_all_by_removed" in removed


def test_the_orders_are_those_of_the_api() -> None:
    assert {("container", "name"), ("service", "environment_id"), ("host", "created")} <= set(OFFERED)
    assert len(OFFERED) > 400


def _value(name: str, column: str | None) -> Any:
    if column is None:
        return None
    field = registry[name].fields[column]
    return 1 if field.type.split("[")[0] in ("int", "date", "reference", "boolean") else "1"
