"""All that a database holds, to see that a refusal has changed nothing."""

from __future__ import annotations

from typing import Any

from trailboss.resources.audit_log import AuditLog
from trailboss.resources.credential import Credential
from trailboss.store.store import Store
from trailboss.store.tables import complete, table_name
from trailboss.store.transaction import Read

Contents = dict[str, list[tuple[Any, ...]]]

NOT_LOOKED_AT: dict[str, set[str] | None] = {
    table_name(AuditLog): None,
    table_name(Credential): {"last_used", "observed"},
}
"""What a refusal may change: that it was refused is noted, and now and then that a key was used. None: the table."""


def contents(store: Store) -> Contents:
    """Return the rows of every table of a database, by the table's name."""
    return store.read(_read)


def _read(read: Read) -> Contents:
    found: Contents = {}
    for table in complete().tables.values():
        left_out = NOT_LOOKED_AT.get(table.name, set())
        if left_out is not None:
            columns = ", ".join(f'"{column.name}"' for column in table.columns if column.name not in left_out)
            found[table.name] = read.connection.run(f"SELECT {columns} FROM {table.name} ORDER BY 1, 2")
    return found


def assert_unchanged(before: Contents, after: Contents) -> None:
    """Fail with the rows that differ."""
    differing = {
        name: ([row for row in rows if row not in before[name]], [row for row in before[name] if row not in rows])
        for name, rows in after.items()
        if rows != before[name]
    }
    assert not differing, f"a refusal has changed something (new rows, old rows): {differing}"
