"""Seals again, at the start of a server, what is not sealed with the newest key: after a change of keys, or because it
was stored before there were any. Rows keep their counters and nothing is journaled: nothing anybody sees has changed.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import and_, bindparam, or_, select, update

from trailboss.declare import ResourceType, registry
from trailboss.errors import Permanent
from trailboss.store.tables import column_names, table_of
from trailboss.store.transaction import Tx, decode, sealed

_CHECK = "secrets.check"
_TEXT = "the key of this installation's secrets"


def check(tx: Tx) -> bool:
    """Compare the vault with the one that sealed this database; say if it is the first one. Raises Permanent."""
    vault = tx.connection.database.vault
    kept = tx.fact(_CHECK)
    if kept is not None:
        try:
            vault.open(kept, _CHECK)
        except Permanent as error:
            raise Permanent(
                "the secrets in this database are sealed with a key that this server does not have: give it the file "
                "secrets.key of the data folder it was made in, as --secrets-key-file or in its own data folder"
            ) from error
    if kept is None or not kept.startswith(vault.newest_mark):
        tx.set_fact(_CHECK, vault.seal(_TEXT, _CHECK))
    return kept is None


def reseal(tx: Tx) -> int:
    """Seal what the newest key has not sealed; return how many rows were changed. Raises Permanent for what no key of
    the vault opens."""
    bases = dict.fromkeys(t.base for t in registry.values() if t.stored)
    return sum(_reseal_table(tx, base) for base in bases)


def _reseal_table(tx: Tx, base: ResourceType) -> int:
    table = table_of(base)
    family = [base, *base.children]
    sealable = [(t, f) for t in family for f in t.fields.values() if f.may_be_sealed]
    columns = dict.fromkeys(f.name for _, f in sealable if f.column)
    kinds = {t.type for t, f in sealable if not f.column}
    mark = tx.connection.database.vault.newest_mark
    wanted = [and_(table.c[c].is_not(None), table.c[c].not_like(f"{mark}%")) for c in columns]
    wanted += [table.c.kind == kind for kind in kinds]
    if not wanted:
        return 0
    names = column_names(table)
    rows = tx.run(select(table).where(or_(*wanted)))
    return sum(_reseal_row(tx, base, dict(zip(names, row, strict=True)), mark) for row in rows)


def _reseal_row(tx: Tx, base: ResourceType, stored: dict[str, Any], mark: str) -> bool:
    """Seal one row anew if it needs that; say so. One that somebody changes meanwhile is left: he seals it himself."""
    table, vault = table_of(base), tx.connection.database.vault
    row = decode(base, tuple(stored), tuple(stored.values()), vault)
    fields = {n: f for n, f in type(row).fields.items() if f.may_be_sealed and row.values[n] is not None}
    document = msgspec.json.decode(stored["data"])
    kept = {n: stored[n] if f.column else document["fields"][f.wire] for n, f in fields.items()}
    fresh = {n: v for n, v in sealed(type(row), row.values, {n: row.values[n] for n in fields}, vault).items()
             if fields[n].is_sealed_in(row.values) and not str(kept[n]).startswith(mark)}  # fmt: skip
    if not fresh:
        return False
    changed = {n: v for n, v in fresh.items() if fields[n].column}
    inside = {fields[n].wire: v for n, v in fresh.items() if not fields[n].column}
    if inside:
        document["fields"].update(inside)
        changed["data"] = msgspec.json.encode(document).decode()
    same = and_(
        table.c.id == bindparam("old_id"),
        table.c.generation == bindparam("old_generation"),
        table.c.observed == bindparam("old_observed"),
    )
    tx.run(
        update(table).where(same).values({c: bindparam(c) for c in changed}),
        **changed,
        old_id=stored["id"],
        old_generation=stored["generation"],
        old_observed=stored["observed"],
    )
    return True
